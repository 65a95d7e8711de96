"""MusicXML condensed to YAML and back, as Chord Llama does it for language models, one part or many.

docs/chord-llama.md shows the format.
"""

from __future__ import annotations

from partimento.io.yaml.rows import (
    BUDGET,
    FIELDS,
    Row,
    chord_llama_rows,
    estimated_tokens,
    from_rows,
    read_rows,
    tokenizer_counter,
)

__all__ = [
    "BUDGET",
    "FIELDS",
    "Row",
    "chord_llama_rows",
    "estimated_tokens",
    "from_rows",
    "read_rows",
    "tokenizer_counter",
]

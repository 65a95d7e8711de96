"""Rows of text, for models that read music in the tokens of a language model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from partimento.data.prepare.options import Options
from partimento.errors import BadInput
from partimento.io.yaml.rows import FIELDS, chord_llama_rows, estimated_tokens
from partimento.plan import Compose
from partimento.representations import TextRepresentation
from partimento.score import Score

_WORDS = ("piece", "source", "licence", "title", "style")
_MOST_PARTS = 1_000


def text_fields(representation: TextRepresentation) -> tuple[str, ...]:
    """Columns of a row that hold its text; Chord Llama's rows have three."""
    return FIELDS if representation.name == "chord_llama" else ("text",)


def text_schema(representation: TextRepresentation) -> Any:
    """Columns of a shard of text; `tokens` is a guess for the vocabulary of Llama 3."""
    words = [(name, pa.string()) for name in (*text_fields(representation), *_WORDS)]
    return pa.schema([*words, *((name, pa.int32()) for name in ("tokens", "notes", "chunk"))])


class TextRows:
    """Pieces as rows of text, whole or in parts of nearly equal length."""

    def __init__(self, representation: TextRepresentation, options: Options) -> None:
        """`options`: how pieces are cut; a row of Chord Llama has as many tokens, input and output together."""
        self._representation, self._options = representation, options
        self._rows = list[dict[str, Any]]()
        self._fields = text_fields(representation)

    def add(self, score: Score, place: int) -> dict[str, int]:
        """The rows of a piece.

        Args:
            score: the piece.
            place: its row in the table of pieces.

        Returns:
            Number of `rows` and `tokens`.

        Raises:
            BadInput: a part that cannot be divided is longer than a row.
        """
        texts = list(self._texts(score))
        notes = [
            len(score.notes) * (k + 1) // len(texts) - len(score.notes) * k // len(texts) for k in range(len(texts))
        ]
        counts = [sum(map(estimated_tokens, text.values())) for text in texts]
        for chunk, (text, count, share) in enumerate(zip(texts, counts, notes, strict=True)):
            self._rows.append({**text, "place": place, "tokens": count, "notes": share, "chunk": chunk})
        return {"rows": len(texts), "tokens": sum(counts)}

    def table(self) -> Any:
        """All rows: texts, place, tokens, notes, chunk."""
        words = [(name, pa.string()) for name in self._fields]
        numbers = [(name, pa.int32()) for name in ("place", "tokens", "notes", "chunk")]
        return pa.Table.from_pylist(self._rows, schema=pa.schema([*words, *numbers]))

    def _texts(self, score: Score) -> Iterator[dict[str, str]]:
        if self._representation.name == "chord_llama":
            yield from chord_llama_rows(score, self._options.context)
            return
        whole = self._representation.write(score, Compose())
        parts = math.ceil(estimated_tokens(whole) / self._options.context)
        while True:
            texts = [whole] if parts < 2 else [self._representation.write(p, t) for p, t in _parts(score, parts)]
            if max(map(estimated_tokens, texts)) <= self._options.context:
                break
            if parts >= min(len(score.measures), _MOST_PARTS):
                raise BadInput(f"a part that cannot be divided has more than {self._options.context} tokens of text")
            parts += 1
        yield from ({"text": text} for text in texts)


def _parts(score: Score, count: int) -> Iterator[tuple[Score, Compose]]:
    """A piece in parts of equally many bars."""
    bars = len(score.measures)
    count = min(count, bars)
    for index in range(count):
        first, last = bars * index // count, bars * (index + 1) // count
        yield score.slice_bars(first, last), Compose(opens_midway=index > 0, ends_midway=index < count - 1)

"""Rows of text, for models that read music in the tokens of a language model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa

from partimento.data.prepare.options import Options
from partimento.errors import BadInput
from partimento.io.yaml.rows import FIELDS, chord_llama_rows, estimated_tokens
from partimento.notation import engrave
from partimento.plan import Compose
from partimento.representations import TextRepresentation
from partimento.score import Score
from partimento.score.excerpts import cut

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
        most = self._options.context
        if self._representation.is_notation:
            score = engrave(score)
        if self._representation.name == "chord_llama":
            for row in chord_llama_rows(score, most):
                if sum(map(estimated_tokens, row.values())) > most:
                    raise BadInput(f"a measure has more than {most} tokens of text")
                yield row
            return
        whole = self._representation.write(score, Compose())
        parts = math.ceil(estimated_tokens(whole) / most)
        while True:
            texts = [whole] if parts < 2 else [self._representation.write(p, t) for p, t in _parts(score, parts)]
            if max(map(estimated_tokens, texts)) <= most:
                break
            if parts >= min(len(score.measures) or _MOST_PARTS, _MOST_PARTS):
                raise BadInput(f"a part that cannot be divided has more than {most} tokens of text")
            parts += 1
        yield from ({"text": text} for text in texts)


def _parts(score: Score, count: int) -> Iterator[tuple[Score, Compose]]:
    """A piece in parts of equally many bars, or equally long ones where there are no bars."""
    bars = score.measures["onset_tick"].tolist()
    places = [*bars, score.end_tick] if bars else list(range(score.end_tick + 1))
    count = min(count, len(places) - 1)
    edges = [places[(len(places) - 1) * index // count] for index in range(count + 1)]
    for first, last in pairwise(edges):
        yield cut(score, first, last), Compose(opens_midway=first > edges[0], ends_midway=last < edges[-1])

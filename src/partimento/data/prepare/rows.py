"""Rows of tokens, gathered without a Python object per token, and the columns of all tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from partimento.data.dataset import ids_type
from partimento.data.prepare.options import Options
from partimento.plan import Compose
from partimento.representations import Representation
from partimento.representations.cutting import Window, encoded_windows, even_windows
from partimento.score import Score

PIECES = pa.schema(
    [
        *((name, pa.string()) for name in ("piece", "path")),
        ("number", pa.int32()),
        *((name, pa.string()) for name in ("source", "licence", "title", "composer", "style")),
        *((name, pa.string()) for name in ("stated_split", "work", "content")),
        ("notes", pa.int32()),
        ("seconds", pa.float64()),
        *((name, pa.int32()) for name in ("bars", "rows", "tokens")),
        *((name, pa.string()) for name in ("key", "meter")),
        ("tempo", pa.float64()),
        ("programs", pa.list_(pa.int16())),
        ("facts", pa.string()),
        ("source_facts", pa.string()),
        ("captions", pa.list_(pa.string())),
        ("sketch", pa.binary()),
    ]
)
"""What is known of a piece after its file was read."""


class TokenRows:
    """Windows of pieces as ids."""

    def __init__(self, representation: Representation[Any], options: Options) -> None:
        """`options`: how pieces are cut."""
        self._representation, self._options = representation, options
        self._ids = list[NDArray[np.int32]]()
        self._prompts, self._notes, self._places, self._chunks = (list[int]() for _ in range(4))
        self._openers = _openers(representation) if options.half else np.empty(0, np.int64)

    def add(self, score: Score, place: int) -> dict[str, int]:
        """The rows of a piece.

        Args:
            score: the piece.
            place: its row in the table of pieces.

        Returns:
            Number of `rows` and `tokens`.
        """
        windows = [window for window in self._windows(score) if window.notes]
        tokens = 0
        for chunk, window in enumerate(windows):
            ids, prompt = window.encoded.ids, len(window.encoded.prompt)
            tokens += len(ids)
            self._ids.append(ids)
            self._prompts.append(self._middle(ids) if self._options.half else prompt)
            self._notes.append(window.notes)
            self._places.append(place)
            self._chunks.append(chunk)
        return {"rows": len(windows), "tokens": tokens}

    def table(self) -> Any:
        """All rows: ids, prompt_length, place, chunk, notes."""
        lengths = np.array([len(ids) for ids in self._ids], np.int32)
        offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
        value_type = ids_type(len(self._representation.tokens))
        flat = np.concatenate(self._ids or [np.empty(0, np.int32)]).astype(value_type.to_pandas_dtype())
        columns = {
            "ids": pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat)),
            "prompt_length": pa.array(self._prompts, pa.int32()),
            "place": pa.array(self._places, pa.int32()),
            "chunk": pa.array(self._chunks, pa.int32()),
            "notes": pa.array(self._notes, pa.int32()),
        }
        return pa.table(columns)

    def _windows(self, score: Score) -> Iterable[Window]:
        cut = even_windows if self._options.chunks == "even" else encoded_windows
        return cut(self._representation, score, Compose(), self._options.context)

    def _middle(self, ids: NDArray[np.int32]) -> int:
        """Where the second half begins: at the barline (or event) nearest to the middle, if there is one inside."""
        inside = np.flatnonzero(np.isin(ids, self._openers))
        inside = inside[inside > 1]
        middle = len(ids) // 2
        return int(inside[np.abs(inside - middle).argmin()]) if len(inside) else middle


def _openers(representation: Representation[Any]) -> NDArray[np.int64]:
    """Ids of tokens that open a bar; where there are no bars, of those that open an event by its time."""
    for words in (("bar", "|"), ("time", "shift")):
        found = [i for i, token in enumerate(representation.tokens) if token.lower().startswith(words)]
        if found:
            return np.array(found, np.int64)
    return np.empty(0, np.int64)

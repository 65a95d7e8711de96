"""What is done with a shard of files: they are read, filtered, annotated and encoded. A function of plan and number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from partimento.data.prepare.pieces import describe, load
from partimento.data.prepare.rows import PIECES, TokenRows
from partimento.data.prepare.texts import TextRows
from partimento.data.prepare.work import PlannedFile, Work
from partimento.errors import PartimentoError
from partimento.representations import TextRepresentation

Beat = Callable[[int], None]
"""Is told the position of each file, in the order of the shard, as work on it begins."""


class Shard:
    """The pieces and rows of a shard, as they grow."""

    def __init__(self, work: Work) -> None:
        self.pieces = list[dict[str, Any]]()
        self.failures = list[dict[str, str]]()
        self._options, self._read = work.method.options, work.read
        self._rows = _empty_rows(work)

    def add(self, planned: PlannedFile) -> None:
        """All pieces of a file; what cannot be used is a failure."""
        licences = self._options.licences
        if licences and planned.file.licence not in licences:
            self.fail(planned, f"its licence is {planned.file.licence}")
            return
        try:
            scores = load(planned, self._read)
        except Exception as error:
            self.fail(planned, _reason(error).removeprefix(f"{planned.file.path}: "))
            return
        for number, score in enumerate(scores):
            try:
                piece = describe(score, number, planned, self._options)
                self.pieces.append(piece.row | self._rows.add(piece.score, len(self.pieces)))
            except Exception as error:
                self.fail(planned, _reason(error))

    def fail(self, planned: PlannedFile, reason: str) -> None:
        """Leave a file, or a piece of it, out."""
        self.failures.append({"file": planned.name, "source": planned.file.source, "reason": reason})

    def write(self, work: Work, index: int) -> None:
        """Write both tables."""
        work.write("pieces", index, pa.Table.from_pylist(self.pieces, PIECES))
        work.write("rows", index, self._rows.table())


def run_shard(work: Work, index: int, skip: Mapping[int, str], beat: Beat) -> dict[str, Any]:
    """Read a shard and write its tables; nothing is to be seen of it until it is whole.

    Args:
        work: plan and folder.
        index: number of the shard.
        skip: positions of files that must not be touched, with the reasons.
        beat: see `Beat`.

    Returns:
        Counts of files, pieces, notes and tokens, and the failures.
    """
    shard, files = Shard(work), work.files_of(index)
    for position, planned in enumerate(files):
        beat(position)
        if position in skip:
            shard.fail(planned, skip[position])
        else:
            shard.add(planned)
    shard.write(work, index)
    counts = {
        "files": len(files),
        "pieces": len(shard.pieces),
        "notes": sum(row["notes"] for row in shard.pieces),
        "tokens": sum(row["tokens"] for row in shard.pieces),
        "failures": shard.failures,
    }
    work.finish("read", index, counts)
    return counts


def _empty_rows(work: Work) -> TokenRows | TextRows:
    if isinstance(work.representation, TextRepresentation):
        return TextRows(work.representation, work.method.options)
    return TokenRows(work.representation, work.method.options)


def _reason(error: Exception) -> str:
    if isinstance(error, PartimentoError):
        return str(error)
    if isinstance(error, MemoryError):
        return "it takes more memory than a worker may have"
    return f"it breaks the reader ({type(error).__name__}: {' '.join(str(error).split())[:200]}); please report it"

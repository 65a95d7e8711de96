"""What `prepare` did, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from partimento.data.dataset import SPLITS
from partimento.data.prepare.work import Work


def _per_split() -> dict[str, int]:
    return dict.fromkeys(SPLITS, 0)


@dataclass
class Report:
    """Counts, and what was left out."""

    files: int = 0
    pieces: int = 0
    """Found usable, duplicates among them."""
    duplicates: int = 0
    """Left out because another piece is the same."""
    rows: dict[str, int] = field(default_factory=_per_split)
    tokens: dict[str, int] = field(default_factory=_per_split)
    notes: dict[str, int] = field(default_factory=_per_split)
    kept: dict[str, int] = field(default_factory=_per_split)
    """Pieces by split."""
    sources: dict[str, int] = field(default_factory=dict[str, int])
    """Pieces that were kept, by source."""
    licences: dict[str, int] = field(default_factory=dict[str, int])
    """Pieces that were kept, by licence."""
    failures: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """File, source and reason of what could not be used."""

    def reasons(self) -> list[tuple[str, int]]:
        """Reasons for leaving music out, the most frequent first."""
        return Counter(failure["reason"] for failure in self.failures).most_common()


def report_of(work: Work, groups: int) -> Report:
    """The report of a run whose shards are all done.

    Args:
        work: its folder.
        groups: number of shards of the dataset.
    """
    report = Report(files=work.files)
    for shard in range(work.shards):
        counts = _counts(work, "read", shard)
        report.pieces += counts["pieces"]
        report.failures += counts["failures"]
    for group in range(groups):
        counts = _counts(work, "wrote", group)
        for name, total in (
            ("rows", report.rows), ("tokens", report.tokens), ("notes", report.notes), ("pieces", report.kept),
            ("sources", report.sources), ("licences", report.licences),
        ):  # fmt: skip
            for key, count in counts[name].items():
                total[key] = total.get(key, 0) + count
    report.duplicates = report.pieces - sum(report.kept.values())
    return report


def _counts(work: Work, kind: str, shard: int) -> dict[str, Any]:
    counts = work.counts(kind, shard)
    assert counts is not None
    return counts

"""The best of several pieces for one plan, and why.

First comes what is sound: no degenerate piece, no copy. Then what follows most of the wishes; the share of the time in
the key and on the chords decides no more than whether they hold. Of equals the one that sounds nearest to music by
people is kept (`sounding` says what that means, and what it cannot tell).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from partimento.evaluation.checking import CheckReport, report
from partimento.evaluation.copy_index import CopyHashes
from partimento.evaluation.sounding import Sound, sound_of
from partimento.plan import Plan
from partimento.plan.parse import Understood
from partimento.score import Score

HEAD = ("candidate", "faults", "copied", "followed", "violated", "sounds", "least like people in", "")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which piece is kept, and what was found about all of them."""

    index: int
    why: str
    reports: tuple[CheckReport, ...]
    sounds: tuple[Sound, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """A table of the candidates, its head first."""
        return [HEAD, *(self._row(k) for k in range(len(self.reports)))]

    def _row(self, index: int) -> tuple[str, ...]:
        found, sound = self.reports[index], self.sounds[index]
        copied = "–" if found.copied is None else f"{found.copied.run.notes} notes" if found.copied.run.notes else "no"
        counts = (str(len(found.faults)), copied, str(found.followed), str(found.violated))
        kept = "kept" if index == self.index else ""
        return (str(index + 1), *counts, f"{sound.score:.2f}", ", ".join(sound.oddest()), kept)


def best_of(
    candidates: Sequence[Score], plan: Plan, understood: Understood | None = None, hashes: CopyHashes | None = None
) -> Choice:
    """Choose among pieces.

    Args:
        candidates: at least one.
        plan: what was asked for.
        understood: the prompt that it came from, if there was one.
        hashes: the index of the model's training music, if there is one.
    """
    reports = tuple(report(plan, understood, score, hashes.check(score) if hashes else None) for score in candidates)
    sounds = tuple(map(sound_of, candidates))
    ranks = [_rank(found, sound) for found, sound in zip(reports, sounds, strict=True)]
    index = max(range(len(ranks)), key=ranks.__getitem__)
    return Choice(index, _why(index, reports, ranks), reports, sounds)


def _rank(found: CheckReport, sound: Sound) -> tuple[int, int, int, float]:
    is_copy = found.copied is not None and found.copied.is_copy
    return -len(found.faults), -is_copy, -found.violated, round(sound.score, 6)


def _why(index: int, reports: Sequence[CheckReport], ranks: Sequence[tuple[int, int, int, float]]) -> str:
    """In one sentence, the first thing that sets it apart."""
    chosen, best = f"candidate {index + 1} of {len(ranks)}", ranks[index]
    if len(ranks) == 1:
        return f"{chosen}: there is no other"
    rivals = list(ranks)
    reasons: list[str] = []
    for place, words in enumerate(("the fewest faults", "no copy", "the fewest wishes violated")):
        beaten = [rank for rank in rivals if rank[place] < best[place]]
        reasons += (
            [f"{words} ({len(beaten)} {'others have' if len(beaten) > 1 else 'other has'} more)"] if beaten else []
        )
        rivals = [rank for rank in rivals if rank[place] == best[place]]
    if len(rivals) > 1:
        second = sorted(rank[3] for rank in rivals)[-2]
        among = "of all" if len(rivals) == len(ranks) else f"of the {len(rivals)} left"
        reasons.append(f"sounds nearest to music by people {among} ({best[3]:.2f}, the next {second:.2f})")
    followed = f"{reports[index].followed} of {len(reports[index].wishes)} wishes followed"
    return f"{chosen}: {followed}; {'; '.join(reasons) or 'all are alike'}"

"""What became of a prompt: each of its phrases followed, violated or not checkable, with the evidence.

`partimento.plan.check` measures the wishes of the plan on the notes; here the verdicts are laid on the words that the
wishes were read from, and what was wrong beside the wishes (faults, copies) joins them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from partimento.analysis.faults import faults
from partimento.errors import BadPlan
from partimento.evaluation.copy_index import Copied
from partimento.generation.layout import laid_out
from partimento.plan import Plan
from partimento.plan.check import check, sounding_programs
from partimento.plan.ensemble import Mention
from partimento.plan.parse import Understood
from partimento.plan.sentence import Wish
from partimento.plan.verdict import Verdict
from partimento.plan.wishes import MAX_BARS
from partimento.score import Score
from partimento.theory.instrument import instrument_name


@dataclass(frozen=True, slots=True)
class Phrase:
    """Some words of the prompt and what became of them."""

    start: int
    end: int
    """They are `text[start:end]`."""
    followed: bool | None
    """None where notes cannot tell, or something stronger was asked for."""
    evidence: str
    """`key: asked Eb major, measured Eb major (confidence 0.93)`."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that was found about a piece and the wishes that it was written for."""

    text: str
    """The prompt; empty without one."""
    phrases: tuple[Phrase, ...]
    """In the order of the text, without overlaps."""
    verdicts: tuple[Verdict, ...]
    """On the wishes of the plan, and on what every piece has to hold."""
    faults: tuple[str, ...] = ()
    """What is degenerate."""
    copied: Copied | None = None
    """The longest run of notes that it shares with a training piece; None where no index was asked."""

    @property
    def wishes(self) -> tuple[Verdict, ...]:
        """The verdicts on what was asked for."""
        return tuple(verdict for verdict in self.verdicts if verdict.field)

    @property
    def followed(self) -> int:
        """How many wishes are followed."""
        return sum(verdict.followed is True for verdict in self.wishes)

    @property
    def violated(self) -> int:
        """How many wishes are violated."""
        return sum(verdict.followed is False for verdict in self.wishes)

    @property
    def copy_words(self) -> str:
        """One line on what is shared with the training music."""
        if self.copied is None:
            return "copies: the model has no index of its training music (`partimento copies` writes one)"
        return f"{'COPIED: ' if self.copied.is_copy else 'copies: '}{self.copied}"

    def spans(self) -> Iterator[tuple[str, Phrase | None]]:
        """The prompt in pieces, each with its phrase, or None for words that say nothing checkable."""
        place = 0
        for phrase in self.phrases:
            if phrase.start > place:
                yield self.text[place : phrase.start], None
            yield self.text[phrase.start : phrase.end], phrase
            place = phrase.end
        if place < len(self.text):
            yield self.text[place:], None

    def to_dict(self) -> dict[str, Any]:
        """For `.plan.json`."""
        phrases = [
            {
                "words": self.text[p.start : p.end],
                "start": p.start,
                "end": p.end,
                "followed": p.followed,
                "evidence": p.evidence,
            }
            for p in self.phrases
        ]
        told: dict[str, Any] = {"verdicts": [verdict.to_dict() for verdict in self.verdicts], "phrases": phrases}
        told |= {"faults": list(self.faults)}
        return told | ({} if self.copied is None else {"copied": self.copied.to_dict()})


def report(plan: Plan, understood: Understood | None, score: Score, copied: Copied | None = None) -> CheckReport:
    """Judge a piece.

    Args:
        plan: the wishes that hold, options and plan files included.
        understood: the prompt they came from, if there was one.
        score: the piece; only its notes, bars and tempi count.
        copied: the longest run that it shares with the training music, where that is known.
    """
    verdicts = tuple(check(_laid_out(plan, score), score))
    phrases = () if understood is None else tuple(_phrases(plan, understood, score, verdicts))
    return CheckReport(understood.text if understood else "", phrases, verdicts, faults(score), copied)


def _laid_out(plan: Plan, score: Score) -> Plan:
    """The plan, whose sections have the lengths that a composer gives them in so many bars."""
    bars = len(score.measures) - score.has_pickup
    if plan.form is None or not 1 <= bars <= MAX_BARS:
        return plan
    try:
        return replace(plan, form=laid_out(replace(plan, bars=bars, duration_seconds=None)).form)
    except BadPlan:
        return plan


def _phrases(plan: Plan, understood: Understood, score: Score, verdicts: Sequence[Verdict]) -> Iterator[Phrase]:
    """One for each wish; of wishes that share words, the verdict that is worst."""
    place = -1
    judged = [_phrase(wish, plan, understood.plan, score, verdicts) for wish in understood.wishes]
    for phrase in sorted(judged, key=lambda p: (p.start, _RANK[p.followed], -p.end)):
        if phrase.start >= place:
            yield phrase
            place = phrase.end


_RANK: dict[bool | None, int] = {False: 0, True: 1, None: 2}


def _phrase(wish: Wish, plan: Plan, read: Plan, score: Score, verdicts: Sequence[Verdict]) -> Phrase:
    said, meant = getattr(read, wish.name, None), getattr(plan, wish.name, None)
    if wish.name == "instruments" and isinstance(wish.value, Mention) and said == meant:
        return Phrase(wish.start, wish.end, *_mention(wish.value, plan, score))
    own = [v for v in verdicts if v.field == wish.name and v.item in (None, *_items(wish, meant))]
    if said != meant and not isinstance(meant, tuple):
        own = [Verdict(v.wish, f"{v.asked} instead", v.found, None) for v in own]
    if not own:
        return Phrase(wish.start, wish.end, None, f"{wish.name.replace('_', ' ')}: nothing is asked for any more")
    followed = min((v.followed for v in own), key=_RANK.__getitem__)
    return Phrase(wish.start, wish.end, followed, "; ".join(map(evidence, own)))


def _items(wish: Wish, items: Any) -> list[int]:
    """Which items of a field a wish gave: its own value, or all where that is not among them."""
    values = wish.value if isinstance(wish.value, tuple) else (wish.value,)
    found = [k for k, item in enumerate(items or ()) if item in values] if isinstance(items, tuple) else []
    return found or list(range(len(items))) if isinstance(items, tuple) else []


def _mention(mention: Mention, plan: Plan, score: Score) -> tuple[bool | None, str]:
    """Whether the instruments that some words name are heard."""
    playing = sounding_programs(score)
    wanted = [program for program in dict.fromkeys(mention.programs) if program in (plan.instruments or ())]
    silent = [program for program in wanted if program not in playing]
    if not wanted:
        return None, "instruments: the rest of the prompt says which"
    names, missing = (", ".join(map(instrument_name, some)) for some in (wanted, silent))
    return not silent, f"instruments: asked {names}, " + (f"{missing} does not play" if silent else "heard")


def evidence(verdict: Verdict) -> str:
    """`key: asked Eb major, measured Eb major (confidence 0.93)`."""
    return f"{verdict.wish}: asked {verdict.asked}, measured {verdict.found}"

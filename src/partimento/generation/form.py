"""The form of a piece: what comes back where, and how its sections end.

A section with the label of an earlier one takes up its music. Which sections there are, and how long, is in `layout`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from partimento.plan import Control, Plan

PHRASE_BARS = 4
ADAPTED_BARS = 2
"""Bars at the end of a section that returns, where it ends otherwise than before."""
_OPEN = frozenset(("intro", "pre-chorus", "prechorus", "bridge", "interlude", "build", "break", "transition", "verse"))
"""Sections that lead on."""
_EXACT = frozenset(("chorus", "refrain", "hook"))
"""Sections that are the same each time."""
_NUMBERED = _EXACT | {"verse", "strophe", "stanza", "bridge", "pre-chorus", "prechorus"}
"""Sections that are numbered where the words of a song change, not its music."""
_AFAR = frozenset(("bridge", "trio", "middle", "middle eight"))
"""Sections that may leave the key."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A section of a piece that is laid out."""

    label: str
    first: int
    """Its first bar, from 0."""
    last: int
    """The bar behind its last one."""
    source: int | None = None
    """First bar of the earlier section whose music comes back."""
    kept: int = 0
    """How many bars it takes from there; the others are written anew."""
    varied: tuple[int, int] | None = None
    """Bars among those kept that come back varied."""
    closes: bool = False
    """Whether it ends with a cadence on the tonic."""
    leaves_key: bool = False
    """Whether it is in the relative key."""

    @property
    def bars(self) -> int:
        """How long it is."""
        return self.last - self.first


def theme(label: str) -> str:
    """What sections have in common that have the same music: `A'` and `A 2` are `a`, `Verse 2` is `verse`."""
    name = re.sub(r"[\s′″'’*]+$", "", label.strip().lower())
    plain = re.sub(r"[\s\d′″'’*]+$", "", name)
    return plain if len(plain) == 1 or plain in _NUMBERED else name


def passages(plan: Plan) -> tuple[Passage, ...]:
    """The sections of a plan that is laid out, in order; one alone where it has no form."""
    if plan.form is None or plan.bars is None:
        return (Passage("", 0, plan.bars or 0, closes=True),)
    edges = [0, *accumulate(section.bars or 0 for section in plan.form)]
    found: list[Passage] = []
    themes = [theme(section.label) for section in plan.form]
    for index, (section, (first, last)) in enumerate(zip(plan.form, pairwise(edges), strict=True)):
        passage = Passage(section.label, first, last, closes=_closes(themes, index))
        afar = themes[index] in _AFAR and index < len(themes) - 1 and plan.chords is None
        earlier = [p for p, name in zip(found, themes, strict=False) if name == themes[index]]
        found.append(_returning(replace(passage, leaves_key=afar), earlier, plan, themes, index))
    return tuple(found)


def _returning(passage: Passage, earlier: list[Passage], plan: Plan, themes: list[str], index: int) -> Passage:
    """The passage with what it takes from one of those before it with the same music."""
    likest = [p for p in earlier if (p.bars, p.closes) == (passage.bars, passage.closes)] or earlier
    source = next((p for p in likest if _same_wishes(plan, p, passage)), None)
    if source is None:
        return passage
    kept = min(source.bars, passage.bars)
    if index == len(themes) - 1 or source.closes != passage.closes or source.bars > passage.bars:
        kept = max(kept - ADAPTED_BARS, 0) if source.bars >= passage.bars else kept
    may_vary = themes[index - 1] != themes[index] and kept >= 2 * PHRASE_BARS - ADAPTED_BARS
    varies = may_vary and (themes[index] == "verse" or (themes[index] not in _EXACT and len(earlier) % 2 == 0))
    return replace(passage, source=source.first, kept=kept, varied=_varied(kept) if varies else None)


def _varied(kept: int) -> tuple[int, int]:
    """The end of the first phrase, or of the second where there is a third: an opening is what is known again."""
    last = PHRASE_BARS if kept < 4 * PHRASE_BARS - ADAPTED_BARS else 2 * PHRASE_BARS
    return last - ADAPTED_BARS, last


def _same_wishes(plan: Plan, one: Passage, other: Passage) -> bool:
    """Whether two passages have the same chords and controls asked for, as far as both go; their ends may differ."""
    chords, size = plan.chords or ((),), max(min(one.bars, other.bars) - ADAPTED_BARS, 1)
    same = all(chords[(one.first + k) % len(chords)] == chords[(other.first + k) % len(chords)] for k in range(size))
    return same and _controls(plan, one.first, size) == _controls(plan, other.first, size)


def _controls(plan: Plan, first: int, bars: int) -> list[Control]:
    """The controls of some bars, counted from the first of them."""
    found: list[Control] = []
    for control in plan.controls:
        low, high = (0, bars) if control.bars is None else (control.bars[0] - first, control.bars[1] - first)
        if max(low, 0) < min(high, bars):
            found.append(replace(control, bars=(max(low, 0), min(high, bars))))
    return found


def _closes(themes: list[str], index: int) -> bool:
    """Whether a section ends with a cadence, each time as the first time, and at the end of the piece.

    What is played twice closes, and what comes before something new; what leads back does not.
    """
    own, first = themes[index], themes.index(themes[index])
    last = next((k for k in range(first, len(themes) - 1) if themes[k + 1] != own), len(themes) - 1)
    if last == len(themes) - 1 or index == len(themes) - 1:
        return True
    if first < last or own in _EXACT:
        return True
    return own not in _OPEN and themes[last + 1] not in themes[:first]

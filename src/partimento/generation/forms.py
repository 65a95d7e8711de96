"""Forms that pieces of a style have, and the twelve-bar blues."""

from __future__ import annotations

from dataclasses import replace

from partimento.plan import Plan, Section
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import MINOR_MODES, Key

BLUES_BARS = 12
LEAST_SURE = 0.5
"""A tag that is surer than this decides the form."""
ONCE = frozenset(("intro", "introduction", "outro", "coda", "ending", "tag"))
"""Sections that stand at the ends of a piece."""
_IDEAL_BARS = {"verse": 16, "episode": 8} | dict.fromkeys(ONCE | {"interlude", "break", "pre-chorus"}, 4)

_STROPHIC = (
    *("verse " * strophes for strophes in (1, 2, 3, 4, 5, 6, 7, 8)),
    *("verse refrain " * strophes for strophes in (2, 3, 4, 5, 6)),
)
_SONG = (
    "verse chorus verse chorus", "intro verse chorus verse chorus",
    "intro verse chorus verse chorus outro", "intro verse chorus verse chorus bridge chorus outro",
    "intro verse chorus verse chorus bridge chorus chorus outro",
    "intro verse chorus verse chorus bridge verse chorus chorus outro",
    "intro verse chorus verse chorus verse chorus bridge chorus chorus outro",
    "intro verse chorus verse chorus bridge verse chorus verse chorus bridge chorus chorus outro",
)  # fmt: skip
_DANCE = ("A A B B", "A A B B A A B B", "A A B B C C", "A A B B C C A A B B", "A A B B C C D D A A B B",
          "A A B B A A B B A A B B", "A A B B C C A A B B C C A A B B")  # fmt: skip
_ROUNDED = (
    "A B A", "A A B A", "A B A C A", "A A B A C A", "A B A C A B A", "A B A C A B A coda", "A B A C A D A B A coda",
    "A B A C A D A C A B A coda",
)  # fmt: skip
_STANDARD = ("A A B A", "intro A A B A", "A A B A A A B A", "intro A A B A A A B A coda",
             "intro A A B A A A B A A A B A coda")  # fmt: skip
_GAME = ("A B A B", "intro A B A B", "intro A A B B A B", "intro A B A C A B", "intro A B A C A B A C A B")
_MARCH = ("A A B B", "intro A A B B", "intro A A B B trio trio", "intro A A B B trio trio A B",
          "intro A A B B trio trio A A B B", "intro A A B B trio trio interlude trio A A B B")  # fmt: skip
_BY_STYLE = {
    **dict.fromkeys(("hymn", "chorale"), _STROPHIC), **dict.fromkeys(("pop", "song"), _SONG),
    **dict.fromkeys(("jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "folk"), _DANCE),
    **dict.fromkeys(("air", "lead sheet"), _STANDARD), "march": _MARCH, "game": _GAME, "waltz": (*_DANCE, *_ROUNDED),
}  # fmt: skip


def forms_of(plan: Plan) -> list[tuple[Section, ...]]:
    """Forms from which one is chosen for a plan that states none, by its style; ternary and rondo for all others."""
    return [tuple(map(Section, form.split())) for form in _BY_STYLE.get(plan.style or "", _ROUNDED)]


def ideal_bars(theme: str) -> int:
    """How many bars a section usually has."""
    return _IDEAL_BARS.get(theme, 8)


def is_blues(plan: Plan) -> bool:
    """Whether a plan asks for choruses of a blues: by its form, by a progression of twelve bars, or by its tags."""
    if plan.form:
        return all("blues" in section.label.lower() for section in plan.form)
    if plan.chords:
        return len(plan.chords) == BLUES_BARS
    return plan.style is None and any(tag.name == "blues" and tag.score >= LEAST_SURE for tag in plan.tags)


def blues_form(bars: int) -> tuple[Section, ...]:
    """Choruses of twelve bars; the bars left over belong to the last one."""
    choruses = max(bars // BLUES_BARS, 1)
    lengths = [BLUES_BARS] * (choruses - 1) + [bars - BLUES_BARS * (choruses - 1)]
    return tuple(map(Section, _choruses(choruses), lengths))


def _choruses(choruses: int) -> list[str]:
    """Labels: the head, other choruses, and the head again."""
    if choruses < 3:
        return ["A"] * choruses
    heads = 1 if choruses < 4 else 2
    tails = 1 if choruses < 6 else 2
    solos = [chr(ord("B") + k % 3) for k in range(choruses - heads - tails)]
    return ["A"] * heads + solos + ["A"] * tails


def with_blues_chords(plan: Plan) -> Plan:
    """The plan with the chords of each bar: those of the blues where none are asked for.

    The last chorus does not turn back: where the others end on the dominant, it ends at home.
    """
    assert plan.bars is not None
    key = plan.key or Key(0)
    chorus = plan.chords or _blues(key)
    chords = [chorus[bar % len(chorus)] for bar in range(plan.bars)]
    if chords[-1] and chords[-1][-1].root == key.tonic + 1:
        chords[-1] = (ChordSymbol(key.tonic, "minor" if key.mode in MINOR_MODES else "dominant"),)
    return replace(plan, key=key, chords=tuple(chords))


def _blues(key: Key) -> tuple[tuple[ChordSymbol, ...], ...]:
    kind = "minor-seventh" if key.mode in MINOR_MODES else "dominant"
    home, away = ChordSymbol(key.tonic, kind), ChordSymbol(key.tonic - 1, kind)
    dominant = ChordSymbol(key.tonic + 1, "dominant")
    turn = (home, away, home, home, away, away, home, home, dominant, away, home, dominant)
    return tuple((chord,) for chord in turn)

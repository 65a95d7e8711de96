"""What ABC can say of repeats, endings, jumps and barlines."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from partimento.io.abc.bars import STYLE_SIGNS
from partimento.io.abc.said_notes import Bars
from partimento.io.abc.said_signs import said_text
from partimento.io.abc.symbols import AIMS, JUMP_DECORATIONS
from partimento.score import Barline, Repeat, Score


def said_repeats(score: Score, bars: Bars, jumps: Iterable[Repeat]) -> tuple[list[Repeat], list[Barline]]:
    """Signs at barlines; an ending goes to the next repeat, ending or double bar."""
    starts, end = [start for start, _ in bars], bars[-1][1]
    at: defaultdict[int, _Signs] = defaultdict(_Signs)
    found: dict[Repeat, None] = {}
    for sign in (*score.repeats, *jumps):
        tick = min(sign.onset_tick, end)
        if (sign.kind, "") in JUMP_DECORATIONS:
            text = sign.text if (sign.kind, sign.text) in JUMP_DECORATIONS else ""
            tick = _start_of_bar(starts, tick) if sign.kind in AIMS else _next_bar(starts, end, max(tick, 1))
            found[Repeat(tick, sign.kind, text)] = None
        else:
            at[tick].add(sign)
    for barline in score.barlines:
        at[barline.onset_tick].style = barline.style
    at[end].style = at[end].style or "light-heavy"
    repeats, barlines = _closed(at, {*starts, end}, end)
    return [*repeats, *found], barlines


def _closed(at: dict[int, _Signs], barline_ticks: set[int], end: int) -> tuple[list[Repeat], list[Barline]]:
    repeats: list[Repeat] = []
    barlines: list[Barline] = []
    opened = ""
    for tick, signs in sorted(at.items()):
        if tick not in barline_ticks:
            continue
        style = signs.said_style(is_inside_ending=bool(opened), is_end=tick == end)
        forward = signs.forward and tick < end
        backward = signs.backward is not None and tick > 0
        ending = signs.ending if tick < end else ""
        is_closing = backward or forward or ending or style in ("light-light", "light-heavy", "heavy-light")
        if opened and (is_closing or tick == end):
            is_stop = backward or (style == "light-heavy" and not forward)
            repeats.append(Repeat(tick, "ending-stop" if is_stop else "ending-discontinue", opened))
            opened = ""
        repeats += [Repeat(tick, "backward", _said_times(signs.backward))] if backward else []
        repeats += [Repeat(tick, "forward")] if forward else []
        if ending:
            opened = ending
            repeats.append(Repeat(tick, "ending-start", ending))
        is_usual = style == ("light-heavy" if tick == end else "regular")
        if tick > 0 and not (backward or forward or is_usual):
            barlines.append(Barline(tick, style))
    return repeats, barlines


def _start_of_bar(starts: list[int], tick: int) -> int:
    return starts[bisect_right(starts, tick) - 1]


def _next_bar(starts: list[int], end: int, tick: int) -> int:
    """The first barline from a tick on."""
    return [*starts, end][bisect_left(starts, tick)]


@dataclass
class _Signs:
    """What a score has at one barline."""

    backward: str | None = None
    forward: bool = False
    ending: str = ""
    stop: str = ""
    style: str = ""

    def add(self, sign: Repeat) -> None:
        match sign.kind:
            case "backward":
                self.backward = sign.text
            case "forward":
                self.forward = True
            case "ending-start":
                self.ending = _said_ending(sign.text) or "1"
            case "ending-stop" | "ending-discontinue":
                self.stop = sign.kind
            case _:
                pass

    def said_style(self, *, is_inside_ending: bool, is_end: bool) -> str:
        """The barline that ABC has, a double one where an ending stops and nothing else says so."""
        style = {"dashed": "dotted"}.get(self.style, self.style)
        style = style if style in STYLE_SIGNS else "regular"
        is_bare = style in ("regular", "dotted", "none") and not (
            self.backward is not None or self.forward or self.ending
        )
        if is_inside_ending and self.stop and is_bare and not is_end:
            return "light-light"
        return style


def _said_ending(text: str) -> str:
    """Numbers with comma and space, anything else as it is."""
    text = said_text(text).strip()
    if re.fullmatch(r"\d+(\s*,\s*\d+)*", text):
        return re.sub(r"\s*,\s*", ", ", text)
    return text


def _said_times(text: str | None) -> str:
    return text if text and text.isdecimal() and 2 < int(text) < 10 else ""

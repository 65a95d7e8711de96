"""Repeats, endings and barline styles of a score, from what voices of ABC have at their barlines."""

from __future__ import annotations

from dataclasses import dataclass, field

from partimento.score import Barline, Repeat

_CLOSING_STYLES = ("light-light", "light-heavy", "heavy-light")
"""Barlines that end a numbered ending."""


@dataclass
class _At:
    """What stands at one barline."""

    backward: str | None = None
    """Times, empty for two."""
    forward: bool = False
    ending: str = ""
    styles: list[str] = field(default_factory=list[str])

    @property
    def style(self) -> str:
        """The style: of several signs at one place (`|]` and `||` of the next line) the strongest."""
        order = ("light-heavy", "heavy-light", "light-light", "none", "dotted", "regular")
        return next((style for style in order if style in self.styles), "regular")


class Barlines:
    """Collects what stands at barlines, by tick."""

    def __init__(self) -> None:
        self._at: dict[int, _At] = {}

    def add(self, tick: int, kind: str, text: str) -> None:
        """One sign: backward, forward, ending or style."""
        at = self._at.setdefault(tick, _At())
        if kind == "backward":
            at.backward = max(at.backward or "", text)
        elif kind == "forward":
            at.forward = True
        elif kind == "ending":
            at.ending = at.ending or text
        else:
            at.styles.append(text)

    def close(self, end: int) -> tuple[list[Repeat], list[Barline]]:
        """Repeats and barlines of a piece that ends at a tick; its last barline is light-heavy if not stated."""
        self._at.setdefault(end, _At())
        repeats: list[Repeat] = []
        barlines: list[Barline] = []
        opened = ""
        for tick, at in sorted(self._at.items()):
            is_repeat = at.backward is not None or (at.forward and tick < end)
            if opened and (is_repeat or at.ending or at.style in _CLOSING_STYLES or tick == end):
                is_stop = at.backward is not None or (at.style == "light-heavy" and not at.forward)
                repeats.append(Repeat(tick, "ending-stop" if is_stop else "ending-discontinue", opened))
                opened = ""
            if at.backward is not None and tick > 0:
                repeats.append(Repeat(tick, "backward", at.backward))
            if at.forward and tick < end:
                repeats.append(Repeat(tick, "forward"))
            if at.ending and tick < end:
                opened = at.ending
                repeats.append(Repeat(tick, "ending-start", opened))
            if not is_repeat and at.style != ("light-heavy" if tick == end else "regular") and tick > 0:
                barlines.append(Barline(tick, at.style))
        return repeats, barlines

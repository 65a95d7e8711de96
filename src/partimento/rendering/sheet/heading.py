"""What stands on a page beside the music: title, names and rights on the first, a running head on the others.

verovio's own heading only keeps the place free, so that sizes do not depend on that of the staves.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from partimento.rendering.sheet.style import Layout

_TITLE_MM, _SUBTITLE_MM, _NAME_MM, _SMALL_MM = 7.0, 4.8, 3.7, 3.1
_LEADING = 1.25
_LETTER_WIDTH = 0.47
"""Mean advance of Liberation Serif in ems, for breaking lines."""
_HEAD_MM, _FOOT_MM = 9.0, 5.5
_MOST_LINES = 4
_VEROVIO_LINE = 362
"""Height that verovio gives to a line of its heading, in its units."""
_INNER = re.compile(r'(<svg class="definition-scale"[^>]*>)')
_MARGIN = re.compile(r'(<g class="page-margin"[^>]*>)')
_PLACEHOLDER = re.compile(r'<g id="[^"]*" class="pgHead">.*?</g>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Heading:
    """Words on the pages."""

    title: str = ""
    subtitle: str = ""
    left: Sequence[str] = ()
    """Part and poet, from above to below."""
    right: Sequence[str] = ()
    """Composer and arranger."""
    rights: str = ""
    running: str = ""
    """Stands above the pages after the first."""

    def lines(self, layout: Layout) -> list[tuple[str, str, float, float]]:
        """(text, anchor, size in mm, baseline in mm below the upper margin) of each line over the music."""
        placed, y = [], 0.0
        for text, size in ((self.title, _TITLE_MM), (self.subtitle, _SUBTITLE_MM)):
            for line in _broken(text, size, layout.paper_mm[0] - 30):
                y += size * (_LEADING if placed else 0.75)
                placed.append((line, "middle", size, y))
        below = y
        for names, anchor in ((self.left, "start"), (self.right, "end")):
            y = below + (1.5 if placed else 0.0)
            for name in names:
                for line in _broken(name, _NAME_MM, (layout.paper_mm[0] - 30) * 0.48):
                    y += _NAME_MM * _LEADING
                    placed.append((line, anchor, _NAME_MM, y))
        return placed

    def lines_to_reserve(self, layout: Layout) -> int:
        """How many lines of verovio's heading the place takes."""
        lowest = max((y for *_, y in self.lines(layout)), default=0.0)
        return math.ceil(layout.units(lowest) / _VEROVIO_LINE)


def with_heading(svg: str, heading: Heading, number: int, layout: Layout) -> str:
    """A page with what belongs on it; pages count from 1."""
    if number == 1:
        lines = [_text(*line, x=_x(line[1], layout), layout=layout) for line in heading.lines(layout)]
        svg = _MARGIN.sub(lambda match: match[0] + "".join(lines), _PLACEHOLDER.sub("", svg), count=1)
        return _INNER.sub(lambda match: match[0] + _foot(heading.rights, layout), svg, count=1)
    return _INNER.sub(lambda match: match[0] + _running_head(heading.running, number, layout), svg, count=1)


def _x(anchor: str, layout: Layout) -> int:
    return {"start": 0, "middle": layout.width // 2, "end": layout.width}[anchor]


def _foot(rights: str, layout: Layout) -> str:
    lines = _broken(rights, _SMALL_MM, layout.paper_mm[0] - 30)
    first = layout.paper_mm[1] - _FOOT_MM - (len(lines) - 1) * _SMALL_MM
    middle = layout.units(layout.paper_mm[0] / 2)
    return "".join(
        _text(line, "middle", _SMALL_MM, first + row * _SMALL_MM, x=middle, layout=layout)
        for row, line in enumerate(lines)
    )


def _running_head(words: str, number: int, layout: Layout) -> str:
    """Words in the middle, the number outside: left on even pages, right on odd ones."""
    width = layout.paper_mm[0]
    side, x = ("start", layout.units(15)) if number % 2 == 0 else ("end", layout.units(width - 15))
    head = _text(str(number), side, _NAME_MM, _HEAD_MM, x=x, layout=layout)
    for line in _broken(words, _SMALL_MM, width - 60)[:1]:
        head += _text(line, "middle", _SMALL_MM, _HEAD_MM, x=layout.units(width / 2), layout=layout)
    return head


def _broken(text: str, size_mm: float, width_mm: float) -> list[str]:
    lines = textwrap.wrap(text, max(int(width_mm / (size_mm * _LETTER_WIDTH)), 10), break_on_hyphens=False)
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1]} …"]


def _text(text: str, anchor: str, size_mm: float, y_mm: float, *, x: int, layout: Layout) -> str:
    place = f'x="{x}" y="{layout.units(y_mm)}" text-anchor="{anchor}" font-size="{layout.units(size_mm)}px"'
    return f'<text {place} font-family="Times">{escape(text)}</text>'

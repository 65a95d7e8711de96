"""Note values: how the beats of a bar nest, where tuplets lie, and how spans of time become writable values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from partimento.io.musicxml.vocabulary import UNITS_PER_QUARTER, VALUES
from partimento.theory.meter import Meter

_ACTUALS = (3, 5, 7, 9, 11, 13, 15)
_COARSE_ACTUALS = (3, 5, 7)


@dataclass(frozen=True, slots=True)
class Grid:
    """Nested divisions of a bar or tuplet."""

    origin: int
    """Tick, from the measure's start, at which the full bar would begin; negative in a pickup."""
    steps: tuple[int, ...]
    """Ticks of the divisions from coarse to fine."""

    def node(self, tick: int, level: int) -> tuple[int, int]:
        """First and last tick of the division around a tick."""
        step = self.steps[level]
        start = self.origin + (tick - self.origin) // step * step
        return start, start + step


@dataclass(frozen=True, slots=True)
class TupletSpan:
    """Ticks within a measure where `actual` notes take the time of `normal`."""

    start: int
    end: int
    actual: int
    normal: int
    shown: str = "number"
    """As in `Tuplet`."""

    def nests_with(self, other: TupletSpan) -> bool:
        """Whether two tuplets follow one another, or one lies within the other."""
        if self.end <= other.start or other.end <= self.start:
            return True
        longer, shorter = sorted((self, other), key=lambda span: span.start - span.end)
        is_inside = longer.start <= shorter.start and shorter.end <= longer.end
        return is_inside and longer.end - longer.start > shorter.end - shorter.start


@dataclass(frozen=True, slots=True)
class Bars:
    """The measures of a score at the layout's resolution."""

    unit: int
    """Ticks of a 256th."""
    starts: tuple[int, ...]
    """First tick of each measure, and the last barline."""
    meters: tuple[Meter, ...]
    grids: tuple[Grid, ...]

    @property
    def quarter(self) -> int:
        """Ticks of a quarter."""
        return self.unit * UNITS_PER_QUARTER


def bar_grid(meter: Meter, length: int, unit: int, *, is_pickup: bool) -> Grid:
    """The beats of a measure.

    Args:
        meter: in force.
        length: the measure's ticks; may differ from the meter's.
        unit: ticks of a 256th.
        is_pickup: whether the measure is the end of a full bar rather than its beginning.
    """
    full = int(meter.duration_quarter * UNITS_PER_QUARTER) * unit
    beat = int(meter.beat_quarter * UNITS_PER_QUARTER) * unit
    if is_pickup:
        return Grid(length - full, _steps(full, beat, meter.is_compound, unit))
    return Grid(0, _steps(full, beat, meter.is_compound, unit))


def tuplet_grid(span: TupletSpan, unit: int) -> Grid:
    """The divisions of a tuplet."""
    length = span.end - span.start
    value = max(length // span.actual, 1)
    return Grid(span.start, _steps(length, value, False, max(unit * span.normal // span.actual, 1)))


def _steps(full: int, beat: int, is_compound: bool, unit: int) -> tuple[int, ...]:
    steps, count = [max(full, 1)], full // max(beat, 1)
    while count % 2 == 0 and count > 2 and steps[-1] % 2 == 0:
        steps.append(steps[-1] // 2)
        count //= 2
    if count > 1:
        steps.append(beat)
    if is_compound and beat % 3 == 0:
        steps.append(beat // 3)
    while steps[-1] % 2 == 0 and steps[-1] > unit:
        steps.append(steps[-1] // 2)
    return tuple(steps)


def split(
    start: int, end: int, grid: Grid, units_per_tick: tuple[int, int], *, is_rest: bool, level: int = 0
) -> list[tuple[int, int]]:
    """Cut a span into pieces of one note value each, so that the beats stay visible.

    Args:
        start: first tick within the measure.
        end: last tick.
        grid: beats of the bar, or divisions of the tuplet around the span.
        units_per_tick: written 256ths to a tick, as numerator and denominator.
        is_rest: rests have no dots except over a whole beat, and are never syncopated.
        level: level of the grid at which to begin.
    """
    while level + 1 < len(grid.steps) and end <= grid.node(start, level + 1)[1]:
        level += 1
    first, last = grid.node(start, level)
    child = grid.steps[level + 1] if level + 1 < len(grid.steps) else 0
    if not child or end > last or _is_plain(start - first, end - first, last - first, child, units_per_tick, is_rest):
        return [(start, end)]
    cuts = range(grid.node(start, level + 1)[1], end, child)
    cut = cuts[0]
    if start == first:
        cut = next((c for c in reversed(cuts) if _dots(c - start, units_per_tick) <= (not is_rest)), cut)
    head = split(start, cut, grid, units_per_tick, is_rest=is_rest, level=level)
    return head + split(cut, end, grid, units_per_tick, is_rest=is_rest, level=level)


def _is_plain(start: int, end: int, length: int, child: int, units_per_tick: tuple[int, int], is_rest: bool) -> bool:
    """Whether one value reads well at this place in a division of `length` ticks."""
    dots = _dots(end - start, units_per_tick)
    if start == 0 or end == length:
        return dots <= (not is_rest or end - start == length)
    return not is_rest and dots == 0 and end - start == child and start % child * 2 == child


def _dots(duration: int, units_per_tick: tuple[int, int]) -> int:
    """Dots of the value that lasts so long; 99 if there is none."""
    value = written_value(duration, units_per_tick)
    return 99 if value is None else value[1]


def written_value(duration: int, units_per_tick: tuple[int, int]) -> tuple[str, int] | None:
    """Note type and dots of a duration in ticks, None if no single value lasts so long."""
    units, rest = divmod(duration * units_per_tick[0], units_per_tick[1])
    return None if rest else VALUES.get(units)


def nearest_value(duration: int, units_per_tick: tuple[int, int]) -> tuple[str, int]:
    """The longest value that lasts no longer, for durations off any grid."""
    units = duration * units_per_tick[0] // units_per_tick[1]
    return VALUES[max((v for v in VALUES if v <= units), default=1)]


# Tuplets


def fits(span: TupletSpan, cuts: Sequence[int], unit: int) -> bool:
    """Whether all cuts inside a tuplet lie on 256ths of its own."""
    return all((c - span.start) * span.actual % (span.normal * unit) == 0 for c in cuts if span.start < c < span.end)


def find_tuplets(cuts: Sequence[int], rests: Sequence[tuple[int, int]], grid: Grid, unit: int) -> list[TupletSpan]:
    """Tuplets needed to write notes with the given ends, largest divisions of the bar first.

    Args:
        cuts: every tick at which something begins or ends.
        rests: spans of silence; above the beat they may be cut anywhere.
        grid: beats of the bar.
        unit: ticks of a 256th.
    """
    if all((c - grid.origin) % unit == 0 for c in cuts):
        return []
    starts = sorted({grid.node(c, 0)[0] for c in cuts})
    return [span for start in starts for span in _tuplets_in(start, 0, cuts, rests, grid, unit)]


def _tuplets_in(
    start: int, level: int, cuts: Sequence[int], rests: Sequence[tuple[int, int]], grid: Grid, unit: int
) -> Iterator[TupletSpan]:
    step = grid.steps[level]
    inner = [c for c in cuts if start < c < start + step]
    if all((c - grid.origin) % unit == 0 for c in inner):
        return
    is_fine = step <= UNITS_PER_QUARTER * unit
    children = range(start, start + step, grid.steps[level + 1]) if level + 1 < len(grid.steps) else range(0)
    if children and all(c in inner or (not is_fine and _is_silent(c, rests)) for c in children[1:]):
        span = None
    else:
        span = _tuplet(start, step, inner, unit, is_fine=is_fine)
    if span is not None:
        yield span
        return
    for child in children:
        yield from _tuplets_in(child, level + 1, inner, rests, grid, unit)


def _is_silent(tick: int, rests: Sequence[tuple[int, int]]) -> bool:
    return any(start < tick < end for start, end in rests)


def _tuplet(start: int, length: int, cuts: Sequence[int], unit: int, *, is_fine: bool) -> TupletSpan | None:
    units = length // unit
    for actual in _ACTUALS if is_fine else _COARSE_ACTUALS:
        value = 1
        while value * actual < units:
            value *= 2
        if units % value or units == value * actual:
            continue
        span = TupletSpan(start, start + length, actual, units // value)
        if fits(span, cuts, unit if is_fine else unit * max(value // 2, 1)):
            return span
    return None

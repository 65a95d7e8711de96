"""Finds for each measure of a part what stands beside its notes: directions, chord symbols, inner changes, barlines."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.direction_writer import direction, jump, pedal_control, program_change, tempo
from partimento.io.musicxml.elements import element
from partimento.io.musicxml.harmony_writer import figured_bass, harmony
from partimento.io.musicxml.measure_writer import (
    barline,
    is_barline,
    write_clef,
    write_key,
    write_meter,
    write_staff_lines,
    write_transpose,
)
from partimento.io.musicxml.staff_signs import StaffSigns
from partimento.io.musicxml.vocabulary import SIGNS_ON_RESTS, SPAN_DIRECTIONS
from partimento.score import Direction, Repeat

_ENDS = frozenset(["fine", "dacapo", "dalsegno", "to-coda"])
_WEDGES = frozenset(["crescendo", "diminuendo", "wedge-stop"])
_ELSEWHERE = SIGNS_ON_RESTS | {"barline-fermata", "meter-sign", "staff-lines"}
"""Directions that are written as something else."""
_WORDS = frozenset(["words", "tempo"])
_TEMPO_KINDS = frozenset(["tempo", "metronome"])
_MAX_LINES = 16


@dataclass(slots=True)
class Beside:
    """Something to be written at a tick of a measure, on a staff."""

    tick: int
    staff: int
    rank: int
    """Order among things at the same tick."""
    make: Callable[[], Element]
    """Builds the element."""


@dataclass(slots=True)
class _Line:
    """A hairpin, bracket or octave line that is open."""

    number: int
    text: str


class Besides:
    """What stands beside the notes of one part.

    Args:
        signs: of the part.
        instrument_id: of its first instrument.
    """

    def __init__(self, signs: StaffSigns, instrument_id: str) -> None:
        self.signs, self.instrument_id = signs, instrument_id
        self.score, self.bars, self.part, self.index = signs.score, signs.prepared.bars, signs.part, signs.index
        self.scale = signs.prepared.scale
        self.by_measure: dict[int, list[Beside]] = defaultdict(list)
        self.barlines: dict[tuple[int, str], list[Repeat]] = defaultdict(list)
        self.styles = {b.onset_tick * self.scale: b.style for b in self.score.barlines}
        self.fermatas: dict[int, list[str]] = defaultdict(list)
        self._tempos = dict(self.score.tempos.tolist()) if self.index == 0 else {}
        self._collect_barlines()
        self._collect_repeats()
        self._collect_directions()
        self._collect_tempos()
        self._collect_sounds()
        self._collect_attributes()
        for event in self.score.chords:
            if event.part == self.index:
                interval = signs.transpose_at(event.onset_tick * self.scale)
                self._add(event.onset_tick * self.scale, 1, 3, lambda e=event, i=interval: harmony(e, i))

    def barline(self, index: int, location: str, *, is_last: bool = False) -> Element | None:
        """The barline at the left or right of measure `index`, None for a plain one."""
        repeats = self.barlines.get((index, location), ())
        tick = self.bars.starts[index + (location == "right")]
        is_own = location == "right" or index == 0
        has_forward = any(repeat.kind == "forward" for repeat in self.barlines.get((index + 1, "left"), ()))
        style = self.styles.get(tick, "") if is_own and not (has_forward and not is_last) else ""
        if location == "left" and any(repeat.kind == "forward" for repeat in repeats):
            style = self.styles.get(tick, "")
        fermatas = self.fermatas.get(tick, ()) if is_own else ()
        return barline(location, repeats, style, fermatas, is_last=is_last)

    def _add(self, tick: int, staff: int, rank: int, make: Callable[[], Element], *, at_end: bool = False) -> None:
        """Put something into the measure around a tick, or at the end of the one before."""
        starts = self.bars.starts
        index = max(min(bisect_right(starts, tick) - 1, len(starts) - 2), 0)
        if at_end and index and starts[index] == tick:
            index -= 1
        self.by_measure[index].append(Beside(tick - starts[index], staff, rank, make))

    # Barlines and jumps

    def _collect_barlines(self) -> None:
        for event in self.score.directions:
            if event.kind == "barline-fermata" and event.part == self.index:
                self.fermatas[event.onset_tick * self.scale].append(event.text)
        inner = set(self.bars.starts)
        for tick in sorted((self.styles.keys() | self.fermatas.keys()) - inner):
            self._add(tick, 1, 0, lambda t=tick: self._middle(t))

    def _middle(self, tick: int) -> Element:
        fermatas = self.fermatas.get(tick, ())
        repeats = self.barlines.get((tick, "middle"), ())
        made = barline("middle", repeats, self.styles.get(tick, ""), fermatas)
        return element("barline", location="middle") if made is None else made

    def _collect_repeats(self) -> None:
        starts = self.bars.starts
        index_of = {tick: index for index, tick in enumerate(starts)}
        for repeat in self.score.repeats:
            tick = repeat.onset_tick * self.scale
            if not is_barline(repeat):
                self._collect_jump(repeat, tick)
            elif repeat.kind in ("forward", "ending-start") and tick in starts[:-1]:
                self.barlines[index_of[tick], "left"].append(repeat)
            elif repeat.kind not in ("forward", "ending-start") and tick in starts[1:]:
                self.barlines[index_of[tick] - 1, "right"].append(repeat)
            elif 0 < tick < starts[-1] and tick not in index_of:
                if not self.barlines[tick, "middle"] and tick not in self.styles and tick not in self.fermatas:
                    self._add(tick, 1, 0, lambda t=tick: self._middle(t))
                self.barlines[tick, "middle"].append(repeat)

    def _collect_jump(self, repeat: Repeat, tick: int) -> None:
        """A jump, with the words of this part that stand there; in the first part it needs some."""
        words = self._words_at(repeat.onset_tick) if repeat.kind in _ENDS else None
        if self.index == 0:
            name = f"{repeat.kind}-{repeat.onset_tick}"
            make = lambda: jump(repeat, words, self.part.staves, name)  # noqa: E731
            self._add(tick, words.staff if words else 1, 1, make, at_end=repeat.kind in _ENDS)

    def _words_at(self, tick: int) -> Direction | None:
        """The words that go with a jump at a tick of the score."""
        found = (d for d in self.score.directions if d.onset_tick == tick and d.part == 0 and d.kind in _WORDS)
        return next(found, None)

    # Directions

    def _collect_directions(self) -> None:
        jumps = {r.onset_tick for r in self.score.repeats if r.kind in _ENDS} if self.index == 0 else set[int]()
        taken = {id(self._words_at(tick)) for tick in jumps}
        own = [e for e in self.score.directions if e.part == self.index and e.kind not in _ELSEWHERE]
        opened: dict[tuple[str, int], list[_Line]] = defaultdict(list)
        for (tick, _, _, is_tempo), group in groupby(own, key=_place):
            events = [event for event in group if id(event) not in taken]
            if is_tempo and events:
                self._collect_tempo_words(tick, events)
            elif events:
                for event in events:
                    self._collect_direction(event, opened)

    def _collect_tempo_words(self, tick: int, events: list[Direction]) -> None:
        """Tempo words and metronome mark as one direction, with the tempo that they mean."""
        bpm = self._tempos.pop(tick, None)

        def make() -> Element:
            made = direction(events, None, self.part.staves)
            if bpm is not None:
                made.append(tempo(bpm, self.score.meter_at(tick), None))
            return made

        self._add(tick * self.scale, self._staff(events[0]), 1, make)

    def _collect_direction(self, event: Direction, opened: dict[tuple[str, int], list[_Line]]) -> None:
        tick, staff = event.onset_tick * self.scale, self._staff(event)
        if event.kind == "figured-bass":
            self._add(tick, 1, 3, lambda: figured_bass(event.text))
            return
        number, event, is_stop = _numbered(event, opened)
        make = lambda: direction([event], number, self.part.staves)  # noqa: E731
        self._add(tick, staff, 0 if is_stop else 2, make, at_end=is_stop)

    def _staff(self, event: Direction) -> int:
        return min(max(event.staff, 1), self.part.staves)

    # Tempi and sounds

    def _collect_tempos(self) -> None:
        """Tempi without words; where a score shows no tempo at all, the first of each measure is shown."""
        is_bare = not any(d.kind in _TEMPO_KINDS for d in self.score.directions)
        with_words = {d.onset_tick for d in self.score.directions if d.kind in _WORDS}
        shown: set[int] = set()
        for tick, bpm in self._tempos.items():
            measure = bisect_right(self.bars.starts, tick * self.scale)
            is_shown = is_bare and measure not in shown and tick not in with_words
            shown.add(measure)
            name = str(len(shown)) if is_shown else None
            self._add(tick * self.scale, 1, 1, lambda b=bpm, t=tick, n=name: tempo(b, self.score.meter_at(t), n))

    def _collect_sounds(self) -> None:
        for change in self.score.programs:
            if change.part == self.index:
                make = lambda p=change.program: program_change(self.instrument_id, p)  # noqa: E731
                self._add(change.onset_tick * self.scale, 1, 1, make)
        for tick, part, number, value in self.score.controls.tolist():
            if part == self.index:
                self._add(tick * self.scale, 1, 1, lambda n=number, v=value: pedal_control(n, v))

    # Attributes that change elsewhere than at a barline

    def _collect_attributes(self) -> None:
        signs = self.signs
        for tick, interval in signs.transpositions[1:]:
            self._inside(tick, 1, lambda made, a=interval: write_transpose(made, a))
        for tick, fifths, mode_id in signs.keys:
            self._inside(tick, 1, lambda made, a=fifths, b=mode_id: write_key(made, a, b))
        for tick, meter, sign in signs.meters:
            self._inside(tick, 1, lambda made, a=meter, b=sign: write_meter(made, a, b))
        for tick, clef in signs.clefs:
            self._inside(tick, clef[0], lambda made, a=clef: write_clef(made, *a, self.part.staves))
        for tick, event in signs.staff_lines:
            self._inside(tick, event.staff, lambda made, a=event: write_staff_lines(made, a, self.part.staves))

    def _inside(self, tick: int, staff: int, write: Callable[[Element], None]) -> None:
        if tick in self.bars.starts[:-1] or tick > self.bars.starts[-1]:
            return

        def make() -> Element:
            made = element("attributes")
            write(made)
            return made

        self._add(tick, staff, 0, make)


def _place(event: Direction) -> tuple[int, int, str, bool]:
    """Tempo words and marks that agree in this are one direction."""
    return event.onset_tick, event.staff, event.placement, event.kind in _TEMPO_KINDS


def _numbered(event: Direction, opened: dict[tuple[str, int], list[_Line]]) -> tuple[int | None, Direction, bool]:
    """The number of a line, the direction as written, and whether it ends a line."""
    family = "wedge" if event.kind in _WEDGES else event.kind
    key = family, event.staff
    is_stop = event.kind == "wedge-stop" or (event.kind in SPAN_DIRECTIONS and event.text.startswith("stop"))
    if family == "pedal" or family not in SPAN_DIRECTIONS | {"wedge"}:
        return None, event, is_stop
    if is_stop:
        line = opened[key].pop(0) if opened[key] else _Line(1, "")
        if family == "octave-shift" and line.text:
            size = line.text.partition(" ")[2]
            event = Direction(event.onset_tick, family, f"stop {size}", event.part, event.staff, event.placement)
        return line.number, event, is_stop
    taken = {line.number for (kind, _), lines in opened.items() if kind == family for line in lines}
    number = next((n for n in range(1, _MAX_LINES) if n not in taken), _MAX_LINES)
    opened[key].append(_Line(number, event.text))
    return number, event, is_stop

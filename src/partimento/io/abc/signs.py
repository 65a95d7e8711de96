"""What stands between the notes in ABC: barlines, fields, chord symbols, annotations, decorations, words."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from partimento.io.abc.bars import STYLE_SIGNS
from partimento.io.abc.fields import BEAT_NAMES, CLEF_NAMES, accidentals, parse_key, signature
from partimento.io.abc.layout import Lane
from partimento.io.abc.said_notes import Bars
from partimento.io.abc.symbols import (
    AIMS,
    DECORATIONS,
    JUMP_DECORATIONS,
    LINE_DECORATIONS,
    OCTAVES,
    PEDALS,
    USUAL_DYNAMICS,
)
from partimento.io.abc.text import bracketable, quotable
from partimento.io.abc.vocabulary import (
    AT_BAR,
    DOTTED_SLUR,
    KEY_SIGNATURE,
    decoration_name,
    is_own_decoration,
)
from partimento.score import ChordEvent, Direction, Lyric, Repeat, Score
from partimento.theory import pitch
from partimento.theory.interval import Interval
from partimento.theory.key import Key

_MODES = {
    "major": "", "minor": "m", "dorian": "dor", "phrygian": "phr", "lydian": "lyd", "mixolydian": "mix",
    "locrian": "loc",
}  # fmt: skip
_PLACEMENTS = {"below": "_", "left": "<", "right": ">"}
_METER_SIGNS = {"common": "C", "cut": "C|"}
_SHIFTS = {"down 8": "8va", "up 8": "8vb", "down 15": "15ma", "up 15": "15mb"}


@dataclass
class Texts:
    """The signs of one lane by tick."""

    fields: dict[int, str] = field(default_factory=lambda: defaultdict[int, str](str))
    notes: dict[int, str] = field(default_factory=lambda: defaultdict[int, str](str))
    """What stands before a note or rest."""
    rests: dict[int, str] = field(default_factory=lambda: defaultdict[int, str](str))
    """What stands before a rest."""
    keys: set[int] = field(default_factory=set[int])
    """Where a key is stated, so that accidentals are forgotten."""

    @property
    def ticks(self) -> set[int]:
        """Where anything stands."""
        return {*self.fields, *self.notes, *self.rests}


@dataclass(slots=True)
class State:
    """How notes are written from a tick on."""

    alters: tuple[int, ...]
    octave: int
    interval: Interval


class Signs:
    """The signs of what `sayable` gives, ready to be written."""

    def __init__(self, score: Score, bars: Bars) -> None:
        self._score, self._bars = score, bars
        self._at: defaultdict[int, dict[str, Repeat]] = defaultdict(dict)
        self._jumps: defaultdict[int, list[Repeat]] = defaultdict(list)
        for repeat in score.repeats:
            if (repeat.kind, "") in JUMP_DECORATIONS:
                self._jumps[repeat.onset_tick].append(repeat)
            else:
                self._at[repeat.onset_tick][repeat.kind] = repeat
        self._styles = {barline.onset_tick: barline.style for barline in score.barlines}
        self._on_bars: defaultdict[tuple[int, int], str] = defaultdict(str)
        for direction in score.directions:
            if direction.kind.startswith(AT_BAR):
                name = decoration(direction.kind.removeprefix(AT_BAR))
                self._on_bars[direction.onset_tick, direction.part] += name if name != "." else "!staccato!"
        self._tempos: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for direction in score.directions:
            if direction.kind in ("tempo", "metronome"):
                self._tempos[direction.onset_tick][direction.kind] = direction.text
        self._keys = self._key_texts()
        first = [self._keys.get((0, part)) for part in range(len(score.parts))]
        self.header_key = first[0] if first and first[0] and None not in first else "none"

    # Keys, clefs, transpositions

    def interval_at(self, part: int, tick: int) -> Interval:
        """From written to sounding pitch."""
        changes = [x.interval for x in self._score.transpositions if x.part == part and x.onset_tick <= tick]
        return changes[-1] if changes else self._score.parts[part].transpose

    def _key_texts(self) -> dict[tuple[int, int], str]:
        """(tick, part) ▶ what follows `K:`."""
        odd = {(d.onset_tick, d.part): d.text for d in self._score.directions if d.kind == KEY_SIGNATURE}
        found: dict[tuple[int, int], str] = {}
        for tick, part, fifths, mode in self._score.keys.tolist():
            for of in range(len(self._score.parts)) if part == -1 else (part,):
                written = Key.from_ids(fifths, mode).transposed(-self.interval_at(of, tick))
                found[tick, of] = odd.get((tick, of)) or key_name(written)
        return found

    def clef_name(self, lane: Lane, tick: int) -> str:
        """The clef that a staff takes at a tick, empty for none."""
        for onset, part, staff, sign, line, octaves in self._score.clefs.tolist():
            if (onset, part, staff) == (tick, lane.part, lane.staff):
                suffix = {0: "", 1: "+8", -1: "-8", 2: "+15", -2: "-15"}[octaves]
                return CLEF_NAMES[sign, line] + suffix
        return ""

    def states(self, lane: Lane) -> list[tuple[int, State]]:
        """How a lane writes its notes, tick by tick."""
        clefs = {row[0]: row[5] for row in self._score.clefs.tolist() if tuple(row[1:3]) == (lane.part, lane.staff)}
        keys = {tick: text for (tick, part), text in self._keys.items() if part == lane.part}
        shifts = {x.onset_tick for x in self._score.transpositions if x.part == lane.part}
        key, octave = self.header_key, 0
        found: list[tuple[int, State]] = []
        for tick in sorted({0, *clefs, *keys, *shifts}):
            key, octave = keys.get(tick, key), clefs.get(tick, octave)
            found.append((tick, State(parse_key(key).alters, octave, self.interval_at(lane.part, tick))))
        return found

    # Barlines

    def before(self, bar: int, lane: Lane) -> str:
        """What stands before the first note of a bar."""
        start = self._bars[bar][0]
        text = ""
        if start == 0:
            signs = self._at[0]
            text += "|:" if "forward" in signs else ""
            text += _ending(signs["ending-start"].text, text) + " " if "ending-start" in signs else ""
        if lane.number == 1:
            aims = [jump for jump in self._jumps[start] if jump.kind in AIMS]
            text += "".join(f"!{JUMP_DECORATIONS[jump.kind, jump.text]}!" for jump in aims)
        return text

    def behind(self, bar: int, lane: Lane, is_first_of_part: bool) -> str:
        """The barline at the end of a bar, with what stands on it."""
        end = self._bars[bar][1]
        leaves = [jump for jump in self._jumps[end] if jump.kind not in AIMS] if lane.number == 1 else []
        text = "".join(f"!{JUMP_DECORATIONS[jump.kind, jump.text]}!" for jump in leaves)
        text += self._on_bars[end, lane.part] if is_first_of_part else ""
        return (text + " " if text and leaves else text) + self._barline(end, is_end=bar == len(self._bars) - 1)

    def _barline(self, tick: int, *, is_end: bool) -> str:
        signs = self._at[tick]
        style = self._styles.get(tick, "light-heavy" if is_end else "regular")
        text = STYLE_SIGNS[style]
        if "backward" in signs:
            text = ":" * (int(signs["backward"].text or 2) - 1) + "|" + ":" * ("forward" in signs)
            text = "::" if text == ":|:" else text  # abcjs knows only this way
        elif "forward" in signs:
            text = "|:"
        return text + (_ending(signs["ending-start"].text, text) if "ending-start" in signs else "")

    # Fields and annotations

    def texts(self, lane: Lane) -> Texts:
        """The signs that a lane carries."""
        texts = Texts()
        self._add_states(texts, lane)
        if lane.number == 1:
            self._add_tempos(texts)
        if lane.is_first:
            shift = wedge = ""
            for direction in self._score.directions:
                if (direction.part, direction.staff) == (lane.part, lane.staff):
                    shift = direction.text if direction.text in _SHIFTS else shift
                    wedge = {"crescendo": "<", "diminuendo": ">"}.get(direction.kind, wedge)
                    self._add_direction(texts, direction, _SHIFTS.get(shift, ""), wedge or "<")
        if lane.is_first and lane.staff == 1:
            for chord in self._score.chords:
                if chord.part == lane.part:
                    texts.notes[chord.onset_tick] += self._chord(chord)
        return texts

    def _add_states(self, texts: Texts, lane: Lane) -> None:
        score = self._score
        signs = {d.onset_tick: d.text for d in score.directions if d.kind == "meter-sign"}
        for tick, beats, beat_type in score.meters.tolist()[1:]:
            texts.fields[tick] += f"[M:{meter_text(beats, beat_type, signs.get(tick, ''))}]"
        for program in score.programs:
            if program.part == lane.part:
                texts.fields[program.onset_tick] += f"[I:MIDI program {program.program}]"
        shifts = {x.onset_tick: x.interval.semitones for x in score.transpositions if x.part == lane.part}
        keys = {tick: text for (tick, part), text in self._keys.items() if part == lane.part}
        for tick in sorted({*keys, *shifts, *score.clefs["onset_tick"].tolist()}):
            clef = self.clef_name(lane, tick) if tick > 0 else ""
            said = [keys[tick]] if tick in keys and (tick > 0 or keys[tick] != self.header_key) else []
            texts.keys |= {tick} if said else set()
            said += [f"clef={clef}"] if clef else []
            said += [f"transpose={shifts[tick]}"] if tick in shifts else []
            texts.fields[tick] += f"[K:{' '.join(said)}]" if said else ""

    def _add_tempos(self, texts: Texts) -> None:
        for tick in self._tempos:
            if tick > 0:
                texts.fields[tick] += f"[Q:{self.tempo(tick)}]"

    def tempo(self, tick: int) -> str:
        """What follows `Q:` at a tick: `"Allegro" 1/4=120`, empty for nothing."""
        at = self._tempos.get(tick, {})
        words = f'"{bracketable(at["tempo"])}"' if "tempo" in at else ""
        name, _, number = at.get("metronome", "").partition("=")
        beat = {name: beat for beat, name in BEAT_NAMES.items()}.get(name, name)
        return f"{words} {beat}={number}".strip() if number else words

    def _add_direction(self, texts: Texts, direction: Direction, shift: str, wedge: str) -> None:
        tick, text = direction.onset_tick, direction.text
        match direction.kind:
            case "rehearsal":
                texts.fields[tick] += f"[P:{bracketable(text)}]"
            case "dynamics":
                texts.notes[tick] += f"!{text}!" if text in USUAL_DYNAMICS else f'"_{text}"'
            case "crescendo" | "diminuendo":
                texts.notes[tick] += f"!{wedge}(!"
            case "wedge-stop":
                texts.notes[tick] += f"!{wedge})!"
            case "words":
                texts.notes[tick] += f'"{_PLACEMENTS.get(direction.placement, "^")}{quotable(text)}"'
            case "octave-shift":
                names = {said: name for name, said in OCTAVES.items()}
                texts.notes[tick] += f"!{shift or '8va'})!" if text == "stop" else f"!{names[text]}!"
            case "pedal":
                texts.notes[tick] += f"!{ {said: name for name, said in PEDALS.items()}[text] }!"
            case kind if kind in DECORATIONS or is_own_decoration(kind):
                texts.rests[tick] += decoration(kind)
            case _:
                pass

    def _chord(self, chord: ChordEvent) -> str:
        if chord.symbol is None:
            return f'"{chord.text or "N.C."}"'
        written = chord.symbol.transposed(-self.interval_at(chord.part, chord.onset_tick))
        return f'"{quotable(chord.text or str(written))}"'


class Hung:
    """What hangs on notes: marks, lines and syllables by note id."""

    def __init__(self, score: Score) -> None:
        self.marks: defaultdict[int, list[str]] = defaultdict(list)
        for mark in score.marks:
            self.marks[mark.note_id].append(mark.kind)
        self.lyrics: defaultdict[int, dict[int, Lyric]] = defaultdict(dict)
        for lyric in score.lyrics:
            self.lyrics[lyric.note_id][lyric.verse] = lyric
        self.opened: defaultdict[int, list[str]] = defaultdict(list)
        self.closed: defaultdict[int, list[str]] = defaultdict(list)
        for spanner in score.spanners:
            self.opened[spanner.start_id].append(spanner.kind)
            self.closed[spanner.end_id].append(spanner.kind)

    def decorations(self, note_id: int) -> str:
        """Marks of a note, and the lines other than slurs that end or begin on it."""
        kinds = [kind for kind in self.marks[note_id] if kind not in ("slash", DOTTED_SLUR)]
        text = "".join(map(decoration, sorted(kinds, key="staccato".__eq__)))  # its dot next to the note
        ends = "".join(f"!{LINE_DECORATIONS[kind]})!" for kind in self.closed[note_id] if kind != "slur")
        return ends + "".join(f"!{LINE_DECORATIONS[kind]}(!" for kind in self.opened[note_id] if kind != "slur") + text

    def slurs_from(self, note_id: int) -> str:
        """The parentheses that open before a note."""
        text = "(" * self.opened[note_id].count("slur")
        return "." + text if text and DOTTED_SLUR in self.marks[note_id] else text

    def slurs_to(self, note_id: int) -> str:
        """The parentheses that close behind a note."""
        return ")" * self.closed[note_id].count("slur")


def decoration(kind: str) -> str:
    """How a mark is written."""
    if kind == "staccato":
        return "."
    return f"!{DECORATIONS.get(kind) or decoration_name(kind)}!"


def _ending(text: str, barline: str) -> str:
    """A numbered ending behind a barline."""
    if not re.fullmatch(r"\d+(, \d+)*", text):
        return f' ["{quotable(text)}"'
    number = text.replace(" ", "")
    return number if barline.endswith("|") and not barline.endswith("||") else f" [{number}"


def meter_text(beats: int, beat_type: int, sign: str) -> str:
    """What follows `M:`."""
    return _METER_SIGNS.get(sign) or f"{sign or beats}/{beat_type}"


def key_name(key: Key) -> str:
    """What follows `K:`; a bare signature is said by its accidentals."""
    if key.mode is None:
        return f"{pitch.name(key.tonic)} exp {accidentals(signature(key.fifths))}".strip()
    return pitch.name(key.tonic) + _MODES[key.mode]


def beat_ticks(score: Score, tick: int) -> Fraction:
    """Length of what beams join at a tick: half a bar of 4/4 and 2/4, else a beat."""
    if not len(score.meters):
        return Fraction(score.ticks_per_quarter)
    meter = score.meter_at(tick)
    is_binary = meter.beats % 2 == 0 and meter.beat_type == 4
    return meter.beat_quarter * score.ticks_per_quarter * (2 if is_binary else 1)

"""One voice of ABC: from tokens of music code to notes and signs, placed by measure and offset."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import ClassVar

from partimento.io.abc.decorations import Decorations
from partimento.io.abc.fields import ALTERS, PLAIN, Clef
from partimento.io.abc.tokens import (
    ONE,
    TOKEN,
    WHOLE,
    Item,
    Sign,
    length_of,
    parse_multiple,
    place_of,
    sounding,
)
from partimento.io.abc.vocabulary import DOTTED_SLUR, FINGERING, KEY_SIGNATURE
from partimento.theory import pitch
from partimento.theory.key import Key

MAX_MEASURES = 100_000
MAX_RESTS = 1000
"""No multi-measure rest is longer."""
MAX_OVERLAYS = 99
MAX_SLURS = 16
"""No more slurs begin on one note."""
_NONE_CARRIED: dict[tuple[int, int], int] = {}


class Voice(Decorations):
    """What has been read of one voice, and the state in which the next token is read."""

    def __init__(self) -> None:
        super().__init__()
        self.name = self.abbreviation = ""
        self.clef: Clef | None = None
        self.octave = 0
        self.unit = WHOLE // 8
        self.meter: tuple[int, int] | None = (4, 4)
        self.alters = PLAIN
        self._odd_key: Sign | None = None
        self.items: list[Item] = []
        self.marks: list[tuple[int, str]] = []
        self.lines: list[tuple[str, int, int]] = []
        self.transpositions = [(0, 0)]
        """Index of a note, semitones from there on."""
        self.tuplets: list[list[int]] = []
        self.line_start = 0
        """Index of the first note of the line that is being read."""
        self._accidentals: dict[int, int] = {}
        self._carried = _NONE_CARRIED
        self._last: list[Item] = []
        self._last_duration = 0
        self._graces: list[Item] = []
        self._grace_signs: list[tuple[int, str]] = []
        self._pending_slurs: list[bool] = []
        self._open: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        """(kind of line, lane) ▶ where such lines were opened."""
        self._plain: dict[str, tuple[int, int, int, int]] = {}
        """Text of a note without accidental ▶ what it means outside tuplets: pitch, spelling, duration, step."""
        self._factor = ONE
        self._tuplet: list[int] | None = None

    def take(self, match: re.Match[str]) -> None:
        """Read one token."""
        self.HANDLERS[match.lastgroup or "unknown"](self, match)

    def begin_line(self) -> None:
        """A new line of music, to which the next words belong."""
        self.line_start = len(self.items)

    def line(self) -> list[tuple[int, int]]:
        """(index, measure) of each note and chord of the line, overlays left out."""
        found: list[tuple[int, int]] = []
        before = (-1, -1)
        for index in range(self.line_start, len(self.items)):
            item = self.items[index]
            if not item.lane and not item.grace and (item.measure, item.offset) != before:
                before = item.measure, item.offset
                found.append((index, item.measure))
        return found

    def refresh(self) -> None:
        """Forget what notes without accidental mean; to be called when key, unit or clef may have changed."""
        self._plain.clear()

    def set_key(self, key: Key | None, alters: tuple[int, ...], words: str) -> None:
        """A key from here on; `words` where no key says its accidentals."""
        self.alters = alters
        self._accidentals.clear()
        if self._odd_key and (self._odd_key.measure, self._odd_key.offset) == (self.measure, self.offset):
            self.signs.remove(self._odd_key)  # the header's
        self._odd_key = None
        if key:
            self.here("key", key)
        if words:
            self.here("direction", KEY_SIGNATURE, words)
            self._odd_key = self.signs[-1]

    @property
    def has_begun(self) -> bool:
        """Whether any note or rest has been read."""
        return bool(self.lengths or self.offset)

    def set_transposition(self, semitones: int) -> None:
        """From here on notes sound so much higher than they are written."""
        if self.has_begun:
            self.here("transposition", semitones)
            self.transpositions.append((len(self.items), semitones))
        else:
            self.transpositions[0] = (0, semitones)

    def sign_note(self, index: int, name: str, quoted: str) -> None:
        """Give a note that was read before a decoration, or else a chord symbol or annotation (`s:`)."""
        here = self.measure, self.offset
        self.measure, self.offset = self.items[index].measure, self.items[index].offset
        if name:
            self.decorate(name)
            self._hang(index)
        else:
            self.read_quoted(quoted)
        self.measure, self.offset = here

    # Notes and rests

    def _note(self, match: re.Match[str]) -> None:
        known = self._plain.get(match[0])
        if known is None or known[3] in self._accidentals or self._carried or self._tuplet or self._factor is not ONE:
            self._new_note(match)
            return
        number, spelling, duration, _ = known
        item = Item(self.measure, self.offset, duration, number, spelling, self.lane)
        if self._graces or self._pending_marks or self._pending_slurs or self._pending_lines:
            self._place([item], duration)
            return
        self.items.append(item)
        self._last = [item]
        self._last_duration = duration
        self.offset += duration

    def _new_note(self, match: re.Match[str]) -> None:
        is_plain = not (self._carried or self._tuplet or self._factor is not ONE or match["accidental"])
        item, duration = self._pitched(match), self._duration(match["length"])
        step = pitch.step_of(item.spelling)
        if is_plain and step not in self._accidentals and duration:
            self._plain[match[0]] = item.pitch, item.spelling, duration, step
        self._place([item], duration)

    def _pitched(self, match: re.Match[str]) -> Item:
        accidental, name = match.group("accidental", "name")
        step, octave = place_of(name)
        if accidental:
            self._accidentals[step] = alter = ALTERS[accidental]
        elif self._carried and (step, octave) in self._carried and step not in self._accidentals:
            alter = self._carried[step, octave]
        else:
            alter = self._accidentals.get(step, self.alters[step])
        number, spelling = sounding(step, alter, octave + self.octave)
        return Item(self.measure, self.offset, 0, number, spelling, self.lane)

    def _duration(self, text: str) -> int:
        """Length of the next item: unit, multiple, broken rhythm, tuplet."""
        factor = self._factor
        if self._tuplet:
            factor = (factor[0] * self._tuplet[1], factor[1] * self._tuplet[0])
        duration, is_exact = length_of(text, self.unit, factor)
        if not is_exact:
            self.lost.add("lengths finer than the clock or longer than 64 whole notes")
        return duration

    def _place(self, items: list[Item], duration: int) -> None:
        """Put a note, chord or rest (no items) at the current offset and step behind it."""
        if self._graces:
            self._place_graces()
        if items and not duration:
            self.lost.add("notes of no length")
        elif items:
            index = len(self.items)
            for item in items:
                item.duration = duration
            self.items.extend(items)
            if self._pending_marks or self._pending_slurs or self._pending_lines:
                self._hang(index)
            self._carried = _NONE_CARRIED
        self._last = items
        self._last_duration = duration
        self.offset += duration
        self._factor = ONE
        if self._tuplet:
            self._step_tuplet()

    def _chord(self, match: re.Match[str]) -> None:
        items: list[Item] = []
        marks: list[tuple[Item, str]] = []
        before, closing, inner = self._pending_marks, 0, ""
        self._pending_marks = []
        for token in TOKEN.finditer(match["inside"]):
            if token.lastgroup == "note":
                inner = inner if items else token["length"]
                items.append(self._pitched(token))
                marks += [(items[-1], kind) for kind in self._pending_marks]
                self._pending_marks = []
            elif token.lastgroup == "tie" and items:
                items[-1].is_tied = True
            elif token.lastgroup in ("quote", "decoration", "letter_decoration", "slur"):
                self.take(token)
            closing += token.lastgroup == "slur_end"
        self._pending_marks = before
        if not items:
            return
        items.sort(key=lambda item: item.pitch)
        first = len(self.items) + len(self._graces)
        self._place(items, self._chord_duration(inner, match["chord_length"]))
        if not self._last_duration:
            return
        place = {id(item): first + index for index, item in enumerate(items)}
        self.marks += [(place[id(item)] if kind.startswith(FINGERING) else first, kind) for item, kind in marks]
        for _ in range(closing):
            self._close_line("slur", first)

    def _chord_duration(self, inner: str, outer: str) -> int:
        top, below = parse_multiple(inner)
        top_outer, below_outer = parse_multiple(outer)
        return self._duration(f"{top * top_outer}/{below * below_outer}")

    def _rest(self, match: re.Match[str]) -> None:
        self._marks_to_rest()
        self._place([], self._duration(match["rest_length"]))

    def _rests(self, match: re.Match[str]) -> None:
        count = int(match["count"][:9] or 1)
        if count > MAX_RESTS:
            self.lost.add(f"rests of more than {MAX_RESTS} measures (cut)")
        beats, beat_type = self.meter or (4, 4)
        self._marks_to_rest()
        for number in range(min(count, MAX_RESTS, MAX_MEASURES + 1 - self.measure)):
            if number:
                self.close_measure()
            self._place([], WHOLE * beats // beat_type)

    def _broken(self, match: re.Match[str]) -> None:
        """`a>b`: the dot before, the half behind; `<` the other way round."""
        below = 2 ** min(len(match[0]), 4)
        long, short = (2 * below - 1, below), (1, below)
        mine, self._factor = (long, short) if match[0][0] == ">" else (short, long)
        if not self.offset:
            return
        before, duration = self.offset, self._last_duration * mine[0] // mine[1]
        self.offset += duration - self._last_duration
        self._last_duration = duration
        for item in self._last:
            item.duration = duration
        if self.tuplets and self.tuplets[-1][2:4] == [self.measure, before]:
            self.tuplets[-1][3] = self.offset

    def _tie(self, _: re.Match[str]) -> None:
        for item in self._last:
            item.is_tied = True

    # Grace notes

    def _grace(self, match: re.Match[str]) -> None:
        number = self._graces[-1].grace if self._graces else 0
        outside, self._pending_marks = self._pending_marks, []
        if match["slash"]:
            self._grace_signs.append((len(self._graces), "slash"))
        for token in TOKEN.finditer(match["graces"]):
            kind = token.lastgroup
            if kind in ("note", "chord"):
                number += 1
                inside = [token] if kind == "note" else TOKEN.finditer(token["inside"])
                self._add_graces([self._pitched(note) for note in inside if note.lastgroup == "note"], number)
            elif kind == "slur_end" and self._graces:
                self._grace_signs.append((self._latest_grace(), ")"))
            elif kind in ("slur", "decoration", "letter_decoration"):
                self.take(token)
        self._pending_marks = outside

    def _add_graces(self, items: list[Item], number: int) -> None:
        """Take one grace note or chord, with what was written before it."""
        place = len(self._graces)
        for item in sorted(items, key=lambda item: item.pitch):
            item.grace = min(number, 127)
            self._graces.append(item)
        self._grace_signs += [(place, "." if is_dotted else "(") for is_dotted in self._pending_slurs]
        self._grace_signs += [(place, kind) for kind in self._pending_marks]
        self._pending_slurs.clear()
        self._pending_marks.clear()

    def _latest_grace(self) -> int:
        """Index of the first note of the latest grace chord."""
        return next(i for i, item in enumerate(self._graces) if item.grace == self._graces[-1].grace)

    def _place_graces(self) -> None:
        first = len(self.items)
        for item in self._graces:
            item.measure, item.offset, item.lane = self.measure, self.offset, self.lane
            self.items.append(item)
        for place, sign in self._grace_signs:
            if sign == ")":
                self._close_line("slur", first + place)
            elif sign in ".(":
                self._open_slur(first + place, is_dotted=sign == ".")
            elif place < len(self._graces):
                self.marks.append((first + place, sign))
        self._graces.clear()
        self._grace_signs.clear()

    # Lines and tuplets

    def _hang(self, index: int) -> None:
        """What was written before a note now belongs to it."""
        self.marks.extend((index, kind) for kind in self._pending_marks)
        self._pending_marks.clear()
        for is_dotted in self._pending_slurs:
            self._open_slur(index, is_dotted=is_dotted)
        self._pending_slurs.clear()
        for kind, begins in self._pending_lines:
            self._open_line(kind, index) if begins else self._close_line(kind, index)
        self._pending_lines.clear()

    def _open_slur(self, index: int, *, is_dotted: bool) -> None:
        self._open_line("slur", index)
        if is_dotted:
            self.marks.append((index, DOTTED_SLUR))

    def _open_line(self, kind: str, index: int) -> None:
        self._open[kind, self.items[index].lane].append(index)

    def _close_line(self, kind: str, end: int) -> None:
        """Close the line opened last; one that opens on this very note is not meant."""
        opened = self._open[kind, self.items[end].lane]
        place = next((i for i in range(len(opened) - 1, -1, -1) if opened[i] < end), -1)
        self.lines.append((kind, opened.pop(place) if place >= 0 else -1, end))

    def _slur(self, match: re.Match[str]) -> None:
        if len(self._pending_slurs) < MAX_SLURS:
            self._pending_slurs.append(match[0][0] == ".")

    def _slur_end(self, _: re.Match[str]) -> None:
        if self._pending_slurs:
            self._pending_slurs.pop()
        elif self.items:
            self._close_line("slur", len(self.items) - max(len(self._last), 1))

    def _start_tuplet(self, match: re.Match[str]) -> None:
        self._end_tuplet()
        actual = int(match["p"][:3])
        is_compound = self.meter is not None and self.meter[0] % 3 == 0 and self.meter[0] > 3
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(actual, 3 if is_compound else 2)
        normal, count = int((match["q"] or "")[:3] or usual), int((match["r"] or "")[:3] or actual)
        if actual > 1 and normal and count:
            self._tuplet = [actual, normal, count, self.measure, self.offset]

    def _step_tuplet(self) -> None:
        assert self._tuplet
        self._tuplet[2] -= 1
        if not self._tuplet[2]:
            self._end_tuplet()

    def _end_tuplet(self) -> None:
        """Note the tuplet that was begun, if it lasts."""
        if self._tuplet:
            actual, normal, _, measure, offset = self._tuplet
            if (measure, offset) < (self.measure, self.offset):
                self.tuplets.append([measure, offset, self.measure, self.offset, self.lane, actual, normal])
            self._tuplet = None

    # Bars

    def _overlay(self, match: re.Match[str]) -> None:
        if match[0] == "&" and self.lane >= MAX_OVERLAYS:
            self.lost.add(f"overlays beyond the first {MAX_OVERLAYS}")
        elif match[0] == "&":
            self._end_tuplet()
            if self._graces:
                self._place_graces()
            self.longest = max(self.longest, self.offset)
            self.offset = 0
            self.lane += 1

    def close_measure(self) -> None:
        """End the measure that was begun, if anything is in it; ties carry their accidentals on."""
        tied = [item for item in self._last if item.is_tied]
        self._carried = {self._written(item): pitch.alter_of(item.spelling) for item in tied} or _NONE_CARRIED
        self._accidentals.clear()
        super().close_measure()
        if self._pending_marks:
            self._marks_to_bar()

    def _written(self, item: Item) -> tuple[int, int]:
        """Step and octave as they are written."""
        return pitch.step_of(item.spelling), pitch.octave_of(item.pitch, item.spelling) - self.octave

    def close(self) -> None:
        """End the voice."""
        self._end_tuplet()
        if self._graces:
            self._place_graces()
        self.close_measure()
        self.lines += [(kind, start, -1) for (kind, _), starts in self._open.items() for start in starts]

    def _skip(self, _: re.Match[str]) -> None:
        pass

    def _unknown(self, match: re.Match[str]) -> None:
        if match[0] not in ":|]":
            self.lost.add(f"the sign {match[0]!r}")

    HANDLERS: ClassVar[dict[str, Callable[[Voice, re.Match[str]], None]]] = {
        "note": _note, "space": _skip, "bar": Decorations._bar, "rest": _rest, "rests": _rests, "broken": _broken,
        "ending": Decorations._start_ending, "chord": _chord, "grace": _grace, "tuplet": _start_tuplet,
        "slur": _slur, "slur_end": _slur_end, "tie": _tie, "quote": Decorations._quote,
        "decoration": Decorations._decoration, "letter_decoration": Decorations._letter_decoration,
        "spacer": _skip, "overlay": _overlay, "unknown": _unknown,
    }  # fmt: skip
    """Kind of token ▶ its reader."""

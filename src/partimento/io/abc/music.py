"""One voice of ABC: from tokens of music code to notes and signs, placed by measure and offset.

Times are integers, `WHOLE` to a whole note, so that all usual lengths and tuplets are exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from partimento.io.abc.fields import ALTERS, PLAIN, Clef, signature
from partimento.io.abc.symbols import DYNAMICS, LETTERS, MARKS, WEDGES, jump, parse_chord
from partimento.theory import pitch
from partimento.theory.key import Key

WHOLE = 2**14 * 3**4 * 5**3 * 7**2 * 11 * 13
MAX_LENGTH = 64 * WHOLE
"""No single note or rest is longer."""
MAX_MEASURES = 100_000
MAX_RESTS = 1000
"""No multi-measure rest is longer."""

_LENGTH = r"\d*(?:/+\d*)?"
TOKEN = re.compile(
    rf"""(?P<note>(?:(?P<accidental>\^\^?|__?|=)(?:\d+/\d+|/)?)?(?P<name>[A-Ga-g][,']*)(?P<length>{_LENGTH}))
    |(?P<space>[ \t`\\$*;?@]+)
    |(?P<bar>\.?(?::*\|[|:\]]*|:*\[\|[|:\]]*|::+)(?:\s*\[?(?P<number>\d[\d,.\-]*))?)
    |(?P<rest>[zx](?P<rest_length>{_LENGTH}))
    |(?P<broken>>+|<+)
    |(?P<inline>\[(?P<field>[A-Za-z]):(?P<value>[^\[\]]*+)\])
    |(?P<ending>\[\s*(?:(?P<numbers>\d[\d,.\-]*)|"(?P<named>[^"]*)"))
    |(?P<chord>\[(?P<inside>(?:[^\[\]|"]|"[^"]*+")*+)\](?P<chord_length>{_LENGTH}))
    |(?P<grace>\{{(?P<graces>[^{{}}]*+)\}})
    |(?P<tuplet>\((?P<p>\d+)(?::(?P<q>\d*))?(?::(?P<r>\d*))?)
    |(?P<slur>\.?\()|(?P<slur_end>\))|(?P<tie>\.?-)
    |(?P<quote>"(?P<quoted>[^"]*)")
    |(?P<decoration>!(?P<named_decoration>[^!\s|]{{1,20}})!|\+(?P<old_decoration>[A-Za-z.]{{1,20}})\+)
    |(?P<rests>[ZX](?P<count>\d*))
    |(?P<spacer>y{_LENGTH}|!)
    |(?P<overlay>&)
    |(?P<letter_decoration>[.~H-Wh-w])
    |(?P<unknown>.)""",
    re.VERBOSE,
)
_AS_WRITTEN = (1, 1)
_NONE_CARRIED: dict[tuple[int, int], int] = {}
_STEPS = {letter: (index % 7, 4 + index // 7) for index, letter in enumerate("CDEFGABcdefgab")}


@dataclass(slots=True)
class Item:
    """A written note; `offset` counts from the start of its measure."""

    measure: int
    offset: int
    duration: int
    pitch: int
    spelling: int
    lane: int
    grace: int = 0
    is_tied: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """Anything else that has a place: `what` says which field of the score it goes to."""

    measure: int
    offset: int
    what: str
    value: object
    text: str = ""


@lru_cache(maxsize=4096)
def parse_multiple(text: str) -> tuple[int, int]:
    """A note length as multiple of the unit: `3/2` ▶ (3, 2), `//` ▶ (1, 4)."""
    number, slash, rest = text.partition("/")
    over = rest.lstrip("/")
    top = int(number[:9]) if number else 1
    below = int(over[:9] or 0) if over else 2 ** min(len(text) - len(number), 12) if slash else 1
    return (top, below) if below else (top, 1)


@lru_cache(maxsize=1024)
def _place_of(name: str) -> tuple[int, int]:
    """Step and octave of a note name such as `c'`."""
    step, octave = _STEPS[name[0]]
    return step, octave + name.count("'") - name.count(",")


@lru_cache(maxsize=1024)
def _sounding(step: int, alter: int, octave: int) -> tuple[int, int]:
    return pitch.midi_pitch(step, alter, octave), pitch.spelling(step, alter)


@lru_cache(maxsize=4096)
def _length(text: str, unit: int, factor: tuple[int, int]) -> tuple[int, bool]:
    """Length of a note, and whether it is exact."""
    top, below = parse_multiple(text)
    duration, rest = divmod(unit * top * factor[0], below * factor[1])
    return min(duration, MAX_LENGTH), not rest and duration <= MAX_LENGTH


def _ending_numbers(text: str) -> str:
    """`1,3` ▶ `1, 3` and `1-3` ▶ `1, 2, 3`, as MusicXML writes them."""
    text = re.sub(r"(?<!\d)(\d)-(\d)(?!\d)", lambda m: ",".join(map(str, range(int(m[1]), int(m[2]) + 1))), text)
    return re.sub(r"\s*,\s*", ", ", text)


class Voice:
    """What has been read of one voice, and the state in which the next token is read."""

    def __init__(self, key: Key | None = None) -> None:
        self.name = self.abbreviation = ""
        self.clef: Clef | None = None
        self.octave = 0
        self.transpose = 0
        self.unit = WHOLE // 8
        self.meter: tuple[int, int] | None = (4, 4)
        self.alters = signature(key.fifths) if key else PLAIN
        self.letters = LETTERS
        self.items: list[Item] = []
        self.lengths: list[int] = []
        self.signs: list[Sign] = []
        self.marks: list[tuple[int, str]] = []
        self.slurs: list[tuple[int, int]] = []
        self.tuplets: list[tuple[int, int, int, int, int, int, int]] = []
        self.line: list[tuple[int, int]] = []
        self.lost: set[str] = set()
        self.measure = self.offset = self.lane = self.longest = 0
        self._accidentals: dict[int, int] = {}
        self._carried = _NONE_CARRIED
        self._last: list[Item] = []
        self._last_duration = 0
        self._graces: list[Item] = []
        self._pending_marks: list[str] = []
        self._pending_slurs = 0
        self._open_slurs: list[int] = []
        self._plain: dict[str, tuple[int, int, int]] = {}
        self._factor = _AS_WRITTEN
        self._tuplet: list[int] | None = None
        self._ending = ""

    def take(self, match: re.Match[str]) -> None:
        """Read one token."""
        self._HANDLERS[match.lastgroup or "unknown"](self, match)

    def refresh(self) -> None:
        """Forget what notes without accidental mean; to be called when key, unit or clef may have changed."""
        self._plain.clear()

    # Notes and rests

    def _note(self, match: re.Match[str]) -> None:
        if self._accidentals or self._carried or self._tuplet or self._factor is not _AS_WRITTEN:
            self._place([self._pitched(match)], self._duration(match["length"]))
            return
        text = match[0]
        known = self._plain.get(text)
        if known is None:
            item, duration = self._pitched(match), self._duration(match["length"])
            if not match["accidental"]:
                self._plain[text] = item.pitch, item.spelling, duration
        else:
            number, spelling, duration = known
            item = Item(self.measure, self.offset, 0, number, spelling, self.lane)
        self._place([item], duration)

    def _pitched(self, match: re.Match[str]) -> Item:
        accidental, name = match.group("accidental", "name")
        step, octave = _place_of(name)
        if accidental:
            self._accidentals[step] = alter = ALTERS[accidental]
        elif self._carried and (step, octave) in self._carried and step not in self._accidentals:
            alter = self._carried[step, octave]
        else:
            alter = self._accidentals.get(step, self.alters[step])
        number, spelling = _sounding(step, alter, octave + self.octave)
        return Item(self.measure, self.offset, 0, number, spelling, self.lane)

    def _duration(self, text: str) -> int:
        """Length of the next item: unit, multiple, broken rhythm, tuplet."""
        if self._tuplet:
            factor = (self._factor[0] * self._tuplet[1], self._factor[1] * self._tuplet[0])
        else:
            factor = self._factor
        duration, is_exact = _length(text, self.unit, factor)
        if not is_exact:
            self.lost.add("lengths finer than the clock or longer than 64 whole notes")
        return duration

    def _place(self, items: list[Item], duration: int) -> None:
        """Put a note, chord or rest (no items) at the current offset and step behind it."""
        if self._graces:
            self._place_graces()
        if items:
            index = len(self.items)
            for item in items:
                item.duration = duration
            self.items.extend(items)
            if self._pending_marks or self._pending_slurs:
                self._hang(index)
            if self.lane == 0:
                self.line.append((index, self.measure))
            self._carried = _NONE_CARRIED
        self._last = items
        self._last_duration = duration
        self.offset += duration
        self._factor = _AS_WRITTEN
        if self._tuplet:
            self._step_tuplet()

    def _hang(self, index: int) -> None:
        """What was written before a note now belongs to it."""
        self.marks.extend((index, kind) for kind in self._pending_marks)
        self._pending_marks.clear()
        self._open_slurs.extend([index] * self._pending_slurs)
        self._pending_slurs = 0

    def _place_graces(self) -> None:
        for item in self._graces:
            item.measure, item.offset, item.lane = self.measure, self.offset, self.lane
            self.items.append(item)
        self._graces.clear()

    def _grace(self, match: re.Match[str]) -> None:
        number = self._graces[-1].grace if self._graces else 0
        for token in TOKEN.finditer(match["graces"]):
            if token.lastgroup in ("note", "chord"):
                number += 1
                inside = [token] if token.lastgroup == "note" else TOKEN.finditer(token["inside"])
                for note in inside:
                    if note.lastgroup == "note":
                        self._graces.append(self._pitched(note))
                        self._graces[-1].grace = min(number, 127)

    def _chord(self, match: re.Match[str]) -> None:
        items: list[Item] = []
        inner = ""
        for token in TOKEN.finditer(match["inside"]):
            if token.lastgroup == "note":
                inner = inner if items else token["length"]
                items.append(self._pitched(token))
            elif token.lastgroup == "tie" and items:
                items[-1].is_tied = True
            elif token.lastgroup in ("quote", "decoration", "letter_decoration", "slur"):
                self.take(token)
        if items:
            self._place(items, self._chord_duration(inner, match["chord_length"]))

    def _chord_duration(self, inner: str, outer: str) -> int:
        top, below = parse_multiple(inner)
        top_outer, below_outer = parse_multiple(outer)
        return self._duration(f"{top * top_outer}/{below * below_outer}")

    def _rest(self, match: re.Match[str]) -> None:
        self._place([], self._duration(match["rest_length"]))
        self._pending_marks.clear()

    def _rests(self, match: re.Match[str]) -> None:
        count = int(match["count"][:9] or 1)
        if count > MAX_RESTS:
            self.lost.add(f"rests of more than {MAX_RESTS} measures (cut)")
        beats, beat_type = self.meter or (4, 4)
        for _ in range(min(count, MAX_RESTS, MAX_MEASURES + 1 - self.measure)):
            self._place([], WHOLE * beats // beat_type)
            self.close_measure()

    def _broken(self, match: re.Match[str]) -> None:
        """`a>b`: the dot before, the half behind; `<` the other way round."""
        below = 2 ** min(len(match[0]), 4)
        long, short = (2 * below - 1, below), (1, below)
        mine, self._factor = (long, short) if match[0][0] == ">" else (short, long)
        if self.offset:
            duration = self._last_duration * mine[0] // mine[1]
            self.offset += duration - self._last_duration
            self._last_duration = duration
            for item in self._last:
                item.duration = duration

    def _tie(self, _: re.Match[str]) -> None:
        for item in self._last:
            item.is_tied = True

    def _slur(self, _: re.Match[str]) -> None:
        self._pending_slurs += 1

    def _slur_end(self, _: re.Match[str]) -> None:
        """Close the slur opened last; one that opens on this very note is not meant."""
        end = len(self.items) - max(len(self._last), 1)
        for place in range(len(self._open_slurs) - 1, -1, -1):
            if self._open_slurs[place] < end:
                self.slurs.append((self._open_slurs.pop(place), end))
                return
        self._pending_slurs = max(self._pending_slurs - 1, 0)

    def _start_tuplet(self, match: re.Match[str]) -> None:
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
            actual, normal, _, measure, offset = self._tuplet
            self.tuplets.append((measure, offset, self.measure, self.offset, self.lane, actual, normal))
            self._tuplet = None

    def _overlay(self, _: re.Match[str]) -> None:
        self.longest = max(self.longest, self.offset)
        self.offset = 0
        self.lane += 1

    # Bars

    def _bar(self, match: re.Match[str]) -> None:
        sign = match[0].split(match["number"])[0].rstrip("[ \t") if match["number"] else match[0]
        self.close_measure()
        colons = len(sign) - len(sign.lstrip(":")), len(sign) - len(sign.rstrip(":"))
        if "|" not in sign:
            colons = (len(sign) // 2, len(sign) // 2)
        self._close_ending(sign, match["number"])
        if colons[0]:
            self._at_bar("backward", str(colons[0] + 1) if colons[0] > 1 else "")
        if colons[1]:
            self._at_bar("forward")
        if match["number"]:
            self._open_ending(match["number"])

    def close_measure(self) -> None:
        """End the measure that was begun, if anything is in it."""
        length = max(self.longest, self.offset)
        self._carried = (
            _NONE_CARRIED
            if not any(item.is_tied for item in self._last)
            else {
                (
                    pitch.step_of(item.spelling),
                    pitch.octave_of(item.pitch, item.spelling) - self.octave,
                ): pitch.alter_of(item.spelling)
                for item in self._last
                if item.is_tied
            }
        )
        self._accidentals.clear()
        self._pending_marks.clear()
        self.offset = self.longest = self.lane = 0
        if length:
            self.lengths.append(length)
            self.measure += 1

    def close(self) -> None:
        """End the voice."""
        self.close_measure()
        if self._ending:
            self._at_bar("ending-discontinue", self._ending)
        if self._graces:
            self.lost.add("grace notes at the end")

    def _at_bar(self, kind: str, text: str = "") -> None:
        self.signs.append(Sign(self.measure, 0, "repeat", kind, text))

    def _close_ending(self, sign: str, number: str | None) -> None:
        if self._ending and (number or sign not in ("|", ".|", "[|]")):
            is_stop = sign.startswith(":") or "]" in sign
            self._at_bar("ending-stop" if is_stop else "ending-discontinue", self._ending)
            self._ending = ""

    def _open_ending(self, text: str) -> None:
        self._ending = _ending_numbers(text.strip().rstrip(",.-")) or "1"
        self._at_bar("ending-start", self._ending)

    def _start_ending(self, match: re.Match[str]) -> None:
        if self._ending:
            self._at_bar("ending-discontinue", self._ending)
        self._open_ending(match["numbers"] or match["named"])

    # Signs

    def here(self, what: str, value: object, text: str = "") -> None:
        """Note a sign at the current place."""
        self.signs.append(Sign(self.measure, self.offset, what, value, text))

    def _quote(self, match: re.Match[str]) -> None:
        text = match["quoted"]
        if text[:1] in "^_<>@" and text:
            self._annotate(re.sub(r"^[\d.,-]*", "", text[1:]) if text[0] == "@" else text[1:])
        elif re.fullmatch(r"N\.?C\.?", text.strip()):
            self.here("chord", None)
        elif chord := parse_chord(text):
            self.here("chord", chord)
        else:
            self._annotate(text)

    def _annotate(self, text: str) -> None:
        text = text.strip()
        if kind := jump(text):
            self._jump(kind)
        elif text in DYNAMICS:
            self.here("dynamics", text)
        elif text in ("tr", "tr.", "~"):
            self._pending_marks.append("turn" if text == "~" else "trill-mark")
        elif text:
            self.here("words", text)

    def _decoration(self, match: re.Match[str]) -> None:
        self._decorate(match["named_decoration"] or match["old_decoration"])

    def _letter_decoration(self, match: re.Match[str]) -> None:
        name = self.letters.get(match[0])
        self._decorate(name) if name else self.lost.add(f"the sign {match[0]}")

    def _decorate(self, name: str) -> None:
        if kind := MARKS.get(name):
            self._pending_marks.append(kind)
        elif name in DYNAMICS:
            self.here("dynamics", name)
        elif name in WEDGES:
            self.here("wedge", WEDGES[name])
        elif kind := jump(name):
            self._jump(kind)
        elif name.isdigit():
            self.here("words", name)
        else:
            self.lost.add(f"!{name}!")

    def _jump(self, kind: str) -> None:
        """Signs that are aimed at stand at the start of their measure, those that send away at its end."""
        self.here("repeat" if kind in ("segno", "coda") else "leave", kind)

    def set_key(self, key: Key | None, alters: tuple[int, ...]) -> None:
        """A key from here on."""
        self.alters = alters
        self._accidentals.clear()
        if key:
            self.here("key", key)

    def _skip(self, _: re.Match[str]) -> None:
        pass

    def _unknown(self, match: re.Match[str]) -> None:
        if match[0] not in ":|]":
            self.lost.add(f"the sign {match[0]!r}")

    _HANDLERS: ClassVar[dict[str, Callable[[Voice, re.Match[str]], None]]] = {
        "note": _note, "space": _skip, "bar": _bar, "rest": _rest, "rests": _rests, "broken": _broken,
        "ending": _start_ending, "chord": _chord, "grace": _grace, "tuplet": _start_tuplet, "slur": _slur,
        "slur_end": _slur_end, "tie": _tie, "quote": _quote, "decoration": _decoration,
        "letter_decoration": _letter_decoration, "spacer": _skip, "overlay": _overlay, "unknown": _unknown,
    }  # fmt: skip

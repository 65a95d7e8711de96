"""Reads `<direction>` and `<sound>`: words, dynamics, hairpins, pedals, tempi, jumps, changes of sound."""

from __future__ import annotations

from partimento.io.musicxml.content import Cursor, Element, PartContent, flat, number, texts
from partimento.io.musicxml.notation_reader import dynamic_texts
from partimento.io.musicxml.said_signs import metronome_bpm
from partimento.io.musicxml.vocabulary import (
    BELOW,
    FULL_PEDAL,
    JUMPS,
    OWN_SIGN,
    PEDAL_CONTROLS,
    PLAIN_DIRECTIONS,
    SPAN_DIRECTIONS,
    TEMPO_RANGE_BPM,
    TYPE_UNITS,
)
from partimento.score import Direction, ProgramChange, Repeat

_WITH_TEXT = frozenset(["other-direction", "symbol"])
_WITH_TYPE = frozenset(["string-mute", "principal-voice", "staff-divide"])


class DirectionReader:
    """Reads the directions of one part into `found`."""

    def __init__(self, cursor: Cursor, found: PartContent) -> None:
        self.cursor, self.found = cursor, found

    def read(self, element: Element) -> None:
        """Read a `<direction>`."""
        place, staff, sound, signs = self.cursor.place, 1, None, list[Element]()
        for child in element:
            tag = child.tag
            if tag == "direction-type":
                signs += child
            elif tag == "sound":
                sound = child
            elif tag == "staff":
                staff = max(1, min(number(child), 100))
            elif tag == "offset":
                place = self.cursor.at(self.cursor.tick + self.cursor.ticks(child.text, "offset"))
        placement = element.get("placement", "")
        has_tempo = sound is not None and "tempo" in sound.attrib
        is_tempo = has_tempo or any(sign.tag == "metronome" for sign in signs)
        for sign in signs:
            if sign.tag == "metronome":
                self._metronome(sign, place, staff, placement, has_tempo=has_tempo)
            elif sign.tag == "words":
                kind = "tempo" if _is_tempo(sign, is_tempo=is_tempo) else "words"
                self._add(place, kind, flat(sign.text), staff, placement, name=sign.get("id", ""))
            else:
                self._sign(sign, place, staff, placement)
        if sound is not None:
            self.read_sound(sound, place)

    def _sign(self, sign: Element, place: int, staff: int, placement: str) -> None:
        tag, kind = sign.tag, sign.get("type", "")
        if tag == "dynamics":
            for text in dynamic_texts(sign):
                self._add(place, "dynamics", text, staff, placement)
        elif tag == "wedge":
            if kind in ("crescendo", "diminuendo", "stop"):
                self._add(place, "wedge-stop" if kind == "stop" else kind, "", staff, placement, needs_text=False)
        elif tag == "rehearsal" or tag in _WITH_TEXT:
            self._add(place, tag, flat(sign.text) or sign.get("smufl", ""), staff, placement)
        elif tag == "octave-shift":
            if kind in ("up", "down"):
                size = sign.get("size", "8")
                kind = f"{kind} {size if size.isdecimal() and 0 < int(size[:3]) < 100 else 8}"
            self._add(place, tag, "" if kind == "continue" else kind, staff, placement)
        elif tag in SPAN_DIRECTIONS:
            self._add(place, tag, "" if kind == "continue" else kind, staff, placement)
        elif tag in ("segno", "coda"):
            self.found.repeats.append(Repeat(place, tag))
        elif tag in PLAIN_DIRECTIONS:
            self._add(place, tag, "", staff, placement, needs_text=False)
        elif tag in _WITH_TYPE:
            self._add(place, tag, ":".join(filter(None, (kind, flat(sign.text)))), staff, placement)
        else:
            self.found.lost[f"<{tag}> directions"] += 1

    def _add(
        self,
        place: int,
        kind: str,
        text: str,
        staff: int,
        placement: str,
        *,
        needs_text: bool = True,
        name: str = "",
    ) -> None:
        if placement == ("below" if kind in BELOW else "above"):
            placement = ""
        if (text or not needs_text) and not name.startswith(OWN_SIGN):  # else one that our writer adds by itself
            self.found.directions.append(Direction(place, kind, text, self.cursor.part, staff, placement))

    # Tempi and jumps

    def _metronome(self, sign: Element, place: int, staff: int, placement: str, *, has_tempo: bool) -> None:
        text = _metronome_text(sign)
        if not text:
            self.found.lost["metronome marks of several notes"] += 1
            return
        self._add(place, "metronome", text, staff, placement, name=sign.get("id", ""))
        bpm = metronome_bpm(text)
        if bpm and not has_tempo:
            self._tempo(place, bpm, is_played=False)

    def _tempo(self, place: int, tempo_bpm: float, *, is_played: bool) -> None:
        if TEMPO_RANGE_BPM[0] <= tempo_bpm <= TEMPO_RANGE_BPM[1]:
            self.found.tempos.append((place, tempo_bpm, is_played))
        else:
            self.found.lost["absurd tempi"] += 1

    def read_sound(self, sound: Element, place: int | None = None) -> None:
        """Read a `<sound>`; where it stands by itself, its own offset counts."""
        if place is None:
            offset = sound.findtext("offset")
            place = self.cursor.at(self.cursor.tick + (self.cursor.ticks(offset, "offset") if offset else 0))
        for name, value in sound.attrib.items():
            if name == "tempo":
                try:
                    self._tempo(place, float(value), is_played=True)
                except ValueError:
                    self.found.lost["absurd tempi"] += 1
            elif name in JUMPS:
                if value != "no":
                    self.found.repeats.append(Repeat(place, JUMPS[name]))
            elif name in PEDAL_CONTROLS:
                self._pedal(place, PEDAL_CONTROLS[name], value)
        for instrument in sound.iterchildren("midi-instrument"):
            text = texts(instrument).get("midi-program", "")
            if text.isdecimal() and 1 <= int(text[:9]) <= 128:
                self.found.programs.append(ProgramChange(place, self.cursor.part, int(text) - 1))

    def _pedal(self, place: int, control: int, value: str) -> None:
        percent = {"yes": 100.0, "no": 0.0}.get(value)
        try:
            percent = float(value) if percent is None else percent
        except ValueError:
            percent = -1.0
        if 0 <= percent <= 100:
            self.found.controls.append((place, self.cursor.part, control, round(percent / 100 * FULL_PEDAL)))


def _is_tempo(words: Element, *, is_tempo: bool) -> bool:
    """Whether words say a tempo: bold, or beside a tempo and not in the italics of expressions."""
    return words.get("font-weight") == "bold" or (is_tempo and words.get("font-style") != "italic")


def _metronome_text(sign: Element) -> str:
    """`quarter.=60` or `(quarter=eighth)`; empty where the mark is of another kind."""
    sides = [""]
    for child in sign:
        if child.tag == "beat-unit" or child.tag == "per-minute":
            if sides[-1]:
                sides.append("")
            sides[-1] = flat(child.text).replace("=", "").strip("()") or "?"
        elif child.tag == "beat-unit-dot":
            sides[-1] += "."
        else:
            return ""
    if len(sides) != 2 or sides[0].rstrip(".") not in TYPE_UNITS:
        return ""
    return f"({'='.join(sides)})" if sign.get("parentheses") == "yes" else "=".join(sides)

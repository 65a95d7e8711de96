"""Reads chord symbols with their frames, and figured bass."""

from __future__ import annotations

from partimento.io.musicxml.content import Cursor, Element, PartContent, flat, texts
from partimento.io.musicxml.vocabulary import CHORD_KINDS, FIGURE_SIGNS, NO_CHORD
from partimento.score import ChordEvent, Direction
from partimento.theory import pitch
from partimento.theory.chord import KINDS, RARE_KINDS, ChordSymbol, Degree

_MAX_STRINGS = 12
_DEGREES = ("add", "alter", "subtract")


class HarmonyReader:
    """Reads the chord symbols and figures of one part into `found`."""

    def __init__(self, cursor: Cursor, found: PartContent) -> None:
        self.cursor, self.found = cursor, found
        self._figures_end = (-1, 0)

    def read(self, element: Element) -> None:
        """Read a `<harmony>`."""
        offset = element.findtext("offset")
        place = self.cursor.at(self.cursor.tick + (self.cursor.ticks(offset, "offset") if offset else 0))
        kind, root = element.find("kind"), element.find("root")
        name = "" if kind is None else flat(kind.text)
        if name != "none" and root is None:
            self.found.lost["chords without a root"] += 1
            return
        symbol = None if name == "none" else self._symbol(element, root, name)
        shown = None if kind is None else kind.get("text")
        text = "" if shown is None else printed(symbol, flat(shown))
        self.found.chords.append(ChordEvent(place, symbol, self.cursor.part, text, frame_text(element.find("frame"))))

    def _symbol(self, element: Element, root: Element, kind: str) -> ChordSymbol:
        if kind not in CHORD_KINDS:
            self.found.lost["chord kinds that MusicXML does not know"] += 1
        shift, bass = self.cursor.shift, element.find("bass")
        spelled, bass = _tone(root) + shift, None if bass is None else _tone(bass) + shift
        degrees = tuple(filter(None, map(_degree, element.iterfind("degree"))))
        return ChordSymbol(spelled, CHORD_KINDS.get(kind, "other"), None if bass == spelled else bass, degrees)

    def read_figures(self, element: Element) -> None:
        """Read a `<figured-bass>`; several before one note follow on one another after their durations."""
        here = self.cursor.place
        if self._figures_end[0] != here:
            self._figures_end = here, 0
        place = self.cursor.at(self.cursor.tick + self._figures_end[1])
        figures = " ".join(filter(None, map(_figure, element.iterfind("figure"))))
        if figures:
            text = f"({figures})" if element.get("parentheses") == "yes" else figures
            self.found.directions.append(Direction(place, "figured-bass", text, self.cursor.part))
        duration = element.findtext("duration")
        self._figures_end = here, self._figures_end[1] + (abs(self.cursor.ticks(duration)) if duration else 0)


def printed(symbol: ChordSymbol | None, kind_text: str) -> str:
    """How a chord symbol with this text for its kind is printed, empty where that is as we print it."""
    if symbol is None:
        return "" if kind_text == NO_CHORD else kind_text
    whole = str(symbol)
    suffix = (KINDS | RARE_KINDS)[symbol.kind][1]
    name = pitch.name(symbol.root)
    text = name + kind_text + whole[len(name) + len(suffix) :]
    return "" if text == whole else text


def frame_text(frame: Element | None) -> str:
    """The frets of a frame, lowest string first: `x32010`; with hyphens between frets beyond the ninth."""
    if frame is None:
        return ""
    count = flat(frame.findtext("frame-strings")) or "6"
    strings = ["x"] * (min(int(count), _MAX_STRINGS) if count.isdecimal() else 6)
    for note in frame.iterfind("frame-note"):
        text = texts(note)
        number, fret = text.get("string", ""), text.get("fret", "")
        if number.isdecimal() and fret.isdecimal() and 1 <= int(number[:4]) <= len(strings) and len(fret) < 3:
            strings[-int(number)] = str(int(fret))
    return ("-" if any(len(fret) > 1 for fret in strings) else "").join(strings)


def _degree(element: Element) -> Degree | None:
    text = texts(element)
    value, kind = text.get("degree-value", ""), text.get("degree-type", "")
    try:
        alter = int(float(text.get("degree-alter") or 0))
    except (ValueError, OverflowError):
        return None
    if not value.isdecimal() or not 1 <= int(value[:4]) <= 13 or kind not in _DEGREES or abs(alter) > 3:
        return None
    return Degree(kind, int(value), alter)


def _figure(element: Element) -> str:
    text = texts(element)
    prefix, suffix = (FIGURE_SIGNS.get(text.get(side, ""), "") for side in ("prefix", "suffix"))
    return prefix + "".join(text.get("figure-number", "").split()) + suffix


def _tone(element: Element) -> int:
    """Spelling of a chord's root or bass."""
    text = {child.tag.partition("-")[2]: (child.text or "").strip() for child in element}
    step = pitch.STEPS.find(text.get("step") or "?")
    if step < 0 or len(text["step"]) != 1:
        raise ValueError(f"a chord on step {text.get('step', '')[:20]!r}")
    try:
        alter = int(float(text.get("alter") or 0))
    except (ValueError, OverflowError):
        raise ValueError(f"a chord on a tone altered by {text.get('alter', '')[:20]!r}") from None
    if abs(alter) > 3:
        raise ValueError(f"a chord on a tone altered by {alter}")
    return pitch.spelling(step, alter)

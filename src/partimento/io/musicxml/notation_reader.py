"""Reads what hangs on notes: slurs and other lines, articulations, ornaments, technical signs, fermatas, lyrics."""

from __future__ import annotations

from collections.abc import Iterable

from partimento.io.musicxml.content import Element, PartContent, flat, texts
from partimento.io.musicxml.vocabulary import (
    ARTICULATIONS,
    ELISION,
    LINES,
    MARKS_ON_NOTATIONS,
    ORNAMENTS,
    SIGNS_ON_RESTS,
    TECHNICAL,
    WITH_TEXT,
    WITH_TYPE,
)
from partimento.score import Direction, Lyric, Mark, Spanner

NO_NOTE = -1
"""The end of a line that has none."""
_SIGNS = {"articulations": ARTICULATIONS, "ornaments": ORNAMENTS, "technical": TECHNICAL}


class NotationReader:
    """Reads the notations and lyrics of one part into `found`."""

    def __init__(self, part: int, found: PartContent) -> None:
        self.part, self.found = part, found
        self._lines: dict[tuple[str, str], tuple[int, int, bool]] = {}
        self._verses: dict[str, int] = {}

    def finish(self) -> None:
        """Keep the lines that never met their other end."""
        for (kind, _), (note_id, _, is_start) in self._lines.items():
            self._add_loose(kind, note_id, is_start)

    def read(self, found: Iterable[Element], note_id: int, place: int, staff: int) -> bool:
        """Read the `<notations>` of a note: slurs, marks and dynamics; returns whether a tie begins."""
        is_tied, lines = False, list[Element]()
        for notations in found:
            for sign in notations:
                tag = sign.tag
                if tag == "tied":
                    is_tied |= sign.get("type") == "start"
                elif tag in LINES:
                    lines.append(sign)
                elif tag in _SIGNS:
                    for child in sign:
                        if child.tag in LINES:
                            lines.append(child)
                        else:
                            self._read_mark(child, note_id, _SIGNS[tag])
                elif tag == "dynamics":
                    self._read_dynamics(sign, place, staff)
                elif tag != "tuplet":
                    self._read_mark(sign, note_id, MARKS_ON_NOTATIONS)
        if len(lines) > 1:
            lines.sort(key=lambda line: line.get("type") != "stop")
        for line in lines:
            self._read_line(line, note_id, place)
        return is_tied

    def read_rest(self, note: Element, place: int, staff: int) -> None:
        """Read signs and dynamics on a rest."""
        self.found.lost["lyrics under rests"] += sum(1 for _ in note.iterchildren("lyric"))
        for notations in note.iterchildren("notations"):
            for sign in notations:
                if sign.tag == "dynamics":
                    self._read_dynamics(sign, place, staff)
                elif sign.tag != "tuplet":
                    for child in sign if sign.tag in _SIGNS else (sign,):
                        self._read_rest_sign(child, place, staff)

    def _read_rest_sign(self, sign: Element, place: int, staff: int) -> None:
        kind = _mark_kind(sign)
        if sign.tag in SIGNS_ON_RESTS:
            text = kind.partition(":")[2]
            self.found.directions.append(Direction(place, sign.tag, text, self.part, staff))
        else:
            self.found.lost[f"<{sign.tag}> signs on rests"] += 1

    def _read_dynamics(self, sign: Element, place: int, staff: int) -> None:
        for text in dynamic_texts(sign):
            placement = "above" if sign.get("placement") == "above" else ""
            self.found.directions.append(Direction(place, "dynamics", text, self.part, staff, placement))

    def _read_mark(self, sign: Element, note_id: int, known: frozenset[str]) -> None:
        if sign.tag in known:
            self.found.marks.append(Mark(note_id, _mark_kind(sign)))
        else:
            self.found.lost[f"<{sign.tag}> signs"] += 1

    # Lines

    def _read_line(self, sign: Element, note_id: int, place: int) -> None:
        """Pair the ends of a line; between voices of a measure the stop may be written before the start."""
        kind = sign.get("type")
        if kind not in ("start", "stop"):
            return
        key, is_start = (sign.tag, sign.get("number", "1")), kind == "start"
        other = self._lines.pop(key, None)
        if other is not None and other[2] != is_start and other[0] != note_id and (not is_start or other[1] >= place):
            ends = (note_id, other[0]) if is_start else (other[0], note_id)
            self.found.spanners.append(Spanner(sign.tag, *ends))
            return
        if other is not None:
            self._add_loose(sign.tag, other[0], other[2])
        self._lines[key] = (note_id, place, is_start)

    def _add_loose(self, kind: str, note_id: int, is_start: bool) -> None:
        self.found.spanners.append(Spanner(kind, *((note_id, NO_NOTE) if is_start else (NO_NOTE, note_id))))

    # Lyrics

    def read_lyrics(self, note: Element, note_id: int) -> None:
        """Read the syllables under a note, and the extenders that stop there."""
        for lyric in note.iterchildren("lyric"):
            text = "".join(_lyric_text(child) for child in lyric if child.tag in ("text", "elision")).strip()
            parts = texts(lyric)
            if text or "extend" in parts:
                syllabic = parts.get("syllabic", "")
                syllabic = syllabic if syllabic in ("begin", "middle", "end") else "single"
                verse = self._verse(lyric.get("number", "1"))
                self.found.lyrics.append(Lyric(note_id, text, syllabic, verse, "extend" in parts))

    def _verse(self, label: str) -> int:
        if label not in self._verses:
            digits = label[-3:] if label[-3:].isdecimal() else label[-1:] if label[-1:].isdecimal() else "0"
            self._verses[label] = int(digits) or len(self._verses) + 1
        return self._verses[label]


def dynamic_texts(dynamics: Element) -> list[str]:
    """`p`, `sfz`, … in a `<dynamics>` element."""
    signs = [flat(sign.text) if sign.tag == "other-dynamics" else str(sign.tag) for sign in dynamics]
    return [sign for sign in signs if sign]


def _mark_kind(sign: Element) -> str:
    """The kind of a mark: its tag, with its text and type behind colons."""
    tag = kind = sign.tag
    if tag in WITH_TEXT:
        text = _mark_text(sign)
        kind = f"{tag}:{text}" if text else tag
    if tag in WITH_TYPE:
        attribute, usual = WITH_TYPE[tag]
        type_ = sign.get(attribute, usual)
        kind = kind if type_ == usual else f"{kind}:{type_}"
    return kind


def _mark_text(sign: Element) -> str:
    """What follows the colon of a mark: its text, the glyph's name, or the tags inside."""
    text = flat(sign.text) or flat(sign.get("smufl"))
    if sign.tag == "fermata":
        return "" if text == "normal" else text
    if not text and len(sign):
        inner = [child.text if child.tag == "bend-alter" else child.tag for child in sign]
        return " ".join(filter(None, inner))
    return text


def _lyric_text(child: Element) -> str:
    return child.text or (ELISION if child.tag == "elision" else "")

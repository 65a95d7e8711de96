"""Writes chord symbols with their frames, and figured bass."""

from __future__ import annotations

import re

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element
from partimento.io.musicxml.vocabulary import FIGURE_SIGNS, NO_CHORD
from partimento.score import ChordEvent
from partimento.theory import pitch
from partimento.theory.chord import KINDS, RARE_KINDS, ChordSymbol
from partimento.theory.interval import Interval

_SIGN_NAMES = {sign: name for name, sign in FIGURE_SIGNS.items()}
_FIGURE = re.compile(r"(##|#|bb|b|n|x|\+|/|\\|\|)?(\d{0,3})(##|#|bb|b|n|x|\+|/|\\|\|)?")
_FRAME = re.compile(r"[x\d]{1,12}|(x|\d{1,2})(-(x|\d{1,2})){1,11}")
_OPEN_FRETS = 4
"""A frame that reaches further does not begin at the nut."""


def harmony(event: ChordEvent, transpose: Interval) -> Element:
    """A chord symbol as written for a transposing part."""
    made = element("harmony")
    symbol = event.symbol and event.symbol.transposed(-transpose)
    _write_tone(made, "root", 0 if symbol is None else symbol.root)
    add(made, "kind", "none" if symbol is None else symbol.kind, text=kind_text(event.symbol, event.text))
    if symbol is not None and symbol.bass is not None:
        _write_tone(made, "bass", symbol.bass)
    for degree in () if symbol is None else symbol.degrees:
        tag = add(made, "degree")
        add(tag, "degree-value", degree.value)
        add(tag, "degree-alter", degree.alter)
        add(tag, "degree-type", degree.type)
    if frets(event.frame):
        _write_frame(made, frets(event.frame))
    return made


def kind_text(symbol: ChordSymbol | None, text: str) -> str | None:
    """What is printed between the root and the degrees or bass."""
    if symbol is None:
        return text or NO_CHORD
    whole, name, suffix = str(symbol), pitch.name(symbol.root), (KINDS | RARE_KINDS)[symbol.kind][1]
    tail = whole[len(name) + len(suffix) :]
    if text and len(text) >= len(name) + len(tail) and text.startswith(name) and text.endswith(tail):
        return text[len(name) : len(text) - len(tail)]
    return suffix or None


def _write_tone(parent: Element, tag: str, spelling: int) -> None:
    tone = add(parent, tag)
    add(tone, f"{tag}-step", pitch.STEPS[pitch.step_of(spelling)])
    if alter := pitch.alter_of(spelling):
        add(tone, f"{tag}-alter", alter)


def frets(frame: str) -> list[str]:
    """Fret of each string, lowest first, `x` for one that is not played; empty if the text is no frame."""
    if not _FRAME.fullmatch(frame) or set(frame) <= {"x", "-"}:
        return []
    return frame.split("-") if "-" in frame else list(frame)


def _write_frame(parent: Element, strings: list[str]) -> None:
    pressed = [int(fret) for fret in strings if fret not in ("x", "0")]
    first = min(pressed, default=1) if max(pressed, default=0) > _OPEN_FRETS else 1
    frame = add(parent, "frame")
    add(frame, "frame-strings", len(strings))
    add(frame, "frame-frets", max(_OPEN_FRETS, max(pressed, default=0) - first + 1))
    if first > 1:
        add(frame, "first-fret", first)
    for index, fret in enumerate(strings):
        if fret != "x":
            note = add(frame, "frame-note")
            add(note, "string", len(strings) - index)
            add(note, "fret", int(fret))


def figured_bass(text: str) -> Element:
    """Figures such as `#6 4`, in brackets where the text is."""
    bare = text.removeprefix("(").removesuffix(")")
    made = element("figured-bass", parentheses="yes" if bare != text else None)
    for part in bare.split():
        figure = add(made, "figure")
        for tag, value in zip(("prefix", "figure-number", "suffix"), figure_parts(part), strict=True):
            if value:
                add(figure, tag, value)
    return made


def figure_parts(text: str) -> tuple[str, str, str]:
    """Prefix, number and suffix of a figure, as MusicXML names them."""
    match = _FIGURE.fullmatch(text)
    if not match:
        return "", text, ""
    prefix, figure, suffix = (part or "" for part in match.groups())
    return _SIGN_NAMES.get(prefix, ""), figure, _SIGN_NAMES.get(suffix, "")

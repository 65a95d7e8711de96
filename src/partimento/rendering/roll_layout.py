"""Where everything in a piano roll stands, whatever it is drawn with: rows, pitches, drums, colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.rendering.timeline import DRUM_NAMES, Notes, Timeline, timeline
from partimento.score import Score
from partimento.theory.key import Key
from partimento.theory.pitch import name as pitch_name

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F")
"""One per part, then hatched; colour-blind people tell them apart (Okabe and Ito 2008, yellow darkened)."""
DRUM_COLOUR = "#4D4D4D"
WIDTH_INCH, LEFT_INCH, RIGHT_INCH = 14.0, 0.95, 0.25
STRIP_INCH, BOTTOM_INCH = 0.13, 0.15
_NUMBER_INCH, _CHORD_INCH, _GAP_INCH = 0.22, 0.18, 0.12
_BARS_IN_ROW, _QUARTERS_IN_ROW, _MOST_ROWS = 8, 36.0, 14
BLACK_KEYS = (1, 3, 6, 8, 10)
_KIT = ("Kick", "Snare", "Side stick", "Clap", "Closed hat", "Pedal hat", "Open hat", "Low tom", "Mid tom",
        "High tom", "Ride", "Ride bell", "Crash", "Splash", "China")  # fmt: skip

Rgb = tuple[float, float, float]
Edges = tuple[Any, Any, Any, Any]
"""Left, right, bottom and top of boxes, arrays of one length."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What every row of the picture has in common."""

    time: Timeline
    rows: list[tuple[int, int]]
    """First bar, and the bar after the last one, of each row."""
    span: float
    """Length of the longest row."""
    lowest: int
    highest: int
    drums: list[str]
    """Names of the drums, the lowest line first."""
    looks: list[Look]
    doubled: NDArray[np.bool_]
    """Notes that lie over the same pitch of a later part: drawn slim, so that both are seen."""

    @property
    def roll_inch(self) -> float:
        """Height of the pitches of a row."""
        return float(np.clip(0.06 * (self.highest - self.lowest + 1), 1.2, 2.6)) if self.has_pitches else 0.0

    @property
    def has_pitches(self) -> bool:
        """Whether there are other notes than drums."""
        return self.highest >= self.lowest

    @property
    def above_inch(self) -> float:
        """Height of what stands above a row."""
        return _NUMBER_INCH + (_CHORD_INCH if self.time.chords else 0.0)

    @property
    def row_inch(self) -> float:
        """Height of a row with all around it."""
        return self.above_inch + self.roll_inch + STRIP_INCH * len(self.drums) + _GAP_INCH


def layout_of(score: Score) -> Layout:
    """Where everything in the roll of a score stands."""
    time = timeline(score)
    pitches = time.notes.pitch[~time.notes.is_drum]
    drums = _drum_lines(time.notes.pitch[time.notes.is_drum])
    lowest, highest = (int(pitches.min()) - 2, int(pitches.max()) + 2) if len(pitches) else (0, -1)
    if not len(pitches) and not drums:
        lowest, highest = 58, 74
    if 0 <= highest - lowest < 14:
        lowest, highest = lowest - (14 - highest + lowest) // 2, highest + (14 - highest + lowest) // 2
    rows = _rows(time)
    span = max(time.bar_start[last] - time.bar_start[first] for first, last in rows)
    return Layout(time, rows, float(span), lowest, highest, drums, looks_of(score), _doubled(time.notes))


def _doubled(notes: Notes) -> NDArray[np.bool_]:
    doubled = np.zeros(len(notes.pitch), bool)
    sounding: list[int] = []
    for row in np.lexsort((notes.start, notes.pitch)).tolist():
        sounding = [
            r for r in sounding if notes.pitch[r] == notes.pitch[row] and notes.end[r] > notes.start[row] + 1e-9
        ]
        for other in sounding:
            if notes.part[other] != notes.part[row]:
                doubled[min(other, row, key=lambda r: notes.part[r])] = True
        sounding.append(row)
    return doubled


def _rows(time: Timeline) -> list[tuple[int, int]]:
    """Bars of each row: at most eight or some 36 quarters, unless that made more than fourteen rows."""
    usual = float(np.median(np.diff(time.bar_start))) or 1.0
    full = max(min(_BARS_IN_ROW, int(_QUARTERS_IN_ROW / usual)), 1)
    full = max(full, math.ceil(time.bars / _MOST_ROWS))
    pickup = 1 if time.bars > 1 and not time.label[0] else 0  # rides along, so that rows begin at 1, 9, 17 …
    starts = [0, *range(full + pickup, time.bars, full)]
    return list(zip(starts, [*starts[1:], time.bars], strict=True))


def drum_name(pitch: int) -> str:
    """What a percussion key is called."""
    return DRUM_NAMES.get(pitch, f"Drum {pitch}")


def _drum_lines(pitches: Any) -> list[str]:
    """Names of the drums that play, from kick to cymbals, then the rest by key."""
    names = dict.fromkeys(drum_name(int(pitch)) for pitch in np.unique(pitches))
    return sorted(names, key=lambda name: _KIT.index(name) if name in _KIT else len(_KIT))


def one_line(text: str, longest: int) -> str:
    """Text on one line, shortened with an ellipsis."""
    line = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def legend_columns(labels: list[str]) -> int:
    """How many names of parts stand in a line of the legend."""
    return max(1, min(8, int(150 / (8 + max(map(len, labels), default=1)))))


def summary(score: Score) -> str:
    """`J.S. Bach · D major · 6/8 · ♩. = 80`, as far as it is known."""
    key = score.key_at(0)
    meter = score.meter_at(0) if len(score.meters) else None
    facts = [one_line(score.composer, 40), _key_name(key) if key else "", str(meter or "")]
    if len(score.tempos):
        beat_quarter = Fraction(3, 2) if meter and meter.is_compound and meter.beat_type == 8 else Fraction(1)
        sign = "♩." if beat_quarter > 1 else "♩"
        facts.append(f"{sign} = {float(score.tempos['tempo_bpm'][0]) / float(beat_quarter):.0f}")
    return " · ".join(fact for fact in facts if fact)


def _key_name(key: Key) -> str:
    if key.mode is None:
        return f"{abs(key.fifths)}{'♭' if key.fifths < 0 else '♯'}" if key.fifths else "no accidentals"
    return f"{pitch_name(key.tonic).replace('#', '♯').replace('b', '♭')} {key.mode}"


def depth(velocity: Any) -> Any:
    """How far from white: soft notes are paler; unknown velocities count as 80."""
    return np.interp(np.where(velocity > 0, velocity, 80), [20, 110], [0.45, 0.95])


def note_edges(layout: Layout, rows: Any) -> Edges:
    """Where notes lie: times from and to, pitches from and to."""
    notes, least = layout.time.notes, layout.span * 0.0015
    end = np.maximum(notes.end[rows] - layout.span * 0.0004, notes.start[rows] + least)
    half = np.where(layout.doubled[rows], 0.22, 0.42)
    return notes.start[rows], end, notes.pitch[rows] - half, notes.pitch[rows] + half


def drum_edges(layout: Layout, rows: Any) -> Edges:
    """Where drum strokes lie, in lines of the strip; they have no length worth showing, and all are equally wide."""
    notes = layout.time.notes
    line = np.array([layout.drums.index(drum_name(int(pitch))) for pitch in notes.pitch[rows]], float)
    width = min(layout.span * 0.006, 0.2)
    return notes.start[rows], notes.start[rows] + width, line - 0.36, line + 0.36


@dataclass(frozen=True, slots=True)
class Look:
    """How a part is drawn; colours as red, green and blue from 0 to 1."""

    face: Rgb
    edge: Rgb
    hatch: str | None


def looks_of(score: Score) -> list[Look]:
    """Colour and hatching of each part; drums, which have a place of their own, use up no colour."""
    looks: list[Look] = []
    pitched = 0
    for part in score.parts:
        colour = DRUM_COLOUR if part.is_drums else COLOURS[pitched % len(COLOURS)]
        red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        hatch = None if part.is_drums else (None, "////", "....", "xxxx")[pitched // len(COLOURS) % 4]
        looks.append(Look((red, green, blue), (0.62 * red, 0.62 * green, 0.62 * blue), hatch))
        pitched += not part.is_drums
    return looks


def pretty_chord(symbol: str) -> str:
    """A chord symbol with real accidentals."""
    return symbol.replace("#", "♯").replace("b", "♭")

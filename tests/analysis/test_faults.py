"""Degenerate pieces made by hand are found; music is not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from partimento.analysis.faults import faults
from partimento.io import load_scores
from partimento.score import METER, Part, Score, measures_from_meters, notes_array

Row = tuple[float, float, int, int]
"""Onset and duration in quarters, MIDI pitch, part."""
PARTS = (Part("Flute", 73), Part("Piano", 0))


def piece(rows: Sequence[Row], bars: int = 8, parts: Sequence[Part] = PARTS[:1]) -> Score:
    meters = np.array([(0, 4, 4)], METER)
    notes = [
        {"onset_tick": round(48 * on), "duration_tick": round(48 * long), "pitch": pitch, "part": part}
        for on, long, pitch, part in rows
    ]
    return Score(48, tuple(parts), notes_array(notes), measures_from_meters(meters, 48, 192 * bars), meters)


TUNE = [(k / 2, 0.5, 60 + (k * k * 5 + k // 7) % 19, 0) for k in range(64)]
ALBERTI = [(k / 2, 0.5, 48 + (0, 7, 4, 7)[k % 4] + (0, 5, 7, 0)[k // 16 % 4], 1) for k in range(64)]


@pytest.mark.parametrize(
    ("rows", "parts", "fault"),
    [
        ([], 1, "silence: no note sounds"),
        (TUNE, 2, "never plays: Piano"),
        (TUNE[:20], 1, "silence: nothing sounds for 22 quarters, 69%"),
        (TUNE[:16] + [(on + 40, *rest) for on, *rest in TUNE[:16]], 1, "silence"),
        ([*TUNE, *((4, 1, 30 + k, 0) for k in range(20))], 1, "a pile of notes: Flute strikes 21 at once"),
        ([*TUNE, *TUNE], 1, "a pile of notes: 50% are struck twice"),
        ([(0, 32, 40 + k, k % 2) for k in range(24)], 2, "time stands still: 24 of 24 notes begin at one moment"),
        ([(k / 2, 0.5, 60, 0) for k in range(64)], 1, "endless repetition: a figure of 1 stroke comes 64 times"),
        ([(k / 2, 0.5, 60 + k % 4, 0) for k in range(64)], 1, "endless repetition: a figure of 4 strokes comes 16"),
        (TUNE[:20] + [(10 + k / 2, 0.5, (64, 67)[k % 2], 0) for k in range(44)], 1, "endless repetition"),
    ],
)
def test_each_fault_is_named(rows: list[Row], parts: int, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(piece(rows, parts=PARTS[:parts])))


def test_music_has_none() -> None:
    assert faults(piece([*TUNE, *ALBERTI], parts=PARTS)) == ()
    assert faults(piece([(0, 2, pitch, 0) for pitch in (60, 64, 67, 72)], bars=1)) == ()


def test_human_pieces_have_none(corpus: Path) -> None:
    files = [file for ending in ("*.mxl", "*.abc") for file in sorted(corpus.rglob(ending))[::137]]
    found = {file.name: faults(load_scores(file)[0]) for file in files}
    assert len(found) > 40
    assert {name: wrong for name, wrong in found.items() if wrong} == {}

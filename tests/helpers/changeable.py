"""Pieces that are hard to change without harm."""

from __future__ import annotations

import numpy as np

from partimento.io import FORMATS
from partimento.score import KEY, METER, NOTE, Part, Score, measures_from_meters
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED

_SONG = """X:1
T:Song
M:3/4
L:1/8
K:Bm
V:1 name="Clarinet"
V:2 name="Piano"
[V:1] F2|(B4 c2|d6-|d2) z2 (3(fed)|c4 B2|{d}c4 B2|A6|F4 F2|B6|]
[V:2] z2|[B,DF]6|[B,DF]4 [CEG]2|D6|[F,A,C]6|E2 [EGc]4|D6|[F,A,C]6|[B,,B,D]6|]
"""
_WITH_CHANGES = """X:1
T:Changes
M:4/4
L:1/4
Q:1/4=90
K:F
"F" F A c A|"C7" E G B G|[M:3/4] "F" F A c|"Bb" B, D F|[K:D] "D" D F A|[M:4/4] "A7" A, C E G|"D" D4|]
"""


def song() -> Score:
    """Two parts with a pickup, ties, slurs over barlines, a triplet and a grace note."""
    return FORMATS[".abc"].read(_SONG.encode(), "song.abc")[0]


def changes() -> Score:
    """A lead sheet whose meter and key change."""
    return FORMATS[".abc"].read(_WITH_CHANGES.encode(), "changes.abc")[0]


def played(seed: int = 0) -> Score:
    """A performance without bars, for piano, with drums from its second half on."""
    rng = np.random.Generator(np.random.Philox(seed))
    notes = np.zeros(60, NOTE)
    beat = np.arange(60) // 2
    notes["onset_tick"] = np.maximum(500 + beat * 260 + rng.integers(-12, 12, 60), 0)
    notes["duration_tick"] = 200 + rng.integers(0, 90, 60)
    notes["pitch"] = np.where(np.arange(60) % 2, 72, 48) + np.array([0, 2, 4, 5, 7])[beat % 5]
    notes["velocity"] = rng.integers(40, 100, 60)
    notes["spelling"], notes["note_id"] = UNSPELLED, np.arange(60)
    struck = notes[30::2].copy()
    struck["pitch"], struck["part"], struck["note_id"] = 38, 1, 60 + np.arange(len(struck))
    parts = (Part("Piano"), Part("Drums", is_drums=True))
    return Score(480, parts, notes=np.concatenate([notes, struck]))


def typed() -> Score:
    """A MIDI file with bars: what `changes` becomes when it is saved as one."""
    midi = FORMATS[".mid"]
    return midi.read(midi.write(changes()), "changes.mid")[0]


def orchestra(parts: int = 40, bars: int = 6) -> Score:
    """More parts, and busier ones, than a small model reads at once."""
    rows = [(480 * k, part) for part in range(parts) for k in range(4 * bars)]
    notes = np.zeros(len(rows), NOTE)
    notes["onset_tick"], notes["part"] = np.array(rows).T
    notes["duration_tick"], notes["pitch"] = 480, 60 + notes["part"] % 12
    notes["note_id"], notes["spelling"] = np.arange(len(rows)), UNSPELLED
    meters = np.array([(0, 4, 4)], METER)
    measures = measures_from_meters(meters, 480, 1920 * bars)
    keys = np.array([(0, -1, 0, Key(0, "major").mode_id)], KEY)
    players = tuple(Part(f"Violin {index + 1}", 40) for index in range(parts))
    return Score(480, players, notes=notes, meters=meters, measures=measures, keys=keys)

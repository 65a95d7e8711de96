"""Key and chords from notes, judged on music whose key and chords are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from partimento.analysis import estimate_chords, estimate_key, pitch_class_durations
from partimento.data.sources import find_files
from partimento.io import load_score
from partimento.score import KEY, METER, NOTE, Part, Score, measures_from_meters
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED


def block_chords(symbols: str) -> Score:
    """One chord to a bar of 4/4, root in the bass."""
    rows = []
    for bar, symbol in enumerate(map(ChordSymbol.parse, symbols.split())):
        root = 7 * symbol.root % 12
        pitches = [36 + root, *(60 + (tone - 0) % 12 for tone in sorted(symbol.pitch_classes))]
        rows += [(48 * bar, 48, pitch) for pitch in pitches]
    notes = np.zeros(len(rows), NOTE)
    notes["spelling"] = UNSPELLED
    for name, column in zip(("onset_tick", "duration_tick", "pitch"), zip(*rows, strict=True), strict=True):
        notes[name] = column
    meters = np.array([(0, 4, 4)], METER)
    end = 48 * len(symbols.split())
    return Score(12, (Part(),), notes=notes, meters=meters, measures=measures_from_meters(meters, 12, end))


def test_chords_are_found_where_they_sound() -> None:
    score = block_chords("C Am Dm7 G7 Bdim C")
    assert [str(event.symbol) for event in estimate_chords(score)] == ["C", "Am", "Dm7", "G7", "Bdim", "C"]


def test_roots_are_spelled_in_the_key() -> None:
    score = replace(block_chords("Eb Ab Bb7 Eb"), keys=np.array([(0, -1, -3, 0)], KEY))
    assert [str(event.symbol) for event in estimate_chords(score)] == ["Eb", "Ab", "Bb7", "Eb"]


def test_bars_without_notes_and_drums_change_nothing() -> None:
    score = block_chords("C F")
    drums = replace(score, parts=(Part(is_drums=True),))
    assert estimate_chords(drums) == ()
    assert pitch_class_durations(drums).sum() == 0
    assert estimate_key(drums) == (Key(0), 0.0)


@pytest.mark.parametrize("semitones", range(12))
def test_the_key_moves_with_the_music(semitones: int) -> None:
    minor = block_chords("Am Dm E7 Am F E7 Am").transpose(Interval.from_semitones(semitones))
    major = block_chords("C F G7 C Am Dm G7 C").transpose(Interval.from_semitones(semitones))
    for score, tonic, mode in ((minor, 9, "minor"), (major, 0, "major")):
        key, _ = estimate_key(score)
        assert (key.tonic * 7 % 12, key.mode) == ((tonic + semitones) % 12, mode)


def test_most_chorales_are_in_the_key_whose_signature_they_carry() -> None:
    files = find_files("music21:bach")[:120:4]
    right = 0
    for file in files:
        score = load_score(Path(file.path))
        stated, (found, _) = score.key_at(0), estimate_key(score)
        right += stated is not None and stated.fifths == found.fifths
    assert right / len(files) >= 0.75  # Bach writes some minor keys with a flat less (dorian signature)

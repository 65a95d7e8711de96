"""What makes a draft good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.generation.contrast import contrast
from partimento.generation.drafts import fullness, keeps_key, too_alike, tune_of
from partimento.plan import Control
from partimento.score import KEY, MEASURE, METER, Part, Score, notes_array
from partimento.theory.instrument import DRUMS


def phrase(*pitches: int, part: int = 0) -> Score:
    """Quarter notes of one of two parts, bass and flute, in bars of four."""
    notes = [{"onset_tick": k, "duration_tick": 1, "pitch": pitch, "part": part} for k, pitch in enumerate(pitches)]
    bars = [(4 * k, 4) for k in range(-(-len(pitches) // 4))]
    parts = (Part.playing(DRUMS), Part.playing(32), Part.playing(73))
    return Score(1, parts, notes_array(notes), np.array(bars, MEASURE), np.array([(0, 4, 4)], METER))


def test_the_fullest_is_best_and_what_is_full_enough_counts_alike() -> None:
    full = phrase(*[60] * 16, part=2)
    full = full.with_notes(np.concatenate([replace(full, notes=phrase(*[40] * 16, part=1).notes).notes, full.notes]))
    thinned = full.with_notes(full.notes[::4])
    assert 0 < fullness(thinned) < fullness(full) <= 0.9
    assert fullness(full.with_notes(full.notes[:0])) == 0


def test_a_draft_is_in_its_key_if_that_is_heard() -> None:
    tune = phrase(62, 64, 66, 67, 69, 71, 73, 74, 66, 69, 62, 69, 73, 69, 66, 62, part=2)
    keys = {fifths: replace(tune, keys=np.array([(0, -1, fifths, 0)], KEY)) for fifths in (2, 3)}
    assert keeps_key(keys[2])
    assert not keeps_key(keys[3])
    assert keeps_key(tune)  # none is stated


def test_what_is_like_the_theme_counts_against_a_contrast() -> None:
    theme = phrase(60, 62, 64, 65, 67, 65, 64, 62, part=2)
    assert too_alike(theme, theme) > 0.5
    assert too_alike(theme, phrase(66, 58, 70, 61, 70, 61, 66, 58, part=2)) == 0


def test_the_tune_is_in_the_highest_part_that_is_no_drum() -> None:
    both = np.concatenate([phrase(40, 41, part=1).notes, phrase(70, 71, part=2).notes, phrase(90, part=0).notes])
    assert tune_of(phrase(60).with_notes(both)) == 2


def test_a_contrast_lies_higher_or_lower_where_the_instrument_has_room() -> None:
    tune = phrase(*[72, 74, 76, 77, 79, 81, 83, 84] * 2, part=2)
    assert contrast(tune, lower=False) == Control(parts=(2,), register=(77, 89))
    assert contrast(tune, lower=True) == Control(parts=(2,), register=(67, 79))
    assert contrast(phrase(*[96] * 8, part=2), lower=False) is None  # no flute plays there
    chords = tune.with_notes(np.concatenate([tune.notes, replace(tune, notes=tune.notes[:8]).transpose(4).notes]))
    assert contrast(chords, lower=False) is None
    assert contrast(phrase(36, 38, 36, 38, part=0), lower=False) is None

"""Chords and voices under a melody: what strict writing asks for holds, and chords that are stated are kept."""

from __future__ import annotations

from itertools import combinations, pairwise

import changeable
import numpy as np
import pytest

from partimento.errors import BadPlan
from partimento.generation.sampling import Sampling
from partimento.generation.verbs import harmonise
from partimento.generation.verbs.harmonies import slots_of, tones_of
from partimento.generation.verbs.harmonise import skyline
from partimento.generation.verbs.voicing import ALTO, BASS, TENOR
from partimento.io import FORMATS
from partimento.plan.parse import parse_chords
from partimento.score import Score
from partimento.theory.pitch import pitch_class

_HYMN = """X:1
T:Hymn
M:4/4
L:1/4
K:G
D|G A B G|A B c B|A G A2|G3 G|B c d B|A G A B|c B A2|G3|]
"""
_JIG = """X:1
M:6/8
L:1/8
K:Em
|:GBd edB|gfe dBG|ABc BAG|FED E3:|
"""


def tune(text: str) -> Score:
    return FORMATS[".abc"].read(text.encode(), "tune.abc")[0]


def chorale_of(score: Score, **how: object) -> np.ndarray:
    """Pitches of the four parts at each onset of the alto, shape (chords, 4)."""
    after = harmonise(score, **how).sounding()  # type: ignore[arg-type]
    onsets = np.unique(after.notes["onset_tick"][after.notes["part"] == after.notes["part"].max()])
    rows = []
    for tick in onsets.tolist():
        sounding = after.notes[(after.notes["onset_tick"] <= tick)]
        sounding = sounding[sounding["onset_tick"] + sounding["duration_tick"] > tick]
        rows.append([int(sounding["pitch"][sounding["part"] == part].max()) for part in range(4)])
    return np.array(rows)


def test_a_hymn_gets_voices_without_parallels_in_their_ranges() -> None:
    rows = chorale_of(tune(_HYMN), seed=1)
    assert len(rows) >= 24
    assert (np.diff(rows, axis=1) <= 0).all()
    for voice, (low, high) in enumerate((ALTO, TENOR, BASS), 1):
        assert low <= rows[:, voice].min() <= rows[:, voice].max() <= high
    for before, after in pairwise(rows):
        for high, low in combinations(range(4), 2):
            if before[high] != after[high] and before[low] != after[low]:
                intervals = (before[high] - before[low]) % 12, (after[high] - after[low]) % 12
                assert intervals not in ((0, 0), (7, 7))
    assert set((rows[-1] % 12).tolist()) <= {7, 11, 2}  # it ends on G major
    assert rows[-1, 3] % 12 == 7


def test_most_tones_of_the_melody_belong_to_their_chords() -> None:
    for text in (_HYMN, _JIG):
        score = tune(text)
        after = harmonise(score, sampling=Sampling(temperature=0))
        slots = slots_of(score, skyline(score, 0), frozenset())
        symbols = {
            event.onset_tick * score.ticks_per_quarter // after.ticks_per_quarter: event.symbol
            for event in after.chords
        }
        current, fitting = None, 0
        for slot in slots:
            current = symbols.get(slot.start, current)
            assert current is not None
            fitting += slot.pitch % 12 in tones_of(current)
        assert fitting > 0.75 * len(slots)
        assert len(set(symbols.values())) >= 3


def test_the_seed_decides_only_where_the_temperature_lets_it() -> None:
    hymn = tune(_HYMN)
    cold = [harmonise(hymn, seed=seed, sampling=Sampling(temperature=0)) for seed in (1, 2)]
    warm = [harmonise(hymn, seed=seed, sampling=Sampling(temperature=2)) for seed in (1, 2)]
    assert cold[0] == cold[1]
    assert warm[0] != warm[1]


def test_stated_and_wanted_chords_are_kept() -> None:
    lead_sheet = changeable.changes()
    after = harmonise(lead_sheet)
    assert after.chords == lead_sheet.with_resolution(after.ticks_per_quarter).chords
    first_bar = after.notes[after.notes["onset_tick"] < 4 * after.ticks_per_quarter]
    assert set((first_bar["pitch"][first_bar["part"] > 0] % 12).tolist()) <= {5, 9, 0}
    wanted = harmonise(tune(_HYMN), chords=parse_chords("G | D7 C"), instruments=(71, 41, 70))
    assert [part.name for part in wanted.parts[1:]] == ["Clarinet", "Viola", "Bassoon"]
    symbols = {str(event.symbol) for event in wanted.chords}
    assert symbols == {"G", "D7", "C"}


def test_a_melody_that_modulates_by_its_notes_is_spelled_as_its_chords() -> None:
    after = harmonise(tune(_HYMN), chords=parse_chords("E7 Am"))
    sharps = after.notes[(after.notes["part"] > 0) & (after.notes["pitch"] % 12 == 8)]
    assert len(sharps)
    assert {pitch_class(int(spelling)) for spelling in sharps["spelling"]} == {8}
    assert (sharps["spelling"] == 8).all()  # G sharp, not A flat


def test_what_cannot_be_harmonised_is_said() -> None:
    played = changeable.played()
    with pytest.raises(BadPlan, match="three instruments"):
        harmonise(played, instruments=(0, 1))
    with pytest.raises(BadPlan, match="has no melody"):
        harmonise(played, part="Drums")
    only_drums = played.with_notes(played.notes[played.notes["part"] == 1])
    with pytest.raises(BadPlan, match="drums only"):
        harmonise(only_drums)

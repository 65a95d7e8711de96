"""Thirty-six versions of a piece, none of them stored."""

from dataclasses import replace

import numpy as np
import pytest

from partimento.data.augment import Augmentation
from partimento.plan import Compose
from partimento.representations import REPRESENTATIONS, create
from partimento.score import KEY, METER, NOTE, TEMPO, Part, Score, measures_from_meters
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED

TEMPI = (0.8, 1.0, 1.25)


def piece() -> Score:
    """A tune with a drum, at 100 quarters per minute."""
    rng, count = np.random.default_rng(5), 32
    notes = np.zeros(count, NOTE)
    notes["onset_tick"], notes["duration_tick"] = np.arange(count) * 6, 6
    notes["pitch"] = 60 + np.cumsum(rng.integers(-2, 3, count)) % 12
    notes["spelling"], notes["velocity"], notes["note_id"] = UNSPELLED, 80, np.arange(count)
    notes["part"][::8] = 1
    notes["pitch"][::8] = 36
    meters = np.array([(0, 4, 4)], METER)
    measures = measures_from_meters(meters, 12, 6 * count)
    parts = (Part("Flute", 73), Part("Drums", 0, True))
    keys, tempos = np.array([(0, -1, 0, Key(0).mode_id)], KEY), np.array([(0, 100.0)], TEMPO)
    return Score(12, parts, notes=notes, meters=meters, measures=measures, keys=keys, tempos=tempos)


def seconds(score: Score) -> np.ndarray:
    return score.seconds_at(score.notes["onset_tick"])


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_twelve_keys_by_three_tempi_are_what_they_say(name: str) -> None:
    representation = create(name)
    original = representation.quantise(piece())[0]
    ids = representation.encode(piece(), Compose()).ids
    vary = Augmentation(representation, semitones=6, swap=0, tempi=TEMPI)
    assert len(vary) == 36
    versions = [representation.decode(vary.version(ids, number), Compose()) for number in range(36)]
    is_drum = np.array([part.is_drums for part in original.parts])[original.notes["part"]]
    for number, version in enumerate(versions):
        tempo, shift = TEMPI[number // 12], number % 12 - 5
        expected = np.where(is_drum, original.notes["pitch"], original.notes["pitch"] + shift)
        order = np.lexsort((version.notes["pitch"], version.notes["part"], seconds(version).round(2)))
        assert sorted(version.notes["pitch"][order].tolist()) == sorted(expected.tolist())
        if "Tempo_100" in representation.tokens or representation.grid.unit == "second":
            assert seconds(version).max() == pytest.approx(seconds(original).max() / tempo, rel=0.05)
    assert len({tuple(vary.version(ids, number).tolist()) for number in range(36)}) == 36


def test_a_version_is_the_same_every_time_and_a_random_one_is_among_them() -> None:
    remi = create("remi")
    ids = remi.encode(piece(), Compose()).ids
    vary = Augmentation(remi, semitones=6, swap=0, tempi=TEMPI)
    versions = {tuple(vary.version(ids, number).tolist()) for number in range(36)}
    seen = {tuple(vary(ids, np.random.default_rng(seed)).tolist()) for seed in range(300)}
    assert seen == versions
    assert Augmentation(remi, semitones=0, swap=0).version(ids, 0).tolist() == ids.tolist()


@pytest.mark.parametrize("name", [n for n in REPRESENTATIONS if create(n).exchange({0: 1}) is not None])
def test_instruments_are_exchanged_for_others_of_their_role(name: str) -> None:
    representation = create(name)
    ids = representation.encode(piece(), Compose()).ids
    vary = Augmentation(representation, semitones=0, swap=1.0)
    programs = set[int]()
    for seed in range(20):
        version = representation.decode(vary(ids, np.random.default_rng(seed)), Compose())
        assert sum(part.is_drums for part in version.parts) == 1
        programs |= {part.program for part in version.parts if not part.is_drums}
    assert 73 not in programs
    assert len(programs) > 3


def test_a_piece_that_would_leave_the_range_stays_in_its_key() -> None:
    performance = create("performance")
    high = piece()
    notes = high.notes.copy()
    notes["pitch"] = 127
    ids = performance.encode(replace(high, notes=notes), Compose()).ids
    vary = Augmentation(performance, semitones=6, swap=0)
    for number in range(12):
        pitches = performance.decode(vary.version(ids, number), Compose()).notes["pitch"]
        assert len(pitches) == len(notes)

"""Byte-pair encoding: what is merged, and that nothing changes but the length."""

import json

import numpy as np
import pytest

from partimento.errors import BadRecipe
from partimento.plan import Compose
from partimento.representations import create
from partimento.representations.bpe import Bpe, train_bpe
from partimento.representations.remi import Remi
from partimento.score import METER, Part, Score, measures_from_meters, notes_array

REMI = Remi()


def tune(bars, shift=0):
    """An Alberti bass under a scale, which repeats itself as music does."""
    rows = [
        {"onset_tick": 12 * beat + 6 * k, "duration_tick": 6, "pitch": 48 + shift + pitch, "part": 0}
        for beat in range(4 * bars)
        for k, pitch in enumerate(((0, 7), (4, 7))[beat % 2])
    ]
    rows += [
        {"onset_tick": 12 * b, "duration_tick": 12, "pitch": 72 + shift + b * 5 % 13, "part": 1}
        for b in range(4 * bars)
    ]
    meters = np.array([(0, 4, 4)], METER)
    parts = (Part("piano", 0), Part("flute", 73))
    return Score(12, parts, notes_array(rows), measures_from_meters(meters, 12, 48 * bars), meters)


@pytest.fixture(scope="module")
def sequences():
    return [REMI.encode(tune(16, shift), Compose()).target for shift in range(-3, 4)]


@pytest.fixture(scope="module")
def bpe(sequences) -> Bpe:
    return train_bpe(REMI, sequences, len(REMI.tokens) + 300)


def test_merging_shortens_and_expanding_gives_the_same(bpe, sequences):
    for sequence in sequences:
        merged = bpe.merge(sequence)
        assert len(merged) < len(sequence) / 2
        assert bpe.expand(merged).tolist() == sequence.tolist()
    assert bpe.merge(np.empty(0, np.int32)).tolist() == bpe.expand(np.empty(0, np.int32)).tolist() == []


def test_ids_of_the_representation_inside_stay_and_merged_ones_follow(bpe):
    assert 50 < len(bpe.tokens) - len(REMI.tokens) <= 300
    assert bpe.tokens[: len(REMI.tokens)] == REMI.tokens
    merged = bpe.tokens[len(REMI.tokens)]
    assert merged.split("+") == [REMI.tokens[i] for i in bpe.expand(np.array([len(REMI.tokens)]))]
    assert not {"PAD", "BOS", "EOS"} & {word for name in bpe.tokens[len(REMI.tokens) :] for word in name.split("+")}


def test_json_keeps_all_and_training_is_repeatable(bpe, sequences):
    again = create("bpe", **json.loads(json.dumps(bpe.config)))
    assert again.tokens == bpe.tokens
    assert again.encode(tune(4), Compose()).ids.tolist() == bpe.encode(tune(4), Compose()).ids.tolist()
    assert train_bpe(REMI, sequences, len(bpe.tokens)).config == bpe.config


def test_a_merged_token_may_come_exactly_where_its_parts_may(bpe):
    state, seen = bpe.start(Compose()), 0
    for token in bpe.encode(tune(8), Compose()).ids.tolist():
        allowed = {t for low, high in bpe.allowed(state) for t in range(low, high)}
        merged = range(len(REMI.tokens), len(bpe.tokens))
        possible = {t for t in merged if _may_come(state, bpe.expand(np.array([t])).tolist())}
        assert {t for t in allowed if t >= len(REMI.tokens)} == possible
        assert token in allowed
        seen += len(possible)
        state = bpe.step(state, token)
    assert seen > 100


def _may_come(state, ids):
    for token in ids:
        if not any(low <= token < high for low, high in REMI.allowed(state)):
            return False
        state = REMI.step(state, token)
    return True


def test_windows_use_the_room_that_merging_makes(bpe):
    score = tune(100)
    windows = list(bpe.windows(score, Compose(), 300))
    assert sum(len(piece.measures) for piece, _ in windows) == 100
    assert all(len(bpe.encode(piece, task).ids) <= 300 for piece, task in windows)
    assert len(windows) * 2 <= len(list(REMI.windows(score, Compose(), 300)))


def test_tables_are_those_of_the_representation_inside_or_none(bpe):
    assert bpe.transposition(2) is None
    assert bpe.exchange({0: 1}) is None
    plain = Bpe().transposition(2)
    assert plain is not None
    assert plain.tolist() == REMI.transposition(2).tolist()


def test_merges_that_cannot_be_are_refused():
    with pytest.raises(BadRecipe, match="no token yet"):
        create("bpe", merges=[[5, len(REMI.tokens)]])
    with pytest.raises(BadRecipe, match="special"):
        create("bpe", merges=[[REMI.special.eos, 5]])
    with pytest.raises(BadRecipe, match="no representation"):
        create("bpe", inner="morse code")
    with pytest.raises(BadRecipe, match="alone has"):
        train_bpe(REMI, [], 100)

"""Measures of validation: equal to counting by hand, and kinds of tokens for every representation."""

import math

import numpy as np
import pytest
import torch

from partimento.representations import REPRESENTATIONS, create
from partimento.representations.kinds import NOTE_KINDS, RHYTHM_KINDS, TEXT, TokenKinds, token_kinds
from partimento.training.measures import Tally

KINDS = TokenKinds(("Text", "Pitch", "Position"), np.array([0, 0, 1, 1, 2, 2]))


def filled(rng, number=500):
    logits = torch.from_numpy(rng.normal(size=(number, 6)).astype(np.float32))
    targets = torch.from_numpy(rng.choice([-100, *range(6)], number))
    places = torch.from_numpy(rng.integers(0, 256, number))
    tally = Tally(KINDS, 256)
    for part in (slice(0, 200), slice(200, None)):
        tally.add(logits[part], targets[part], places[part])
    return tally, logits.numpy().astype(float), targets.numpy(), places.numpy()


def test_measures_are_those_of_counting_by_hand():
    tally, logits, targets, places = filled(np.random.default_rng(1))
    known = targets >= 0
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    nats = -np.log(chances[np.arange(len(targets)), np.maximum(targets, 0)])
    hits, kind = logits.argmax(1) == targets, KINDS.kind_of[np.maximum(targets, 0)]
    measured = tally.measures()
    assert tally.targets == known.sum()
    assert measured["loss"] == pytest.approx(nats[known].mean(), abs=1e-6)
    assert measured["perplexity"] == pytest.approx(math.exp(nats[known].mean()), rel=1e-5)
    assert measured["accuracy"] == pytest.approx(hits[known].mean())
    assert measured["note_accuracy"] == pytest.approx(hits[known & (kind == 1)].mean())
    assert measured["rhythm_accuracy"] == pytest.approx(hits[known & (kind == 2)].mean())
    assert measured["loss/text"] == pytest.approx(nats[known & (kind == 0)].mean(), abs=1e-6)
    assert measured["loss/music"] == pytest.approx(nats[known & (kind > 0)].mean(), abs=1e-6)
    assert measured["loss/token/Pitch"] == pytest.approx(nats[known & (kind == 1)].mean(), abs=1e-6)
    assert [name for name in measured if "position" in name] == [
        f"loss/position/{low + 1}-{2 * low or 2}" for low in (0, 2, 4, 8, 16, 32, 64, 128)
    ]
    late = known & (places >= 128)
    assert measured["loss/position/129-256"] == pytest.approx(nats[late].mean(), abs=1e-6)


def test_what_has_no_targets_has_no_measure():
    tally = Tally(TokenKinds(("Text",), np.zeros(6, np.int64)), 4)
    tally.add(torch.zeros(2, 6), torch.tensor([3, -100]), torch.tensor([0, 1]))
    names = tally.measures().keys()
    assert "loss/text" in names
    assert not names & {"note_accuracy", "rhythm_accuracy", "loss/music"}
    assert tally.loss == pytest.approx(math.log(6))


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_every_representation_has_notes_and_rhythm(name):
    tokens = create(name).tokens
    kinds = token_kinds(tokens, text_tokens=7)
    assert kinds.kind_of.shape == (len(tokens) + 7,)
    assert kinds.names[0] == TEXT
    assert set(kinds.kind_of[:7]) == {0} == set(kinds.kind_of) - set(kinds.kind_of[7:])
    assert len(kinds.names) < 40, kinds.names
    assert NOTE_KINDS & set(kinds.names)
    assert RHYTHM_KINDS & set(kinds.names)


def test_kinds_of_abc_tell_notes_from_signs():
    kinds = token_kinds(
        ["C,,", "^", "_", "b'", "DUR:3", "[V:1]", "V:program-3", '"Fbm"', "<PAD>", "Key_C", "Bar_1+Pitch_2"]
    )
    names = [kinds.names[kind] for kind in kinds.kind_of]
    assert names == ["Note", "Accidental", "Accidental", "Note", "DUR", "[V", "V", "Chord", "<PAD>", "Key", "Merged"]

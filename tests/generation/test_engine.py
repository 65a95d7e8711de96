"""The built-in engine: its logits are transformers' logits, whatever the way tokens are fed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from partimento.errors import BadRecipe
from partimento.generation.engines import TorchEngine
from partimento.generation.sampling import LIKELIEST, PLAIN, Sampling, draw


@pytest.mark.parametrize("steps", [[40], [1] * 40, [7, 1, 1, 20, 11]])
def test_logits_equal_those_of_transformers(random_model: Path, steps: list[int]) -> None:
    engine = TorchEngine.load(random_model)
    reference = LlamaForCausalLM.from_pretrained(random_model).eval()
    ids = np.random.default_rng(0).integers(0, engine.vocabulary_size, 40).tolist()
    with torch.inference_mode():
        expected = reference(torch.tensor([ids])).logits[0].numpy()
    session, at = engine.session(), 0
    for step in steps:
        logits = session.feed(ids[at : at + step])
        at += step
        assert np.abs(logits - expected[at - 1]).max() < 1e-5


def test_sessions_do_not_disturb_each_other(random_model: Path) -> None:
    engine = TorchEngine.load(random_model)
    first, second, alone = engine.session(), engine.session(), engine.session()
    first.feed([5, 6, 7])
    second.feed([900, 901])
    assert np.array_equal(first.feed([8]), (alone.feed([5, 6, 7]), alone.feed([8]))[1])


def test_a_sequence_does_not_grow_past_the_context(random_model: Path) -> None:
    engine = TorchEngine.load(random_model)
    session = engine.session()
    session.feed([1] * engine.context)
    with pytest.raises(ValueError, match="the context holds 1024"):
        session.feed([1])


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="no model folder"):
        TorchEngine.load(tmp_path)


def test_only_allowed_tokens_are_drawn_and_as_often_as_their_weights_say() -> None:
    rng = np.random.default_rng(1)
    logits = np.log(np.array([100, 1, 3, 50, 4, 2], np.float32))
    drawn = [draw(logits, ((1, 3), (4, 6)), rng, PLAIN) for _ in range(4000)]
    shares = np.bincount(drawn, minlength=6) / len(drawn)
    assert np.allclose(shares, [0, 0.1, 0.3, 0, 0.4, 0.2], atol=0.03)


def test_temperature_zero_takes_the_likeliest_and_top_p_cuts_the_tail() -> None:
    rng = np.random.default_rng(1)
    logits = np.log(np.array([8, 1, 6, 3], np.float32))
    assert draw(logits, ((1, 4),), rng, LIKELIEST) == 2
    assert {draw(logits, ((0, 4),), rng, Sampling(temperature=1, top_p=0.5)) for _ in range(200)} == {0, 2}
    assert {draw(logits, ((0, 4),), rng, Sampling(temperature=1, top_p=0.4)) for _ in range(200)} == {0}

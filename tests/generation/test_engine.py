"""The built-in engine: its logits are those of transformers, however tokens are fed, and whatever else is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from partimento.errors import BadRecipe
from partimento.generation.engines import TorchEngine
from partimento.generation.engines.cache import Beginnings
from partimento.generation.sampling import LIKELIEST, PLAIN, Sampling, draw

CONTEXT = 400
MODELS = {
    "llama": lambda: LlamaForCausalLM(
        LlamaConfig(vocab_size=3000, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, head_dim=16, max_position_embeddings=CONTEXT, tie_word_embeddings=False)
    ),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=3000, n_embd=64, n_layer=2, n_head=4, n_positions=CONTEXT)
    ),
}  # fmt: skip
"""Larger vocabularies than a block of the head."""


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(5)
    model = MODELS[request.param]().eval()
    for name, weight in model.named_parameters():  # biases and norms that do something
        if weight.ndim == 1:
            torch.nn.init.normal_(weight, 1.0 if "norm" in name or "ln_" in name else 0.0, 0.2)
    return model


@pytest.fixture(scope="module")
def engine(model: Any) -> TorchEngine:
    return TorchEngine(model.config.to_dict(), model.state_dict())


def ids_of(seed: int, count: int = 300) -> list[int]:
    return np.random.default_rng(seed).integers(0, 3000, count).tolist()


@pytest.mark.parametrize("steps", [[300], [1] * 40, [7, 1, 1, 20, 150, 1, 2], [128, 64, 65]])
def test_logits_equal_those_of_transformers(model: Any, engine: TorchEngine, steps: list[int]) -> None:
    ids = ids_of(0)
    with torch.inference_mode():
        expected = model(torch.tensor([ids])).logits[0].numpy()
    session, at = engine.session(), 0
    for step in steps:
        logits = session.feed(ids[at : at + step])
        at += step
        assert np.abs(logits - expected[at - 1]).max() < 1e-5


def test_logits_are_the_same_in_any_batch(engine: TorchEngine) -> None:
    """Teacher-forced: rows that come and go and are fed unevenly, against each row alone and without a cache."""
    rng = np.random.default_rng(1)
    lengths = [1, 70, 200, 3, 129]
    for rows in (1, 2, 5):
        batch, alive = engine.batch(rows), list(range(rows))
        ids = {row: ids_of(row) for row in alive}
        fed = [ids[row][: lengths[row]] for row in alive]
        sessions = {row: engine.session() for row in alive}
        at = dict(zip(alive, map(len, fed), strict=True))
        for _ in alive:
            batch.open()
        for step in range(12):
            logits = batch.feed(fed)
            for place, row in enumerate(alive):
                alone = sessions[row].feed(fed[place])
                uncached = engine.session().feed(ids[row][: at[row]])
                assert np.abs(logits[place] - uncached).max() < 1e-5
                assert np.abs(logits[place] - alone).max() < 1e-5
                if torch.backends.mkldnn.is_available():  # by its products the last bit is equal, too
                    assert np.array_equal(logits[place], alone)
            if step == 5 and rows > 2:
                batch.close(1)
                alive[1] = alive.pop()
            fed = [ids[row][at[row] : at[row] + rng.choice([1, 1, 1, 2, 5])] for row in alive]
            for place, row in enumerate(alive):
                at[row] += len(fed[place])


def test_beginnings_are_read_once_and_change_nothing(model: Any) -> None:
    engine = TorchEngine(model.config.to_dict(), model.state_dict())
    ids, forward = ids_of(3), Counter[int]()
    embed = engine.decoder.embed
    engine.decoder.embed = lambda tokens, positions: forward.update([len(tokens)]) or embed(tokens, positions)  # type: ignore[method-assign]
    first = engine.session().feed(ids)
    assert forward == {64: 4, 44: 1}
    again, other = engine.session().feed(ids), engine.session().feed(ids[:150] + ids_of(4, 150))
    assert forward == {64: 6, 44: 3}
    assert np.array_equal(first, again)
    fresh = TorchEngine(model.config.to_dict(), model.state_dict())
    assert np.array_equal(other, fresh.session().feed(ids[:150] + ids_of(4, 150)))


def test_beginnings_that_nobody_asks_for_make_room() -> None:
    kept = Beginnings(most_byte=3 * 400)
    for number in range(5):
        kept.keep([number], torch.zeros(100))
        assert kept.get([0]) is not None
    assert [kept.get([number]) is not None for number in range(5)] == [True, False, False, True, True]


def test_only_wanted_logits_need_be_right(engine: TorchEngine) -> None:
    batch = engine.batch(2)
    for _ in range(2):
        batch.open()
    ranges = [((5, 9), (2040, 2060)), ((2999, 3000),)]
    logits = batch.feed([[1, 2], [3]], ranges)
    for row, new in enumerate([[1, 2], [3]]):
        whole = engine.session().feed(new)
        for low, high in ranges[row]:
            assert np.array_equal(logits[row][low:high], whole[low:high])


def test_bfloat16_is_close(model: Any, engine: TorchEngine) -> None:
    coarse, ids = TorchEngine(model.config.to_dict(), model.state_dict(), "bf16"), ids_of(0)
    exact, rounded = engine.session().feed(ids), coarse.session().feed(ids)
    assert 1e-5 < np.abs(rounded - exact).max() < 0.03 * np.abs(exact).max()


def test_a_model_of_another_kind_is_refused(model: Any) -> None:
    with pytest.raises(BadRecipe, match="runs llama and gpt2, not 'mamba'"):
        TorchEngine({**model.config.to_dict(), "model_type": "mamba"}, model.state_dict())
    weights = {name: value for name, value in model.state_dict().items() if "1.mlp" not in name}
    with pytest.raises(BadRecipe, match=r"lack .*\.1\.mlp"):
        TorchEngine(model.config.to_dict(), weights)


def test_a_sequence_does_not_grow_past_the_context(random_model: Path) -> None:
    engine = TorchEngine.load(random_model)
    session = engine.session()
    session.feed([1] * engine.context)
    with pytest.raises(ValueError, match="at least one"):
        session.feed([])
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

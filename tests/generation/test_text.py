"""Text inside a language model's own tokens: the grammar holds, the checker rejects, both rates are counted."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from partimento.errors import BadRecipe
from partimento.generation.engines import TorchEngine
from partimento.generation.text import NO_END, Rates, TextSampler
from partimento.models import Special, Vocabulary, family
from partimento.models.transformer import TransformerConfig
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create_text
from partimento.theory.key import Key
from partimento.theory.meter import Meter

PLAN = Plan(Key(2), Meter(2, 4), 96.0, (73,), 3, style="reel", title="A reel")
TASK = Compose(PLAN, Constraints(steady=True))
END = "<|end|>"
HEADER = 'X:1\nT:A reel\nR:reel\nM:2/4\nL:1/8\nQ:1/4=96\nV:1 name="Flute"\nK:D\n%%MIDI program 73\n'


def texts(count: int) -> list[str]:
    """Three bars for flute as ABC; a quarter of the bars are not full."""
    rng = random.Random(0)
    return [
        HEADER + "".join(f"% {k}/3\n{bar(rng)}{' |' if k < 3 else ' |]'}\n" for k in (1, 2, 3)) for _ in range(count)
    ]


def bar(rng: random.Random) -> str:
    lengths = rng.choice([(4,), (2, 2), (2, 1, 1), (3, 1), (1, 1, 2), (1, 1, 1, 1), (4,), (1, 2), (2, 2, 2)])
    return " ".join(rng.choice("DEFGABdefgab") + (str(length) if length > 1 else "") for length in lengths)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Many threads for a model this small only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """A small byte-pair encoding, trained on ABC."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator(texts(100), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END)


@pytest.fixture(scope="module")
def engine(tokenizer: PreTrainedTokenizerFast) -> TorchEngine:
    """A model of the real class that has learnt such tunes, wrong bars and all."""
    config = TransformerConfig(hidden_size=32, layers=1, heads=2, key_value_heads=2, ff_size=64, context=300)
    model = family("transformer").build(config, Vocabulary(len(tokenizer), Special(0, 0, 0)), 5)
    rows = [tokenizer(END + text + END)["input_ids"] for text in texts(400)]
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(150):
        batch = ids[step % 25 * 16 :][:16]
        model(input_ids=batch, labels=batch).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    return TorchEngine(model.config.to_dict(), model.state_dict())


@pytest.fixture(scope="module")
def sampler(engine: TorchEngine, tokenizer: Any) -> TextSampler:
    return TextSampler(engine, tokenizer, create_text("abc", words=False))


def takes(sampler: TextSampler, count: int, **options: Any):
    return [sampler.sample(TASK, rng=np.random.default_rng(seed), **options) for seed in range(count)]


def test_the_plan_stands_in_every_text_and_its_bars_are_counted(sampler):
    for take in takes(sampler, 6, tries=1):
        assert take.text.startswith("X:1\nT:A reel\n")
        for line in ("R:reel", "M:2/4", "Q:1/4=96", "K:D", "%%MIDI program 73"):
            assert f"\n{line}\n" in take.text
        assert [line for line in take.text.split("\n") if line.startswith("% ")] == ["% 1/3", "% 2/3", "% 3/3"]


def test_a_whole_text_is_drawn_again_until_tries_run_out_and_both_rates_are_told(sampler):
    found = takes(sampler, 10, tries=4)
    rates = sum((take.rates for take in found), Rates("text"))
    assert rates.wanted == 10
    assert rates.drawn <= 40
    assert rates.kept == sum(not take.faults for take in found) == rates.right
    assert rates.by_syntax < rates.after_check


def test_bar_by_bar_most_bars_are_right_in_the_end(sampler):
    found = takes(sampler, 10, by_bars=True, tries=20)
    rates = sum((take.rates for take in found), Rates("bar"))
    assert rates.by_syntax < 0.9 < rates.after_check
    right = [take for take in found if not take.faults]
    assert right
    for take in right:
        score = sampler.representation.read(take.text, TASK)
        assert len(score.measures) == 3
        assert set(score.measures["duration_tick"].tolist()) == {2 * score.ticks_per_quarter}


@pytest.mark.parametrize("meter", [Meter(2, 4), Meter(6, 8), Meter(5, 8), Meter(3, 16)])
def test_where_the_syntax_counts_bars_every_text_is_right_at_once(engine, tokenizer, meter):
    sampler = TextSampler(engine, tokenizer, create_text("abc", words=False, counted=True))
    task = replace(TASK, plan=replace(PLAN, meter=meter, bars=2))
    found = [sampler.sample(task, rng=np.random.default_rng(seed), tries=1) for seed in range(4)]
    ended = [take for take in found if take.faults != (NO_END,)]
    assert ended
    assert all(not take.faults for take in ended)


def test_the_same_seed_gives_the_same_text(sampler):
    first, second = (takes(sampler, 1, by_bars=True)[0] for _ in range(2))
    assert first == second


def test_every_text_is_accepted_by_its_grammar_and_every_prefix_that_was_cut_was_faulty(sampler):
    take = takes(sampler, 1, by_bars=True, tries=20)[0]
    if not take.faults:
        assert sampler.representation.faults(take.text, TASK) == ()
    assert sampler.representation.finished(take.text) < len(take.text)


def test_a_prompt_stands_before_the_text_and_is_not_part_of_it(sampler):
    take = sampler.sample(TASK, rng=np.random.default_rng(0), prompt="a reel for flute", tries=1)
    assert take.text.startswith("X:1\n")


def test_a_context_that_is_full_is_a_fault(tokenizer):
    config = TransformerConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, ff_size=48, context=40)
    model = family("transformer").build(config, Vocabulary(len(tokenizer), Special(0, 0, 0)), 5)
    small = TextSampler(TorchEngine(model.config.to_dict(), model.state_dict()), tokenizer, create_text("abc"))
    take = small.sample(TASK, rng=np.random.default_rng(0), tries=2)
    assert take.faults == ("the context is full before the text ends",)
    assert take.rates == Rates("text", 2, 0, 1, 0)


def test_what_cannot_be_sampled_is_refused(engine, tokenizer, sampler):
    with pytest.raises(BadRecipe, match="at least one"):
        sampler.sample(TASK, rng=np.random.default_rng(0), tries=0)
    with pytest.raises(BadRecipe, match="cannot be used"):
        TextSampler(engine, object(), create_text("abc"))
    with pytest.raises(BadRecipe, match="bar by bar"):
        TextSampler(engine, tokenizer, create_text("abc", interleaved=False)).sample(
            TASK, rng=np.random.default_rng(0), by_bars=True
        )


def test_rates_of_nothing_are_no_number_and_unlike_ones_do_not_add_up():
    assert np.isnan(Rates("bar").by_syntax)
    assert np.isnan(Rates("bar").after_check)
    with pytest.raises(ValueError, match="do not add up"):
        _ = Rates("bar") + Rates("text")

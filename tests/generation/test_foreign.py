"""Models of other projects, as transformers and PEFT save them: tiny random weights of the real classes.

The vocabulary of MIDI-LLM alone takes some seconds.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from partimento.errors import BadRecipe
from partimento.generation import Composer, Sampling
from partimento.generation.engines import TorchEngine, load_engine
from partimento.generation.sampling import restrict
from partimento.generation.writer import Job, Writer
from partimento.models.adapters import as_intended
from partimento.plan import Compose, Constraints, Plan
from partimento.representations.amt import midi_llm
from partimento.representations.amt.vocabulary import AUTOREGRESS, SIZE
from partimento.theory.meter import Meter


@pytest.fixture(scope="module")
def amt(tmp_path_factory) -> Path:
    """A GPT-2 over AMT's tokens, with the settings that published checkpoints have."""
    torch.manual_seed(1)
    config = GPT2Config(vocab_size=SIZE, n_embd=8, n_layer=1, n_head=2, n_positions=1024, reorder_and_upcast_attn=True,
                        scale_attn_by_inverse_layer_idx=True)  # fmt: skip
    folder = tmp_path_factory.mktemp("foreign") / "music-small"
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def midi(tmp_path_factory, language_model) -> Path:
    """A Llama over its own tokens and AMT's."""
    torch.manual_seed(2)
    config = LlamaConfig(vocab_size=midi_llm.VOCABULARY, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                         num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=4096,
                         tie_word_embeddings=True)  # fmt: skip
    folder = tmp_path_factory.mktemp("foreign") / "midi-llm"
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(language_model("llama")).save_pretrained(folder)
    return folder


def chances(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return weights / weights.sum()


def check_proportions(engine: Any, representation: Any, task: Compose, logits_of: Any) -> None:
    """What may follow is as likely, among itself, as the model's own softmax has it."""
    state, session, heard, rng = representation.start(task), engine.session(), [], np.random.default_rng(3)
    token = representation.forced(state)[0]
    for _ in range(40):
        heard.append(token)
        state = representation.step(state, token)
        logits, theirs = session.feed([token]), chances(logits_of(heard))
        restrict(logits, ranges := representation.allowed(state))
        allowed = np.concatenate([np.arange(*span) for span in ranges])
        kept = theirs[allowed] / theirs[allowed].sum()
        ours = chances(logits)
        np.testing.assert_allclose(ours[allowed], kept, rtol=2e-3, atol=1e-9)
        assert ours.sum() == pytest.approx(ours[allowed].sum())
        token = int(rng.choice(allowed, p=kept))


def test_an_anticipation_checkpoint_writes_music(amt):
    writer = Writer(amt)
    score = writer.write([Job(Compose(constraints=Constraints(budget=200, enforced=False)), 7)], Sampling(1.0))[0]
    assert writer.representation.name == "amt"
    assert len(score.notes)
    again = Composer(amt).compose(Plan(meter=Meter(4, 4), instruments=(0, 40), bars=8, tempo_bpm=90), seed=1)
    assert {part.program for part in again.parts} <= {0, 40}


def test_its_grammar_leaves_valid_notes_their_proportions(amt):
    model: Any = AutoModelForCausalLM.from_pretrained(amt).eval()

    @torch.no_grad()
    def logits(heard: list[int]) -> np.ndarray:
        return model(input_ids=torch.tensor([heard])).logits[0, -1].numpy()

    writer = Writer(amt)
    task = Compose(Plan(instruments=(0,)), Constraints(budget=300, enforced=False))
    check_proportions(writer.engine, writer.representation, task, logits)


def test_plain_gpt2_weights_run_in_the_built_in_engine(amt, tmp_path):
    shutil.copytree(amt, tmp_path / "plain")
    config = json.loads((tmp_path / "plain" / "config.json").read_text())
    config |= {"scale_attn_by_inverse_layer_idx": False, "reorder_and_upcast_attn": False}
    (tmp_path / "plain" / "config.json").write_text(json.dumps(config))
    assert isinstance(load_engine(tmp_path / "plain"), TorchEngine)


def test_midi_llm_reads_its_prompt_and_writes_shifted_tokens(midi):
    engine: Any = load_engine(midi)
    tokenizer, model = AutoTokenizer.from_pretrained(midi), AutoModelForCausalLM.from_pretrained(midi).eval()
    said = tokenizer(midi_llm.prompt("a calm waltz"))["input_ids"]
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([[*said, midi_llm.OPENING]])).logits[0, -1].numpy()
    got = engine.session("a calm waltz").feed([AUTOREGRESS])
    np.testing.assert_allclose(got, expected[midi_llm.SHIFT : midi_llm.SHIFT + SIZE], atol=1e-5)
    assert (engine.context, engine.vocabulary_size) == (2046, SIZE)
    task = Compose(constraints=Constraints(budget=90, enforced=False))
    score = Writer(midi).write([Job(task, 3, text="a calm waltz")], Sampling(1.0, top_p=0.98))[0]
    assert len(score.notes)


def test_chord_llama_writes_measures(language_model):
    pytest.importorskip("llguidance")
    writer = Writer(language_model("llama", chat=True, context=4096))
    assert (writer.writes_text, writer.representation.name) == (True, "chord_llama")
    piece = Composer(writer).compose(Plan(meter=Meter(1, 4), bars=1), seed=2)
    assert len(piece.measures)


def test_a_lora_beside_chord_llamas_base_is_merged(language_model, tmp_path):
    base, folder = language_model("llama", chat=True, context=4096), tmp_path / "adapter"
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    with as_intended(model := AutoModelForCausalLM.from_pretrained(base)):
        tuned: Any = get_peft_model(model, config)
    tuned.save_pretrained(str(folder))
    with torch.no_grad():
        expected = tuned.eval()(input_ids=torch.tensor([[3, 4]])).logits[0, -1].numpy()
    engine: Any = load_engine(folder)
    assert engine.writes_text
    np.testing.assert_allclose(engine.session().feed([3, 4]), expected, atol=1e-5)


def test_what_is_not_known_is_one_line_that_says_what_is(language_model, tmp_path):
    with pytest.raises(BadRecipe, match=r"a llama of \d+ tokens without a .*; accepted are .*MIDI-LLM"):
        Writer(language_model("llama"))
    with pytest.raises(BadRecipe, match="a gpt2 of"):
        Writer(language_model("gpt2"))
    (tmp_path / "config.json").write_text("[1")
    with pytest.raises(BadRecipe, match="is damaged"):
        Writer(tmp_path)


def test_pickles_and_weights_of_another_shape_are_refused(amt, tmp_path):
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    shutil.copy(amt / "config.json", pickled)
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(BadRecipe, match=r"pytorch_model.bin.*is not read; convert"):
        Writer(pickled)
    shutil.copytree(amt, tmp_path / "other")
    config = json.loads((amt / "config.json").read_text()) | {"n_embd": 16}
    (tmp_path / "other" / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadRecipe, match="do not fit config"):
        Writer(tmp_path / "other")


def test_an_adapter_without_its_base_is_one_line(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "gone/llama", "r": 2}))
    with pytest.raises(BadRecipe, match="beside gone/llama, which is not here"):
        Writer(tmp_path)

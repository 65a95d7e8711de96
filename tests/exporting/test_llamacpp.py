"""Exported models in llama.cpp: the logits of transformers, the rules of an engine. Skipped where it is not installed.

Its engine is `generation.engines.llamacpp`; only exported files can be run, so its tests stand here.
"""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from partimento.cli import main
from partimento.errors import BadRecipe
from partimento.exporting import export
from partimento.generation.engines.llamacpp import LlamaCppEngine

llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python builds from source, which takes minutes")
ARCHITECTURES = ("llama", "llama3", "linear", "mistral", "qwen2", "qwen3", "gpt2")
IDS = [1, *np.random.default_rng(0).integers(3, 300, 70).tolist()]
MOST_LOGITS_APART = {"gpt2": 2e-2}
"""llama.cpp looks GELU up in a table of 16 bits; elsewhere 1e-4."""


def engine_of(folder: Path, kind: str, out: Path) -> LlamaCppEngine:
    (path,) = export(folder, f"gguf:{kind}", out).glob("*.gguf")
    return LlamaCppEngine(path, threads=1)


def logits_of(engine: LlamaCppEngine, ids: list[int]):
    session = engine.session()
    return np.array([session.feed([token]) for token in ids])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_f32_gives_the_logits_of_transformers(music_model, tmp_path, architecture):
    folder = music_model(architecture)
    engine = engine_of(folder, "f32", tmp_path / "out")
    with torch.inference_mode():
        model = AutoModelForCausalLM.from_pretrained(folder).eval()
        wanted = model(torch.tensor([IDS])).logits[0].numpy()
    found = logits_of(engine, IDS)
    assert np.abs(found - wanted).max() < MOST_LOGITS_APART.get(architecture, 1e-4)
    ranked = np.sort(wanted, axis=1)
    is_clear = ranked[:, -1] - ranked[:, -2] > MOST_LOGITS_APART.get(architecture, 1e-3)
    assert is_clear.mean() > 0.5
    np.testing.assert_array_equal(found.argmax(1)[is_clear], wanted.argmax(1)[is_clear])


@pytest.mark.parametrize("kind", ["f16", "q8_0", "q4_k_m"])
def test_reduced_precision_runs_and_stays_near(music_model, tmp_path, kind):
    folder = music_model(hidden_size=256, intermediate_size=512, head_dim=64)
    exact = logits_of(engine_of(folder, "f32", tmp_path / "f32"), IDS)
    engine = engine_of(folder, kind, tmp_path / kind)
    apart = np.abs(logits_of(engine, IDS) - exact).mean() / exact.std()
    assert 0 < apart < {"f16": 0.005, "q8_0": 0.05, "q4_k_m": 0.5}[kind]
    types = {tensor.tensor_type.name for tensor in gguf.GGUFReader(engine.path).tensors}
    assert types & {"F16", "Q8_0", "Q4_K"}
    assert ("Q4_K" in types) == (kind == "q4_k_m")


def test_sessions_do_not_disturb_each_other_and_repeat_to_the_bit(music_model, tmp_path):
    engine = engine_of(music_model(), "f16", tmp_path / "out")
    alone = [engine.session().feed(IDS[:9]), engine.session().feed(IDS[9:20])]
    one, two = engine.session(), engine.session()
    one.feed(IDS[:4])
    two.feed(IDS[9:12])
    first = one.feed(IDS[4:9])
    second = two.feed(IDS[12:20])
    again = engine.session()
    again.feed(IDS[:4])
    np.testing.assert_array_equal(first, again.feed(IDS[4:9]))
    for parted, whole in zip((first, second), alone, strict=True):
        np.testing.assert_allclose(parted, whole, atol=2e-2)


def test_what_a_session_cannot_take_is_refused(music_model, tmp_path):
    engine = engine_of(music_model(), "f16", tmp_path / "out")
    assert engine.context == 128
    with pytest.raises(ValueError, match="context holds 128"):
        engine.session().feed([1] * 129)
    for tokens in ([], [-1], [10**6]):
        with pytest.raises(ValueError, match="at least one"):
            engine.session().feed(tokens)
    with pytest.raises(BadRecipe, match="reads nothing before it writes"):
        engine.session("a waltz")


def test_files_that_are_no_models_are_refused(music_model, tmp_path):
    engine = engine_of(music_model(), "f16", tmp_path / "out")
    whole = engine.path.read_bytes()
    for content, reason in ((b"", "is no GGUF"), (b"GIF", "is no GGUF"), (whole[:4], "cannot load"),
                            (whole[: len(whole) // 2], "cannot load")):  # fmt: skip
        (tmp_path / "bad.gguf").write_bytes(content)
        with pytest.raises(BadRecipe, match=reason) as caught:
            LlamaCppEngine(tmp_path / "bad.gguf")
        assert "\n" not in str(caught.value)
    with pytest.raises(BadRecipe, match="no such file"):
        LlamaCppEngine(tmp_path / "none.gguf")


@pytest.mark.parametrize("words", ["GPT2", "llama3"])
def test_text_is_cut_as_the_tokenizer_cuts_it(text_model, tmp_path, words):
    folder = text_model(words=words)
    (path,) = export(folder, "gguf:f16", tmp_path / "out").glob("*.gguf")
    model, tokenizer = llama_cpp.Llama(str(path), vocab_only=True, verbose=False), AutoTokenizer.from_pretrained(folder)
    for text in (
        "- a00_note:\n    pitch:\n      step: C\n",
        "'24'   \n\n  key of D, I'll über 123456 ♯\t",
        "<|start|>user\nx<|end|>\n",
    ):
        wanted = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert model.tokenize(text.encode(), add_bos=False, special=True) == wanted


def test_tokens_of_music_read_as_their_names(music_model, tmp_path):
    (path,) = export(music_model(), "gguf:f16", tmp_path / "out").glob("*.gguf")
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    said = model.detokenize(IDS, special=True)
    assert model.tokenize(said, add_bos=False, special=True) == IDS


def test_a_file_names_its_representation(music_model, text_model, tmp_path):
    engine = engine_of(music_model(), "f16", tmp_path / "one")
    assert engine.representation["name"] == "performance"
    folder = text_model()
    (folder / "representation.json").write_text(json.dumps({}))
    with pytest.raises(BadRecipe, match="names no representation"):
        _ = engine_of(folder, "f16", tmp_path / "two").representation


def test_compose_takes_a_gguf_file(tmp_path):
    from partimento.generation.writer import STARTER

    (path,) = export(STARTER, "gguf:q8_0", tmp_path / "out").glob("*.gguf")
    command = ["compose", "a hymn in F, 4 bars", "--seed", "5", "--model", str(path), "--out"]
    assert main([*command, str(tmp_path / "one")]) == 0
    assert main([*command, str(tmp_path / "two")]) == 0
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "two.mid").read_bytes()
    verdicts = json.loads((tmp_path / "one.plan.json").read_text("utf-8"))["verdicts"]
    assert {verdict["wish"]: verdict["followed"] for verdict in verdicts}["bars"] is True


def test_compose_refuses_a_gguf_file_of_text(text_model, tmp_path, capsys):
    (path,) = export(text_model(), "gguf:f16", tmp_path / "out").glob("*.gguf")
    capsys.readouterr()
    assert main(["compose", "a waltz", "--model", str(path), "--out", str(tmp_path / "piece")]) == 2
    assert "makes text, not tokens" in capsys.readouterr().err


def test_text_and_music_in_one_vocabulary_have_the_logits_of_the_model_that_was_tuned(extended_model, tmp_path):
    from partimento.models.folder import load_model_folder

    model = load_model_folder(extended_model).model
    ids = np.random.default_rng(1).integers(3, model.config.vocab_size, 40).tolist()
    with torch.inference_mode():
        wanted = model(torch.tensor([ids])).logits[0].numpy()
    assert np.abs(logits_of(engine_of(extended_model, "f32", tmp_path / "out"), ids) - wanted).max() < 1e-4

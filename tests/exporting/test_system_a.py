"""System A, small: rows of music, a language model tuned on them, an adapter, merged, as GGUF, an answer as music.

It takes some seconds more than others, as two models are trained. The last step needs llama-cpp-python; without it the
file is still written.
"""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

from partimento.cli import main
from partimento.data.answers import rows_of
from partimento.exporting import export
from partimento.generation.answering import Answerer
from partimento.io import load_score

RECIPE = """
name: {name}
data: {{sources: ["{tunes}"], dataset: "{dataset}", representation: chord_llama, text: rows, prepare: {{context: 200}}}}
model: {{family: llm, base: "{base}", config: {{context: 384}}{more}}}
training: {{steps: {steps}, tokens_per_batch: 1536, micro_batch_tokens: 1536, context: 384, learning_rate: 8.0e-3,
  warm_up_steps: 5, threads: 1, precision: fp32, accelerator: cpu}}
"""
ADAPTER = ", adapter: {kind: lora, rank: 4, alpha: 8}"


@pytest.fixture(scope="module")
def tuned(text_model, tmp_path_factory) -> Path:
    """A folder with a dataset and the merged model."""
    place, rng = tmp_path_factory.mktemp("system-a"), random.Random(1)
    tunes = [
        f"X:{number}\nM:2/4\nL:1/4\nK:C\n" + "|".join("".join(rng.choices("CDEFG", k=2)) for _ in range(8)) + "|]\n"
        for number in range(1, 90)
    ]
    (place / "tunes.abc").write_text("\n".join(tunes), "utf-8")
    base = text_model(hidden_size=64, head_dim=16, intermediate_size=128, max_position_embeddings=512)
    (base / "representation.json").unlink()  # a model as it comes from the hub
    names = {"tunes": (place / "tunes.abc").as_posix(), "dataset": (place / "rows").as_posix()}
    for name, start, steps, more in (("base", base, 90, ""), ("lora", place / "base", 8, ADAPTER)):
        text = RECIPE.format(name=name, base=start.as_posix(), steps=steps, more=more, **names)
        (place / f"{name}.yaml").write_text(text)
        assert main(["train", str(place / f"{name}.yaml"), "--out", str(place / name)]) == 0
    assert main(["merge", str(place / "lora"), "--out", str(place / "merged")]) == 0
    return place


def test_an_adapter_alone_is_refused(tuned, tmp_path, capsys):
    capsys.readouterr()
    assert main(["export", str(tuned / "lora"), "--to", "gguf:q8_0", "--out", str(tmp_path / "out")]) == 2
    assert "partimento merge" in capsys.readouterr().err


def test_the_merged_model_is_written_with_all_that_ollama_needs(tuned, tmp_path):
    out = export(tuned / "merged", "gguf:q8_0", tmp_path / "out")
    modelfile = (out / "Modelfile").read_text("utf-8")
    assert "FROM ./merged-q8_0.gguf" in modelfile
    assert "{{ .System }}" in modelfile
    assert "SYSTEM " in modelfile
    assert "LICENSE " in modelfile


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed")
@pytest.mark.parametrize("kind", ["f32", "q8_0"])
def test_its_answers_are_sheet_music(tuned, tmp_path, kind):
    (path,) = export(tuned / "merged", f"gguf:{kind}", tmp_path / "out").glob("*.gguf")
    answerer = Answerer(path)
    right = 0
    for seed, row in enumerate(list(rows_of(tuned / "rows", "train"))[:4]):
        answer = answerer.answer(row, seed=seed, bars=1)
        assert answer.take == answerer.answer(row, seed=seed, bars=1).take
        (tmp_path / "answer.musicxml").write_bytes(answer.musicxml)
        score = load_score(tmp_path / "answer.musicxml")
        given = row["input"].startswith("- ") + row["input"].count("\n- ")
        right += not answer.take.faults and len(score.measures) == given + 1
    assert right >= 3

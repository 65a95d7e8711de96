"""Following a run: samples to hear, measures, TensorBoard, Weights & Biases offline, models kept on the way."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partimento.data.prepare import Options, prepare
from partimento.evaluation.harmony import given_chords, harmonic_consistency
from partimento.io import load_score
from partimento.models.folder import load_model_folder
from partimento.plan import Plan
from partimento.plan.parse import parse_chords
from partimento.score import NOTE, ChordEvent, Part, Score
from partimento.theory.chord import ChordSymbol
from partimento.training.loop import train
from partimento.training.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe

SIZES = {"hidden_size": 16, "layers": 1, "heads": 2, "key_value_heads": 2, "ff_size": 32, "context": 512}


@pytest.fixture(scope="session")
def chorales(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "chorales"
    music21 = pytest.importorskip("music21")
    files = sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("*.mxl"))[:12]
    options = Options(context=512, validation=20)
    prepare([str(file) for file in files], folder, representation="remi", options=options, progress=False)
    return folder


@pytest.fixture(scope="session")
def followed(chorales, tmp_path_factory):
    pytest.importorskip("tensorboard")
    pytest.importorskip("wandb")
    training = TrainingRecipe(
        steps=4, tokens_per_batch=1024, micro_batch_tokens=1024, context=512, warm_up_steps=1, validate_every=2,
        checkpoint_every=1, threads=1, accelerator="cpu", precision="fp32", sample_every=3, keep_checkpoints=2,
        sample_prompts=["a hymn in F, 4 bars", "4 bars in C for flute"], log_to=["csv", "tensorboard", "wandb"],
    )  # fmt: skip
    recipe = Recipe("followed", DataRecipe(["music21:bach"], "unused"), ModelRecipe(config=SIZES), training)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_API_KEY", raising=False)
        patch.delenv("WANDB_MODE", raising=False)
        return train(recipe, chorales, tmp_path_factory.mktemp("run") / "model", progress=False)


def test_samples_are_pieces_in_all_forms_with_a_page(followed):
    rounds = sorted(path.name for path in (followed / "samples").iterdir())
    assert rounds == ["index.html", "step-00003", "step-00004"]
    folder = followed / "samples" / "step-00004"
    page = (folder / "index.html").read_text("utf-8")
    for name in ("1", "2"):
        assert f'src="{name}.wav"' in page
        score = load_score(folder / f"{name}.musicxml")
        assert len(score.notes)
        assert len(score.measures) - score.has_pickup == 4
        assert {"seed", "prompt"} <= json.loads((folder / f"{name}.plan.json").read_text()).keys()
        assert all((folder / f"{name}{suffix}").stat().st_size > 100 for suffix in (".mid", ".wav", ".svg", ".png"))
    assert "a hymn in F" in page
    assert "step-00003/index.html" in (followed / "samples" / "index.html").read_text("utf-8")


def test_measures_are_in_the_file_and_in_the_provenance(followed):
    with (followed / "metrics.csv").open(newline="") as file:
        rows = {(int(row["step"]), row["measure"]): float(row["value"]) for row in csv.DictReader(file)}
    assert {step for step, name in rows if name == "note_accuracy"} == {2, 4}
    assert {step for step, name in rows if name == "harmonic_consistency"} == {3, 4}
    assert rows[4, "perplexity"] == pytest.approx(math.exp(rows[4, "loss"]), rel=1e-4)
    made = load_model_folder(followed).provenance
    assert made["measures"]["loss/token/Pitch"] > 0
    assert f"{made['measures']['note_accuracy']:.1%}" in (followed / "README.md").read_text("utf-8")


def test_models_are_kept_on_the_way(followed):
    kept = sorted(path.name for path in (followed / "checkpoints").iterdir())
    assert kept == ["step-00003", "step-00004"]
    last = load_model_folder(followed / "checkpoints" / "step-00004")
    assert last.provenance["training"]["step"] == 4


def test_tensorboard_reads_what_was_written(followed):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(followed / "tensorboard"))
    events.Reload()
    tags: Any = events.Tags()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4]
    assert [event.step for event in events.Scalars("validation/loss")] == [2, 4]
    assert len(tags["audio"]) == 2


def test_weights_and_biases_offline_leaves_a_run_to_synchronise(followed):
    runs = list((followed / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(runs) == 1
    assert runs[0].stat().st_size > 1000


def test_a_failure_to_sample_is_said_and_training_goes_on(dataset, recipe_with, tmp_path, capsys):
    # forty tokens are not those of remi, so that no piece can be written
    folder = train(recipe_with(steps=4, sample_every=2), dataset, tmp_path / "model", progress=False)
    assert "no samples after step 2" in capsys.readouterr().err
    assert load_model_folder(folder).provenance["training"]["steps"] == 4
    assert not list(folder.glob("samples/step*"))


def piece(pitches, durations=None):
    notes = np.zeros(len(pitches), NOTE)
    notes["onset_tick"], notes["duration_tick"] = 480 * np.arange(len(pitches)), 480
    notes["pitch"] = pitches
    if durations is not None:
        notes["duration_tick"] = durations
    return Score(notes=notes, parts=(Part("piano"),), ticks_per_quarter=480)


def test_harmonic_consistency_is_the_share_of_sounding_time_on_chord_tones():
    c_major, g_major = ChordSymbol.parse("C"), ChordSymbol.parse("G")
    score = piece([60, 61, 67, 62])  # C, C sharp | G, D: three of four quarters
    chords = (ChordEvent(0, c_major), ChordEvent(960, g_major))
    assert harmonic_consistency(score, chords) == pytest.approx(0.75)
    assert harmonic_consistency(score, (ChordEvent(960, g_major),)) == pytest.approx(1.0)
    held = piece([60, 61, 67, 62], [1920, 480, 480, 480])  # the C sounds on through the G: 2 + 0 + 2 of 7 quarters
    assert harmonic_consistency(held, chords) == pytest.approx(4 / 7)
    assert math.isnan(harmonic_consistency(score, (ChordEvent(0, None),)))


def test_chords_that_were_asked_for_stand_evenly_in_their_bars(followed):
    score = load_score(followed / "samples" / "step-00004" / "1.musicxml")
    events = given_chords(Plan(chords=parse_chords("C | F G")), score)
    assert [str(event.symbol) for event in events] == ["C", "F", "G", "C", "F", "G"]
    measures = score.measures[int(score.has_pickup) :]
    assert events[2].onset_tick == measures["onset_tick"][1] + measures["duration_tick"][1] // 2

"""Models that read chords, a plan or a text before they write: their smoke recipes train, and the models compose."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from music21 import corpus
from transformers import BartConfig, BartForConditionalGeneration

from partimento.errors import BadPlan, BadRecipe
from partimento.generation.batching import sample
from partimento.generation.compose import Composer
from partimento.models.folder import load_model_folder
from partimento.models.tokenizers import source_tokenizer
from partimento.plan import Compose, Constraints, Plan
from partimento.plan.chords import parse_chords
from partimento.training.recipe import load_recipe
from partimento.training.run import run

RECIPES = Path(__file__).parents[2] / "recipes"
CHORDS = Plan(chords=parse_chords("Cmaj7 Am7 Dm7 G7"))


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with a few chorales, where datasets and models go."""
    folder = tmp_path_factory.mktemp("conditional")
    (folder / "music").mkdir()
    for path in sorted(map(Path, corpus.getComposer("bach")))[:8]:
        shutil.copy(path, folder / "music")
    return folder


@pytest.fixture(scope="session")
def trained(place):
    """Train a smoke recipe on the chorales; each at most once."""

    def train(name, *settings, out=""):
        path = RECIPES / f"{name}.yaml"
        usual = [f"data.sources=[{place / 'music'}]", f"data.dataset={place / load_recipe(path).data.dataset}",
                 "data.prepare.validation=20", "data.prepare.test=0", "training.threads=1"]  # fmt: skip
        return run(load_recipe(path, [*usual, *settings]), place / (out or name), progress=False)

    return train


def falls(folder):
    with (folder / "losses.csv").open(newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    return np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])


def written(composer, plan, text="", seed=3):
    """A piece of at most 160 tokens, as score."""
    from partimento.generation.conditioning import condition_of

    task = Compose(plan, Constraints(playable=True, budget=160))
    representation = composer.writer.representation
    condition = condition_of(composer.writer.engine, plan, text)
    rng = np.random.default_rng(seed)
    ids = list(sample(composer.writer.engine, representation, task, rng=rng, condition=condition))
    assert len(ids) <= 160
    return ids, representation.decode(np.array(ids, np.int32), task)


@pytest.fixture(scope="session")
def base(trained):
    return trained("jazz-base-smoke")


def test_chords_to_music(base):
    assert falls(base)
    composer = Composer(base)
    assert composer.writer.engine.condition == "text"
    first, score = written(composer, CHORDS)
    assert len(score.notes) > 5
    assert written(composer, CHORDS)[0] == first
    with pytest.raises(BadPlan, match="--chords"):
        composer.compose(Plan())


def test_the_engine_feeds_a_source_once_and_its_cache_changes_nothing(base):
    engine = Composer(base).writer.engine
    ids = [1, 5, *range(300, 330)]
    whole = engine.session("Cmaj7 | Am7").feed(ids)
    session = engine.session("Cmaj7 | Am7")
    for token in ids[:-1]:
        session.feed([token])
    np.testing.assert_allclose(session.feed(ids[-1:]), whole, atol=1e-5)
    assert np.abs(engine.session("F#7").feed(ids) - whole).max() > 1e-4


@pytest.mark.parametrize("layers", ["", "-weighted"])
def test_a_sentence_to_music(trained, layers):
    folder = trained(f"text-amt-large-prefix{layers}-smoke")
    assert falls(folder)
    composer = Composer(folder)
    ids, score = written(composer, Plan(), "a sad waltz")
    assert len(score.notes) > 3
    engine = composer.writer.engine
    whole = engine.session("a sad waltz").feed(ids[:40])
    session = engine.session("a sad waltz")
    for token in ids[:39]:
        session.feed([token])
    np.testing.assert_allclose(session.feed(ids[39:40]), whole, atol=1e-4)
    assert np.abs(engine.session("jubilant brass").feed(ids[:40]) - whole).max() > 1e-4
    assert load_model_folder(folder).provenance["losses"]["validation"] > 0


@pytest.mark.parametrize("kind", ["default", "fast", "production", "full"])
def test_a_base_is_tuned(trained, base, kind):
    if kind != "full":
        pytest.importorskip("bitsandbytes")
    folder = trained(f"jazz-qlora-{kind}-smoke", f"model.base={base}")
    _, score = written(Composer(folder), CHORDS)
    assert len(score.notes) > 3
    assert (folder / "adapter_model.safetensors").exists() == (kind != "full")


def test_a_pretrained_bart_learns_music(trained, place):
    folder = place / "bart-tiny"
    config = BartConfig(vocab_size=30522, d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=4,
                        decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=512,
                        dropout=0.0)  # fmt: skip
    BartForConditionalGeneration(config).save_pretrained(folder)
    source_tokenizer("text").save_pretrained(folder)
    model = trained("mozart-bart-small-lora-smoke", f"model.base={folder}")
    assert falls(model)
    assert len(written(Composer(model), CHORDS)[1].notes) > 3


def test_what_a_recipe_leaves_open_is_named(place, trained):
    with pytest.raises(BadRecipe, match=r"data\.text"):
        trained("jazz-base-smoke", "data.text=null", out="other")
    with pytest.raises(BadRecipe, match="words"):
        trained("jazz-base-smoke", "data.text=caption", out="other")

"""Composing with language models: a sentence before the music, the music's half of the logits, and texts as answers."""

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from partimento.errors import BadPlan, BadRecipe, Cancelled
from partimento.generation import Composer, Job, Sampling, Writer
from partimento.generation.engines import load_engine
from partimento.models import Vocabulary
from partimento.models.folder import save_model_folder
from partimento.models.llm import LlmConfig, build, folded
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create, create_text
from partimento.theory.key import Key
from partimento.theory.meter import Meter

REMI = create("remi")


def saved(folder, model, base, representation, **data):
    return save_model_folder(
        folder, model, representation=representation, recipe={"model": {"family": "llm"}, "data": data},
        provenance={}, card="", also=[AutoTokenizer.from_pretrained(base).save_pretrained],
    )  # fmt: skip


@pytest.fixture(scope="module")
def music_folders(language_model, tmp_path_factory):
    """A model of REMI tokens beside text, as it is trained and folded."""
    base, place = language_model("llama", context=1536), tmp_path_factory.mktemp("models")
    vocabulary = Vocabulary(len(REMI.tokens), REMI.special)
    model = build(LlmConfig(base=str(base), context=1536), vocabulary, 3)
    representation = {"name": "remi", **REMI.config}
    return [
        saved(place / name, each, base, representation, text="caption")
        for name, each in (("extended", model), ("folded", folded(model)))
    ]


def test_logits_are_those_of_the_music_behind_instruction_and_sentence(music_folders):
    for folder in music_folders:
        engine: Any = load_engine(folder)
        offset, tokenizer = engine.music.offset, AutoTokenizer.from_pretrained(folder)
        said = tokenizer(engine.music.prompt.replace("{caption}", "a jig"))["input_ids"]
        music = [REMI.special.bos, 7, 9]
        with torch.no_grad():
            ids = torch.tensor([said + [offset + token for token in music]])
            expected = engine.model(input_ids=ids).logits[0, -1]
        session = engine.session("a jig")
        session.feed(music[:2])
        got = session.feed(music[2:])
        np.testing.assert_allclose(got, expected[offset:].numpy(), atol=1e-5)
        assert len(got) == len(REMI.tokens) == engine.vocabulary_size
        chances = torch.softmax(expected, 0)[offset:]  # valid notes keep their proportions
        torch.testing.assert_close(
            torch.softmax(torch.from_numpy(got), 0), chances / chances.sum(), atol=1e-6, rtol=1e-4
        )
        assert not np.allclose(engine.session("a slow hymn").feed(music), got, atol=1e-4)


def test_it_composes_what_the_plan_asks_for(music_folders):
    pieces = [
        Composer(folder).compose(Plan(Key(2), Meter(6, 8), bars=4), text="a jig in D major", seed=5)
        for folder in music_folders
    ]
    for piece in pieces:
        assert len(piece.measures) == 4
        assert piece.key_at(0) == Key(2)
        assert piece.meter_at(0) == Meter(6, 8)
    assert np.array_equal(pieces[0].notes, pieces[1].notes)


def test_a_description_that_is_too_long_is_one_line(music_folders):
    with pytest.raises(BadPlan, match="the description has"):
        load_engine(music_folders[0]).session("a jig " * 400)
    (music_folders[1] / "tokenizer.json").rename(music_folders[1] / "away.json")
    with pytest.raises(BadRecipe, match=r"tokenizer\.json"):
        load_engine(music_folders[1])
    (music_folders[1] / "away.json").rename(music_folders[1] / "tokenizer.json")


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("name", ["abc", "chord_llama"])
def test_a_model_tuned_on_text_answers_with_a_piece(language_model, tmp_path, name, chat):
    context = {"abc": 400, "chord_llama": 3000}[name]
    base = language_model("llama", chat=chat, context=context)
    model = build(LlmConfig(base=str(base), context=context), Vocabulary(0, REMI.special), 3)
    folder = saved(tmp_path / "model", model, base, {"name": name, **create_text(name).config}, text="rows")
    # random weights seldom end an ABC text; what is drawn then is thrown away
    composer: Any = Composer(folder)
    plan = Plan(Key(1), Meter(2, 4), instruments=(73,), bars=2)
    written = composer.writer._text.write(
        plan, "a tune", np.random.default_rng(2), Sampling(temperature=0.7, top_p=0.9)
    )
    assert written.take.rates.drawn >= 1
    if not written.take.faults:
        assert len(written.score(plan).measures) == 2
    assert written.take.text.startswith("- " if name == "chord_llama" else "X:1")


def test_models_that_read_a_sentence_write_and_stream_the_same_pieces(music_folders):
    writer = Writer(music_folders[0])
    task = Compose(Plan(bars=2, instruments=(73,)), Constraints(steady=True, playable=True, budget=150))
    jobs = [Job(task, seed, text=text) for seed, text in enumerate(("a jig", "a slow hymn"))]
    together = writer.write(jobs)
    assert together == [writer.write([job])[0] for job in jobs]
    streamed = list(writer.stream(jobs[1]))
    assert streamed[-1] == together[1]
    assert [len(piece.measures) for piece in streamed] == [1, 2]
    with pytest.raises(Cancelled):
        writer.write(jobs, stop=lambda: True)

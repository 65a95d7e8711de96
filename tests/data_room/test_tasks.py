"""Windows as tasks: which holes are drawn, what a sequence holds, and that varied sequences stay what they are."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from music21 import corpus

from partimento.data.augment import Augmentation
from partimento.data.datamodule import IGNORED, PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.data.mixture import TASKS, Mixture
from partimento.data.prepare import Options, prepare
from partimento.data.tasks import TaskExamples, drawn
from partimento.errors import BadRecipe
from partimento.plan import Compose, Infill
from partimento.representations import create
from partimento.representations.amt.vocabulary import ANTICIPATE, AUTOREGRESS

CONTEXT = 512
ALL = Mixture(compose=0.2, infill=0.4, accompany=0.4, versions=3)


def prepared(folder, representation, **config):
    music = folder / "music"
    music.mkdir()
    for path in sorted(map(Path, corpus.getComposer("bach")))[:6]:
        shutil.copy(path, music)
    prepare([str(music)], folder / "set", representation=representation, representation_config=config,
            options=Options(context=CONTEXT, validation=0, test=0), progress=False, workers=0)  # fmt: skip
    return folder / "set"


@pytest.fixture(scope="module")
def chorales(tmp_path_factory):
    return TokenDataset(prepared(tmp_path_factory.mktemp("remi"), "remi", infill=True), "train")


def holes(examples):
    """Sequences that are no whole windows."""
    return [index for index in range(len(examples)) if TASKS[examples.task[index]] != "compose"]


def test_every_task_comes_and_the_same_ones_in_every_run(chorales):
    first, again = (TaskExamples(chorales, ALL, seed=3, context=CONTEXT) for _ in range(2))
    other = TaskExamples(chorales, ALL, seed=4, context=CONTEXT)
    for path in chorales.folder.glob("tasks-train-*.npz"):
        path.unlink()
    anew = TaskExamples(chorales, ALL, seed=3, context=CONTEXT)
    assert len(first) == 3 * len(chorales)
    assert all(first.counts.values())
    assert f"as tasks: {first.counts['compose']} compose, " in first.notice
    assert first.column("piece")[::3] == chorales.column("piece")
    for examples in (again, anew):
        assert all(np.array_equal(first[i], examples[i]) for i in range(len(first)))
        assert np.array_equal(first.prompt_length, examples.prompt_length)
    assert any(not np.array_equal(first[i], other[i]) for i in range(len(first)))


def test_a_sequence_decodes_to_its_window(chorales):
    """So what is masked comes back in the target, and nothing else is lost or moved."""
    remi, examples = create("remi", infill=True), TaskExamples(chorales, ALL, context=CONTEXT)
    fill, whole = remi.tokens.index("Fill"), 0
    for index in holes(examples):
        ids = examples[index].astype(np.int32)
        assert len(ids) == examples.lengths[index] <= CONTEXT
        assert ids[examples.prompt_length[index] - 1] == fill
        assert ids[-1] == remi.special.eos
        window = remi.decode(chorales[int(examples.window[index])].astype(np.int32), Compose())
        score = remi.decode(ids, Compose())
        if len(score.measures) == len(window.measures):  # else it was cut to fit
            whole += 1
            assert np.array_equal(remi.encode(score, Compose()).target, remi.encode(window, Compose()).target)
    assert whole > 5


def test_a_window_that_opens_in_the_midst_of_its_piece_says_so_with_a_hole_too(chorales):
    remi, examples = create("remi", infill=True), TaskExamples(chorales, ALL, context=CONTEXT)
    said = 0
    for index in holes(examples):
        for name in ("OpensMidway", "EndsMidway"):
            if remi.tokens.index(name) in chorales[int(examples.window[index])]:
                assert remi.tokens.index(name) in examples[index]
                said += 1
    assert said


def test_loss_is_on_what_is_to_be_written(chorales):
    examples = TaskExamples(chorales, Mixture(0, 1, 1), context=CONTEXT)
    batches = PackedBatches(examples, CONTEXT, 2, prompt_loss=False)
    targets = sum(int((batch["labels"] != IGNORED).sum()) for batch in batches.once())
    assert targets == sum(examples.lengths - examples.prompt_length) < examples.lengths.sum() / 2


@pytest.mark.parametrize(("prompt_loss", "first"), [(True, 1), (False, None)])
def test_whole_windows_learn_their_header_where_the_recipe_says_so(chorales, prompt_loss, first):
    examples = TaskExamples(chorales, Mixture(1, 0, 0, 1), prompt_loss=prompt_loss)
    assert len(examples) == len(chorales)
    assert all(np.array_equal(examples[i], chorales[i]) for i in range(len(examples)))
    wanted = chorales.prompt_length if first is None else np.full(len(chorales), first)
    assert np.array_equal(examples.prompt_length, wanted)


def test_varied_sequences_are_the_tasks_of_varied_windows(chorales):
    """Transposing tokens with a hole gives the tokens of the transposed music with that hole."""
    remi, examples = create("remi", infill=True), TaskExamples(chorales, ALL, context=CONTEXT)
    augment = Augmentation(remi, semitones=6, swap=0.0)
    assert augment.keeps_places
    checked = 0
    for index in holes(examples):
        version = augment.version(examples[index].astype(np.int32), 0)  # five semitones lower
        window = remi.decode(augment.version(chorales[int(examples.window[index])].astype(np.int32), 0), Compose())
        score = remi.decode(version, Compose())
        assert len(version) == examples.lengths[index]
        if len(score.measures) == len(window.measures):
            checked += 1
            assert np.array_equal(remi.encode(score, Compose()).target, remi.encode(window, Compose()).target)
    assert checked > 5


def test_exchanged_instruments_are_exchanged_before_and_behind_the_hole(chorales):
    remi, examples = create("remi", infill=True), TaskExamples(chorales, ALL, context=CONTEXT)
    augment = Augmentation(remi, semitones=0, swap=1.0)
    programs = [f"Instrument_{program}" for program in range(129)]
    of = {remi.tokens.index(name): name for name in programs}
    for index in holes(examples)[:10]:
        ids = examples[index].astype(np.int32)
        other = augment(ids, np.random.default_rng(1))
        table = {(of[a], of[b]) for a, b in zip(ids.tolist(), other.tolist(), strict=True) if a in of}
        assert len(table) == len({a for a, _ in table}) == len({b for _, b in table})
        assert any(a != b for a, b in table)
        remi.decode(other, Compose())


def test_held_out_windows_come_once_for_each_task(chorales):
    examples = TaskExamples(chorales, ALL, each=True, context=CONTEXT)
    assert examples.counts["compose"] == len(chorales)
    assert examples.counts["infill"] + examples.counts["accompany"] > len(chorales)
    compose = examples.only("compose")
    assert all(np.array_equal(compose[i], chorales[i]) for i in range(len(chorales)))


def test_windows_of_a_source_can_come_more_often(chorales):
    (source,) = set(chorales.column("source"))
    examples = TaskExamples(chorales, Mixture(1, 1, 1, versions=1, repeat={source: 4}), context=CONTEXT)
    assert np.array_equal(np.bincount(examples.window), np.full(len(chorales), 4))
    with pytest.raises(BadRecipe, match=r"repeat.elsewhere: .* has no such source; choose from"):
        TaskExamples(chorales, Mixture(repeat={"elsewhere": 2}))


def test_the_encoding_is_kept_and_told(chorales):
    told = []
    for _ in range(2):
        TaskExamples(chorales, ALL, seed=77, context=CONTEXT, progress=lambda done, total: told.append((done, total)))
    assert told == [(n + 1, len(chorales)) for n in range(len(chorales))]


def test_what_was_kept_and_damaged_is_made_again(chorales):
    whole = TaskExamples(chorales, ALL, seed=5, context=CONTEXT)
    for path in chorales.folder.glob("tasks-train-*.npz"):
        path.write_bytes(path.read_bytes()[:200])
    again = TaskExamples(chorales, ALL, seed=5, context=CONTEXT)
    assert all(np.array_equal(whole[i], again[i]) for i in range(len(whole)))


def test_performances_get_bars_that_are_heard_in_them(tmp_path):
    dataset = TokenDataset(prepared(tmp_path, "amt"), "train")
    examples = TaskExamples(dataset, Mixture(0, 1, 1, 1), context=CONTEXT)
    amt, found = create("amt"), holes(examples)
    flags = {int(examples[index][0]) for index in found}
    assert ANTICIPATE in flags <= {ANTICIPATE, AUTOREGRESS}  # the latter where a hole in all parts lies at the end
    assert Augmentation(amt).keeps_places
    assert not Augmentation(amt, tempi=(0.9, 1.0)).keeps_places


def test_tokens_that_cannot_leave_bars_open_are_refused(tmp_path):
    dataset = TokenDataset(prepared(tmp_path, "remi"), "train")
    with pytest.raises(BadRecipe, match="infill: true") as caught:
        TaskExamples(dataset, ALL)
    assert "\n" not in str(caught.value)
    assert len(TaskExamples(dataset, Mixture(1, 0, 0, 1))) == len(dataset)


def test_holes_leave_something_standing():
    rng = np.random.default_rng(0)
    for bars in range(12):
        for parts in range(1, 5):
            for task in ("infill", "accompany"):
                _check(drawn(task, bars, parts, rng), bars, parts)


def _check(task: Infill | None, bars, parts):
    if task is None:
        assert bars < 2
        return
    assert 0 <= task.first < task.last <= bars
    chosen = tuple(range(parts)) if task.parts is None else task.parts
    assert 0 < len(chosen) <= parts
    assert task.last - task.first < bars or len(chosen) < parts


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"infill": -0.1}, "data.tasks.infill"),
        ({"accompany": float("nan")}, "data.tasks.accompany"),
        ({"compose": 0, "infill": 0, "accompany": 0}, "all shares are 0"),
        ({"versions": 0}, "data.tasks.versions"),
        ({"repeat": {"x": 0}}, "data.tasks.repeat.x"),
    ],
)
def test_impossible_mixtures_are_refused(settings, words):
    with pytest.raises(BadRecipe, match=words):
        Mixture(**settings)

"""Batches: pieces whole and apart, every batch a function of seed and step."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from partimento.data.datamodule import IGNORED, CaptionEpochs, PackedBatches, pack
from partimento.data.dataset import ShardWriter, TokenDataset
from partimento.errors import BadRecipe


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    words = dict.fromkeys(("piece", "source", "licence", "title", "style"), "x")
    rng = np.random.default_rng(4)
    with ShardWriter(folder) as shards:
        for index in range(40):
            ids = [1, 3 + index, *rng.integers(50, 100, int(rng.integers(3, 20))).tolist(), 2]
            shards.write("train", {"ids": ids, "prompt_length": 2, "notes": 1, **words})
    special = {"pad": 0, "bos": 1, "eos": 2}
    names = {"representation": {"name": "remi"}, "sources": [], "licences": {}}
    (folder / "dataset.json").write_text(json.dumps({"vocabulary_size": 100, "special": special, **names}))
    return TokenDataset(folder, "train")


def pieces_of(batch):
    """The pieces of a batch, each with its positions and labels."""
    for ids, positions, labels in zip(*(batch[k] for k in ("input_ids", "position_ids", "labels")), strict=True):
        edges = [*(positions == 0).nonzero()[:, 0].tolist(), len(ids)]
        for first, last in itertools.pairwise(edges):
            if ids[first] != 0:
                yield ids[first:last].tolist(), positions[first:last].tolist(), labels[first:last].tolist()


@given(st.lists(st.integers(1, 64), min_size=1, max_size=60))
def test_packing_is_complete_and_within_bounds(lengths):
    packed = pack(np.array(lengths), 64)
    assert sorted(window for row in packed for window in row) == list(range(len(lengths)))
    filled = [sum(lengths[window] for window in row) for row in packed]
    assert max(filled) <= 64
    assert len(packed) == 1 or min(a + b for a, b in itertools.pairwise(filled)) > 64


def test_pieces_are_whole_with_positions_and_targets_of_their_own(dataset):
    batches = PackedBatches(dataset, 32, 4)
    seen = [piece for batch in batches.once() for piece in pieces_of(batch)]
    assert sorted(ids for ids, _, _ in seen) == sorted(dataset[index].tolist() for index in range(len(dataset)))
    for ids, positions, labels in seen:
        assert positions == list(range(len(ids)))
        assert labels == [IGNORED, *ids[1:]]
    assert batches.fill > 0.9


def test_prompts_need_not_be_targets(dataset):
    for batch in PackedBatches(dataset, 32, 4, prompt_loss=False).once():
        for ids, _, labels in pieces_of(batch):
            assert labels == [IGNORED, IGNORED, *ids[2:]]


def test_padding_is_no_target_and_no_part_of_a_piece(dataset):
    for batch in PackedBatches(dataset, 32, 4).once():
        padding = batch["input_ids"] == 0
        assert (batch["labels"][padding] == IGNORED).all()


def test_a_batch_depends_on_seed_and_step_alone(dataset):
    def replace_some(ids, rng):
        return np.where(ids >= 50, rng.integers(50, 100, len(ids)), ids).astype(np.int32)

    straight = PackedBatches(dataset, 32, 3, seed=7, augment=replace_some)
    course = [straight.batch(step) for step in range(30)]
    late = PackedBatches(dataset, 32, 3, seed=7, augment=replace_some)
    for step in (29, 3, 17, 4):
        again = late.batch(step)
        assert all(torch.equal(again[name], course[step][name]) for name in again)
    other = PackedBatches(dataset, 32, 3, seed=8, augment=replace_some).batch(3)
    assert not torch.equal(other["input_ids"], course[3]["input_ids"])
    assert not torch.equal(course[3]["input_ids"], course[4]["input_ids"])


def test_every_piece_is_seen_equally_often(dataset):
    batches = PackedBatches(dataset, 32, 5)
    steps = batches.rows_per_epoch  # five whole epochs
    marks = [piece[0][1] for step in range(steps) for piece in pieces_of(batches.batch(step))]
    assert set(np.bincount(marks)[3:].tolist()) == {5}


def test_windows_longer_than_the_context_are_refused(dataset):
    with pytest.raises(BadRecipe, match=r"training\.context is 8"):
        PackedBatches(dataset, 8, 4)
    with pytest.raises(BadRecipe, match="empty"):
        PackedBatches(TokenDataset(dataset.folder, "test"), 32, 4)


def test_a_longer_version_is_cut_to_its_place_and_a_shorter_one_padded(dataset):
    def longer(ids, rng):
        return np.concatenate([ids, ids]) if ids[1] % 2 else ids[: len(ids) // 2]

    batch = PackedBatches(dataset, 32, 4, augment=longer).batch(0)
    seen = list(pieces_of(batch))
    originals = {int(dataset[index][1]): dataset[index].tolist() for index in range(len(dataset))}
    for ids, positions, labels in seen:
        original = originals[ids[1]]
        kept = original if ids[1] % 2 else original[: len(original) // 2]
        assert ids[: len(kept)] == kept
        assert set(ids[len(kept) :]) <= {0}
        assert len(ids) >= len(original)
        assert positions[: len(original)] == list(range(len(original)))
        assert labels[: len(kept)] == [IGNORED, *kept[1:]]
        assert set(labels[len(kept) :]) <= {IGNORED}


@pytest.fixture(scope="module")
def chunked(tmp_path_factory):
    """Pieces of one, two … windows; the ids say which piece and which window."""
    folder, words = tmp_path_factory.mktemp("chunked"), dict.fromkeys(("source", "licence", "title", "style"), "x")
    with ShardWriter(folder) as shards:
        for piece in range(7):
            for chunk in range(piece % 4 + 1):
                row = {"ids": [1, 10 + piece, 20 + chunk, 2], "prompt_length": 1, "notes": 1, "chunk": chunk, **words}
                shards.write("train", row | {"piece": f"{9 - piece}"})
    description = {"vocabulary_size": 100, "special": {"pad": 0, "bos": 1, "eos": 2}}
    description |= {"representation": {"name": "remi"}, "sources": [], "licences": {}}
    (folder / "dataset.json").write_text(json.dumps(description))
    return TokenDataset(folder, "train")


def test_a_caption_epoch_is_one_window_of_every_piece_the_next_one_each_time(chunked):
    batches = CaptionEpochs(chunked, 8, 7, seed=3)
    assert batches.rows_per_epoch == 7
    assert batches.pieces == [f"{9 - piece}" for piece in range(7)]
    for epoch in range(9):
        seen = sorted((ids[1] - 10, ids[2] - 20) for ids, _, _ in pieces_of(batches.batch(epoch)))
        assert seen == [(piece, epoch % (piece % 4 + 1)) for piece in range(7)]
    assert 0 < batches.fill <= 0.5
    late = CaptionEpochs(chunked, 8, 3, seed=3)
    straight = [late.batch(step)["input_ids"] for step in range(12)]
    assert torch.equal(late.batch(5)["input_ids"], straight[5])

"""Pairs of a text and music: what is said of real windows, and batches as a pure function of seed and step."""

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from music21 import corpus

from partimento.data.augment import Augmentation
from partimento.data.captions import caption_dataset
from partimento.data.datamodule import IGNORED, Share, count_targets
from partimento.data.dataset import TokenDataset
from partimento.data.examples import pieces_of
from partimento.data.pairs import CaptionTexts, PairBatches, PlanTexts
from partimento.data.plans import plan_of, plans_of, varied
from partimento.data.prepare import Options, prepare
from partimento.errors import BadRecipe
from partimento.plan import Compose
from partimento.representations import create
from partimento.representations.conditions import line, vocabulary, word_tokenizer

CHORALES = 8
WORDS = word_tokenizer()
UNKNOWN = vocabulary().index("[UNK]")


def prepared(folder, representation, context=512):
    music = folder / "music"
    music.mkdir(exist_ok=True)
    for path in sorted(map(Path, corpus.getComposer("bach")))[:CHORALES]:
        shutil.copy(path, music)
    options = Options(context=context, validation=0, test=0)
    prepare([str(music)], folder / "set", representation=representation, options=options, progress=False, workers=1)
    return folder / "set"


@pytest.fixture(scope="module")
def chorales(tmp_path_factory):
    folder = prepared(tmp_path_factory.mktemp("remi"), "remi")
    caption_dataset(folder, each=3)
    return TokenDataset(folder, "train")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Chorales as performances, without bars."""
    return TokenDataset(prepared(tmp_path_factory.mktemp("played"), "performance"), "train")


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Chorales of several windows each."""
    return TokenDataset(prepared(tmp_path_factory.mktemp("cut"), "remi", context=192), "train")


def read(text):
    return WORDS.encode(text).ids


def batches(dataset, form: Any = "pairs", texts: Any = None, **options):
    texts = texts or PlanTexts(dataset, "chords", words=True)
    return PairBatches(dataset, texts, read, form, 2048, **options)


def test_plans_are_those_of_the_music(chorales):
    plans, representation = plans_of(chorales), create("remi")
    assert len(plans) == len(chorales)
    for plan, ids in zip(plans, (chorales[i] for i in range(len(plans))), strict=True):
        score = representation.decode(ids.astype(np.int32), Compose())
        assert plan.bars == len(score.measures) == len(plan.chords or ())
        assert plan.key == score.key_at(0)
        assert plan.instruments == tuple(part.program for part in score.parts)
        assert UNKNOWN not in read(line(plan, "plan"))
    assert plans_of(chorales) == plans
    assert (chorales.folder / "plans-train.jsonl").is_file()


def test_what_was_kept_is_used_only_for_the_same_music(chorales):
    plans_of(chorales)
    path = chorales.folder / "plans-train.jsonl"
    whole = path.read_text()
    for damaged in ("", whole[: len(whole) // 2], whole.replace('{"music": "', '{"music": "0', 1), "[]\n{}\n"):
        path.write_text(damaged)
        assert plans_of(chorales)[0].bars
        assert path.read_text() == whole


def test_chords_are_heard_in_music_without_bars(played):
    plans = plans_of(played)
    assert sum(plan.chords is not None for plan in plans) > 0.9 * len(plans)
    assert all(plan.bars is None and plan.meter is None for plan in plans)


@pytest.mark.parametrize("semitones", [-5, 0, 6])
def test_a_plan_moves_with_its_music(chorales, semitones):
    score = create("remi").decode(chorales[0].astype(np.int32), Compose())
    moved, wanted = varied(plan_of(score), semitones), plan_of(score.transpose(semitones))
    assert line(moved, "chords") == line(wanted, "chords")
    assert moved.key
    assert wanted.key
    assert moved.key.pitch_classes == wanted.key.pitch_classes


def test_a_batch_depends_on_seed_and_step_alone(chorales):
    def same(first, second):
        return all(torch.equal(first[name], second[name]) for name in first)

    augment = Augmentation(create("remi"), semitones=6, swap=0.0)
    stream = batches(chorales, seed=1, augment=augment)
    late = [stream.batch(step) for step in range(7)][6]
    assert same(late, batches(chorales, seed=1, augment=augment).batch(6))
    assert not same(stream.batch(0), batches(chorales, seed=2, augment=augment).batch(0)) or len(late["labels"]) == 1


def test_processes_share_a_batch(chorales):
    stream = batches(chorales, seed=1)
    whole, shares = stream.batch(2), [stream.batch(2, Share(rank, 3)) for rank in range(3)]
    assert len({len(share["labels"]) for share in shares}) == 1
    assert sum(map(count_targets, shares)) == count_targets(whole)
    together = [row for share in shares for row in share["decoder_input_ids"] if len(row)]
    for row in whole["decoder_input_ids"]:
        kept = row[row != 0]
        assert any(torch.equal(kept, other[other != 0]) for other in together)


def test_an_epoch_has_every_pair_once_within_the_budget(chorales):
    stream = batches(chorales)
    wanted = sorted(chorales[i].tobytes() for i in range(len(chorales)))
    for epoch in range(2):
        seen = []
        for step in range(epoch * stream.batches_per_epoch, (epoch + 1) * stream.batches_per_epoch):
            batch = stream.batch(step)
            assert batch["decoder_input_ids"].numel() <= 2048
            lengths = batch["decoder_attention_mask"].sum(1)
            for ids, labels, length in zip(batch["decoder_input_ids"], batch["labels"], lengths, strict=True):
                whole = torch.cat([ids[:1], labels[:length]])
                assert torch.equal(whole[:-1], ids[:length])
                seen.append(whole.numpy().astype(chorales.ids.dtype).tobytes())
        assert sorted(seen) == wanted


def test_an_epoch_of_pieces_has_one_window_of_each_the_next_one_each_time(cut):
    stream, whole = batches(cut, by_piece=True), batches(cut)
    windows = pieces_of(cut.column("piece"), range(len(cut)))
    assert stream.rows_per_epoch == len(windows) == CHORALES < len(cut)
    for epoch in range(3):
        steps = range(epoch * stream.batches_per_epoch, (epoch + 1) * stream.batches_per_epoch)
        seen = sorted(ids for step in steps for ids in music_of(stream.batch(step)))
        assert seen == sorted(cut[each[epoch % len(each)]].tolist() for each in windows)
    shares = [ids for rank in range(2) for ids in music_of(stream.batch(5, Share(rank, 2)))]
    assert shares[: len(music_of(stream.batch(5)))] == music_of(stream.batch(5))
    assert [music_of(batch) for batch in stream.once()] == [music_of(batch) for batch in whole.once()]


def music_of(batch):
    """Ids of each row of pairs."""
    lengths = batch["decoder_attention_mask"].sum(1)
    rows = zip(batch["decoder_input_ids"], batch["labels"], lengths, strict=True)
    return [[*ids[:length].tolist(), int(labels[length - 1])] for ids, labels, length in rows]


def test_what_nothing_is_said_of_is_left_out_and_counted(chorales):
    texts = PlanTexts(chorales, "chords", words=True)
    assert not batches(chorales, texts=texts).notice
    texts.windows = texts.windows[2:]
    assert "2 windows of which nothing is said" in batches(chorales, texts=texts).notice


def test_once_reads_all_and_always_the_same(chorales):
    stream = batches(chorales)
    first, second = (list(stream.once()) for _ in range(2))
    assert sum(len(batch["labels"]) for batch in first) == len(chorales) == stream.rows_per_epoch
    assert sum(map(count_targets, first)) == int(chorales.lengths.sum()) - len(chorales)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a)


def test_sources_follow_the_augmentation(played):
    representation = create("performance")
    stream = batches(played, augment=Augmentation(representation, semitones=6, swap=0.0))
    compared = 0
    for batch in islice((stream.batch(step) for step in range(100)), 3):
        for row in range(len(batch["labels"])):
            length = int(batch["decoder_attention_mask"][row].sum())
            ids = torch.cat([batch["decoder_input_ids"][row, :1], batch["labels"][row, :length]]).numpy()
            said = batch["input_ids"][row, : int(batch["attention_mask"][row].sum())].tolist()
            heard = read(line(plan_of(representation.decode(ids.astype(np.int32), Compose())), "chords"))
            compared += 1
            agree = np.mean([a == b for a, b in zip(said, heard, strict=False)])
            assert agree > 0.9, (said, heard)
    assert compared > 5


def test_prefix_batches_hold_captions_before_the_music(chorales):
    texts = CaptionTexts(chorales)
    assert len(texts.windows) == len(chorales)
    rng = np.random.default_rng(1)
    assert len({texts.text(0, rng) for _ in range(20)}) == 3
    assert len({texts.text(0, None) for _ in range(5)}) == 1
    batch = batches(chorales, "text+tokens", texts, prompt_loss=False).batch(0)
    assert batch.keys() == {"text_ids", "text_mask", "input_ids", "position_ids", "labels"}
    assert len({tensor.shape for name, tensor in batch.items() if not name.startswith("text")}) == 1
    is_target = batch["labels"] != IGNORED
    assert torch.equal(batch["labels"][is_target], batch["input_ids"][is_target])
    assert not is_target[:, 0].any()
    assert (batch["position_ids"] == torch.arange(batch["labels"].shape[1])).all()


def test_plans_are_thinned_in_training_and_whole_otherwise(chorales):
    texts, rng = PlanTexts(chorales, "plan", words=True), np.random.default_rng(1)
    drawn = [texts.text(0, rng).split() for _ in range(30)]
    assert texts.text(0, None) == line(plans_of(chorales)[0], "plan")
    assert len({len(words) for words in drawn}) > 3
    with_key = sum(any(word.startswith("key_") for word in words) for words in drawn)
    assert 12 < with_key < 28


def test_what_does_not_go_together_is_refused(chorales, played):
    with pytest.raises(BadRecipe, match="swap_instruments"):
        batches(chorales, augment=Augmentation(create("remi"), swap=0.5))
    augment = Augmentation(create("remi"), semitones=6, swap=0.0)
    stream = batches(chorales, texts=CaptionTexts(chorales), augment=augment)
    with pytest.raises(BadRecipe, match=r"data\.transpose"):
        [stream.batch(step) for step in range(5)]
    with pytest.raises(BadRecipe, match="captions"):
        CaptionTexts(played)

"""Byte-pair encoding of a dataset: the same music in fewer tokens, which models and augmentation take."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from partimento.data.augment import Augmentation
from partimento.data.dataset import SPLITS, DatasetInfo, TokenDataset
from partimento.data.prepare import Options, merging, prepare
from partimento.data.report import survey, write_page
from partimento.errors import BadInput
from partimento.representations import create
from partimento.representations.bpe import Bpe, train_bpe

MERGES = 60


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Forty tunes and a copy, some so long that they are cut."""
    folder, rng = tmp_path_factory.mktemp("music"), random.Random(3)
    for number in range(40):
        bars = "|".join("".join(rng.choices("GABcde", k=4)) for _ in range(8 + 40 * (number % 4 == 0)))
        (folder / f"{number:02}.abc").write_text(f"X:1\nM:4/4\nL:1/4\nQ:1/4=120\nK:G\n{bars}|]\n", "utf-8")
    (folder / "copy.abc").write_text((folder / "01.abc").read_text("utf-8"), "utf-8")
    return folder


@pytest.fixture(scope="module", params=["remi", "amt"])
def datasets(music, tmp_path_factory, request) -> tuple[Path, Path]:
    """As it is, and merged."""
    folder = tmp_path_factory.mktemp("datasets")
    for name, merges in (("plain", 0), ("merged", MERGES)):
        options = Options(context=160, facts=False, validation=25, test=25, merges=merges)
        prepare([str(music)], folder / name, representation=request.param, options=options, workers=0, progress=False)
    return folder / "plain", folder / "merged"


def bpe_of(dataset: Path) -> Bpe:
    said = create(**DatasetInfo.read(dataset).representation)
    assert isinstance(said, Bpe)
    return said


def test_the_page_of_it_counts_the_merges(datasets, tmp_path) -> None:
    write_page(survey(datasets[1]), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f"with {MERGES} merged tokens" in page
    assert "[[" not in page


def test_rows_say_the_same_in_fewer_tokens(datasets) -> None:
    plain, merged = datasets
    bpe, info = bpe_of(merged), DatasetInfo.read(merged)
    assert info.vocabulary_size == len(bpe.tokens) == len(bpe.inner.tokens) + MERGES
    for split in SPLITS:
        before, after = TokenDataset(plain, split), TokenDataset(merged, split)
        assert after.column("piece") == before.column("piece")
        assert len(after) > 0
        for index in range(len(before)):
            row, ids = before[index], after[index].astype(np.int32)
            prompt = after.prompt_length[index]
            assert bpe.expand(ids[:prompt]).tolist() == row[: before.prompt_length[index]].tolist()
            assert bpe.expand(ids[prompt:]).tolist() == row[before.prompt_length[index] :].tolist()
        assert len(after.ids) < 0.9 * len(before.ids)


def test_merges_are_learned_from_the_training_split_alone(datasets) -> None:
    plain, merged = datasets
    train, bpe = TokenDataset(plain, "train"), bpe_of(merged)
    halves = [
        half for k, prompt in enumerate(train.prompt_length) for half in np.split(train[k].astype(np.int32), [prompt])
    ]
    assert train_bpe(bpe.inner, halves, len(bpe.tokens)).merges == bpe.merges


def test_tables_and_report_count_merged_tokens(datasets) -> None:
    _, merged = datasets
    pieces = pq.read_table(merged / "pieces.parquet").to_pylist()
    kept = [piece["tokens"] for piece in pieces if not piece["duplicate_of"]]
    report = json.loads((merged / "report.json").read_text("utf-8"))
    assert (report["duplicates"], sum(kept)) == (1, sum(report["tokens"].values()))
    assert sum(kept) == sum(len(TokenDataset(merged, split).ids) for split in SPLITS)


def test_workers_and_samples_give_the_same_every_time(music, tmp_path, monkeypatch) -> None:
    """Two workers and none, learning from every fourth row: 3 s."""
    monkeypatch.setattr(merging, "_MOST_TOKENS", 5_000)
    for name, workers in (("one", 0), ("two", 2)):
        options = Options(context=160, facts=False, merges=30, half=True)
        prepare([str(music)], tmp_path / name, options=options, workers=workers, progress=False)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_versions_of_merged_rows_are_those_of_what_they_stand_for(datasets) -> None:
    _, merged = datasets
    bpe, row = bpe_of(merged), TokenDataset(merged, "train")[0].astype(np.int32)
    inside = Augmentation(bpe.inner, semitones=3, swap=0.5)
    outside = Augmentation(bpe, semitones=3, swap=0.5)
    for number in range(len(outside)):
        assert bpe.expand(outside.version(row, number)).tolist() == inside.version(bpe.expand(row), number).tolist()
    seeds = [np.random.default_rng(seed) for seed in (1, 1)]
    assert bpe.expand(outside(row, seeds[0])).tolist() == inside(bpe.expand(row), seeds[1]).tolist()


@pytest.mark.parametrize(("name", "text"), [("chord_llama", False), ("abc", True), ("bpe", False)])
def test_text_has_nothing_to_merge(music, tmp_path, name, text) -> None:
    with pytest.raises(BadInput, match="--merges are for tokens"):
        prepare([str(music)], tmp_path / "x", representation=name, text=text, options=Options(merges=10))
    assert list(tmp_path.iterdir()) == []

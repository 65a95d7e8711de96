"""Shards and datasets: rows come back as they went in, and damage is named."""

import json

import numpy as np
import pytest

from partimento.data.dataset import DatasetInfo, ShardWriter, TokenDataset
from partimento.errors import BadFile

DESCRIPTION = {
    "representation": {"name": "remi", "velocities": False},
    "vocabulary_size": 100,
    "special": {"pad": 0, "bos": 1, "eos": 2},
    "sources": ["mine"],
    "licences": {"mine": "CC0"},
}


def rows(number, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {
            "ids": [1, *rng.integers(3, 100, int(rng.integers(0, 30))).tolist(), 2],
            "prompt_length": 1,
            "piece": f"{index:04x}",
            "source": "mine",
            "licence": "CC0",
            "title": f"Präludium {index}",
            "style": "fugue",
            "notes": index,
            "chunk": 0,
        }
        for index in range(number)
    ]


def write(folder, train, per_shard=1000, **options):
    folder.mkdir()
    for shard, first in enumerate(range(0, len(train), per_shard)):
        with ShardWriter(folder, shard=shard, **options) as shards:
            for row in train[first : first + per_shard]:
                shards.write("train", row)
            shards.write("validation", train[0])
    (folder / "dataset.json").write_text(json.dumps(DESCRIPTION))
    return folder


def test_rows_come_back_in_order_from_several_shards(tmp_path):
    written = rows(230)
    folder = write(tmp_path / "set", written, per_shard=100, rows_per_group=30)
    assert len(list(folder.glob("train-*.parquet"))) == 3
    dataset = TokenDataset(folder, "train")
    assert [dataset[index].tolist() for index in range(len(dataset))] == [row["ids"] for row in written]
    assert dataset.column("title") == [row["title"] for row in written]
    assert dataset.prompt_length.tolist() == [1] * 230
    assert dataset.ids.dtype == np.uint16
    assert len(TokenDataset(folder, "test")) == 0
    assert DatasetInfo.read(folder).licences == {"mine": "CC0"}


def test_equal_rows_give_equal_bytes(tmp_path):
    folders = [write(tmp_path / name, rows(50), per_shard=20, rows_per_group=10) for name in "ab"]
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert contents[0] == contents[1]


def test_large_vocabularies_keep_their_ids(tmp_path):
    row = rows(1)[0] | {"ids": [1, 70_000, 2]}
    folder = write(tmp_path / "set", [row], vocabulary_size=80_000)
    (folder / "dataset.json").write_text(json.dumps(DESCRIPTION | {"vocabulary_size": 80_000}))
    assert TokenDataset(folder, "train")[0].tolist() == [1, 70_000, 2]


def test_a_writer_that_fails_leaves_nothing_unfinished(tmp_path):
    def write_wrongly():
        with ShardWriter(tmp_path, rows_per_group=10) as shards:
            for row in rows(15):
                shards.write("train", row)
            shards.write("dessert", rows(1)[0])

    with pytest.raises(KeyError):
        write_wrongly()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("train-00000.parquet", "PAR1 no shard", "train-00000"),
        ("train-00000.parquet", "", "train-00000"),
        ("dataset.json", "{", "dataset.json"),
        ("dataset.json", "[]", "dataset.json"),
        ("dataset.json", json.dumps(DESCRIPTION | {"special": {}}), "dataset.json"),
        ("dataset.json", json.dumps(DESCRIPTION | {"vocabulary_size": 40}), "vocabulary"),
    ],
)
def test_damage_is_one_line_that_names_the_place(tmp_path, name, content, word):
    folder = write(tmp_path / "set", rows(20))
    (folder / name).write_text(content)
    with pytest.raises(BadFile, match=word) as caught:
        TokenDataset(folder, "train")
    assert "\n" not in str(caught.value)


def test_other_folders_are_no_datasets(tmp_path):
    with pytest.raises(BadFile, match="partimento prepare"):
        TokenDataset(tmp_path, "train")
    with pytest.raises(BadFile, match="dessert"):
        TokenDataset(write(tmp_path / "set", rows(3)), "dessert")

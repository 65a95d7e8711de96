"""Preparing: from files to shards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from partimento.data.augment import Augmentation
from partimento.data.dataset import TokenDataset
from partimento.data.prepare import Options, content_hash, prepare, split_of
from partimento.data.regular import regular
from partimento.errors import BadInput
from partimento.io import load_score, save_score
from partimento.plan import Compose
from partimento.representations import create
from partimento.score import METER, NOTE, Part, Score, measures_from_meters
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED


def tune(seed: int, bars: int = 8, part: Part | None = None) -> Score:
    """A tune in quavers, another for each seed."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(8 * bars, NOTE)
    notes["onset_tick"], notes["duration_tick"] = np.arange(8 * bars) * 6, 6
    notes["spelling"] = UNSPELLED
    notes["pitch"] = 60 + np.cumsum(rng.integers(-2, 3, 8 * bars)) % 20
    notes["note_id"] = np.arange(len(notes))
    meters = np.array([(0, 4, 4)], METER)
    return Score(
        12, (part or Part(),), notes=notes, meters=meters, measures=measures_from_meters(meters, 12, 48 * bars)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(40):
        save_score(tune(seed), tmp_path / "music" / f"{seed:02}.mid")
    save_score(tune(7).transpose(3), tmp_path / "music" / "transposed.abc")
    save_score(tune(99, bars=1), tmp_path / "music" / "short.abc")
    (tmp_path / "music" / "broken.mid").write_bytes(b"MThd what is this")
    return tmp_path / "music"


def rows(dataset: Path) -> dict[str, list[list[int]]]:
    return {split: [ids.tolist() for ids in TokenDataset(dataset, split)] for split in ("train", "validation", "test")}


def test_every_piece_is_kept_once_and_every_failure_named(folder: Path, tmp_path: Path) -> None:
    report = prepare([str(folder)], tmp_path / "data", workers=0, progress=False)
    assert (report.files, report.pieces, report.duplicates) == (43, 41, 1)
    reasons = {Path(f["file"]).name: f["reason"] for f in report.failures}
    assert set(reasons) == {"broken.mid", "short.abc"}
    assert reasons["short.abc"] == "fewer than 16 notes"
    assert json.loads((tmp_path / "data" / "report.json").read_text())["pieces"] == 41
    assert sum(map(len, rows(tmp_path / "data").values())) == 40


def test_rows_decode_to_the_music_they_come_from(folder: Path, tmp_path: Path) -> None:
    prepare([str(folder / "03.mid")], tmp_path / "data", workers=0, progress=False, options=Options(annotate=False))
    remi = create("remi")
    (ids,) = (row for split in rows(tmp_path / "data").values() for row in split)
    expected, _ = remi.quantise(load_score(folder / "03.mid"))
    assert remi.decode(np.array(ids), Compose()) == expected


def test_bytes_do_not_depend_on_the_number_of_workers(folder: Path, tmp_path: Path) -> None:
    for workers in (0, 2):
        prepare([str(folder)], tmp_path / f"data{workers}", workers=workers, progress=False)
    files = sorted(p.name for p in (tmp_path / "data0").iterdir())
    assert len(files) >= 5
    for name in files:
        assert (tmp_path / "data0" / name).read_bytes() == (tmp_path / "data2" / name).read_bytes(), name


def test_a_share_of_a_source_is_kept_for_training_only(folder: Path, tmp_path: Path) -> None:
    whole = prepare([str(folder)], tmp_path / "whole", workers=0, progress=False)
    third = prepare(
        [str(folder)], tmp_path / "third", workers=0, progress=False, options=Options(keep={folder.name: 1 / 3})
    )
    assert third.rows["train"] == pytest.approx(whole.rows["train"] / 3, rel=0.3)
    assert third.rows["validation"] == whole.rows["validation"]


def test_nothing_is_left_behind_when_nothing_is_usable(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no usable piece among 1 files"):
        prepare([str(folder / "broken.mid")], tmp_path / "out" / "data", workers=0, progress=False)
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(BadInput, match="no such file or folder"):
        prepare([str(tmp_path / "nowhere")], tmp_path / "data", progress=False)


def test_the_content_hash_is_blind_to_key_and_resolution_but_not_to_notes() -> None:
    piece = tune(1)
    assert content_hash(piece) == content_hash(piece.transpose(-5).with_resolution(480))
    assert content_hash(piece) != content_hash(tune(2))
    assert content_hash(piece) != content_hash(replace(piece, notes=piece.notes[:-1]))


def test_splits_are_of_the_size_they_should_be() -> None:
    splits = [split_of(content_hash(tune(seed))) for seed in range(600)]
    assert 0.9 < splits.count("train") / 600 < 0.97


def test_pickups_and_divided_bars_become_full_ones() -> None:
    piece = replace(tune(3, bars=3), measures=[(0, 12), (12, 48), (60, 36), (96, 12), (108, 36)])
    made = regular(piece)
    assert made.measures["duration_tick"].tolist() == [48] * 4
    assert made.notes["onset_tick"].tolist() == (piece.notes["onset_tick"] + 36).tolist()
    assert made.meters["onset_tick"].tolist() == [0]
    assert regular(made) == made


def test_augmentation_is_a_piece_of_the_same_shape_in_another_key() -> None:
    remi = create("remi")
    piece = replace(tune(5, part=Part("Flute", 73)), keys=[(0, -1, 0, Key(0).mode_id)])
    ids = remi.encode(piece, Compose()).ids
    vary = Augmentation(remi, semitones=6, swap=1.0)
    seen = set[int]()
    for seed in range(80):
        varied = remi.decode(vary(ids, np.random.default_rng(seed)), Compose())
        shift = int(varied.notes["pitch"][0] - piece.notes["pitch"][0])
        seen.add(shift)
        assert varied.notes["pitch"].tolist() == (piece.notes["pitch"] + shift).tolist()
        assert varied.parts[0].program != 73
        key = varied.key_at(0)
        assert key is not None
        assert key.tonic * 7 % 12 == shift % 12
    assert seen == set(range(-5, 7))

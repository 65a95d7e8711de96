"""What is kept, where it goes, how it is cut, and what others read of it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from partimento.analysis.facts import Facts
from partimento.data import prepare as package
from partimento.data.dataset import SPLITS, TokenDataset
from partimento.data.prepare import Options, Report, prepare
from partimento.data.prepare.pieces import describe
from partimento.data.prepare.work import PlannedFile
from partimento.data.report.survey import survey
from partimento.data.sources.file import SourceFile
from partimento.errors import BadFile, BadInput
from partimento.io import load_score, save_score
from partimento.plan import Compose
from partimento.representations import create, create_text
from partimento.score import TEMPO, Part, Score, notes_array


def tune(seed: int, bars: int = 8, transposed: int = 0) -> str:
    rng = random.Random(seed)
    notes = "|".join("".join(rng.choices("GABcde", k=4)) for _ in range(bars))
    key = {0: "G", 2: "A"}[transposed]
    moved = notes if not transposed else notes.translate(str.maketrans("GABcde", "ABcdef"))
    return f"X:1\nM:4/4\nL:1/4\nQ:1/4=120\nK:{key}\n{moved}|]\n"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(60):
        (folder / f"{seed:02}.abc").write_text(tune(seed), "utf-8")
    return folder


def made(folder: Path, out: Path, **options: object) -> tuple[Report, list[dict[str, object]]]:
    report = prepare([str(folder)], out, workers=0, progress=False, options=Options(**options))  # type: ignore[arg-type]
    return report, pq.read_table(out / "pieces.parquet").to_pylist()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"min_notes": 33}, "fewer than 33 notes"),
        ({"max_notes": 31}, "more than 31 notes"),
        ({"min_seconds": 16.5}, "fewer than 16.5 seconds"),
        ({"max_seconds": 15}, "more than 15 seconds"),
        ({"min_bars": 9}, "fewer than 9 bars"),
        ({"max_bars": 7}, "more than 7 bars"),
        ({"min_parts": 2}, "fewer than 2 parts"),
        ({"max_parts": 0}, "more than 0 parts"),
        ({"instruments": ["violin", "cello"]}, "has Acoustic Grand Piano, which is not among the instruments"),
        ({"require": ["drums"]}, "has no Drums"),
        ({"licences": ["CC0-1.0"]}, "its licence is unstated"),
    ],
)
def test_each_filter_leaves_out_what_it_should_and_says_so(music: Path, tmp_path: Path, options, reason) -> None:
    one = tmp_path / "one"
    one.mkdir()
    (music / "00.abc").rename(one / "00.abc")
    with pytest.raises(BadInput, match=f"no usable piece among 1 files .*{reason}"):
        made(one, tmp_path / "data", **options)


def test_filters_at_their_edge_keep_the_piece(music: Path, tmp_path: Path) -> None:
    edge = {"min_notes": 32, "max_notes": 32, "min_bars": 8, "max_bars": 8, "min_seconds": 16, "max_seconds": 16}
    report, _ = made(music, tmp_path / "data", instruments=["piano", "flute"], require=["piano"], **edge)
    assert (report.pieces, report.failures) == (60, [])


def test_options_that_make_no_sense_are_refused() -> None:
    for wrong, word in (
        ({"context": 3}, "64"), ({"validation": 70}, "percent"), ({"keep": {"x": 2}}, "share"),
        ({"tempi": []}, "tempi"),
        ({"instruments": ["kazoo"]}, "kazoo"), ({"transpose": 9}, "semitones"), ({"swap": 2}, "swap"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=word):
            Options(**wrong)  # type: ignore[arg-type]


def test_the_table_of_pieces_says_what_became_of_each(music: Path, tmp_path: Path) -> None:
    (music / "again.abc").write_text(tune(7), "utf-8")
    (music / "higher.abc").write_text(tune(7, transposed=2), "utf-8")
    report, pieces = made(music, tmp_path / "data", dedup="exact")
    assert report.duplicates == 2
    by_path = {str(piece["path"]): piece for piece in pieces}
    original = by_path["07.abc"]
    for copy in ("again.abc", "higher.abc"):
        assert by_path[copy]["duplicate_of"] == by_path[copy]["cluster"] == original["piece"]
        assert by_path[copy]["split"] == original["split"]
    assert (original["duplicate_of"], original["cluster"]) == ("", original["piece"])
    assert (original["key"], original["meter"], original["tempo"], original["bars"]) == ("G major", "4/4", 120.0, 8)
    assert len({piece["piece"] for piece in pieces}) == 62
    rows = {split: TokenDataset(tmp_path / "data", split) for split in SPLITS}
    in_rows = {piece for dataset in rows.values() for piece in dataset.column("piece")}
    assert in_rows == {piece["piece"] for piece in pieces if not piece["duplicate_of"]}
    for split, dataset in rows.items():
        kept = [piece for piece in pieces if piece["split"] == split and not piece["duplicate_of"]]
        assert set(dataset.column("piece")) == {piece["piece"] for piece in kept}
        assert int(dataset.lengths.sum()) == sum(int(str(piece["tokens"])) for piece in kept) == report.tokens[split]
        assert len(dataset) == sum(int(str(piece["rows"])) for piece in kept) == report.rows[split]


def test_re_arranged_pieces_lie_on_one_side_or_the_first_is_kept(music: Path, tmp_path: Path) -> None:
    (music / "00.abc").write_text(tune(5000, bars=40), "utf-8")
    long_tune = load_score(music / "00.abc").transpose(3)
    notes = long_tune.notes.copy()
    notes["pitch"][::40] += 1
    changed = replace(long_tune, notes=notes, parts=(Part("Flute", 73),), tempos=np.array([(0, 90.0)], TEMPO))
    save_score(changed, music / "zz.mid")
    report, pieces = made(music, tmp_path / "near", dedup="near")
    by_path = {str(piece["path"]): piece for piece in pieces}
    assert by_path["zz.mid"]["duplicate_of"] == by_path["00.abc"]["piece"]
    assert by_path["zz.mid"]["split"] == by_path["00.abc"]["split"]
    assert report.duplicates == 1
    report, pieces = made(music, tmp_path / "exact", dedup="exact")
    assert report.duplicates == 0
    by_path = {str(piece["path"]): piece for piece in pieces}
    assert by_path["zz.mid"]["duplicate_of"] == ""
    assert by_path["zz.mid"]["cluster"] == by_path["00.abc"]["cluster"]
    assert by_path["zz.mid"]["split"] == by_path["00.abc"]["split"]


def test_without_deduplication_every_copy_stays(music: Path, tmp_path: Path) -> None:
    (music / "again.abc").write_text(tune(7), "utf-8")
    report, pieces = made(music, tmp_path / "data", dedup="off")
    assert (report.duplicates, sum(report.kept.values())) == (0, 61)
    assert len({piece["piece"] for piece in pieces}) == 61
    splits = {piece["split"] for piece in pieces if piece["path"] in ("07.abc", "again.abc")}
    assert len(splits) == 1


def found(files: list[SourceFile], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "find_files", lambda source, say: files)


@pytest.mark.parametrize("dedup", ["off", "exact"])
def test_versions_of_a_work_lie_on_one_side_and_stated_splits_count(
    music: Path, tmp_path: Path, monkeypatch, dedup
) -> None:
    paths = sorted(music.iterdir())
    works = [SourceFile(path, "s", "CC0-1.0", "none", work=f"work {i // 6}") for i, path in enumerate(paths[:48])]
    stated = [SourceFile(path, "s", "CC0-1.0", "none", split=SPLITS[i % 3]) for i, path in enumerate(paths[48:])]
    found([*works, *stated], monkeypatch)
    _, pieces = made(music, tmp_path / "data", dedup=dedup, validation=25, test=25)
    splits = [str(piece["split"]) for piece in pieces]
    for first in range(0, 48, 6):
        assert len(set(splits[first : first + 6])) == 1
    assert len(set(splits[:48])) > 1
    assert splits[48:] == [SPLITS[i % 3] for i in range(12)]


def test_copies_with_different_stated_splits_go_to_the_strictest(music: Path, tmp_path: Path, monkeypatch) -> None:
    (music / "copy.abc").write_text(tune(0, transposed=2), "utf-8")
    (music / "version.abc").write_text(tune(1000), "utf-8")
    paths = {path.stem: path for path in music.iterdir()}
    found(
        [
            SourceFile(paths["00"], "s", "CC0-1.0", "none", split="train"),
            SourceFile(paths["01"], "s", "CC0-1.0", "none", split="train"),
            SourceFile(paths["copy"], "s", "CC0-1.0", "none", split="test", work="w"),
            SourceFile(paths["version"], "s", "CC0-1.0", "none", work="w"),
        ],
        monkeypatch,
    )
    _, pieces = made(music, tmp_path / "data", dedup="exact")
    assert [piece["split"] for piece in pieces] == ["test", "train", "test", "test"]


def test_captions_and_facts_of_the_source_are_kept(music: Path, tmp_path: Path, monkeypatch) -> None:
    path = music / "00.abc"
    found([SourceFile(path, "s", "CC0-1.0", "jig", caption="A merry jig.", facts={"mood": ["merry"]})], monkeypatch)
    _, (piece,) = made(music, tmp_path / "data")
    assert piece["captions"] == ["A merry jig."]
    assert json.loads(str(piece["source_facts"]))["mood"] == ["merry"]
    assert Facts.from_dict(json.loads(str(piece["facts"]))).bars == 8
    assert (piece["style"], piece["licence"], piece["source"]) == ("jig", "CC0-1.0", "s")


@pytest.fixture
def long(tmp_path: Path) -> Path:
    folder = tmp_path / "long"
    folder.mkdir()
    for seed, bars in enumerate((30, 41, 77)):
        (folder / f"{seed}.abc").write_text(tune(seed, bars), "utf-8")
    return folder


def rows_of(dataset: Path) -> dict[str, list[np.ndarray]]:
    rows: dict[str, list[np.ndarray]] = {}
    for split in SPLITS:
        tokens = TokenDataset(dataset, split)
        chunks = tokens.column("chunk")
        for index, piece in enumerate(tokens.column("piece")):
            assert chunks[index] == len(rows.setdefault(piece, []))
            rows[piece].append(tokens[index])
    return rows


def test_even_chunks_are_no_more_than_long_ones_and_of_nearly_equal_length(long: Path, tmp_path: Path) -> None:
    made(long, tmp_path / "greedy", context=160, annotate=False)
    made(long, tmp_path / "even", context=160, annotate=False, chunks="even")
    greedy, even = rows_of(tmp_path / "greedy"), rows_of(tmp_path / "even")
    assert greedy.keys() == even.keys()
    spread: dict[str, int] = {"greedy": 0, "even": 0}
    for piece in greedy:
        assert len(even[piece]) <= len(greedy[piece])
        assert max(map(len, even[piece])) <= 160
        for name, rows in (("greedy", greedy[piece]), ("even", even[piece])):
            spread[name] += max(map(len, rows)) - min(map(len, rows))
    assert spread["even"] < spread["greedy"] / 2
    remi = create("remi")
    for piece, rows in even.items():
        notes = [len(remi.decode(row.astype(np.int32), Compose()).notes) for row in rows]
        assert sum(notes) == sum(len(remi.decode(row.astype(np.int32), Compose()).notes) for row in greedy[piece])


def test_half_of_a_row_is_its_prompt_divided_at_a_barline(long: Path, tmp_path: Path) -> None:
    made(long, tmp_path / "data", context=160, half=True)
    remi = create("remi")
    dataset = TokenDataset(tmp_path / "data", "train")
    assert len(dataset) > 3
    for index in range(len(dataset)):
        ids, prompt = dataset[index], int(dataset.prompt_length[index])
        assert str(remi.tokens[ids[prompt]]).startswith("Bar_")
        assert abs(prompt - len(ids) / 2) < 20


def test_lyrics_can_be_dropped(music: Path) -> None:
    path = music / "00.abc"
    path.write_text(tune(1).replace("|]", "|]\nw: la le lu"), "utf-8")
    planned, score = PlannedFile(SourceFile(path, "s", "CC0-1.0", "none"), "00.abc", 1), load_score(path)
    assert len(score.lyrics) == 3
    assert len(describe(score, 0, planned, Options()).score.lyrics) == 3
    assert describe(score, 0, planned, Options(lyrics="drop")).score.lyrics == ()


def test_the_hugging_face_library_loads_a_dataset_by_its_card(music: Path, tmp_path: Path, monkeypatch) -> None:
    """Importing that library takes most of the time."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    report, _ = made(music, tmp_path / "data", validation=20, test=20)
    loaded = datasets.load_dataset(str(tmp_path / "data"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == report.rows
    ours = TokenDataset(tmp_path / "data", "train")
    assert loaded["train"][3]["ids"] == ours[3].tolist()
    pieces = datasets.load_dataset(str(tmp_path / "data"), "pieces", cache_dir=str(tmp_path / "cache"))
    assert len(pieces["train"]) == 60


def test_performances_are_prepared_as_amt_tokens(music: Path, tmp_path: Path) -> None:
    score = load_score(music / "00.abc")
    (tmp_path / "midi").mkdir()
    save_score(replace(score, parts=(Part("Violin", 40),)), tmp_path / "midi" / "a.mid")
    report = prepare([str(tmp_path / "midi")], tmp_path / "data", representation="amt", workers=0, progress=False)
    amt = create("amt")
    (row,) = (row for rows in rows_of(tmp_path / "data").values() for row in rows)
    again = amt.decode(row.astype(np.int32), Compose())
    assert report.pieces == 1
    assert again.notes["pitch"].tolist() == score.notes["pitch"].tolist()
    assert [part.program for part in again.parts] == [40]


def test_rows_of_chord_llama_are_published_as_json_lines_too(long: Path, tmp_path: Path) -> None:
    options = Options(context=700, annotate=False)
    report = prepare(
        [str(long)], tmp_path / "data", representation="chord_llama", workers=0, progress=False, options=options
    )
    rows = [row for split in SPLITS for row in pq.read_table(tmp_path / "data" / f"{split}-00000.parquet").to_pylist()]
    lines = [
        json.loads(line)
        for split in SPLITS
        for line in (tmp_path / "data" / f"{split}-00000.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(rows) == sum(report.rows.values()) > 5
    assert [{name: row[name] for name in ("instruction", "input", "output")} for row in rows] == lines
    assert max(row["tokens"] for row in rows) <= 700
    assert sum(row["notes"] for row in rows) == sum(report.notes.values()) == 4 * (30 + 41 + 77)
    with pytest.raises(BadFile, match="holds text"):
        TokenDataset(tmp_path / "data", "train")


@pytest.mark.parametrize("name", ["abc", "event_json"])
def test_text_is_cut_into_parts_that_read_back(long: Path, tmp_path: Path, name) -> None:
    options = Options(context=200 if name == "abc" else 500, annotate=False)
    prepare([str(long)], tmp_path / "data", representation=name, text=True, workers=0, progress=False, options=options)
    rows = [row for split in SPLITS for row in pq.read_table(tmp_path / "data" / f"{split}-00000.parquet").to_pylist()]
    assert len(rows) > 3
    assert max(row["tokens"] for row in rows) <= options.context
    text = create_text(name)
    assert sum(len(text.read(row["text"], Compose()).notes) for row in rows) == 4 * (30 + 41 + 77)


def test_text_of_music_without_a_beat_is_cut_too(tmp_path: Path) -> None:
    notes = [{"onset_tick": 37 * k, "duration_tick": 30, "pitch": 48 + k % 31} for k in range(200)]
    (tmp_path / "music").mkdir()
    save_score(Score(50, (Part("Piano", 0),), notes_array(notes)), tmp_path / "music" / "played.mid")
    report = prepare(
        [str(tmp_path / "music")], tmp_path / "data", representation="event_json", workers=0, progress=False,
        options=Options(context=500, annotate=False, facts=False),
    )  # fmt: skip
    rows = [row for split in SPLITS for row in pq.read_table(tmp_path / "data" / f"{split}-00000.parquet").to_pylist()]
    assert report.failures == []
    assert len(rows) > 1
    assert max(row["tokens"] for row in rows) <= 500
    assert sum(len(create_text("event_json").read(row["text"], Compose()).notes) for row in rows) == 200


@pytest.mark.parametrize("options", [Options(transpose=6), Options(tempi=[0.9, 1.0]), Options(swap=0.5)])
def test_text_cannot_be_varied(long: Path, tmp_path: Path, options: Options) -> None:
    with pytest.raises(BadInput, match="text is read as it is"):
        prepare([str(long)], tmp_path / "data", representation="event_json", options=options, progress=False)


def test_an_unknown_representation_is_told_with_all_that_are_known(long: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"chord_llama.*remi"):
        prepare([str(long)], tmp_path / "data", representation="remo", progress=False)


def test_a_measure_that_is_too_long_for_a_row_of_chord_llama_is_a_reason(long: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a measure has more than 150 tokens of text"):
        prepare(
            [str(long)], tmp_path / "data", representation="chord_llama", workers=0, progress=False,
            options=Options(context=150, annotate=False, facts=False),
        )  # fmt: skip


def test_the_page_of_a_dataset_of_text_has_its_lengths(long: Path, tmp_path: Path) -> None:
    report = prepare(
        [str(long)], tmp_path / "data", representation="chord_llama", workers=0, progress=False,
        options=Options(context=700, annotate=False),
    )  # fmt: skip
    found = survey(tmp_path / "data")
    assert {split: len(lengths) for split, lengths in found.lengths.items()} == report.rows
    assert {split: int(lengths.sum()) for split, lengths in found.lengths.items()} == report.tokens

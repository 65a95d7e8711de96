"""Datasets of the hub, on loopback: tables with files, tables with text."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from partimento.data import sources
from partimento.data.sources import SOURCES, Web, about, find_files, get_source, tables
from partimento.data.sources.hub import parse, split_named
from partimento.data.sources.sniffing import kind_of
from partimento.errors import BadInput
from partimento.io import load_scores, save_score

ABC = "X:1\nT:Tune {}\nM:4/4\nL:1/8\nK:D\nDEFG ABcd|d8|\n"
CHORD_LLAMA = "- a00_harmony:\n    root: {root-step: E}\n  a01_note:\n    pitch: {step: B, octave: '4'}\n"
XML = '<?xml version="1.0"?>\n<!DOCTYPE score-partwise PUBLIC "x" "y">\n<score-partwise version="4.0"></score-partwise>'
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def midi(tmp_path) -> bytes:
    (tmp_path / "tune.abc").write_text(ABC.format(1))
    save_score(load_scores(tmp_path / "tune.abc")[0], tmp_path / "tune.mid")
    return (tmp_path / "tune.mid").read_bytes()


@pytest.fixture
def hub(server) -> Web:
    return Web(mirror="", hub=server.url, token="", attempts=2, wait_seconds=0.01, timeout_seconds=5)


def parquet(columns, **options) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def lines(*rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def publish(server):
    """Put a dataset on the hub: tables by split as the hub's Parquet copies, files by path as they are."""

    def publish(name, tables=None, files=None, licence="mit", sha=SHA):
        api = f"/api/datasets/{name}"
        info = json.dumps({"id": name, "sha": sha, "cardData": {"license": licence}}).encode()
        server.files[api] = server.files[f"{api}/revision/v1"] = server.files[f"{api}/revision/{sha}"] = info
        if tables is not None:
            listing = {"default": {split: [f"{server.url}/{n}" for n in range(len(t))] for split, t in tables.items()}}
            server.files[f"{api}/parquet"] = json.dumps(listing).encode()
        for split, contents in (tables or {}).items():
            for n, content in enumerate(contents):
                server.files[f"{api}/parquet/default/{split}/{n}.parquet"] = content
        tree: list[dict[str, Any]] = [{"type": "directory", "path": "data", "size": 0}]
        for path, content in (files or {}).items():
            oid = {"oid": hashlib.sha256(content).hexdigest()}
            tree.append({"type": "file", "path": path, "size": len(content), "lfs": oid})
            server.files[f"/datasets/{name}/resolve/{sha}/{path}"] = content
        server.files[f"{api}/tree/{sha}?recursive=true"] = json.dumps(tree).encode()

    return publish


def test_a_column_of_files_becomes_files(publish, hub, midi, server):
    file = [{"bytes": midi, "path": f"{n}.mid"} for n in range(3)]
    train = parquet({"id": [1, 2, 3], "music": file, "caption": ["one", "two", "three"], "note": ["x"] * 3})
    test = parquet({"id": [4], "music": file[:1], "caption": ["four"], "note": ["y"]})
    publish("me/tunes", {"train": [train], "test": [test]}, licence=["cc0-1.0", "mit"])
    told = []
    files = find_files("hf:me/tunes", told.append, web=hub)
    assert [(file.caption, file.split) for file in files] == [
        ("four", "test"), ("one", "train"), ("two", "train"), ("three", "train"),
    ] or [(file.caption, file.split) for file in files] == [
        ("one", "train"), ("two", "train"), ("three", "train"), ("four", "test"),
    ]  # fmt: skip
    assert {(file.source, file.licence) for file in files} == {("hf:me/tunes", "cc0-1.0, mit")}
    assert {file.path.read_bytes() for file in files} == {midi}
    assert dict(files[0].facts) == {"id": 1, "caption": "one", "note": "x"}
    assert len(load_scores(files[0].path)[0].notes) == 9
    asked = len(server.asked)
    assert find_files("hf:me/tunes", web=hub) == files
    assert len(server.asked) == asked, "what is here is not asked for again"
    folder = get_source("hf:me/tunes", web=hub)
    assert (about(folder)["revision"], about(folder)["described"]["files"]) == (SHA, 4)


@pytest.mark.parametrize(
    ("content", "suffix", "text"),
    [
        (ABC.format(7), ".abc", ""),
        (XML, ".musicxml", ""),
        (CHORD_LLAMA, ".yaml", "chord_llama"),
        ('{"quarter":24,"parts":[0],"music":["m4/4",[62,12],12,"|"]}', ".json", "event_json"),
    ],
)
def test_text_columns_are_told_by_what_is_in_them(publish, hub, content, suffix, text):
    publish("me/text", {"train": [parquet({"title": ["Tune"], "score": [content], "description": ["a tune"]})]})
    (file,) = find_files("hf:me/text", web=hub)
    assert (file.path.suffix, file.text, file.caption) == (suffix, text, "a tune")
    assert file.path.read_text("utf-8") == content
    assert "score" not in file.facts


def test_a_named_column_is_taken(publish, hub, midi):
    publish("me/two", {"train": [parquet({"abc": [ABC.format(1)], "midi": [midi]})]})
    assert find_files("hf:me/two:abc", web=hub)[0].path.suffix == ".abc"
    assert find_files("hf:me/two:midi", web=hub)[0].path.suffix == ".mid"
    with pytest.raises(BadInput, match="there is no column mid; there are abc, midi"):
        find_files("hf:me/two:mid", web=hub)


def test_rows_without_music_are_counted(publish, hub, midi):
    files = [{"bytes": midi, "path": None}, {"bytes": None, "path": None}, {"bytes": b"what", "path": "a"}, None]
    publish("me/some", {"train": [parquet({"file": files})]})
    told = []
    assert len(find_files("hf:me/some", told.append, web=hub)) == 1
    assert told[-1] == "hf:me/some: 3 rows hold no music"
    publish("me/none", {"train": [parquet({"words": ["no", "music"]})]})
    with pytest.raises(BadInput, match=r"no music in its 2 rows nor beside them; .*hf:me/none:COLUMN"):
        find_files("hf:me/none", web=hub)


def test_music_of_absurd_size_is_no_music(publish, hub, monkeypatch):
    monkeypatch.setattr(tables, "MAX_FILE_BYTES", 100)
    publish("me/big", {"train": [parquet({"abc": [ABC.format(1), ABC.format("x" * 100)]})]})
    assert len(find_files("hf:me/big", web=hub)) == 1


def test_a_revision_is_read_from_its_own_files(publish, hub, server):
    contents = {
        "data/train-00000.jsonl": lines({"abc": ABC.format(1)}),
        "data/test.jsonl": lines({"abc": ABC.format(2)}, {"abc": ABC.format(3)}),
        "README.md": b"# tunes",
        "config.json": b"{}",
    }
    publish("me/tunes", files=contents)
    files = find_files("hf:me/tunes@v1", web=hub)
    assert sorted(file.split for file in files) == ["test", "test", "train"]
    asked = len(server.asked)
    for name in ("hf:me/tunes@v1", f"hf:me/tunes@{SHA[:8]}", "hf:me/tunes"):
        assert [file.path for file in find_files(name, web=hub)] == [file.path for file in files]
    assert len(server.asked) == asked
    publish("me/empty", files={"README.md": b""})
    with pytest.raises(BadInput, match="no music in its 0 rows nor beside them"):
        find_files("hf:me/empty", web=hub)


def test_a_list_in_json_is_a_table(publish, hub):
    rows = json.dumps([{"abc": ABC.format(n)} for n in range(3)], indent=1).encode()
    publish("me/list", files={"all.json": rows, "dataset_info.json": b"{}"})
    assert len(find_files("hf:me/list", web=hub)) == 3


def test_archives_and_files_are_taken_where_no_table_holds_music(publish, hub, midi):
    """As MidiCaps itself has it: the table has captions, the archive music."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("train/a.mid", midi)
        archive.writestr("test/a.mid", midi)
        archive.writestr("read.me", b"")
    files = {
        "all.zip": out.getvalue(),
        "more/b.abc": ABC.format(1).encode(),
        "train.jsonl": lines({"caption": "x"}),
        "about.json": b"{\n}",
    }
    publish("me/mixed", files=files)
    found = find_files("hf:me/mixed", web=hub)
    assert [(file.path.suffix, file.split) for file in found] == [(".mid", "test"), (".mid", "train"), (".abc", "")]
    assert found[0].path.read_bytes() == midi


def test_long_lists_of_files_come_in_pages(publish, hub, server):
    publish("me/tunes", files={"a.jsonl": lines({"abc": ABC.format(1)})})
    first = f"/api/datasets/me/tunes/tree/{SHA}?recursive=true"
    server.files[first + "&cursor=2"] = server.files[first]
    server.files[first] = b"[]"
    server.links[first] = f'<{server.url}{first}&cursor=2>; rel="next"'
    assert len(find_files("hf:me/tunes@v1", web=hub)) == 1


def test_a_wrong_table_is_not_used(publish, hub, server):
    publish("me/tunes", files={"a.jsonl": lines({"abc": ABC.format(1)})})
    server.files[f"/datasets/me/tunes/resolve/{SHA}/a.jsonl"] = lines({"abc": ABC.format(2)})
    with pytest.raises(BadInput, match=r"0000-a\.jsonl: is not what was published"):
        find_files("hf:me/tunes@v1", web=hub)


@pytest.mark.parametrize("content", [b"PAR1 and nothing more PAR1", b"", parquet({"a": ["x"]})[:-20]])
def test_damaged_tables_are_named(publish, hub, home, content):
    publish("me/bad", {"train": [content]})
    with pytest.raises(BadInput, match=r"0000-default_train_0\.parquet: the table is damaged"):
        find_files("hf:me/bad", web=hub)
    assert not list(home.rglob("index.jsonl*"))


@pytest.mark.parametrize("content", [b"nonsense", b"[1]\n", b"\xff\xfe", b"[" * 100_000])
def test_damaged_lines_are_named(publish, hub, content):
    publish("me/bad", files={"a.jsonl": content})
    with pytest.raises(BadInput, match=r"a\.jsonl: (is neither JSON Lines nor a list in JSON|row 1 is no JSON object)"):
        find_files("hf:me/bad@v1", web=hub)


@pytest.mark.parametrize("answer", [b"nonsense", b"[]", b"{}", b'{"sha": 1}', b'{"sha": "x", "cardData": []}', b"null"])
def test_strange_answers_of_the_hub_are_named(publish, hub, server, answer):
    server.files["/api/datasets/me/odd"] = answer
    for listing in (b"[]", b"7", b'{"default": []}', b'{"default": {"train": 3}}'):
        server.files["/api/datasets/me/odd/parquet"] = listing
        with pytest.raises(BadInput, match=r"hub|JSON|not there"):
            find_files("hf:me/odd", web=hub)


def test_an_answer_that_is_cut_off_is_asked_for_again(publish, hub, server):
    publish("me/tunes", {"train": [parquet({"abc": [ABC.format(1)]})]})
    server.cuts["/api/datasets/me/tunes"] = 10
    assert len(find_files("hf:me/tunes", web=hub)) == 1


def test_what_is_missing_is_said(hub, server):
    with pytest.raises(BadInput, match=r"/api/datasets/me/nothing: cannot be downloaded, it is not there"):
        find_files("hf:me/nothing", web=hub)
    for name in ("hf:", "hf:a/b/c", "hf:../../etc", "hf:a b"):
        with pytest.raises(BadInput, match="is written hf:owner/name"):
            find_files(name, web=hub)


def test_rows_of_chord_llama(publish, hub, server):
    row = {"instruction": "divisions: '2'", "input": CHORD_LLAMA, "output": CHORD_LLAMA}
    name, sha = SOURCES["chord-llama"].hub.split("@")
    publish(name, files={"chord_llama_data.jsonl": lines(row, row | {"instruction": "divisions: '4'"})}, sha=sha)
    folder = get_source("chord-llama", accept=True, web=hub)
    files = find_files("chord-llama", web=hub)
    assert json.loads(files[0].path.read_text("utf-8")) == row
    assert {(file.text, file.source, file.path.is_relative_to(folder)) for file in files} == {
        ("chord_llama", "chord-llama", True)
    }


def test_a_dataset_can_be_removed(publish, hub):
    publish("me/tunes", {"train": [parquet({"abc": [ABC.format(1)]})]})
    get_source("hf:me/tunes", web=hub)
    assert "deleted" in sources.remove("hf:me/tunes")
    with pytest.raises(BadInput, match="neither added nor downloaded"):
        sources.remove("hf:me/tunes")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("me/tunes", ("me/tunes", "", "")),
        ("me/tunes@v1.0", ("me/tunes", "v1.0", "")),
        ("me/tunes:abc notation", ("me/tunes", "", "abc notation")),
        ("me/tunes@refs/convert/parquet:abc", ("me/tunes", "refs/convert/parquet", "abc")),
    ],
)
def test_names_of_datasets(text, parts):
    spec = parse(text)
    assert (spec.name, spec.revision, spec.column) == parts
    assert Path(spec.folder).parts[0] == "hf"
    assert len(Path(spec.folder).parts) == 2


@pytest.mark.parametrize(
    ("name", "split"),
    [("data/train-00000-of-00002.parquet", "train"), ("test.jsonl", "test"), ("valid_1.parquet", "validation"),
     ("latest.jsonl", ""), ("contest/dev.json", "validation")],
)  # fmt: skip
def test_splits_by_name(name, split):
    assert split_named(name) == split


@pytest.mark.parametrize(
    "value", ["", "K: is a letter", "<html>", b"\x89PNG", b"", "a note: on keys", b"\xff\xff", "{}", '[{"note": 60}]']
)
def test_what_is_no_music(value):
    assert kind_of(value) is None

"""Sources: what is found, under what licence, with what captions and splits."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import pickle
import re
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from partimento.data import sources
from partimento.data.sources import SOURCES, about, find_files, get_source, settings
from partimento.data.sources.index import write_index
from partimento.data.sources.overview import here, markdown, overview
from partimento.errors import BadInput

SONG = b"MThd a song"
DOCS = Path(__file__).parents[2] / "docs" / "sources.md"


def zipped(members) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def lakh_id(digit, number=0) -> str:
    return f"{digit}{number:031x}"


def location(digit, number=0) -> str:
    return f"lmd_full/{digit}/{lakh_id(digit, number)}.mid"


def captions(*rows) -> bytes:
    """Rows of MidiCaps: (location, caption, test_set)."""
    keys = {"genre": ["rock"], "tempo": 120, "all_chords": ["C", "G"] * 50}
    lines = [{"location": place, "caption": words, "test_set": test, **keys} for place, words, test in rows]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


MIDICAPS = captions(
    (location("1"), "A slow song for piano.", False),
    (location("a"), "A fast song in D.", True),
    (location("e"), "Strings.", False),
    (location("f"), "Drums.", False),
    (location("9", 9), "Nobody has this one.", False),
)
LAKH = {location(digit): SONG for digit in "1aef"} | {location("2"): SONG, "lmd_full/2/README": b""}


def table(header, *rows) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()


@pytest.fixture
def told():
    return []


def by_id(files):
    return {file.path.stem[0]: file for file in files}


# --- collections


def test_a_repository_is_downloaded_once_and_only_its_music_kept(serve, web, server, freedoom):
    serve("freedoom-midi", {"freedoom.zip": freedoom})
    files = find_files("freedoom-midi", web=web)
    assert [(file.path.name, file.licence, file.style) for file in files] == [
        ("d_a.mid", "BSD-3-Clause", "game"),
        ("d_b.mid", "BSD-3-Clause", "game"),
    ]
    assert find_files("freedoom-midi", web=web) == files
    assert len(server.asked) == 1
    assert here("freedoom-midi", SOURCES["freedoom-midi"]) == "yes"


def test_a_failed_or_hostile_download_leaves_no_collection(serve, web, home):
    with pytest.raises(BadInput, match="it is not there"):
        find_files("freedoom-midi", web=web)
    for content, said in (
        (zipped({"x/musics/../../../../evil.mid": b"e"}), "not to be trusted"),
        (b"no zip at all", "damaged"),
        (zipped({"x/readme": b"e"}), "no music in freedoom.zip"),
    ):
        serve("freedoom-midi", {"freedoom.zip": content})
        with pytest.raises(BadInput, match=said):
            find_files("freedoom-midi", web=web)
        assert [path for path in home.rglob("*") if path.is_file() and path.name != "lock"] == []


def test_what_a_killed_process_left_is_cleared_away(serve, web, freedoom):
    serve("freedoom-midi", {"freedoom.zip": freedoom})
    version = SOURCES["freedoom-midi"].version
    left = sources.cache_folder() / "sources" / "freedoom-midi" / f".{version}.new"
    (left / "musics").mkdir(parents=True)
    (left / "musics" / "half.mid").write_bytes(b"MTh")
    assert len(find_files("freedoom-midi", web=web)) == 2
    assert not left.exists()


def test_content_without_a_published_checksum_is_held_to_that_of_the_first_download(serve, web):
    first = {"x/musics/a.mid": SONG, "x/musics/b.mid": SONG}
    serve("freedoom-midi", {"freedoom.zip": zipped(first)})
    folder = get_source("freedoom-midi", web=web)
    assert about(folder)["files"][0]["verified"] == "recorded at the first download"
    sources.remove("freedoom-midi")
    serve("freedoom-midi", {"freedoom.zip": zipped(dict(reversed(first.items())))})
    assert get_source("freedoom-midi", web=web) == folder
    sources.remove("freedoom-midi")
    serve("freedoom-midi", {"freedoom.zip": zipped(first | {"x/musics/b.mid": b"other"})})
    with pytest.raises(BadInput, match=r"freedoom-midi@d14dbbee3b6f: its content is not that of the first download"):
        get_source("freedoom-midi", web=web)


def test_lakh_is_split_by_the_first_digit_of_the_id(serve, web):
    serve("lakh-full", {"lmd_full.tar.gz": tarred(LAKH)})
    splits = {digit: file.split for digit, file in by_id(find_files("lakh-full", web=web)).items()}
    assert splits == {"1": "train", "2": "train", "a": "train", "e": "validation", "f": "test"}


def test_recordings_are_the_works_of_matched_lakh(serve, web):
    members = {f"lmd_matched/A/B/C/TRABC{n}/{lakh_id('f', n % 2)}.mid": SONG for n in range(3)}
    serve("lakh-matched", {"lmd_matched.tar.gz": tarred(members)})
    files = find_files("lakh-matched", web=web)
    assert [file.work for file in files] == [f"lakh-matched/TRABC{n}" for n in range(3)]
    assert {file.split for file in files} == {"test"}


def test_midicaps_joins_its_own_files_by_location(serve, web, told, server):
    server.files["/huggingface.co/api/datasets/amaai-lab/MidiCaps/tree/"] = b""
    serve_midicaps(serve, server)
    files = by_id(find_files("midicaps", told.append, web=web))
    assert {digit: file.split for digit, file in files.items()} == {
        "1": "train", "a": "train", "e": "validation", "f": "test",
    }  # fmt: skip
    assert files["1"].caption == "A slow song for piano."
    assert files["1"].facts["genre"] == ["rock"]
    assert pickle.loads(pickle.dumps(files["1"])).facts["all_chords"][:2] == ["C", "G"]
    assert "caption" not in files["1"].facts
    said = "midicaps: 4 files are described; 1 descriptions have no file, 1 files have no description, 0 are left out"
    assert told[-1] == said
    own = by_id(find_files("midicaps:test_set", web=web))
    assert {digit: file.split for digit, file in own.items()} == {
        "1": "train", "a": "test", "e": "validation", "f": "train",
    }  # fmt: skip
    with pytest.raises(BadInput, match=r"midicaps:own: there is no such option; there is midicaps:test_set"):
        find_files("midicaps:own", web=web)


def serve_midicaps(serve, server, rows=MIDICAPS, files=LAKH) -> list[dict[str, Any]]:
    """On the hub, whose list of files has sizes and, for large ones, checksums."""
    contents = {"midicaps.tar.gz": tarred(files), "train.json": rows}
    serve("midicaps", contents)
    listing: list[dict[str, Any]] = [
        {"type": "file", "path": name, "size": len(content), "lfs": {"oid": hashlib.sha256(content).hexdigest()}}
        for name, content in contents.items()
    ]
    revision = SOURCES["midicaps"].remotes[0].url.split("/")[-2]
    place = f"/huggingface.co/api/datasets/amaai-lab/MidiCaps/tree/{revision}?recursive=true"
    server.files[place] = json.dumps(listing).encode()
    return listing


def test_midicaps_uses_lakh_where_that_is_at_hand(serve, web, told, server):
    serve("lakh-full", {"lmd_full.tar.gz": tarred(LAKH)})
    lakh = get_source("lakh-full", web=web)
    serve_midicaps(serve, server)
    files = find_files("midicaps", told.append, web=web)
    assert {file.path.parents[2] for file in files} == {lakh}
    assert not [path for path, _ in server.asked if path.endswith("midicaps.tar.gz")]
    assert "midicaps: the files of lakh-full are used" in told
    sources.remove("lakh-full")
    with pytest.raises(BadInput, match="which is gone"):
        find_files("midicaps", web=web)


def test_what_the_hub_states_of_a_file_is_held_to(serve, web, server):
    listing = serve_midicaps(serve, server)
    listing[1]["lfs"]["oid"] = "0" * 64
    place = next(path for path in server.files if "/tree/" in path)
    server.files[place] = json.dumps(listing).encode()
    with pytest.raises(BadInput, match=r"train\.json: is not what was published"):
        find_files("midicaps", web=web)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b'{"location": "x.mid"}\n', "line 1 has no location and caption"),
        (b'{"location": "x.mid", "caption": "y"}\nnonsense\n', "line 2 is no JSON"),
        (b"[]\n", "line 1 is no JSON object"),
        (b"[" * 100_000 + b"\n", "line 1 is no JSON"),
        (captions(("../../evil.mid", "x", False)), "none of its descriptions has a file"),
    ],
)
def test_damaged_captions_are_named(serve, web, server, home, rows, said):
    serve_midicaps(serve, server, rows)
    with pytest.raises(BadInput, match=said):
        find_files("midicaps", web=web)
    assert not [path for path in home.rglob("*") if path.name.endswith(".new")]


def test_the_captions_are_never_all_in_memory(tmp_path):
    rows = b"".join(captions((location("1", n), "x" * 50_000, False)) for n in range(400))
    (tmp_path / "train.json").write_bytes(rows)
    for n in range(400):
        path = tmp_path / location("1", n)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    entry = SOURCES["midicaps"]
    assert entry.rows is not None
    tracemalloc.start()
    join = write_index(tmp_path / "index.jsonl", entry.rows(tmp_path, tmp_path), tmp_path, entry.suffixes)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert (tmp_path / "index.jsonl").stat().st_size > len(rows)
    assert (join.files, join.rows_without_file, join.files_without_row, join.left_out) == (400, 0, 0, 0)


def test_maestro_has_its_own_splits_and_works(serve, web):
    header = ["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration"]
    rows = [
        ["Franz Liszt", "Etude, No. 1", "train", "2004", "2004/a.midi", "2004/a.wav", "61.5"],
        ["Franz Liszt", "Etude, No. 1", "train", "2006", "2006/b.midi", "2006/b.wav", "60.0"],
        ["Alban Berg", "Sonata Op. 1", "validation", "2018", "2018/c.midi", "2018/c.wav", "698.6"],
    ]
    members = {f"maestro-v3.0.0/{row[4]}": SONG for row in rows}
    members["maestro-v3.0.0/maestro-v3.0.0.csv"] = table(header, *rows)
    serve("maestro", {"maestro-v3.0.0-midi.zip": zipped(members)})
    a, b, c = find_files("maestro", web=web)
    assert (a.work, b.work, c.work) == (a.work, a.work, "maestro/Alban Berg: Sonata Op. 1")
    assert (a.split, c.split, a.style, a.licence) == ("train", "validation", "classical", "CC-BY-NC-SA-4.0")
    assert dict(c.facts)["duration"] == "698.6"


def test_versions_of_a_song_of_pop909_are_one_work(serve, web):
    songs = ("007/007.mid", "007/versions/007-v1.mid", "008/008.mid")
    members = {f"POP909/{name}": SONG for name in songs} | {"POP909.zip": b"PK", "data_process/x.mid": SONG}
    members["POP909/007/chord_midi.txt"] = b"0.0 1.0 C:maj"
    serve("pop909", {"POP909-Dataset.zip": zipped({f"POP909-Dataset-d83e6ed/{k}": v for k, v in members.items()})})
    files = find_files("pop909", web=web)
    assert [file.work for file in files] == ["pop909/007", "pop909/007", "pop909/008"]
    assert (files[0].path.parent / "chord_midi.txt").read_text() == "0.0 1.0 C:maj"


def test_scores_of_pdmx_whose_licence_is_in_doubt_are_left_out(serve, web, told):
    header = ["path", "mxl", "title", "license", "best_path", "rating", "subset:no_license_conflict", "subset:rated"]
    rows = [
        ["./data/1.json", "./mxl/1/1.mxl", "Ode", "cc-zero", "./data/1.json", "4.8", "True", "True"],
        ["./data/2.json", "./mxl/1/2.mxl", 'Ode, "arranged"', "cc-zero", "./data/1.json", "NA", "True", "False"],
        ["./data/3.json", "./mxl/1/3.mxl", "Doubtful", "publicdomain", "./data/3.json", "5.0", "False", "True"],
        ["./data/4.json", "NA", "Damaged", "publicdomain", "./data/4.json", "5.0", "True", "True"],
    ]
    contents = {"mxl.tar.gz": tarred({f"mxl/1/{n}.mxl": b"PK" for n in (1, 2, 3)}), "PDMX.csv": table(header, *rows)}
    serve("pdmx", contents)
    one, two = find_files("pdmx", told.append, web=web)
    assert told[-1].startswith(
        "pdmx: 2 files are described; 0 descriptions have no file, 0 files have no description, 1 "
    )
    assert one.work == two.work == "pdmx/./data/1.json"
    assert dict(two.facts) == {"title": 'Ode, "arranged"', "license": "cc-zero"}
    assert [file.path.name for file in find_files("pdmx:rated", web=web)] == ["1.mxl"]


@pytest.mark.parametrize("name", ["nottingham", "chord-llama"])
def test_a_doubtful_licence_has_to_be_accepted(web, name):
    with pytest.raises(BadInput, match=f"partimento data get {name} --accept"):
        find_files(name, web=web)


def test_nottingham_is_had_once_it_is_accepted(serve, web):
    members = {"x/ABC_cleaned/jigs.abc": b"X:1\nK:C\nC|", "x/ABC_original/jigs.abc": b"", "x/MIDI/jigs1.mid": SONG}
    serve("nottingham", {"nottingham-dataset.zip": zipped(members)})
    get_source("nottingham", accept=True, web=web)
    (file,) = find_files("nottingham", web=web)
    assert (file.path.name, file.style) == ("jigs.abc", "folk")
    assert "none stated" in file.licence


def test_only_listed_lead_sheets_and_hymns_that_say_so_are_used(serve, web):
    listed = (Path(sources.__file__).parent / "openewld_public_domain.txt").read_text().split("\n")[0]
    members = {f"x/dataset/A/B/{listed}": b"PK", "x/dataset/A/B/In copyright.mxl": b"PK"}
    serve("openewld-leadsheets", {"OpenEWLD.zip": zipped(members)})
    assert [file.path.name for file in find_files("openewld-leadsheets", web=web)] == [listed]
    serve("openhymnal-abc", {"openhymnal.zip": zipped({"x/a.abc": b"X:1"})})
    assert find_files("openhymnal-abc", web=web)[0].requires == "copyright: public domain"


@pytest.mark.parametrize("name", ["the-session", "hf:sander-wood/irishman", "hf:uetchy/thesession@main:text"])
def test_what_may_not_be_used_is_refused_with_the_reason(home, name):
    with pytest.raises(BadInput, match="forbids any use with language models"):
        find_files(name)
    with pytest.raises(BadInput, match="forbids any use with language models"):
        get_source(name)


def test_a_copy_made_by_hand_is_used_with_all_that_is_known_of_it(home, monkeypatch):
    folder = home / "data" / "B_pop909"
    folder.mkdir(parents=True)
    for name in ("001.mid", "002.mid", "001.chord.txt"):
        (folder / name).write_bytes(SONG)
    monkeypatch.setenv("PARTIMENTO_DATA", str(home / "data"))
    files = find_files("pop909")
    assert [(file.path.parent, file.work) for file in files] == [(folder, "pop909/001"), (folder, "pop909/002")]


def test_a_collection_may_be_put_where_one_wants_it(serve, web, home, freedoom):
    serve("freedoom-midi", {"freedoom.zip": freedoom})
    place = home / "corpora" / "doom"
    assert get_source("freedoom-midi", out=place, web=web) == place
    assert {file.path.parents[1] for file in find_files("freedoom-midi", web=web)} == {place}
    with pytest.raises(BadInput, match="exists already"):
        get_source("freedoom-midi", out=place, web=web)
    assert str(place) in sources.remove("freedoom-midi")
    assert not place.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the table has no column midi_filename"),
        (b"composer,title\na,b\n", "the table has no column midi_filename"),
        (b"midi_filename\n" + b"x" * 200_000, "the table is damaged"),
        (None, r"maestro-v3\.0\.0\.csv: is missing beside the music"),
    ],
)
def test_damaged_tables_are_named(serve, web, content, said):
    members = {"m/2004/a.midi": SONG} | ({} if content is None else {"m/maestro-v3.0.0.csv": content})
    serve("maestro", {"maestro-v3.0.0-midi.zip": zipped(members)})
    with pytest.raises(BadInput, match=said):
        find_files("maestro", web=web)


def test_names_that_are_no_text_are_carried_through(serve, web):
    """As a tape of 1995 has them."""
    name = f"lmd_full/1/{lakh_id('1')}\udce9.mid"
    serve("lakh-full", {"lmd_full.tar.gz": tarred({name: SONG})})
    (file,) = find_files("lakh-full", web=web)
    assert file.path.read_bytes() == SONG


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "hf:../..", "/"])
def test_nothing_but_downloads_is_ever_deleted(home, name):
    (home / "cache" / "sources" / "x").mkdir(parents=True)
    with pytest.raises(BadInput):
        sources.remove(name)
    assert (home / "cache" / "sources" / "x").is_dir()


# --- one's own music


@pytest.fixture
def jigs(home) -> Path:
    folder = home / "My Jigs"
    (folder / "more").mkdir(parents=True)
    for name in ("a.mid", "more/b.MIDI", "more/c.abc", "read.me"):
        (folder / name).write_bytes(SONG)
    return folder


def test_a_folder_gets_a_name(jigs):
    assert sources.add(jigs, licence="CC0-1.0", style="folk") == ("my-jigs", {"MIDI": 2, "ABC": 1})
    files = find_files("my-jigs")
    assert [file.path.name for file in files] == ["a.mid", "b.MIDI", "c.abc"]
    assert {(file.source, file.licence, file.style) for file in files} == {("my-jigs", "CC0-1.0", "folk")}
    assert ("my-jigs", str(jigs), "", "", "CC0-1.0", "yes") in overview()
    assert "forgotten" in sources.remove("my-jigs")
    assert jigs.exists()
    with pytest.raises(BadInput, match="nor a collection"):
        find_files("my-jigs")


def test_names_are_not_given_twice(jigs, home):
    sources.add(jigs, "jigs")
    sources.add(jigs, "jigs", licence="CC0-1.0")
    assert settings.folders()["jigs"].licence == "CC0-1.0"
    (home / "other").mkdir()
    (home / "other" / "a.abc").write_bytes(b"X:1")
    for name, said in (("jigs", "already"), ("maestro", "public collection"), ("a b", "letters"), ("..", "letters")):
        with pytest.raises(BadInput, match=said):
            sources.add(home / "other", name)
    (home / "empty").mkdir()
    with pytest.raises(BadInput, match="no music in it"):
        sources.add(home / "empty")
    with pytest.raises(BadInput, match="no such folder"):
        sources.add(home / "nowhere")


DAMAGED = ("nonsense", "[]", '{"folders": []}', '{"folders": {"x": {"other": 1}}}', '{"folders": {"x": 1}}')


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_settings_are_named(jigs, content):
    settings.path().parent.mkdir(parents=True)
    settings.path().write_text(content)
    with pytest.raises(BadInput, match=r"sources\.json"):
        find_files("x")


def test_files_and_folders_are_found_as_they_are(jigs):
    assert [file.path.name for file in find_files(str(jigs / "a.mid"))] == ["a.mid"]
    (file, *_) = find_files(str(jigs))
    assert (file.source, file.licence, file.caption, file.split, dict(file.facts)) == (
        "My Jigs",
        "unstated",
        "",
        "",
        {},
    )


def test_folders_for_training_and_measuring_are_splits(home):
    for place in ("train/a.mid", "train/more/b.mid", "val/c.mid", "other/d.mid", "e.mid"):
        (home / "mine" / place).parent.mkdir(parents=True, exist_ok=True)
        (home / "mine" / place).write_bytes(SONG)
    splits = {file.path.name: file.split for file in find_files(str(home / "mine"))}
    assert splits == {"a.mid": "train", "b.mid": "train", "c.mid": "validation", "d.mid": "", "e.mid": ""}
    assert {file.split for file in find_files(str(home / "mine" / "train"))} == {""}
    (home / "mine" / "val").rename(home / "mine" / "waltzes")
    assert {file.split for file in find_files(str(home / "mine"))} == {""}


def test_unknown_names_suggest_the_nearest(home):
    with pytest.raises(BadInput, match=r"do you mean maestro\? \(partimento data list"):
        find_files("meastro")
    for name in ("", "x" * 5000, "a\0b", "maestro:x" * 1000):
        with pytest.raises(BadInput):
            find_files(name)
    with pytest.raises(BadInput, match="do you mean pop909"):
        sources.remove("pop90")


def test_music21_corpora_are_read_in_place_and_unfree_ones_refused(home):
    files = find_files("music21:bach")
    assert len(files) > 400
    assert {file.style for file in files} == {"chorale"}
    for name, said in (
        ("essenFolksong", "Essen"),
        ("nottingham-dataset", "not stated"),
        ("", "no corpus of that name"),
    ):
        with pytest.raises(BadInput, match=said):
            find_files(f"music21:{name}")


# --- the registry


@pytest.mark.parametrize("name", SOURCES)
def test_every_entry_says_what_one_has_to_know(name):
    entry = SOURCES[name]
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert all((entry.what, entry.licence, entry.citation, entry.format, entry.version, entry.suffixes))
    assert entry.homepage.startswith("https://")
    assert bool(entry.remotes) != bool(entry.hub)
    assert not entry.must_accept or entry.warning
    for remote in entry.remotes:
        assert remote.url.startswith(("https://", "http://hog.ee.columbia.edu/"))
        assert re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}|hub|", remote.checksum)
        assert remote.checksum or entry.version in remote.url, "neither a checksum nor a commit says what it is"


def test_the_table_in_the_documentation_is_that_of_the_registry():
    found = re.search(r"<!-- sources -->\n(.*?)<!-- /sources -->", DOCS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert found[1].strip() == markdown().strip(), f"the table should be:\n{markdown()}"

"""From sources into datasets: captions, splits, and music that is written as text."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from partimento.data.prepare import prepare
from partimento.data.sources import SourceFile
from partimento.data.sources.reading import read_source
from partimento.data.sources.sniffing import kind_of
from partimento.errors import BadInput
from partimento.io import load_score, save_score
from partimento.io.yaml import chord_llama_rows
from partimento.plan import Compose
from partimento.representations import TEXT_REPRESENTATIONS, create_text

TUNE = "X:1\nT:Tune {0}\nM:4/4\nL:1/8\nK:D\n" + "{1}\n"


@pytest.fixture
def tunes(tmp_path) -> list[Path]:
    """Four tunes that are not alike, as MIDI."""
    paths = []
    for number, letters in enumerate(("DEFGABcd", "dcBAGFED", "DFAdAFDF", "EGBeBGEG")):
        bars = "|".join(letters[at:] + letters[:at] for at in range(6))
        abc = tmp_path / f"{number}.abc"
        abc.write_text(TUNE.format(number, bars + "|"))
        save_score(load_score(abc), abc.with_suffix(".mid"))
        paths.append(abc.with_suffix(".mid"))
    return paths


def test_captions_works_and_splits_of_a_source_reach_the_dataset(tunes, home, monkeypatch):
    """A copy of MidiCaps made by hand is joined, read and written: 2 s."""
    folder = home / "data" / "midicaps"
    rows = []
    for digit, tune in zip("1aef", tunes, strict=True):
        location = f"lmd_full/{digit}/{digit}{0:031}.mid"
        rows.append({"location": location, "caption": f"Tune {digit}.", "genre": ["folk"], "test_set": False})
        (folder / location).parent.mkdir(parents=True)
        (folder / location).write_bytes(tune.read_bytes())
    (folder / "train.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("PARTIMENTO_DATA", str(home / "data"))
    prepare(["midicaps"], home / "dataset", workers=1, progress=False)
    pieces = pq.read_table(home / "dataset" / "pieces.parquet").to_pylist()
    found = {piece["captions"][0]: (piece["split"], json.loads(piece["source_facts"])["genre"]) for piece in pieces}
    assert found == {
        "Tune 1.": ("train", ["folk"]), "Tune a.": ("train", ["folk"]),
        "Tune e.": ("validation", ["folk"]), "Tune f.": ("test", ["folk"]),
    }  # fmt: skip
    description = json.loads((home / "dataset" / "dataset.json").read_text("utf-8"))
    assert "CC-BY-SA-4.0" in json.dumps(description)


@pytest.fixture
def row(tunes) -> dict[str, str]:
    return next(chord_llama_rows(load_score(tunes[0])))


def source(path, text="chord_llama") -> SourceFile:
    return SourceFile(path, "x", "CC0-1.0", "none", text=text)


def test_rows_of_chord_llama_are_read_as_music(row, tunes, tmp_path):
    (tmp_path / "row.json").write_text(json.dumps(row), "utf-8")
    (score,) = read_source(source(tmp_path / "row.json"))
    assert score.notes["pitch"].tolist() == load_score(tunes[0]).notes["pitch"].tolist()


@pytest.mark.parametrize("name", TEXT_REPRESENTATIONS)
def test_what_text_representations_write_is_known_and_read_again(tunes, tmp_path, name):
    tokens = create_text(name)
    score = load_score(tunes[0])
    text = tokens.write(score, Compose())
    kind = kind_of(text)
    assert kind is not None
    assert kind[0] == tokens.suffix
    (tmp_path / f"x{kind[0]}").write_text(text, "utf-8")
    (read,) = read_source(source(tmp_path / f"x{kind[0]}", kind[1]))
    assert read.notes["pitch"].tolist() == score.notes["pitch"].tolist()


@pytest.mark.parametrize(
    ("content", "text", "said"),
    [
        (b"nonsense", "chord_llama", r"row\.json: is no JSON"),
        (b"[]", "chord_llama", r"row\.json: is no JSON object"),
        (b"\xff", "chord_llama", r"row\.json: is no text in UTF-8"),
        (b'{"instruction": 1}', "chord_llama", "row 1: no instruction"),
        (b"{}", "of nobody", r"row\.json: .*of nobody"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, text, said):
    (tmp_path / "row.json").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_source(source(tmp_path / "row.json", text))


def test_files_are_read_by_their_endings(tunes):
    assert read_source(source(tunes[0], ""))[0] == load_score(tunes[0])
    assert read_source(source(tunes[0], ""), lambda path: ()) == ()

"""Tokens in files: there and back, for every representation, and what is no such file."""

import json
from pathlib import Path

import pytest

from partimento.errors import BadFile, BadRecipe
from partimento.io import load_score
from partimento.representations import REPRESENTATIONS, create
from partimento.representations.documents import (
    SUFFIXES,
    Document,
    decode_piece,
    encode_piece,
    read_document,
    to_bytes,
)
from partimento.score import Part, Score, notes_array

EVERYTHING = Path(__file__).parent.parent / "data" / "everything.musicxml"


@pytest.fixture(scope="module")
def score():
    return load_score(EVERYTHING)


@pytest.fixture(scope="module", params=REPRESENTATIONS)
def document(request, score) -> Document:
    return encode_piece(create(request.param), score, 400)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_again(document, suffix, tmp_path):
    path = tmp_path / f"piece{suffix}"
    path.write_bytes(to_bytes(document, suffix))
    again = read_document(path, document.representation)
    assert again.representation.tokens == document.representation.tokens
    assert [w.ids.tolist() for w in again.windows] == [w.ids.tolist() for w in document.windows]
    if suffix == ".json":
        assert decode_piece(again) == decode_piece(document)


def test_windows_come_together_as_the_piece(document, score):
    rep = document.representation
    whole = decode_piece(encode_piece(rep, score, 1 << 16))
    parts = decode_piece(document)
    if rep.grid.unit == "second":  # a window begins at its first note, whatever stood before it
        assert parts.notes["onset_tick"].tolist() == whole.notes["onset_tick"].tolist()
        assert sorted(parts.notes["pitch"].tolist()) == sorted(whole.notes["pitch"].tolist())
    else:
        assert parts.measures.tolist() == whole.measures.tolist()
        assert {tuple(n) for n in parts.notes[["onset_tick", "pitch", "part"]].tolist()} == {
            tuple(n) for n in whole.notes[["onset_tick", "pitch", "part"]].tolist()
        }


def changed(document: Document, **changes) -> str:
    return json.dumps(json.loads(to_bytes(document, ".json")) | changes)


@pytest.mark.parametrize("text", ["", "{}", "[" * 5000, '{"representation": {"name": "remi"}, "windows": 3}', "\x00"])
def test_damaged_files_are_refused(text, tmp_path):
    path = tmp_path / "piece.json"
    path.write_text(text)
    with pytest.raises(BadFile, match="holds no tokens"):
        read_document(path)


def test_what_the_grammar_does_not_accept_is_refused(tmp_path):
    path = tmp_path / "piece.tokens"
    path.write_text("BOS BOS\n")
    with pytest.raises(BadFile, match="token 2"):
        read_document(path, create("remi"))
    path.write_text("BOS Nonsense\n")
    with pytest.raises(BadFile, match="Nonsense"):
        read_document(path, create("remi"))
    path.with_suffix(".txt").write_text("1 -5\n")
    with pytest.raises(BadFile, match="no token ids"):
        read_document(path.with_suffix(".txt"), create("remi"))


def test_foreign_sequences_are_read_as_far_as_they_make_sense(tmp_path):
    path = tmp_path / "model.txt"
    note = [0, 10_050, 11_060]
    shifted = [128_256 + token for token in [55_026, *note, 300, *note]]
    foreign = [
        [*note, 10_001],
        [55_025] * 3 + note,
        [55_027, *(27_513 + token for token in note)],
        shifted,
        [-9, *note],
    ]
    path.write_text("\n".join(" ".join(map(str, ids)) for ids in foreign))
    document = read_document(path, create("amt"))
    assert [window.dropped for window in document.windows] == [1, 0, 0, 1, 1]
    assert len(decode_piece(document).notes) == 6


def test_only_what_stands_in_no_window_is_lost():
    seconds = [{"onset_tick": 960 * n, "duration_tick": 480, "pitch": 60, "grace": n == 5} for n in range(150)]
    score = Score(480, (Part(),), notes_array(seconds))
    assert [loss.what for loss in encode_piece(create("amt"), score, 1024).losses] == ["grace note"]


def test_ids_alone_need_to_be_told_what_they_are(tmp_path):
    path = tmp_path / "piece.txt"
    path.write_text("1 2 3\n")
    with pytest.raises(BadFile, match="--as"):
        read_document(path)


def test_an_unknown_representation_is_named(document, tmp_path):
    path = tmp_path / "piece.json"
    path.write_text(changed(document, representation={"name": "whistling"}))
    with pytest.raises(BadRecipe, match="whistling"):
        read_document(path)

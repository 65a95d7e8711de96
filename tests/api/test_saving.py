"""A score into files of every kind."""

from pathlib import Path

import pytest

from partimento.api import notebook
from partimento.api.saving import PAGES, SOUND, save
from partimento.errors import BadFile
from partimento.io import abc, load_score
from partimento.rendering import audio, sheet
from partimento.score import Score

TUNE = "X:1\nT:Air & <b>Graces</b>\nM:3/4\nL:1/4\nK:G\nGAB|c2d|GFE|G3|\n"


@pytest.fixture(scope="module")
def tune() -> Score:
    return abc.read(TUNE.encode(), "tune.abc")[0]


@pytest.mark.parametrize("suffix", [".mid", ".musicxml", ".mxl", ".abc"])
def test_music_comes_back(tune: Score, tmp_path: Path, suffix: str) -> None:
    (file,) = save(tune, tmp_path / "new" / f"air{suffix}")
    assert load_score(file).notes["pitch"].tolist() == tune.notes["pitch"].tolist()


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".pdf", ".svg", ".png"])
def test_sound_and_pages_are_what_their_ending_says(tune: Score, tmp_path: Path, suffix: str) -> None:
    (file,) = save(tune, tmp_path / "new" / f"air{suffix.upper()}")
    begins = {".wav": b"RIFF", ".pdf": b"%PDF", ".svg": b"<svg", ".png": b"\x89PNG"}
    content = file.read_bytes()
    assert len(content) > 2_000
    assert content.startswith(begins.get(suffix, content[:1]))


def test_endings_are_those_that_can_be_written() -> None:
    assert set(SOUND) == set(audio.FORMATS)
    assert set(PAGES) == set(sheet.FORMATS)


def test_another_ending_is_refused_and_leaves_nothing(tune: Score, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"air\.docx: .*\.musicxml"):
        save(tune, tmp_path / "air.docx")
    assert not list(tmp_path.iterdir())


def test_a_notebook_gets_pages_and_a_player_in_one_piece(tune: Score) -> None:
    html = notebook.shown(tune)
    assert "data:audio/mpeg;base64," in html
    assert html.count("data:image/svg+xml;base64,") == 1
    assert "Air &amp; &lt;b&gt;" in html
    assert "http" not in html
    assert "autoplay" not in html


def test_what_cannot_be_shown_says_why(tune: Score) -> None:
    endless = audio.at_speed(tune, 1e-4)
    html = notebook.shown(endless)
    assert "minutes" in html
    assert "<audio" not in html

"""Every kept element of real MusicXML survives the way through rows and back; judged by benchmarks/chord_llama.

The variable PARTIMENTO_WHOLE takes every file of the corpus instead of a fixed sample.
"""

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import verovio

from partimento.io.yaml import chord_llama_rows, from_rows

FOLDER = Path(__file__).parents[2] / "benchmarks" / "chord_llama"
SAMPLE_STEP = 240
"""Every how manieth file of the corpus the usual run takes; a file takes a third of a second."""
PIECES = (
    "bach/bwv66.6.mxl", "beethoven/opus59no2/movement3.mxl", "corelli/opus3no1/1grave.xml",
    "schoenberg/opus19/movement2.mxl", "schumann_clara/polonaise_op1n1.mxl",
)  # fmt: skip
LEAST = 300
"""Elements in the smallest of these."""


@pytest.fixture(scope="module")
def bench() -> Any:
    """The benchmark's script."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("chord_llama_bench", FOLDER / "bench.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("name", PIECES)
def test_music21s_pieces_survive(name: str, bench: Any) -> None:
    music21 = pytest.importorskip("music21")
    counts = Counter[str]()
    assert bench.survives(Path(music21.__file__).parent / "corpus" / name, counts) == ""
    assert counts["elements"] > LEAST


def test_the_lilypond_suite_survives(bench: Any) -> None:
    """A hundred and forty small files, each for one thing that MusicXML can say."""
    music21 = pytest.importorskip("music21")
    found = {}
    for path in sorted((Path(music21.__file__).parent / "musicxml" / "lilypondTestSuite").glob("*.xml")):
        if fault := bench.survives(path, Counter()):
            found[path.name] = fault
    assert not found


def test_the_judge_sees_what_is_missing(tmp_path: Path, bench: Any) -> None:
    music21 = pytest.importorskip("music21")
    path = Path(music21.__file__).parent / "corpus" / PIECES[4]
    whole = from_rows(chord_llama_rows(path))
    before = bench.elements(bench.document(path))
    for cut in (b"<alter>1</alter>", b"<type>quarter</type>", b"<chord/>", b"<duration>1</duration>"):
        if cut in whole:
            (tmp_path / "cut.musicxml").write_bytes(whole.replace(cut, b"", 1))
            assert bench.elements(bench.document(tmp_path / "cut.musicxml")) != before, cut


def test_verovio_shows_and_music21_reads_what_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    music21 = pytest.importorskip("music21")
    toolkit = verovio.toolkit()
    for name in PIECES[::2]:
        path = Path(music21.__file__).parent / "corpus" / name
        back = from_rows(chord_llama_rows(path))
        assert toolkit.loadData(back.decode()), name
        assert "<svg" in toolkit.renderToSVG(1)
        assert "[Error]" not in capfd.readouterr().err, name
        pitches = [
            sorted(pitch.midi for note in stream.flatten().notes for pitch in note.pitches)
            for stream in (music21.converter.parse(path), music21.converter.parseData(back, format="musicxml"))
        ]
        assert pitches[0] == pitches[1], name


def test_the_corpus_survives(corpus: Path, bench: Any) -> None:
    files = sorted(corpus.rglob("*.mxl"))[:: 1 if os.environ.get("PARTIMENTO_WHOLE") else SAMPLE_STEP]
    assert files
    assert not {path.name: fault for path in files if (fault := bench.survives(path, Counter()))}

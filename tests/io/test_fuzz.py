"""A short run of the fuzzer in benchmarks/fuzz, on files of our own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from partimento.io import load_scores, save_score

FUZZER = Path(__file__).parents[2] / "benchmarks" / "fuzz" / "fuzz.py"
BOOK = """X:1
T:Notes of every kind
C:Nobody
M:6/8
L:1/8
Q:3/8=100
K:D dor
|:"Dm7"(A>B^c) !trill!d2-|[1 dA{ga}F [DF]2 z:|[2 (3abc d3|]
w:Sing a song* of_ six

X:2
T:Two voices
M:C
L:1/4
%%score (1 2)
V:1
V:2 clef=bass
K:Bb
V:1
c2 d>e|f4|
V:2
C,2 D,E,|F,4|
"""


@pytest.mark.parametrize("name", ["midi", "musicxml", "abc"])
def test_mutants_do_no_harm(name, tmp_path):
    pytest.importorskip("atheris", reason="the fuzzer needs atheris, which is there for Linux")
    (tmp_path / "book.abc").write_text(BOOK)
    for index, score in enumerate(load_scores(tmp_path / "book.abc")):
        save_score(score, tmp_path / f"{index}.mid")
        save_score(score, tmp_path / f"{index}.mxl")
    command = [sys.executable, FUZZER, name, "--runs", "300", "--seeds", tmp_path, "--results", tmp_path / "found.json"]
    done = subprocess.run([*command, "--findings", tmp_path / "findings"], capture_output=True, text=True)
    found = json.loads((tmp_path / "found.json").read_text())[name]
    assert found["findings"] == [], done.stderr
    assert done.returncode == 0
    assert found["mutants"] >= 300
    assert found["read"] > 0

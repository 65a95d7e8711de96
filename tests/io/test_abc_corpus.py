r"""Nothing disappears: what a tokeniser of its own counts in a tune and in what we write of it, over the corpus.

The variable PARTIMENTO_WHOLE takes every file of the corpus instead of a fixed sample:
    PARTIMENTO_DATA=… PARTIMENTO_WHOLE=1 pytest tests/io/test_abc_corpus.py

It knows nothing of pitch or time, only of signs: it takes a tune to pieces by one pass of a regular expression
that shares nothing with the reader's. Of what every voice repeats (barlines, jumps) the first voice is counted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest

from partimento.io import musicxml
from partimento.io.abc import read, sayable, write

CORPUS = os.environ.get("PARTIMENTO_DATA")
SAMPLE_STEP = 60

_TOKEN = re.compile(
    r"""(?P<field>\[[A-Za-z]:[^\]]*\]) | (?P<quote>"[^"]*") | (?P<deco>![^!\s|]+!|\+[A-Za-z.]+\+)
    | (?P<grace>\{[^}]*\}) | (?P<tuplet>\(\d[\d:]*) | (?P<bar>\.?[:|]*\[?\|[|:\]]*(?:\s*\[?\d[\d,.-]*)?|::+)
    | (?P<ending>\[\s*(?:\d[\d,.-]*|"[^"]*")) | (?P<chord>\[[^\]|]*\][\d/]*-?)
    | (?P<dotted>\.-) | (?P<open>\.?\() | (?P<close>\)) | (?P<note>[_^=]*[A-Ga-g][,']*[\d/]*\s*[<>]*\s*-?)
    | (?P<rest>[zxZX][\d/]*) | (?P<letter>[.~HLMOPSTuvJR](?=[^|])) | (?P<other>.)""",
    re.VERBOSE,
)
_CHORD = re.compile(r'"\(?[A-G][#b]?(m|min|maj|M|dim|aug|sus|add|o|[-+0-9#b(),])*(/[A-G][#b]?)?\)?"')
_JUMP = re.compile(r"fine|d\.?\s*[cs]\.?(\s*al.*)?|(da|dal|to)?\s*(segno|coda|capo)", re.IGNORECASE)
_SUNG = re.compile(r"(?:\\.|[^\s\-_*|])+")


def counts(data: bytes) -> Counter[str]:
    """What is in the first tune of a file."""
    found: Counter[str] = Counter()
    voice = first_voice = ""
    barlines: list[tuple[str, str]] = []
    is_body = False
    for line in _lines(data):
        if re.match(r"[A-Za-z]:(?![|:])", line):
            is_body |= line[0] == "K"
            found.update(_field(line[0], line[2:].strip()))
            if line[0] == "V" and is_body:
                voice = line[2:].split()[0]
        elif is_body and not line.startswith("%"):
            for token in _TOKEN.finditer(line):
                if token.lastgroup == "field" and token[0][1] == "V":
                    voice = token[0][3:-1].split()[0]
                first_voice = first_voice or voice
                found.update(_kinds(str(token.lastgroup), token[0]))
                if voice == first_voice:
                    barlines.append((str(token.lastgroup), token[0]))
    found.update(_barlines(barlines))
    return +found


def _lines(data: bytes) -> list[str]:
    """Lines of the first tune, without comments, mail's line ends and shown text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = re.sub(r"(?ms)^%%begin(\w+).*?^%%end\1", "", text)
    lines = [re.sub(r"(?<!\\)%.*", "", line).rstrip() for line in re.split(r"\r?\n|\r", text)]
    return [re.sub(r"=(20)?$", "", line) if not re.match("[A-Za-z]:", line) else line for line in lines]


def _field(letter: str, text: str) -> Counter[str]:
    if letter == "w":
        text = re.sub(r"^\d{1,2}\.[~ ]?(?=.)", "", text)
        return Counter({"syllables": len(_SUNG.findall(text))})
    if letter == "W":
        return Counter({"lines of words": bool(text)})
    if letter == "P":
        return Counter({"parts": bool(text)})
    return Counter()


def _kinds(kind: str, text: str) -> Counter[str]:
    match kind:
        case "note":
            return Counter({"notes": 1, "slurs and ties": text.endswith("-")})
        case "chord":
            inside = re.sub(r'"[^"]*"|![^!]*!', "", text[: text.rindex("]")])
            notes = len(re.findall(r"[A-Ga-g]", inside))
            ties = notes if text.endswith("-") else inside.count("-")
            signs = len(re.findall(r'"[^"]*"|![^!]*!|[.~HLMOPSTuvJR]', text))
            return Counter({
                "notes": notes, "chords of notes": notes > 1, "signs": signs,
                "slurs and ties": ties + inside.count("("),
            })  # fmt: skip
        case "grace":
            inside = re.sub(r"![^!]*!", "", text)
            return Counter(
                {
                    "graces": len(re.findall(r"[A-Ga-g]", inside)),
                    "slashes": "/" in text[1:2],
                    "slurs and ties": inside.count("("),
                }
            )
        case "tuplet":
            return Counter({"tuplets": 1})
        case "open" | "dotted":
            return Counter({"slurs and ties": 1})
        case "quote" if _CHORD.fullmatch(text.replace(" ", "")):
            return Counter({"chord symbols": 1})
        case "quote" | "deco" | "letter" if not _JUMP.fullmatch(text.strip('"!+^_ ')):
            return Counter({"signs": 1})
        case "field":
            return _field(text[1], text[3:-1])
        case _:
            return Counter()


def _barlines(tokens: list[tuple[str, str]]) -> Counter[str]:
    """Repeats and endings of a voice; barlines with no note between count as one."""
    found: Counter[str] = Counter()
    kept = [(kind, text) for kind, text in tokens if kind in ("bar", "ending", "note", "chord", "rest")]
    for is_bar, group in groupby(kept, lambda token: token[0] in ("bar", "ending")):
        if is_bar:
            text = " ".join(text for _, text in group)
            found["repeats back"] += bool(re.search(r":\||::|:\s*\[\|", text))
            found["endings"] += bool(re.search(r"\d", text) or '"' in text)
    return found


def differences(data: bytes, name: str) -> list[tuple[bool, dict[str, tuple[int, int]]]]:
    """Of each tune whether it loads again equal, and what is counted differently in source and written text."""
    found: list[tuple[bool, dict[str, tuple[int, int]]]] = []
    scores = read(data, name)
    for score in scores:
        written = write(score)
        (again,) = read(written, name)
        before, after = counts(data), counts(written)
        kinds = before.keys() | after.keys() if len(scores) == 1 else ()
        found.append(
            (again == score == sayable(score), {k: (before[k], after[k]) for k in kinds if before[k] != after[k]})
        )
    return found


MUST_AGREE = frozenset(
    [
        "notes",
        "graces",
        "slashes",
        "chords of notes",
        "syllables",
        "lines of words",
        "endings",
        "parts",
        "chord symbols",
    ]
)
"""Kinds that agree in every file of the corpus."""
MAY_DIFFER = 0.015
"""Share of the files in which another count may differ: signs said twice on a note (`"tr"T`) are kept once, a slur
ends where a tie of another pitch was meant, a tuplet in a tuplet is cut short."""


def files_of_corpus(step: int) -> list[Path]:
    return sorted(Path(str(CORPUS)).glob("*abc*/**/*.abc"))[:: 1 if os.environ.get("PARTIMENTO_WHOLE") else step]


@pytest.mark.skipif(not CORPUS, reason="PARTIMENTO_DATA names no corpus")
def test_nothing_of_the_corpus_disappears() -> None:
    files = files_of_corpus(SAMPLE_STEP)
    assert files
    odd: list[str] = []
    for file in files:
        for is_equal, different in differences(file.read_bytes(), file.name):
            assert is_equal, file.name
            assert not MUST_AGREE & different.keys(), (file.name, different)
            odd += [file.name] if different else []
    assert len(odd) <= max(2, MAY_DIFFER * len(files)), odd


@pytest.mark.skipif(not CORPUS, reason="PARTIMENTO_DATA names no corpus")
@pytest.mark.skipif(not (shutil.which("abcm2ps") and shutil.which("abc2midi")), reason="abcm2ps and abc2midi")
def test_other_programs_take_what_we_write(tmp_path: Path) -> None:
    """Of the corpus: abc2midi reports no kind of error that the source does not give it, abcm2ps reports none."""
    for file in files_of_corpus(SAMPLE_STEP):
        written = write(read(file.read_bytes(), file.name)[0])
        assert not complaints("abcm2ps", written, tmp_path), file.name
        if complaints("abc2midi", written, tmp_path):
            assert complaints("abc2midi", file.read_bytes(), tmp_path), file.name


def complaints(program: str, data: bytes, folder: Path) -> list[str]:
    """Errors of a program that reads ABC; lines that do not fit the paper are none."""
    path = folder / "tune.abc"
    path.write_bytes(data)
    out = ["-O", str(folder / "out.ps")] if program == "abcm2ps" else ["-o", str(folder / "out.mid")]
    answer = subprocess.run([program, str(path), *out], capture_output=True, timeout=60, check=False)
    lines = (answer.stdout + answer.stderr).decode("latin-1").splitlines()
    return [line for line in lines if "error" in line.lower()]


def test_the_tokeniser_counts() -> None:
    tune = b"""X:1
K:C
w:not yet
[V:1] {/g}(3(A.Bc) "Am"[CE]2-|1 [CE]2 !f!d :|2 "^text"Te z |]
w:a- b c_ \\-x
W:behind
"""
    assert counts(tune) == {
        "notes": 9, "graces": 1, "slashes": 1, "tuplets": 1, "slurs and ties": 3, "chord symbols": 1, "signs": 4,
        "chords of notes": 2, "repeats back": 1, "endings": 2, "syllables": 6, "lines of words": 1,
    }  # fmt: skip


@pytest.mark.skipif(not (shutil.which("abcm2ps") and shutil.which("abc2midi")), reason="abcm2ps and abc2midi")
def test_other_programs_take_chorales(tmp_path: Path) -> None:
    music21 = pytest.importorskip("music21")
    files = sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("*.mxl"))[::60]
    assert files
    for file in files:
        (score,) = musicxml.read(file.read_bytes(), file.name)
        for program in ("abcm2ps", "abc2midi"):
            assert not complaints(program, write(score), tmp_path), (program, file.name)

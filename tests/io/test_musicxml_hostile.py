"""Damaged and hostile MusicXML: one line that says so, at once, whatever the file."""

import io
import logging
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import BadFile
from partimento.io import musicxml
from partimento.score import Score

EVERYTHING = (Path(__file__).parents[1] / "data" / "everything.musicxml").read_bytes()
NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
MEASURE = f"<measure>{NOTE}</measure>"


def document(measures: str) -> bytes:
    """A score of one part."""
    part_list = '<part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>'
    return f'<score-partwise>{part_list}<part id="P1">{measures}</part></score-partwise>'.encode()


def read(data: bytes) -> Score:
    (score,) = musicxml.read(data, "bad.mxl")
    return score


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def encrypted() -> bytes:
    """An archive whose members say that they are encrypted."""
    data = bytearray(archive({"a.xml": EVERYTHING}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def overlapping() -> bytes:
    """An archive whose two members share the same bytes, as bombs do that are more than the sum of their parts."""
    data = archive({"a.xml": EVERYTHING, "b.xml": EVERYTHING})
    second = data.rindex(b"PK\x01\x02")
    return data[: second + 42] + b"\0\0\0\0" + data[second + 46 :]


def laughs(levels: int) -> bytes:
    """A billion laughs: each entity ten times the one before."""
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, levels))
    return f'<!DOCTYPE s [<!ENTITY l0 "ha">{entities}]><score-partwise>&l{levels - 1};</score-partwise>'.encode()


def test_a_malformed_container_falls_back_to_the_score_inside(caplog: pytest.LogCaptureFixture) -> None:
    broken = b"<container><rootfiles><rootfile full-path='It's.xml'/></rootfiles></container>"
    data = archive({"META-INF/container.xml": broken, "It's.xml": EVERYTHING})
    with caplog.at_level(logging.WARNING, "partimento.io"):
        assert read(data) == read(EVERYTHING)
    assert "container.xml" in caplog.text


HOSTILE = {
    "empty": b"",
    "no xml": b"MThd\0\0\0\6",
    "truncated": EVERYTHING[: len(EVERYTHING) // 2],
    "other xml": b"<html><body/></html>",
    "no measures": b"<score-partwise><part-list/></score-partwise>",
    "laughs": laughs(10),
    "laughs in UTF-16": laughs(10).decode().encode("utf-16"),
    "quadratic": b'<!DOCTYPE s [<!ENTITY a "' + b"a" * 100_000 + b'">]><s>' + b"&a;" * 100_000 + b"</s>",
    "outside entity": b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/hostname">]><score-partwise>&a;</score-partwise>',
    "parameter entity": b'<!DOCTYPE s [<!ENTITY % a SYSTEM "http://localhost:9/x"> %a;]><score-partwise/>',
    "deep": b"<score-partwise>" + b"<a>" * 1_000_000,
    "deep in a measure": document(f"<measure>{'<a>' * 1_000_000}{'</a>' * 1_000_000}</measure>"),
    "many elements": document(f"<measure>{'<a/>' * 6_000_000}</measure>"),
    "divisions 0": document(f"<measure><attributes><divisions>0</divisions></attributes>{NOTE}</measure>"),
    "divisions huge": document(f"<measure><attributes><divisions>{10**9}</divisions></attributes></measure>"),
    "divisions word": document("<measure><attributes><divisions>two</divisions></attributes></measure>"),
    "duration word": document(MEASURE.replace("<duration>1", "<duration>long")),
    "duration absurd": document(MEASURE.replace("<duration>1", "<duration>" + "9" * 30)),
    "duration endless": document(MEASURE.replace("<duration>1", "<duration>" + "9" * 3_000_000)),
    "no octave": document(MEASURE.replace("<octave>4</octave>", "")),
    "truncated archive": archive({"a.xml": EVERYTHING})[:200],
    "no score in archive": archive({"readme.txt": b"hello"}),
    "bomb": archive({"a.xml": b" " * (70 << 20)}),
    "flat bomb": archive({"a.xml": b" " * (60 << 20)}),
    "bomb in a bomb": archive({"a.xml": archive({"a.xml": b" " * (70 << 20)})}),
    "many members": archive({f"{i}.txt": b"" for i in range(1001)}),
    "path outside": archive({"../../etc/score.xml": EVERYTHING}),
    "absolute path": archive({"/etc/score.xml": EVERYTHING}),
    "odd method": archive({"a.xml": EVERYTHING}, zipfile.ZIP_BZIP2),
    "odder method": archive({"a.xml": EVERYTHING}, zipfile.ZIP_LZMA),
    "encrypted": encrypted(),
    "overlapping": overlapping(),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_bad_files_say_so_in_one_line_at_once(data: bytes) -> None:
    start = time.process_time()
    with pytest.raises(BadFile) as caught:
        musicxml.read(data, "bad.mxl")
    assert time.process_time() - start < 1
    assert str(caught.value).startswith("bad.mxl: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_errors_name_the_measure() -> None:
    bad = MEASURE.replace("<measure>", '<measure number="7">').replace("<duration>1", "<duration>x")
    with pytest.raises(BadFile, match="part P1, measure 7: <duration> says 'x'"):
        musicxml.read(document(MEASURE + bad), "bad.xml")


@given(st.binary(max_size=40), st.integers(0, len(EVERYTHING) - 1))
def test_damaged_bytes_never_crash(noise: bytes, place: int) -> None:
    try:
        score = read(EVERYTHING[:place] + noise + EVERYTHING[place + len(noise) :])
    except BadFile:
        return
    musicxml.write(score)

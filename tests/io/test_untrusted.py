"""Reading in a child process: the same scores, and no harm from files made to break the reader."""

import io
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from partimento.errors import BadFile
from partimento.io import load_score, load_scores, losses, save_score
from partimento.io.transfer import pack, unpack
from partimento.io.untrusted import read_untrusted
from partimento.score import BEND, ChordEvent, Direction, Message, PartGroup, ProgramChange, Repeat, Transposition
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval

BOOK = b'X:1\nT:first\nM:4/4\nL:1/4\nK:G\n|:"Em7b5/D"G2- G(B|d)g3:|\nw:sing a song\n\nX:2\nT:second\nK:C\n{c}cdef|\n'
ENTITY = '<!ENTITY {} "{}">'
LAUGHS = "".join(ENTITY.format(f"b{k}", f"&b{k - 1};" * 10) for k in range(1, 10))
BILLION_LAUGHS = (
    f'<?xml version="1.0"?><!DOCTYPE score-partwise [<!ENTITY b0 "ha">{LAUGHS}]>'
    "<score-partwise><part-list/><part id='P1'><measure number='1'>&b9;</measure></part></score-partwise>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE score-partwise [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<score-partwise><work><work-title>&x;</work-title></work><part-list/></score-partwise>"
)


@pytest.fixture
def book(tmp_path) -> Path:
    path = tmp_path / "book.abc"
    path.write_bytes(BOOK)
    return path


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_packed_score_is_the_same_score(book):
    score = replace(
        load_score(book),
        bends=np.array([(3, 0, -8192)], BEND),
        chords=(ChordEvent(0, ChordSymbol.parse("G7(b9,#11)/B"), text="G7alt", frame="x32010"), ChordEvent(9, None)),
        programs=(ProgramChange(4, 0, 45),),
        groups=(PartGroup(0, 0, "winds"),),
        transpositions=(Transposition(6, 0, Interval(-2, -1)),),
        messages=(Message(0, -1, b"\xf0\x7e\xff\x00\xf7"),),
        directions=(Direction(0, "words", "für Elise ♯\n\x01"),),
        repeats=(Repeat(0, "segno"),),
    )
    again = unpack(pack(score))
    assert again == score
    assert again.notes["note_id"].tolist() == score.notes["note_id"].tolist()


@pytest.mark.parametrize("damage", [b"", b"PK", b"junk" * 100])
def test_what_is_no_packed_score_is_refused(damage):
    with pytest.raises(ValueError, match=r".*"):
        unpack(damage)


def test_a_child_reads_what_we_read(book, tmp_path):
    assert load_scores(book, untrusted=True) == load_scores(book)
    for name in ("tune.mid", "tune.mxl"):
        save_score(load_score(book), tmp_path / name)
        assert load_score(tmp_path / name, untrusted=True) == load_score(tmp_path / name)


def test_its_errors_and_warnings_reach_us(tmp_path, caplog):
    path = tmp_path / "bad.mid"
    path.write_bytes(b"no music")
    with pytest.raises(BadFile, match=r"bad\.mid: no MIDI header"):
        load_score(path, untrusted=True)
    cut = tmp_path / "cut.mid"
    cut.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\x20\0\x90\x3c\x40\x60\x80\x3c")
    load_score(cut, untrusted=True)
    assert "cut.mid" in caplog.text


def test_limits_hold():
    long = (b"X:1\nK:C\n" + b"cdefgabc" * 30_000 + b"\n\n") * 8
    started = time.monotonic()
    with pytest.raises(BadFile, match="longer than 1 s"):
        read_untrusted(long, Path("long.abc"), max_seconds=1)
    assert time.monotonic() - started < 20
    with pytest.raises(BadFile, match="more than 16 MiB"):
        read_untrusted(long, Path("long.abc"), max_megabytes=16)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("laughs.musicxml", BILLION_LAUGHS.encode()),
        ("outside.musicxml", OUTSIDE.encode()),
        ("deep.musicxml", b"<score-partwise>" + b"<a>" * 1_000_000),
        ("wide.musicxml", b"<score-partwise>" + b"<a/>" * 5_000_000 + b"</score-partwise>"),
        ("bomb.mxl", zipped(**{"score.xml": bytes(300 * 2**20)})),
        ("crowd.mxl", zipped(**{f"{k}.xml": b"" for k in range(20_000)})),
        ("away.mxl", zipped(**{"META-INF/container.xml": b'<container><rootfiles><rootfile full-path="../../a.xml"/>'
                               b"</rootfiles></container>", "../../a.xml": b"<score-partwise/>"})),
        ("lengths.mid", b"MThd\0\0\0\6\0\1\xff\xff\0\x60MTrk\xff\xff\xff\xff"),
        ("far.mid", b"MThd\0\0\0\6\0\0\0\1\0\1MTrk\0\0\0\x1c" + b"\x8f\xff\xff\x7f\xff\x06\x00" * 3
                    + b"\0\x90\x3c\x40\x8f\xff\xff"),
    ],
)  # fmt: skip
def test_bombs_are_refused_at_once(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    started = time.process_time()
    with pytest.raises(BadFile, match=name) as caught:
        load_scores(path)
    assert time.process_time() - started < 1
    assert "\n" not in str(caught.value)


def test_a_tempo_as_long_as_a_novel_is_left_out(tmp_path, caplog):
    path = tmp_path / "long.mid"
    tempo, note = b"\0\xff\x51\xa0\x00" + bytes([0xFF]) * 4096, b"\0\x90\x3c\x40\x60\x80\x3c\0\0\xff\x2f\0"
    body = tempo + note
    path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + len(body).to_bytes(4) + body)
    assert len(load_score(path).notes) == 1
    assert "a tempo" in caplog.text


@pytest.mark.parametrize(
    "field", ["M:{}/4", "L:1/{}", "Q:1/4={}", "K:C\n(3:{}:3ccc", "V:1 transpose={}", "%%MIDI program {}"]
)
def test_numbers_as_long_as_a_novel_do_no_harm(field, tmp_path):
    path = tmp_path / "long.abc"
    path.write_text(f"X:1\n{field.format('9' * 5000)}\nK:C\nc2|\n")
    assert len(load_score(path).notes) >= 1


@pytest.mark.parametrize("music", ["c999999999999|" * 1000, "Z999999999|c|", "(9:9:999999999c" * 1000])
def test_absurd_lengths_stay_small(music, tmp_path):
    path = tmp_path / "absurd.abc"
    path.write_text(f"X:1\nL:1/1\nM:4/4\nK:C\n{music}\n")
    started = time.process_time()
    assert len(load_score(path).measures) <= 1_000_000
    assert time.process_time() - started < 2


def test_losses_are_counted_in_words(book):
    first, second = load_scores(book)
    missing = losses(first, second)
    assert missing["chord symbols"] == 1
    assert missing["lyrics"] == 3
    assert missing["repeats and jumps"] == 2
    assert losses(first, first) == {}
    assert losses(second, first)["grace notes"] == 1

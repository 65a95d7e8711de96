"""ABC: what a tune says, what the reader survives, and that what is written is read again."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from partimento.errors import BadFile
from partimento.io.abc import read, write
from partimento.score import Lyric, Part, Score, measures_from_meters, notes_array
from partimento.theory.pitch import name as pitch_name

HYMN = r"""
%%staves (S1V1 S1V2) | S2
X: 1
T: Caf\'e & Th\`eme %comment
C: Words: A. Poet, 1850.
C: Music: B. Composer
M: 3/4
L: 1/4
Q: 1/4=96 "Andante"
R: Hymn
V: S1V1 clef=treble name="Soprano"
V: S1V2
V: S2 clef=bass name="Violoncello"
%%MIDI program 2 19
K: F
[V: S1V1] A | "Dm"A B c | (d2 c) |1 B2 A :|2 !fermata!A3 |]
w: 1.~Be- gin the song to * me_ the
w: Two
[V: S1V2] F | F G A | B3 | F3 :| F3 |]
[V: S2] F, | F,, E, _E, | B,,2 E, | F,3 :| F,3 |]
""".lstrip().encode()


def tune(body: str, header: str = "M:4/4\nL:1/8\nK:C") -> Score:
    (score,) = read(f"X:1\nT:t\n{header}\n{body}\n".encode(), "t.abc")
    return score


def rhythm(score: Score) -> list[float]:
    return (score.notes["duration_tick"] / score.ticks_per_quarter).tolist()


def names(score: Score) -> list[str]:
    return [pitch_name(spelling) for spelling in score.notes["spelling"].tolist()]


def sounding(score: Score, resolution: int) -> list[Any]:
    columns = ["onset_tick", "duration_tick", "pitch", "part", "grace"]
    return sorted(score.sounding().with_resolution(resolution).notes[columns].tolist())


# What a tune says


def test_a_hymn_keeps_its_voices_words_chords_and_endings() -> None:
    (score,) = read(HYMN, "hymn.abc")
    assert (score.title, score.composer, score.lyricist) == ("Café & Thème", "B. Composer", "A. Poet, 1850.")
    assert score.tags == ("hymn",)
    assert [part.name for part in score.parts] == ["Soprano", "", "Violoncello"]
    assert [part.program for part in score.parts] == [53, 19, 42]
    assert score.has_pickup
    assert (score.measures["duration_tick"] / score.ticks_per_quarter).tolist() == [1, 3, 3, 3, 3]
    assert [str(event.symbol) for event in score.chords] == ["Dm"]
    assert [(r.kind, r.text) for r in score.repeats] == [
        ("ending-start", "1"), ("ending-stop", "1"), ("backward", ""), ("ending-start", "2"), ("ending-stop", "2"),
    ]  # fmt: skip
    words = [(lyric.text, lyric.syllabic, lyric.verse, lyric.extend) for lyric in score.lyrics]
    assert words[:3] == [("Be", "begin", 1, False), ("gin", "end", 1, False), ("the", "single", 1, False)]
    assert ("me", "single", 1, True) in words
    assert ("Two", "single", 2, False) in words
    bass = score.notes[score.notes["part"] == 2]
    assert bass["pitch"].tolist() == [53, 41, 52, 51, 46, 52, 53, 53]
    assert score.tempos["tempo_bpm"].tolist() == [96.0]
    assert {(d.kind, d.text) for d in score.directions} == {
        ("tempo", "Andante"), ("metronome", "quarter=96"), ("shared-staff", ""),
    }  # fmt: skip
    assert [spanner.kind for spanner in score.spanners] == ["slur"]
    assert [mark.kind for mark in score.marks] == ["fermata"]


@pytest.mark.parametrize(
    ("body", "quarters"),
    [
        ("A B2 c/ d// e3/2 f/4", [0.5, 1, 0.25, 0.125, 0.75, 0.125]),
        ("A>B c<d e>>f", [0.75, 0.25, 0.25, 0.75, 0.875, 0.125]),
        ("(3ABc (2de (3:2:2f2g", [1 / 3, 1 / 3, 1 / 3, 0.75, 0.75, 2 / 3, 1 / 3]),
        ("(5ABcde (3::4ABcd", [0.2, 0.2, 0.2, 0.2, 0.2, 1 / 3, 1 / 3, 1 / 3, 1 / 3]),
        ("[CEG]2 [C2E]/ z/ A", [1, 1, 1, 0.5, 0.5, 0.5]),
    ],
)
def test_note_lengths(body: str, quarters: list[float]) -> None:
    assert rhythm(tune(body)) == pytest.approx(quarters)


@pytest.mark.parametrize(
    ("key", "body", "spelled"),
    [
        ("D mix", "F C B", "F# C B"),
        ("Am", "FGA", "F G A"),
        ("HP", "fcg", "F# C# G"),
        ("C ^f_b", "FBc", "F# Bb C"),
        ("D exp _e", "FEc", "F Eb C"),
        ("Bb Lydian", "BEA", "Bb E A"),
        ("none", "^F=F__B", "F# F Bbb"),
        ("C", "^F F f | F", "F# F# F# F"),
        ("C", "^F-|F F", "F# F# F"),
        ("G clef=bass", "F", "F#"),
    ],
)
def test_keys_and_accidentals(key: str, body: str, spelled: str) -> None:
    assert names(tune(body, f"L:1/4\nK:{key}")) == spelled.split()


def test_ties_graces_marks_and_annotations() -> None:
    score = tune('"^slow" {ab}.A2-A2 uB2 "4"T~c2 | "N.C."c2-d2 !p!e4 |')
    assert score.notes["grace"].tolist()[:3] == [1, 2, 0]
    assert score.notes["duration_tick"][score.notes["grace"] > 0].tolist() == [0, 0]
    assert score.notes["tied"].tolist() == [False, False, True, False, False, False, False, False, False]
    assert [(m.note_id, m.kind) for m in score.marks] == [
        (2, "staccato"), (4, "up-bow"), (5, "trill-mark"), (5, "turn"),
    ]  # fmt: skip
    assert [(s.kind, s.start_id, s.end_id) for s in score.spanners] == [("slur", 6, 7)]  # a tie to another pitch
    assert [(d.kind, d.text) for d in score.directions] == [("words", "slow"), ("words", "4"), ("dynamics", "p")]
    assert [event.symbol for event in score.chords] == [None]


def test_braces_are_one_player_and_overlays_are_voices() -> None:
    score = tune("[V:R] c4 e4 & z2 G6 |\n[V:L] C,8 |\n[V:D] B,,8 |",
                 "%%score {R L} D\nV:R\nV:L clef=bass\nV:D\n%%MIDI channel 10\nM:4/4\nL:1/8\nK:C")  # fmt: skip
    assert [(part.staves, part.is_drums) for part in score.parts] == [(2, False), (1, True)]
    assert score.notes[["part", "voice", "staff"]].tolist() == [(0, 1, 1), (0, 3, 2), (1, 1, 1), (0, 2, 1), (0, 1, 1)]


def test_free_meter_takes_the_meter_of_each_bar_or_none() -> None:
    barred = tune("A4 B2 | c4 |", "M:none\nL:1/8\nK:C")
    assert barred.meters[["beats", "beat_type"]].tolist() == [(3, 4), (2, 4)]
    assert not len(tune("A4 B2 c4", "M:none\nL:1/8\nK:C").measures)


def test_fields_inside_the_tune() -> None:
    score = tune("C4 D4 | [M:3/4][K:G][Q:1/4=60] F6 | [L:1/4] F3 | Z2 | C3 |")
    assert score.meters[["beats", "beat_type"]].tolist() == [(4, 4), (3, 4)]
    assert score.keys["fifths"].tolist() == [0, 1]
    assert len(score.measures) == 6
    assert (score.measures["duration_tick"] / score.ticks_per_quarter).tolist() == [4, 3, 3, 3, 3, 3]
    assert score.notes["pitch"].tolist() == [60, 62, 66, 66, 60]


def test_tune_books_latin_1_and_tunes_without_notes() -> None:
    book = "M:3/4\n\nX:1\nT:Eins\nK:C\nC3|\n\nfree text | abc\n\nX:2\nT:leer\nK:C\n\nX:3\nT:Für\nK:G\nF3|\n"
    scores = read(book.encode("latin-1"), "book.abc")
    assert [score.title for score in scores] == ["Eins", "Für"]
    assert all(score.meter_at(0).beats == 3 for score in scores)
    assert scores[1].notes["pitch"].tolist() == [66]


def test_words_after_a_hyphen_run_into_the_next_line() -> None:
    score = tune("A B c d |\nw: al- le-\nA B c d |\nw: lu- ia! * \\-x")
    assert [(x.text, x.syllabic) for x in score.lyrics] == [
        ("al", "begin"), ("le", "middle"), ("lu", "middle"), ("ia!", "end"), ("-x", "single"),
    ]  # fmt: skip


# What the reader survives


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0\1\2" * 50, b"X:1\nT:nothing\nK:C\n", b"hello, world", b"X:1\nK:C\nC,,,,,,,,,,,,,\n",
        b"X:1\nK:C\n" + b"C999999 " * 30_000, b"X:1\nK:C\n" + b"Z9999 " * 2_000 + b"C",
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(BadFile) as error:
        read(content, "bad.abc")
    assert str(error.value).startswith("bad.abc: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("sign", ['"', "[", "(", "{", "!", "[K:", "[M:99/64]A|", ":", "A-", "A&", "(3", "+", "\\"])
@pytest.mark.timeout(20)
def test_no_line_makes_the_reader_hang(sign: str) -> None:
    assert len(tune("C4 | " + sign * (20_000 // len(sign))).notes) >= 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_tunes_are_read_or_refused(data: st.DataObject) -> None:
    text = bytearray(HYMN)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3))
    try:
        scores = read(bytes(text), "damaged.abc")
    except BadFile:
        return
    for score in scores:
        read(write(score), "again.abc")


# What is written is read again


@pytest.mark.parametrize(
    "source",
    [
        HYMN,
        b"X:1\nT:Jig\nR:jig\nM:6/8\nL:1/8\nK:Edor\n"
        b"|:{f}e>fg (3efg a2|\"Em\"e3 \"A7/C#\"[Ac]3:|1 B6:|2 e6||\n|:B3 ^d=d_d::g6:|\n",
        b"X:1\nT:Two staves\n%%score {R L}\nM:2/2\nL:1/4\nQ:1/2=60\nV:R\nV:L clef=bass\nK:Eb\n"
        b"[V:R] !p!B2-[GB]2 & E4 | .A !trill!G (FE) | !segno!E4 !D.S.!|]\n[V:L] E,4 | [M:3/2]z2 B,,4- | [K:C]B,,6 |]\n",
        b"X:1\nT:Free\nM:none\nL:1/8\nK:none\nA3 B5 c7/5 d\n",
    ],
)  # fmt: skip
def test_reading_what_was_written_gives_the_same_score(source: bytes) -> None:
    (score,) = read(source, "a.abc")
    (again,) = read(write(score), "b.abc")
    assert again == score


notes_on_a_grid = st.lists(
    st.tuples(st.integers(0, 70), st.integers(1, 30), st.integers(36, 84), st.integers(0, 1)), min_size=1, max_size=25
)


def touch(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two notes on one pitch of a part meet or overlap, so that ties between them were ambiguous."""
    return a[2:] == b[2:] and a[0] <= b[0] + b[1] and b[0] <= a[0] + a[1]


@settings(max_examples=80, deadline=None)
@given(
    notes_on_a_grid, st.sampled_from([12, 24]), st.sampled_from([(4, 4), (3, 4), (6, 8), (5, 8)]), st.integers(-7, 7)
)
def test_unsplit_polyphony_on_a_grid_sounds_the_same_again(
    rows: list[tuple[int, int, int, int]], resolution: int, meter: tuple[int, int], fifths: int
) -> None:
    rows = [row for i, row in enumerate(rows) if not any(touch(row, other) for other in rows[:i])]
    notes = notes_array({"onset_tick": a, "duration_tick": b, "pitch": c, "part": d} for a, b, c, d in rows)
    meters = np.array([(0, *meter)], dtype=[("onset_tick", np.int64), ("beats", np.int16), ("beat_type", np.int16)])
    score = Score(
        resolution, (Part("Flute", 73), Part("Drums", is_drums=True)), notes,
        measures_from_meters(meters, resolution, 100), meters, keys=[(0, -1, fifths, 0)],  # type: ignore[arg-type]
    )  # fmt: skip
    (again,) = read(write(score), "again.abc")
    common = 24 * again.ticks_per_quarter
    assert sounding(again, common) == sounding(score, common)
    assert [(part.name, part.program, part.is_drums) for part in again.parts] == [
        ("Flute", 73, False),
        ("Drums", 0, True),
    ]
    assert len(again.measures) == len(score.measures)


def test_lyrics_with_signs_of_abc_survive() -> None:
    score = tune("A B c d |")
    ids = score.notes["note_id"].tolist()
    texts = ["50%", "a b", "semi-quaver", "*"]
    sung = Score(
        score.ticks_per_quarter, score.parts, score.notes, score.measures, score.meters,
        lyrics=tuple(Lyric(i, text) for i, text in zip(ids, texts, strict=True)), title="100 % \\ test",
    )  # fmt: skip
    (again,) = read(write(sung), "again.abc")
    assert again.title == "100 % \\ test"
    assert [lyric.text for lyric in again.lyrics] == texts


def test_music21_hears_what_we_write() -> None:
    music21 = pytest.importorskip("music21")
    for source in (HYMN, b"X:1\nT:t\nM:4/4\nL:1/8\nK:A\nc2>d2 (3efg ^a2|[CEA]4 _B2 z2|\n"):
        (score,) = read(source, "a.abc")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            heard = music21.converter.parse(write(score).decode(), format="abc", forceSource=True)
        parts = heard.parts if len(heard.parts) else [heard]
        played = [n for part in parts for n in part.flatten().notes if not isinstance(n, music21.harmony.ChordSymbol)]
        theirs = sorted(pitch.midi for note in played for pitch in note.pitches)
        assert theirs == sorted(score.notes["pitch"].tolist())


def test_music21s_own_tune_books_are_read() -> None:
    music21 = pytest.importorskip("music21")
    folder = Path(music21.__file__).parent / "corpus"
    (book,) = folder.glob("airdsAirs/book1.abc")
    scores = read(book.read_bytes(), book.name)
    assert len(scores) > 150
    lengths = np.concatenate([
        s.measures["duration_tick"][1:-1] / float(s.meter_at(0).duration_quarter * s.ticks_per_quarter)
        for s in scores if len(s.meters) == 1
    ])  # fmt: skip
    assert (lengths == 1).mean() > 0.85


@pytest.mark.parametrize(
    ("text", "bpm", "mark", "words"),
    [
        ("1/4=120", 120, "quarter=120", ""),
        ('"Allegro" 3/8=80', 120, "quarter.=80", "Allegro"),
        ("1/4 3/8=40", 100, "5/8=40", ""),
        ("C3=40", 60, "quarter.=40", ""),
        ("160", 80, "eighth=160", ""),
        ('"Largo"', 48, "", "Largo"),
        ('1/2=60.5 "ca."', 121, "half=60.5", "ca."),
    ],
)
def test_tempo_in_all_its_forms(text: str, bpm: float, mark: str, words: str) -> None:
    score = tune("A4", f"M:4/4\nL:1/8\nQ:{text}\nK:C")
    said = {d.kind: d.text for d in score.directions}
    assert score.tempos["tempo_bpm"].tolist() == [bpm]
    assert (said.get("metronome", ""), said.get("tempo", "")) == (mark, words)


def test_macros_are_written_out() -> None:
    static = tune("~G3 ~a4 A", "m:~G3 = G{A}G{F}G\nm:~n4 = (3ono\nM:4/4\nL:1/8\nK:C")
    assert static.notes["pitch"].tolist() == [67, 69, 67, 65, 67, 83, 81, 83, 69]
    assert len(static.tuplets) == 1


def test_letters_signs_lines_and_macros_of_the_header() -> None:
    score = tune('kA B c d |\ns:!f! "Am" * !accent!\nw:one two\nA4|', "U:k=!tenuto!\nM:4/4\nL:1/4\nK:C")
    assert [(m.note_id, m.kind) for m in score.marks] == [(0, "tenuto"), (3, "accent")]
    assert [(d.onset_tick, d.text) for d in score.directions] == [(0, "f")]
    assert [(c.onset_tick // score.ticks_per_quarter, str(c.symbol)) for c in score.chords] == [(1, "Am")]


@pytest.mark.parametrize(
    ("head", "encoded"),
    [("", "latin-1"), ("", "utf-8"), ("%%abc-charset iso-8859-2", "iso-8859-2"), ("I:abc-charset utf-8", "utf-8")],
)
def test_encodings(head: str, encoded: str) -> None:
    (score,) = read(f"{head}\nX:1\nT:áé\nK:C\nC\n".encode(encoded), "t.abc")
    assert score.title == "áé"


def test_what_is_absurd_is_refused_quickly() -> None:
    for body in ("A" * 400_000, '"Am"a' * 150_000, "".join(f"[V:{n}]a" for n in range(2_000))):
        with pytest.raises(BadFile, match="split it"):
            tune(body)
    with pytest.raises(BadFile, match="split the book"):
        read(b"X:1\nK:C\nC\n\n" * 5_000, "book.abc")


def test_voices_are_written_bar_below_bar() -> None:
    lines = "C2D2 EFGA|(3BcdB2 c4:|:c8|C8|D8|"
    score = tune(
        f"[V:1]{lines}\n[V:2]{lines}", "%%score [1 | 2]\nV:1 name=A\nV:2 clef=bass\nM:4/4\nL:1/8\nQ:1/4=90\nK:C"
    )
    assert (
        write(score).decode()
        == """X:1
T:t
M:4/4
L:1/8
Q:1/4=90
%%score [1 | 2]
V:1 name="A"
V:2 clef=bass
K:C
V:1
%%MIDI program 0
[V:1] C2 D2 EFGA | (3Bcd B2 c4 :: c8 | C8 |
[V:2] C2 D2 EFGA | (3Bcd B2 c4 :: c8 | C8 |
[V:1] D8 |
[V:2] D8 |
"""
    )

"""MusicXML: what is read is what stands there, what is written is what stands in the score, and bad files say so."""

import warnings
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import verovio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.io import musicxml
from partimento.score import (
    KEY,
    METER,
    Direction,
    Lyric,
    Mark,
    Part,
    Repeat,
    Score,
    Spanner,
    Tuplet,
    measures_from_meters,
    notes_array,
)
from partimento.theory.interval import Interval
from partimento.theory.key import Key
from partimento.theory.meter import Meter

DOCTYPE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
"""


def note(step: str, duration: int, *more: str, octave: int = 4, alter: int = 0, voice: int = 1) -> str:
    """A `<note>`; `more` are further elements in the schema's order after voice."""
    altered = f"<alter>{alter}</alter>" if alter else ""
    pitch = f"<pitch><step>{step}</step>{altered}<octave>{octave}</octave></pitch>"
    return f"<note>{pitch}<duration>{duration}</duration><voice>{voice}</voice>{''.join(more)}</note>"


def document(*parts: str, names: tuple[str, ...] = ("Flute",), instruments: tuple[str, ...] = ("",)) -> bytes:
    """A partwise score; each part is the text of its measures."""
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name>{extra}</score-part>'
        for i, (name, extra) in enumerate(zip(names, instruments, strict=True), 1)
    )
    body = "".join(f'<part id="P{i}">{measures}</part>' for i, measures in enumerate(parts, 1))
    return DOCTYPE + f"<score-partwise><part-list>{listed}</part-list>{body}</score-partwise>".encode()


def read(data: bytes) -> Score:
    (score,) = musicxml.read(data, "test.musicxml")
    return score


def heard(score: Score) -> Counter[tuple[Fraction, Fraction, int, int]]:
    """Onset and duration in quarters, pitch and part of every sounding note."""
    score = score.sounding()
    columns = score.notes[["onset_tick", "duration_tick", "pitch", "part"]].tolist()
    return Counter(
        (score.quarters(onset), score.quarters(duration), pitch, part) for onset, duration, pitch, part in columns
    )


RICH = document(
    '<measure number="0" implicit="yes"><attributes><divisions>4</divisions><key><fifths>3</fifths>'
    "<mode>major</mode></key><time><beats>3</beats><beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef>"
    "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose></attributes>"
    '<direction placement="above"><direction-type><words>Allegro</words></direction-type>'
    '<sound tempo="132"/></direction>'
    + note("E", 4, "<type>quarter</type>", '<lyric number="1"><syllabic>begin</syllabic><text>Wan</text></lyric>')
    + '</measure><measure number="1"><barline location="left"><repeat direction="forward"/></barline>'
    "<harmony><root><root-step>A</root-step></root><kind>dominant</kind><bass><bass-step>C</bass-step>"
    "<bass-alter>1</bass-alter></bass></harmony>"
    '<direction><direction-type><wedge type="crescendo"/></direction-type></direction>'
    "<note><grace/><pitch><step>B</step><octave>4</octave></pitch><voice>1</voice><type>eighth</type></note>"
    + note(
        "A",
        4,
        "<type>quarter</type>",
        '<notations><slur type="start" number="1"/><articulations><staccato/></articulations></notations>',
    )
    + "".join(
        note(
            step,
            duration,
            f"<type>{name}</type>",
            "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>",
            f"<notations>{sign}</notations>",
        )
        for step, duration, name, sign in (
            ("G", 2, "eighth", '<tuplet type="start" number="1"/>'),
            ("F", 1, "eighth", ""),
            ("E", 1, "eighth", '<tuplet type="stop" number="1"/><slur type="stop" number="1"/>'),
        )
    )
    + '<direction><direction-type><wedge type="stop"/></direction-type></direction>'
    + note("C", 4, '<tie type="start"/>', alter=1, octave=5).replace(
        '<voice>1</voice><tie type="start"/>', '<tie type="start"/><voice>1</voice>'
    )
    + '</measure><measure number="2"><barline location="left"><ending number="1" type="start"/></barline>'
    + note("C", 8, alter=1, octave=5)
    + note("E", 4)
    + "<backup><duration>12</duration></backup>"
    + note("A", 12, octave=3, voice=2)
    + '<barline location="right"><ending number="1" type="stop"/><repeat direction="backward"/></barline></measure>',
    names=("Clarinet in B♭",),
    instruments=(
        '<midi-instrument id="P1-I1"><midi-channel>1</midi-channel><midi-program>72</midi-program></midi-instrument>',
    ),
)


def test_reads_everything_that_a_score_holds() -> None:
    score = read(RICH)
    assert score.parts == (Part("Clarinet in B♭", 71, transpose=Interval(-2, -1), channel=1),)
    assert score.has_pickup
    assert (score.measures["duration_tick"] / score.ticks_per_quarter).tolist() == [1, 3, 3]
    assert score.meter_at(0) == Meter(3, 4)
    assert score.key_at(0) == Key(1, "major")  # three sharps as written sound as one
    assert score.tempos["tempo_bpm"].tolist() == [132]
    assert score.notes["pitch"][:3].tolist() == [62, 69, 67]  # sounding, a tone lower than written
    assert score.notes["grace"].tolist()[:3] == [0, 1, 0]
    assert score.notes["tied"].sum() == 1
    assert score.tuplets == (Tuplet(2 * score.ticks_per_quarter, score.ticks_per_quarter, 0, 1, 3, 2),)
    ids = score.notes["note_id"].tolist()
    assert score.lyrics == (Lyric(ids[0], "Wan", "begin"),)
    assert score.marks == (Mark(ids[2], "staccato"),)
    assert score.spanners == (Spanner("slur", ids[2], ids[5]),)
    assert [str(chord.symbol) for chord in score.chords] == ["G7/B"]
    quarter = score.ticks_per_quarter
    assert score.directions == (
        Direction(0, "tempo", "Allegro"),
        Direction(quarter, "crescendo"),
        Direction(3 * quarter, "wedge-stop"),
    )
    assert set(score.repeats) == {
        Repeat(quarter, "forward"),
        Repeat(4 * quarter, "ending-start", "1"),
        Repeat(7 * quarter, "ending-stop", "1"),
        Repeat(7 * quarter, "backward"),
    }


def test_rounded_tuplets_become_exact() -> None:
    """Divisions of 4 cannot say a third; note type and ratio can."""
    score = read(RICH)
    triplet = score.notes[(score.notes["onset_tick"] >= 2 * score.ticks_per_quarter) & (score.notes["grace"] == 0)][:3]
    assert {Fraction(int(d), score.ticks_per_quarter) for d in triplet["duration_tick"]} == {Fraction(1, 3)}


def test_saves_and_loads_equal() -> None:
    score = read(RICH)
    assert read(musicxml.write(score)) == score
    assert read(musicxml.write_compressed(score)) == score
    assert musicxml.write_compressed(score) == musicxml.write_compressed(read(RICH))


def test_timewise_is_read_as_partwise() -> None:
    root = etree.fromstring(document(f'<measure number="1">{note("C", 1)}</measure>' * 2))
    timewise = etree.fromstring(b"<score-timewise/>")
    timewise.append(root.find("part-list"))
    for measure in root.findall("part/measure"):
        part = etree.SubElement(etree.SubElement(timewise, "measure", number="1"), "part", id="P1")
        part.extend(list(measure))
    expected = document(f'<measure number="1">{note("C", 1)}</measure>' * 2)
    assert read(etree.tostring(timewise)) == read(expected)


def test_divisions_may_differ_between_parts_and_change() -> None:
    def attributes(divisions: int) -> str:
        return f"<attributes><divisions>{divisions}</divisions></attributes>"

    first = f"<measure>{attributes(2)}{note('C', 8)}</measure><measure>{attributes(3)}{note('D', 12)}</measure>"
    second = f"<measure>{attributes(5)}{note('E', 20)}</measure><measure>{note('F', 20)}</measure>"
    score = read(document(first, second, names=("a", "b"), instruments=("", "")))
    assert set(score.notes["duration_tick"].tolist()) == {4 * score.ticks_per_quarter}


def test_drums_keep_their_keys() -> None:
    rows = [{"onset_tick": 2 * i, "duration_tick": 2, "pitch": key} for i, key in enumerate((36, 42, 38, 56, 77))]
    meters = np.array([(0, 4, 4)], METER)
    drums = Part("Kit", is_drums=True)
    score = Score(4, (drums,), notes_array(rows), measures_from_meters(meters, 4, 10), meters)
    again = read(musicxml.write(score))
    assert again.parts[0].is_drums
    assert heard(again) == heard(score)
    place = "<unpitched><display-step>F</display-step><display-octave>4</display-octave></unpitched>"
    bare = document(f"<measure><note>{place}<duration>1</duration></note></measure>", names=("Drumset",))
    assert read(bare).notes["pitch"].tolist() == [36]


# Writing what no score file ever held


def written(score: Score) -> Any:
    return etree.fromstring(musicxml.write(score))


def plain_score(rows: list[dict[str, int]], *, part: Part, meter: tuple[int, int] = (4, 4), fifths: int = 0) -> Score:
    meters = np.array([(0, *meter)], METER)
    end = max((row["onset_tick"] + row["duration_tick"] for row in rows), default=1)
    keys = np.array([(0, -1, fifths, 0)], KEY)
    return Score(24, (part,), notes_array(rows), measures_from_meters(meters, 24, end), meters, keys)


def test_long_notes_are_tied_over_barlines_and_overlaps_go_to_further_voices() -> None:
    rows = [
        {"onset_tick": 72, "duration_tick": 60, "pitch": 72},
        {"onset_tick": 84, "duration_tick": 12, "pitch": 67},
        {"onset_tick": 84, "duration_tick": 12, "pitch": 64},
        {"onset_tick": 0, "duration_tick": 96, "pitch": 48},
    ]
    root = written(plain_score(rows, part=Part("Piano", staves=2)))
    notes = root.findall(".//note")
    high = [n for n in notes if n.findtext("pitch/step") == "C" and n.findtext("pitch/octave") == "5"]
    assert [(n.findtext("type"), len(n.findall("dot"))) for n in high] == [("quarter", 0), ("quarter", 1)]
    assert [[tie.get("type") for tie in n.findall("tie")] for n in high] == [["start"], ["stop"]]
    pair = [n for n in notes if n.findtext("pitch/step") in ("G", "E")]
    assert pair[1].find("chord") is not None
    assert pair[0].findtext("voice") != high[0].findtext("voice")
    low = next(n for n in notes if n.findtext("pitch/octave") == "3")
    assert (low.findtext("staff"), low.findtext("type")) == ("2", "whole")


def test_unspelled_pitches_follow_the_key_and_accidentals_stand_where_needed() -> None:
    rows = [{"onset_tick": 24 * i, "duration_tick": 24, "pitch": p} for i, p in enumerate((66, 65, 65, 70, 66))]
    notes = written(plain_score(rows, part=Part("Flute", 73), fifths=1)).findall(".//note")
    pitched = [n for n in notes if n.find("pitch") is not None]
    assert [n.findtext("pitch/step") for n in pitched] == ["F", "F", "F", "B", "F"]
    assert [n.findtext("accidental") for n in pitched] == [None, "natural", None, "flat", None]


def test_eighths_are_beamed_by_the_beat() -> None:
    rows = [{"onset_tick": 12 * i, "duration_tick": 12, "pitch": 72} for i in range(6)]
    beams = [n.findtext("beam") for n in written(plain_score(rows, part=Part(), meter=(6, 8))).iter("note")]
    assert beams == ["begin", "continue", "end"] * 2
    beams = [n.findtext("beam") for n in written(plain_score(rows, part=Part(), meter=(3, 4))).iter("note")]
    assert beams == ["begin", "end"] * 3


def test_transposing_parts_are_written_in_their_own_key() -> None:
    rows = [{"onset_tick": 0, "duration_tick": 24, "pitch": 58}]
    score = plain_score(rows, part=Part("Clarinet", 71, transpose=Interval(-2, -1)), fifths=-2)
    root = written(score)
    assert root.findtext(".//key/fifths") == "0"
    assert (root.findtext(".//pitch/step"), root.findtext(".//pitch/octave")) == ("C", "4")
    assert read(musicxml.write(score)).key_at(0) == Key(-2)


def test_music_without_beats_or_parts_is_still_written() -> None:
    rows = [{"onset_tick": 7 * i, "duration_tick": 9, "pitch": 60 + i} for i in range(40)]
    again = read(musicxml.write(Score(480, (Part(),), notes_array(rows))))
    assert len(again.sounding().notes) == 40
    assert read(musicxml.write(Score(480, ()))).end_tick > 0


PARTS = st.sampled_from(
    [
        Part("Piano", staves=2),
        Part("Flute", 73),
        Part("Clarinet", 71, transpose=Interval(-2, -1)),
        Part("Kit", is_drums=True),
    ]
)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Unsplit polyphony on a grid of twelve or twenty-four, as models and MIDI files give it."""
    step = draw(st.sampled_from([1, 2]))
    parts = draw(st.lists(PARTS, min_size=1, max_size=2))
    meter = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2), (5, 8), (7, 8), (12, 8), (5, 4)]))
    taken: set[tuple[int, int]] = set()
    rows: list[dict[str, int]] = []
    for _ in range(draw(st.integers(0, 25))):
        row = {
            "onset_tick": step * draw(st.integers(0, 250 // step)),
            "duration_tick": step * draw(st.integers(1, 60)),
            "pitch": draw(st.integers(40, 80)),
            "part": draw(st.integers(0, len(parts) - 1)),
        }
        row["voice"] = draw(st.sampled_from([0, 1])) if parts[row["part"]].staves == 1 else 0
        if (row["part"], row["pitch"]) not in taken:  # a pitch on top of itself is no polyphony
            taken.add((row["part"], row["pitch"]))
            rows.append(row)
    meters = np.array([(0, *meter)], METER)
    pickup = draw(st.sampled_from([0, 0, 12]))
    measures = measures_from_meters(meters, 24, 300, pickup)
    keys = np.array([(0, -1, draw(st.integers(-7, 7)), 0)], KEY)
    return Score(24, tuple(parts), notes_array(rows), measures, meters, keys)


def assert_full(data: bytes, score: Score) -> None:
    """The first voice of every part and measure lasts exactly as long as the measure, and no voice longer."""
    for part in etree.fromstring(data).iter("part"):
        divisions = int(part.findtext(".//divisions"))
        for measure, ticks in zip(part.iter("measure"), score.measures["duration_tick"].tolist(), strict=True):
            cursor, ends = 0, [0]
            for element in measure:
                if element.tag in ("note", "forward", "backup") and element.find("chord") is None:
                    length = int(element.findtext("duration", "0"))
                    cursor += -length if element.tag == "backup" else length
                    ends.append(cursor)
                    assert cursor >= 0
            assert Fraction(max(ends), divisions) == Fraction(ticks, score.ticks_per_quarter)


@settings(max_examples=30, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(scores())
def test_any_polyphony_is_written_exactly_and_bars_are_full(score: Score) -> None:
    data = musicxml.write(score)
    again = read(data)
    assert heard(again) == heard(score)
    assert_full(data, again)
    assert read(musicxml.write(again)) == again


def test_verovio_reads_what_is_written() -> None:
    toolkit = verovio.toolkit()
    rows = [{"onset_tick": 5 * i, "duration_tick": 8 + i, "pitch": 50 + i} for i in range(30)]
    for data in (musicxml.write(read(RICH)), musicxml.write(plain_score(rows, part=Part("Piano", staves=2)))):
        assert toolkit.loadData(data.decode())
        assert "<svg" in toolkit.renderToSVG(1)


# Beside music21


def music21_notes(path: Path) -> Counter[tuple[Fraction, Fraction, int]]:
    """Onset, duration and sounding pitch of every notehead, as music21 reads it."""
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream: Any = converter.parse(str(path), forceSource=True).toSoundingPitch()
    found: Counter[tuple[Fraction, Fraction, int]] = Counter()
    for part in stream.parts:
        for chord in part.recurse().notes:
            onset = Fraction(chord.getOffsetInHierarchy(part)).limit_denominator(1000)
            if not chord.duration.isGrace and "ChordSymbol" not in chord.classes:
                duration = Fraction(chord.quarterLength).limit_denominator(1000)
                found.update((onset, duration, pitch.midi) for pitch in chord.pitches)
    return found


def noteheads(score: Score) -> Counter[tuple[Fraction, Fraction, int]]:
    main = score.notes[score.notes["grace"] == 0]
    rows = main[["onset_tick", "duration_tick", "pitch"]].tolist()
    return Counter((score.quarters(onset), score.quarters(duration), pitch) for onset, duration, pitch in rows)


@pytest.mark.parametrize("name", ["bach/bwv66.6.mxl", "schoenberg/opus19/movement2.mxl", "corelli/opus3no1/1grave.xml"])
def test_music21_hears_the_same(name: str, tmp_path: Path) -> None:
    music21 = pytest.importorskip("music21")
    path = Path(music21.__file__).parent / "corpus" / name
    score = read(path.read_bytes())
    copy = tmp_path / "copy.musicxml"
    copy.write_bytes(musicxml.write(score))
    assert read(copy.read_bytes()) == score
    assert noteheads(score) == music21_notes(path) == music21_notes(copy)

"""Parts out of a score: their notes, what holds for all, rests counted, pitch as written."""

import re

import numpy as np
import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadInput
from partimento.io import musicxml
from partimento.rendering.sheet import at_concert_pitch, engraved_sheet, part_names, part_of, transposition
from partimento.score import (
    KEY,
    METER,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    Part,
    Repeat,
    Score,
    Spanner,
    Transposition,
    Tuplet,
    measures_from_meters,
    notes_array,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.interval import Interval

BAR = 1920
CLARINET = Part("Clarinet in B♭", 71, transpose=Interval(-2, -1))
BASS = Part("Double Bass", 43, transpose=Interval(-12, -7))


def duet(bars=12, rests=(), **more):
    """A clarinet with two minims a bar but in `rests`, and a bass with semibreves."""
    meters = np.array([(0, 4, 4)], METER)
    rows = [
        {
            "onset_tick": BAR * bar + 960 * half,
            "duration_tick": 960,
            "pitch": 70,
            "spelling": -2,
            "voice": 1,
            "staff": 1,
        }
        for bar in range(bars)
        if bar not in rests
        for half in (0, 1)
    ]
    rows += [
        {"onset_tick": BAR * bar, "duration_tick": BAR, "pitch": 41, "spelling": -1, "voice": 1, "staff": 1, "part": 1}
        for bar in range(bars)
    ]
    keys = np.array([(0, -1, -2, 0)], KEY)
    measures = measures_from_meters(meters, 480, BAR * bars)
    return Score(480, (CLARINET, BASS), notes_array(rows), measures, meters, keys, **more)


def multiple_rests(score, part=0):
    """Lengths of the multiple rests on the pages of a part."""
    pages = engraved_sheet(part_of(score, part), is_part=True).pages
    return [
        int("".join(str(ord(sign) - 0xE080) for sign in map(chr, (int(c, 16) for c in re.findall(r"#(E08\d)", found)))))
        for page in pages
        for found in re.findall(r'class="multiRest">(.*?)</g>', page, re.DOTALL)
    ]


def test_a_part_has_its_own_notes_and_what_hangs_on_them():
    ids = duet().notes["note_id"]
    first, last = int(ids[duet().notes["part"] == 0][0]), int(ids[duet().notes["part"] == 1][0])
    score = duet(
        lyrics=(Lyric(first, "Ah"), Lyric(last, "Oh")),
        marks=(Mark(first, "accent"), Mark(last, "tenuto")),
        spanners=(Spanner("slur", last, last),),
        tuplets=(Tuplet(0, 960, 1, 1, 3, 2),),
        chords=(ChordEvent(0, ChordSymbol.parse("Bb"), 1),),
        repeats=(Repeat(BAR, "backward"),),
    )
    bass = part_of(score, 1)
    assert bass.parts == (BASS,)
    assert len(bass.notes) == 12
    assert set(bass.notes["part"].tolist()) == {0}
    assert [lyric.text for lyric in bass.lyrics] == ["Oh"]
    assert [mark.kind for mark in bass.marks] == ["tenuto"]
    assert len(bass.spanners) == 1
    assert [event.part for event in (*bass.tuplets, *bass.chords)] == [0, 0]
    assert bass.repeats == score.repeats
    assert bass.keys["fifths"].tolist() == [-2]
    assert not part_of(score, 0).chords


def test_a_part_has_tempo_and_rehearsal_marks_of_others_once_but_not_their_dynamics():
    signs = (
        Direction(0, "tempo", "Allegro"),
        Direction(0, "dynamics", "ff"),
        Direction(BAR, "rehearsal", "A"),
        Direction(BAR, "words", "A", part=1),
        Direction(BAR, "words", "pizz.", part=1),
    )
    bass = part_of(duet(directions=signs), 1)
    assert sorted((sign.kind, sign.text) for sign in bass.directions) == [
        ("rehearsal", "A"),
        ("tempo", "Allegro"),
        ("words", "pizz."),
    ]
    assert {sign.part for sign in bass.directions} == {0}


def test_empty_measures_are_counted_in_one_sign():
    assert multiple_rests(duet(rests=range(2, 9))) == [7]
    assert multiple_rests(duet(rests=(2,))) == []


def test_a_run_of_rests_ends_where_the_player_has_to_see_something():
    rests = range(2, 10)
    assert multiple_rests(duet(rests=rests, directions=(Direction(5 * BAR, "rehearsal", "B", part=1),))) == [3, 5]
    meters = np.array([(0, 4, 4), (6 * BAR, 2, 2)], METER)
    changed = duet(rests=rests)
    changed = Score(480, changed.parts, changed.notes, changed.measures, meters)
    assert multiple_rests(changed) == [4, 4]
    assert multiple_rests(duet(rests=rests, repeats=(Repeat(5 * BAR, "backward"),))) == [2, 5]


def test_a_score_shows_every_measure():
    pages = engraved_sheet(duet(rests=range(2, 9))).pages
    assert sum(page.count('class="multiRest"') for page in pages) == 0
    assert sum(page.count('class="measure"') for page in pages) == 12


def test_measures_after_a_multiple_rest_keep_their_numbers():
    pages = engraved_sheet(part_of(duet(bars=80, rests=range(2, 40)), 0), is_part=True).pages
    numbers = [int(n) for n in re.findall(r'class="mNum[^"]*".*?px">(\d+)<', pages[0], re.DOTALL)]
    assert numbers[0] > 40


def written(score):
    """Pitches of the first notes and key signature of a part as written, of every part."""
    root = etree.fromstring(musicxml.write(score))
    return [
        (part.findtext(".//pitch/step"), part.findtext(".//pitch/octave"), part.findtext(".//key/fifths"))
        for part in root.findall("part")
    ]


def test_concert_pitch_keeps_octaves_and_changes_the_rest():
    assert written(duet()) == [("C", "5", "0"), ("F", "3", "-2")]
    assert written(at_concert_pitch(duet())) == [("B", "4", "-2"), ("F", "3", "-2")]
    changing = duet(transpositions=(Transposition(BAR, 0, Interval(-3, -2)),))
    assert [change.interval for change in at_concert_pitch(changing).transpositions] == [Interval(0, 0)]
    low = Part("Bass Clarinet", 71, transpose=Interval(-14, -8))
    assert at_concert_pitch(Score(480, (low,))).parts[0].transpose == Interval(-12, -7)


def test_names_of_files():
    parts = [Part("Violin I"), Part("Violin"), Part("violin"), Part("a/b: *c?"), Part(".."), Part("Cl. in B♭")]
    assert part_names(tuple(parts)) == ["Violin_I", "Violin_1", "violin_2", "a_b_c", "Part_5", "Cl._in_B♭"]


@pytest.mark.parametrize(
    ("text", "semitones", "fifths"),
    [
        ("2", 2, 0), ("-3", -3, 1), ("+1", 1, 5), ("0", 0, -2), ("M2", 2, 0), ("-M2", -2, -4), ("m3", 3, -5),
        ("P5", 7, -1), ("-P8", -12, -2), ("M9", 14, 0), ("A4", 6, 4), ("to D major", 4, 2), ("to D", 4, 2),
        ("to  F", -5, -1), ("to E flat", 5, -3), ("to A", -1, 3),
    ],
)  # fmt: skip
def test_transpositions(text, semitones, fifths):
    score = duet()
    moved = score.transpose(transposition(text, score))
    assert int(moved.notes["pitch"][0]) - int(score.notes["pitch"][0]) == semitones
    assert moved.keys["fifths"].tolist() == [fifths]


def test_without_a_key_signature_it_is_counted_from_the_key_of_the_notes():
    scale = [62, 64, 66, 67, 69, 71, 73, 74]
    rows = [{"onset_tick": 480 * i, "duration_tick": 480, "pitch": pitch} for i, pitch in enumerate(scale)]
    score = Score(480, (Part(),), notes_array(rows))
    assert transposition("to E major", score) == Interval(2, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no transposition"), ("up", "no transposition"), ("M5", "no interval M5"), ("to H sharp x", "no key"),
     ("to D minor", "Bb major"), ("1000", "no transposition")],
)  # fmt: skip
def test_no_transpositions(text, message):
    with pytest.raises(BadInput, match=message):
        transposition(text, duet())

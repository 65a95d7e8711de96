"""The law of the format: what is read back is what MusicXML can say of the score, whatever the score holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from partimento.io import musicxml
from partimento.score import (
    BEND,
    CLEF,
    CONTROL,
    KEY,
    METER,
    TEMPO,
    Barline,
    ChordEvent,
    Direction,
    Lyric,
    Mark,
    Message,
    Part,
    PartGroup,
    ProgramChange,
    Repeat,
    Score,
    Spanner,
    Transposition,
    Tuplet,
    measures_from_meters,
    notes_array,
)
from partimento.theory.chord import KINDS, RARE_KINDS, ChordSymbol, Degree
from partimento.theory.interval import Interval

END = 24 * 4 * 3
PARTS = (
    Part("Piano", staves=2, volume=90, pan=20),
    Part("Clarinet \x01 in A", 71, abbreviation="Cl.", transpose=Interval(-3, -2), channel=3),
    Part("Kit", is_drums=True, channel=10),
)
MARKS = (
    "staccato", "fermata:angled", "fermata:odd", "tremolo:2", "tremolo:3:start", "fingering:4", "trill-mark",
    "accidental-mark:sharp", "notehead:x", "notehead:normal", "notehead:diamond:hollow", "display:F4", "slash",
    "hidden", "accidental:cautionary", "accidental:odd", "grace:quarter", "grace:after", "bend:1 release",
    "harmonic:natural", "arpeggiate:up", "non-arpeggiate:top", "breath-mark:comma", "nonsense", "up-bow",
)  # fmt: skip
DIRECTIONS = (
    ("words", "  dolce \n e piano"), ("words", " "), ("tempo", "Allegro"), ("metronome", "quarter.=60"),
    ("metronome", "(quarter=eighth.)"), ("metronome", "fast"), ("dynamics", "mf"), ("dynamics", "ffz"),
    ("crescendo", ""), ("wedge-stop", ""), ("rehearsal", "A"), ("octave-shift", "down 8"), ("octave-shift", "stop"),
    ("pedal", "start"), ("pedal", "stop"), ("pedal", "twice"), ("dashes", "start"), ("dashes", "stop"),
    ("bracket", "start"), ("fermata", ""), ("fermata", "square"), ("breath-mark", "comma"), ("barline-fermata", ""),
    ("meter-sign", "common"), ("meter-sign", "2+2/4"), ("meter-sign", "9+9/4"), ("figured-bass", "#6 4/"),
    ("figured-bass", "(b)"), ("staff-lines", "1"), ("damp", ""), ("string-mute", "on"), ("swing", "2:1"),
)  # fmt: skip
REPEATS = (
    ("forward", ""), ("backward", ""), ("backward", "3"), ("ending-start", "1, 2"), ("ending-stop", "1, 2"),
    ("ending-discontinue", "first"), ("segno", ""), ("coda", ""), ("to-coda", ""), ("fine", ""),
    ("dacapo", "D.C. al Fine"), ("dalsegno", ""), ("nonsense", ""),
)  # fmt: skip
STYLES = ("regular", "dashed", "light-light", "light-heavy", "heavy-light", "none", "wavy")

ticks = st.integers(0, END // 6).map(lambda step: 6 * step)
parts = st.integers(0, len(PARTS) - 1)
texts = st.sampled_from(["", "la", " two  words ", "e‿o", "\x02bell", "<&>", "ü"])


def many(of: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=most).map(tuple)


@st.composite
def notes(draw: st.DrawFn) -> Sequence[dict[str, int]]:
    """Some music, on a grid, of each pitch at most one note at a time; grace and cue notes among it."""
    rows: list[dict[str, int]] = []
    taken: set[tuple[int, int]] = set()
    for _ in range(draw(st.integers(0, 14))):
        row = {"onset_tick": draw(ticks), "pitch": draw(st.integers(40, 80)), "part": draw(parts)}
        if (row["part"], row["pitch"]) in taken:
            continue
        taken.add((row["part"], row["pitch"]))
        row["grace"] = draw(st.sampled_from([0, 0, 0, 0, 1]))
        row["duration_tick"] = 0 if row["grace"] else draw(st.sampled_from([3, 4, 6, 8, 12, 24, 36, 40, 96, 100]))
        row["velocity"] = draw(st.sampled_from([0, 1, 64, 127]))
        row["cue"] = draw(st.sampled_from([0, 0, 0, 1]))
        rows.append(row)
    return rows


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Scores that hold everything, well and ill."""
    rows = draw(notes())
    ids = st.integers(-1, max(len(rows) - 1, 0))
    meters = np.array(draw(st.sampled_from([[(0, 4, 4)], [(0, 4, 4), (96, 3, 8)], [(0, 5, 8)]])), METER)
    symbols = st.builds(
        ChordSymbol,
        st.integers(-5, 6),
        st.sampled_from([*KINDS, *RARE_KINDS]),
        st.sampled_from([None, 0, 2]),
        many(st.sampled_from([Degree("add", 9, -1), Degree("alter", 5, 1), Degree("subtract", 3)]), 2),
    )
    return Score(
        24,
        PARTS,
        notes_array(rows),
        measures_from_meters(meters, 24, END - 1, draw(st.sampled_from([0, 24]))),
        meters,
        keys=np.array([(0, -1, draw(st.integers(-4, 4)), draw(st.integers(-1, 5)))], KEY),
        tempos=np.array(list(draw(many(st.tuples(ticks, st.sampled_from([60.0, 121.5, 0.5]))))), TEMPO),
        clefs=np.array(draw(st.sampled_from([[], [(0, 0, 1, "C", 3, 0), (48, 0, 2, "G", 2, -1)]])), CLEF),
        controls=np.array(
            list(draw(many(st.tuples(ticks, parts, st.sampled_from([1, 64, 66]), st.sampled_from([0, 63, 127]))))),
            CONTROL,
        ),
        bends=np.array([(0, 0, 100)], BEND),
        groups=draw(many(st.builds(PartGroup, st.integers(0, 2), st.integers(0, 2), texts, texts), 3)),
        programs=draw(many(st.builds(ProgramChange, ticks, parts, st.integers(0, 127)))),
        transpositions=draw(many(st.builds(Transposition, ticks, st.just(1), st.just(Interval(-2, -1))), 1)),
        chords=draw(
            many(st.builds(ChordEvent, ticks, st.none() | symbols, parts, texts, st.sampled_from(["", "x32010", "?"])))
        ),
        tuplets=draw(many(st.builds(Tuplet, ticks, st.just(24), parts, st.just(1), st.just(3), st.just(2)), 2)),
        directions=draw(
            many(
                st.builds(
                    lambda tick, kind, part, staff, side: Direction(tick, kind[0], kind[1], part, staff, side),
                    ticks,
                    st.sampled_from(DIRECTIONS),
                    parts,
                    st.integers(1, 2),
                    st.sampled_from(["", "above", "below"]),
                ),
                8,
            )
        ),
        repeats=draw(many(st.builds(lambda tick, kind: Repeat(tick, *kind), ticks, st.sampled_from(REPEATS)), 6)),
        barlines=draw(many(st.builds(Barline, ticks, st.sampled_from(STYLES)))),
        lyrics=draw(many(st.builds(Lyric, ids, texts, st.sampled_from(["single", "end", "?"]), st.integers(1, 3)))),
        marks=draw(many(st.builds(Mark, ids, st.sampled_from(MARKS)), 8)),
        spanners=draw(many(st.builds(Spanner, st.sampled_from(["slur", "wavy-line", "beam"]), ids, st.just(-1)), 2)),
        messages=(Message(0, 0, b"\xf0\x01\xf7"),),
        title=draw(texts),
        subtitle=draw(texts),
        composer=draw(texts),
        tags=draw(many(texts, 2)),
    )


def again(score: Score) -> Score:
    (read,) = musicxml.read(musicxml.write(score), "again.musicxml")
    return read


@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(scores())
def test_what_is_read_back_is_what_can_be_said(score: Score) -> None:
    said = musicxml.sayable(score)
    assert again(score) == said
    assert musicxml.sayable(said) == said


def test_a_barline_inside_a_bar_stays_where_nothing_else_is() -> None:
    meters = np.array([(0, 4, 4)], METER)
    measures = measures_from_meters(meters, 24, END - 1)
    score = Score(24, PARTS[:1], measures=measures, meters=meters, barlines=(Barline(6, "regular"),))
    assert [b.onset_tick / again(score).ticks_per_quarter for b in again(score).barlines] == [0.25]
    assert again(score) == musicxml.sayable(score)


def test_what_cannot_be_said_is_left_out() -> None:
    score = Score(
        4,
        (Part("Flute"),),
        notes_array([{"onset_tick": 0, "duration_tick": 4, "pitch": 60}]),
        controls=np.array([(0, 0, 1, 5), (0, 0, 64, 127)], CONTROL),
        bends=np.array([(0, 0, 5)], BEND),
        messages=(Message(0, 0, b"\xf0\x01\xf7"),),
        marks=(Mark(0, "staccato"), Mark(0, "nonsense")),
    )
    said = musicxml.sayable(score)
    assert (len(said.controls), len(said.bends), said.messages, said.marks) == (1, 0, (), (Mark(0, "staccato"),))
    assert len(said.measures) == 1  # there were none


def test_what_stands_in_a_file_can_be_said() -> None:
    path = Path(__file__).parents[1] / "data" / "everything.musicxml"
    (score,) = musicxml.read(path.read_bytes(), path.name)
    assert musicxml.sayable(score) == score == again(score)

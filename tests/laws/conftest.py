"""Random scores and tasks: `st.from_type(Score)` and `st.from_type(Compose)` draw them."""

import math

import numpy as np
from hypothesis import strategies as st

from partimento.plan import Compose, Constraints, Control, Plan
from partimento.score import KEY, MEASURE, METER, TEMPO, ChordEvent, Part, ProgramChange, Score, notes_array
from partimento.theory.chord import KINDS, RARE_KINDS, ChordSymbol, Degree
from partimento.theory.instrument import DRUMS
from partimento.theory.key import MODES, Key
from partimento.theory.meter import Meter

PROGRAMS = st.sampled_from([0, 0, 24, 33, 40, 40, 41, 52, 73, 110, DRUMS, DRUMS]) | st.integers(0, DRUMS)
METERS = st.sampled_from([Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(2, 2), Meter(5, 8), Meter(12, 8), Meter(1, 16)])
ODD_METERS = st.builds(Meter, st.integers(1, 20), st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
KEYS = st.builds(Key, st.integers(-7, 7), st.sampled_from([None, *MODES]))
CHORDS = st.builds(
    ChordSymbol,
    st.integers(-8, 12),
    st.sampled_from(sorted(KINDS)) | st.sampled_from(sorted(RARE_KINDS)),
    st.none() | st.integers(-8, 12),
    st.just(()) | st.just((Degree("add", 9, -1),)),
)


def _often_small(limit: int) -> st.SearchStrategy[int]:
    return st.integers(0, max(limit // 8, 0)) | st.integers(0, limit)


@st.composite
def _bars(draw: st.DrawFn, ticks_per_quarter: int) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """Measures and meters: full bars, pickups, bars of odd length, changes of meter."""
    measures, meters, onset, meter = [], [], 0, Meter(4, 4)
    for index in range(draw(st.integers(1, 6))):
        if index == 0 or draw(st.integers(0, 4)) == 0:
            meter = draw(METERS | ODD_METERS)
            meters.append((onset, meter.beats, meter.beat_type))
        full = max(math.ceil(meter.duration_quarter * ticks_per_quarter), 1)
        is_odd = draw(st.integers(0, 4 if index else 2)) == 0
        duration = draw(st.integers(1, full)) if is_odd else full
        measures.append((onset, duration))
        onset += duration
    return measures, meters


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Any music with meters, at any resolution, on the grid or off it."""
    ticks_per_quarter = draw(st.sampled_from([1, 5, 12, 24, 96, 220, 384, 480, 1024, 10080]))
    programs = draw(st.lists(PROGRAMS, min_size=1, max_size=5))
    parts = tuple(Part(f"part {k}", p % DRUMS, p == DRUMS) for k, p in enumerate(programs))
    measures, meters = draw(_bars(ticks_per_quarter))
    end = sum(measures[-1])
    ticks = st.integers(0, end - 1)
    part = st.integers(0, len(parts) - 1)
    grid = draw(st.sampled_from([1, 1, max(ticks_per_quarter // 4, 1), max(ticks_per_quarter // 3, 1)]))
    notes = draw(st.lists(st.fixed_dictionaries({
        "onset_tick": st.integers(0, (end + ticks_per_quarter) // grid).map(lambda n: n * grid),
        "duration_tick": _often_small(40 * ticks_per_quarter // grid).map(lambda n: max(n * grid, 1)),
        "pitch": st.integers(58, 64) | st.integers(0, 127), "velocity": st.integers(0, 127), "part": part,
        "grace": st.sampled_from([0] * 9 + [1]), "tied": st.sampled_from([False] * 4 + [True]),
        "cue": st.sampled_from([False] * 9 + [True]),
    }), max_size=24))  # fmt: skip
    copies = draw(st.lists(st.sampled_from(notes), max_size=4)) if notes else []
    later = [note | {"onset_tick": note["onset_tick"] + note["duration_tick"]} for note in notes if note["tied"]]
    rows = [note | {"duration_tick": 0} if note["grace"] else note for note in [*notes, *copies, *later]]
    keys = draw(st.lists(st.tuples(ticks, st.just(-1) | part, st.integers(-7, 7), st.integers(-1, 6)), max_size=3))
    tempos = draw(st.lists(st.tuples(ticks, st.floats(5, 1000)), max_size=3))
    chords = draw(st.lists(st.builds(ChordEvent, st.integers(0, end + 9), st.none() | CHORDS), max_size=5))
    changes = draw(st.lists(st.builds(ProgramChange, ticks, part, st.integers(0, 127)), max_size=2))
    tags = draw(st.sampled_from([(), ("jig",), ("unheard of", "hymn")]))
    return Score(
        ticks_per_quarter, parts, notes=notes_array(rows), measures=np.array(measures, MEASURE),
        meters=np.array(meters, METER), keys=np.array(keys, KEY), tempos=np.array(tempos, TEMPO),
        programs=tuple(changes), chords=tuple(chords), tags=tags,
    )  # fmt: skip


@st.composite
def _spans(draw: st.DrawFn, low: int, high: int, least_width: int = 0) -> tuple[int, int]:
    first = draw(st.integers(low, high - least_width))
    return first, draw(st.integers(first + least_width, high))


CONTROLS = st.builds(
    Control,
    parts=st.none() | st.just((0,)),
    bars=st.none() | _spans(0, 8, 1),
    density=st.none() | _spans(0, 6, 1) | st.just((4.0, 128.0)),
    polyphony=st.none() | st.sampled_from([(1, 1), (0, 2), (1, 3), (2, 4), (3, 6), (0, 0)]),
    register=st.none() | _spans(48, 84, 1) | _spans(30, 100, 24),
    note_length=st.none() | st.sampled_from([(0, 0.5), (0.25, 1), (1, 4), (2.5, 64), (1 / 3, 1 / 3)]),
    dynamics=st.none() | st.sampled_from(["pp", "f"]),
    complexity=st.none() | st.floats(0, 1),
)
PLANS = st.builds(
    Plan,
    key=st.none() | KEYS,
    meter=st.none() | METERS,
    tempo_bpm=st.none() | st.floats(20, 300),
    instruments=st.none() | st.lists(PROGRAMS, min_size=1, max_size=5).map(tuple),
    bars=st.none() | st.integers(1, 12),
    chords=st.none() | st.lists(st.lists(CHORDS, max_size=4).map(tuple), min_size=1, max_size=4).map(tuple),
    style=st.none() | st.sampled_from(["jig", "hymn", "unheard of"]),
    controls=st.just(()) | st.lists(CONTROLS, min_size=1, max_size=3).map(tuple),
)
CONSTRAINTS = st.builds(
    Constraints,
    steady=st.booleans(),
    playable=st.booleans(),
    max_rest_bars=st.none() | st.integers(0, 3),
    max_chromatic_share=st.none() | st.floats(0, 0.3),
    harmony=st.sampled_from(["hint", "strong beats", "beats", "always"]),
    min_chord_share=st.none() | st.floats(0.4, 1),
    chord_symbols=st.sampled_from(["may", "must", "must not"]),
    enforced=st.sampled_from([True] * 7 + [False]),
    ends_on_tonic=st.booleans(),
    budget=st.integers(150, 900),
)
TASKS = st.builds(Compose, PLANS, CONSTRAINTS, opens_midway=st.booleans(), ends_midway=st.booleans())

st.register_type_strategy(Score, scores())
st.register_type_strategy(Compose, TASKS)
st.register_type_strategy(Constraints, CONSTRAINTS)
st.register_type_strategy(Control, CONTROLS)

"""Laws that hold for every representation in the registry, in every configuration."""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from partimento.errors import BadRecipe, InfeasibleTask
from partimento.plan import Compose, Constraints, Control, Infill, Plan, Task
from partimento.plan.complexity import without_complexity
from partimento.representations import REPRESENTATIONS, Representation, create
from partimento.representations.bpe import train_bpe
from partimento.representations.cutting import encoded_windows
from partimento.representations.infilling import chosen_parts, span, spliced
from partimento.score import Score
from partimento.theory.instrument import instrument
from partimento.theory.key import Key


def walk(rep: Representation[Any], state: Any, seed: int) -> Iterator[tuple[Any, int]]:
    """A random sequence that the grammar allows from a state on: each state with the token that follows it."""
    rng = random.Random(seed)
    while rep.shortest_end(state):
        token = rng.randrange(*rng.choice(rep.allowed(state)))
        yield state, token
        state = rep.step(state, token)


def merges(name: str, **config: Any) -> dict[str, Any]:
    """Options of a `bpe` that has been trained on random sequences."""
    rep, task = create(name, **config), Compose(constraints=Constraints(budget=400))
    walks = (walk(rep, rep.start(task), seed) for seed in range(12))
    sequences = [np.array([token for _, token in steps], np.int32) for steps in walks]
    return train_bpe(rep, sequences, len(rep.tokens) + 60).config


CONFIGS: dict[str, list[dict[str, Any]]] = {
    "bpe": [merges("performance"), merges("remi")],
    "performance": [{"chords": False}, {"chords": True}],
    "remi": [{"infill": True}, {"velocities": True, "microtiming": True, "infill": True}],
}
"""Configurations to try; a member without an entry is tried as it comes."""
EXAMPLES = int(os.environ.get("PARTIMENTO_EXAMPLES", "15"))
MEMBERS = [create(name, **config) for name in REPRESENTATIONS for config in CONFIGS.get(name, [{}])]


def each(law):
    """The law for every member; PARTIMENTO_EXAMPLES says how often."""
    if hasattr(law, "hypothesis"):
        law = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.filter_too_much])(law)
    return pytest.mark.parametrize("rep", MEMBERS, ids=lambda rep: f"{rep.name}-{rep.config}"[:60])(law)


SCORES, TASKS, SEEDS = st.from_type(Score), st.from_type(Compose), st.integers(0, 2**32)


def allows(rep: Representation[Any], state: Any, token: int) -> bool:
    return any(low <= token < high for low, high in rep.allowed(state))


def start(rep: Representation[Any], task: Task) -> Any:
    try:
        return rep.start(task)
    except InfeasibleTask:
        assume(False)


def needs(rep: Representation[Any], *fields: str) -> None:
    """Go on only where the representation turns these fields of a task into rules."""
    if missing := [field for field in fields if field not in rep.enforces]:
        pytest.skip(f"{rep.name} does not enforce {', '.join(missing)}")


def counts_bars(rep: Representation[Any]) -> bool:
    return rep.grid.unit == "quarter"


def walked(rep: Representation[Any], task: Task, seed: int) -> tuple[np.ndarray, Score]:
    """The tokens of a random sequence, and the score that they decode to."""
    ids = np.array([token for _, token in walk(rep, start(rep, task), seed)], np.int32)
    return ids, rep.decode(ids, task)


# The vocabulary


@each
def test_ids_are_indices_of_distinct_tokens_and_a_config_builds_equal_ones(rep):
    assert len(set(rep.tokens)) == len(rep.tokens)
    assert not any(len(name.split()) != 1 for name in rep.tokens)
    assert all(0 <= token < len(rep.tokens) for token in rep.special)
    assert create(rep.name, **rep.config).tokens == rep.tokens


def test_unknown_names_and_options_are_refused():
    with pytest.raises(BadRecipe, match="choose from"):
        create("interpretive dance")
    with pytest.raises(BadRecipe):
        create("remi", colour="blue")


# Scores to tokens and back


@each
@given(SCORES)
def test_decoding_gives_the_quantised_score(rep, score):
    task = Compose()
    assert rep.decode(rep.encode(score, task).ids, task) == rep.quantise(score)[0]


@each
@given(SCORES)
def test_quantising_twice_is_quantising_once(rep, score):
    once, _ = rep.quantise(score)
    twice, losses = rep.quantise(once)
    assert twice == once
    assert not losses


@each
@given(SCORES)
def test_quantising_moves_notes_at_most_half_a_step_and_lists_what_it_drops(rep, score):
    quantised, losses = rep.quantise(score)
    sounding = score.sounding().split_programs()
    kept, lost = quantised.notes["note_id"].tolist(), [loss.note_id for loss in losses if loss.note_id >= 0]
    assert sorted(kept + lost) == sorted(sounding.notes["note_id"].tolist())
    before = {int(note["note_id"]): note for note in sounding.notes}
    half_step = 0.5 / rep.grid.steps + 1e-6
    for note in quantised.notes:
        source = before[int(note["note_id"])]
        assert note["pitch"] == source["pitch"]
        assert _program(quantised, note) == _program(sounding, source)
        (onset, release), (true_onset, true_release) = (
            (_time(rep, s, n["onset_tick"]), _time(rep, s, n["onset_tick"] + n["duration_tick"]))
            for n, s in ((note, quantised), (source, sounding))
        )
        assert abs(onset - true_onset) <= half_step
        is_bounded = any(loss.note_id == note["note_id"] or loss.note_id < 0 for loss in losses)
        assert abs(release - true_release) <= half_step or note["duration_tick"] == 1 or is_bounded


def _time(rep: Representation[Any], score: Score, tick: int) -> float:
    """A tick in the unit of the representation's grid."""
    return float(score.quarters(tick)) if counts_bars(rep) else float(score.seconds_at(int(tick)))


def _program(score: Score, note: Any) -> int:
    part = score.parts[note["part"]]
    return 128 if part.is_drums else part.program


@each
@given(SCORES, st.booleans(), st.booleans())
def test_the_grammar_accepts_every_encoding(rep, score, opens_midway, ends_midway):
    task = Compose(opens_midway=opens_midway, ends_midway=ends_midway)
    state = rep.start(task)
    for place, token in enumerate(rep.encode(score, task).ids.tolist()):
        assert allows(rep, state, token), (place, rep.tokens[token])
        state = rep.step(state, token)
    assert rep.shortest_end(state) == 0


@each
@given(SCORES, st.from_type(Constraints))
def test_the_grammar_accepts_every_encoding_where_nothing_is_enforced(rep, score, constraints):
    state = rep.start(Compose(constraints=replace(constraints, enforced=False, budget=None)))
    for token in rep.encode(score, Compose()).ids.tolist():
        assert allows(rep, state, token), rep.tokens[token]
        state = rep.step(state, token)
    assert rep.shortest_end(state) == 0


def _strokes(score: Score) -> int:
    """Notes, unisons in one part as one: where a cut shortens them, they become equal."""
    return len(np.unique(score.notes[["onset_tick", "part", "pitch"]]))


@each
@given(SCORES, st.integers(60, 400))
def test_windows_fit_the_budget_and_cover_all_bars_that_do(rep, score, budget):
    quantised, _ = rep.quantise(score)
    pieces = list(rep.windows(score, Compose(), budget))
    for piece, task in pieces:
        assert len(rep.encode(piece, task).ids) <= budget
        assert rep.quantise(piece)[0] == piece
    if not counts_bars(rep):
        assert sum(len(piece.notes) for piece, _ in pieces) >= len(quantised.notes) * (budget >= 100)
        return
    bars = [bar for piece, _ in pieces for bar in piece.measures["duration_tick"].tolist()]
    largest = max(
        len(rep.encode(quantised.slice_bars(k, k + 1), Compose()).ids) for k in range(len(quantised.measures))
    )
    if largest + 16 <= budget:
        assert bars == quantised.measures["duration_tick"].tolist()
        assert sum(_strokes(piece) for piece, _ in pieces) == _strokes(quantised)
        assert [task.opens_midway for _, task in pieces] == [k > 0 for k in range(len(pieces))]
        assert [task.ends_midway for _, task in pieces] == [k < len(pieces) - 1 for k in range(len(pieces))]


@each
@given(SCORES, st.integers(60, 1000), st.booleans())
def test_windows_made_in_one_go_are_the_windows_encoded(rep, score, budget, opens_midway):
    task = Compose(opens_midway=opens_midway)
    windows = [(rep.encode(window, part), len(window.notes)) for window, part in rep.windows(score, task, budget)]
    in_one_go = list(encoded_windows(rep, score, task, budget))
    assert [w.encoded.prompt.tolist() for w in in_one_go] == [encoded.prompt.tolist() for encoded, _ in windows]
    assert [w.encoded.target.tolist() for w in in_one_go] == [encoded.target.tolist() for encoded, _ in windows]
    assert [w.notes for w in in_one_go] == [notes for _, notes in windows]


@each
@given(SCORES, st.integers(-11, 11))
def test_transposed_tokens_are_the_tokens_of_the_transposed_score(rep, score, semitones):
    quantised, _ = rep.quantise(score)
    pitches = quantised.notes["pitch"][~np.array([p.is_drums for p in quantised.parts], bool)[quantised.notes["part"]]]
    assume(-min(pitches, default=60) <= semitones <= 127 - max(pitches, default=60))
    assume(len(quantised.keys) <= 1)  # with several, a score keeps their distance, tokens go one by one
    table = rep.transposition(semitones)
    if table is None:
        pytest.skip(f"{rep.name} spells by what stands around a token")
    moved = table[rep.encode(quantised, Compose()).ids]
    assert moved.tolist() == rep.encode(quantised.transpose(semitones), Compose()).ids.tolist()


# Walks through the grammar


@each
@given(TASKS, SEEDS)
def test_walks_end_within_the_budget_and_reencode_to_themselves(rep, task, seed):
    ids, score = walked(rep, task, seed)
    assert len(ids) <= task.constraints.budget
    if rep.canonical:
        assert rep.encode(score, task).ids.tolist() == ids.tolist()


@each
@given(TASKS, SEEDS)
def test_something_is_always_allowed_and_forced_tokens_are_the_only_ones(rep, task, seed):
    _check_choices(rep, task, seed)


def _check_choices(rep: Representation[Any], task: Task, seed: int) -> None:
    forced: list[int] = []
    for state, token in walk(rep, start(rep, task), seed):
        ranges = rep.allowed(state)
        assert ranges
        assert all(low < high for low, high in ranges)
        assert all(a[1] < b[0] for a, b in pairwise(ranges))
        assert ranges[-1][1] <= len(rep.tokens)
        choices = sum(high - low for low, high in ranges)
        if not forced:
            forced = list(rep.forced(state))
            assert bool(forced) == (choices == 1)
        if forced:
            assert (choices, token) == (1, forced.pop(0))


@each
@given(TASKS, SEEDS)
def test_the_shortest_end_can_be_reached(rep, task, seed):
    _check_shortest_end(rep, task, seed)


def _check_shortest_end(rep: Representation[Any], task: Task, seed: int) -> None:
    for spent, (state, _) in enumerate(walk(rep, start(rep, task), seed)):
        shortest = rep.shortest_end(state)
        assert spent + shortest <= (task.constraints.budget or 0)
        ranges = rep.allowed(state)
        ends = (token for low, high in ranges for token in (low, high - 1))
        within = (token for low, high in ranges for token in range(low + 1, high - 1))
        assert any(rep.shortest_end(rep.step(state, token)) < shortest for token in chain(ends, within))


@each
@given(TASKS, SEEDS)
def test_prefixes_decode_and_finished_bars_stay(rep, task, seed):
    ids, whole = walked(rep, task, seed)
    for stop in range(len(ids)):
        part = rep.decode(ids[:stop], task)
        if not counts_bars(rep):
            last = max(part.notes["onset_tick"].tolist(), default=0)
            assert _ended_before(part, last) <= _ended_before(whole, last)
        elif len(part.measures) > 1:
            finished = int(part.measures["onset_tick"][-1])
            assert _rows_until(part, finished) == _rows_until(whole, finished)
            assert (_releases(part, finished) <= _releases(whole, finished)).all()


def _ended_before(score: Score, tick: int) -> Counter[tuple[int, ...]]:
    """Notes that end before a tick, without their parts, which may be numbered as they enter."""
    notes = score.notes[score.notes["onset_tick"] + score.notes["duration_tick"] < tick]
    return Counter(notes[["onset_tick", "duration_tick", "pitch", "velocity"]].tolist())


def _rows_until(score: Score, end: int) -> dict[str, list[Any]]:
    """What stands before a barline, as far as it: a note may go on behind it."""
    notes = score.notes[score.notes["onset_tick"] < end].copy()
    notes["duration_tick"] = np.minimum(notes["duration_tick"], end - notes["onset_tick"])
    rows = {
        "notes": sorted(notes[["onset_tick", "duration_tick", "pitch", "spelling", "velocity", "part"]].tolist()),
        "chords": [(c.onset_tick, str(c.symbol)) for c in score.chords],
        **{name: getattr(score, name).tolist() for name in ("measures", "meters", "keys", "tempos")},
    }
    return {name: [row for row in events if row[0] < end] for name, events in rows.items()}


def _releases(score: Score, end: int) -> np.ndarray:
    """Where the notes end that stand before a barline, in their order."""
    notes = score.notes[score.notes["onset_tick"] < end]
    return notes["onset_tick"] + notes["duration_tick"]


@each
@given(TASKS, SEEDS)
def test_budgets_that_cannot_hold_the_piece_are_refused(rep, task, seed):
    needs(rep, "bars", "budget")
    plan = task.plan.merged(Plan(bars=30, instruments=(0, 40, 73)))
    with pytest.raises(InfeasibleTask):
        rep.start(Compose(plan, Constraints(budget=random.Random(seed).randrange(30))))


# What a task asks for, measured on the music


@each
@given(TASKS, SEEDS)
def test_the_plan_holds(rep, task, seed):
    assume(task.constraints.enforced)
    (_, score) = walked(rep, task, seed)
    plan = Plan(**{f.name: getattr(task.plan, f.name) for f in fields(Plan) if f.name in rep.enforces})
    if plan.key is not None:
        assert score.keys[["fifths", "mode"]].tolist() == [(plan.key.fifths, plan.key.mode_id)]
    if plan.meter is not None:
        assert score.meters[["beats", "beat_type"]].tolist() == [(plan.meter.beats, plan.meter.beat_type)]
    if plan.tempo_bpm is not None:
        assert [abs(tempo - plan.tempo_bpm) <= 2 for tempo in score.tempos["tempo_bpm"]] == [True]
    if plan.bars is not None:
        assert len(score.measures) == plan.bars
    if plan.instruments is not None and counts_bars(rep):
        assert tuple(128 if p.is_drums else p.program for p in score.parts) == plan.instruments
    if plan.instruments is not None and not counts_bars(rep):
        assert {_program(score, note) for note in score.notes} <= set(plan.instruments)
    if plan.style == "jig":
        assert score.tags == ("jig",)


@each
@given(TASKS, SEEDS)
def test_the_chords_of_the_plan_stand_where_they_belong(rep, task, seed):
    needs(rep, "chords")
    assume(task.plan.chords is not None)
    _, score = walked(rep, task, seed)
    wanted = []
    for bar, onset in enumerate(score.measures["onset_tick"].tolist()):
        meter = score.meter_at(onset)
        full = int(meter.duration_quarter * score.ticks_per_quarter)
        chords = task.plan.chords[bar % len(task.plan.chords)]
        wanted += [(onset + k * full // len(chords), c.plain.pitch_classes) for k, c in enumerate(chords)]
    assert [c.symbol and c.symbol.pitch_classes for c in score.chords] == [tones for _, tones in wanted]
    for chord, (tick, _) in zip(score.chords, wanted, strict=True):  # on that tick, or the step of the grid before it
        assert 0 <= tick - chord.onset_tick < max(score.ticks_per_quarter / 12, 1)


@each
@given(TASKS, SEEDS)
def test_constraints_hold_in_the_music(rep, task, seed):
    assume(task.constraints.enforced)
    _, score = walked(rep, task, seed)
    stated = {f.name: getattr(task.constraints, f.name) for f in fields(Constraints) if f.name in rep.enforces}
    constraints = Constraints(**stated)
    if constraints.steady:
        _check_steady(score)
    if constraints.playable:
        _check_playable(score)
    if constraints.max_rest_bars is not None and not task.plan.controls:
        _check_rests(score, constraints.max_rest_bars)
    # chords that were asked for go before the scale
    is_free = constraints.chord_share is None and not task.plan.controls
    if constraints.max_chromatic_share is not None and len(score.keys) == 1 and is_free:
        assert _chromatic_share(score) <= constraints.max_chromatic_share + 1e-9
    if constraints.ends_on_tonic and len(score.keys) and not task.ends_midway and is_free:
        _check_end(score)


def _check_steady(score: Score) -> None:
    assert len(score.meters) == 1
    assert len(score.keys) <= 1
    assert len(score.tempos) <= 1
    full = score.meter_at(0).duration_quarter * score.ticks_per_quarter
    assert set(score.measures["duration_tick"].tolist()) == {full}


def _check_playable(score: Score) -> None:
    barlines = score.measures["onset_tick"] + score.measures["duration_tick"]
    end = int(barlines[-1]) if len(barlines) else score.end_tick
    for index, part in enumerate(score.parts):
        spec = instrument(128 if part.is_drums else part.program)
        notes = score.notes[score.notes["part"] == index]
        releases = notes["onset_tick"] + notes["duration_tick"]
        assert (releases <= end).all()
        assert ((notes["pitch"] >= spec.lowest_pitch) & (notes["pitch"] <= spec.highest_pitch)).all()
        for group in [notes] if spec.is_monophonic else [notes[notes["pitch"] == p] for p in np.unique(notes["pitch"])]:
            assert (group["onset_tick"][1:] >= (group["onset_tick"] + group["duration_tick"])[:-1]).all()


def _check_rests(score: Score, most: int) -> None:
    """No part is silent in more than `most` measures on end."""
    for index in range(len(score.parts)):
        notes = score.notes[score.notes["part"] == index]
        silent = 0
        for onset, duration in score.measures.tolist():
            sounds = (notes["onset_tick"] < onset + duration) & (notes["onset_tick"] + notes["duration_tick"] > onset)
            silent = 0 if sounds.any() else silent + 1
            assert silent <= most


def _check_end(score: Score) -> None:
    """What sounds to the very end belongs to the tonic triad, or is the tonic where one part plays.

    A part whose instrument has no such pitch left, since all are sounding, plays another.
    """
    key = Key.from_ids(*score.keys[["fifths", "mode"]][-1].item())
    third = 3 if key.mode in ("minor", "dorian", "phrygian") else 4
    wanted = {(7 * key.tonic + tone) % 12 for tone in ((0,) if len(score.parts) == 1 else (0, third, 7))}
    barline = int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1])
    last = score.notes[score.notes["onset_tick"] + score.notes["duration_tick"] >= barline]
    for note in last:
        if not score.parts[note["part"]].is_drums and note["onset_tick"] >= score.measures["onset_tick"][-1]:
            spec = instrument(score.parts[note["part"]].program)
            others = score.notes[(score.notes["part"] == note["part"]) & (score.notes["note_id"] != note["note_id"])]
            is_busy = others["onset_tick"] + others["duration_tick"] > note["onset_tick"]
            pitches = set(range(spec.lowest_pitch, spec.highest_pitch + 1)) - set(others["pitch"][is_busy].tolist())
            assert int(note["pitch"]) % 12 in wanted or not any(pitch % 12 in wanted for pitch in pitches)


def _chromatic_share(score: Score) -> float:
    key = score.key_at(0)
    assert key is not None
    scale = key.pitch_classes
    steps: Counter[bool] = Counter()
    for note in score.notes:
        if not score.parts[note["part"]].is_drums:
            steps[int(note["pitch"]) % 12 in scale] += int(note["duration_tick"])
    return steps[False] / max(steps.total(), 1)


@each
@given(TASKS, SEEDS, st.sampled_from(["strong beats", "beats", "always"]))
def test_notes_that_are_to_be_chord_tones_are(rep, task, seed, harmony):
    needs(rep, "harmony")
    constraints = Constraints(steady=True, harmony=harmony, budget=task.constraints.budget)
    task = Compose(replace(task.plan, controls=()), constraints)  # registers and lengths go before chords
    _, score = walked(rep, task, seed)
    meter = score.meter_at(0)
    # the only strong beat but the first is the middle of bars of four beats, here those of 4/4 and 12/8
    strong = meter.duration_quarter / (2 if meter.duration_quarter / meter.beat_quarter == 4 else 1)
    every = {"strong beats": strong, "beats": meter.beat_quarter, "always": Fraction(1, 96)}[harmony]
    beat = every * score.ticks_per_quarter
    onsets = np.array([c.onset_tick for c in score.chords])
    for note in score.notes:
        sounding = np.searchsorted(onsets, note["onset_tick"], "right") - 1
        measure = score.measures["onset_tick"][score.measure_at(note["onset_tick"])]
        if score.parts[note["part"]].is_drums or sounding < 0 or (note["onset_tick"] - measure) % beat:
            continue
        symbol = score.chords[sounding].symbol
        assert symbol is None or int(note["pitch"]) % 12 in symbol.pitch_classes


@each
@given(TASKS, SEEDS, st.floats(0.5, 1), st.booleans())
def test_each_bar_sounds_mostly_on_its_chords_where_that_is_asked_for(rep, task, seed, share, playable):
    needs(rep, "min_chord_share")
    constraints = Constraints(steady=True, playable=playable, min_chord_share=share, budget=task.constraints.budget)
    task = Compose(replace(task.plan, controls=()), constraints)
    assume(task.plan.chords is not None)
    _, score = walked(rep, task, seed)
    onsets = np.array([chord.onset_tick for chord in score.chords])
    for bar, duration in score.measures.tolist():
        sounds: Counter[bool] = Counter()
        for onset, length, pitch, part in score.notes[["onset_tick", "duration_tick", "pitch", "part"]].tolist():
            for tick in (
                () if score.parts[part].is_drums else range(max(onset, bar), min(onset + length, bar + duration))
            ):
                index = np.searchsorted(onsets, tick, "right") - 1
                symbol = score.chords[index].symbol if index >= 0 else None
                sounds[symbol is None or pitch % 12 in symbol.pitch_classes] += 1
        assert sounds[True] >= share * sounds.total() - 1e-6


@each
@given(TASKS, st.from_type(Control), SEEDS)
def test_controls_hold_in_the_music(rep, task, control, seed):
    needs(rep, "controls")
    assume(task.constraints.enforced)
    task = replace(task, plan=replace(task.plan, controls=(*task.plan.controls, control)))
    _, score = walked(rep, task, seed)
    _check_controls(score, task.plan.controls, range(len(score.measures)))


def _check_controls(score: Score, controls: tuple[Control, ...], bars: range, parts: set[int] | None = None) -> None:
    """Notes that some parts begin in some bars keep to the last control that speaks of their part and bar."""
    quarter, plain = score.ticks_per_quarter, without_complexity(controls)
    for index, part in enumerate(score.parts):
        if parts is not None and index not in parts:
            continue
        notes = score.notes[score.notes["part"] == index]
        release = notes["onset_tick"] + notes["duration_tick"]
        begun = Counter(score.measure_at(notes["onset_tick"]).tolist())
        for note in notes:
            onset, length, pitch = (int(note[name]) for name in ("onset_tick", "duration_tick", "pitch"))
            bar = int(score.measure_at(note["onset_tick"]))
            if bar not in bars:
                continue
            rule = _in_force(plain, index, bar)
            assert rule.density is None or begun[bar] <= rule.density[1]
            sounding = ((notes["onset_tick"] <= onset) & (release > onset)).sum()
            assert rule.polyphony is None or sounding <= rule.polyphony[1]
            assert part.is_drums or rule.register is None or rule.register[0] <= pitch <= rule.register[1]
            low, high = (max(round(ends * quarter), 1) for ends in rule.note_length or (0, 999))
            assert low <= length <= high


def _in_force(controls: tuple[Control, ...], part: int, bar: int) -> Control:
    """What all controls together ask of a part in a bar."""
    rule = Control()
    for control in controls:
        if (control.parts is None or part in control.parts) and (
            control.bars is None or control.bars[0] <= bar < control.bars[1]
        ):
            stated = {f.name: value for f in fields(Control) if (value := getattr(control, f.name)) is not None}
            rule = replace(rule, **stated)
    return rule


# Bars of a piece that are to be filled in


@st.composite
def holes(draw: st.DrawFn) -> tuple[Score, Infill]:
    """A piece, and the task to write some bars of some of its parts."""
    score = draw(SCORES)
    first = draw(st.integers(0, len(score.measures) - 1))
    last = draw(st.integers(first + 1, len(score.measures)))
    parts = draw(st.none() | st.sets(st.integers(0, len(score.parts) - 1), min_size=1).map(tuple))
    constraints = replace(draw(st.from_type(Constraints)), budget=draw(st.integers(100, 900)))
    controls = draw(st.just(()) | st.lists(st.from_type(Control), min_size=1, max_size=3).map(tuple))
    return score, Infill(first, last, parts, score, Plan(controls=controls), constraints)


HOLES = holes()


def hole(rep: Representation[Any], score: Score, task: Infill) -> Infill:
    """The task, where the representation can say its bars and where its budget holds what is given."""
    needs(rep, "infill")
    try:
        rep.start(task)
    except InfeasibleTask:
        assume(False)
    return task


@each
@given(HOLES)
def test_what_is_filled_in_as_it_was_gives_the_same_notes(rep, score_and_task):
    score, task = score_and_task
    task = replace(hole(rep, *score_and_task), constraints=Constraints(), plan=Plan())
    encoded, (quantised, _) = rep.encode(score, task), rep.quantise(score)
    decoded = rep.decode(encoded.ids, task)
    assert spliced(score, decoded, task) == spliced(score, quantised, task)
    assert decoded == quantised or not counts_bars(rep)  # what is far from the bars need not be told
    state = rep.start(task)
    assert rep.forced(state)[: len(encoded.prompt)] == tuple(encoded.prompt.tolist())
    for token in encoded.ids.tolist():
        assert allows(rep, state, token), rep.tokens[token]
        state = rep.step(state, token)
    assert rep.shortest_end(state) == 0


@each
@given(HOLES, SEEDS)
def test_filling_in_keeps_to_its_budget_and_always_has_a_choice(rep, score_and_task, seed):
    task = hole(rep, *score_and_task)
    _check_choices(rep, task, seed)
    _check_shortest_end(rep, task, seed)


@each
@given(HOLES, SEEDS)
def test_filling_in_adds_notes_only_and_reencodes_to_itself(rep, score_and_task, seed):
    task = hole(rep, *score_and_task)
    ids, whole = walked(rep, task, seed)
    assert len(ids) <= (task.constraints.budget or 0)
    for stop in random.Random(seed).choices(range(len(ids)), k=20):
        assert not _sounds(rep.decode(ids[:stop], task)) - _sounds(whole)
    if rep.canonical and len(whole.measures) == len(score_and_task[0].measures) and not score_and_task[0].programs:
        assert rep.encode(whole, replace(task, score=whole)).ids.tolist() == ids.tolist()


def _sounds(score: Score) -> Counter[tuple[int, ...]]:
    return Counter(score.notes[["onset_tick", "duration_tick", "pitch", "velocity"]].tolist())


@each
@given(HOLES, SEEDS)
def test_notes_outside_the_bars_and_parts_stay_as_they_are(rep, score_and_task, seed):
    score, task = score_and_task[0], hole(rep, *score_and_task)
    _, new = walked(rep, task, seed)
    begin, end = span(score, task)
    result = spliced(score, new, task)
    scale = result.ticks_per_quarter // score.ticks_per_quarter
    before, after = ({int(note["note_id"]): note for note in s.notes} for s in (score, result))
    for note_id, note in before.items():
        if note["part"] not in chosen_parts(score, task) or not begin <= note["onset_tick"] < end:
            assert _scaled(note, scale) == after[note_id].item()
    for note_id in after.keys() - before.keys():
        assert after[note_id]["part"] in chosen_parts(score, task)
        assert scale * begin <= after[note_id]["onset_tick"] < scale * end
        assert note_id > max(before, default=-1)
    assert all(_scaled(before[note_id], scale) == after[note_id].item() for note_id in after.keys() & before.keys())
    assert len(after) == len(result.notes)


def _scaled(note: Any, scale: int) -> tuple[Any, ...]:
    onset, duration, *rest = note.item()
    return (onset * scale, duration * scale, *rest)


@each
@given(HOLES, st.from_type(Control), SEEDS)
def test_controls_hold_in_the_bars_that_are_filled_in(rep, score_and_task, control, seed):
    needs(rep, "infill", "controls")
    score, task = score_and_task
    constraints = replace(task.constraints, enforced=True, budget=3000)
    task = hole(rep, score, replace(task, plan=Plan(controls=(control,)), constraints=constraints))
    assume(not score.programs)
    _, whole = walked(rep, task, seed)
    assume(len(whole.measures) == len(score.measures))
    written = set(chosen_parts(whole, task))
    _check_controls(whole, task.plan.controls, range(task.first, task.last), written)


@each
@given(HOLES, st.integers(60, 400))
def test_windows_around_bars_to_fill_in_fit_the_budget(rep, score_and_task, budget):
    score, task = score_and_task[0], hole(rep, *score_and_task)
    for piece, part in rep.windows(score, task, budget):
        assert isinstance(part, Infill)
        ids = rep.encode(piece, part).ids
        assert len(ids) <= budget
        assert spliced(piece, rep.decode(ids, part), part) == spliced(piece, rep.quantise(piece)[0], part)


@each
@given(HOLES, SEEDS)
def test_constraints_hold_in_the_bars_that_are_filled_in(rep, score_and_task, seed):
    needs(rep, "infill", "playable", "max_rest_bars")
    task = replace(score_and_task[1], plan=Plan(), constraints=replace(score_and_task[1].constraints, enforced=True))
    score, task = score_and_task[0], hole(rep, score_and_task[0], task)
    assume(not score.programs)
    _, whole = walked(rep, task, seed)
    assume(len(whole.measures) == len(score.measures))
    begin, end = span(whole, task)
    for part in chosen_parts(whole, task):
        notes = whole.notes[whole.notes["part"] == part]
        release = notes["onset_tick"] + notes["duration_tick"]
        written = (notes["onset_tick"] >= begin) & (notes["onset_tick"] < end)
        spec = instrument(_program(whole, notes[0])) if len(notes) else None
        if task.constraints.playable and spec:
            assert (release[written] <= end).all()
            assert ((notes["pitch"] >= spec.lowest_pitch) & (notes["pitch"] <= spec.highest_pitch))[written].all()
            before = release[notes["onset_tick"] < begin].max(initial=0) if spec.is_monophonic else 0
            assert (notes["onset_tick"][written] >= before).all()
            if spec.is_monophonic:
                assert (notes["onset_tick"][written][1:] >= release[written][:-1]).all()
        if task.constraints.max_rest_bars is not None:
            silent = 0
            for bar, (onset, duration) in enumerate(whole.measures[: task.last].tolist()):
                sounds = (notes["onset_tick"] < onset + duration) & (release > onset)
                silent = 0 if sounds.any() else silent + 1
                assert bar < task.first or silent <= task.constraints.max_rest_bars

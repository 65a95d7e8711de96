"""AMT: ids of the published vocabulary, sequences written out by hand, infilling, and what foreign models write."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from partimento.errors import BadInput, BadPlan, InfeasibleTask, NeedsBeats
from partimento.plan import Compose, Constraints, Infill, Plan
from partimento.representations.amt import Amt, midi_llm, operations
from partimento.representations.amt.vocabulary import (
    ANTICIPATE,
    AUTOREGRESS,
    CONTROL,
    DURATION,
    NOTE,
    REST,
    SEPARATOR,
    SIZE,
)
from partimento.score import MEASURE, METER, TEMPO, Part, Score, notes_array
from partimento.theory.instrument import DRUMS
from partimento.theory.meter import Meter

AMT = Amt()
END = [SEPARATOR] * 3
PIANO = (Part("piano"),)
PIANO_AND_BASS = (Part("piano"), Part("bass", 33))


def event(time: int, duration: int, pitch: int, program: int = 0) -> list[int]:
    return [time, DURATION + duration, NOTE + 128 * program + pitch]


def control(time: int, duration: int, pitch: int, program: int = 0) -> list[int]:
    return [CONTROL + token for token in event(time, duration, pitch, program)]


def rest(time: int) -> list[int]:
    return [time, DURATION, REST]


def piece(notes: Sequence[tuple[float, float, int, int]], parts=PIANO, bars: int = 8, beats: int = 4) -> Score:
    """Notes (onset, duration in quarters, pitch, part) at 120 bpm, so that a quarter lasts 50 steps."""
    rows = [
        {"onset_tick": round(480 * onset), "duration_tick": round(480 * length), "pitch": pitch, "part": part}
        for onset, length, pitch, part in notes
    ]
    measures = np.array([(480 * beats * bar, 480 * beats) for bar in range(bars)], MEASURE)
    meters = np.array([(0, beats, 4)], METER)
    return Score(480, parts, notes_array(rows), measures, meters, tempos=np.array([(0, 120.0)], TEMPO))


# Ids


def test_ids_are_those_of_the_published_vocabulary():
    assert (DURATION, NOTE, REST, CONTROL) == (10_000, 11_000, 27_512, 27_513)
    assert (SEPARATOR, AUTOREGRESS, ANTICIPATE, SIZE, len(AMT.tokens)) == (55_025, 55_026, 55_027, 55_028, 55_028)
    names = {
        0: "Time_0", 9_999: "Time_9999", 10_000: "Dur_0", 10_999: "Dur_999", 11_000: "Note_0_0",
        11_060: "Note_0_60", 27_511: "Note_128_127", 27_512: "REST", 27_513: "ATime_0", 37_513: "ADur_0",
        38_513: "ANote_0_0", 55_024: "ANote_128_127", 55_025: "SEPARATOR",
    }  # fmt: skip
    assert {id_: AMT.tokens[id_] for id_ in names} == names
    assert AMT.special == (SEPARATOR, AUTOREGRESS, SEPARATOR)


def test_a_piece_is_flag_triples_rests_and_three_separators():
    drums = Part("kit", 0, True)
    score = piece([(0, 1, 60, 0), (0.005, 1, 38, 1), (6.02, 30, 64, 0)], (Part("flute", 73), drums))
    ids = AMT.encode(score, Compose())
    assert ids.prompt.tolist() == [AUTOREGRESS]
    assert ids.target.tolist() == [
        *event(0, 50, 60, 73), *event(0, 50, 38, DRUMS), *rest(100), *rest(200), *rest(300),
        *event(301, 999, 64, 73), *END,
    ]  # fmt: skip
    assert AMT.encode(score, Compose(ends_midway=True)).target.tolist() == ids.target.tolist()[:-3]
    assert [loss.what for loss in AMT.quantise(score)[1]] == ["1 notes sound for 9.99 s only"]


def test_scores_without_a_beat_are_read_and_written():
    once = AMT.decode(np.array([AUTOREGRESS, *event(50, 10, 60), *event(70, 5, 40, 33), *END]), Compose())
    assert (once.ticks_per_quarter, len(once.meters), len(once.tempos)) == (50, 0, 0)
    assert once.seconds_at(once.notes["onset_tick"]).tolist() == pytest.approx([0.5, 0.7])
    assert [part.program for part in once.parts] == [0, 33]
    assert AMT.encode(once, Compose()).ids.tolist() == [AUTOREGRESS, *event(50, 10, 60), *event(70, 5, 40, 33), *END]


def test_what_cannot_be_said_is_named():
    graces = {"grace": 1, "duration_tick": 0, "pitch": 61, "onset_tick": 480}
    crowd = [{"onset_tick": 0, "duration_tick": 9, "pitch": p % 128, "part": p % 17} for p in range(70)]
    late = {"onset_tick": 250 * 480, "duration_tick": 480, "pitch": 60, "part": 1}
    score = Score(480, tuple(Part(str(p), p) for p in range(17)), notes_array([graces, *crowd, late]))
    quantised, losses = AMT.quantise(score)
    reasons = [loss.what for loss in losses]
    assert {what: reasons.count(what) for what in set(reasons)} == {
        "grace note": 1, "seventeenth instrument": 4, "more than 64 at once": 2, "note behind 100 s": 1,
    }  # fmt: skip
    assert (len(quantised.notes), len(quantised.parts)) == (64, 16)


def test_parts_of_one_instrument_are_one_however_many():
    rows = [{"onset_tick": n // 65, "duration_tick": 9, "pitch": 60, "part": 299 - 4 * n} for n in range(75)]
    score = Score(50, (Part(),) * 300, notes_array(rows))
    quantised, losses = AMT.quantise(score)
    assert np.bincount(quantised.notes["onset_tick"]).tolist() == [64, 10]
    assert [loss.what for loss in losses] == ["more than 64 at once"]
    assert len(quantised.parts) == 1


def test_notes_of_unknown_length_sound_for_a_quarter_of_a_second():
    score = Score(480, (Part(),), notes_array([{"onset_tick": 0, "duration_tick": 0, "pitch": 60}]))
    assert AMT.encode(score, Compose()).target[:3].tolist() == event(0, 25, 60)


def test_absurd_times_do_no_harm():
    rows = [{"onset_tick": tick, "duration_tick": 2**40, "pitch": 60} for tick in (0, 2**40, 2**62)]
    score = Score(1, (Part(),), notes_array(rows), tempos=np.array([(0, 1.0)], TEMPO))
    assert [len(window.notes) for window, _ in AMT.windows(score, Compose(), 1024)] == [1, 2]
    with pytest.raises(BadInput, match="tempi"):
        AMT.events(score)


# Windows


def test_a_long_piece_is_cut_where_100_s_or_the_context_end():
    scale = [(0.5 * n, 0.5, 40 + n % 40, 0) for n in range(1000)]
    windows = list(AMT.windows(piece(scale), Compose(), 1024))
    assert [len(score.notes) for score, _ in windows] == [341, 341, 318]
    assert [len(AMT.encode(*window).ids) for window in windows] == [1024, 1024, 1 + 3 * 318 + 3]
    assert [score.notes["onset_tick"][0] for score, _ in windows] == [0, 0, 0]
    assert [(task.opens_midway, task.ends_midway) for _, task in windows] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    sparse = [(8.0 * n, 1, 60, 0) for n in range(60)]
    assert [len(score.notes) for score, _ in AMT.windows(piece(sparse), Compose(), 1024)] == [25, 25, 10]


def test_the_end_of_a_piece_has_room_for_its_separators():
    for count in (340, 341, 342):
        windows = list(AMT.windows(piece([(0.1 * n, 0.1, 60, 0) for n in range(count)]), Compose(), 1024))
        assert sum(len(score.notes) for score, _ in windows) == count
        assert all(len(AMT.encode(*window).ids) <= 1024 for window in windows)
        assert AMT.encode(*windows[-1]).ids[-3:].tolist() == END


def test_silence_before_a_window_is_left_out_and_before_the_piece_kept():
    windows = list(AMT.windows(piece([(4, 1, 60, 0), (300, 1, 62, 0)]), Compose(), 1024))
    assert [score.notes["onset_tick"].tolist() for score, _ in windows] == [[200], [0]]
    silent = list(AMT.windows(piece([(100, 1, 60, 0)]), Compose(), 1024))
    assert silent[0][0].notes["onset_tick"].tolist() == [0]


def random_piece(rng: np.random.Generator, notes: int, quarters: int) -> Score:
    onset = rng.integers(0, quarters, notes) / rng.choice([1, 2, 4])
    rows = np.stack([onset, rng.integers(1, 40, notes), rng.integers(0, 128, notes), rng.integers(0, 3, notes)], 1)
    return piece([tuple(row) for row in rows.tolist()], (*PIANO_AND_BASS, Part("kit", 0, True)), bars=quarters // 4)


@pytest.mark.parametrize("seed", range(20))
def test_windows_can_be_encoded_in_one_go(seed: int):
    rng = np.random.default_rng(seed)
    score, budget = random_piece(rng, 300, int(rng.choice([20, 400, 4000]))), int(rng.integers(20, 300))
    windows = list(AMT.windows(score, Compose(), budget))
    encoded = list(AMT.encoded_windows(score, Compose(), budget))
    assert [window.encoded.ids.tolist() for window in encoded] == [
        AMT.encode(*window).ids.tolist() for window in windows
    ]
    assert [window.notes for window in encoded] == [len(score.notes) for score, _ in windows]


# Tables


def test_controls_are_transposed_and_exchanged_too_and_drums_stay():
    ids = np.array([*event(0, 9, 60, 40), *control(9, 9, 127, 40), *event(9, 9, 38, DRUMS)])
    moved = [*event(0, 9, 65, 40), *control(9, 9, 127, 40), *event(9, 9, 38, DRUMS)]
    assert AMT.transposition(5)[ids].tolist() == moved
    swapped = [*event(0, 9, 60, 73), *control(9, 9, 127, 73), *event(9, 9, 38, DRUMS)]
    assert AMT.exchange({40: 73, 73: 40})[ids].tolist() == swapped
    assert AMT.exchange({40: 73, 73: 40})[np.array(swapped)].tolist() == ids.tolist()


# Foreign sequences


def test_pieces_behind_separators_follow_one_another():
    ids = [AUTOREGRESS, *END, *event(0, 10, 60), *event(20, 30, 62), *END, *event(5, 10, 64)]
    assert AMT.decode(np.array(ids), Compose()).notes["onset_tick"].tolist() == [0, 20, 55]


def repaired(ids: list[int]) -> tuple[list[int], int]:
    kept, dropped = AMT.repaired(np.array(ids, np.int32))
    return kept.tolist(), dropped


def test_broken_triples_are_dropped_and_counted():
    whole = [*event(0, 10, 60), *control(3, 10, 61), *rest(100), *event(120, 10, 62)]
    assert repaired([AUTOREGRESS, *whole, *END]) == ([*whole, *END], 0)
    assert repaired([*whole, SEPARATOR, *whole]) == ([*whole, *END, *whole], 0)
    broken = [AUTOREGRESS, *event(0, 10, 60), 5, *event(7, 1, 61), DURATION + 3, NOTE, *event(9, 1, 62)[:2]]
    assert repaired(broken) == ([*event(0, 10, 60), *event(7, 1, 61)], 5)
    mixed = [0, CONTROL + DURATION, NOTE, -4, SIZE + 2, AUTOREGRESS, *event(1, 1, 1)]
    assert repaired(mixed) == (event(1, 1, 1), 6)
    assert repaired([]) == ([], 0)


def test_any_ids_decode():
    rng = np.random.default_rng(0)
    for size in range(60):
        score = AMT.decode(rng.integers(-5, SIZE + 5, size).astype(np.int32), Compose())
        assert AMT.quantise(score)[0] == score
    blocks = np.array([[0, 10_000], [10_000, 11_000], [11_000, 27_513]])
    ids = rng.integers(*blocks[rng.integers(0, 3, 3000)].T).astype(np.int32)
    kept, dropped = AMT.repaired(ids)
    assert len(kept) + dropped == 3000
    assert len(AMT.decode(ids, Compose()).notes) == len(operations.unpad(kept)) // 3 > 50


def test_midi_llm_has_the_same_ids_behind_those_of_llama():
    assert midi_llm.VOCABULARY == 183_286
    assert midi_llm.OPENING == 183_282
    ids = np.array([AUTOREGRESS, *event(0, 10, 60), *END])
    shifted = midi_llm.to_midi_llm(ids)
    assert shifted.tolist() == [id_ + 128_256 for id_ in ids.tolist()]
    assert midi_llm.from_midi_llm([128_000, 9_906, *shifted.tolist(), 183_285]).tolist() == ids.tolist()
    assert midi_llm.prompt("A waltz.") == (
        "You are a world-class composer. Please compose some music according to the following description: A waltz. "
    )
    assert AMT.repaired(shifted)[0].tolist() == ids.tolist()[1:]
    assert AMT.decode(shifted, Compose()) == AMT.decode(ids, Compose())
    with pytest.raises(BadInput):
        midi_llm.to_midi_llm([SIZE])


# The grammar


def walk(task, seed: int, most: int, until_end: bool = True) -> tuple[list[int], list]:
    rng, state, ids, states = random.Random(seed), AMT.start(task), [], []
    while len(ids) < most and (AMT.shortest_end(state) or not until_end):
        states.append(state)
        ids.append(rng.randrange(*rng.choice(AMT.allowed(state))))
        state = AMT.step(state, ids[-1])
    return ids, [*states, state]


def crawl(task, seed: int) -> list[int]:
    """A walk that advances slowly and never chooses to end, so that it fills its budget."""
    rng, state, ids = random.Random(seed), AMT.start(task), []
    while AMT.shortest_end(state):
        low, high = AMT.allowed(state)[0]
        ids.append(rng.randrange(low, min(high, low + 30) if low < DURATION else high))
        state = AMT.step(state, ids[-1])
    return ids


@pytest.mark.parametrize("seed", range(5))
def test_walks_of_a_thousand_steps_decode_and_end_within_their_budget(seed):
    task = Compose(Plan(instruments=(0, 40, DRUMS)), Constraints(budget=1024))
    ids = crawl(task, seed)
    assert 1018 < len(ids) <= 1024
    assert ids[-3:] == END
    score = AMT.decode(np.array(ids), task)
    notes = [note for note in ids[3::3] if NOTE <= note < REST]
    assert len(score.notes) == len(notes) > 300
    assert {128 if part.is_drums else part.program for part in score.parts} <= {0, 40, DRUMS}
    again = AMT.encode(score, Compose()).ids
    assert AMT.decode(again, Compose()) == score


def test_excerpts_may_stop_after_every_note_and_end_with_the_budget():
    task = Compose(constraints=Constraints(budget=64), ends_midway=True)
    ids, states = walk(task, 1, 200, until_end=False)
    assert AMT.shortest_end(states[1]) == 0
    assert len(AMT.decode(np.array(ids), task).notes) <= 20
    stop = ids.index(SEPARATOR)
    assert stop <= 61
    assert ids[stop:] == [SEPARATOR] * (200 - stop)


def test_at_most_sixteen_instruments_play_and_64_notes_begin_together():
    state = AMT.step(AMT.start(Compose()), AUTOREGRESS)
    for number in range(64):
        for token in event(7, 10, 60, number % 16):
            assert any(low <= token < high for low, high in AMT.allowed(state))
            state = AMT.step(state, token)
    assert AMT.allowed(state) == ((8, 10_000), (SEPARATOR, SEPARATOR + 1))
    state = AMT.step(AMT.step(state, 8), DURATION + 1)
    assert AMT.allowed(state) == ((NOTE, NOTE + 16 * 128),)


def test_a_rest_has_no_duration_and_time_does_not_run_back():
    state = AMT.step(AMT.step(AMT.start(Compose()), AUTOREGRESS), 500)
    assert AMT.allowed(AMT.step(state, DURATION)) == ((NOTE, REST + 1),)
    assert AMT.allowed(AMT.step(state, DURATION + 1)) == ((NOTE, REST),)
    assert AMT.allowed(AMT.step(AMT.step(state, DURATION), REST))[0] == (500, 10_000)


def test_bars_meter_and_tempo_together_close_the_piece():
    plan = Plan(bars=4, meter=Meter(3, 4), tempo_bpm=90.0)  # 8 s
    task = Compose(plan, Constraints(budget=900))
    for seed in range(20):
        ids, _ = walk(task, seed, 900)
        score = AMT.decode(np.array(ids), task)
        assert (score.notes["onset_tick"] + score.notes["duration_tick"] <= 800).all()
        assert ids[-3:] == END
    state = AMT.step(AMT.start(task), AUTOREGRESS)
    assert AMT.allowed(state) == ((0, 10_000),)
    assert AMT.forced(AMT.step(state, 800)) == (DURATION, REST, *END)
    assert AMT.allowed(AMT.step(state, 799)) == ((DURATION, DURATION + 2),)
    with pytest.raises(InfeasibleTask, match="100 s"):
        AMT.start(Compose(Plan(bars=60, meter=Meter(4, 4), tempo_bpm=60.0)))
    with pytest.raises(InfeasibleTask, match="needs 4 tokens"):
        AMT.start(Compose(constraints=Constraints(budget=3)))


# Infilling


def quartersong() -> Score:
    """Ten bars of 4/4 at 120 bpm, 2 s each; a note a bar in the piano, one in the bass half a bar later."""
    notes = [(4.0 * bar, 1, 60 + bar, 0) for bar in range(10)] + [(4.0 * bar + 2, 1, 30 + bar, 1) for bar in range(10)]
    return piece(notes, PIANO_AND_BASS, bars=10)


def test_infilling_interleaves_what_is_given_five_seconds_ahead():
    task = Infill(2, 4, parts=(0,))
    encoded = AMT.encode(quartersong(), task)
    assert encoded.prompt.tolist() == [
        ANTICIPATE,
        *control(100, 50, 30, 33), *control(300, 50, 31, 33), *control(500, 50, 32, 33),
        *event(0, 50, 60), *rest(100), *event(200, 50, 61), *control(700, 50, 33, 33), *rest(300),
        *control(800, 50, 64),
    ]  # fmt: skip
    assert encoded.target.tolist() == [
        *event(400, 50, 62), *control(900, 50, 34, 33), *rest(500), *control(1000, 50, 65),
        *event(600, 50, 63), *control(1100, 50, 35, 33), *rest(700), *control(1200, 50, 66), *rest(800), *END,
    ]  # fmt: skip


def test_the_grammar_forces_in_what_is_given_and_accepts_what_was_played():
    for task in (
        Infill(2, 4, parts=(0,)),
        Infill(0, 10),
        Infill(0, 1),
        Infill(9, 10, parts=(1,)),
        Infill(3, 7, (0, 1)),
    ):
        encoded = AMT.encode(quartersong(), task)
        state = AMT.start(Infill(task.first, task.last, task.parts, quartersong()))
        assert AMT.forced(state) == tuple(encoded.prompt.tolist())
        for token in encoded.ids.tolist():
            assert any(low <= token < high for low, high in AMT.allowed(state)), AMT.tokens[token]
            state = AMT.step(state, token)
        assert AMT.shortest_end(state) == 0


@pytest.mark.parametrize("seed", range(20))
def test_walks_write_inside_the_range_with_the_instruments_of_its_parts(seed):
    score = quartersong()
    budget = 120 + 6 * seed
    task = Infill(2, 5, parts=(1,), score=score, constraints=Constraints(budget=budget))
    ids = (walk(task, seed, 999)[0], crawl(task, seed))[seed % 2]
    assert len(ids) <= budget
    events, controls = operations.split(ids[1:])
    written = operations.triples(operations.unpad(events))[2:]  # two notes of the bass stand before the range
    assert ((written[:, 0] >= 400) & (written[:, 0] < 1000)).all()
    assert set(operations.instruments_of(written).tolist()) <= {33}
    given = operations.delete(controls, lambda rows: rows[:, 2] == SEPARATOR)
    assert {tuple(row) for row in operations.triples(given).tolist()} <= set(map(tuple, _all_controls(score)))


def _all_controls(score: Score) -> list[list[int]]:
    return (operations.triples(AMT.events(score)) + CONTROL).tolist()


@pytest.mark.parametrize("seed", range(10))
def test_what_is_given_stands_five_seconds_ahead_in_every_walk(seed):
    score = quartersong()
    ids, _ = walk(Infill(1, 6, parts=(0,), score=score, constraints=Constraints(budget=600)), seed, 999)
    rows = operations.triples(ids[1:-3]).tolist()
    now, waiting = 0, sorted(row for row in _all_controls(score) if row[2] >= CONTROL + NOTE + 33 * 128)
    for row, following in pairwise([*rows, rest(0)]):
        if row[2] < CONTROL:
            now = row[0]
        else:
            assert row[0] - CONTROL - 500 <= now
            waiting = [other for other in waiting if other != row]
        if following[2] < CONTROL and following != rest(0):
            assert all(other[0] - CONTROL - 500 > now for other in waiting)


@pytest.mark.parametrize("seed", range(40))
def test_any_bars_of_any_parts_can_be_filled_in_within_any_budget(seed):
    rng = np.random.default_rng(seed)
    score = random_piece(rng, int(rng.integers(1, 200)), int(rng.choice([8, 40, 160])))
    first = int(rng.integers(0, len(score.measures)))
    parts = (None, (0,), (1, 2))[seed % 3]
    task = Infill(first, int(rng.integers(first, len(score.measures))) + 1, parts, score)
    encoded = AMT.encode(score, task)
    assert AMT.forced(AMT.start(task))[: len(encoded.prompt)] == tuple(encoded.prompt.tolist())
    budget = int(rng.integers(len(encoded.prompt) + 3, len(encoded.ids) + 3))
    task = replace(task, constraints=Constraints(budget=budget))
    written: list[list[int]] = []
    for ids in (walk(task, seed, 9999)[0], crawl(task, seed)):
        assert len(ids) <= budget
        assert ids[-3:] == END
        written += operations.triples(operations.unpad(operations.split(ids[len(encoded.prompt) :])[0])).tolist()
    begin, end = (200 * bar for bar in (task.first, task.last))
    assert all(begin <= time < end for time, _, _ in written)
    state = AMT.start(replace(task, constraints=Constraints(budget=len(encoded.ids))))
    for token in encoded.ids.tolist():
        assert any(low <= token < high for low, high in AMT.allowed(state)), AMT.tokens[token]
        state = AMT.step(state, token)


def test_infilling_that_makes_no_sense_is_refused():
    score = quartersong()
    with pytest.raises(InfeasibleTask, match="name it"):
        AMT.start(Infill(0, 1))
    with pytest.raises(BadPlan, match="has 10"):
        AMT.start(Infill(9, 11, score=score))
    with pytest.raises(BadPlan, match="parts 0 to 1"):
        AMT.start(Infill(0, 1, (2,), score))
    with pytest.raises(InfeasibleTask, match="none of the plan's"):
        AMT.start(Infill(0, 1, (1,), score, Plan(instruments=(0,))))
    with pytest.raises(InfeasibleTask, match="needs"):
        AMT.start(Infill(8, 9, score=score, constraints=Constraints(budget=20)))
    with pytest.raises(InfeasibleTask, match="windows"):
        AMT.start(Infill(58, 60, score=piece([(0, 1, 60, 0)], bars=60)))
    with pytest.raises(NeedsBeats):
        AMT.start(Infill(0, 1, score=AMT.quantise(score)[0]))


def test_windows_of_an_infill_show_as_much_around_it_as_fits():
    notes = [(float(n), 1, 60, 0) for n in range(400)]
    long = piece(notes, bars=100)
    ((score, task),) = AMT.windows(long, Infill(50, 52), 600)
    assert isinstance(task, Infill)
    assert task.score == score
    assert task.last - task.first == 2
    assert 500 < len(AMT.encode(score, task).ids) <= 600
    assert score == long.slice_bars(50 - task.first, 50 - task.first + len(score.measures))
    halves = list(AMT.windows(long, Infill(20, 80), 1024))
    assert sum(task.last - task.first for _, task in halves if isinstance(task, Infill)) == 60
    assert all(len(AMT.encode(*window).ids) <= 1024 for window in halves)

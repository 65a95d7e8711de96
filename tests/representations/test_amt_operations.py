"""Operations on AMT tokens, each on an example small enough to be worked out by hand, and training rows."""

import numpy as np
import pytest

from partimento.errors import BadInput
from partimento.representations.amt import anticipation, operations
from partimento.representations.amt.vocabulary import (
    ANTICIPATE,
    AUTOREGRESS,
    CONTROL,
    DURATION,
    NOTE,
    REST,
    SEPARATOR,
)

END = [SEPARATOR] * 3


def event(time: int, duration: int = 10, pitch: int = 60, program: int = 0) -> list[int]:
    return [time, DURATION + duration, NOTE + 128 * program + pitch]


def control(time: int, duration: int = 10, pitch: int = 60, program: int = 0) -> list[int]:
    return [CONTROL + token for token in event(time, duration, pitch, program)]


def rest(time: int) -> list[int]:
    return [time, DURATION, REST]


def test_clip_keeps_both_ends_and_shortens_what_rings_on():
    ids = [*event(99), *event(100, 50), *control(150, 80), *event(200, 5), *event(201)]
    clipped = operations.clip(ids, 1, 2)
    assert clipped.tolist() == [*event(100, 50), *control(150, 50), *event(200, 0)]
    assert operations.clip(ids, 100, 150, clip_duration=False, seconds=False).tolist() == ids[3:9]


def test_mask_leaves_out_what_lies_between():
    ids = [*event(100), *event(101), *control(150), *event(200)]
    assert operations.mask(ids, 1, 2).tolist() == [*event(100), *event(200)]


def test_delete_leaves_out_what_a_criterion_marks():
    ids = [*event(0, pitch=60), *event(1, pitch=61), *rest(2)]
    assert operations.delete(ids, lambda rows: rows[:, 2] == NOTE + 61).tolist() == [*event(0), *rest(2)]


def test_sort_is_stable():
    ids = [*event(5, pitch=1), *event(2, pitch=2), *event(5, pitch=0), *event(2, pitch=1)]
    assert operations.sort(ids).tolist() == [*ids[3:6], *ids[9:], *ids[:3], *ids[6:9]]


def test_split_and_combine():
    ids = [*control(3), *event(0), *event(3, pitch=61), *control(4)]
    events, controls = operations.split(ids)
    assert (events.tolist(), controls.tolist()) == ([*event(0), *event(3, pitch=61)], [*control(3), *control(4)])
    assert operations.combine(events, controls).tolist() == [
        *event(0), *event(3, pitch=61), *event(3), *event(4),
    ]  # fmt: skip


def test_pad_puts_a_rest_in_every_second_of_silence():
    ids = [*event(100), *event(201), *event(401)]
    padded = [*event(100), *rest(200), *event(201), *rest(301), *event(401)]
    assert operations.pad(ids).tolist() == padded
    assert operations.pad(ids, 601).tolist() == [*padded, *rest(501), *rest(601)][:-3]
    assert operations.pad([], 250).tolist() == [*rest(100), *rest(200)]
    assert operations.pad(event(120), density=50).tolist() == [*rest(50), *rest(100), *event(120)]
    assert operations.unpad(padded).tolist() == ids
    with pytest.raises(BadInput, match="events only"):
        operations.pad(control(5))


def test_controls_stand_in_front_of_the_event_after_the_one_that_is_five_seconds_ahead():
    events = [*event(0), *event(200), *event(201), *event(900)]
    controls = [*control(500), *control(701), *control(1400), *control(1401)]
    interleaved, late = operations.anticipate(events, controls)
    assert interleaved.tolist() == [*control(500), *event(0), *event(200), *event(201), *control(701), *event(900)]
    assert late.tolist() == [*control(1400), *control(1401)]
    assert operations.anticipate(events, [], 5)[0].tolist() == events
    with pytest.raises(BadInput, match="events only"):
        operations.anticipate(controls, controls)


def test_sparsity_is_the_longest_wait():
    assert operations.sparsity([*event(130), *event(200), *END, *event(300)]) == 130
    with pytest.raises(BadInput):
        operations.sparsity(control(3))


def test_times_and_instruments_of_the_first_piece():
    ids = [*event(30, program=5), *control(20, program=7), *rest(50), *END, *event(10), *event(90)]
    assert (operations.min_time(ids), operations.max_time(ids)) == (0.2, 0.5)
    assert (operations.min_time(ids, seconds=False), operations.max_time(ids, seconds=False)) == (20, 50)
    assert operations.max_time(ids, instrument=5) == operations.min_time(ids, instrument=5) == 0.3
    assert (operations.min_time(ids, instrument=9), operations.max_time([])) == (0, 0)
    assert operations.get_instruments(ids) == {0: 2, 5: 1, 7: 1}


def test_translate_moves_the_first_piece():
    ids = [*event(30), *control(20), *END, *event(10)]
    assert operations.translate(ids, -20).tolist() == [*event(10), *control(0), *END, *event(10)]
    assert operations.translate(ids, 0.5, seconds=True).tolist() == [*event(80), *control(70), *END, *event(10)]
    with pytest.raises(BadInput, match="before its start"):
        operations.translate(ids, -21)


def test_stretch_makes_slower_and_faster():
    ids = [*event(10, 15), *control(33, 900), *rest(100), *END]
    assert operations.stretch(ids, 2).tolist() == [*event(20, 30), *control(66, 999), *rest(200), *END]
    assert operations.stretch([*event(10, 1), *control(33, 10)], 0.5).tolist() == [*event(5, 1), *control(16, 6)]
    with pytest.raises(BadInput, match="above 0"):
        operations.stretch(ids, 0)


def test_sequences_out_of_step_are_refused():
    with pytest.raises(BadInput, match="no whole triples"):
        operations.unpad([0, 10_000])


# Training rows


def tune(seconds: int, programs: tuple[int, ...] = (0,)) -> np.ndarray:
    """Five notes a second."""
    ids = [event(20 * n, 10, 40 + n % 50, programs[n % len(programs)]) for n in range(5 * seconds)]
    return np.array(ids, np.int32).ravel()


def test_spans_last_five_seconds_and_together_with_the_events_are_the_piece():
    piece = tune(600)
    events, controls = anticipation.spans(piece, np.random.default_rng(0))
    assert operations.combine(events, controls).tolist() == piece.tolist()
    given = np.isin(piece[::3], controls[::3] - CONTROL)
    edges = np.flatnonzero(np.diff(given.astype(int), prepend=0, append=0))
    lengths = np.diff(edges)[::2]
    assert 10 < len(lengths) < 40
    assert all(length % 25 == 0 for length in lengths[:-1].tolist())


def test_notes_and_instruments_become_controls():
    piece = tune(100, (0, 40, 73))
    events, controls = anticipation.at_random(piece, np.random.default_rng(0), 0.3)
    assert 0.2 < len(controls) / len(piece) < 0.4
    assert operations.combine(events, controls).tolist() == piece.tolist()
    events, controls = anticipation.of_instruments(piece, {40})
    assert operations.get_instruments(events).keys() == {0, 73}
    assert operations.get_instruments(controls).keys() == {40}


def test_versions_hold_the_whole_piece():
    piece = tune(60, (0, 40, 73))
    for number in range(20):
        ids = anticipation.version(piece, number, np.random.default_rng(number))
        events, controls = operations.split(ids)
        assert operations.combine(operations.unpad(events), controls).tolist() == piece.tolist()
        assert bool(len(controls)) == bool(number % 10)
    alone = anticipation.version(tune(60), 6, np.random.default_rng(0))
    assert not len(operations.split(alone)[1])  # an instrument that plays alone is not given


def test_rows_are_a_flag_and_341_triples_that_count_from_zero():
    rows = list(anticipation.rows([tune(60), tune(100)], np.random.default_rng(0)))
    assert [len(row) for row in rows] == [1024, 1024]  # 802 triples with separators
    first, second = (operations.triples(row[1:]) for row in rows)
    assert first[0].tolist() == END
    assert (first[1:301, 0] == tune(60)[::3]).all()
    assert first[301].tolist() == END
    assert first[302:, 0].tolist() == [20 * n for n in range(39)]
    assert second[:, 0].tolist() == [20 * n for n in range(341)]
    assert {int(row[0]) for row in rows} == {AUTOREGRESS}


def test_flags_tell_of_the_version_at_the_start_of_the_row():
    rows = list(anticipation.rows([tune(69)], np.random.default_rng(0), versions=3))  # 346 triples and more
    assert [int(row[0]) for row in rows] == [AUTOREGRESS, AUTOREGRESS, ANTICIPATE]


def test_rows_that_would_last_too_long_are_left_out():
    slow = np.array([event(90 * n) for n in range(500)], np.int32).ravel()
    assert list(anticipation.rows([slow], np.random.default_rng(0))) == []


def test_pieces_that_anticipation_leaves_out():
    assert anticipation.refusal(tune(60)) is None
    assert anticipation.refusal(tune(19)) == "fewer than 100 notes"
    assert anticipation.refusal(operations.stretch(tune(60), 0.1)) == "shorter than 10 s"
    assert anticipation.refusal(operations.stretch(tune(60), 100)) == "longer than 3600 s"
    assert anticipation.refusal(tune(60, tuple(range(17)))) == "more than 16 instruments"

"""Near-duplicates among Bach's chorales: planted copies are found, other chorales are left alone."""

from dataclasses import replace

import numpy as np
import pytest

from partimento.data.duplicates import LEAST, SLOTS, clusters, likeness, sketch
from partimento.data.sources import find_files
from partimento.io import load_score, load_scores, save_score
from partimento.score import Part, Score, notes_array


@pytest.fixture(scope="module")
def chorales() -> list[Score]:
    return [load_scores(file.path)[0].sounding() for file in find_files("music21:bach")[:120:6]]


@pytest.fixture(scope="module")
def sketches(chorales) -> np.ndarray:
    return np.stack([sketch(chorale) for chorale in chorales])


def joined(first: np.ndarray, second: np.ndarray) -> bool:
    return len(set(clusters(np.stack([first, second])).tolist())) == 1


def faster(score: Score) -> Score:
    return score.map_ticks(lambda tick: tick // 2, lambda tick: tick // 2)


def orchestrated(score: Score, seed: int) -> Score:
    """Every note in any of three other parts."""
    rng, notes = np.random.default_rng(seed), score.notes.copy()
    notes["part"] = rng.integers(0, 3, len(notes))
    return Score(score.ticks_per_quarter, (Part("a", 60), Part("b", 61), Part("c", 70)), notes=notes)


def altered(score: Score, share: float, seed: int) -> Score:
    """A share of the notes moved in pitch or in time, or left out."""
    rng, notes = np.random.default_rng(seed), score.notes.copy()
    chosen, kind = rng.random(len(notes)) < share, rng.integers(0, 3, len(notes))
    notes["pitch"] += (chosen & (kind == 0)) * rng.choice([-2, -1, 1, 2], len(notes)).astype(np.int16)
    notes["onset_tick"] += (chosen & (kind == 1)) * (score.ticks_per_quarter // 2)
    return score.with_notes(notes[~(chosen & (kind == 2))])


def half(score: Score, seed: int) -> Score:
    bars = len(score.measures)
    first = np.random.default_rng(seed).integers(0, bars - bars // 2)
    return score.slice_bars(int(first), int(first) + bars // 2)


def test_a_sketch_takes_a_kibibyte(sketches):
    assert sketches.dtype == np.uint32
    assert sketches[0].nbytes == 1024


def test_key_tempo_and_resolution_leave_the_sketch_as_it_is(chorales, sketches):
    for chorale, known in zip(chorales, sketches, strict=True):
        tripled = chorale.with_resolution(3 * chorale.ticks_per_quarter)
        for copy in (chorale.transpose(5), chorale.transpose(-7), tripled, faster(chorale.with_resolution(20160))):
            assert np.array_equal(sketch(copy), known)


def test_so_do_instruments_and_the_split_of_parts(chorales, sketches):
    for seed, (chorale, known) in enumerate(zip(chorales, sketches, strict=True)):
        assert np.array_equal(sketch(orchestrated(chorale, seed)), known)
        with_drums = orchestrated(chorale, seed)
        hits = notes_array({"onset_tick": 7 * n, "duration_tick": 1, "pitch": 42, "part": 3} for n in range(99))
        parts = (*with_drums.parts, Part("kit", 0, True))
        assert np.array_equal(
            sketch(replace(with_drums, parts=parts, notes=np.concatenate([with_drums.notes, hits]))), known
        )


def test_ties_and_grace_notes_say_nothing():
    pitches = np.random.default_rng(0).integers(60, 72, 40).tolist()
    rows = [{"onset_tick": 10 * n, "duration_tick": 10, "pitch": pitch} for n, pitch in enumerate(pitches)]
    cut = [
        {**row, "onset_tick": row["onset_tick"] + at, "duration_tick": 5, "tied": not at}
        for row in rows
        for at in (0, 5)
    ]
    grace = [{**row, "duration_tick": 0, "grace": 1, "pitch": 80} for row in rows]
    whole = sketch(Score(10, (Part("x"),), notes=notes_array(rows)))
    assert whole[SLOTS] > 60
    assert np.array_equal(sketch(Score(10, (Part("x"),), notes=notes_array(cut))), whole)
    assert np.array_equal(sketch(Score(10, (Part("x"),), notes=notes_array([*rows, *grace]))), whole)


def test_altered_and_shortened_copies_are_joined_with_their_original(chorales, sketches):
    for seed, (chorale, known) in enumerate(zip(chorales, sketches, strict=True)):
        for copy in (
            altered(chorale, 0.05, seed),
            half(chorale, seed),
            altered(half(chorale.transpose(2), seed), 0.02, seed),
        ):
            assert joined(known, sketch(copy))


def test_other_chorales_are_not_joined(sketches):
    assert len(set(clusters(sketches).tolist())) == len(sketches)


def test_a_copy_through_a_file_is_found(chorales, sketches, tmp_path):
    save_score(orchestrated(chorales[3].transpose(1), 1), tmp_path / "copy.mid")
    assert joined(sketches[3], sketch(load_score(tmp_path / "copy.mid")))


def test_labels_are_the_smallest_index_and_pieces_may_come_in_any_order(chorales, sketches):
    copies = [sketch(altered(chorale, 0.04, 9)) for chorale in chorales]
    twice = np.concatenate([sketches, copies])
    labels = clusters(twice)
    assert labels.tolist() == [*range(len(sketches)), *range(len(sketches))]
    rng = np.random.default_rng(4)
    for _ in range(5):
        order = rng.permutation(len(twice))
        groups = clusters(twice[order])
        assert all(order[label] % len(sketches) == order[k] % len(sketches) for k, label in enumerate(groups))
        assert all(groups[k] == min(np.flatnonzero(groups == groups[k])) for k in range(len(groups)))


def test_a_chain_of_copies_is_one_cluster(chorales):
    chain = [chorales[0]]
    for seed in range(6):
        chain.append(altered(chain[-1], 0.05, seed))
    assert set(clusters(np.stack([sketch(score) for score in chain])).tolist()) == {0}


def test_many_copies_of_one_piece_are_one_cluster(chorales):
    rows = np.stack([sketch(altered(chorales[1], 0.06, seed)) for seed in range(60)])
    assert set(clusters(rows).tolist()) == {0}


def test_pieces_that_are_known_to_belong_together_are_joined(sketches):
    known = np.full(len(sketches), -1)
    known[[4, 9, 2]] = 7
    assert np.flatnonzero(clusters(sketches, known) == 2).tolist() == [2, 4, 9]


def test_music_of_next_to_no_notes_is_alone():
    few = Score(
        4, (Part("x"),), notes=notes_array({"onset_tick": n, "duration_tick": 1, "pitch": 60} for n in range(9))
    )
    rows = np.stack([sketch(Score(4, ())), sketch(few), sketch(few)])
    assert rows[:, SLOTS].max() < LEAST
    assert clusters(rows).tolist() == [0, 1, 2]
    assert clusters(rows[:0]).tolist() == []


def test_drums_are_sketched_where_nothing_else_plays():
    rng = np.random.default_rng(0)
    rows = [{"onset_tick": 6 * n, "duration_tick": 6, "pitch": int(rng.integers(35, 60))} for n in range(80)]
    alone = Score(12, (Part("kit", 0, True),), notes=notes_array(rows))
    assert sketch(alone)[SLOTS] > 100


def test_the_share_is_that_of_the_smaller_piece(chorales):
    whole, part = sketch(chorales[2]), sketch(half(chorales[2], 0))
    share, agree = likeness(whole[None], part[None])
    assert share[0] > 0.8
    assert agree[0] > LEAST
    back, _ = likeness(part[None], whole[None])
    assert share == back

"""Notes that an edit leaves alone keep their ids."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partimento.io import load_score, save_score
from partimento.notation.identity import keep_note_ids, unchanged_measures
from partimento.score import Lyric, Mark, Part, Score, Spanner, measures_from_meters, notes_array
from partimento.score.events import NO_NOTE

BAR = 16
"""Ticks in a bar of 4/4 at four ticks a quarter."""


def piece(bars: list[list[tuple[int, ...]]], parts: tuple[Part, ...] = (Part("Flute", 73), Part("Cello", 42))) -> Score:
    """Bars of (onset in the bar, duration, pitch, part) as a score with ids from 0."""
    rows = [
        {"onset_tick": index * BAR + onset, "duration_tick": duration, "pitch": pitch, "part": part, "voice": 1}
        for index, bar in enumerate(bars)
        for onset, duration, pitch, part in bar
    ]
    meters = np.array([(0, 4, 4)], Score(1, ()).meters.dtype)
    return Score(4, parts, notes_array(rows), measures=measures_from_meters(meters, 4, BAR * len(bars)), meters=meters)


def ids(score: Score) -> list[int]:
    return score.notes["note_id"].tolist()


def renumbered(score: Score, by: int = 1000) -> Score:
    """As another program would hand it back: same music, other ids."""
    notes = score.notes.copy()
    notes["note_id"] = by + notes["note_id"].max(initial=0) - notes["note_id"]
    new = dict(zip(ids(score), notes["note_id"].tolist(), strict=True)) | {NO_NOTE: NO_NOTE}
    return replace(
        score,
        notes=notes,
        lyrics=tuple(replace(x, note_id=new[x.note_id]) for x in score.lyrics),
        marks=tuple(replace(x, note_id=new[x.note_id]) for x in score.marks),
        spanners=tuple(replace(x, start_id=new[x.start_id], end_id=new[x.end_id]) for x in score.spanners),
    )


# Bars that differ from one another: the n-th has a note of its own. Pitches below 40 belong to inserted bars.
note = st.tuples(st.integers(0, 15), st.integers(1, 4), st.integers(40, 80), st.integers(0, 1))
bar = st.lists(note, min_size=1, max_size=5, unique_by=lambda n: (n[0], n[2], n[3]))
bars = st.lists(bar, min_size=1, max_size=12).map(
    lambda found: [[*b, (0, 1, 81 + index, 0), (0, 1, 81 + index, 1)] for index, b in enumerate(found)]
)


def row(score: Score) -> list[tuple[int, ...]]:
    """What each note is, with its id."""
    return sorted(score.notes[["part", "onset_tick", "pitch", "duration_tick", "note_id"]].tolist())


@given(bars)
def test_the_same_score_keeps_all_ids(found: list[list[tuple[int, ...]]]) -> None:
    original = piece(found)
    assert row(keep_note_ids(original, original)) == row(original)
    assert row(keep_note_ids(renumbered(original), original)) == row(original)
    expected = np.repeat(np.arange(len(found))[:, None], 2, axis=1)
    assert unchanged_measures(renumbered(original), original).tolist() == expected.tolist()


@given(bars, st.data())
def test_exactly_the_untouched_notes_keep_their_ids(found: list[list[tuple[int, ...]]], data: st.DataObject) -> None:
    """Bars are deleted, inserted and edited at random; what becomes of each note is known."""
    original = piece(found)
    tag = dict(zip(keys(original), ids(original), strict=True))
    new: list[list[tuple[int, ...]]] = []
    expected: list[dict[tuple[int, ...], int]] = []
    for index, notes in enumerate(found):
        if data.draw(st.booleans(), label="insert"):
            new.append([(0, 4, 20 + len(new) % 15, 0), (8, 4, 20, 1)])
            expected.append({})
        action = data.draw(st.sampled_from(["keep", "keep", "edit", "delete"]))
        if action == "delete":
            continue
        kept = notes[1:] if action == "edit" else notes
        added = [(5, 1, 15 + index % 5, 0)] if action == "edit" else []
        new.append([*kept, *added])
        expected.append({n: tag[index, n] for n in kept})
    edited = renumbered(piece(new)) if new else piece([[]])
    result = keep_note_ids(edited, original)
    fresh = max(ids(original)) + 1
    for key, note_id in zip(keys(result), ids(result), strict=True):
        wanted = expected[key[0]].get(key[1])
        assert note_id == wanted if wanted is not None else note_id >= fresh
    assert len(set(ids(result))) == len(result.notes)


def keys(score: Score) -> list[tuple[int, tuple[int, ...]]]:
    columns = [score.notes[n].tolist() for n in ("onset_tick", "duration_tick", "pitch", "part")]
    return [(o // BAR, (o % BAR, d, p, part)) for o, d, p, part in zip(*columns, strict=True)]


@pytest.fixture
def quartet() -> Score:
    """Four bars for two parts, a tie over the second barline, a lyric and a slur."""
    score = piece(
        [
            [(0, 8, 72, 0), (8, 8, 74, 0), (0, 16, 48, 1)],
            [(0, 16, 76, 0), (0, 16, 50, 1)],
            [(0, 4, 76, 0), (4, 12, 77, 0), (0, 16, 52, 1)],
            [(0, 16, 79, 0), (0, 8, 53, 1), (8, 8, 55, 1)],
        ]
    )
    notes = score.notes.copy()
    notes["tied"] = (notes["pitch"] == 76) & (notes["onset_tick"] == BAR)
    first = ids(score)[0]
    return replace(
        score,
        notes=notes,
        lyrics=(Lyric(first, "Ah"),),
        marks=(Mark(first, "staccato"),),
        spanners=(Spanner("slur", first, ids(score)[1]), Spanner("slur", NO_NOTE, first)),
    )


def at(score: Score, part: int, tick: int, pitch: int) -> int:
    """Id of a note."""
    notes = score.notes
    found = notes[(notes["part"] == part) & (notes["onset_tick"] == tick) & (notes["pitch"] == pitch)]
    return int(found["note_id"][0])


def changed(score: Score, where: Callable[[np.ndarray], np.ndarray], **columns: object) -> Score:
    notes = score.notes.copy()
    for name, value in columns.items():
        notes[name][where(notes)] = value
    return replace(score, notes=notes)


def test_what_hangs_on_notes_goes_with_them(quartet: Score) -> None:
    result = keep_note_ids(renumbered(quartet), quartet)
    assert result == quartet
    assert result.lyrics == quartet.lyrics
    assert result.marks == quartet.marks
    assert result.spanners == quartet.spanners


def test_lyrics_signs_voices_staves_velocity_and_spelling_change_no_note(quartet: Score) -> None:
    edited = changed(renumbered(quartet), lambda n: n["part"] == 0, voice=3, staff=2, velocity=99, spelling=5)
    result = keep_note_ids(replace(edited, lyrics=(), marks=(), spanners=()), quartet)
    assert [r[:4] + r[4:] for r in row(result)] == row(quartet)


def test_a_transposed_passage_is_new(quartet: Score) -> None:
    edited = changed(renumbered(quartet), lambda n: n["onset_tick"] >= 3 * BAR, pitch=60)
    result = keep_note_ids(edited, quartet)
    is_late = result.notes["onset_tick"] >= 3 * BAR
    assert (result.notes["note_id"][is_late] > max(ids(quartet))).all()
    assert set(result.notes["note_id"][~is_late].tolist()) <= set(ids(quartet))
    assert (unchanged_measures(edited, quartet) >= 0).all(axis=1).tolist() == [True, True, True, False]


def test_parts_may_be_reordered_renamed_removed_and_added(quartet: Score) -> None:
    notes = renumbered(quartet).notes.copy()
    notes["part"] = np.where(notes["part"] == 0, 2, 1)
    parts = (Part("Oboe", 68), Part("Violoncello", 42), Part("Flute", 73))
    result = keep_note_ids(replace(quartet.with_notes(quartet.notes[:0]), parts=parts, notes=notes), quartet)
    assert sorted(ids(result)) == sorted(ids(quartet))
    assert at(result, 2, 0, 72) == at(quartet, 0, 0, 72)
    alone = quartet.notes[quartet.notes["part"] == 1].copy()
    alone["part"] = 0
    single = replace(quartet.with_notes(quartet.notes[:0]), parts=quartet.parts[1:], notes=alone)
    assert ids(keep_note_ids(renumbered(single), quartet)) == ids(single)


def test_other_divisions_are_no_change(quartet: Score) -> None:
    result = keep_note_ids(renumbered(quartet.with_resolution(480)), quartet)
    assert ids(result) == ids(quartet)
    assert result.ticks_per_quarter == 480


def test_a_tie_drawn_anew_keeps_the_first_piece(quartet: Score) -> None:
    where = (0, BAR, 76)
    notes = renumbered(quartet).notes.copy()
    head = int(np.flatnonzero((notes["onset_tick"] == BAR) & (notes["part"] == 0))[0])
    rest = notes[head : head + 1].copy()
    notes["duration_tick"][head] = 4
    rest["onset_tick"], rest["duration_tick"], rest["note_id"], rest["tied"] = BAR + 4, 12, 5, True
    notes["tied"][head] = True
    result = keep_note_ids(
        replace(quartet, notes=np.concatenate([notes, rest]), lyrics=(), marks=(), spanners=()), quartet
    )
    assert at(result, *where) == at(quartet, *where)
    assert at(result, 0, BAR + 4, 76) > max(ids(quartet))
    assert at(result, 0, 2 * BAR, 76) == at(quartet, 0, 2 * BAR, 76)


def test_unisons_are_told_apart_by_voice() -> None:
    original = piece([[(0, 4, 60, 0), (0, 4, 60, 0), (4, 4, 62, 0)]])
    notes = original.notes.copy()
    notes["voice"][1] = 2
    original = replace(original, notes=notes)
    second = int(original.notes["note_id"][original.notes["voice"] == 2][0])
    edited = renumbered(original.with_notes(original.notes[original.notes["note_id"] != ids(original)[0]]))
    assert second in ids(keep_note_ids(edited, original))
    assert len(set(ids(keep_note_ids(renumbered(original), original))) ^ set(ids(original))) == 0


def test_bars_drawn_anew_keep_their_notes(quartet: Score) -> None:
    meters = np.array([(0, 2, 4)], quartet.meters.dtype)
    edited = replace(renumbered(quartet), meters=meters, measures=measures_from_meters(meters, 4, 4 * BAR))
    assert ids(keep_note_ids(edited, quartet)) == ids(quartet)


def test_music_without_bars_is_known_by_its_place(quartet: Score) -> None:
    bare = replace(quartet, meters=quartet.meters[:0], measures=quartet.measures[:0])
    assert ids(keep_note_ids(renumbered(bare), bare)) == ids(bare)
    assert unchanged_measures(bare, bare).shape == (0, 2)


def test_an_empty_score_is_no_trouble() -> None:
    empty = piece([[]])
    assert not len(keep_note_ids(empty, empty).notes)
    assert ids(keep_note_ids(piece([[(0, 4, 60, 0)]]), empty)) == [0]


def without_bar(score: Score, index: int) -> tuple[Score, set[int]]:
    """The score without one bar, and the ids of the notes that stand in it or reach into it."""
    start, length = score.measures[index].item()
    notes = score.notes
    onset, release = notes["onset_tick"], notes["onset_tick"] + notes["duration_tick"]
    touched = (release > start) & (onset < start + length) | ((onset >= start) & (onset < start + length))
    kept = notes[~touched].copy()
    kept["onset_tick"] -= np.where(kept["onset_tick"] >= start + length, length, 0)
    measures = np.delete(score.measures, index)
    measures["onset_tick"] = np.r_[0, np.cumsum(measures["duration_tick"])[:-1]]
    bare = score.with_notes(notes[~touched])
    return replace(bare, notes=kept, measures=measures, tuplets=()), set(notes["note_id"][touched].tolist())


def real_pieces() -> list[Path]:
    music21 = pytest.importorskip("music21")
    folder = Path(music21.__file__).parent / "corpus"
    return [
        folder / name for name in ("bach/bwv66.6.mxl", "schoenberg/opus19/movement2.mxl", "mozart/k155/movement2.mxl")
    ]


@settings(max_examples=15)
@given(st.data())
def test_deleting_a_bar_of_a_real_piece_loses_only_its_notes(data: st.DataObject) -> None:
    original = load_score(data.draw(st.sampled_from(real_pieces())))
    index = data.draw(st.integers(0, len(original.measures) - 1))
    edited, gone = without_bar(original, index)
    result = keep_note_ids(renumbered(edited, 100_000), original)
    written = ["part", "onset_tick", "pitch", "duration_tick", "grace", "voice"]
    assert sorted(result.notes[written].tolist()) == sorted(edited.notes[written].tolist())
    lost = set(ids(original)) - set(ids(result)) - gone
    assert not lost


def test_a_round_trip_through_a_notation_program_keeps_all_ids(corpus: Path, tmp_path: Path) -> None:
    """MusicXML does not carry ids, and readers number notes by themselves."""
    songs, quartets = (sorted((corpus / f"A_openscore-{kind}").glob("*.mxl")) for kind in ("lieder", "string-quartets"))
    for path in (*songs[3::500], quartets[5]):
        original = load_score(path)
        save_score(original, tmp_path / "edited.musicxml")
        edited = renumbered(load_score(tmp_path / "edited.musicxml"), 100_000)
        result = keep_note_ids(edited, original)
        assert sorted(ids(result)) == sorted(ids(original))
        assert (unchanged_measures(edited, original) == np.arange(len(original.measures))[:, None]).all()

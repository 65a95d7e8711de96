"""The copy check finds what is shared, all of it and nothing else."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partimento.data.prepare import Options, prepare
from partimento.evaluation.copying import CopyIndex
from partimento.evaluation.pieces import Piece, read_pieces
from partimento.score import Score

Tune = list[tuple[int, int]]
MakeScore = Callable[..., Score]

# two pitches and two durations, so that much is shared by chance
TUNES = st.lists(st.lists(st.tuples(st.sampled_from([60, 62]), st.sampled_from([2, 4])), max_size=12), max_size=4)

SCALE: Tune = [(60, 4), (62, 2), (64, 2), (65, 4), (67, 8), (69, 4), (71, 2), (72, 6)]
LEAPS: Tune = [(60, 3), (71, 5), (49, 1), (80, 7)]


def piece(title: str, *windows: Score) -> Piece:
    return Piece(title.lower(), title, "here", "folk", windows)


def longest_common_run(ours: Sequence[Tune], theirs: Sequence[Tune]) -> int:
    """By trying every pair of places."""
    best = 0
    for one in ours:
        for other in theirs:
            for i in range(len(one)):
                for j in range(len(other)):
                    length = 0
                    while (
                        i + length < len(one)
                        and j + length < len(other)
                        and one[i + length][1] == other[j + length][1]
                        and one[i + length][0] - one[i][0] == other[j + length][0] - other[j][0]
                    ):
                        length += 1
                    best = max(best, length)
    return best


@settings(max_examples=50)
@given(st.lists(TUNES, max_size=3), st.lists(TUNES, max_size=3))
def test_equals_a_search_of_all_pairs(make_score: MakeScore, ours: list[list[Tune]], theirs: list[list[Tune]]) -> None:
    index = CopyIndex(piece(str(number), make_score(*tunes)) for number, tunes in enumerate(theirs))
    found = [run.notes for run in index.longest_shared_runs([make_score(*tunes) for tunes in ours])]
    assert found == [longest_common_run(tunes, [tune for other in theirs for tune in other]) for tunes in ours]


def test_transposition_hides_nothing_and_the_piece_is_named(make_score: MakeScore) -> None:
    index = CopyIndex([piece("Leaps", make_score(LEAPS)), piece("Scale", make_score(LEAPS, SCALE))])
    copied = [(50, 16), *((pitch - 7, duration) for pitch, duration in SCALE[1:7]), (90, 16)]
    [run] = index.longest_shared_runs([make_score(copied)])
    assert (run.notes, run.title, run.source) == (6, "Scale", "here")
    assert len(index) == 2 * len(LEAPS) + len(SCALE)


def test_runs_end_with_their_part_and_piece(make_score: MakeScore) -> None:
    halves = make_score(SCALE[:4], SCALE[4:])
    index = CopyIndex([piece("Parts", halves), piece("Leaps", make_score(LEAPS))])
    assert index.longest_shared_run(make_score(SCALE)) == 4
    assert index.longest_shared_run(make_score(SCALE[4:] + LEAPS)) == 4


def test_windows_of_a_piece_are_joined(make_score: MakeScore) -> None:
    index = CopyIndex([piece("Windows", make_score(SCALE[:4], LEAPS), make_score(SCALE[4:], LEAPS))])
    assert index.longest_shared_run(make_score(SCALE)) == len(SCALE)


def test_ties_are_merged_and_drums_do_not_count(make_score: MakeScore) -> None:
    index = CopyIndex([piece("Scale", make_score(SCALE))])
    cut = [*SCALE[:4], (67, 3), (67, 5), *SCALE[5:]]
    assert index.longest_shared_run(make_score(cut, tied=[4])) == len(SCALE)
    assert index.longest_shared_run(make_score(SCALE, drums=[0])) == 0


def test_excluded_pieces_are_not_found(make_score: MakeScore) -> None:
    pieces = [piece("Scale", make_score(SCALE)), piece("Leaps", make_score(LEAPS))]
    assert CopyIndex(pieces, exclude=["scale"]).longest_shared_run(make_score(SCALE)) < len(SCALE)


def test_chords_are_read_from_the_lowest_note_up(make_score: MakeScore) -> None:
    together = make_score(SCALE[:1], SCALE[1:3])
    notes = together.notes.copy()
    notes["part"] = notes["onset_tick"] = 0
    index = CopyIndex([piece("Chord", together.with_notes(notes))])
    assert index.longest_shared_run(make_score([(40, 4), (42, 2), (44, 2)])) == 3


def test_training_pieces_of_a_dataset_are_found_in_it(tmp_path: Path) -> None:
    tunes = "\n".join(
        f"X:{n}\nT:Tune {n}\nM:4/4\nL:1/8\nK:C\n" + "cdef gabc' | " * n + "CEGc cGEC |]\n" for n in range(2, 14)
    )
    (tmp_path / "book.abc").write_text(tunes, "utf-8")
    options = Options(context=128, dedup="exact")  # the tunes are much alike
    prepare([str(tmp_path / "book.abc")], tmp_path / "dataset", options=options, workers=1, progress=False)
    index = CopyIndex.of_dataset(tmp_path / "dataset")
    trained = list(read_pieces(tmp_path / "dataset"))
    windows = [window for known in trained for window in known.windows]
    assert len(windows) > len(trained)
    found = [run.notes for run in index.longest_shared_runs(windows)]
    assert found == [len(window.notes) for window in windows]
    assert {known.content_hash for known in trained}.isdisjoint(
        known.content_hash for known in read_pieces(tmp_path / "dataset", ["validation", "test"])
    )


@pytest.mark.parametrize("tunes", [[], [[]]])
def test_nothing_is_shared_with_nothing(make_score: MakeScore, tunes: list[Tune]) -> None:
    assert CopyIndex([]).longest_shared_run(make_score(SCALE)) == 0
    assert CopyIndex([piece("Scale", make_score(SCALE))]).longest_shared_run(make_score(*tunes)) == 0
    assert CopyIndex([]).longest_shared_runs([]) == []

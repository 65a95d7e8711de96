"""The index that goes with a model finds what the whole one finds, and refuses damaged files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partimento.data.prepare import Options, prepare
from partimento.errors import BadFile
from partimento.evaluation.copy_index import FILE_NAME, LEAST_NOTES, Copied, CopyHashes, hashes_of
from partimento.evaluation.copying import CopyIndex, SharedRun
from partimento.evaluation.pieces import Piece, read_pieces
from partimento.score import Score

Tune = list[tuple[int, int]]
MakeScore = Callable[..., Score]

# few pitches and one duration, so that much is shared by chance
TUNES = st.lists(st.lists(st.tuples(st.sampled_from([60, 62, 64]), st.just(2)), max_size=40), max_size=3)
RNG = np.random.default_rng(4)
LONG: Tune = [(int(p), int(d)) for p, d in zip(RNG.integers(50, 80, 60), RNG.integers(1, 8, 60), strict=True)]


def piece(title: str, *windows: Score) -> Piece:
    return Piece(title.lower(), title, "here", "folk", windows)


@settings(max_examples=60)
@given(st.lists(TUNES, max_size=3), TUNES)
def test_equals_the_whole_index(make_score: MakeScore, theirs: list[list[Tune]], ours: list[Tune]) -> None:
    pieces = [piece(str(number), make_score(*tunes)) for number, tunes in enumerate(theirs)]
    notes = CopyIndex(pieces).longest_shared_run(make_score(*ours))
    found = CopyHashes.of_pieces(pieces).longest_shared_run(make_score(*ours)).notes
    assert found == (notes if notes >= LEAST_NOTES else 0)


def test_a_transposed_copy_is_found_and_named(make_score: MakeScore) -> None:
    index = CopyHashes.of_pieces(
        [piece("Other", make_score(LONG[40:])), piece("Tune", make_score(LONG[:40]))], limit=11
    )
    copied = make_score([(40, 16), *((pitch - 5, duration) for pitch, duration in LONG[3:17]), (90, 16)])
    found = index.check(copied)
    assert (found.run, found.is_copy) == (SharedRun(14, "Tune", "here"), True)
    assert str(found) == (
        "longest run shared with a training piece: 14 notes, of “Tune” (here); held-out music by people shares up to "
        "11 in 95 of 100 windows"
    )
    assert index.check(make_score(LONG[:11])).is_copy is False


def test_runs_end_with_their_part(make_score: MakeScore) -> None:
    index = CopyHashes.of_pieces([piece("Halves", make_score(LONG[:20], LONG[20:40]))])
    assert index.longest_shared_run(make_score(LONG[:40])).notes == 20


def test_nothing_is_shared_with_nothing(make_score: MakeScore) -> None:
    assert CopyHashes.of_pieces([]).longest_shared_run(make_score(LONG)) == SharedRun(0)
    index = CopyHashes.of_pieces([piece("Tune", make_score(LONG))])
    assert index.longest_shared_run(make_score()) == index.longest_shared_run(make_score(LONG[:7])) == SharedRun(0)
    assert str(Copied(SharedRun(0), 9)) == "no run of 8 notes is shared with a training piece"


def test_of_a_dataset_and_into_a_file(tmp_path: Path) -> None:
    tunes = "\n".join(
        f"X:{n}\nT:Tune {n}\nM:4/4\nL:1/8\nK:C\n" + "".join(
            "cdefgabCDEFGAB"[(n * k * k + k // n) % 14] + (" | " if k % 8 == 7 else "") for k in range(64)
        ) + "|]\n" for n in range(2, 22) if n % 7
    )  # fmt: skip
    (tmp_path / "book.abc").write_text(tunes, "utf-8")
    options = Options(context=512, dedup="exact")
    prepare([str(tmp_path / "book.abc")], tmp_path / "dataset", options=options, workers=1, progress=False)
    index = CopyHashes.of_dataset(tmp_path / "dataset")
    assert index.limit >= 0
    index.save(tmp_path / FILE_NAME)
    again = hashes_of(tmp_path)
    assert again is not None
    assert (again.limit, len(again)) == (index.limit, len(index))
    for known in read_pieces(tmp_path / "dataset"):
        found = again.longest_shared_run(known.windows[0])
        assert found.notes == len(known.windows[0].notes)
    assert hashes_of(tmp_path / "dataset") is None


def test_damaged_files_are_refused(make_score: MakeScore, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    CopyHashes.of_pieces([piece("Tune", make_score(LONG))]).save(path)
    whole = path.read_bytes()
    for content in (b"", b"nothing", whole[:-3], whole.replace(b'"format":"1"', b'"format":"9"')):
        path.write_bytes(content)
        with pytest.raises(BadFile, match="partimento copies"):
            CopyHashes.load(path)
    with pytest.raises(BadFile):
        CopyHashes.load(tmp_path / "none")


def test_one_note_again_and_again_is_everybodys(make_score: MakeScore) -> None:
    index = CopyHashes.of_pieces([piece("Drone", make_score([(60, 4)] * 80))])
    assert index.longest_shared_run(make_score([(60, 4)] * 80)).notes == 0

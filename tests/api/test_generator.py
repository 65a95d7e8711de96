"""The Python interface, with the model that comes with the package."""

from pathlib import Path

import pytest

import partimento as pt
from partimento.errors import BadFile, BadPlan

WISH = "a hymn in F major for four voices, 4 bars"


@pytest.fixture(scope="module")
def hymn() -> pt.Piece:
    return pt.compose(WISH, seed=2)


def test_the_example_of_the_package(hymn: pt.Piece, tmp_path: Path) -> None:
    assert "4 bars" in str(hymn)
    (file,) = hymn.save(tmp_path / "hymn.musicxml")
    loaded = pt.load(file)
    assert loaded.score.notes["pitch"].tolist() == hymn.score.notes["pitch"].tolist()
    assert loaded.seed is None


def test_a_seed_decides_and_is_told(hymn: pt.Piece) -> None:
    again = pt.compose(WISH, seed=2)
    assert again.score == hymn.score
    assert again == hymn
    by_lot = pt.compose(WISH)
    assert by_lot.seed is not None
    assert pt.compose(WISH, seed=by_lot.seed).score == by_lot.score


def test_the_model_stays_loaded(hymn: pt.Piece) -> None:
    assert pt.compose(WISH, seed=3).generator is hymn.generator


def test_samples_have_seeds_that_follow_each_other(hymn: pt.Piece) -> None:
    generator = hymn.generator
    assert generator is not None
    one, two = generator.samples(WISH, 2, seed=2)
    assert one.score == hymn.score
    assert two.seed == 3
    assert two.score == pt.compose(WISH, seed=3).score


def test_a_stream_grows_by_bars_and_ends_with_the_piece(hymn: pt.Piece) -> None:
    generator = hymn.generator
    assert generator is not None
    *grown, last = generator.stream(WISH, seed=2)
    counts = [len(piece.score.measures) for piece in grown]
    assert counts == sorted(counts)
    assert len(grown) >= 2
    assert len(last.score.measures) == 4


def test_wishes_are_judged(hymn: pt.Piece) -> None:
    assert hymn.understood is not None
    assert hymn.understood.words("key") == "in F major"
    assert "F major" in str(hymn.report.to_dict())


def test_a_plan_is_a_wish(hymn: pt.Piece) -> None:
    assert pt.compose(pt.Plan(bars=2), seed=1).plan == pt.Plan(bars=2)


def test_changes_leave_the_rest(hymn: pt.Piece) -> None:
    longer = hymn.continue_(2, seed=5)
    before = [tuple(note) for note in hymn.score.notes[["part", "pitch", "note_id"]].tolist()]
    after = {tuple(note) for note in longer.score.notes[["part", "pitch", "note_id"]].tolist()}
    assert sum(note in after for note in before) >= len(before) - len(hymn.score.parts)  # the last bar may be tied on
    assert longer.seed == 5
    assert longer.plan == pt.Plan()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: pt.compose("a hymn in F major and in G major"), BadPlan),
        (lambda: pt.compose(WISH, temperature=-1), BadPlan),
        (lambda: pt.compose(WISH, seed=-1), BadPlan),
        (lambda: pt.load("missing.mid"), BadFile),
    ],
)
def test_what_cannot_be_done_is_said(call, error) -> None:
    with pytest.raises(error):
        call()


def test_a_notebook_shows_it(hymn: pt.Piece) -> None:
    assert "<audio" in hymn._repr_html_()

"""What is sound goes before what follows, and that before what sounds well; the reason says so."""

from collections.abc import Callable
from dataclasses import replace

from partimento.evaluation.choosing import HEAD, best_of
from partimento.evaluation.copy_index import CopyHashes
from partimento.evaluation.pieces import Piece
from partimento.evaluation.sounding import sound_of
from partimento.plan import Plan
from partimento.score import Part, Score
from partimento.theory.key import Key

MakeScore = Callable[..., Score]
TUNE = [(60, 4), (62, 4), (64, 4), (65, 4), (67, 8), (64, 4), (62, 4)] * 2 + [(64, 4), (62, 4), (59, 4), (60, 4)]
WILD = [(60, 4), (71, 4), (52, 4), (69, 4), (48, 8), (77, 4), (50, 4)] * 2 + [(64, 4), (81, 4), (47, 4), (60, 4)]
PLAN = Plan(key=Key.parse("C major"), bars=5)


def flute(score: Score) -> Score:
    return replace(score, parts=tuple(Part("Flute", 73) for _ in score.parts))


def test_of_equals_the_one_that_sounds_best(make_score: MakeScore) -> None:
    tune, wild = flute(make_score(TUNE)), flute(make_score(WILD))
    assert sound_of(tune).score > sound_of(wild).score
    choice = best_of([wild, tune, wild], PLAN)
    assert choice.index == 1
    assert choice.why.startswith("candidate 2 of 3: 2 of 2 wishes followed; sounds nearest to music by people of all (")
    head, *rows = choice.rows()
    assert head == HEAD
    assert [row[-1] for row in rows] == ["", "kept", ""]


def test_what_follows_goes_before_what_sounds(make_score: MakeScore) -> None:
    short, wild = flute(make_score(TUNE[:14])), flute(make_score(WILD))
    choice = best_of([short, wild], PLAN)
    assert choice.index == 1
    assert choice.why == "candidate 2 of 2: 2 of 2 wishes followed; the fewest wishes violated (1 other has more)"


def test_faults_and_copies_go_before_all(make_score: MakeScore) -> None:
    wild, silent = flute(make_score(WILD)), flute(make_score([]))
    assert best_of([silent, wild], Plan(bars=1)).index == 1
    hashes = CopyHashes.of_pieces([Piece("a", "A tune", "here", "folk", (make_score(TUNE),))], limit=10)
    choice = best_of([flute(make_score(TUNE)), wild], PLAN, hashes=hashes)
    assert choice.index == 1
    assert "no copy (1 other has more)" in choice.why
    assert choice.rows()[1][2] == f"{len(TUNE)} notes"


def test_one_is_the_best_of_one(make_score: MakeScore) -> None:
    choice = best_of([flute(make_score(TUNE))], PLAN)
    assert (choice.index, choice.why) == (0, "candidate 1 of 1: there is no other")

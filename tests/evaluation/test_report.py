"""Tables for people."""

from collections.abc import Callable

from partimento.evaluation.copying import SharedRun
from partimento.evaluation.distances import METRICS
from partimento.evaluation.report import copy_table, distance_table, table
from partimento.score import Score


def test_a_table_is_markdown() -> None:
    assert table(("name", "value"), [("a|b", 1), ("c", 2.5)]) == (
        "| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n| c | 2.5 |\n"
    )


def test_copies_are_told_as_quantiles() -> None:
    runs = [SharedRun(notes) for notes in (4, 8, 6, 10, 30)]
    assert copy_table({"generated": runs}).splitlines()[2] == "| generated | 5 | 4 | 6 | 8 | 10 | 22 | 30 |"


def test_every_metric_has_its_line(make_score: Callable[..., Score]) -> None:
    sets = [[make_score([(60 + step * index, 4) for index in range(8)])] for step in (1, 2, 3)]
    lines = distance_table(sets[0], sets[1], sets[2]).splitlines()[2:]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == list(METRICS)
    assert all(line.count("[") == 3 for line in lines)

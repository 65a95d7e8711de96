"""Verdicts stand on the words that the wishes were read from."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from partimento.evaluation.checking import report
from partimento.evaluation.copy_index import Copied
from partimento.evaluation.copying import SharedRun
from partimento.plan import Plan, Section
from partimento.plan.parse import parse_prompt
from partimento.plan.wishes import Tag
from partimento.score import MEASURE, METER, TEMPO, Part, Score, notes_array
from partimento.theory.key import Key

MakeScore = Callable[..., Score]
SCALE = [(60, 4), (62, 4), (64, 4), (65, 4), (67, 4), (69, 4), (71, 4), (72, 4)]
TEXT = "a jig in C major for flute and harp, 2 bars, at 120 bpm, in 4/4"


@pytest.fixture
def piece(make_score: MakeScore) -> Score:
    """A flute that plays the scale of C, and a harp that does not play."""
    score = make_score(SCALE, [])
    return replace(score, parts=(Part("Flute", 73), Part("Harp", 46)), tempos=np.array([(0, 90.0)], TEMPO))


def colours(text: str, piece: Score, plan: Plan | None = None) -> dict[str, bool | None]:
    understood = parse_prompt(text)
    found = report(plan or understood.plan, understood, piece)
    assert "".join(words for words, _ in found.spans()) == text
    return {text[p.start : p.end]: p.followed for p in found.phrases}


def test_each_phrase_has_its_colour(piece: Score) -> None:
    found = colours(TEXT, piece)
    assert found.pop("jig") is None
    words = {"C major": True, "flute": True, "harp": False, "2 bars": True, "120 bpm": False, "4/4": True}
    assert {key.removeprefix("in "): value for key, value in found.items()} == words


def test_evidence_says_what_was_asked_and_measured(piece: Score) -> None:
    understood = parse_prompt(TEXT)
    found = report(understood.plan, understood, piece)
    said = {TEXT[p.start : p.end].removeprefix("in "): p.evidence for p in found.phrases}
    assert said["120 bpm"] == "tempo: asked 120 bpm, measured 90 bpm"
    assert said["harp"] == "instruments: asked Orchestral Harp, Orchestral Harp does not play"
    assert said["C major"].startswith("key: asked C major, measured C major, 100% of the sounding time")
    assert (found.followed, found.violated) == (3, 2)
    assert found.faults == ("never plays: Harp",)


def test_what_an_option_replaced_is_neither_followed_nor_violated(piece: Score) -> None:
    plan = replace(parse_prompt(TEXT).plan, key=Key.parse("D major"), bars=None)
    found = {words.removeprefix("in "): value for words, value in colours(TEXT, piece, plan).items()}
    assert (found["C major"], found["2 bars"], found["4/4"]) == (None, None, True)


def test_as_json(piece: Score) -> None:
    understood = parse_prompt(TEXT)
    found = report(understood.plan, understood, piece, Copied(SharedRun(9, "A tune", "here"), 8)).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert {phrase["words"]: phrase["followed"] for phrase in found["phrases"]}["120 bpm"] is False
    assert found["copied"] == {"notes": 9, "title": "A tune", "source": "here", "limit": 8, "is_copy": True}
    assert {verdict["wish"] for verdict in found["verdicts"]} >= {"key", "meter", "tempo", "longest rest"}


def test_without_a_prompt_there_are_verdicts_alone(piece: Score) -> None:
    found = report(Plan(bars=2, tags=(Tag("genre", "folk", 1.0),)), None, piece)
    assert (found.phrases, found.text, list(found.spans())) == ((), "", [])
    assert [(verdict.wish, verdict.followed) for verdict in found.wishes] == [("bars", True), ("genre", None)]


def test_a_form_is_looked_for_where_its_sections_are_composed() -> None:
    rng, order = np.random.default_rng(0), ("intro", "verse", "chorus", "verse", "chorus")
    bars = {"intro": 4, "verse": 16, "chorus": 8}
    tunes = {label: rng.integers(60, 84, 4 * count).tolist() for label, count in bars.items()}
    pitches = [pitch for label in order for pitch in tunes[label]]
    notes = notes_array({"onset_tick": k, "duration_tick": 1, "pitch": pitch} for k, pitch in enumerate(pitches))
    measures = np.array([(k, 4) for k in range(0, len(pitches), 4)], MEASURE)
    score = Score(1, (Part.playing(73),), notes, measures, np.array([(0, 4, 4)], METER))
    verdicts = report(Plan(form=tuple(map(Section, order))), None, score).verdicts
    assert [v.followed for v in verdicts if v.wish == "form"] == [True]

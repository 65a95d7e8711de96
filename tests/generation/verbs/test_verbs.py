"""What every verb keeps to: what was not to change is the same, and the result is music that can be saved."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import changeable
import numpy as np
import pytest

from partimento.errors import BadPlan, BadRecipe
from partimento.generation import Composer
from partimento.generation.sampling import Sampling
from partimento.generation.verbs import accompany, continue_, harmonise, infill, vary
from partimento.generation.writer import Writer
from partimento.io import FORMATS
from partimento.score import Score
from partimento.theory.instrument import DRUMS

PIECES = {
    "song": changeable.song, "changes": changeable.changes, "played": changeable.played, "typed": changeable.typed,
}  # fmt: skip
VERBS: dict[str, Callable[..., Score]] = {
    "continue": lambda score, **how: continue_(score, 3, **how),
    "infill": lambda score, **how: infill(score, (2, 3), **how),
    "infill a part": lambda score, **how: infill(score, (2, 4), [len(score.parts) - 1], **how),
    "accompany": lambda score, **how: accompany(score, (42, DRUMS), **how),
    "vary": lambda score, **how: vary(score, 0.3, **how),
    "harmonise": lambda score, writer, **how: harmonise(score, **how),
}


def same_resolution(*scores: Score) -> list[Score]:
    resolution = math.lcm(*(score.ticks_per_quarter for score in scores))
    return [score.with_resolution(resolution) for score in scores]


def said(score: Score, suffix: str, ids: set[int]) -> Counter[tuple[object, ...]]:
    """What a saved file says of notes: place, length and pitch of them all, counted."""
    form = FORMATS[suffix]
    some = score.with_notes(score.notes[np.isin(score.notes["note_id"], sorted(ids))])
    read = form.read(form.write(some), f"x{suffix}")[0]
    return contents(read)


def contents(score: Score) -> Counter[tuple[object, ...]]:
    quarter = score.ticks_per_quarter
    names = [(part.name, part.is_drums) for part in score.parts]
    columns = [score.notes[name].tolist() for name in ("onset_tick", "duration_tick", "pitch", "spelling", "part")]
    rows = zip(*columns, strict=True)
    return Counter((o / quarter, d / quarter, pitch, spelling, names[part]) for o, d, pitch, spelling, part in rows)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("piece", PIECES)
def test_what_stays_is_the_same_and_can_be_saved(writer: Writer, piece: str, verb: str) -> None:
    before, after = same_resolution(PIECES[piece](), VERBS[verb](PIECES[piece](), writer=writer, seed=1))
    old = {row["note_id"]: row for row in before.notes}
    new = {row["note_id"]: row for row in after.notes}
    kept = old.keys() & new.keys()
    assert len(new.keys() - old.keys()) > 0
    assert all(old[note_id] == new[note_id] for note_id in kept)
    assert after.parts[: len(before.parts)] == before.parts
    for name in ("meters", "keys", "tempos"):
        assert getattr(after, name)[: len(getattr(before, name))].tolist() == getattr(before, name).tolist()
    assert after.measures[: len(before.measures)].tolist() == before.measures.tolist()
    if verb in ("continue", "accompany", "harmonise"):
        assert kept == old.keys()
        assert (after.spanners, after.lyrics, after.marks) == (before.spanners, before.lyrics, before.marks)
    for suffix in (".mid",) if piece == "played" else (".mid", ".musicxml"):
        whole = contents(FORMATS[suffix].read(FORMATS[suffix].write(after), f"x{suffix}")[0])
        assert said(before, suffix, {int(k) for k in kept}) - whole == Counter()


@pytest.mark.parametrize("verb", VERBS)
def test_the_same_seed_gives_the_same_music(writer: Writer, verb: str) -> None:
    one, two, other = (VERBS[verb](changeable.song(), writer=writer, seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_bars_are_those_that_were_asked_for(writer: Writer) -> None:
    song = changeable.song()
    after = infill(song, (3, 4), ["piano"], writer=writer)
    before, after = same_resolution(song, after)
    gone = before.notes[~np.isin(before.notes["note_id"], after.notes["note_id"])]
    new = after.notes[~np.isin(after.notes["note_id"], before.notes["note_id"])]
    assert set(gone["part"].tolist()) == set(new["part"].tolist()) == {1}
    assert set(after.measure_at(new["onset_tick"]).tolist()) <= {3, 4}
    assert set(before.measure_at(gone["onset_tick"]).tolist()) == {3, 4}


def test_continuing_adds_bars_of_the_last_meter(writer: Writer) -> None:
    after = continue_(changeable.changes(), 5, writer=writer)
    assert len(after.measures) == 12
    assert set(after.measures["duration_tick"][-5:].tolist()) == {4 * after.ticks_per_quarter}


def test_a_large_score_is_written_in_steps_that_see_fewer_parts(writer: Writer) -> None:
    score = changeable.orchestra()
    after = infill(score, (2, 5), [0, 1], writer=writer, sampling=Sampling(temperature=0))
    gone = score.notes[~np.isin(score.notes["note_id"], after.notes["note_id"])]
    assert len(gone) == 2 * 4 * 4
    with pytest.raises(BadPlan, match="more than this model"):
        infill(changeable.orchestra(120), (2, 2), writer=writer)


def test_what_the_piece_or_the_model_has_not_is_said(writer: Writer, random_model: object) -> None:
    song, whole = changeable.song(), Composer(random_model)  # type: ignore[arg-type]
    assert len(continue_(song, 2, writer=whole).measures) == len(song.measures) + 2
    for change in (lambda: infill(song, (1, 2), writer=whole), lambda: accompany(song, (0,), writer=whole)):
        with pytest.raises(BadRecipe, match="not taught to fill in bars"):
            change()
    with pytest.raises(BadPlan, match="the piece has bars 0 to 8"):
        infill(song, (9, 10), writer=writer)
    with pytest.raises(BadPlan, match="no part 'oboe'; the piece has Clarinet, Piano"):
        infill(song, (1, 2), ["oboe"], writer=writer)
    with pytest.raises(BadPlan, match="nobody is to accompany"):
        accompany(song, (), writer=writer)
    with pytest.raises(BadPlan, match="1 to 256"):
        continue_(song, 0, writer=writer)
    with pytest.raises(BadPlan, match="no notes"):
        continue_(song.with_notes(song.notes[:0]), 4, writer=writer)


@pytest.mark.parametrize("amount", [0.2, 0.6])
def test_about_the_amount_is_varied_and_the_last_bar_is_not(writer: Writer, amount: float) -> None:
    song = changeable.song()
    after = vary(song, amount, writer=writer, seed=4)
    gone = song.notes[~np.isin(song.notes["note_id"], after.notes["note_id"])]
    assert abs(len(gone) / len(song.notes) - amount) < 0.15
    assert song.measure_at(gone["onset_tick"]).max() < 8
    with pytest.raises(BadPlan, match="amount 2"):
        vary(song, 2, writer=writer)

"""Controls, the strength of harmony and the share of chord tones in the grammar of `remi`."""

import random

import numpy as np
import pytest

from partimento.errors import InfeasibleTask
from partimento.plan import Compose, Constraints, Control, Plan
from partimento.plan.check import chord_shares
from partimento.plan.complexity import boldness, chromatic_share, without_complexity
from partimento.representations.remi import Remi
from partimento.representations.remi.state import NOTE
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.meter import Meter

REMI = Remi()
FLUTE, PIANO, CELLO = 73, 0, 42
MUSIC = Constraints(steady=True, playable=True, budget=1500)


def written(plan, constraints=MUSIC, seed=1):
    """A random piece that the grammar allows."""
    task, rng, ids = Compose(plan, constraints), random.Random(seed), []
    state = REMI.start(task)
    while REMI.shortest_end(state):
        ids.append(rng.randrange(*rng.choice(REMI.allowed(state))))
        state = REMI.step(state, ids[-1])
    return REMI.decode(np.array(ids, np.int32), task)


def begun(score, part):
    notes = score.notes[score.notes["part"] == part]
    return np.bincount(score.measure_at(notes["onset_tick"]), minlength=len(score.measures)).tolist()


def plan(*controls, instruments=(FLUTE, PIANO), bars=4, **wishes):
    return Plan(meter=Meter(4, 4), instruments=instruments, bars=bars, controls=controls, **wishes)


@pytest.mark.parametrize("seed", range(8))
def test_every_bar_has_as_many_notes_as_are_asked_for(seed):
    score = written(plan(Control(density=(5, 7)), Control(parts=(1,), bars=(2, 3), density=(0, 0))), seed=seed)
    assert all(5 <= notes <= 7 for notes in begun(score, 0))
    assert begun(score, 1)[2] == 0
    assert all(5 <= begun(score, 1)[bar] <= 7 for bar in (0, 1, 3))


@pytest.mark.parametrize("seed", range(4))
def test_as_many_notes_sound_together_as_are_asked_for(seed):
    score = written(plan(Control(parts=(1,), polyphony=(3, 4), density=(3, 12))), seed=seed)
    notes = score.notes[score.notes["part"] == 1]
    ends = notes["onset_tick"] + notes["duration_tick"]
    sounding = [int(((notes["onset_tick"] <= onset) & (ends > onset)).sum()) for onset in notes["onset_tick"]]
    assert max(sounding) <= 4
    assert np.mean(np.array(sounding) >= 3) > 0.7  # all, but where a bar has the notes that it may have


@pytest.mark.parametrize("seed", range(4))
def test_lengths_and_registers_are_those_asked_for(seed):
    score = written(plan(Control(register=(60, 72), note_length=(0.5, 1.5))), seed=seed)
    assert len(score.notes)
    assert ((score.notes["pitch"] >= 60) & (score.notes["pitch"] <= 72)).all()
    assert (score.notes["duration_tick"] * 2 >= score.ticks_per_quarter).all()
    assert (score.notes["duration_tick"] * 2 <= 3 * score.ticks_per_quarter).all()


def test_drums_have_no_register():
    score = written(plan(Control(register=(100, 101), density=(2, 4)), instruments=(DRUMS,)))
    assert len(score.notes)


def test_the_later_control_holds_and_what_it_leaves_open_stays():
    controls = (Control(density=(1, 2), register=(60, 65)), Control(parts=(0,), density=(4, 4)))
    score = written(plan(*controls))
    assert set(begun(score, 0)) == {4}
    assert score.notes["pitch"].max() <= 65


@pytest.mark.parametrize(
    ("control", "message"),
    [
        (Control(parts=(0,), register=(20, 30)), "Flute in bar 1: the register lies outside"),
        (Control(parts=(0,), bars=(2, 4), polyphony=(2, 3)), "Flute in bar 3: it cannot sound 2 notes"),
        (Control(parts=(1,), register=(60, 61), polyphony=(3, 4)), "it cannot sound 3 notes"),
        (Control(density=(2.2, 2.8)), "no whole number of notes"),
        (Control(note_length=(20, 30)), "notes are at most 16 quarters long"),
        (Control(parts=(0,), density=(9, 12), note_length=(0.5, 4)), "9 notes one after the other do not fit"),
        (Control(parts=(4,), density=(1, 2)), "speaks of part 5, and there are 2"),
        (Control(parts=(1,), density=(128, 128)), "need .* tokens, and 1500 are allowed"),
    ],
)
def test_what_no_music_can_keep_is_refused_in_one_line(control, message):
    with pytest.raises(InfeasibleTask, match=message):
        REMI.start(Compose(plan(control), MUSIC))


def test_a_register_without_a_tone_of_the_chord_is_refused_where_chords_hold():
    asked = plan(Control(register=(61, 62)), chords=((ChordSymbol.parse("C"),),))
    REMI.start(Compose(asked, MUSIC))
    with pytest.raises(InfeasibleTask, match="no tone of C lies in the register"):
        REMI.start(Compose(asked, Constraints(steady=True, min_chord_share=0.6)))


def test_only_instruments_that_can_keep_the_controls_are_chosen():
    score = written(Plan(bars=2, controls=(Control(polyphony=(2, 3), register=(30, 50)),)))
    assert all(part.is_drums or part.program not in (FLUTE, CELLO) for part in score.parts)
    with pytest.raises(InfeasibleTask, match="no instrument can keep the controls"):
        REMI.start(Compose(Plan(bars=2, controls=(Control(density=(3.2, 3.7)),)), MUSIC))


CHORDS = tuple(tuple(map(ChordSymbol.parse, bar.split())) for bar in ("Ab", "Abm Db7", "Eb", "F#", "Ebm6 B7 E"))


@pytest.mark.parametrize("seed", range(3))
def test_each_bar_sounds_on_its_chords_held_notes_included_and_that_goes_before_the_scale(seed):
    asked = plan(instruments=(FLUTE, PIANO, CELLO, DRUMS), bars=10, chords=CHORDS, key=Key(-3))
    share = Constraints(steady=True, playable=True, min_chord_share=0.6, max_chromatic_share=0.05, budget=1500)
    shares = chord_shares(asked, written(asked, share, seed))
    assert np.nanmin(shares) >= 0.6 - 1e-6
    always = Constraints(steady=True, playable=True, harmony="always", budget=1500)
    assert np.nanmin(chord_shares(asked, written(asked, always, seed))) == pytest.approx(1)
    hint = Constraints(steady=True, playable=True, budget=1500)
    assert np.nanmin(chord_shares(asked, written(asked, hint, seed))) < 0.6


def test_a_plan_that_is_not_enforced_is_written_but_not_kept():
    asked = plan(Control(density=(1, 1)), chords=CHORDS)
    loose = Constraints(steady=True, min_chord_share=1, harmony="always", budget=1500, enforced=False)
    score = written(asked, loose)
    assert [part.program for part in score.parts] == [FLUTE, PIANO]
    assert len(score.chords) == 5
    assert set(begun(score, 1)) != {1}
    assert np.nanmin(chord_shares(asked, score)) < 0.9


def test_complexity_comes_to_bounds_and_bolder_choices():
    plain, even, rich = (Control(complexity=value) for value in (0, 0.5, 1))
    assert without_complexity([plain]) == (Control(density=(0, 4), polyphony=(0, 2), note_length=(1, 64)),)
    assert without_complexity([even]) == (Control(),)
    assert without_complexity([rich]) == (Control(density=(8, 128)),)
    kept = Control(density=(1, 2), complexity=0)
    assert without_complexity([kept])[0].density == (1, 2)
    assert [boldness([each]) for each in (plain, even, rich)] == pytest.approx([0.8, 1, 1.2])
    assert [chromatic_share([each], 0.05) for each in (plain, even, rich)] == pytest.approx([0.05, 0.05, 0.1])
    assert boldness([Control(parts=(0,), complexity=1)]) == 1


def test_what_is_not_to_play_does_not():
    every = range(DRUMS + 1)
    only = Plan(bars=2, without=tuple(program for program in every if program not in (FLUTE, CELLO)))
    for seed in range(5):
        score = written(only, seed=seed)
        assert {part.program for part in score.parts} <= {FLUTE, CELLO}
    loose = Constraints(steady=True, playable=True, budget=1500, enforced=False)
    assert any(part.program not in (FLUTE, CELLO) for seed in range(5) for part in written(only, loose, seed).parts)


def test_to_leave_a_part_that_fills_the_bar_is_to_go_on_to_the_part_that_must_play():
    constraints = Constraints(steady=True, playable=True, max_rest_bars=0, budget=1500)
    task, rng, bar = Compose(plan(bars=3), constraints), random.Random(1), REMI.vocabulary.first["Bar"]
    logits = np.zeros(len(REMI.tokens), np.float32)
    logits[bar : bar + 3] = 9
    state, seen = REMI.start(task), set()
    piano = REMI.vocabulary.first["Instrument"] + PIANO
    while REMI.shortest_end(state):
        changed = REMI.redirected(state, logits)
        full_flute = state.at == NOTE and state.part == 0 and state.following >= state.length
        seen.add(full_flute)
        if full_flute:
            assert changed[piano] > 9
            assert np.delete(changed, piano).tolist() == np.delete(logits, piano).tolist()
        else:
            assert changed is logits
        state = REMI.step(state, rng.randrange(*rng.choice(REMI.allowed(state))))
    assert seen == {True, False}

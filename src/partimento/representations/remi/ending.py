"""How many tokens certainly close a sequence of `remi`, so that every sample ends within its budget.

The number is no estimate: from any state some allowed token lowers it by one at least, and where the budget is
nearly spent the grammar allows only such tokens.
"""

from __future__ import annotations

from collections import Counter

from partimento.representations.blocks import bass_of
from partimento.representations.gridded.chords import planned_chords
from partimento.representations.remi.state import (
    BAR,
    BARS,
    CHORD_POSITION,
    CHORDS,
    END,
    ENDS,
    GIVEN,
    NOTE,
    OPENS,
    POSITION,
    RELEASE,
    SEGMENT,
    SHIFT,
    TAIL,
    VELOCITY,
    State,
)  # fmt: skip
from partimento.theory.chord import ChordSymbol


def shortest_end(state: State, has_velocity: bool) -> int:
    """Tokens, EOS included, that close the sequence with every plan and constraint kept."""
    if state.at == END:
        return 0
    if state.at == GIVEN:
        return len(state.queue) + _measures(list(state.rests), state.programs, state, has_velocity)
    if state.at < BAR:
        return _header(state) + _measures(_first_rests(state), _programs(state), state, has_velocity)
    owes_chord = state.with_chords and not state.chord_seen and not state.task.plan.chords
    if state.at < CHORD_POSITION:  # how long the measure will be, and so which parts can sound in it, is open
        measures = _measures(list(state.rests), state.programs, state, has_velocity, is_open=True)
        return len(state.queue) + owes_chord + measures
    group, owing = _group(state, has_velocity), state.must_sound()
    pending = [part for part in owing if part != state.part or not SEGMENT <= state.at <= NOTE]
    sounding = {*owing, state.part} if POSITION <= state.at <= NOTE else {*owing}
    rests = [0 if part in sounding else rest + 1 for part, rest in enumerate(state.rests)]
    return (
        len(state.queue)
        + (state.at == CHORD_POSITION and not state.queue)
        + owes_chord
        + _started(state, group)
        + _instrument_tokens(state, pending)
        + sum(_part(state, part, group) for part in pending)
        + _measures(rests, state.programs, state, has_velocity)
    )


def _group(state: State, has_velocity: bool) -> int:
    """Most tokens of a group with one release and one note: position, velocity, release, pitch, and two shifts."""
    return 3 + has_velocity + 2 * (state.unit > 1)


def _inverted(chord: ChordSymbol) -> bool:
    return bass_of(chord) is not None


def _header(state: State) -> int:
    task = state.task
    return (
        max(BARS - state.at, 0)
        + (task.opens_midway and state.at < OPENS)
        + (task.ends_midway and state.at < ENDS)
        + len(_programs(state)) - len(state.programs)
        + (task.plan.chords is not None and state.at < CHORDS)
        + (state.with_chords and task.plan.chords is None)
        + 2 * (not state.with_chords and task.plan.chords is None and task.constraints.chord_symbols == "must")
    )  # fmt: skip


def _programs(state: State) -> tuple[int, ...]:
    return state.task.plan.instruments or state.programs or (0,)


def _first_rests(state: State) -> list[int]:
    return [0] * len(_programs(state))


def _part(state: State, part: int, group: int) -> int:
    """Most tokens of the groups that a part owes, one at least; after a long rest, what `_measures` has set aside."""
    if state.rules is None:
        return group
    most = state.task.constraints.max_rest_bars
    rested = most is not None and state.rests[part] >= most
    own = max(state.due(part), 1) * (group + state.rule(part).struck - 1)
    return max(own, group + state.rules.most_struck - 1) if rested else own


def _behind(state: State, group: int) -> int:
    """Most tokens of the groups that the current part owes behind the next note, and of the notes that join that."""
    if state.rules is None:
        return 0
    struck = state.rule(state.part).struck - 1
    return struck + max(state.due(state.part) - 1, 0) * (group + struck)


def _due(state: State, group: int) -> int:
    """Most tokens of what the current part owes behind a note."""
    if state.rules is None:
        return 0
    rule = state.rule(state.part)
    missing = rule.struck - state.ringing() if state.begun < rule.most else 0
    return max(missing, state.due(state.part) * (group + rule.struck - 1))


def _started(state: State, group: int) -> int:
    """Tokens that complete the group begun."""
    if state.at != SEGMENT:
        tails = int(state.unit > 1)
        left = {POSITION: group - 1, SHIFT: group - 1 - tails, VELOCITY: 2 + tails, RELEASE: 1 + tails, TAIL: 1}
        if state.at == NOTE:
            return _due(state, group)
        return left[state.at] + _behind(state, group) if state.at in left else 0
    candidates, must = state.candidates(), state.must_sound()
    program = state.programs[state.part]
    later = [part for part in candidates if part > state.part and state.programs[part] == program]
    if state.part in must or (state.part in candidates and not set(later) & set(must)):
        return _part(state, state.part, group)
    if set(later) & set(must):
        return 0  # the instrument is repeated for the part that must sound, which is counted there
    return sum(_part(state, part, group) for part in later[:1]) + _instrument_tokens(state, later[:1])


def _instrument_tokens(state: State, parts: list[int]) -> int:
    """Instrument tokens that lead to these parts: each also passes the earlier parts of its instrument."""
    last = {state.programs[part]: part for part in parts}
    return sum(
        program in last and part <= last[program] and not state.taken >> part & 1
        for part, program in enumerate(state.programs)
    )


def _measures(
    rests: list[int], programs: tuple[int, ...], state: State, has_velocity: bool, *, is_open: bool = False
) -> int:
    """Cost of all measures to come and EOS, each part sounding only when it must; and of this one if it is open."""
    bars = state.bars_left if state.at >= BAR or state.gap is not None else state.bars or state.task.plan.bars or 1
    plan, most = state.task.plan, state.task.constraints.max_rest_bars
    first, last = (state.bars or bars) - bars, state.bars or bars
    sounding, earlier, group = 0, Counter[int](), _group(state, has_velocity)
    if most is not None:
        struck = 0 if state.rules is None else state.rules.most_struck - 1
        for program, rest in zip(programs, rests, strict=True):
            sounding += (bars + is_open + min(rest, most)) // (most + 1) * (1 + group + struck + earlier[program])
            earlier[program] += 1
    owed = 0 if state.rules is None else state.rules.owed(first - is_open, last, programs, group)
    return bars + planned_chords(plan, first, last, _inverted) + sounding + owed + 1

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
    group = _group(state, has_velocity)
    owing = _owing(state)
    pending = [part for part in owing if part != state.part or not SEGMENT <= state.at <= TAIL]
    sounding = {*owing, state.part} if POSITION <= state.at <= TAIL else {*owing}
    rests = [0 if part in sounding else rest + 1 for part, rest in enumerate(state.rests)]
    return (
        len(state.queue)
        + (state.at == CHORD_POSITION and not state.queue)
        + (state.with_chords and not state.chord_seen and not state.task.plan.chords)
        + _started(state, group)
        + _instrument_tokens(state, pending)
        + group * len(pending)
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


def _owing(state: State) -> list[int]:
    """Parts that must sound in this measure; while its length is open, also those that may not be able to."""
    if state.at >= CHORD_POSITION:
        return state.must_sound()
    most = state.task.constraints.max_rest_bars
    return [] if most is None else [part for part, rest in enumerate(state.rests) if rest >= most]


def _started(state: State, group: int) -> int:
    """Tokens that complete the group begun."""
    if state.at != SEGMENT:
        tails = int(state.unit > 1)
        left = {POSITION: group - 1, SHIFT: group - 1 - tails, VELOCITY: 2 + tails, RELEASE: 1 + tails, TAIL: 1}
        return left.get(state.at, 0)
    candidates, must = state.candidates(), state.must_sound()
    program = state.programs[state.part]
    later = [part for part in candidates if part > state.part and state.programs[part] == program]
    if state.part in must or (state.part in candidates and not set(later) & set(must)):
        return group
    if set(later) & set(must):
        return 0  # the instrument is repeated for the part that must sound, which is counted there
    return group + _instrument_tokens(state, later[:1])


def _instrument_tokens(state: State, parts: list[int]) -> int:
    """Instrument tokens that lead to these parts: each also passes the earlier parts of its instrument."""
    last = {state.programs[part]: part for part in parts}
    return sum(
        program in last and part <= last[program] and not state.taken >> part & 1
        for part, program in enumerate(state.programs)
    )


def _measures(rests: list[int], programs: tuple[int, ...], state: State, has_velocity: bool) -> int:
    """Cost of all measures to come and EOS, each part sounding only when it must."""
    bars = state.bars_left if state.at >= BAR or state.gap is not None else state.bars or state.task.plan.bars or 1
    plan, most = state.task.plan, state.task.constraints.max_rest_bars
    first = (state.bars or bars) - bars
    sounding, earlier, group = 0, Counter[int](), _group(state, has_velocity)
    if most is not None:
        for program, rest in zip(programs, rests, strict=True):
            sounding += (bars + min(rest, most)) // (most + 1) * (1 + group + earlier[program])
            earlier[program] += 1
    return bars + planned_chords(plan, first, first + bars, _inverted) + sounding + 1

"""The grammar of `abc` before the first measure: what the plan says, and what it leaves open."""

from __future__ import annotations

from partimento.representations.abc.ending import is_closing
from partimento.representations.abc.measures import span
from partimento.representations.abc.state import (
    BARS,
    CHORDS,
    ENDS,
    METER,
    OPENS,
    PARTS,
    START,
    STYLE,
    TEMPO,
    State,
)
from partimento.representations.abc.vocabulary import V
from partimento.representations.gridded.vocabulary import KEYS, MAX_BARS, MAX_PARTS, STYLES


def allowed(state: State) -> list[tuple[int, int]]:
    """Ranges, in any order."""
    plan, task, at = state.piece.task.plan, state.piece.task, state.at
    if at < STYLE:
        return [span("START")] if at < START else [V.wanted("Style", plan.style, STYLES)]
    if at == STYLE:
        return V.wanted_meters(plan, -1)
    if at == METER:
        return [V.wanted_tempo(plan)]
    if at == TEMPO:
        return [_wanted_bars(state)]
    if at == BARS and task.opens_midway:
        return [span("Opens")]
    if at in (BARS, OPENS) and task.ends_midway:
        return [span("Ends")]
    return _parts(state)


def _wanted_bars(state: State) -> tuple[int, int]:
    plan, budget = state.piece.task.plan, state.piece.task.constraints.budget
    if plan.bars is not None:
        return span("Bars", plan.bars - 1, plan.bars)
    most = MAX_BARS if budget is None else 1
    while most < MAX_BARS and not is_closing(after_bars(state, most)):
        most += 1
    return span("Bars", 0, most)


def _parts(state: State) -> list[tuple[int, int]]:
    plan, programs = state.piece.task.plan, state.piece.programs
    if plan.instruments is not None and len(programs) < len(plan.instruments):
        program = plan.instruments[len(programs)]
        return [span("Instrument", program, program + 1)]
    closing = is_closing(state)
    ranges: list[tuple[int, int]] = []
    if not programs or (state.at != CHORDS and plan.instruments is None and len(programs) < MAX_PARTS and not closing):
        ranges.append(span("Instrument"))
    if not programs:
        return ranges
    if state.at == CHORDS:
        return [V.wanted("Key", plan.key, KEYS)]
    names_chords = state.piece.task.constraints.chord_symbols
    if plan.chords is not None:
        must = may = any(plan.chords[: state.piece.bars])
    else:
        must, may = names_chords == "must" and not closing, names_chords != "must not" and not closing
    ranges += [span("Chords")] if may else []
    return ranges if must else [*ranges, V.wanted("Key", plan.key, KEYS)]


def after_start(state: State, member: int) -> State:
    """The beginning."""
    return state._replace(at=START)


def after_style(state: State, member: int) -> State:
    """A style."""
    return state._replace(at=STYLE)


def after_bars(state: State, member: int) -> State:
    """The number of measures."""
    return state._replace(at=BARS, piece=state.piece._replace(bars=member + 1))


def after_opens(state: State, member: int) -> State:
    """The music is an excerpt that opens midway."""
    return state._replace(at=OPENS)


def after_ends(state: State, member: int) -> State:
    """The music is an excerpt that ends midway."""
    return state._replace(at=ENDS)


def after_instrument(state: State, member: int) -> State:
    """A part."""
    programs = (*state.piece.programs, member)
    return state._replace(at=PARTS, piece=state.piece._replace(programs=programs))


def after_chords(state: State, member: int) -> State:
    """There will be chord symbols."""
    return state._replace(at=CHORDS, piece=state.piece._replace(with_chords=True))

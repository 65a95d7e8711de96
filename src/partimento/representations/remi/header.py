"""The header in the grammar of `remi`: what the plan asks for, or else what the model chooses."""

from __future__ import annotations

from partimento.representations.grammar import mask_ranges
from partimento.representations.gridded.vocabulary import KEYS, MAX_BARS, MAX_PARTS, STYLES
from partimento.representations.remi.machine import Machine
from partimento.representations.remi.state import (
    BARS,
    BOS,
    CHORDS,
    ENDS,
    KEY,
    METER,
    OPENS,
    START,
    STYLE,
    TEMPO,
    State,
)
from partimento.theory.instrument import DRUMS

MAX_FREE_PARTS = 8
ALL_PROGRAMS = (1 << DRUMS + 1) - 1


class Header(Machine):
    """Tokens before the first measure."""

    def _allowed_header(self, state: State) -> list[tuple[int, int]]:
        plan, at = state.task.plan, state.at
        if at == START:
            return [self._span("BOS")]
        if at == BOS:
            return [self._vocabulary.wanted("Style", plan.style, STYLES)]
        if at == STYLE:
            return self._vocabulary.wanted_meters(plan, -1)
        if at == METER:
            return [self._vocabulary.wanted("Key", plan.key, KEYS)]
        if at == KEY:
            return [self._vocabulary.wanted_tempo(plan)]
        if at == TEMPO:
            return [self._wanted_bars(state)]
        if at == BARS and state.task.opens_midway:
            return [self._span("Opens")]
        if at in (BARS, OPENS) and state.task.ends_midway:
            return [self._span("Ends")]
        return self._allowed_parts(state)

    def _wanted_bars(self, state: State) -> tuple[int, int]:
        plan, budget = state.task.plan, state.task.constraints.budget
        if plan.bars is not None:
            return self._span("Bars", plan.bars - 1, plan.bars)
        if budget is None:
            return self._span("Bars")
        most = 1
        while most < MAX_BARS and self._fits(state, most + 1):
            most += 1
        return self._span("Bars", 0, most)

    def _fits(self, state: State, bars: int) -> bool:
        ready = state.but(bars=bars)
        return state.spent + self.shortest_end(ready) + 2 * self._slack(ready) <= (state.task.constraints.budget or 0)

    def _allowed_parts(self, state: State) -> list[tuple[int, int]]:
        plan, chosen = state.task.plan, len(state.programs)
        if state.at == CHORDS:
            return [self._next_bar(state)]
        if plan.instruments is not None and chosen < len(plan.instruments):
            return [self._span("Instrument", plan.instruments[chosen], plan.instruments[chosen] + 1)]
        ranges: list[tuple[int, int]] = []
        most = MAX_FREE_PARTS if state.task.constraints.playable else MAX_PARTS
        if chosen == 0 or (plan.instruments is None and chosen < most and self._has_room_for_part(state)):
            ranges += self._able_instruments(state)
        if chosen and plan.chords is not None:
            must_close = self._span("Chords") if any(plan.chords[: state.bars]) else self._next_bar(state)
            return [*ranges, must_close] if plan.instruments is None else [must_close]
        if chosen:
            names_chords = state.task.constraints.chord_symbols
            if names_chords != "must not" and not self._is_closing(state):
                ranges.append(self._span("Chords"))
            if names_chords != "must" or self._is_closing(state):
                ranges.append(self._next_bar(state))
        return ranges

    def _able_instruments(self, state: State) -> list[tuple[int, int]]:
        """Instruments that are not to be left out, and that can keep what is asked of the next part."""
        task = state.task
        able = ALL_PROGRAMS if state.rules is None else state.rules.programs(len(state.programs), task)
        if task.constraints.enforced:
            able = able & ~sum(1 << program for program in set(task.plan.without)) or able
        return [self._span("Instrument", low, high) for low, high in mask_ranges(able)]

    def _has_room_for_part(self, state: State) -> bool:
        """Whether the budget allows one more part, whatever it plays."""
        usual = max(state.programs, key=state.programs.count)
        return not self._is_closing(state.but(programs=(*state.programs, usual), spent=state.spent + 1))

    def _after_bos(self, state: State, member: int) -> State:
        return state.but(at=BOS)

    def _after_style(self, state: State, member: int) -> State:
        return state.but(at=STYLE)

    def _after_bars(self, state: State, member: int) -> State:
        return state.but(at=BARS, bars=member + 1, bars_left=member + 1)

    def _after_opens(self, state: State, member: int) -> State:
        return state.but(at=OPENS)

    def _after_ends(self, state: State, member: int) -> State:
        return state.but(at=ENDS)

    def _after_chords(self, state: State, member: int) -> State:
        return state.but(at=CHORDS, with_chords=True, chord_seen=False)

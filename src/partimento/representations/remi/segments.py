"""Segments in the grammar of `remi`: the groups of notes that a part plays in a measure."""

from __future__ import annotations

from partimento.representations.grammar import mask_ranges
from partimento.representations.gridded.vocabulary import KEYS
from partimento.representations.remi.machine import Machine
from partimento.representations.remi.pitches import free_pitches, missing_notes, pitch_mask
from partimento.representations.remi.rules import UNLIMITED
from partimento.representations.remi.shares import added, chordal_mask, longest_chordal, spans_of
from partimento.representations.remi.state import (
    BAR,
    CHORD_POSITION,
    MAX_STRUCK,
    NOTE,
    PARTS,
    POSITION,
    RELEASE,
    SEGMENT,
    SHIFT,
    TAIL,
    VELOCITY,
    Limit,
    State,
)
from partimento.representations.remi.vocabulary import MAX_RELEASE, SHIFTS
from partimento.theory.instrument import DRUMS, instrument


class Segments(Machine):
    """Tokens of instruments, positions, shifts, velocities, releases and pitches."""

    def _allowed_segments(self, state: State, closing: bool) -> list[tuple[int, int]]:
        must = state.must_sound()
        programs = {state.programs[part] for part in (must[:1] if closing else state.candidates())}
        ranges = [self._span("Instrument", program, program + 1) for program in programs]
        return ranges if must else [*ranges, self._next_bar(state)]

    def _allowed_segment(self, state: State) -> list[tuple[int, int]]:
        closing = self._is_closing(state)
        if state.at == SEGMENT:
            return self._allowed_opening(state, closing)
        if state.at == POSITION:
            return self._allowed_groups(state)
        if state.at == SHIFT:
            return self._allowed_ends(state)
        if state.at == VELOCITY:
            return self._allowed_releases(state)
        if state.at == RELEASE:
            return self._allowed_after_release(state, closing)
        return self._allowed_pitches(state) if state.at == TAIL else self._allowed_after_note(state, closing)

    def _allowed_opening(self, state: State, closing: bool) -> list[tuple[int, int]]:
        """After an instrument: its first group, or the instrument again for the next part that plays it."""
        candidates, must = state.candidates(), state.must_sound()
        program = state.programs[state.part]
        later = [part for part in candidates if part > state.part and state.programs[part] == program]
        again = [self._span("Instrument", program, program + 1)] if later else []
        if state.part not in candidates:
            return again
        if closing and again and state.part not in must and any(part in must for part in later):
            return again
        earliest, end = state.earliest(state.part), self._positions_end(state)
        ranges = [] if closing else again
        if max(earliest, 1) < end:
            ranges.append(self._span("Position", max(earliest, 1), end))
        return ranges + (self._allowed_groups(state) if earliest == 0 else [])

    # Where a group begins

    def _positions_end(self, state: State) -> int:
        """The position behind the last at which a group may begin, so that the notes still due have room behind it."""
        if state.rules is None:
            return state.length
        last, due = state.last_position(state.part), state.due(state.part)
        if due > 1:
            last = min(last, max(last - (due - 1) * self._spacing(state), state.earliest(state.part)))
        return last + 1

    def _spacing(self, state: State) -> int:
        """Least distance of two notes of the part, in steps."""
        return -(-state.rule(state.part).shortest // state.unit) if state.capacity(state.part) == 1 else 1

    def _free_again(self, state: State, due: int) -> int:
        """Tick by which a part that holds all that it can has to be free again.

        Args:
            state: in a group.
            due: notes that the part must begin behind the group in this measure; then those of the next one count.
        """
        spacing, last = self._spacing(state), state.last_position(state.part)
        if due > 0:
            return state.unit * (last - (due - 1) * spacing)
        ahead = state.rules.of(state.part, state.bars - state.bars_left).least if state.rules else 0
        if not ahead or not state.bars_left:
            return UNLIMITED
        return state.unit * (state.length + state.following_length - 1 - (ahead - 1) * spacing)

    def _allowed_groups(self, state: State) -> list[tuple[int, int]]:
        """At the cursor of a new group: its shift, or what may follow when it has none."""
        low, high = self._shifts(state, state.cursor, state.limit)
        return self._shift_spans(low, high) + (self._allowed_ends(_shifted(state, 0)) if low <= 0 <= high else [])

    def _shifts(self, state: State, position: int, limit: Limit | None) -> tuple[int, int]:
        """Least and greatest shift of a group at a position, behind another one there."""
        low, high = state.shifts(position)
        if limit is None:
            return low, high
        louder = self._has_velocity and limit.velocity < self._vocabulary.size["Velocity"] - 1
        shorter = limit.duration > state.rule(state.part).shortest
        return max(low, limit.shift if shorter or louder else limit.shift + 1), high

    def _shift_spans(self, low: int, high: int) -> list[tuple[int, int]]:
        """Tokens of the shifts from `low` to `high`, both included; 0 has none."""
        first = self._first["Shift"] - SHIFTS[0]
        spans = [(first + low, first + min(high + 1, 0)), (first + max(low, 1) - 1, first + high)]
        return [(a, b) for a, b in spans if a < b]

    def _allowed_ends(self, state: State) -> list[tuple[int, int]]:
        if not self._has_velocity:
            return self._allowed_releases(state)
        must_be_louder = state.limit is not None and state.limit.duration <= state.rule(state.part).shortest
        return [self._span("Velocity", state.limit.velocity + 1 if state.limit and must_be_louder else 0)]

    # Where it ends

    def _longest(self, state: State) -> int:
        """Longest duration that the group may have, in ticks."""
        most = state.end_limit - state.onset
        if state.limit is not None:
            louder = self._has_velocity and state.velocity > state.limit.velocity
            most = min(most, state.limit.duration if louder else state.limit.duration - 1)
        if not state.spans and state.rules is None:
            return most
        rule, wished = state.rule(state.part), most
        if state.spans and state.programs[state.part] != DRUMS:
            wished = min(wished, longest_chordal(state, free_pitches(state)))
        if state.rules is not None and state.ringing() + 1 >= state.capacity(state.part):
            wished = min(wished, self._free_again(state, state.due(state.part) - 1) - state.onset)
        return max(min(wished, rule.longest), min(most, rule.shortest))

    def _allowed_releases(self, state: State) -> list[tuple[int, int]]:
        longest, unit = self._longest(state), state.unit
        if longest < 1:
            return []
        reach = max((longest + state.shift + unit // 2) // unit, 1)
        # with the latest release on that step, the shortest note that may be
        least = -(-(state.rule(state.part).shortest + state.shift + 1 - (unit + 1) // 2) // unit)
        earliest = max(state.cursor + max(least, 1) - state.release, 1)
        latest = min(state.cursor + reach - state.release, MAX_RELEASE)
        return [self._span("Release", earliest - 1, latest)] if earliest <= latest else []

    def _allowed_after_release(self, state: State, closing: bool) -> list[tuple[int, int]]:
        """How far the release is off its step, or a pitch where it is not; more where it lies far off."""
        unit = state.unit
        low = state.shift - unit + 1 if state.release == state.cursor + 1 else -(unit // 2)
        low = max(low, state.rule(state.part).shortest - state.duration)
        high = min((unit + 1) // 2 - 1, self._longest(state) - state.duration)
        ranges = self._shift_spans(low, high) + (self._allowed_pitches(state) if low <= 0 <= high else [])
        may_go_on = state.release % MAX_RELEASE == 0 and not closing
        return ranges + (self._allowed_releases(state) if may_go_on else [])

    # Its notes, and what comes behind them

    def _allowed_pitches(self, state: State) -> list[tuple[int, int]]:
        block = "Drum" if state.programs[state.part] == DRUMS else "Pitch"
        first = self._first[block]
        return [(first + low, first + high) for low, high in mask_ranges(pitch_mask(state, chordal_mask(state)))]

    def _allowed_after_note(self, state: State, closing: bool) -> list[tuple[int, int]]:
        if state.rules is None:
            leaving = self._allowed_segments(state, closing)
            return leaving if closing else leaving + self._joining(state) + self._going_on(state)
        if state.begun >= state.rule(state.part).most:
            return self._allowed_segments(state, closing)
        joining, due = self._joining(state), state.due(state.part) > 0
        if joining and missing_notes(state):
            return joining
        if closing and not due:
            return self._allowed_segments(state, closing)
        onward = joining + self._going_on(state)
        return onward if due and onward else onward + self._allowed_segments(state, closing)

    def _may_join(self, state: State) -> bool:
        """Whether another note may begin together with those of the group."""
        playable, part = state.task.constraints.playable, state.part
        most = max(MAX_STRUCK, state.rule(part).struck) if playable else UNLIMITED
        return state.struck.bit_count() < most

    def _joining(self, state: State) -> list[tuple[int, int]]:
        """Pitches that may join the group."""
        part = state.part
        if state.task.constraints.playable and instrument(state.programs[part]).is_monophonic:
            return []
        if not self._may_join(state):
            return []
        if state.rules is not None:
            ringing, due = state.ringing(), state.due(part)
            if ringing >= state.rule(part).sounding:
                return []
            if ringing + 1 >= state.capacity(part) and state.end > self._free_again(state, due - 1):
                return []
        return self._allowed_pitches(state)

    def _going_on(self, state: State) -> list[tuple[int, int]]:
        """Groups at the next position, at this one again, or at a later one."""
        ranges: list[tuple[int, int]] = []
        earliest, end = state.earliest(state.part), self._positions_end(state)
        if max(earliest, 0) <= state.following < end:
            ranges += self._allowed_groups(_at(state, state.following))
        low, high = self._shifts(state, state.cursor, _limit(state))
        if low <= high and self._may_join(state) and (state.rules is None or free_pitches(state) & ~state.struck):
            ranges.append(self._span("Position", state.cursor, state.cursor + 1))
        first = max(earliest, state.cursor + 1)
        # the position that goes without saying is not said
        spans = [(first, min(state.following, end)), (max(first, state.following + 1), end)]
        return ranges + [self._span("Position", low, high) for low, high in spans if low < high]

    # Steps

    def _after_instrument(self, state: State, member: int) -> State:
        if state.at < BAR:
            return state.but(at=PARTS, programs=(*state.programs, member))
        part = next(k for k, program in enumerate(state.programs) if program == member and not state.taken >> k & 1)
        return state.but(
            at=SEGMENT, part=part, taken=state.taken | 1 << part, cursor=0, following=0, release=0, shift=0,
            tail=0, velocity=-1, limit=None, pitch=-1, struck=0, begun=0, spans=state.spans or spans_of(state),
        )  # fmt: skip

    def _after_position(self, state: State, member: int) -> State:
        if state.at < SEGMENT:
            return state.but(at=CHORD_POSITION, queue=state.queue[1:], chord_position=member)
        return _at(state, member).but(at=POSITION)

    def _after_shift(self, state: State, member: int) -> State:
        if state.at == RELEASE:
            return _ended(state.but(at=TAIL, tail=SHIFTS[member]))
        return _shifted(_begun(state), SHIFTS[member]).but(at=SHIFT)

    def _after_velocity(self, state: State, member: int) -> State:
        opened = state if state.at == SHIFT else _shifted(_begun(state), 0)
        return opened.but(at=VELOCITY, velocity=member)

    def _after_release(self, state: State, member: int) -> State:
        opened = state if state.at in (SHIFT, VELOCITY, RELEASE) else _shifted(_begun(state), 0)
        return _ended(opened.but(at=RELEASE, release=opened.release + member + 1, pitch=-1))

    def _after_pitch(self, state: State, member: int) -> State:
        key = KEYS[state.key]
        outside = key is not None and member % 12 not in key.pitch_classes
        counted = state.but(
            diatonic=state.diatonic + (0 if outside else state.duration),
            chromatic=state.chromatic + (state.duration if outside else 0),
            chordal=added(state, member),
        )
        return self._after_drum(counted, member)

    def _after_drum(self, state: State, member: int) -> State:
        part, rests, held = state.part, state.rests, state.held
        rests = rests if rests[part] == -1 else (*rests[:part], -1, *rests[part + 1 :])
        if state.is_tracked:
            held = (*held[:part], (*held[part], (member, state.end)), *held[part + 1 :])
        return state.but(
            at=NOTE, pitch=member, struck=state.struck | 1 << member, following=state.release,
            sounded=part, rests=rests, held=held, begun=state.begun + 1,
        )  # fmt: skip


def _limit(state: State) -> Limit:
    """What a group at the same position has to come behind."""
    return Limit(state.shift, state.duration, state.velocity, state.struck)


def _at(state: State, position: int) -> State:
    """The state with a new group begun at a position."""
    limit = _limit(state) if state.at == NOTE and position == state.cursor else None
    return state.but(cursor=position, release=0, shift=0, tail=0, velocity=-1, limit=limit)


def _begun(state: State) -> State:
    """The state with a new group begun where the last one ends, if no position has begun one already."""
    return state if state.at == POSITION else _at(state, state.following)


def _shifted(state: State, shift: int) -> State:
    """The state once the shift of its group is known; one that comes later than the group before has no limit."""
    if state.shift == shift and (state.limit is None or state.limit.shift == shift):
        return state
    is_same = state.limit is not None and state.limit.shift == shift
    return state.but(shift=shift, limit=state.limit if is_same else None)


def _ended(state: State) -> State:
    """The state once the end of its group is known; as long as the group before, it has none of its pitches."""
    is_same = state.limit is not None and state.limit.duration == state.duration
    return state.but(struck=state.limit.struck if state.limit and is_same else 0)

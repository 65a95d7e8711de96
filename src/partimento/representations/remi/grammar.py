"""The grammar of `remi`: which token may follow, given everything written so far and what the task asks for.

States are small and immutable (`state`); which pitches may come is in `pitches`, how a sequence ends in time, `ending`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from partimento.errors import InfeasibleTask
from partimento.plan import Plan, Task
from partimento.representations.base import Ranges
from partimento.representations.remi.ending import shortest_end
from partimento.representations.remi.pitches import chord_mask, chords_of_key, class_mask, mask_ranges, pitch_mask
from partimento.representations.remi.state import (
    BAR,
    BAR_KEY,
    BAR_LENGTH,
    BAR_METER,
    BAR_TEMPO,
    BARS,
    BOS,
    CHORD,
    CHORD_BASS,
    CHORD_POSITION,
    CHORDS,
    END,
    ENDS,
    KEY,
    METER,
    NOTE,
    OPENS,
    PARTS,
    POSITION,
    RELEASE,
    SEGMENT,
    START,
    STYLE,
    TEMPO,
    VELOCITY,
    State,
)  # fmt: skip
from partimento.representations.remi.vocabulary import (
    CHORD_KINDS,
    GRID,
    KEYS,
    MAX_BARS,
    MAX_COUNTDOWN,
    MAX_RELEASE,
    METERS,
    STYLES,
    TEMPOS_BPM,
    Vocabulary,
)
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, instrument
from partimento.theory.pitch import pitch_class

MAX_PARTS = 64
MAX_FREE_PARTS = 8
MAX_HELD = 10
MAX_STRUCK = 4
"""Most notes that one part of a playable piece holds, and strikes at once."""
_UNLIMITED = 1 << 30
_LENGTHS = tuple(int(meter.duration_quarter * GRID) for meter in METERS)


class Grammar:
    """`start`, `step`, `allowed`, `forced` and `shortest_end` of `remi`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._first = vocabulary.first
        self._has_velocity = vocabulary.size["Velocity"] > 0
        self._block_names = list(vocabulary.first)
        self._block_of = vocabulary.block_of.tolist()

    # Protocol

    def start(self, task: Task) -> State:
        """The state before BOS.

        Raises:
            InfeasibleTask: the plan cannot be said, or not within the budget.
        """
        plan, constraints = task.plan, task.constraints
        if plan.meter is not None and plan.meter not in METERS:
            raise InfeasibleTask(
                f"meter {plan.meter} is outside what remi can say (up to 16 quarters a bar, 16th as unit)"
            )
        if plan.chords is not None and not any(plan.chords):
            raise InfeasibleTask("a chord progression needs at least one chord")
        if _most_chords(plan) > (max(_LENGTHS) if plan.meter is None else int(plan.meter.duration_quarter * GRID)):
            raise InfeasibleTask(f"{_most_chords(plan)} chords do not fit in one bar")
        state = State(task)
        if constraints.budget is not None:
            needed = self.shortest_end(state)
            if needed > constraints.budget:
                bars, parts = plan.bars or 1, len(plan.instruments or (0,))
                raise InfeasibleTask(
                    f"{bars} bars for {parts} instruments need {needed} tokens, and {constraints.budget} are allowed"
                )
        return state

    def step(self, state: State, token: int) -> State:
        """The state after a token that `allowed` admits."""
        block = self._block_names[self._block_of[token]]
        member = token - self._first[block]
        return getattr(self, f"_after_{block.lower()}")(replace(state, spent=state.spent + 1), member)

    def allowed(self, state: State) -> Ranges:
        """Ids that may follow, as half-open ranges."""
        if state.queue:
            return ((state.queue[0], state.queue[0] + 1),)
        if state.at < BAR:
            ranges = self._allowed_header(state)
        elif state.at <= CHORD_BASS:
            ranges = self._allowed_bar(state)
        elif state.at == END:
            ranges = [self._span("PAD")]
        else:
            ranges = self._allowed_segment(state)
        return _merged(ranges)

    def forced(self, state: State) -> tuple[int, ...]:
        """Ids that follow without a choice."""
        tokens: list[int] = []
        while state.at != END:
            (low, high), *others = self.allowed(state)
            if others or high - low > 1:
                break
            tokens.append(low)
            state = self.step(state, low)
        return tuple(tokens)

    def shortest_end(self, state: State) -> int:
        """Tokens, EOS included, that certainly close the sequence."""
        return shortest_end(state, self._has_velocity)

    # Budget

    def _slack(self, state: State) -> int:
        """The most that one token can add to `shortest_end`, and a little more."""
        return 8 + 2 * len(state.programs)

    def _is_closing(self, state: State) -> bool:
        budget = state.task.constraints.budget
        return budget is not None and budget - state.spent <= self.shortest_end(state) + self._slack(state)

    # Header

    def _allowed_header(self, state: State) -> list[tuple[int, int]]:
        plan, at = state.task.plan, state.at
        if at == START:
            return [self._span("BOS")]
        if at == BOS:
            return [self._wanted("Style", plan.style, STYLES)]
        if at == STYLE:
            return self._wanted_meters(plan, -1)
        if at == METER:
            return [self._wanted("Key", plan.key, KEYS)]
        if at == KEY:
            return [self._wanted_tempo(plan)]
        if at == TEMPO:
            return [self._wanted_bars(state)]
        if at == BARS and state.task.opens_midway:
            return [self._span("Opens")]
        if at in (BARS, OPENS) and state.task.ends_midway:
            return [self._span("Ends")]
        return self._allowed_parts(state)

    def _wanted(self, block: str, wish: object, members: tuple[object, ...]) -> tuple[int, int]:
        if wish is None or wish not in members:
            return self._span(block)
        index = members.index(wish)
        return self._span(block, index, index + 1)

    def _wanted_meters(self, plan: Plan, but: int) -> list[tuple[int, int]]:
        """The plan's meter, or all that have a step for each of its chords, without one that is no change."""
        if plan.meter is not None:
            return [self._wanted("Meter", plan.meter, METERS)]
        most = _most_chords(plan)
        return [self._span("Meter", k, k + 1) for k, length in enumerate(_LENGTHS) if length >= most and k != but]

    def _wanted_tempo(self, plan: Plan) -> tuple[int, int]:
        if plan.tempo_bpm is None:
            return self._span("Tempo")
        tempo = plan.tempo_bpm
        nearest = min(range(1, len(TEMPOS_BPM)), key=lambda index: abs((TEMPOS_BPM[index] or 0) - tempo))
        return self._span("Tempo", nearest, nearest + 1)

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
        ready = replace(state, bars=bars)
        return state.spent + self.shortest_end(ready) + 2 * self._slack(ready) <= (state.task.constraints.budget or 0)

    def _allowed_parts(self, state: State) -> list[tuple[int, int]]:
        plan, chosen = state.task.plan, len(state.programs)
        if state.at == CHORDS:
            return [self._bar_token(state.bars)]
        if plan.instruments is not None and chosen < len(plan.instruments):
            return [self._span("Instrument", plan.instruments[chosen], plan.instruments[chosen] + 1)]
        ranges: list[tuple[int, int]] = []
        most = MAX_FREE_PARTS if state.task.constraints.playable else MAX_PARTS
        if chosen == 0 or (plan.instruments is None and chosen < most and self._has_room_for_part(state)):
            ranges.append(self._span("Instrument"))
        if chosen and plan.chords is not None:
            must_close = self._span("Chords") if any(plan.chords[: state.bars]) else self._bar_token(state.bars)
            return [*ranges, must_close] if plan.instruments is None else [must_close]
        if chosen:
            names_chords = state.task.constraints.chord_symbols
            if names_chords != "must not" and not self._is_closing(state):
                ranges.append(self._span("Chords"))
            if names_chords != "must" or self._is_closing(state):
                ranges.append(self._bar_token(state.bars))
        return ranges

    def _has_room_for_part(self, state: State) -> bool:
        """Whether the budget allows one more part, whatever it plays."""
        usual = max(state.programs, key=state.programs.count)
        return not self._is_closing(replace(state, programs=(*state.programs, usual), spent=state.spent + 1))

    def _after_bos(self, state: State, member: int) -> State:
        return replace(state, at=BOS)

    def _after_style(self, state: State, member: int) -> State:
        return replace(state, at=STYLE)

    def _after_bars(self, state: State, member: int) -> State:
        return replace(state, at=BARS, bars=member + 1, bars_left=member + 1)

    def _after_opens(self, state: State, member: int) -> State:
        return replace(state, at=OPENS)

    def _after_ends(self, state: State, member: int) -> State:
        return replace(state, at=ENDS)

    def _after_chords(self, state: State, member: int) -> State:
        return replace(state, at=CHORDS, with_chords=True, chord_seen=False)

    def _after_meter(self, state: State, member: int) -> State:
        if state.at < BAR:
            return replace(state, at=METER, meter=member)
        return replace(state, at=BAR_METER, meter=member, length=_LENGTHS[member])

    def _after_key(self, state: State, member: int) -> State:
        return replace(state, at=KEY if state.at < BAR else BAR_KEY, key=member)

    def _after_tempo(self, state: State, member: int) -> State:
        return replace(state, at=TEMPO if state.at < BAR else BAR_TEMPO, tempo=member)

    # Measures

    def _bar_token(self, bars_left: int) -> tuple[int, int]:
        """What opens the next measure, or EOS."""
        if bars_left == 0:
            return self._span("EOS")
        countdown = min(bars_left - 1, MAX_COUNTDOWN - 1)
        return self._span("Bar", countdown, countdown + 1)

    def _allowed_bar(self, state: State) -> list[tuple[int, int]]:
        if state.at == CHORD_POSITION:
            return self._free_chords(state)
        ranges = self._allowed_changes(state)
        closing = self._is_closing(state)
        owes_chord = state.with_chords and not state.chord_seen and not state.task.plan.chords and state.bars_left == 0
        if owes_chord and closing:
            return self._free_chords(state)
        if state.with_chords and state.task.plan.chords is None and not closing:
            ranges += self._allowed_chords(state)
        return ranges if owes_chord else ranges + self._allowed_segments(state, closing)

    def _allowed_changes(self, state: State) -> list[tuple[int, int]]:
        """Meter, length, key and tempo, in this order, each only where it is a change."""
        if state.task.constraints.steady or self._is_closing(state) or state.at >= BAR_TEMPO:
            return []
        plan, ranges = state.task.plan, list[tuple[int, int]]()
        if state.at < BAR_METER and state.bars_left < state.bars - 1 and plan.meter is None:
            ranges += self._wanted_meters(plan, state.meter)
        if state.at < BAR_LENGTH:
            ranges += self._all_but("Length", _LENGTHS[state.meter] - 1)
        if state.at < BAR_KEY and state.key and state.bars_left < state.bars - 1 and plan.key is None:
            ranges += self._all_but("Key", state.key, 1)
        if state.tempo and state.bars_left < state.bars - 1 and plan.tempo_bpm is None:
            ranges += self._all_but("Tempo", state.tempo, 1)
        return ranges

    def _allowed_chords(self, state: State) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        if state.at < CHORD_POSITION:
            ranges += self._free_chords(state)
        first = max(state.chord_position + 1, 1)
        if first < state.length:
            ranges.append(self._span("Position", first, state.length))
        if state.at == CHORD:
            ranges += [] if state.pitch < 0 else self._all_but("Bass", state.pitch)
        return ranges

    def _free_chords(self, state: State) -> list[tuple[int, int]]:
        """Chords that the model may choose: where the scale is guarded, those that belong to the key."""
        key = KEYS[state.key]
        if state.task.constraints.max_chromatic_share is None or key is None:
            return [self._span("Chord")]
        return [self._span("Chord", low, high) for low, high in mask_ranges(chords_of_key(key.pitch_classes))]

    def _after_bar(self, state: State, member: int) -> State:
        left = state.bars_left - 1
        if state.length == 0:
            opened = replace(state, rests=(0,) * len(state.programs), held=((),) * len(state.programs))
        else:
            opened = replace(state, rests=tuple(rest + 1 for rest in state.rests))
            released = tuple(
                tuple((pitch, release - state.length) for pitch, release in part if release > state.length)
                for part in state.held
            )
            opened = replace(opened, held=released)
        running = tuple((-1, mask) for _, mask in state.bar_chords[-1:])
        length = _LENGTHS[state.meter]
        return replace(
            opened, at=BAR, bars_left=left, length=length, chord_position=-1, bar_chords=running, taken=0, sounded=-1,
            part=-1, queue=self._planned_chords(state.task.plan, state.bars - 1 - left, length),
        )  # fmt: skip

    def _planned_chords(self, plan: Plan, bar: int, length: int) -> tuple[int, ...]:
        if not plan.chords:
            return ()
        chords = plan.chords[bar % len(plan.chords)]
        positions = [index * length // len(chords) for index in range(len(chords))]
        tokens: list[int] = []
        for position, chord in zip(positions, chords, strict=True):
            tokens += [self._first["Position"] + position] if position else []
            tokens += self._chord_tokens(chord)
        return tuple(tokens)

    def _chord_tokens(self, chord: ChordSymbol) -> list[int]:
        chord = chord.plain
        root = pitch_class(chord.root)
        token = self._first["Chord"] + 1 + root * len(CHORD_KINDS) + CHORD_KINDS.index(chord.kind)
        if chord.bass is None or pitch_class(chord.bass) == root:
            return [token]
        return [token, self._first["Bass"] + pitch_class(chord.bass)]

    def _after_length(self, state: State, member: int) -> State:
        return replace(state, at=BAR_LENGTH, length=member + 1)

    def _after_chord(self, state: State, member: int) -> State:
        position = max(state.chord_position, 0)
        return replace(
            state,
            at=CHORD,
            chord_seen=True,
            queue=state.queue[1:],
            chord_position=position,
            bar_chords=(*state.bar_chords, (position, chord_mask(member))),
            pitch=-1 if member == 0 else (member - 1) // len(CHORD_KINDS),
        )

    def _after_bass(self, state: State, member: int) -> State:
        position, mask = state.bar_chords[-1]
        with_bass = (*state.bar_chords[:-1], (position, mask | class_mask(frozenset([member]))))
        return replace(state, at=CHORD_BASS, queue=state.queue[1:], bar_chords=with_bass)

    def _after_eos(self, state: State, member: int) -> State:
        return replace(state, at=END)

    def _after_pad(self, state: State, member: int) -> State:
        return state

    # Segments

    def _allowed_segments(self, state: State, closing: bool) -> list[tuple[int, int]]:
        must = state.must_sound()
        programs = {state.programs[part] for part in (must[:1] if closing else state.candidates())}
        ranges = [self._span("Instrument", program, program + 1) for program in programs]
        return ranges if must else [*ranges, self._bar_token(state.bars_left)]

    def _allowed_segment(self, state: State) -> list[tuple[int, int]]:
        closing = self._is_closing(state)
        if state.at == SEGMENT:
            return self._allowed_opening(state, closing)
        if state.at == POSITION:
            return self._allowed_velocities(state) if self._has_velocity else self._allowed_releases(state, closing)
        if state.at == VELOCITY:
            return self._allowed_releases(state, closing)
        if state.at == RELEASE:
            ranges = self._allowed_pitches(state)
            may_go_on = state.release % MAX_RELEASE == 0 and not closing
            return ranges + (self._allowed_releases(state, closing) if may_go_on else [])
        return self._allowed_after_note(state, closing)

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
        earliest = state.earliest(state.part)
        ranges = [] if closing else again
        if max(earliest, 1) < state.length:
            ranges.append(self._span("Position", max(earliest, 1), state.length))
        return ranges + (self._allowed_groups(state, closing) if earliest == 0 else [])

    def _allowed_groups(self, state: State, closing: bool) -> list[tuple[int, int]]:
        return self._allowed_velocities(state) if self._has_velocity else self._allowed_releases(state, closing)

    def _allowed_velocities(self, state: State) -> list[tuple[int, int]]:
        if state.limit is not None and state.limit[0] == 1:
            return [self._span("Velocity", state.limit[1] + 1)]
        return [self._span("Velocity")]

    def _longest(self, state: State) -> int:
        """Longest duration that the group may have."""
        most = _UNLIMITED
        if state.limit is not None:
            duration, velocity = state.limit
            most = duration if self._has_velocity and state.velocity > velocity else duration - 1
        if state.task.constraints.playable:
            # a note may ring through the next measure at most, so that no part is held up for long
            end = state.length + (_LENGTHS[state.meter] if state.bars_left and state.task.constraints.steady else 0)
            most = min(most, end - state.cursor)
        return most

    def _allowed_releases(self, state: State, closing: bool) -> list[tuple[int, int]]:
        earliest = max(state.cursor + 1 - state.release, 1)
        latest = min(state.cursor + self._longest(state) - state.release, MAX_RELEASE)
        return [self._span("Release", earliest - 1, latest)] if earliest <= latest else []

    def _allowed_pitches(self, state: State) -> list[tuple[int, int]]:
        block = "Drum" if state.programs[state.part] == DRUMS else "Pitch"
        first = self._first[block]
        return [(first + low, first + high) for low, high in mask_ranges(pitch_mask(state))]

    def _allowed_after_note(self, state: State, closing: bool) -> list[tuple[int, int]]:
        ranges = self._allowed_segments(state, closing)
        if closing:
            return ranges
        playable, program = state.task.constraints.playable, state.programs[state.part]
        is_single = playable and instrument(program).is_monophonic
        if not is_single and not (playable and state.struck.bit_count() >= MAX_STRUCK):
            ranges += self._allowed_pitches(state)
        held = sum(release > state.following for _, release in state.held[state.part])
        crowded = playable and held >= MAX_HELD - MAX_STRUCK
        if state.following < state.length and not crowded:
            ranges += self._allowed_groups(
                replace(state, cursor=state.following, release=0, velocity=-1, limit=None), closing
            )
        if not is_single and not crowded and self._has_room_below(state):
            ranges.append(self._span("Position", state.cursor, state.cursor + 1))
        ranges += self._later_positions(state, state.following if is_single else state.cursor, crowded)
        return ranges

    def _has_room_below(self, state: State) -> bool:
        """Whether another group fits at this onset: shorter, or as long and louder."""
        if state.task.constraints.playable and state.struck.bit_count() >= MAX_STRUCK:
            return False
        louder = self._has_velocity and state.velocity < self._vocabulary.size["Velocity"] - 1
        return state.duration > 1 or louder

    def _later_positions(self, state: State, after: int, crowded: bool) -> list[tuple[int, int]]:
        """Positions behind `after`, without the one that goes without saying."""
        if crowded:
            return []
        spans = [(after + 1, min(state.following, state.length)), (max(after, state.following) + 1, state.length)]
        return [self._span("Position", low, high) for low, high in spans if low < high]

    def _after_instrument(self, state: State, member: int) -> State:
        if state.at < BAR:
            return replace(state, at=PARTS, programs=(*state.programs, member))
        part = next(k for k, program in enumerate(state.programs) if program == member and not state.taken >> k & 1)
        return replace(
            state, at=SEGMENT, part=part, taken=state.taken | 1 << part, cursor=0, following=0, release=0, velocity=-1,
            limit=None, pitch=-1, struck=0,
        )  # fmt: skip

    def _after_position(self, state: State, member: int) -> State:
        if state.at < SEGMENT:
            return replace(state, at=CHORD_POSITION, queue=state.queue[1:], chord_position=member)
        same = state.at == NOTE and member == state.cursor
        limit = (state.duration, state.velocity) if same else None
        return replace(state, at=POSITION, cursor=member, limit=limit, release=0, velocity=-1)

    def _after_velocity(self, state: State, member: int) -> State:
        opened = self._default_group(state)
        return replace(opened, at=VELOCITY, velocity=member)

    def _after_release(self, state: State, member: int) -> State:
        opened = state if state.at in (VELOCITY, RELEASE) else self._default_group(state)
        release = opened.release + member + 1
        again = opened.limit is not None and opened.limit[0] == release - opened.cursor
        return replace(opened, at=RELEASE, release=release, pitch=-1, struck=opened.struck if again else 0)

    def _default_group(self, state: State) -> State:
        """The state with a new group begun where the last one ends, if no position has begun one already."""
        if state.at == POSITION:
            return state
        return replace(state, cursor=state.following, release=0, velocity=-1, limit=None)

    def _after_pitch(self, state: State, member: int) -> State:
        key = KEYS[state.key]
        outside = key is not None and member % 12 not in key.pitch_classes
        counted = replace(
            state,
            diatonic=state.diatonic + (0 if outside else state.duration),
            chromatic=state.chromatic + (state.duration if outside else 0),
        )
        return self._after_drum(counted, member)

    def _after_drum(self, state: State, member: int) -> State:
        part, rests, held = state.part, state.rests, state.held
        rests = rests if rests[part] == -1 else (*rests[:part], -1, *rests[part + 1 :])
        if state.task.constraints.playable:
            held = (*held[:part], (*held[part], (member, state.release)), *held[part + 1 :])
        return replace(
            state, at=NOTE, pitch=member, struck=state.struck | 1 << member, following=state.release,
            sounded=part, rests=rests, held=held,
        )  # fmt: skip

    # Helpers

    def _span(self, block: str, start: int = 0, stop: int | None = None) -> tuple[int, int]:
        return self._vocabulary.span(block, start, stop)

    def _all_but(self, block: str, member: int, start: int = 0) -> list[tuple[int, int]]:
        low, high = self._span(block, start)
        at = self._first[block] + member
        return [(a, b) for a, b in ((low, at), (at + 1, high)) if a < b]


def _most_chords(plan: Plan) -> int:
    return max(map(len, plan.chords), default=0) if plan.chords else 0


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)

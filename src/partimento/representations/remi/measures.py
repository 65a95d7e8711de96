"""Measures in the grammar of `remi`: what changes with them, and their chords."""

from __future__ import annotations

from partimento.plan import Plan
from partimento.representations.blocks import CHORD_KINDS, bass_of
from partimento.representations.grammar import mask_ranges, rules_of
from partimento.representations.gridded.vocabulary import KEYS, LENGTHS
from partimento.representations.remi.pitches import chord_mask, chords_of_key, class_mask
from partimento.representations.remi.segments import Segments
from partimento.representations.remi.state import (
    BAR,
    BAR_KEY,
    BAR_LENGTH,
    BAR_METER,
    BAR_TEMPO,
    CHORD,
    CHORD_BASS,
    CHORD_POSITION,
    END,
    KEY,
    METER,
    TEMPO,
    State,
)
from partimento.representations.remi.vocabulary import chord_index
from partimento.theory.chord import ChordSymbol


class Measures(Segments):
    """Tokens between a barline and the first segment."""

    def _after_meter(self, state: State, member: int) -> State:
        if state.at < BAR:
            return state.but(at=METER, meter=member)
        return state.but(at=BAR_METER, meter=member, length=LENGTHS[member])

    def _after_key(self, state: State, member: int) -> State:
        return state.but(at=KEY if state.at < BAR else BAR_KEY, key=member)

    def _after_tempo(self, state: State, member: int) -> State:
        return state.but(at=TEMPO if state.at < BAR else BAR_TEMPO, tempo=member)

    def _allowed_bar(self, state: State) -> list[tuple[int, int]]:
        if state.gap is not None:
            return self._allowed_segments(state, self._is_closing(state))
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
        plan, ranges = rules_of(state.task), list[tuple[int, int]]()
        if state.at < BAR_METER and state.bars_left < state.bars - 1 and plan.meter is None:
            ranges += self._vocabulary.wanted_meters(plan, state.meter)
        if state.at < BAR_LENGTH:
            ranges += self._vocabulary.all_but("Length", LENGTHS[state.meter] - 1)
        if state.at < BAR_KEY and state.key and state.bars_left < state.bars - 1 and plan.key is None:
            ranges += self._vocabulary.all_but("Key", state.key, 1)
        if state.tempo and state.bars_left < state.bars - 1 and plan.tempo_bpm is None:
            ranges += self._vocabulary.all_but("Tempo", state.tempo, 1)
        return ranges

    def _allowed_chords(self, state: State) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        if state.at < CHORD_POSITION:
            ranges += self._free_chords(state)
        first = max(state.chord_position + 1, 1)
        if first < state.length:
            ranges.append(self._span("Position", first, state.length))
        if state.at == CHORD:
            ranges += [] if state.pitch < 0 else self._vocabulary.all_but("Bass", state.pitch)
        return ranges

    def _free_chords(self, state: State) -> list[tuple[int, int]]:
        """Chords that the model may choose: where the scale is guarded, those that belong to the key."""
        key = KEYS[state.key]
        if state.task.constraints.max_chromatic_share is None or key is None:
            return [self._span("Chord")]
        return [self._span("Chord", low, high) for low, high in mask_ranges(chords_of_key(key.pitch_classes))]

    def _after_bar(self, state: State, member: int) -> State:
        left = state.bars_left - 1
        opened = _moved_on(state).but(
            at=BAR, bars_left=left, chord_position=-1, taken=0, sounded=-1, part=-1, queue=(),
            spans=(), chordal=(*state.chordal[2:], 0, 0),
        )  # fmt: skip
        if state.gap:
            measure = state.gap[0]
            return opened.but(
            gap=state.gap[1:], length=measure.length, meter=measure.meter, key=measure.key,
                bar_chords=measure.chords,
            )  # fmt: skip
        running, length = tuple((-1, mask) for _, mask in state.bar_chords[-1:]), LENGTHS[state.meter]
        chords = self._planned_chords(state.task.plan, state.bars - 1 - left, length)
        return opened.but(length=length, bar_chords=running, queue=chords)

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
        token, bass = self._first["Chord"] + chord_index(chord), bass_of(chord)
        return [token] if bass is None else [token, self._first["Bass"] + bass]

    def _after_length(self, state: State, member: int) -> State:
        return state.but(at=BAR_LENGTH, length=member + 1)

    def _after_chord(self, state: State, member: int) -> State:
        position = max(state.chord_position, 0)
        return state.but(
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
        return state.but(at=CHORD_BASS, queue=state.queue[1:], bar_chords=with_bass)

    def _after_eos(self, state: State, member: int) -> State:
        return state.but(at=END)

    def _after_pad(self, state: State, member: int) -> State:
        return state


def _moved_on(state: State) -> State:
    """The state with rests and held notes counted from the next barline."""
    if state.length == 0:
        # the first measure, before which nothing was, or what is given of the measures before
        parts = len(state.programs)
        return state if state.gap is not None else state.but(rests=(0,) * parts, held=((),) * parts)
    length = state.unit * state.length
    released = tuple(
        tuple((pitch, release - length) for pitch, release in part if release > length) for part in state.held
    )
    return state.but(rests=tuple(rest + 1 for rest in state.rests), held=released)

"""The grammar of `abc` inside a measure: notes, chords and rests that fill overlays, as `lanes` lays them."""

from __future__ import annotations

from partimento.representations.abc.ending import is_closing, reachable
from partimento.representations.abc.measures import span, voices
from partimento.representations.abc.pitches import Held, note_ranges, signs, written
from partimento.representations.abc.state import (
    CHORD_TIME,
    CLOSED,
    EVENT,
    GAP,
    LANE,
    NOTE,
    NOTHING_BELOW,
    OPEN,
    REST,
    SIGN,
    TIED,
    State,
    next_below,
    starts,
)
from partimento.representations.grammar import ALL_PITCHES, mask_ranges
from partimento.theory.instrument import DRUMS
from partimento.theory.pitch import UNSPELLED


def allowed(state: State) -> list[tuple[int, int]]:
    """Ranges, in any order."""
    closing, at = is_closing(state), state.at
    if at == LANE:
        return _opening(state, closing)
    if at == REST:
        return _rests(state, closing)
    if at in (SIGN, OPEN) or (at == NOTE and state.is_open):
        return _in_chord(state, closing) if state.is_open else _signed(state, closing)
    if at in (NOTE, CLOSED):
        return _durations(state, closing)
    if state.position < state.bar.length:
        if at == GAP:
            return _notes(state, closing)
        may_strike = state.starts >> state.position & 1 and not closing
        return [span("Rest"), *(_notes(state, closing) if may_strike else [])]
    if at == EVENT and state.can_tie(state.events[-1][0]):
        if state.owes and state.bar.length == 1:
            return [span("Tie")]
        return _behind(state, closing) + ([] if closing else [span("Tie")])
    return _behind(state, closing)


def _opening(state: State, closing: bool) -> list[tuple[int, int]]:
    """The first note or rest of an overlay."""
    if state.owes:
        return _notes(state, closing)
    at_once, later = state.starts & 1, state.starts >> 1
    ranges = _notes(state, closing) if at_once else []
    return [*ranges, span("Rest")] if later and not (closing and at_once) else ranges


def _rests(state: State, closing: bool) -> list[tuple[int, int]]:
    """Durations of a rest: to where a note may begin, or to the barline."""
    until = state.bar.length - state.position
    if state.events and closing:
        return [span("Duration", until - 1, until)]
    mask = state.starts >> (state.position + 1) | (bool(state.events) << (until - 1))
    return [span("Duration", low, high) for low, high in mask_ranges(mask)]


def _notes(state: State, closing: bool) -> list[tuple[int, int]]:
    """A note, its accidental, or the bracket of a chord."""
    state = state._replace(chord=(), is_open=False, sign=None)
    fresh, owed = _candidates(state, closing)
    ranges = _pitches(state, fresh, owed)
    owes = state.owes if state.position == 0 else ()
    enough = len(owes) > 1 if closing else _fresh(state).bit_count() + len(owes) > 1
    return [*ranges, span("Open")] if enough else ranges


def _fresh(state: State) -> int:
    """Mask of the pitches that do not sound yet at this place."""
    mask = ALL_PITCHES & ~state.sounding()
    if state.position == 0:
        for pitch, _ in state.owes:
            mask &= ~(1 << pitch)
    return mask


def _candidates(state: State, closing: bool) -> tuple[int, tuple[Held, ...]]:
    """Pitches that may come next, new ones as a mask, and those that are owed."""
    fresh = _fresh(state)
    owed = state.owes if state.position == 0 else ()
    must = bool(owed) and (closing or not state.may_leave)
    if not state.is_open:
        if must:
            return 0, owed if len(owed) == 1 else ()
        return fresh, owed
    return _next_in_chord(state, fresh, reachable(state), must, closing)


def _next_in_chord(
    state: State, fresh: int, ahead: tuple[Held, ...], must: bool, closing: bool
) -> tuple[int, tuple[Held, ...]]:
    """Pitches above the last; the first of a chord leaves one above it, and none that must be taken is passed by."""
    if state.chord:
        fresh &= -1 << (state.chord[-1][0] + 1)
    highest = max([fresh.bit_length() - 1, *(pitch for pitch, _ in ahead)])
    if must and ahead:
        fresh &= (1 << ahead[0][0]) - 1
        ahead = ahead[:1]
    if not state.chord:
        fresh &= ~(1 << highest)
        ahead = tuple(note for note in ahead if note[0] != highest)
    if closing and (ahead or len(state.chord) > 1):
        fresh = 0
    return fresh, ahead


def _pitches(state: State, fresh: int, owed: tuple[Held, ...]) -> list[tuple[int, int]]:
    """Tokens of pitches, or accidentals that lead to them."""
    if state.piece.programs[state.part] == DRUMS:
        for pitch, _ in owed:
            fresh |= 1 << pitch
        return [span("Drum", low, high) for low, high in mask_ranges(fresh)]
    fifths = state.fifths
    ranges = [span("Note", low, high) for low, high in note_ranges(fifths, state.sign, fresh, owed)]
    if state.sign is None:
        ranges += [span("Sign", sign + 2, sign + 3) for sign in signs(fifths, fresh, owed)]
    return ranges


def _signed(state: State, closing: bool) -> list[tuple[int, int]]:
    """Notes behind an accidental; one begun before the end came near may be any."""
    return _pitches(state, *_candidates(state, closing)) or _pitches(state, *_candidates(state, False))


def _in_chord(state: State, closing: bool) -> list[tuple[int, int]]:
    if state.at == SIGN:
        return _signed(state, closing)
    ranges = _pitches(state, *_candidates(state, closing))
    must = closing or not state.may_leave
    if len(state.chord) > 1 and not (must and reachable(state)):
        ranges.append(span("Close"))
    return ranges


def _durations(state: State, closing: bool) -> list[tuple[int, int]]:
    """How long the note or chord may be; what leaves notes to the next overlay is longer than the shortest."""
    longest, length = state.limit - state.position, state.bar.length
    shortest = 2 if state.owes and state.position == 0 and length > 1 else 1
    if closing and state.limit == length:
        shortest = longest
    return [span("Duration", shortest - 1, longest)]


def _behind(state: State, closing: bool) -> list[tuple[int, int]]:
    """Behind a full overlay: another one, the next part, or the barline."""
    if state.owes:
        return [span("Overlay")]
    ranges = voices(state, closing)
    if not closing and starts(next_below(state), state.bar.length):
        ranges.append(span("Overlay"))
    return ranges


def after_voice(state: State, member: int) -> State:
    """A part begins its first overlay."""
    return state._replace(
        at=LANE, part=member, below=NOTHING_BELOW, position=0, events=(), notes=(), chord=(), is_open=False
    )


def after_overlay(state: State, member: int) -> State:
    """A part begins another overlay."""
    return state._replace(at=LANE, below=next_below(state), position=0, events=(), notes=(), chord=(), is_open=False)


def after_rest(state: State, member: int) -> State:
    """A rest, whose duration follows."""
    return state._replace(at=REST)


def after_open(state: State, member: int) -> State:
    """A chord begins."""
    return state._replace(at=OPEN, is_open=True, chord=(), sign=None)


def after_close(state: State, member: int) -> State:
    """A chord has all its notes."""
    return state._replace(at=CLOSED)


def after_sign(state: State, member: int) -> State:
    """An accidental."""
    is_open = state.is_open and state.at in (OPEN, NOTE)
    return state._replace(at=SIGN, sign=member - 2, is_open=is_open, chord=state.chord if is_open else ())


def after_note(state: State, member: int) -> State:
    """A note with a pitch."""
    note = written(state.fifths, state.sign if state.at == SIGN else None)[member]
    assert note is not None, "a note that was not allowed"
    return _struck(state, note)


def after_drum(state: State, member: int) -> State:
    """A stroke."""
    return _struck(state, (member, UNSPELLED))


def _struck(state: State, note: Held) -> State:
    is_open = state.is_open and state.at in (OPEN, NOTE, SIGN)
    owed = state.owed
    if state.position == 0 and note in state.owes:
        left = tuple(other for other in state.owes if other != note)
        owed = (*owed[: state.part], left, *owed[state.part + 1 :])
    chord = (*state.chord, note) if is_open else (note,)
    return state._replace(at=NOTE, chord=chord, owed=owed, sign=None, is_open=is_open)


def after_duration(state: State, member: int) -> State:
    """How long the note, chord or rest lasts, or the time until a chord symbol."""
    if state.at < LANE:
        onset = max(state.chord_onset, 0) + member + 1
        return state._replace(at=CHORD_TIME, queue=state.queue[1:], chord_onset=onset)
    onset, release = state.position, state.position + member + 1
    if state.at == REST:
        return state._replace(at=GAP, position=release)
    struck = tuple((pitch, onset, release) for pitch, _ in state.chord)
    events = (*state.events, (onset, release, False))
    return state._replace(at=EVENT, position=release, events=events, notes=state.notes + struck)


def after_tie(state: State, member: int) -> State:
    """The note or chord goes on in the next measure."""
    onset, release, _ = state.events[-1]
    tied = tuple(sorted((*state.tied[state.part], *state.chord)))
    return state._replace(
        at=TIED, events=(*state.events[:-1], (onset, release, True)),
        tied=(*state.tied[: state.part], tied, *state.tied[state.part + 1 :]),
    )  # fmt: skip

"""Which pitches and chords may come next in `remi`.

Sets of pitches are bit masks (bit 60 is middle C), so that scale, range, chord and held notes meet in one `&`.
"""

from __future__ import annotations

from functools import cache, lru_cache

from partimento.representations.blocks import CHORD_KINDS
from partimento.representations.grammar import ALL_PITCHES
from partimento.representations.gridded.vocabulary import GRID, KEYS, LENGTHS, METERS
from partimento.representations.remi.state import State
from partimento.theory.chord import KINDS
from partimento.theory.instrument import DRUMS, instrument
from partimento.theory.key import MINOR_MODES
from partimento.theory.pitch import pitch_class


def pitch_mask(state: State, chordal: int) -> int:
    """Pitches that may join the group; a rule that would leave none is waived, the softest first.

    Args:
        state: in a group whose length is known.
        chordal: mask of the pitches that keep the share of chord tones.
    """
    above = free_pitches(state) & (-2 << state.pitch if state.pitch >= 0 else ALL_PITCHES) & ~state.struck
    missing = missing_notes(state)
    if missing > 1:
        above = _without_highest(above, missing - 1)
    if state.programs[state.part] == DRUMS:
        return above
    scaled = above & _scale_mask(state)
    final = scaled & _final_mask(state)
    harmonic = final & chordal & _harmony_mask(state)
    if harmonic or not missing:
        # more notes than are needed may join only if every rule holds
        return harmonic
    return final & chordal or scaled & chordal or above & chordal or final or scaled or above


def missing_notes(state: State) -> int:
    """Notes that the group needs before anything else may follow: one, and more where several are to sound."""
    if state.rules is None:
        return int(state.pitch < 0)
    return max(state.rule(state.part).struck - state.ringing(), int(state.pitch < 0))


def free_pitches(state: State) -> int:
    """Pitches that the part can play and that it does not hold."""
    program, playable = state.programs[state.part], state.task.constraints.playable
    free = reach(program, playable)
    if state.rules is not None and program != DRUMS:
        free &= state.rule(state.part).pitches
    if playable:
        onset = state.onset
        for pitch, release in state.held[state.part]:
            if release > onset:
                free &= ~(1 << pitch)
    return free


def _without_highest(mask: int, count: int) -> int:
    """The set without its highest members, of which at least one is left."""
    for _ in range(count):
        if not mask & (mask - 1):
            break
        mask ^= 1 << (mask.bit_length() - 1)
    return mask


@cache
def reach(program: int, playable: bool) -> int:
    """Mask of the pitches that an instrument usually plays."""
    spec = instrument(program)
    return (2 << spec.highest_pitch) - (1 << spec.lowest_pitch) if playable else ALL_PITCHES


@lru_cache(maxsize=4096)
def folded(mask: int) -> int:
    """Mask of the pitch classes of a set of pitches."""
    return sum(1 << pitch_class for pitch_class, pitches in enumerate(CLASSES) if mask & pitches)


def _final_mask(state: State) -> int:
    """In the last bar: the tonic triad on every beat, and at the very end; there the tonic, of a part alone."""
    key, task = KEYS[state.key], state.task
    if not task.constraints.ends_on_tonic or key is None or task.ends_midway or state.bars_left:
        return ALL_PITCHES
    is_end = state.release >= state.length
    if state.cursor % beat_of(state.meter) and not is_end:
        return ALL_PITCHES
    third = 3 if key.mode in MINOR_MODES else 4
    tones = (0,) if is_end and len(state.programs) == 1 and not state.others else (0, third, 7)
    return class_mask(frozenset((pitch_class(key.tonic) + tone) % 12 for tone in tones))


@cache
def beat_of(meter: int) -> int:
    """Length of a felt beat in grid steps."""
    return int(METERS[meter].beat_quarter * GRID)


@cache
def strong_beat(meter: int) -> int:
    """Grid steps between strong beats: the downbeat, and the middle of bars of four, six or more even beats."""
    beat, length = beat_of(meter), LENGTHS[meter]
    beats = length // beat
    return length // 2 if beats >= 4 and beats % 2 == 0 else length


def _scale_mask(state: State) -> int:
    share, key = state.task.constraints.max_chromatic_share, KEYS[state.key]
    if share is None or key is None:
        return ALL_PITCHES
    total = state.diatonic + state.chromatic + state.duration
    if state.chromatic + state.duration <= share * total:
        return ALL_PITCHES
    return class_mask(key.pitch_classes)


def _harmony_mask(state: State) -> int:
    harmony = state.task.constraints.harmony
    if harmony == "hint" or not state.bar_chords:
        return ALL_PITCHES
    beat = strong_beat(state.meter) if harmony == "strong beats" else beat_of(state.meter)
    if harmony != "always" and state.cursor % beat:
        return ALL_PITCHES
    return next((mask for position, mask in reversed(state.bar_chords) if position <= state.cursor), ALL_PITCHES)


@cache
def class_mask(pitch_classes: frozenset[int]) -> int:
    """Mask of the pitches of some pitch classes."""
    return sum(1 << pitch for pitch in range(128) if pitch % 12 in pitch_classes)


@cache
def chord_mask(member: int) -> int:
    """Tones of a chord token; of no chord, everything."""
    if member == 0:
        return ALL_PITCHES
    root, kind = divmod(member - 1, len(CHORD_KINDS))
    return class_mask(frozenset((root + tone) % 12 for tone in KINDS[CHORD_KINDS[kind]][0]))


@cache
def chords_of_key(scale: frozenset[int]) -> int:
    """Mask of the chord tokens (no chord included) whose root is in the scale, and all tones but one at most."""
    mask = 1
    for member in range(1, 1 + 12 * len(CHORD_KINDS)):
        root, kind = divmod(member - 1, len(CHORD_KINDS))
        tones = {(root + tone) % 12 for tone in KINDS[CHORD_KINDS[kind]][0]}
        mask |= (root in scale and len(tones - scale) <= 1) << member
    return mask


CLASSES = tuple(class_mask(frozenset([pitch_class])) for pitch_class in range(12))
"""Mask of the pitches of each pitch class."""

"""`harmonise`: chords for a melody, and three further voices below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from partimento.errors import BadPlan
from partimento.generation.sampling import Sampling, generator
from partimento.generation.verbs.accompany import with_parts
from partimento.generation.verbs.bars import in_bars
from partimento.generation.verbs.harmonies import Slot, harmonies, slots_of
from partimento.generation.verbs.infill import parts_called
from partimento.generation.verbs.notated import with_written
from partimento.generation.verbs.voicing import ALTO, BASS, TENOR, Range, voiced
from partimento.generation.writer import DEFAULT_SAMPLING
from partimento.score import NOTE, ChordEvent, Records, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, instrument
from partimento.theory.key import Key

CHOIR = (52, 52, 52)
STRINGS = (40, 41, 42)
_VOICES = (*range(16, 21), *range(52, 55), 0, 6)
"""Melodies on these are harmonised for choir, others for strings, unless somebody says otherwise."""
_LEAST_REACH = 10
"""Semitones that an instrument and a voice must share for the voice's range to hold."""


def harmonise(
    score: Score,
    instruments: Sequence[int] | None = None,
    part: int | str | None = None,
    chords: Sequence[Sequence[ChordSymbol]] | None = None,
    *,
    seed: int = 0,
    sampling: Sampling = DEFAULT_SAMPLING,
) -> Score:
    """The piece with chord symbols above a melody of it, and alto, tenor and bass below; all its notes are the same.

    The chords are those that it states, or that are given, or else the likeliest under the melody
    (`harmonies`); the voices move by the rules of strict writing (`voicing`). No model is needed.

    Args:
        score: any piece; one without bars gets some to write in, and is given back as it was.
        instruments: General MIDI programs of alto, tenor and bass; choir or strings by default.
        part: index or name of the part with the melody, by default the highest; of chords the top note counts.
        chords: of each bar, evenly spread over it; repeated to the end.
        seed: of the choice between chords that are nearly as likely.
        sampling: its temperature says how much the seed matters.

    Raises:
        BadPlan: there is no such part, no melody, or the instruments are not three.
        NeedsBeats: the piece has no bars, and none can be heard.
    """
    barred = in_bars(score)
    piece, index = barred.score, melody_part(barred.score, part)
    melody = skyline(piece, index)
    marks = frozenset(mark.note_id for mark in piece.marks if mark.kind.startswith("fermata"))
    slots = slots_of(piece, melody, marks)
    found = harmonies(piece, slots, generator(seed), sampling.temperature)
    stated = _stated(piece, slots, chords)
    symbols = found.chords if stated is None else stated
    programs = tuple(instruments) if instruments else _below(piece.parts[index].program)
    if len(programs) != 3 or DRUMS in programs:
        raise BadPlan("alto, tenor and bass need three instruments that play pitches, such as clarinet, viola, bassoon")
    larger = with_parts(piece, programs)
    larger = _called(larger, len(piece.parts)) if not instruments and programs == CHOIR else larger
    spans = [_range(program, usual) for program, usual in zip(programs, (ALTO, TENOR, BASS), strict=True)]
    new = _voices(larger, slots, symbols, found.key, spans)
    result = with_written(larger, larger.notes[:0], new)
    resolution = result.ticks_per_quarter // piece.ticks_per_quarter
    if not piece.chords:
        result = replace(result, chords=_events(slots, symbols, index, resolution))
    return replace(barred.restored(result), chords=score.chords) if barred.found else result


def melody_part(score: Score, wanted: int | str | None) -> int:
    """The part with the melody: the one that is asked for, or the highest.

    Raises:
        BadPlan: there is none.
    """
    if wanted is not None:
        return parts_called(score, [wanted])[0]
    notes = score.notes
    pitched = [p for p in np.unique(notes["part"]).tolist() if not score.parts[p].is_drums]
    if not pitched:
        raise BadPlan("there is no melody to harmonise: the piece has drums only")
    return max(pitched, key=lambda p: (float(notes["pitch"][notes["part"] == p].mean()), -p))


def skyline(score: Score, part: int) -> Records:
    """The top notes of a part, one at a time, ties as one.

    Raises:
        BadPlan: it has no notes with pitches.
    """
    notes = score.sounding().notes
    notes = notes[(notes["part"] == part) & (notes["grace"] == 0)]
    if not len(notes) or score.parts[part].is_drums:
        raise BadPlan(f"{score.parts[part].name or 'this part'} has no melody")
    order = np.lexsort((-notes["pitch"].astype(np.int64), notes["onset_tick"]))
    notes = notes[order]
    tops = notes[np.r_[True, np.diff(notes["onset_tick"]) > 0]]
    kept: list[int] = []
    for index, note in enumerate(tops):  # what lies under a note that goes on is no melody
        last = tops[kept[-1]] if kept else None
        is_under = last is not None and (
            last["onset_tick"] + last["duration_tick"] >= note["onset_tick"] + note["duration_tick"]
            and last["pitch"] > note["pitch"]
        )
        kept += [] if is_under else [index]
    melody = tops[kept]
    room = np.diff(melody["onset_tick"], append=np.iinfo(np.int64).max)
    melody["duration_tick"] = np.minimum(melody["duration_tick"], room)
    return melody


def _stated(
    score: Score, slots: Sequence[Slot], wanted: Sequence[Sequence[ChordSymbol]] | None
) -> tuple[ChordSymbol, ...] | None:
    """The chord of each slot, where somebody has said them: asked for, or in the piece."""
    if wanted:
        bars = score.measure_at(np.array([slot.start for slot in slots])).tolist()
        return tuple(chosen_chord(score, bar, slot.start, wanted) for bar, slot in zip(bars, slots, strict=True))
    if not score.chords:
        return None
    events = [event for event in score.chords if event.symbol is not None]
    onsets = np.array([event.onset_tick for event in events])
    if not events:
        return None
    at = np.maximum(np.searchsorted(onsets, [slot.start for slot in slots], "right") - 1, 0)
    return tuple(symbol for place in at.tolist() if (symbol := events[place].symbol) is not None)


def chosen_chord(score: Score, bar: int, tick: int, wanted: Sequence[Sequence[ChordSymbol]]) -> ChordSymbol:
    """The chord in force at a tick of a bar; a pickup has that of the first bar."""
    bar_chords = wanted[max(bar - score.has_pickup, 0) % len(wanted)]
    begin, length = score.measures[bar].tolist()
    return bar_chords[min((tick - begin) * len(bar_chords) // length, len(bar_chords) - 1)]


def _below(program: int) -> tuple[int, int, int]:
    return CHOIR if program in _VOICES else STRINGS


def _called(score: Score, first: int) -> Score:
    """The score with its last three parts called by their voices."""
    names = zip(score.parts[first:], ("Alto", "Tenor", "Bass"), strict=True)
    return replace(score, parts=(*score.parts[:first], *(replace(part, name=name) for part, name in names)))


def _range(program: int, usual: Range) -> Range:
    """A voice's usual range as far as the instrument reaches; that of the instrument where they share too little."""
    spec = instrument(program)
    low, high = max(usual[0], spec.lowest_pitch), min(usual[1], spec.highest_pitch)
    return (low, high) if high - low >= _LEAST_REACH else (spec.lowest_pitch, spec.highest_pitch)


def _voices(
    score: Score, slots: Sequence[Slot], symbols: Sequence[ChordSymbol], key: Key, ranges: Sequence[Range]
) -> Records:
    """The notes of the three last parts: with every chord, and wherever the melody strikes a beat."""
    sung = [(slot, symbol) for slot, symbol in zip(slots, symbols, strict=True) if slot.pitch >= 0]
    merged: list[tuple[Slot, ChordSymbol]] = []
    for slot, symbol in sung:
        before = merged[-1] if merged else None
        if before and not slot.is_struck and before[1] == symbol and before[0].end == slot.start:
            merged[-1] = (before[0]._replace(end=slot.end, ends_phrase=slot.ends_phrase), symbol)
        else:
            merged.append((slot, symbol))
    pitches = voiced([slot for slot, _ in merged], [symbol for _, symbol in merged], key, ranges)
    notes = np.zeros(3 * len(merged), NOTE)
    notes["onset_tick"] = np.repeat([slot.start for slot, _ in merged], 3)
    notes["duration_tick"] = np.repeat([slot.end - slot.start for slot, _ in merged], 3)
    notes["pitch"], notes["part"] = pitches.ravel(), np.tile(np.arange(3) + len(score.parts) - 3, len(merged))
    notes["spelling"] = _spelled(notes["pitch"], [symbol for _, symbol in merged], key)
    notes["note_id"] = int(score.notes["note_id"].max(initial=-1)) + 1 + np.arange(len(notes))
    return notes


def _spelled(pitches: Records, symbols: Sequence[ChordSymbol], key: Key) -> list[int]:
    """Spelling of each note, as a tone of its chord: roots as the symbol has them, the others in thirds above."""
    spellings: list[int] = []
    for index, pitch in enumerate(pitches.tolist()):
        symbol = symbols[index // 3]
        interval = (pitch - 7 * symbol.root) % 12
        spellings.append(symbol.root + _FIFTHS_ABOVE[interval])
    return spellings


_FIFTHS_ABOVE = (0, 7, 2, -3, 4, -1, -6, 1, 8, 3, -2, 5)
"""Semitones above a root ▶ interval on the line of fifths, as chords have it: a minor third, a diminished fifth."""


def _events(slots: Sequence[Slot], symbols: Sequence[ChordSymbol], part: int, scale: int) -> tuple[ChordEvent, ...]:
    """A chord symbol wherever the chord changes."""
    changes = [
        (slot, symbol) for index, (slot, symbol) in enumerate(zip(slots, symbols, strict=True))
        if not index or symbol != symbols[index - 1]
    ]  # fmt: skip
    return tuple(ChordEvent(slot.start * scale, symbol, part) for slot, symbol in changes)

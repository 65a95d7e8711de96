"""Reads MIDI files: what their tracks hold becomes one Score, for type 2 one for each track.

A part is what one track plays on one channel. A file without a meter is taken to be in 4/4 if its notes lie on
the beat grid, else it is a performance without bars. A single first bar in a shorter meter is a pickup.
"""

from __future__ import annotations

import logging
from collections import defaultdict

import numpy as np

from partimento.errors import BadFile
from partimento.io.midi.bars import bar_count, bars, without_pickup
from partimento.io.midi.chunks import Span, find_chunks
from partimento.io.midi.decode import MAX_MESSAGES, Decoded, decode
from partimento.io.midi.layout import Layout, lay_out
from partimento.io.midi.metas import Metas, sort_metas
from partimento.io.midi.pairing import Notes, pair
from partimento.io.midi.settings import settings
from partimento.io.midi.signs import KEY_PRESSURE
from partimento.io.midi.texts import syllables
from partimento.io.midi.timing import is_on_grid, key_records, meter_rows, tempo_records
from partimento.score import MEASURE, METER, NOTE, TEMPO, Lyric, Message, Records, Score, in_order
from partimento.theory.pitch import UNSPELLED

_log = logging.getLogger("partimento.io")
MAX_MEASURES = 100_000
MAX_QUARTERS = 1_000_000
MAX_PARTS = 1_000


def read(data: bytes, name: str) -> tuple[Score, ...]:
    """The piece in a MIDI file; every track of a type 2 file is a piece of its own.

    Raises:
        BadFile: there is no MIDI in it, no note, or more than the limits of this module allow.
    """
    chunks = find_chunks(data, name)
    warnings = list(chunks.warnings)
    if chunks.format == 2:
        pieces = [(data[start:end], ((0, end - start),)) for start, end in chunks.tracks]
    else:
        pieces = [(data, chunks.tracks)]
    found = [_piece(content, tracks, chunks.division, name, warnings) for content, tracks in pieces]
    if warnings:
        _log.warning("%s: %s", name, "; ".join(warnings[:5]))
    scores = tuple(score for score in found if score is not None)
    if not scores:
        raise BadFile(name, "no note in it")
    return scores


def _piece(data: bytes, tracks: tuple[Span, ...], division: int, name: str, warnings: list[str]) -> Score | None:
    resolution, frames_bpm = _resolution(division)
    decoded = _within_limits(decode(data, tracks, name), resolution, name)
    notes = pair(decoded)
    if not len(notes.onset_tick):
        return None
    layout = lay_out(notes, decoded.others, len(tracks))
    if len(layout.channels) > MAX_PARTS:
        raise BadFile(name, f"{len(layout.channels)} parts; at most {MAX_PARTS} can be read")
    metas = sort_metas(decoded.others, layout)
    metas.is_beatless |= frames_bpm is not None
    warnings += [*decoded.warnings, *metas.warnings]
    if notes.hanging:
        warnings.append(f"{notes.hanging} notes have no end")
    return _score(decoded, notes, layout, metas, resolution, frames_bpm, name)


def _resolution(division: int) -> tuple[int, float | None]:
    """Ticks per quarter; under SMPTE a quarter is set to a second, and the tempo says so."""
    if division > 0:
        return division, None
    frames, per_frame = -(division >> 8), max(division & 0xFF, 1)
    return (30 * per_frame, 59.94) if frames == 29 else (max(frames, 1) * per_frame, 60.0)


def _within_limits(decoded: Decoded, resolution: int, name: str) -> Decoded:
    """The events without what stands absurdly late; only the end of a damaged track does.

    Raises:
        BadFile: a note stands there, or there are more single messages than can be kept.
    """
    events, limit = decoded.events, MAX_QUARTERS * resolution
    kind = events.status >> 4
    singles = len(decoded.others) + int(((kind == 0xA) | (kind == 0xC) | (kind == 0xD)).sum())
    if singles > MAX_MESSAGES:
        raise BadFile(name, f"{singles} messages besides notes; at most {MAX_MESSAGES} can be read")
    if decoded.ends.max() <= limit:
        return decoded
    late, is_note = events.tick > limit, events.status < KEY_PRESSURE
    if (late & is_note).any():
        quarters = int(events.tick[is_note].max()) // resolution
        raise BadFile(name, f"it lasts {quarters} quarters; cut it before {MAX_QUARTERS}")
    others = [other for other in decoded.others if other.tick <= limit]
    kept = events.take(np.flatnonzero(~late))
    ends = np.zeros_like(decoded.ends)
    np.maximum.at(ends, kept.track, kept.tick)
    warnings = [*decoded.warnings, f"what stands behind {MAX_QUARTERS} quarters was left out"]
    return Decoded(kept, others, np.where(decoded.ends > limit, ends, decoded.ends), warnings)


def _score(
    decoded: Decoded,
    found: Notes,
    layout: Layout,
    metas: Metas,
    resolution: int,
    frames_bpm: float | None,
    name: str,
) -> Score:
    notes = _notes(found, layout)
    first_onsets = np.zeros(len(layout.channels), np.int64)
    first_onsets[notes["part"][::-1]] = notes["onset_tick"][::-1]
    played = settings(decoded.events, layout, metas.names, first_onsets.tolist())
    lyrics, spare_lyrics = _lyrics(metas, notes, layout)
    meters, measures = _bars(metas, notes, int(decoded.ends.max()), resolution, name)
    tempos = tempo_records(metas.tempos)
    if frames_bpm is not None:  # tempos do not act where time is counted in film frames
        tempos = np.array([(0, frames_bpm)], TEMPO)
    return Score(
        resolution,
        tuple(played.parts),
        notes,
        measures,
        meters,
        key_records(metas.keys),
        tempos,
        controls=played.controls,
        bends=played.bends,
        programs=tuple(played.programs),
        directions=tuple(metas.directions),
        lyrics=tuple(lyrics),
        messages=(*metas.messages, *spare_lyrics, *played.messages),
        title=metas.title,
        rights=metas.rights,
    )


def _notes(found: Notes, layout: Layout) -> Records:
    """The notes, in the order in which a score has them: one key sorts quicker than several, and mostly tells all."""
    part = layout.home[found.source]
    key = (found.onset_tick << 17) + (part << 7) + found.pitch
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    if (ordered[1:] == ordered[:-1]).any():
        order = np.lexsort((found.duration_tick, key))
    notes = np.zeros(len(order), NOTE)
    notes["onset_tick"], notes["duration_tick"] = found.onset_tick[order], found.duration_tick[order]
    notes["pitch"], notes["velocity"] = found.pitch[order], found.velocity[order]
    notes["part"] = part[order]
    notes["spelling"] = UNSPELLED
    notes["note_id"] = np.arange(len(notes))
    return in_order(notes)


def _bars(metas: Metas, notes: Records, track_end: int, resolution: int, name: str) -> tuple[Records, Records]:
    """Meters and bars, none of either where there is no beat.

    Raises:
        BadFile: the meters make more than `MAX_MEASURES` bars.
    """
    if metas.is_beatless or not (metas.meters or is_on_grid(notes, resolution)):
        return np.empty(0, METER), np.empty(0, MEASURE)
    meters, pickup_tick = without_pickup(meter_rows(metas.meters) or [(0, 4, 4)], resolution)
    note_end = int((notes["onset_tick"] + notes["duration_tick"]).max())
    if (count := bar_count(meters, resolution, note_end)) > MAX_MEASURES:
        raise BadFile(name, f"its meters make {count:.0f} bars; at most {MAX_MEASURES} can be read")
    if track_end > note_end and bar_count(meters, resolution, track_end) > MAX_MEASURES:
        track_end = note_end
    return meters, bars(meters, resolution, note_end, track_end, pickup_tick)


def _lyrics(metas: Metas, notes: Records, layout: Layout) -> tuple[list[Lyric], list[Message]]:
    """Lyrics on the highest note that begins with them in their track; those without a note."""
    if not metas.lyrics:
        return [], []
    order = np.lexsort([notes["note_id"], notes["duration_tick"], notes["pitch"]])
    top = dict(
        zip(zip(*(notes[c][order].tolist() for c in ("part", "onset_tick")), strict=True), order.tolist(), strict=True)
    )
    parts_of: defaultdict[int, list[int]] = defaultdict(list)
    for part, track in enumerate(layout.tracks):
        parts_of[track].append(part)
    texts: defaultdict[tuple[int, int], list[tuple[int, str, int]]] = defaultdict(list)
    verses: defaultdict[int, int] = defaultdict(int)
    spare: list[Message] = []
    for message, track, text in metas.lyrics:
        part = next((part for part in parts_of[track] if (part, message.onset_tick) in top), None)
        if part is None:
            spare.append(message)
            continue
        note_id = top[part, message.onset_tick]
        verses[note_id] += 1
        texts[part, verses[note_id]].append((note_id, text, verses[note_id]))
    return [lyric for sung in texts.values() for lyric in syllables(sung)], spare

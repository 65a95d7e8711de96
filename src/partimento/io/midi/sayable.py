"""What MIDI can say of a score.

Ties are merged, grace notes sound before the beat, every note has a velocity and a channel. Of several notes of
one key that overlap in a part, the first that began ends first. Spellings, voices, staves, slurs and all other
signs go; so do parts without notes, but for their names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from partimento.io.midi.bars import bars, with_pickup, without_pickup
from partimento.io.midi.channels import channels
from partimento.io.midi.openings import Statement, opening, stated
from partimento.io.midi.playing import FINEST_RESOLUTION, performed, rounded
from partimento.io.midi.signs import (
    CHANNEL_PRESSURE,
    END,
    KEY_CHANGE,
    KEY_PRESSURE,
    METER_CHANGE,
    NAME,
    PAN,
    TEMPO_CHANGE,
    VOLUME,
    beats_per_minute,
    is_drum_channel,
    microseconds_per_quarter,
)
from partimento.io.midi.texts import encode_text, is_sung, plain_text, sung_again
from partimento.score import KEY, TEMPO, Direction, Lyric, Message, Part, ProgramChange, Records, Score

_MINOR_MODES = (1, 2, 3, 6)
"""Ids of minor, dorian, phrygian and locrian: MIDI knows only major and minor."""
_STRUCTURE = (END, TEMPO_CHANGE, METER_CHANGE, KEY_CHANGE)
"""Meta events that a score says in other ways."""


def sayable(score: Score) -> Score:
    """The score as it is read again from a MIDI file in which it was written."""
    score = rounded(score) if score.ticks_per_quarter > FINEST_RESOLUTION else score
    score = _with_played_parts(replace(score.sounding(), transpositions=(), clefs=[], tuplets=()))
    notes = performed(score)
    settings = _Settings(score, notes)
    said = Score(
        score.ticks_per_quarter,
        tuple(settings.parts),
        notes,
        keys=_keys(score.keys),
        tempos=_tempos(score.tempos),
        controls=score.controls[settings.kept_controls],
        bends=_clipped(score.bends),
        programs=tuple(settings.programs),
        directions=tuple(_markers(score)),
        lyrics=tuple(_lyrics(score, notes)),
        messages=tuple(message for message in score.messages if _is_kept(message, settings.parts)),
        title=plain_text(score.title),
        rights=plain_text(score.rights),
    )
    return _with_bars(said, score)


def last_tick(score: Score) -> int:
    """The tick of the last thing in a score."""
    arrays = (score.keys, score.tempos, score.meters, score.controls, score.bends)
    events = chain(score.programs, score.directions, score.messages)
    return max([score.end_tick, *(int(a["onset_tick"][-1]) for a in arrays if len(a)), *(e.onset_tick for e in events)])


def _with_bars(said: Score, score: Score) -> Score:
    """With the bars that its meters make in MIDI."""
    if not len(score.meters) or not len(said.notes):
        return said
    meters, pickup_tick = without_pickup(with_pickup(score), score.ticks_per_quarter)
    track_end = max(last_tick(said), int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1]))
    track_end = max(track_end, int(meters["onset_tick"][-1]))
    measures = bars(meters, score.ticks_per_quarter, said.end_tick, track_end, pickup_tick)
    return replace(said, meters=meters, measures=measures)


def _with_played_parts(score: Score) -> Score:
    """Without parts that play nothing, and notes that MIDI has no numbers for; names of such parts stay messages."""
    notes = score.notes[(score.notes["pitch"] >= 0) & (score.notes["pitch"] <= 127)]
    played = np.unique(notes["part"])
    place = np.full(len(score.parts) + 1, -1)
    place[played] = np.arange(len(played))
    silent = [part for index, part in enumerate(score.parts) if place[index] < 0 and plain_text(part.name)]
    names = [Message(0, -1, NAME + encode_text(part.name)) for part in silent]
    score = replace(score.with_notes(_moved(notes, place)), parts=tuple(score.parts[index] for index in played))
    return replace(
        score,
        controls=_moved(score.controls, place),
        bends=_moved(score.bends, place),
        programs=tuple(replace(x, part=int(place[x.part])) for x in score.programs if place[x.part] >= 0),
        messages=(*names, *_moved_messages(score.messages, place)),
    )


def _moved(array: Records, place: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Records:
    moved = array[place[array["part"]] >= 0].copy()
    moved["part"] = place[moved["part"]]
    return moved


def _moved_messages(messages: Sequence[Message], place: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[Message]:
    """Messages at their parts' new places, or the conductor's if they concern no channel."""
    return [
        replace(message, part=int(place[message.part]))
        for message in messages
        if message.part < 0 or place[message.part] >= 0 or message.data[0] >= 0xF0
    ]


class _Settings:
    """Programs, volumes and pans as a file says them: what holds at the beginning, and what changes."""

    def __init__(self, score: Score, notes: Records) -> None:
        first_onsets = [int(notes["onset_tick"][notes["part"] == part].min()) for part in range(len(score.parts))]
        self.kept_controls = (score.controls["number"] < 128) & (score.controls["value"] < 128)
        self.programs: list[ProgramChange] = []
        self.parts: list[Part] = []
        for index, (part, channel) in enumerate(zip(score.parts, channels(score), strict=True)):
            onset = first_onsets[index]
            program, kept = self._programs(score, index, onset)
            self.programs += kept
            volume = self._control(score, index, VOLUME, part.volume, onset)
            pan = self._control(score, index, PAN, part.pan, onset)
            name, is_drums = plain_text(part.name), is_drum_channel(channel)
            self.parts.append(Part(name, program, is_drums, volume=volume, pan=pan, channel=channel))

    def _programs(self, score: Score, index: int, onset: int) -> tuple[int, list[ProgramChange]]:
        part, changes = score.parts[index], [change for change in score.programs if change.part == index]
        rows = [(change.onset_tick, change.program) for change in changes]
        value, is_all = _heard(part.program, rows, onset)
        return value if value is not None else part.program, changes[is_all:]

    def _control(self, score: Score, index: int, number: int, value: int | None, onset: int) -> int | None:
        controls = score.controls
        at = np.flatnonzero((controls["part"] == index) & (controls["number"] == number) & self.kept_controls)
        rows = [(int(controls["onset_tick"][i]), int(controls["value"][i])) for i in at]
        value, is_all = _heard(value, rows, onset)
        self.kept_controls[at[:is_all]] = False
        return value


def _heard(value: int | None, rows: Sequence[Statement], onset: int) -> tuple[int | None, bool]:
    """What a part begins with, and whether it says what the first row says."""
    return (value, False) if stated(value, rows, onset) else opening(rows, onset)


def _keys(keys: Records) -> Records:
    """One key at a tick: that of all parts, else that of most."""
    at: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for tick, part, fifths, mode in keys.tolist():
        at[tick].append((part, max(-7, min(fifths, 7)), int(mode in _MINOR_MODES)))
    rows: list[tuple[int, int, int, int]] = []
    for tick, stated_keys in at.items():
        of_all = [key[1:] for key in stated_keys if key[0] < 0]
        best = of_all[-1] if of_all else Counter(key[1:] for key in stated_keys).most_common(1)[0][0]
        rows.append((tick, -1, *best))
    return np.array(rows, KEY)


def _tempos(tempos: Records) -> Records:
    last = {tick: beats_per_minute(microseconds_per_quarter(bpm)) for tick, bpm in tempos.tolist()}
    return np.array(list(last.items()), TEMPO)


def _clipped(bends: Records) -> Records:
    clipped = bends.copy()
    clipped["value"] = np.clip(bends["value"], -8192, 8191)
    return clipped


def _markers(score: Score) -> list[Direction]:
    texts = [(x.onset_tick, plain_text(x.text)) for x in score.directions if x.kind == "rehearsal"]
    return [Direction(tick, "rehearsal", text) for tick, text in texts if text]


def _lyrics(score: Score, notes: Records) -> list[Lyric]:
    """Lyrics on the highest note that begins with theirs, verses counted from 1."""
    place = {note_id: index for index, note_id in enumerate(notes["note_id"].tolist())}
    order = np.lexsort([notes["note_id"], notes["duration_tick"], notes["pitch"]])
    parts, onsets = notes["part"].tolist(), notes["onset_tick"].tolist()
    top = {(parts[index], onsets[index]): int(notes["note_id"][index]) for index in order.tolist()}
    sung = [lyric for lyric in score.lyrics if is_sung(plain_text(lyric.text)) and lyric.note_id in place]
    sung.sort(key=lambda lyric: (onsets[place[lyric.note_id]], lyric.verse, place[lyric.note_id]))
    verses: defaultdict[int, int] = defaultdict(int)
    rows: defaultdict[tuple[int, int], list[Lyric]] = defaultdict(list)
    for lyric in sung:
        index = place[lyric.note_id]
        note_id = top[parts[index], onsets[index]]
        verses[note_id] += 1
        rows[parts[index], verses[note_id]].append(replace(lyric, note_id=note_id, verse=verses[note_id]))
    return [lyric for row in rows.values() for lyric in sung_again(row)]


def _is_kept(message: Message, parts: Sequence[Part]) -> bool:
    """Whether a message is one that only messages can say, on a channel that has no part or the part's own."""
    data = message.data
    status = data[0] if data else 0
    if status >= 0xF0:
        return status in (0xF0, 0xF7) or (
            status == 0xFF and len(data) > 1 and data[1] < 128 and data[:2] not in _STRUCTURE
        )
    kind = status & 0xF0
    length = 2 if kind in (0xC0, CHANNEL_PRESSURE) else 3
    if status < 0xA0 or len(data) != length or max(data[1:]) > 127:
        return False
    if message.part >= 0:
        return status in (KEY_PRESSURE, CHANNEL_PRESSURE)
    return all(part.channel != (status & 0x0F) + 1 for part in parts)

"""The figures of `judging.py` for music by people: is the written key named, do chords fill their bars?

    PARTIMENTO_DATA=FOLDER python benchmarks/following/people.py        # writes people.json beside it

Key: POP909 (the key its authors give), hymns and folk tunes (ABC states the mode), lead sheets (MusicXML states it);
of whole pieces, and of the first 8 bars, which is how much a prompt without a length gets. Chords: POP909's chord
files against its MIDI, bar by bar, and the symbols of the lead sheets against their melodies.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import mido
from judging import Note, Span, bar_shares, chord_summary, chord_tones, inside, named_key, root, scale

from partimento.errors import PartimentoError
from partimento.io import load_scores
from partimento.score import Score

HERE = Path(__file__).parent
PIECES = 40
BARS = 8


class Song(NamedTuple):
    """One piece by people."""

    notes: list[Note]
    key: tuple[int, str] | None
    """Tonic and mode as written."""
    opening: float
    """Where the eighth bar ends."""
    bars: list[list[Span]]
    """Chords of each bar, where they are written."""


def pop909(folder: Path) -> Iterator[Song]:
    """Songs of POP909; times are seconds."""
    for path in sampled(sorted(folder.glob("*.mid"))):
        keys = [line.split() for line in path.with_suffix(".key.txt").read_text().splitlines()]
        tonic, mode = keys[0][2].split(":")
        is_one = len({row[2] for row in keys}) == 1
        beats = [line.split() for line in path.with_suffix(".beat.txt").read_text().splitlines()]
        lines = [float(row[0]) for row in beats if float(row[2]) == 1]
        chords = [line.split() for line in path.with_suffix(".chord.txt").read_text().splitlines()]
        spans = [(float(a), float(b), pop_chord(name)) for a, b, name in chords if name != "N"]
        bars = [clipped(spans, start, stop) for start, stop in pairwise(lines)]
        key = (root(tonic), {"maj": "major", "min": "minor"}[mode]) if is_one else None
        yield Song(seconds_of(path), key, lines[min(BARS, len(lines) - 1)], [bar for bar in bars if bar])


def pop_chord(name: str) -> set[int]:
    """Pitch classes of a name such as `B:min7/b3`; the bass is a tone of the chord."""
    letter, _, quality = name.partition(":")
    return {(root(letter) + tone) % 12 for tone in _pop_quality(quality.split("/")[0])}


def _pop_quality(name: str) -> set[int]:
    return chord_tones("C" + name)


def clipped(spans: Sequence[Span], start: float, stop: float) -> list[Span]:
    """What of some spans lies in a bar."""
    return [(max(a, start), min(b, stop), tones) for a, b, tones in spans if b > start + 1e-3 and a < stop - 1e-3]


def seconds_of(path: Path) -> list[Note]:
    """Notes of a MIDI file in seconds."""
    now, started, notes = 0.0, dict[tuple[int, int], float](), list[Note]()
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "note_on" and message.velocity:
            started[message.channel, message.note] = now
        elif message.type in ("note_on", "note_off") and (message.channel, message.note) in started:
            notes.append(Note(started.pop((message.channel, message.note)), now, message.note))
    return notes


def written(folder: Path, pattern: str) -> Iterator[Song]:
    """Pieces in notation that state their key; times are quarters."""
    for path in sampled(sorted(folder.rglob(pattern))):
        try:
            score = load_scores(path)[0].sounding()
        except PartimentoError:
            continue
        if len(score.notes) and len(score.measures) >= BARS:
            yield song(score)


def song(score: Score) -> Song:
    """Notes, key and chords of a score."""
    tpq = score.ticks_per_quarter
    rows = score.notes[["onset_tick", "duration_tick", "pitch"]].tolist()
    notes = [Note(onset / tpq, (onset + length) / tpq, pitch) for onset, length, pitch in rows if length]
    key = score.key_at(0)
    is_told = key is not None and key.mode in ("major", "minor") and len(score.keys) == 1
    lines = [row[0] / tpq for row in score.measures.tolist()] + [sum(score.measures[-1].item()) / tpq]
    ends = [*(event.onset_tick / tpq for event in score.chords[1:]), lines[-1]]
    spans = [
        (event.onset_tick / tpq, end, set(event.symbol.pitch_classes))
        for event, end in zip(score.chords, ends, strict=False)
        if event.symbol
    ]
    bars = [clipped(spans, start, stop) for start, stop in pairwise(lines)]
    told = (7 * key.tonic % 12, str(key.mode)) if key is not None and is_told else None
    return Song(notes, told, lines[BARS], [bar for bar in bars if bar])


def sampled(files: Sequence[Path]) -> list[Path]:
    """As many files as are looked at, the same each time."""
    return random.Random(0).sample(list(files), min(PIECES, len(files)))


def key_rates(songs: Sequence[Song]) -> dict[str, Any]:
    """How often music21 names the written key."""
    told = [song for song in songs if song.key]
    openings = [song._replace(notes=[n for n in song.notes if n.onset < song.opening]) for song in told]
    table: dict[str, Any] = {"pieces": len(told)}
    for name, pieces in (("whole", told), ("first_8_bars", openings)):
        heard = [song for song in pieces if song.notes]
        table[f"named_{name}"] = round(sum(named_key(song.notes) == song.key for song in heard) / max(len(heard), 1), 4)
        shares = [inside(song.notes, written_scale(song.key)) for song in heard if song.key]
        table[f"in_scale_{name}"] = round(sum(on >= 0.9 * all_ for on, all_ in shares) / max(len(shares), 1), 4)
    return table


def written_scale(key: tuple[int, str]) -> set[int]:
    """Pitch classes of a tonic and a mode."""
    return {(tone + key[0]) % 12 for tone in scale(f"C {key[1]}")}


def main() -> None:
    """Measure, and write the figures."""
    data = Path(os.environ["PARTIMENTO_DATA"])
    groups = {
        "POP909": list(pop909(data / "B_pop909")),
        "hymns": list(written(data / "A_openhymnal-abc", "*.abc")),
        "folk tunes": list(written(data / "B_folk-abc-music21", "*.abc")),
        "lead sheets": [
            *written(data / "A_openewld-leadsheets", "*.mxl"),
            *written(data / "B_openewld-leadsheets-us-only", "*.mxl"),
        ],
    }  # fmt: skip
    results: dict[str, Any] = {"keys": {name: key_rates(songs) for name, songs in groups.items()}}
    results["chords"] = {
        name: chord_summary([s for song in groups[name] if (s := bar_shares(song.notes, song.bars))])
        for name in ("POP909", "lead sheets")
    }
    (HERE / "people.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

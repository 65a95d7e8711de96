"""How others make datasets of tokens: MidiTok, and the preprocessing of anticipation as it is published.

anticipation's repository (jthickstun/anticipation) says in `train/midi-preprocess.py`, `anticipation/convert.py` and
`anticipation/tokenize.py` what it does; this does the same steps on the same data types, written anew: mido parses the
file and gives its messages in order with their times in seconds; notes become five numbers each, written as text;
these are read again, turned into triples, filtered, given rests, interleaved with controls that anticipate, packed
into rows of 1,024 tokens, and written as text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mido
import symusic

TIME_RESOLUTION, MAX_TIME, MAX_DURATION = 100, 10_000, 1_000
TIME, DURATION, NOTE, REST, CONTROL = 0, 10_000, 11_000, 27_512, 27_513
SEPARATOR, AUTOREGRESS, ANTICIPATE = 55_025, 55_026, 55_027
DELTA, CONTEXT, EVENT = 5 * TIME_RESOLUTION, 1_024, 3
LEAST_EVENTS, LEAST_SECONDS, MOST_SECONDS, MOST_INSTRUMENTS = 100, 10, 3_600, 16
UNKNOWN_DURATION = 250 // 10


def miditok_whole(paths: Sequence[Path], tokenizer: Any, out: Path) -> int:
    """Each file as one sequence of ids, saved as MidiTok saves them; the number of tokens."""
    tokens = 0
    for number, path in enumerate(paths):
        sequence = tokenizer(symusic.Score(path))
        tokenizer.save_tokens(sequence, out / f"{number}.json")
        tokens += len(sequence.ids)
    return tokens


def miditok_rows(paths: Sequence[Path], tokenizer: Any, out: Path, context: int) -> int:
    """As MidiTok's guide recommends for training: files are split at bars into pieces that fit, then tokenised."""
    from miditok.utils import split_files_for_training

    pieces = split_files_for_training(
        list(paths), tokenizer, out / "pieces", context, num_overlap_bars=0, parallel_workers_size=1
    )
    return miditok_whole(pieces, tokenizer, out)


def anticipation(paths: Sequence[Path], out: Path) -> int:
    """Files to rows; the number of tokens."""
    compounds = list[Path]()
    for number, path in enumerate(paths):
        try:
            compound = _compound(path)
        except (OSError, ValueError, KeyError, EOFError):
            continue
        compounds.append(out / f"{number}.compound.txt")
        compounds[-1].write_text(" ".join(map(str, compound)))
    return _tokenized(compounds, out / "rows.txt")


def _compound(path: Path) -> list[int]:
    """Time, duration, pitch, instrument and velocity of each note."""
    file = mido.MidiFile(path)
    tokens, instruments = list[int](), defaultdict[int, int](int)
    open_notes, time = defaultdict[tuple[int, int, int], list[tuple[int, float]]](list), 0.0
    for message in file:
        time += message.time
        if message.type == "program_change":
            instruments[message.channel] = message.program
        elif message.type in ("note_on", "note_off"):
            instrument = 128 if message.channel == 9 else instruments[message.channel]
            key = (instrument, message.note, message.channel)
            if message.type == "note_on" and message.velocity > 0:
                open_notes[key].append((len(tokens), time))
                tokens += [round(time * TIME_RESOLUTION), -1, message.note, instrument, message.velocity]
            elif open_notes[key]:
                index, onset = open_notes[key].pop(0)
                tokens[index + 1] = round((time - onset) * TIME_RESOLUTION)
    return tokens


def _tokenized(compounds: Sequence[Path], out: Path) -> int:
    """Rows of `CONTEXT` tokens, pieces one after the other."""
    waiting, rows = list[int](), 0
    with out.open("w") as file:
        for path in compounds:
            events = _events([int(token) for token in path.read_text().split()])
            if not _is_kept(events):
                continue
            for flag, controlled in _anticipated(events):
                waiting += [SEPARATOR] * 3 + controlled
                for row in _rows(waiting, flag):
                    file.write(" ".join(map(str, row)) + "\n")
                    rows += 1
    return rows * CONTEXT


def _events(compound: list[int]) -> list[int]:
    tokens = list[int]()
    for index in range(0, len(compound), 5):
        time, duration, pitch, instrument, _ = compound[index : index + 5]
        length = UNKNOWN_DURATION if duration < 0 else min(max(duration, 1), MAX_DURATION - 1)
        tokens += [TIME + time, DURATION + length, NOTE + 128 * instrument + pitch]
    return tokens


def _is_kept(events: list[int]) -> bool:
    if len(events) < EVENT * LEAST_EVENTS:
        return False
    seconds = _latest(events) / TIME_RESOLUTION
    return LEAST_SECONDS <= seconds <= MOST_SECONDS and len(_instruments(events)) <= MOST_INSTRUMENTS


def _triples(tokens: list[int]) -> Iterator[tuple[int, int, int]]:
    return zip(tokens[0::3], tokens[1::3], tokens[2::3], strict=True)


def _latest(tokens: list[int]) -> int:
    latest = 0
    for time, _, note in _triples(tokens):
        if note == SEPARATOR:
            break
        latest = max(latest, time - TIME if note < CONTROL else time - CONTROL)
    return latest


def _earliest(tokens: list[int]) -> int:
    earliest = None
    for time, _, note in _triples(tokens):
        if note == SEPARATOR:
            break
        time = time - TIME if note < CONTROL else time - CONTROL
        earliest = time if earliest is None else min(earliest, time)
    return earliest or 0


def _instruments(tokens: list[int]) -> dict[int, int]:
    counts = defaultdict[int, int](int)
    for _, _, note in _triples(tokens):
        if note < CONTROL:
            counts[(note - NOTE) // 128] += 1
    return counts


def _anticipated(events: list[int]) -> Iterator[tuple[int, list[int]]]:
    """The piece without controls, which is the first of its augmentations, with a rest for each second of silence."""
    _instruments(events)
    padded, last, end = list[int](), 0, _latest(events)
    for time, duration, note in _triples(events):
        while time > last + TIME_RESOLUTION:
            padded += [last + TIME_RESOLUTION, DURATION, REST]
            last += TIME_RESOLUTION
        padded += [time, duration, note]
        last = time
    while end > last + TIME_RESOLUTION:
        padded += [last + TIME_RESOLUTION, DURATION, REST]
        last += TIME_RESOLUTION
    yield AUTOREGRESS, padded


def _rows(waiting: list[int], flag: int) -> Iterator[list[int]]:
    """Full rows, taken from the front; their times begin at 0."""
    while len(waiting) >= CONTEXT - 1:
        taken, waiting[: CONTEXT - 1] = waiting[: CONTEXT - 1], []
        moved = _moved(taken, -_earliest(taken))
        if moved is not None and _earliest(moved) == 0:
            yield [flag, *moved]


def _moved(tokens: list[int], by: int) -> list[int] | None:
    """All times of the first piece moved; None where one would be too late."""
    moved = list[int]()
    for time, duration, note in _triples(tokens):
        if note == SEPARATOR:
            moved += [time, duration, note]
            by = 0
            continue
        if time + by >= MAX_TIME:
            return None
        moved += [time + by, duration, note]
    return moved


__all__ = ["anticipation", "miditok_rows", "miditok_whole"]

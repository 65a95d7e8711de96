"""One file to pieces: read, filtered, annotated, named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partimento.analysis import estimate_chords, estimate_key, facts_of
from partimento.data.duplicates import sketch
from partimento.data.prepare.options import Options
from partimento.data.prepare.work import Load, PlannedFile
from partimento.data.regular import regular, with_usual_instruments
from partimento.data.sources.reading import read_source
from partimento.errors import BadInput
from partimento.score import DEFAULT_TEMPO_BPM, KEY, Score
from partimento.theory.instrument import DRUMS, find_instrument, instrument_name
from partimento.theory.key import NO_MODE

_STYLE_WORDS = (
    "slip jig", "jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air", "song",
)  # fmt: skip
_HASHED_STEPS_PER_QUARTER = 960


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece that is kept so far, and what its row in `pieces.parquet` says."""

    score: Score
    row: dict[str, Any]


def load(planned: PlannedFile, read: Load) -> tuple[Score, ...]:
    """The scores of a file.

    Raises:
        BadInput: the file cannot be read or does not belong.
    """
    file = planned.file
    if file.requires and file.requires.encode() not in file.path.read_bytes():
        raise BadInput(f"does not state {file.requires!r}")
    return read_source(file, read)


def describe(score: Score, number: int, planned: PlannedFile, options: Options) -> Piece:
    """A score as a piece.

    Args:
        score: as it was read.
        number: which of its file's, from 0.
        planned: its file.
        options: filters and annotation.

    Raises:
        BadInput: a filter leaves it out; says which.
    """
    file, seconds = planned.file, round(float(score.seconds_at(score.end_tick)), 2)
    _check(score, seconds, options)
    content = content_hash(score)
    row: dict[str, Any] = {
        "piece": content[:24] + hashlib.blake2b(f"{file.source}/{planned.name}#{number}".encode()).hexdigest()[:8],
        "path": planned.name, "number": number, "source": file.source, "licence": file.licence,
        "title": score.title, "composer": score.composer, "stated_split": file.split, "work": file.work,
        "content": content, "notes": len(score.notes), "seconds": seconds, "bars": len(score.measures),
        "captions": [file.caption] if file.caption else [],
    }  # fmt: skip
    if options.dedup != "off":
        row["sketch"] = sketch(score).astype("<u4").tobytes()
    if options.lyrics == "drop":
        score = replace(score, lyrics=())
    if score.tags != (style := (style_of(score, file.style),)):
        score = score.with_tags(style)
    if options.annotate:
        score = annotated(regular(with_usual_instruments(score)), with_chords=int(content[-1], 16) % 2 == 0)
    facts = dict(file.facts.items())
    row["source_facts"] = json.dumps(facts, ensure_ascii=False) if facts else ""
    row["facts"] = json.dumps(facts_of(score).to_dict(), ensure_ascii=False) if options.facts else ""
    return Piece(score, row | {"style": score.tags[0]} | _opening(score))


def _opening(score: Score) -> dict[str, Any]:
    """With what the piece begins, as it states it."""
    key = score.key_at(0)
    meter = score.meter_at(0) if len(score.meters) else None
    return {
        "key": str(key) if key else "",
        "meter": f"{meter.beats}/{meter.beat_type}" if meter else "",
        "tempo": float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else DEFAULT_TEMPO_BPM,
        "programs": sorted(_programs(score)),
    }


def _programs(score: Score) -> set[int]:
    """Programs that are played, 128 for drums."""
    changes = {change.program for change in score.programs if not score.parts[change.part].is_drums}
    return {DRUMS if part.is_drums else part.program for part in score.parts} | changes


def _check(score: Score, seconds: float, options: Options) -> None:
    """Raises BadInput where a filter leaves the piece out."""
    for name, value, form in (
        ("notes", len(score.notes), "d"),
        ("seconds", seconds, "g"),
        ("bars", len(score.measures), "d"),
        ("parts", len(score.parts), "d"),
    ):
        least, most = getattr(options, f"min_{name}"), getattr(options, f"max_{name}", None)
        if value < least:
            raise BadInput(f"fewer than {least:{form}} {name}")
        if most is not None and value > most:
            raise BadInput(f"more than {most:{form}} {name}")
    if options.instruments or options.require:
        _check_instruments(_programs(score), options)


def _check_instruments(programs: set[int], options: Options) -> None:
    allowed, required = ({find_instrument(n) for n in names} for names in (options.instruments, options.require))
    if other := sorted(programs - allowed) if allowed else []:
        raise BadInput(f"has {instrument_name(other[0])}, which is not among the instruments asked for")
    if missing := sorted(p for p in required if p is not None and p not in programs):
        raise BadInput(f"has no {instrument_name(missing[0])}")


def content_hash(score: Score) -> str:
    """Hash of the notes in quarters, 32 hexadecimal digits, the same in every transposition and at every resolution.

    Each note is mixed to 64 bits (the finaliser of MurmurHash3), twice, and the sums of all are hashed: their order
    plays no part, and nothing has to be sorted.
    """
    notes = score.sounding().notes
    steps = [_steps(notes[name], score.ticks_per_quarter) for name in ("onset_tick", "duration_tick")]
    drums = np.array([part.is_drums for part in score.parts], bool)
    pitch, part = notes["pitch"].astype(np.int64), notes["part"]
    lowest = int(pitch.min(initial=128, where=~drums[part] if drums.any() else True))
    sounded = pitch + (np.where(drums, 1 << 8, -lowest) + (np.arange(len(drums)) << 9))[part]
    timed = (steps[0].astype(np.uint64) << np.uint64(32)) + steps[1].astype(np.uint64)
    first = _mixed(timed + np.uint64(0x9E3779B97F4A7C15) * sounded.astype(np.uint64))
    second = _mixed(first ^ timed)
    sums = np.array([first.sum(), second.sum(), len(notes)], np.uint64)
    return hashlib.blake2b(sums.astype("<u8").tobytes(), digest_size=16).hexdigest()


def _steps(ticks: np.ndarray[Any, Any], ticks_per_quarter: int) -> np.ndarray[Any, Any]:
    """In 960ths of a quarter, to the nearest."""
    return (2 * _HASHED_STEPS_PER_QUARTER * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def _mixed(bits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits ^ (bits >> np.uint64(33))


def style_of(score: Score, default: str) -> str:
    """A style word from the tags or the title of a piece."""
    if default not in ("folk", "none"):
        return default
    text = " ".join([*score.tags, score.title]).lower().replace("slipjig", "slip jig")
    return next((word for word in _STYLE_WORDS if word in text.split() or (" " in word and word in text)), default)


def annotated(score: Score, with_chords: bool) -> Score:
    """The score with unknown modes, or its unknown key, estimated from the notes, and perhaps estimated chords."""
    if not len(score.keys):
        key, _ = estimate_key(score)
        score = replace(score, keys=np.array([(0, -1, key.fifths, key.mode_id)], KEY))
    elif (score.keys["mode"] == NO_MODE).any():
        keys = score.keys.copy()
        for row in keys[keys["mode"] == NO_MODE]:
            key, _ = estimate_key(score, int(row["fifths"]))
            keys["mode"][(keys["mode"] == NO_MODE) & (keys["fifths"] == row["fifths"])] = key.mode_id
        score = replace(score, keys=keys)
    if with_chords and not score.chords and len(score.measures):
        score = replace(score, chords=estimate_chords(score))
    return score


__all__ = ["Piece", "annotated", "content_hash", "describe", "load", "style_of"]

"""The plan of each window of a dataset, read off its music: what a model that is given chords or a plan learns from.

Chords are the stored symbols, else those that can be heard. Music without bars is heard in bars first, where it has a
beat. What was found is kept beside the shards, in `plans-SPLIT.jsonl`, for the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from partimento.analysis import estimate_key
from partimento.data.dataset import TokenDataset
from partimento.errors import PartimentoError
from partimento.notation.beats import estimate_beats
from partimento.plan import Compose, Plan
from partimento.plan.plan import MAX_BARS, MAX_INSTRUMENTS, TEMPO_RANGE_BPM
from partimento.representations import create
from partimento.representations.performance.chords import bars_of
from partimento.score import Score
from partimento.theory.instrument import DRUMS
from partimento.theory.interval import Interval

DROPPED_SHARE = 0.3
"""Chance that a wish is left out of a plan in training, as people state some and not others."""
_TOLD_BY_SCORES = ("key", "meter", "tempo_bpm", "instruments", "bars", "chords", "style")


def plans_of(dataset: TokenDataset, progress: Callable[[int, int], None] = lambda done, total: None) -> list[Plan]:
    """The plan of every window of a split, in order.

    Args:
        dataset: one split.
        progress: is told how many windows of how many are done.
    """
    path, digest = dataset.folder / f"plans-{dataset.split}.jsonl", _digest(dataset)
    if (known := _kept(path, digest, len(dataset))) is not None:
        return known
    representation = create(**dataset.info.representation)
    styles, plans = dataset.column("style"), list[Plan]()
    for index, style in enumerate(styles):
        score = representation.decode(dataset[index].astype(np.int32), Compose())
        plans.append(plan_of(score, style or None))
        progress(index + 1, len(dataset))
    _keep(path, digest, plans)
    return plans


def plan_of(score: Score, style: str | None = None) -> Plan:
    """What a score is: key, meter, tempo, instruments, bars and chords, as far as they can be told."""
    has_bars = len(score.measures) > 0
    try:
        barred = score if has_bars else estimate_beats(score)
        chords = tuple(bar.chords for bar in bars_of(barred))
    except PartimentoError:  # too few notes to hear a beat in
        chords = ()
    programs = tuple(DRUMS if part.is_drums else part.program for part in score.parts)
    low, high = TEMPO_RANGE_BPM
    tempo_bpm = float(score.tempos["tempo_bpm"][0]) if len(score.tempos) and has_bars else None
    return Plan(
        key=score.key_at(0) or (estimate_key(score)[0] if len(score.notes) else None),
        meter=score.meter_at(0) if len(score.meters) else None,
        tempo_bpm=tempo_bpm if tempo_bpm is not None and low <= tempo_bpm <= high else None,
        instruments=programs if 1 <= len(programs) <= MAX_INSTRUMENTS else None,
        bars=len(score.measures) if 1 <= len(score.measures) <= MAX_BARS else None,
        chords=chords[:MAX_BARS] if any(chords) else None,
        style=None if style == "none" else style,
    )


def varied(plan: Plan, semitones: int, tempo: float = 1.0) -> Plan:
    """The plan of the same music in another key, so many times as fast."""
    interval = Interval.from_semitones(semitones)
    low, high = TEMPO_RANGE_BPM
    return replace(
        plan,
        key=plan.key and plan.key.transposed(interval),
        chords=plan.chords and tuple(tuple(chord.transposed(interval) for chord in bar) for bar in plan.chords),
        tempo_bpm=plan.tempo_bpm and min(max(plan.tempo_bpm * tempo, low), high),
    )


def thinned(plan: Plan, rng: np.random.Generator) -> Plan:
    """The plan with some of its wishes left out."""
    drawn = rng.random(len(_TOLD_BY_SCORES))
    left_out = [name for name, each in zip(_TOLD_BY_SCORES, drawn, strict=True) if each < DROPPED_SHARE]
    return replace(plan, **dict.fromkeys(left_out))


def _digest(dataset: TokenDataset) -> str:
    content = hashlib.sha256(json.dumps(dataset.info.representation, sort_keys=True).encode())
    content.update(dataset.ids.tobytes())
    content.update(dataset.lengths.tobytes())
    return content.hexdigest()


def _kept(path: Path, digest: str, windows: int) -> list[Plan] | None:
    """What an earlier run has found in the same music; None where there is none, or it cannot be used."""
    try:
        head, *lines = path.read_text("utf-8").splitlines()
        if json.loads(head) != {"music": digest} or len(lines) != windows:
            return None
        return [Plan.from_dict(json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError, KeyError, PartimentoError):
        return None


def _keep(path: Path, digest: str, plans: list[Plan]) -> None:
    """Write beside and rename; a folder that cannot be written costs the next run the time, no more."""
    rows = [{"music": digest}, *(plan.to_dict() for plan in plans)]
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)

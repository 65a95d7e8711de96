"""Facts about a piece, read off its score."""

from __future__ import annotations

from typing import Any

import numpy as np

from partimento.analysis import progressions
from partimento.analysis.facts import Facts
from partimento.analysis.form import sections_of
from partimento.analysis.heard import Floats, Heard, bar_lines, beats_of, heard
from partimento.analysis.key import key_index, key_odds, key_of, key_path
from partimento.analysis.meter import meter_of
from partimento.analysis.mood import Signs, mood_of
from partimento.analysis.parts import covered, measured, part_facts
from partimento.analysis.phrases import phrases_of
from partimento.analysis.texture import (
    articulations_of,
    dynamic_levels,
    dynamic_word,
    loudness,
    register_of,
    shortness,
    swings,
    texture_of,
    written_loudness,
)
from partimento.score import DEFAULT_TEMPO_BPM, Score
from partimento.theory.key import Key
from partimento.theory.meter import Meter
from partimento.theory.tempo import tempo_word

_STATED_ODDS, _MODAL_ODDS = 3.0, 8.0
"""Log odds by which a stated key gains: what is printed is mostly right, but sequencers say C major of anything, and
nobody says dorian of anything."""
_GRID, _NEAR, _ON_GRID = 12, 0.05, 0.8
"""Music without meter has quarters if this share of its notes lies on twelfths of them."""


def facts_of(score: Score) -> Facts:
    """What can be said about a piece.

    Never raises: of an empty score there is little to say, and without beats nothing that needs bars.
    """
    notes, lines = heard(score), bar_lines(score)
    pitched, beats, first_bar = notes.pitched, beats_of(score), 0 if score.has_pickup else 1
    states = measured(score, notes)
    parts = part_facts(states, beats, max(covered(notes.onset, notes.end), 1e-9))
    odds = _key_odds(score, pitched) if len(pitched) else None
    key = None if odds is None else _named_key(score, int(odds.argmax()))
    bar_keys = _bar_keys(pitched, lines, odds, key)
    seconds, tempo_bpm, short = _seconds(score, notes), _tempo(score, lines), shortness(notes)
    mean_pitch = float(np.average(pitched.pitch, weights=pitched.length)) if len(pitched) else None
    velocity = loudness(notes)
    if velocity is None:
        velocity = written_loudness(dynamic_levels(score), 0.0, float(notes.end.max(initial=0.0)))
    density = len(notes) / seconds if seconds else 0.0
    majorness = 0.0 if odds is None else float(2 * np.exp(odds[:12]).sum() - 1)
    strokes = len(np.unique(notes.onset)) / seconds if seconds else 0.0
    valence, arousal, mood = mood_of(Signs(majorness, tempo_bpm, strokes, mean_pitch, velocity, short))
    sections = sections_of(notes, lines, first_bar) if len(lines) else ()
    return Facts(
        notes=len(notes),
        seconds=round(seconds, 2),
        bars=len(lines) - 1 - (1 - first_bar) if len(lines) else None,
        key=key,
        key_confidence=0.0 if odds is None else round(float(np.exp(odds.max())), 3),
        key_changes=_changes(bar_keys, key, first_bar),
        **_meters(score, notes, first_bar),
        tempo_bpm=tempo_bpm,
        tempo_word=None if tempo_bpm is None else tempo_word(tempo_bpm),
        instruments=tuple(dict.fromkeys(states.program.tolist())),
        roles=parts,
        **_harmony(score, pitched, lines, key, first_bar),
        texture=texture_of(pitched, parts),
        register=None if mean_pitch is None else register_of(mean_pitch),
        density=round(density, 2),
        dynamics=dynamic_word(velocity),
        articulations=articulations_of(score, notes, short),
        swing=swings(score, notes, beats),
        form="".join(section.label for section in sections),
        sections=sections,
        valence=valence if len(notes) else 0.0,
        arousal=arousal if len(notes) else 0.0,
        mood=mood if len(notes) else "",
        style=score.tags[0] if score.tags else None,
        phrases=phrases_of(score, notes, parts, beats, lines, first_bar, [None if k == key else k for k in bar_keys])
        if len(lines) and len(notes)
        else (),
    )


# Key


def _key_odds(score: Score, pitched: Heard) -> Floats:
    """Log probability of each key by the notes and by what is stated, shape (24,)."""
    odds = key_odds(pitched)
    stated = score.key_at(0)
    if stated is not None:
        modes = ("major", "minor") if stated.mode is None else (stated.mode,)
        gain = _STATED_ODDS if stated.mode in (None, "major", "minor") else _MODAL_ODDS
        odds[[key_index(Key(stated.fifths, mode)) for mode in modes]] += gain
        odds -= np.logaddexp.reduce(odds)
    return odds


def _named_key(score: Score, index: int) -> Key:
    """The key as the score states it if it does, else by its usual name."""
    stated = score.key_at(0)
    for mode in ("major", "minor") if stated and stated.mode is None else (stated.mode,) if stated else ():
        named = Key(stated.fifths, mode) if stated else Key(0)
        if key_index(named) == index:
            return named
    return key_of(index)


def _bar_keys(pitched: Heard, lines: Floats, odds: Floats | None, key: Key | None) -> list[Key | None]:
    """The key of each measure, spelled near that of the piece."""
    if odds is None or key is None or not len(lines):
        return [key] * max(len(lines) - 1, 0)
    path = key_path(pitched, lines, odds)
    names = {index: key if index == key_index(key) else _near(key_of(index), key) for index in np.unique(path).tolist()}
    return [names[index] for index in path.tolist()]


def _near(key: Key, home: Key) -> Key:
    choices = [f for f in (key.fifths - 12, key.fifths, key.fifths + 12) if -7 <= f <= 7]
    return Key(min(choices, key=lambda f: abs(f - home.fifths)), key.mode)


def _changes(keys: list[Key | None], home: Key | None, first_bar: int) -> tuple[tuple[int, Key], ...]:
    before = [home, *keys]
    return tuple((bar + first_bar, key) for bar, key in enumerate(keys) if key is not None and key != before[bar])


# Time


def _seconds(score: Score, notes: Heard) -> float:
    """From the first note to the last release."""
    if not len(notes):
        return 0.0
    quarter = np.r_[0.0, score.tempos["onset_tick"] / score.ticks_per_quarter]
    bpm = np.r_[DEFAULT_TEMPO_BPM, score.tempos["tempo_bpm"]]
    edges = np.r_[quarter, np.inf]
    spans = np.clip(edges[1:], notes.onset.min(), notes.end.max()) - np.clip(
        edges[:-1], notes.onset.min(), notes.end.max()
    )
    return float((spans * 60 / bpm).sum())


def _tempo(score: Score, lines: Floats) -> float | None:
    """The tempo in force for most quarters."""
    if not len(score.tempos) or not len(lines):
        return None
    start = np.minimum(score.tempos["onset_tick"] / score.ticks_per_quarter, lines[-1])
    start[0] = 0.0
    tempi, which = np.unique(np.round(score.tempos["tempo_bpm"], 1), return_inverse=True)
    return float(tempi[np.bincount(which, np.diff(np.r_[start, lines[-1]])).argmax()])


def _meters(score: Score, notes: Heard, first_bar: int) -> dict[str, Any]:
    if not len(score.meters):
        meter = meter_of(notes)[0] if _has_quarters(notes) else None
        return {"meter": meter, "meter_is_estimated": meter is not None}
    rows = [Meter(*row) for row in score.meters[["beats", "beat_type"]].tolist()]
    bars = np.searchsorted(score.measures["onset_tick"], score.meters["onset_tick"])
    bars[0] = 0
    meters = [
        (int(bar), meter)
        for k, (bar, meter) in enumerate(zip(bars, rows, strict=True))
        if not k or meter != rows[k - 1]
    ]
    spans = np.diff([*(bar for bar, _ in meters), len(score.measures)])
    counts: dict[Meter, int] = {}
    for (_, meter), span in zip(meters, spans.tolist(), strict=True):
        counts[meter] = counts.get(meter, 0) + span
    named = tuple((max(bar + first_bar, 1), meter) for bar, meter in meters)
    if set(counts) == {Meter(1, 4)} and len(notes):  # a click, as some sequencers write
        return {"meter": meter_of(notes)[0], "meter_is_estimated": True, "meters": named}
    return {"meter": max(counts, key=lambda meter: counts[meter]), "meters": named}


def _has_quarters(notes: Heard) -> bool:
    place = notes.onset * _GRID
    return len(notes) > 0 and float((np.abs(place - np.rint(place)) < _NEAR).mean()) >= _ON_GRID


# Harmony


def _harmony(score: Score, pitched: Heard, lines: Floats, key: Key | None, first_bar: int) -> dict[str, Any]:
    if not len(lines) or (key is None and not score.chords):
        return {}
    if score.chords:
        bars = progressions.stated_bars(score, lines)
    else:
        bars = progressions.heard_bars(pitched, beats_of(score), key or Key(0))
    summary, count = progressions.commonest(bars)
    return {
        "chords": tuple(" ".join(bar) for bar in bars[1 - first_bar :]),
        "chords_are_stated": bool(score.chords),
        "chord_summary": summary,
        "chord_summary_count": count,
    }

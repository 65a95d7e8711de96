"""Facts about a piece, read off its score."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from partimento.analysis import progressions
from partimento.analysis.facts import Facts, PartFacts
from partimento.analysis.form import sections_of
from partimento.analysis.heard import Beats, Floats, Heard, bar_lines, beats_of, heard
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
    frame = _Frame(heard(score), bar_lines(score), beats_of(score), 0 if score.has_pickup else 1)
    states = measured(score, frame.notes)
    parts = part_facts(states, frame.beats, max(covered(frame.notes.onset, frame.notes.end), 1e-9))
    odds = _key_odds(score, frame.notes.pitched)
    key = None if odds is None else _named_key(score, int(odds.argmax()))
    bar_keys = _bar_keys(frame, odds, key)
    return Facts(
        notes=len(frame.notes),
        bars=len(frame.lines) - 2 + frame.first_bar if len(frame.lines) else None,
        key=key,
        key_confidence=0.0 if odds is None else round(float(np.exp(odds.max())), 3),
        key_changes=_changes(bar_keys, key, frame.first_bar),
        instruments=tuple(dict.fromkeys(states.program.tolist())),
        roles=parts,
        style=score.tags[0] if score.tags else None,
        **_meters(score, frame),
        **_harmony(score, frame, key),
        **_sound(score, frame, parts, odds),
        **_structure(score, frame, parts, [None if each == key else each for each in bar_keys]),
    )


class _Frame(NamedTuple):
    """What sounds, and where the bars are."""

    notes: Heard
    lines: Floats
    """Barlines in quarters, the last one included."""
    beats: Beats
    first_bar: int
    """Number of the first measure: 0 for a pickup."""


def _sound(score: Score, frame: _Frame, parts: tuple[PartFacts, ...], odds: Floats | None) -> dict[str, Any]:
    """How fast, how high, how loud, how short, in which texture, and the mood of it all."""
    notes, pitched = frame.notes, frame.notes.pitched
    seconds, tempo_bpm, short = _seconds(score, notes), _tempo(score, frame.lines), shortness(notes)
    mean_pitch = float(np.average(pitched.pitch, weights=pitched.length)) if len(pitched) else None
    velocity = loudness(notes)
    if velocity is None:
        velocity = written_loudness(dynamic_levels(score), 0.0, float(notes.end.max(initial=0.0)))
    majorness = 0.0 if odds is None else float(2 * np.exp(odds[:12]).sum() - 1)
    strokes = len(np.unique(notes.onset)) / seconds if seconds else 0.0
    mood = mood_of(Signs(majorness, tempo_bpm, strokes, mean_pitch, velocity, short)) if len(notes) else (0.0, 0.0, "")
    return {
        "seconds": round(seconds, 2),
        "tempo_bpm": tempo_bpm,
        "tempo_word": None if tempo_bpm is None else tempo_word(tempo_bpm),
        "texture": texture_of(pitched, parts),
        "register": None if mean_pitch is None else register_of(mean_pitch),
        "density": round(len(notes) / seconds, 2) if seconds else 0.0,
        "dynamics": dynamic_word(velocity),
        "articulations": articulations_of(score, notes, short),
        "swing": swings(score, notes, frame.beats),
        **dict(zip(("valence", "arousal", "mood"), mood, strict=True)),
    }


def _structure(score: Score, frame: _Frame, parts: tuple[PartFacts, ...], bar_keys: list[Key | None]) -> dict[str, Any]:
    """Form and phrases, where there are bars and notes."""
    if not len(frame.lines) or not len(frame.notes):
        return {}
    sections = sections_of(frame.notes, frame.lines, frame.first_bar)
    return {
        "form": "".join(section.label for section in sections),
        "sections": sections,
        "phrases": phrases_of(score, frame.notes, parts, frame.beats, frame.lines, frame.first_bar, bar_keys),
    }


# Key


def _key_odds(score: Score, pitched: Heard) -> Floats | None:
    """Log probability of each key by the notes and by what is stated, shape (24,); None where nothing is pitched."""
    if not len(pitched):
        return None
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


def _bar_keys(frame: _Frame, odds: Floats | None, key: Key | None) -> list[Key | None]:
    """The key of each measure, spelled near that of the piece."""
    if odds is None or key is None or not len(frame.lines):
        return [key] * max(len(frame.lines) - 1, 0)
    path = key_path(frame.notes.pitched, frame.lines, odds)
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


def _meters(score: Score, frame: _Frame) -> dict[str, Any]:
    notes = frame.notes
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
    named = tuple((max(bar + frame.first_bar, 1), meter) for bar, meter in meters)
    if set(counts) == {Meter(1, 4)} and len(notes):  # a click, as some sequencers write
        return {"meter": meter_of(notes)[0], "meter_is_estimated": True, "meters": named}
    return {"meter": max(counts, key=lambda meter: counts[meter]), "meters": named}


def _has_quarters(notes: Heard) -> bool:
    place = notes.onset * _GRID
    return len(notes) > 0 and float((np.abs(place - np.rint(place)) < _NEAR).mean()) >= _ON_GRID


# Harmony


def _harmony(score: Score, frame: _Frame, key: Key | None) -> dict[str, Any]:
    if not len(frame.lines) or (key is None and not score.chords):
        return {}
    if score.chords:
        bars = progressions.stated_bars(score, frame.lines)
    else:
        bars = progressions.heard_bars(frame.notes.pitched, frame.beats, key or Key(0))
    summary, count = progressions.commonest(bars)
    return {
        "chords": tuple(" ".join(bar) for bar in bars[1 - frame.first_bar :]),
        "chords_are_stated": bool(score.chords),
        "chord_summary": summary,
        "chord_summary_count": count,
    }

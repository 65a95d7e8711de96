"""Judges a written piece with readers that are not ours: music21, verovio, symusic.

Nothing here knows of plans, grammars or our own types: scales, chords and bars are worked out anew.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import music21
import numpy as np
import symusic
import verovio
from music21.exceptions21 import Music21Exception
from music21.musicxml.xmlObjects import MusicXMLWarning
from numpy.typing import NDArray
from sixty_prompts import DRUMS, Prompt

LEAST_IN_SCALE, LEAST_BARS_PLAYED, MOST_EMPTY_BARS, LEAST_IN_CHORDS = 0.9, 0.25, 2, 0.6
TEMPO_TOLERANCE_BPM = 0.01
SUFFIXES = (".mid", ".musicxml", ".abc")

warnings.simplefilter("ignore", MusicXMLWarning)  # it knows half of the General MIDI drums

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
_MODES = {"major": 0, "dorian": 1, "phrygian": 2, "lydian": 3, "mixolydian": 4, "minor": 5, "locrian": 6}
_CHORDS = {
    "": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11),
}  # fmt: skip
_READER_ERRORS = (
    Music21Exception, RuntimeError, ArithmeticError, LookupError, ValueError, TypeError, AttributeError,
    SyntaxError, OSError,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that has to hold, and what was found."""

    wish: str
    found: str
    holds: bool


@dataclass(frozen=True)
class Judgement:
    """All that was found about one piece."""

    findings: tuple[Finding, ...]
    notes: int = 0
    in_scale: float = float("nan")
    """Share of the sounding duration."""
    least_played: float = float("nan")
    """Share of the bars in which the part sounds that sounds least."""
    longest_rest: int = 0
    """Bars."""

    @property
    def faults(self) -> list[Finding]:
        """What does not hold."""
        return [finding for finding in self.findings if not finding.holds]


def judge(prompt: Prompt, prefix: Path) -> Judgement:
    """Judge PREFIX.mid, .musicxml and .abc by what a prompt asks for."""
    try:
        midi: Any = symusic.Score(f"{prefix}.mid")
        page = music21.converter.parse(f"{prefix}.musicxml", forceSource=True)
    except _READER_ERRORS as error:
        return Judgement((Finding("loads", _reason(error), False),))
    bars = [list(part.getElementsByClass(music21.stream.Measure)) for part in page.parts]  # pyright: ignore
    signatures = {(s.numerator, s.denominator) for s in page.recurse().getElementsByClass("TimeSignature")}
    if not bars or not bars[0] or len(signatures) != 1:
        return Judgement((Finding("meter", f"{len(signatures)} meters, {len(bars)} parts", False),))
    [(beats, beat_type)] = signatures
    played = _bars_played(midi, 4 * beats / beat_type, len(bars[0]))
    in_scale = _in_scale(midi, prompt.key) if prompt.key else float("nan")
    rests = [_longest_run(~row) for row in played]
    findings = [
        *_loads(prefix, sum(len(track.notes) for track in midi.tracks)),
        *_asked(prompt, midi, f"{beats}/{beat_type}", [len(of_part) for of_part in bars]),
        *_full(bars, beats, beat_type),
        Finding(
            "every part plays",
            f"{played.mean(1).min():.0%} of bars",
            played.mean(1).min() >= LEAST_BARS_PLAYED,
        ),
        Finding("longest rest", f"{max(rests)} bars", max(rests) <= MOST_EMPTY_BARS),
    ]
    if prompt.key:
        findings.append(Finding("key", f"{in_scale:.1%} in {prompt.key}", in_scale >= LEAST_IN_SCALE))
    notes = sum(len(track.notes) for track in midi.tracks)
    return Judgement(tuple(findings), notes, in_scale, float(played.mean(1).min()), max(rests))


def _loads(prefix: Path, notes: int) -> Iterator[Finding]:
    for suffix in (".mid", ".abc"):
        try:
            stream = music21.converter.parse(f"{prefix}{suffix}", forceSource=True)
            found = sum(len(sound.pitches) or 1 for sound in stream.recurse().notes)  # pyright: ignore
            yield Finding(f"music21 reads {suffix}", f"{found} notes", found > 0)
        except _READER_ERRORS as error:
            yield Finding(f"music21 reads {suffix}", _reason(error), False)
    verovio.enableLog(verovio.LOG_OFF)
    toolkit: Any = verovio.toolkit()
    text = prefix.with_name(prefix.name + ".musicxml").read_text("utf-8")
    loaded = toolkit.loadData(text) and toolkit.getPageCount() > 0
    drawn = toolkit.getMEI().count("<note ") if loaded else 0
    written = len(re.findall("<(?:pitch|unpitched)>", text))
    yield Finding("verovio reads .musicxml", f"{drawn} of {written} notes", drawn == written >= notes)


def _asked(prompt: Prompt, midi: Any, meter: str, bars: list[int]) -> Iterator[Finding]:
    if prompt.meter:
        yield Finding("meter", meter, meter == prompt.meter)
    if prompt.bars:
        yield Finding("bars", str(sorted(set(bars))), set(bars) == {prompt.bars})
    if prompt.tempo_bpm:
        low, high = prompt.tempo_bpm[0] - TEMPO_TOLERANCE_BPM, prompt.tempo_bpm[1] + TEMPO_TOLERANCE_BPM
        tempos = sorted({tempo.qpm for tempo in midi.tempos})
        yield Finding("tempo", _listed(tempos), len(tempos) == 1 and low <= tempos[0] <= high)
    if prompt.instruments:
        programs = [DRUMS if track.is_drum else track.program for track in midi.tracks]
        yield Finding("instruments", str(programs), sorted(programs) == sorted(prompt.instruments))
    if prompt.chords:
        share = _in_chords(midi, prompt.chords.split(), meter, bars[0])
        yield Finding("chords", f"{share:.0%} on their tones", share >= LEAST_IN_CHORDS)


def _full(bars: list[list[Any]], beats: int, beat_type: int) -> Iterator[Finding]:
    """Each bar of each part is covered by notes and rests from end to end, and no voice overlaps itself."""
    length = 4 * beats / beat_type
    faults = [f"bar {bar.number}" for part in bars for bar in part if not _is_full(bar, length)]
    yield Finding("full bars", ", ".join(dict.fromkeys(faults)) or "all", not faults)


def _is_full(bar: Any, length: float) -> bool:
    reached, spans = 0.0, list[tuple[float, float]]()
    for voice in bar.voices or [bar]:
        own = sorted(
            (float(voice.offset + e.offset if voice is not bar else e.offset), float(e.quarterLength))
            for e in voice.notesAndRests
            if not e.duration.isGrace and not isinstance(e, music21.harmony.Harmony)
        )
        if any(start + span > then + 1e-6 for (start, span), (then, _) in itertools.pairwise(own)):
            return False
        spans += own
    for start, span in sorted(spans):
        if start > reached + 1e-6:
            return False
        reached = max(reached, start + span)
    return abs(reached - length) < 1e-6


def _in_scale(midi: Any, key: str) -> float:
    tonic, mode = key.split()
    start = _pitch_class(tonic) - _MAJOR_SCALE[_MODES[mode]]
    return _share(_notes(midi), {(start + step) % 12 for step in _MAJOR_SCALE})


def _in_chords(midi: Any, chords: list[str], meter: str, bars: int) -> float:
    """Mean over the bars of the share of each one's sounding duration on the tones of its chord."""
    beats, beat_type = map(int, meter.split("/"))
    length, shares = midi.ticks_per_quarter * 4 * beats / beat_type, list[float]()
    for bar in range(bars):
        inside = _notes(midi)
        starts = np.maximum(inside[:, 0], bar * length)
        inside = np.stack([starts, np.minimum(inside[:, 1], (bar + 1) * length), inside[:, 2]], axis=1)
        if len(inside := inside[inside[:, 1] > inside[:, 0]]):
            shares.append(_share(inside, _chord_tones(chords[bar % len(chords)])))
    return float(np.mean(shares))


def _chord_tones(symbol: str) -> set[int]:
    match = re.fullmatch(r"([A-G][b#]?)(.*)", symbol)
    if not match:
        raise ValueError(f"{symbol} is no chord of this benchmark")
    return {(_pitch_class(match[1]) + step) % 12 for step in _CHORDS[match[2]]}


def _pitch_class(name: str) -> int:
    return _STEPS[name[0]] + name.count("#") - name.count("b")


def _notes(midi: Any) -> NDArray[np.float64]:
    """Start tick, end tick and pitch of each note that is no drum, shape (notes, 3)."""
    rows = [(n.start, n.end, n.pitch) for track in midi.tracks if not track.is_drum for n in track.notes]
    return np.array(rows, np.float64).reshape(-1, 3)


def _share(notes: NDArray[np.float64], pitch_classes: set[int]) -> float:
    durations = notes[:, 1] - notes[:, 0]
    return float(durations[np.isin(notes[:, 2] % 12, list(pitch_classes))].sum() / max(durations.sum(), 1))


def _bars_played(midi: Any, bar_quarters: float, bars: int) -> NDArray[np.bool_]:
    """Whether each track sounds in each bar, shape (tracks, bars)."""
    played = np.zeros((max(len(midi.tracks), 1), bars), bool)
    length = midi.ticks_per_quarter * bar_quarters
    for row, track in zip(played, midi.tracks, strict=False):
        for note in track.notes:
            row[int(note.start // length) : int(max(note.end - 1, note.start) // length) + 1] = True
    return played


def _longest_run(flags: NDArray[np.bool_]) -> int:
    return max(map(len, "".join("x" if flag else " " for flag in flags).split()), default=0)


def _listed(tempos: list[float]) -> str:
    return ", ".join(f"{bpm:.2f}" for bpm in tempos) or "none"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"

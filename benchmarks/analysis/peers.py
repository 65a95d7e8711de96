"""Other ways to find chords and keys in the same notes: chorder, music21, and the template estimator of before."""

import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from truth import HARTE, harte

from partimento.analysis import estimate_chords, estimate_key
from partimento.analysis.heard import bar_lines, beats_of, chroma_of, heard
from partimento.io import save_score
from partimento.score import Score
from partimento.theory.chord import KINDS
from partimento.theory.key import Key

Floats = NDArray[np.float64]
Labelled = tuple[Floats, list[str]]
"""Begin and end of each chord in quarters, shape (chords, 2), and Harte's notation of each."""
_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_CHORDER = {
    "M": "maj", "m": "min", "o": "dim", "+": "aug", "7": "7", "M7": "maj7", "m7": "min7", "o7": "dim7", "/o7": "hdim7",
    "sus2": "sus2", "sus4": "sus4",
}  # fmt: skip


def spans(edges: Floats) -> Floats:
    """Neighbouring edges as begin and end."""
    return np.stack([edges[:-1], edges[1:]], axis=1)


def ours(per: Any) -> Callable[[Score], Labelled]:
    """`estimate_chords`, to the measure or to the beat."""

    def found(score: Score) -> Labelled:
        events = estimate_chords(score, per)
        edges = np.array([event.onset_tick for event in events] + [score.end_tick]) / score.ticks_per_quarter
        return spans(edges), [harte(event.symbol) for event in events]

    return found


def chorders(score: Score) -> Labelled:
    """chorder's Dechorder: a chord to each quarter."""
    from chorder import Dechorder
    from miditoolkit import MidiFile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.mid"
        save_score(score, path)
        found = Dechorder.dechord(MidiFile(str(path)))
    labels = ["N" if c.quality is None else f"{_NAMES[c.root_pc]}:{_CHORDER[c.quality]}" for c in found]
    return spans(np.arange(len(labels) + 1.0)), labels


def music21s(per: str) -> Callable[[Score], Labelled]:
    """music21's chordify and the chord symbol it gives to each slice, or to all that sounds in each beat.

    Notes are laid on sixteenths first, for performed notes would make thousands of slices. What it cannot name keeps
    the name before.
    """

    def found(score: Score) -> Labelled:
        from music21 import chord

        if per == "slice":
            slices = [
                (float(c.offset), c) for c in stream_of(score).chordify().flatten().getElementsByClass(chord.Chord)
            ]
        else:
            slices = [(at, chord.Chord(pitches)) for at, pitches in _by_beat(score) if pitches]
        labels: list[str] = []
        for _, each in slices:
            label = _named(tuple(sorted({p.midi for p in each.pitches})))
            labels.append(label or (labels[-1] if labels else "N"))
        edges = np.array([at for at, _ in slices] + [score.end_tick / score.ticks_per_quarter])
        keep = np.diff(edges) > 0
        return spans(edges)[keep], [label for label, kept in zip(labels, keep, strict=True) if kept]

    return found


@cache
def _named(pitches: tuple[int, ...]) -> str:
    """Harte's notation of the chord symbol that music21 gives to pitches, empty where it gives none."""
    from music21 import chord, harmony

    sounding = chord.Chord(list(pitches))
    kind = harmony.chordSymbolFigureFromChord(sounding, includeChordType=True)[1]
    return f"{_NAMES[sounding.root().pitchClass]}:{HARTE[kind]}" if kind in HARTE else ""


def _by_beat(score: Score) -> list[tuple[float, list[int]]]:
    notes, beats = heard(score).pitched, beats_of(score)
    return [
        (start, sorted(set(notes.pitch[(notes.onset < end - 0.06) & (notes.end > start + 0.06)].tolist())))
        for start, end in spans(beats.edges).tolist()
    ]


def stream_of(score: Score) -> Any:
    """The pitched notes as a music21 stream, on sixteenths."""
    from music21 import note, stream

    notes = heard(score).pitched
    whole = stream.Stream()
    for part in np.unique(notes.part).tolist():
        own, voice = notes.where(notes.part == part), stream.Part()
        onset = np.rint(own.onset * 4) / 4
        length = np.maximum(np.rint(own.length * 4) / 4, 0.25)
        for at, duration, pitch in zip(onset.tolist(), length.tolist(), own.pitch.tolist(), strict=True):
            voice.insert(at, note.Note(pitch, quarterLength=duration))
        whole.insert(0, voice)
    return whole


_TEMPLATES = ("major", "minor", "dominant", "diminished", "minor-seventh", "major-seventh", "half-diminished")
_SIMPLER = np.array([0.06, 0.05, 0.01, 0.0, 0.0, 0.0, 0.0])


def templates(per: str) -> Callable[[Score], Labelled]:
    """The best of seven templates for each measure or beat, as `estimate_chords` had it up to 0.4."""

    def found(score: Score) -> Labelled:
        edges = bar_lines(score) if per == "measure" else beats_of(score).edges
        chroma, bass = chroma_of(heard(score).pitched, edges)
        share = chroma / np.maximum(chroma.sum(axis=1, keepdims=True), 1e-9)
        names = [(root, kind) for kind in _TEMPLATES for root in range(12)]
        tones = np.zeros((len(names), 12))
        for row, (root, kind) in enumerate(names):
            tones[row, [(root + tone) % 12 for tone in KINDS[kind][0]]] = 1
        fit = share @ tones.T - 0.9 * (share @ (1 - tones).T) + np.repeat(_SIMPLER, 12)
        fit += 0.25 * (np.array([root for root, _ in names])[None] == bass[:, None])
        thirds = [(root + KINDS[kind][0][1]) % 12 for root, kind in names]
        fit -= 0.08 * (share[:, thirds] == 0)
        labels = [f"{_NAMES[names[k][0]]}:{HARTE[names[k][1]]}" for k in fit.argmax(axis=1).tolist()]
        return spans(edges), labels

    return found


CHORDS: dict[str, Callable[[Score], Labelled]] = {
    "partimento, beats": ours("beat"), "partimento, measures": ours("measure"), "templates, beats": templates("beat"),
    "templates, measures": templates("measure"), "chorder": chorders,
}  # fmt: skip
SLOW_CHORDS: dict[str, Callable[[Score], Labelled]] = {
    "music21, beats": music21s("beat"), "music21, slices": music21s("slice"),
}  # fmt: skip


# Keys


def our_key(score: Score) -> Key:
    """`estimate_key`."""
    return estimate_key(score)[0]


def music21s_key(score: Score) -> Key:
    """music21's `analyze('key')`, by Aarden's and Essen's profiles, its own choice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = stream_of(score).analyze("key")
    return Key(found.sharps, found.mode)


_MAJOR = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
_MINOR = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])


def profile_key(score: Score) -> Key:
    """The best correlation with Temperley's profiles, the last bass counting, as `estimate_key` had it up to 0.4."""
    notes = heard(score).pitched
    weight = np.bincount(notes.pitch % 12, notes.length, minlength=12)
    final = int(notes.pitch[notes.onset == notes.onset.max()].min()) % 12
    best, found = -np.inf, Key(0)
    for fifths in range(-5, 7):
        for mode, profile, offset in (("major", _MAJOR, 0), ("minor", _MINOR, 9)):
            tonic = (7 * fifths + offset) % 12
            value = float(np.corrcoef(weight, np.roll(profile, tonic))[0, 1]) + 0.15 * (tonic == final)
            if value > best:
                best, found = value, Key(fifths, mode)
    return found


KEYS: dict[str, Callable[[Score], Key]] = {"partimento": our_key, "profiles": profile_key, "music21": music21s_key}

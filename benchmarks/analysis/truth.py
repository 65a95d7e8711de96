"""Music whose chords and keys are known: POP909, lead sheets, Bach chorales with analyses by hand."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.io import load_score, load_scores
from partimento.score import MEASURE, METER, TEMPO, Score
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.key import MINOR_MODES
from partimento.theory.meter import Meter
from partimento.theory.pitch import name, parse_name

Floats = NDArray[np.float64]
CORPUS = Path(os.environ["PARTIMENTO_DATA"])
TICKS = 480
LEAD_SHEETS = ("A_openewld-leadsheets", "B_openewld-leadsheets-us-only")
_FEWEST_NOTES = 16
_MOST_APART = 1.0
"""Quarters by which an analysis may be longer or shorter than its music: files that differ are left out."""

HARTE = {
    "major": "maj", "minor": "min", "augmented": "aug", "diminished": "dim", "dominant": "7",
    "major-seventh": "maj7", "minor-seventh": "min7", "diminished-seventh": "dim7", "augmented-seventh": "aug(b7)",
    "half-diminished": "hdim7", "major-minor": "minmaj7", "major-sixth": "maj6", "minor-sixth": "min6",
    "dominant-ninth": "9", "major-ninth": "maj9", "minor-ninth": "min9", "dominant-11th": "7(11)",
    "major-11th": "maj7(11)", "minor-11th": "min7(11)", "dominant-13th": "13", "major-13th": "maj13",
    "minor-13th": "min13", "suspended-second": "sus2", "suspended-fourth": "sus4", "power": "5",
}  # fmt: skip
"""Our kinds ▶ the notation of Harte et al. (2005), which mir_eval reads."""


@dataclass(frozen=True)
class Piece:
    """Music with beats, and its chords."""

    name: str
    score: Score
    """480 ticks to a quarter."""
    spans: Floats
    """Begin and end of each chord in quarters, shape (chords, 2)."""
    labels: list[str]
    """Harte's notation."""


def harte(symbol: ChordSymbol | None) -> str:
    """A chord symbol as mir_eval reads it, inversions left out."""
    return "N" if symbol is None else f"{name(symbol.root)}:{HARTE[symbol.plain.kind]}"


def songs() -> list[Path]:
    """POP909's songs."""
    return sorted((CORPUS / "B_pop909").glob("*.mid"))


def pop909(path: Path) -> Piece:
    """A song moved onto its beats, a beat being a quarter; bars by its downbeats, chords by its chord file."""
    return pop909_with_clock(path)[0]


def pop909_with_clock(path: Path) -> tuple[Piece, Callable[[Floats], Floats]]:
    """As `pop909`, and what turns the seconds of the song's files into quarters of the score."""
    score = load_score(path)
    beats = np.loadtxt(path.with_name(f"{path.stem}.beat.txt"), ndmin=2)
    first = int(np.argmax(beats[:, 2] == 1))
    to_quarter = _clock(beats[:, 0], first)
    onset = to_quarter(score.seconds_at(score.notes["onset_tick"]))
    end = to_quarter(score.seconds_at(score.notes["onset_tick"] + score.notes["duration_tick"]))
    downbeats = np.flatnonzero(beats[:, 2] == 1) - first
    rows = [line.split() for line in path.with_name(f"{path.stem}.chord.txt").read_text().splitlines() if line.strip()]
    spans = to_quarter(np.array([[float(a), float(b)] for a, b, _ in rows]))
    lead = max(int(np.ceil(-min(onset.min(), spans.min(), 0.0) / 4)) * 4, 0)
    notes = score.notes.copy()
    notes["onset_tick"] = np.rint((onset + lead) * TICKS)
    notes["duration_tick"] = np.maximum(np.rint((end - onset) * TICKS), 1)
    lines = np.r_[np.arange(0, lead, 4), downbeats + lead, len(beats) - first + lead]
    moved = Score(
        TICKS, score.parts, notes, *_bars(np.unique(lines)), tempos=np.array([(0, _tempo(beats))], TEMPO)
    )  # fmt: skip
    piece = Piece(path.stem, moved, spans + lead, [label for _, _, label in rows])
    return piece, lambda seconds: to_quarter(seconds) + lead


def _tempo(beats: Floats) -> float:
    return float(60 / np.median(np.diff(beats[:, 0])))


def _clock(seconds: Floats, first: int):
    """Second ▶ quarters from the first downbeat, straight on beyond both ends."""
    before, after = seconds[1] - seconds[0], seconds[-1] - seconds[-2]
    times = np.r_[seconds[0] - 400 * before, seconds, seconds[-1] + 400 * after]
    index = np.r_[-400, np.arange(len(seconds)), len(seconds) + 399] - first
    return lambda at: np.interp(at, times, index)


def _bars(lines: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.void]]:
    measures = np.zeros(len(lines) - 1, MEASURE)
    measures["onset_tick"], measures["duration_tick"] = lines[:-1] * TICKS, np.diff(lines) * TICKS
    rows = [(onset, length // TICKS, 4) for onset, length in measures.tolist()]
    meters = [row for index, row in enumerate(rows) if not index or row[1] != rows[index - 1][1]]
    return measures, np.array(meters, METER)


def lead_sheets(folder: str) -> Iterator[Piece]:
    """Lead sheets with their chord symbols, which are taken out of the score."""
    for path in sorted((CORPUS / folder).glob("*.mxl")):
        score = load_score(path)
        chords = score.chords
        if not chords or not len(score.measures):
            continue
        edges = np.r_[[event.onset_tick for event in chords], score.end_tick] / score.ticks_per_quarter
        spans = np.stack([edges[:-1], np.maximum(edges[1:], edges[:-1])], axis=1)
        keep = spans[:, 1] > spans[:, 0]
        labels = [harte(event.symbol) for event in chords]
        yield Piece(
            path.stem, replace(score, chords=()), spans[keep], [x for x, k in zip(labels, keep, strict=True) if k]
        )


def analysed() -> Iterator[Piece]:
    """Bach chorales and Monteverdi madrigals of music21's corpus whose harmony people wrote down in Roman numerals."""
    import music21
    from music21 import converter

    folder = Path(music21.__file__).parent / "corpus"
    for path in sorted([*folder.glob("bach/choraleAnalyses/*.rntxt"), *folder.glob("monteverdi/*.rntxt")]):
        found = re.search(r"BWV:\s*(\S+)", path.read_text(encoding="utf-8", errors="replace"))
        music = folder / "bach" / f"bwv{found[1]}.mxl" if found else path.with_suffix(".mxl")
        if not music.exists():
            continue
        score = load_score(music)
        piece = _roman(path.stem, score, converter.parse(path, format="romanText"))
        if abs(piece.spans[-1, 1] - score.end_tick / score.ticks_per_quarter) <= _MOST_APART:
            yield piece


def _roman(title: str, score: Score, analysis: Any) -> Piece:
    from music21 import roman

    numerals = list(analysis.recurse().getElementsByClass(roman.RomanNumeral))
    onsets = [float(numeral.getOffsetInHierarchy(analysis)) for numeral in numerals]
    ends = [*onsets[1:], onsets[-1] + float(numerals[-1].duration.quarterLength)]
    rows = [(a, b, _label(n)) for a, b, n in zip(onsets, ends, numerals, strict=True) if b > a]
    return Piece(title, score, np.array([row[:2] for row in rows]), [row[2] for row in rows])


def _label(numeral: Any) -> str:
    """Harte's notation of a Roman numeral by the tones it stands for; X where it is none of the usual chords."""
    root = numeral.root()
    tones = {(p.pitchClass - root.pitchClass) % 12 for p in numeral.pitches}
    kind = next((kind for kind, (own, _) in KINDS.items() if set(own) == tones), None)
    return "X" if kind is None else f"{root.name.replace('-', 'b')}:{HARTE[kind]}"


@dataclass(frozen=True)
class Keyed:
    """Music whose key is known."""

    source: str
    path: Path
    score: Score
    fifths: int
    is_minor: bool | None
    """None where only the signature is known."""
    local: tuple[tuple[float, float, int, bool], ...] = ()
    """POP909: quarters from, to, signature, whether minor."""


KEYED = {
    "B_pop909": 1, "A_openscore-lieder": 4, "A_openscore-string-quartets": 1, "B_bach-chorales-music21": 1,
    "A_openhymnal-abc": 1, "B_folk-abc-music21": 6, "A_openewld-leadsheets": 1,
}  # fmt: skip
"""Folder ▶ every n-th of its files is taken."""
_MODELESS = ("B_bach-chorales-music21",)
"""Their files call most chorales major, the minor ones too."""


def keyed(half: int) -> Iterator[Keyed]:
    """Music of every folder with known keys, even (0) or odd (1) places of the sample."""
    for path in songs()[half::2]:
        yield song_in_key(path)
    for folder, step in KEYED.items():
        paths = [path for path in sorted((CORPUS / folder).iterdir()) if path.suffix in (".mxl", ".abc")]
        for path in paths[::step][half::2]:
            score = load_scores(path)[0]
            key = score.key_at(0)
            if key is None or len(score.notes) < _FEWEST_NOTES:
                continue
            mode = None if folder in _MODELESS else key.mode
            yield Keyed(folder, path, score, key.fifths, None if mode is None else mode in MINOR_MODES)


def song_in_key(path: Path) -> Keyed:
    """A song with the keys of its file; that of the piece is the one in force longest."""
    rows = [line.split() for line in path.with_name(f"{path.stem}.key.txt").read_text().splitlines() if line.strip()]
    lengths: defaultdict[tuple[int, bool], float] = defaultdict(float)
    piece, clock = pop909_with_clock(path)
    local: list[tuple[float, float, int, bool]] = []
    for start, end, label in rows:
        tonic, mode = label.split(":")
        is_minor = mode == "min"
        fifths = (7 * (7 * parse_name(tonic) - 9 * is_minor) + 5) % 12 - 5
        lengths[fifths, is_minor] += float(end) - float(start)
        local.append((*clock(np.array([float(start), float(end)])).tolist(), fifths, is_minor))
    fifths, is_minor = max(lengths, key=lambda key: lengths[key])
    return Keyed("B_pop909", path, piece.score, fifths, is_minor, tuple(local))


METERED = {
    "B_pop909": 8, "A_openscore-lieder": 4, "A_openscore-string-quartets": 1, "B_bach-chorales-music21": 1,
    "A_openhymnal-abc": 1, "B_folk-abc-music21": 6, "A_openewld-leadsheets": 1,
}  # fmt: skip


def metered(half: int) -> Iterator[tuple[str, Score, Meter]]:
    """Music in one meter, its folder and that meter, even (0) or odd (1) places of the sample."""
    for path in songs()[half :: 2 * METERED["B_pop909"]]:
        yield from _in_one_meter("B_pop909", pop909(path).score)
    for folder, step in list(METERED.items())[1:]:
        paths = [path for path in sorted((CORPUS / folder).iterdir()) if path.suffix in (".mxl", ".abc")]
        for path in paths[::step][half::2]:
            yield from _in_one_meter(folder, load_scores(path)[0])


def _in_one_meter(folder: str, score: Score) -> Iterator[tuple[str, Score, Meter]]:
    meters = {Meter(*row) for row in score.meters[["beats", "beat_type"]].tolist()}
    if len(meters) == 1 and len(score.notes) >= _FEWEST_NOTES:
        yield folder, score, meters.pop()


WITH_MELODY = ("B_pop909", "A_openscore-lieder", "A_openscore-string-quartets")


def with_melody_first(half: int, folders: tuple[str, ...] = WITH_MELODY) -> Iterator[Score]:
    """Songs, lieder and quartets, whose first part is the melody: MELODY, the voice, the first violin."""
    if "B_pop909" in folders:
        yield from (pop909(path).score for path in songs()[half::8])
    if "A_openscore-lieder" in folders:
        yield from map(load_score, sorted((CORPUS / "A_openscore-lieder").glob("*.mxl"))[half::24])
    if "A_openscore-string-quartets" in folders:
        quartets = map(load_score, sorted((CORPUS / "A_openscore-string-quartets").glob("*.mxl"))[half::4])
        yield from (score for score in quartets if len(score.parts) == 4)

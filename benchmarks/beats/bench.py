"""How well are beats and bars heard in music that was played without a metronome?

    PARTIMENTO_DATA=FOLDER python benchmarks/beats/bench.py [--step 24] [--songs 60]

Truth: scores of the corpus played with rubato of stated size, POP909's beat files, the Vienna 4x22 performances.
Measures as in mir_eval: F-measure (70 ms), CMLt and AMLt. Peers on the same notes: partitura's `estimate_time`
(Dixon 2001) and pretty_midi's `estimate_beat_start` with `estimate_tempo`. Writes `results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import pretty_midi
import vienna
from numpy.typing import NDArray
from truth import MANNERS, Performance, played, pop909

from partimento.errors import PartimentoError
from partimento.io import load_score
from partimento.notation.beats import estimate_beats
from partimento.score import Score

HERE = Path(__file__).parent
Floats = NDArray[np.float64]
FOLDERS = ("A_openscore-lieder", "A_openscore-string-quartets")
_HELD_OUT = 7
"""First file of the sample: the parameters were set on other files (see fit.py and README.md)."""
_FEWEST_NOTES, _MOST_NOTES = 50, 3000
"""Shorter pieces are left out, longer ones cut."""


@dataclass(frozen=True)
class Heard:
    """What a tracker says."""

    beats: Floats
    downbeats: Floats
    meter: str = ""


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=24, help="every n-th file of lieder and quartets")
    parser.add_argument("--songs", type=int, default=60, help="songs of POP909")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    results: dict[str, Any] = {"machine": machine()}
    for name, manner in MANNERS.items():
        pieces = (played(s, manner, seed, n) for seed, (n, s) in enumerate(scores(corpus, options.step)))
        results[f"scores played, rubato and onset noise {name}"] = measure(pieces)
    songs = sorted((corpus / "B_pop909").glob("*.mid"))
    results["POP909"] = measure(pop909(path) for path in songs[:: max(len(songs) // options.songs, 1)][: options.songs])
    results["Vienna 4x22"] = {opening.name: excerpt(corpus, opening) for opening in vienna.OPENINGS}
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=True
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
        "processor": platform.machine(), "cores": os.cpu_count(),
        **{name: version(name) for name in ("mir_eval", "partitura", "pretty_midi")},
    }  # fmt: skip


def scores(corpus: Path, step: int) -> Iterator[tuple[str, Score]]:
    """Every n-th piece with bars and notes."""
    for folder in FOLDERS:
        for path in sorted((corpus / folder).glob("*.mxl"))[_HELD_OUT::step]:
            try:
                score = load_score(path)
            except PartimentoError:
                continue
            if len(score.meters) and score.meters["onset_tick"][0] == 0 and len(score.notes) >= _FEWEST_NOTES:
                yield path.stem, score.with_notes(score.notes[:_MOST_NOTES])


# Trackers


def ours(score: Score) -> Heard:
    """`estimate_beats`, read off the score it makes."""
    barred = estimate_beats(score)
    lead = float(score.seconds_at(score.notes["onset_tick"].min()))
    last = float(score.seconds_at(score.notes["onset_tick"].max()))
    beats: list[int] = []
    for start, length in barred.measures.tolist():
        beat = int(barred.meter_at(start).beat_quarter * barred.ticks_per_quarter)
        beats += range(start + length - beat, start - 1, -beat)
    downbeats = barred.measures["onset_tick"][int(barred.has_pickup) :]
    beat_s, downbeat_s = (np.sort(barred.seconds_at(ticks) + lead) for ticks in (np.array(beats), downbeats))
    meter = barred.meter_at(int(barred.measures["onset_tick"][-1]))
    return Heard(beat_s[beat_s < last + 0.07], downbeat_s[downbeat_s < last + 0.07], str(meter))


def partituras(score: Score) -> Heard:
    """partitura's multiple agents after Dixon (2001)."""
    sys.modules["fluidsynth"] = None  # type: ignore[assignment]  # else partitura fetches a soundfont on import
    from partitura.musicanalysis import estimate_time

    onsets = np.sort(score.seconds_at(score.notes["onset_tick"]))
    notes = np.zeros(len(onsets), [("onset_sec", "f8"), ("duration_sec", "f8"), ("pitch", "i4"), ("velocity", "i4")])
    notes["onset_sec"] = onsets
    return Heard(np.array(estimate_time(notes)["beats"], np.float64)[:, 0], np.empty(0))


def pretty_midis(score: Score) -> Heard:
    """pretty_midi's first beat, and beats from there on in its one tempo."""
    instrument = pretty_midi.Instrument(0)
    onsets = score.seconds_at(score.notes["onset_tick"])
    releases = score.seconds_at(score.notes["onset_tick"] + score.notes["duration_tick"])
    rows = zip(onsets.tolist(), releases.tolist(), score.notes["pitch"].tolist(), strict=True)
    instrument.notes = [pretty_midi.Note(64, pitch, onset, release) for onset, release, pitch in rows]
    music = pretty_midi.PrettyMIDI()
    music.instruments.append(instrument)
    return Heard(np.arange(music.estimate_beat_start(), onsets.max(), 60 / music.estimate_tempo()), np.empty(0))


TRACKERS: dict[str, Callable[[Score], Heard]] = {
    "partimento": ours, "partitura": partituras, "pretty_midi": pretty_midis,
}  # fmt: skip


# Measures


def measure(performances: Iterator[Performance]) -> dict[str, Any]:
    """Means over performances, for every tracker."""
    found: defaultdict[str, list[dict[str, float]]] = defaultdict(list)
    seconds, music_s = dict.fromkeys(TRACKERS, 0.0), 0.0
    for performance in performances:
        music_s += float(performance.score.seconds_at(performance.score.end_tick))
        for name, tracker in TRACKERS.items():
            start = time.process_time()
            try:
                heard = tracker(performance.score)
            except (IndexError, ValueError, ZeroDivisionError):  # a peer that gives up has heard nothing
                heard = Heard(np.empty(0), np.empty(0))
            seconds[name] += time.process_time() - start
            found[name].append(judge(heard, performance))
    rows = {name: {key: _mean([row[key] for row in rows]) for key in rows[0]} for name, rows in found.items()}
    for name in set(rows) - {"partimento"}:
        del rows[name]["downbeat F"]  # they find none
    return {
        "performances": len(found["partimento"]), **rows,
        "real time": {name: round(music_s / s) for name, s in seconds.items()},
    }  # fmt: skip


def judge(heard: Heard, truth: Performance) -> dict[str, float]:
    """mir_eval's measures; its custom of leaving out the first five seconds is kept."""
    trim = mir_eval.beat.trim_beats
    beats, estimated = trim(truth.beats), trim(heard.beats)
    _, cmlt, _, amlt = mir_eval.beat.continuity(beats, estimated)
    return {
        "F": mir_eval.beat.f_measure(beats, estimated), "CMLt": cmlt, "AMLt": amlt,
        "downbeat F": mir_eval.beat.f_measure(trim(truth.downbeats), trim(heard.downbeats)),
    }  # fmt: skip


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 3)


def excerpt(corpus: Path, opening: vienna.Opening) -> dict[str, Any]:
    """Beats in the opening against the score, and all beats against those of the other pianists."""
    played = [load_score(path) for path in vienna.files(corpus, opening.name)]
    result: dict[str, Any] = {"performances": len(played)}
    for name, tracker in TRACKERS.items():
        heard = [tracker(score) for score in played]
        rows = [_in_opening(score, h, opening) for score, h in zip(played, heard, strict=True)]
        found = [row for row in rows if row is not None]
        row: dict[str, Any] = {"openings": len(found)} | {key: _mean([r[key] for r in found]) for key in found[0]}
        row["agreement on beats"] = round(vienna.agreement(_pairs(played, [h.beats for h in heard])), 3)
        if name == "partimento":
            row["agreement on downbeats"] = round(vienna.agreement(_pairs(played, [h.downbeats for h in heard])), 3)
            row["meters"] = dict(Counter(h.meter for h in heard))
        else:
            del row["downbeat F"]
        result[name] = row
    return result


def _pairs(played: list[Score], beats: list[Floats]) -> list[tuple[Score, Floats]]:
    return list(zip(played, beats, strict=True))


def _in_opening(score: Score, heard: Heard, opening: vienna.Opening) -> dict[str, float] | None:
    truth = vienna.opening_beats(score, opening)
    if truth is None:
        return None
    beats, downbeats = truth
    low, high = beats[0] - 0.07, beats[-1] + 0.07
    inside = [x[(x > low) & (x < high)] for x in (heard.beats, heard.downbeats)]
    _, cmlt, _, amlt = mir_eval.beat.continuity(beats, inside[0])
    return {
        "F": mir_eval.beat.f_measure(beats, inside[0]), "CMLt": cmlt, "AMLt": amlt,
        "downbeat F": mir_eval.beat.f_measure(downbeats, inside[1]),
    }  # fmt: skip


if __name__ == "__main__":
    main()

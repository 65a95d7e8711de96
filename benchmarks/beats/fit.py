"""Where the numbers of `partimento.notation.beats` come from.

    PARTIMENTO_DATA=FOLDER python benchmarks/beats/fit.py places|salience|bars|three|model [--seconds 400]

`places`: how often a stroke in one place of a beat follows one in another (tracking.SIMPLE, COMPOUND).
`salience`: what tells strokes on the beat from others (events._WEIGHTS; loudness is set by hand, scores do not say it).
`bars`: what tells downbeats from other beats (bars.WEIGHTS), by multinomial logistic regression.
`three`: from which length on a beat of three is a bar of 3/4 (_SLOWEST_COMPOUND_S).
`model`: random search over tracking.Model, which took about 12 minutes over some forty steps.

All is fitted on songs and quartets of tier A, three files of four, and `model` also on 15 songs of POP909; none of
them is among the files that `bench.py` measures. Results are printed. The numbers in the modules were found so on a
first, smaller sample (the table of places on one file in five, of which bench.py measures a few) and kept, for those
of a second sample, up to a third apart, were no better.
"""

import argparse
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from truth import MANNERS, Performance, felt_beat, played, pop909

from partimento.io import load_score
from partimento.notation.beats import bars, beat_seconds
from partimento.notation.beats.events import stroke_features, strokes_of
from partimento.notation.beats.tracking import PLACES, STEPS, Model, track
from partimento.score import Score

Floats = NDArray[np.float64]
CORPUS = Path(os.environ["PARTIMENTO_DATA"])
_SLACK_BEATS = 0.15


def scores(step: int) -> Iterator[Score]:
    """Songs and quartets, those left out that bench.py may measure."""
    for folder in ("A_openscore-lieder", "A_openscore-string-quartets"):
        paths = [path for index, path in enumerate(sorted((CORPUS / folder).glob("*.mxl"))) if index % 4 != 3]
        for path in paths[::step]:
            score = load_score(path)
            if len(score.meters) and score.meters["onset_tick"][0] == 0 and len(score.notes) >= 50:
                yield score.with_notes(score.notes[:3000])


def places() -> None:
    """Counts of transitions, a piece weighing with the root of its length."""
    counts = {name: np.zeros((len(PLACES), len(PLACES))) for name in ("simple", "compound")}
    for score in scores(8):
        if len(score.meters) > 1:
            continue
        name, found = _places_of(score)
        known = found[np.isin(found % STEPS, PLACES)]
        index = np.searchsorted(PLACES, known % STEPS)
        piece = np.zeros_like(counts[name])
        np.add.at(piece, (index[:-1], index[1:]), 1.0)
        counts[name] += piece / np.sqrt(max(piece.sum(), 1))
    for name, count in counts.items():
        smooth = count + 0.002 * count.sum(axis=1, keepdims=True) + 0.1
        print(name, np.rint(1000 * smooth / smooth.sum(axis=1, keepdims=True)).astype(int).tolist(), sep="\n")


def _places_of(score: Score) -> tuple[str, NDArray[np.int64]]:
    """Division of the meter, and places of the strokes."""
    meter = score.meter_at(int(score.measures["onset_tick"][-1]))
    beat = float(felt_beat(meter)) * score.ticks_per_quarter
    notes = score.sounding().notes
    onsets = np.unique(notes["onset_tick"][notes["grace"] == 0])
    start = score.measures["onset_tick"][score.measure_at(onsets)]
    in_bar = (onsets - start) * STEPS / beat
    at = np.rint(in_bar)[np.abs(in_bar - np.rint(in_bar)) < 0.05].astype(np.int64)
    return "compound" if meter.is_compound or str(meter) == "3/8" else "simple", at


def salience() -> None:
    """Logistic regression of standing on a beat."""
    rows, labels = [], []
    for seed, score in enumerate(scores(12)):
        performance = played(score, list(MANNERS.values())[seed % 2], seed)
        strokes = strokes_of(performance.score)
        features = stroke_features(performance.score, strokes.of_note, strokes.seconds)
        rows.append(np.delete(features, 4, axis=1))
        labels.append(np.abs(strokes.seconds[:, None] - performance.beats).min(axis=1) < 0.05)
    x, y = np.concatenate(rows), np.concatenate(labels).astype(np.int64)
    weights = _regressed(x, np.eye(2)[y], 1e-4, np.ones(len(y)))
    print("fullness, length, depth, bass, time to the next:", (2 * weights[1]).round(2).tolist())


def downbeat_weights() -> None:
    """Classes by features; without a bias, for prior odds are the meters' business."""
    rows, labels, weights = [], [], []
    for seed, score in enumerate(scores(8)):
        meter = score.meter_at(int(score.measures["onset_tick"][-1]))
        per_bar = round(float(meter.duration_quarter / felt_beat(meter)))
        if per_bar < 2 or len(score.meters) > 1:
            continue
        performance = played(score, list(MANNERS.values())[seed % 2], seed)
        features = bars.features(_beat_notes(performance))
        rows.append(features)
        labels.append(_classes(performance, per_bar)[: len(features)])
        weights.append(np.full(len(features), len(features) ** -0.5))
    one_hot = np.eye(3)[np.concatenate(labels)]
    print(_regressed(np.concatenate(rows), one_hot, 1e-3, np.concatenate(weights)).round(2).tolist())


def _beat_notes(performance: Performance) -> bars.BeatNotes:
    score, notes = performance.score, performance.score.notes
    onsets, releases = (
        score.seconds_at(t) for t in (notes["onset_tick"], notes["onset_tick"] + notes["duration_tick"])
    )
    place = np.interp(onsets, performance.beats, np.arange(len(performance.beats)))
    beat = np.floor(place + _SLACK_BEATS).astype(np.int64)
    length = (releases - onsets) / np.gradient(performance.beats)[np.minimum(beat, len(performance.beats) - 1)]
    pitch, velocity = notes["pitch"].astype(np.int64), notes["velocity"].astype(np.float64)
    return bars.BeatNotes(beat, np.abs(place - beat) < _SLACK_BEATS, length, pitch, velocity)


def _classes(performance: Performance, per_bar: int) -> NDArray[np.int64]:
    classes = np.full(len(performance.beats), bars.WEAK)
    first = np.searchsorted(performance.beats, performance.downbeats - 1e-6)
    middle = first + 2
    if per_bar == 4:
        classes[middle[middle < len(classes)]] = bars.MIDDLE
    classes[first] = bars.DOWN
    return classes


def _regressed(x: Floats, one_hot: Floats, penalty: float, weight: Floats) -> Floats:
    """Weights, classes by features, of a multinomial logistic regression with bias, centred over the classes."""
    classes, features = one_hot.shape[1], x.shape[1]
    share = (weight / weight.sum())[:, None]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(classes, features + 1)
        logits = x @ weights[:, :-1].T + weights[:, -1]
        logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        gradient = ((np.exp(logs) - one_hot) * share).T @ np.c_[x, np.ones(len(x))]
        gradient[:, :-1] += 2 * penalty * weights[:, :-1]
        return float(-(share * logs * one_hot).sum() + penalty * (weights[:, :-1] ** 2).sum()), gradient.ravel()

    weights = minimize(loss, np.zeros(classes * (features + 1)), jac=True).x.reshape(classes, features + 1)
    return (weights - weights.mean(axis=0))[:, :-1]


def three() -> None:
    """The length at which a bar of 3/4 and a beat of 6/8, 9/8 or 12/8 are equally likely."""
    rows: list[tuple[float, bool]] = []
    for score in scores(1):
        meter = score.meter_at(int(score.measures["onset_tick"][-1]))
        if len(score.tempos) and (str(meter) == "3/4" or meter.is_compound):
            starts = score.seconds_at(score.measures["onset_tick"])
            parts = 1 if str(meter) == "3/4" else meter.beats // 3
            rows.append((float(np.median(np.diff(starts))) / parts, str(meter) == "3/4"))
    lengths, is_three = np.log([x for x, _ in rows]), np.array([y for _, y in rows])
    cuts = np.quantile(lengths, np.linspace(0.05, 0.95, 91))
    right = [np.mean((lengths > cut) == is_three) for cut in cuts]
    print(f"{len(rows)} pieces: {np.exp(cuts[int(np.argmax(right))]):.2f} s, {max(right):.0%} right")


def search(seconds: float) -> None:
    """Random steps that are kept where F + (CMLt + AMLt) / 2 rises."""
    songs = sorted((CORPUS / "B_pop909").glob("*.mid"))[7::60]
    pieces = [played(s, list(MANNERS.values())[n % 3], n) for n, s in enumerate(scores(18))] + [*map(pop909, songs)]
    cut = [_first(piece, 45.0) for piece in pieces]
    best, rng = Model(), random.Random(1)
    value, start = _value(best, cut), time.monotonic()
    while time.monotonic() - start < seconds:
        names = rng.sample(list(Model.__dataclass_fields__), rng.choice([1, 1, 2]))
        step = replace(best, **{name: getattr(best, name) * np.exp(rng.gauss(0, 0.35)) for name in names})
        if (reached := _value(step, cut)) > value:
            best, value = step, reached
            print(round(value, 4), best, flush=True)


def _first(performance: Performance, seconds: float) -> Performance:
    onsets = performance.score.seconds_at(performance.score.notes["onset_tick"])
    end = onsets.min() + seconds
    beats, downbeats = (times[times < end] for times in (performance.beats, performance.downbeats))
    score = performance.score.with_notes(performance.score.notes[onsets < end])
    return replace(performance, score=score, beats=beats, downbeats=downbeats)


def _value(model: Model, pieces: list[Performance]) -> float:
    values: list[float] = []
    for piece in pieces:
        strokes = strokes_of(piece.score)
        found = track(strokes, model).places
        heard = beat_seconds(strokes, found - found[0] // STEPS * STEPS)
        _, cmlt, _, amlt = mir_eval.beat.continuity(piece.beats, heard)
        values.append(mir_eval.beat.f_measure(piece.beats, heard) + (cmlt + amlt) / 2)
    return float(np.mean(values))


def main() -> None:
    """Fit what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    jobs: dict[str, Callable[[], None]] = {
        "places": places, "salience": salience, "bars": downbeat_weights, "three": three,
        "model": lambda: search(options.seconds),
    }  # fmt: skip
    parser.add_argument("what", choices=jobs)
    parser.add_argument("--seconds", type=float, default=400, help="how long to search")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    jobs[options.what]()


if __name__ == "__main__":
    main()

"""Where the numbers of `partimento.analysis` come from.

    PARTIMENTO_DATA=FOLDER python benchmarks/analysis/fit.py chords|costs|keys|changes|meters|roles

`chords`: weights of `chord_weights`, by multinomial logistic regression on beats of every second POP909 song and of
every second analysed chorale and madrigal, on every second lead sheet's melody, and on each chord by itself.
`keys`, `meters`: likewise, on every second piece of the sources in `truth.py`.
`changes`: what a change of key costs, on every second song that changes it.
`roles`: what tells the melody of songs, lieder and quartets, which is their first part.
`costs`: what a change of chord and a tone outside the key cost, by search on the same pieces.

All is fitted on one half (even places); `bench.py` measures the other. Results are printed as the modules have them.
"""

import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from truth import (
    LEAD_SHEETS,
    Keyed,
    Piece,
    analysed,
    keyed,
    lead_sheets,
    metered,
    pop909,
    song_in_key,
    songs,
    with_melody_first,
)

from partimento.analysis import chords, key, meter, parts
from partimento.analysis.chord_weights import KINDS
from partimento.analysis.heard import Beats, beats_of, chroma_of, heard
from partimento.analysis.meter_weights import METERS
from partimento.theory import chord as theory
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import Key
from partimento.theory.meter import Meter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = tuple[Floats, Ints, Ints]
"""Chroma, bass and true chord of some beats."""
_ALIAS = {"sus4(b7)": "suspended-fourth", "min6": "minor", "minmaj7": "minor", "5": "major"}
_HARTE = {
    "maj": "major", "min": "minor", "7": "dominant", "maj7": "major-seventh", "min7": "minor-seventh",
    "dim": "diminished", "hdim7": "half-diminished", "dim7": "diminished-seventh", "aug": "augmented",
    "sus4": "suspended-fourth", "sus2": "suspended-second", "maj6": "major-sixth",
}  # fmt: skip
_MOST_BEATS, _RIDGE = 20_000, 1e-4
_SHARES = {"songs": 0.4, "classical": 0.2, "melodies": 0.15, "textbook": 0.25}
"""How much the sets weigh."""
_SELDOM, _RARE = ("augmented", "suspended-fourth", "suspended-second", "major-sixth"), 0.3
_ROOT_POSITION = (
    "diminished-seventh", "augmented", "suspended-fourth", "suspended-second", "major-sixth", "minor-seventh",
    "half-diminished",
)  # fmt: skip


def main() -> None:
    """Fit what is asked for."""
    {
        "chords": fit_chords,
        "costs": fit_costs,
        "keys": fit_keys,
        "meters": fit_meters,
        "changes": fit_changes,
        "roles": fit_roles,
    }[sys.argv[1]]()


def pieces() -> Iterator[tuple[str, Piece, Beats, Ints]]:
    """The set a piece is of, the piece, its beats, and the true chord of each (−1: none of ours)."""
    sets = {
        "songs": map(pop909, songs()[::4]),
        "classical": itertools.islice(analysed(), 0, None, 2),
        "melodies": itertools.chain(*(itertools.islice(lead_sheets(folder), 0, None, 2) for folder in LEAD_SHEETS)),
    }
    for name, members in sets.items():
        for piece in members:
            beats = beats_of(piece.score)
            yield name, piece, beats, truth_at(piece, beats)


def truth_at(piece: Piece, beats: Beats) -> Ints:
    """12 · kind + root in the middle of each beat."""
    middle = (beats.edges[1:] + beats.edges[:-1]) / 2
    codes = np.array([code(label) for label in piece.labels])
    index = np.maximum(np.searchsorted(piece.spans[:, 0], middle, "right") - 1, 0)
    inside = (piece.spans[index, 0] <= middle) & (piece.spans[index, 1] > middle)
    return np.where(inside, codes[index], -1)


def code(label: str) -> int:
    """12 · kind + root of a chord in Harte's notation, −1 for none of ours."""
    root, _, quality = label.split("/")[0].partition(":")
    kind = _ALIAS.get(quality, _HARTE.get(quality or "maj"))
    return -1 if kind is None or root in ("N", "X") else 12 * KINDS.index(kind) + 7 * ChordSymbol.parse(root).root % 12


def fit_chords() -> None:
    """Print WEIGHTS of chords."""
    rows: defaultdict[str, list[Rows]] = defaultdict(list)
    for name, piece, beats, truth in pieces():
        chroma, bass = chroma_of(heard(piece.score).pitched, beats.edges)
        known = (truth >= 0) & (chroma.sum(axis=1) > 0)
        rows[name].append((chroma[known], bass[known], truth[known]))
    rows["textbook"].append(_textbook())
    x, y, weight = zip(*(_sample(rows[name], name) for name in _SHARES), strict=True)
    weights = _regression(np.concatenate(x), np.concatenate(y), np.concatenate(weight))
    for kind, row in zip(KINDS, weights.T, strict=True):
        _show(kind, row)


def _sample(rows: list[Rows], name: str) -> tuple[Floats, Ints, Floats]:
    """Features, chords and weights of a set's beats, some of them where there are many."""
    chroma = np.concatenate([row[0] for row in rows])
    bass, truth = (np.concatenate([row[i] for row in rows]).astype(np.int64) for i in (1, 2))
    some = np.random.default_rng(0).permutation(len(truth))[:_MOST_BEATS]
    weight = np.ones(len(some)) if name != "textbook" else _textbook_weights(truth[some] // 12)
    return chords.features(chroma[some], bass[some]), truth[some], _SHARES[name] * weight / weight.sum()


def _textbook_weights(kind: Ints) -> Floats:
    """Each kind as much as any other, the rare ones less."""
    rarity = np.array([_RARE if name in _SELDOM else 1.0 for name in KINDS])
    return (rarity / np.bincount(kind))[kind]


def _show(name: str, row: Floats) -> None:
    print(f"    # {name}\n    ({', '.join(f'{value:.1f}' for value in row)}),")


def _textbook() -> Rows:
    """Every chord as a chord: its tones equally long, the bass doubled or not, inversions where they leave no doubt."""
    rows: list[tuple[Floats, int, int]] = []
    for kind, root, doubled in itertools.product(range(len(KINDS)), range(12), (0.0, 0.5, 1.0)):
        tones = [(root + tone) % 12 for tone in theory.KINDS[KINDS[kind]][0]]
        for bass in tones[: 1 if KINDS[kind] in _ROOT_POSITION else None]:
            chroma = np.zeros(12)
            chroma[tones] = 1
            chroma[bass] += doubled
            rows.append((chroma, bass, 12 * kind + root))
    chroma, bass, truth = zip(*rows, strict=True)
    return np.array(chroma), np.array(bass), np.array(truth)


def _regression(x: Floats, y: Ints, weight: Floats) -> Floats:
    """Weights (features + 1, kinds) of the softmax over 12 · kinds chords, x having shape (beats, 12, features)."""
    beats, _, size = x.shape
    flat = np.concatenate([x, np.ones((beats, 12, 1), np.float32)], axis=2).reshape(-1, size + 1)
    column = (y % 12) * len(KINDS) + y // 12

    def loss(theta: Floats) -> tuple[float, Floats]:
        odds = (flat @ theta.reshape(size + 1, -1).astype(np.float32)).reshape(beats, -1)
        odds -= odds.max(axis=1, keepdims=True)
        likely = np.exp(odds)
        likely /= likely.sum(axis=1, keepdims=True)
        value = -float(weight @ np.log(likely[np.arange(beats), column] + 1e-30))
        likely[np.arange(beats), column] -= 1
        slope = flat.T @ (likely * weight[:, None].astype(np.float32)).reshape(-1, len(KINDS))
        return value + _RIDGE / 2 * float(theta @ theta), slope.ravel().astype(np.float64) + _RIDGE * theta

    start = np.zeros((size + 1) * len(KINDS))
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100}).x.reshape(size + 1, -1)


def fit_costs() -> None:
    """Print how many beats of each set are right at various costs."""
    found = list(pieces())
    for costs in itertools.product((0.3, 0.7, 1.2), (0.7, 1.5, 2.2), (1.5, 2.5, 3.5), (0.4, 0.8, 1.2)):
        chords.BARLINE_COST, chords.HALF_COST, chords.BEAT_COST, chords.OUTSIDE_COST = costs
        right: defaultdict[str, list[bool]] = defaultdict(list)
        for name, piece, beats, truth in found:
            path = chords.chord_path(heard(piece.score).pitched, beats, "beat")
            right[name] += (path == truth)[truth >= 0].tolist()
        print(costs, {name: round(float(np.mean(rows)), 4) for name, rows in right.items()})


def fit_keys() -> None:
    """Print WEIGHTS of keys: signatures without a mode count for either of its two keys."""
    x: list[Floats] = []
    goals: list[tuple[int, int]] = []
    folders: list[str] = []
    for piece in keyed(0):
        x.append(key.features(heard(piece.score).pitched))
        majors, minors = 7 * piece.fifths % 12, 12 + (7 * piece.fifths + 9) % 12
        goals.append((minors if piece.is_minor else majors, majors if piece.is_minor is False else minors))
        folders.append(piece.source)
    weight = np.array([Counter(folders)[folder] ** -0.5 for folder in folders])
    weights = _either(np.stack(x), np.array(goals), weight / weight.sum())
    for mode, row in zip(("major", "minor"), weights.T, strict=True):
        _show(mode, row)


def _either(x: Floats, goals: Ints, weight: Floats) -> Floats:
    """Weights (features + 1, 2) of the softmax over 24 keys in which either goal, shape (pieces, 2), is right."""
    pieces, _, size = x.shape
    flat = np.concatenate([x, np.ones((pieces, 12, 1))], axis=2).reshape(-1, size + 1)
    row = np.arange(pieces)
    is_goal = np.zeros((pieces, 24))
    is_goal[row, goals[:, 0]] = is_goal[row, goals[:, 1]] = 1

    def loss(theta: Floats) -> tuple[float, Floats]:
        odds = (flat @ theta.reshape(size + 1, 2)).reshape(pieces, 12, 2).transpose(0, 2, 1).reshape(pieces, 24)
        odds -= odds.max(axis=1, keepdims=True)
        likely = np.exp(odds)
        likely /= likely.sum(axis=1, keepdims=True)
        right = (likely * is_goal).sum(axis=1)
        slope = (likely - likely * is_goal / right[:, None]) * weight[:, None]
        slope = flat.T @ slope.reshape(pieces, 2, 12).transpose(0, 2, 1).reshape(-1, 2)
        return -float(weight @ np.log(right)) + _RIDGE / 2 * float(theta @ theta), slope.ravel() + _RIDGE * theta

    start = np.zeros((size + 1) * 2)
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x.reshape(size + 1, 2)


def fit_meters() -> None:
    """Print WEIGHTS of meters."""
    rows = [(folder, meter.features(heard(score)), class_of(stated)) for folder, score, stated in metered(0)]
    rows = [row for row in rows if row[2] is not None]
    counts = Counter((folder, goal) for folder, _, goal in rows)
    weight = np.array([counts[folder, goal] ** -0.5 for folder, _, goal in rows])
    x = np.stack([row[1] for row in rows])
    y = np.array([row[2] for row in rows])
    for name, row in zip(METERS, _softmax(x, y, weight / weight.sum()), strict=True):
        _show("{}/{}".format(*name), row)


def class_of(stated: Meter) -> int | None:
    """Index into METERS of what sounds like a meter, None where it is none of them."""
    name = (4, 4) if stated == Meter(2, 2) else (stated.beats, stated.beat_type)
    return METERS.index(name) if name in METERS else None


def _softmax(x: Floats, y: Ints, weight: Floats) -> Floats:
    """Weights (classes, features + 1) of a multinomial logistic regression."""
    columns = np.concatenate([x, np.ones((len(x), 1))], axis=1)

    def loss(theta: Floats) -> tuple[float, Floats]:
        odds = columns @ theta.reshape(len(METERS), -1).T
        odds -= odds.max(axis=1, keepdims=True)
        likely = np.exp(odds)
        likely /= likely.sum(axis=1, keepdims=True)
        value = -float(weight @ np.log(likely[np.arange(len(y)), y]))
        likely[np.arange(len(y)), y] -= 1
        slope = (likely * weight[:, None]).T @ columns
        return value + _RIDGE * float(theta @ theta), slope.ravel() + 2 * _RIDGE * theta

    start = np.zeros(len(METERS) * columns.shape[1])
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 600}).x.reshape(len(METERS), -1)


def fit_changes() -> None:
    """Print the share of time in the right key of songs that change it, at various weights and costs."""
    found = [piece for piece in map(song_in_key, songs()[::2]) if len({row[2:] for row in piece.local}) > 1]
    for key.BAR_WEIGHT, key.HOME_WEIGHT, key.CHANGE_COST, key.RELATIVE_COST in itertools.product(
        (0.2, 0.35), (1.0, 2.0), (4.0, 7.0, 10.0), (0.0, 6.0)
    ):
        totals = np.sum([time_in_key(piece) for piece in found], axis=0)
        print(key.BAR_WEIGHT, key.HOME_WEIGHT, key.CHANGE_COST, key.RELATIVE_COST, (totals[:2] / totals[2]).round(3))


def time_in_key(piece: Keyed) -> tuple[float, float, float]:
    """Quarters with the right key by `estimate_keys`, by one key throughout, and all."""
    path, (whole, _) = key.estimate_keys(piece.score), key.estimate_key(piece.score)
    starts = np.array([piece.score.measures["onset_tick"][bar] for bar, _ in path]) / piece.score.ticks_per_quarter
    by_path = by_one = total = 0.0
    for start, end, fifths, is_minor in piece.local:
        middle = np.arange(start + 0.5, end)
        at = np.maximum(np.searchsorted(starts, middle, "right") - 1, 0)
        right = [_is(each, fifths, is_minor) for _, each in path]
        by_path += sum(right[k] for k in at.tolist())
        by_one += len(middle) * _is(whole, fifths, is_minor)
        total += len(middle)
    return by_path, by_one, total


def _is(found: Key, fifths: int, is_minor: bool) -> bool:
    return (found.fifths - fifths) % 12 == 0 and (found.mode == "minor") == is_minor


def fit_roles() -> None:
    """Print MELODIC: by which the first part is the likeliest melody of songs, lieder and quartets."""
    rows: list[tuple[Floats, int]] = []
    for score in with_melody_first(0):
        states = parts.measured(score, heard(score))
        pitched = np.flatnonzero(~states.is_drum)
        rest = [k for k in pitched.tolist() if parts.roles(states)[k] != "bass"]
        if 0 in states.part[rest]:
            rows.append((parts.melody_features(states)[rest], states.part[rest].tolist().index(0)))

    def loss(theta: Floats) -> float:
        odds = [x @ theta for x, _ in rows]
        wrong = [np.logaddexp.reduce(o) - o[y] for o, (_, y) in zip(odds, rows, strict=True)]
        return float(np.mean(wrong)) + 3e-3 * float(theta @ theta)

    print(minimize(loss, np.zeros(6), method="L-BFGS-B").x.round(2).tolist())


if __name__ == "__main__":
    main()

"""Near-duplicates: one piece in another key, at another tempo, on other instruments, with other notes here and there.

Each piece becomes a sketch of 1 KiB (`sketch`); pieces whose sketches say that they share much of their music get one
label (`clusters`). Sketched is what stays the same in such copies: n-grams of the upper line, of the lower line and of
the chords that all parts make together, told as intervals from one moment at which notes begin to the next, and as
ratios between the distances of these moments. Of their hashes the least in each of 255 ranges is kept (Li, Owen and
Zhang, "One Permutation Hashing", 2012; after Broder, 1997): the more n-grams two pieces share, the more of these agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import Score

SLOTS = 255
"""Ranges of hashes; one more number says how many n-grams there are."""
EMPTY = np.uint32(0xFFFFFFFF)
MELODY, BASS, CHORDS = 10, 10, 6
"""Moments in an n-gram of each kind."""
LOOK_BACK = 8
"""Moments for which a note may cover others."""

SHARE, LEAST = 0.2, 8
"""From which share of the smaller piece on, and in how many ranges at least, sketches of near-duplicates agree: below a
share of 0.15, tunes of one kind are joined that have phrases in common and nothing else (`benchmarks/duplicates`)."""
NEIGHBOURS = 3
"""With how many before it in a range each piece is compared."""
_CHUNK = 1 << 14

Sketches = NDArray[np.uint32]
_Hashes = NDArray[np.uint64]


def sketch(score: Score) -> Sketches:
    """The sketch of a piece, shape (256,): the least hash in each range, `EMPTY` where there is none, and the number of
    different n-grams.
    """
    hashes = np.unique(_ngrams(score))
    found = np.full(SLOTS + 1, EMPTY, np.uint32)
    slot = (hashes >> np.uint64(32)) * np.uint64(SLOTS) >> np.uint64(32)
    opens = np.flatnonzero(np.diff(slot, prepend=slot[:1] - np.uint64(1)))
    # hashes are sorted, and so are their ranges: the first of each is the least
    found[slot[opens].astype(np.int64)] = np.minimum(hashes[opens] & np.uint64(EMPTY), EMPTY - np.uint64(1))
    found[SLOTS] = len(hashes)
    return found


def _ngrams(score: Score) -> _Hashes:
    """Hashes of all n-grams of a piece, shape (m,), with repetitions."""
    onset, release, pitch = _sounding(score)
    if len(onset) < MELODY:
        return np.empty(0, np.uint64)
    # what is struck nearly together is one moment, as little as an eighth of a usual note apart
    apart = 8 * np.diff(onset, prepend=onset[:1] - (1 << 40)) > np.median(release - onset)
    first = np.flatnonzero(apart)
    start = onset[first]
    order = np.lexsort((release, pitch, np.cumsum(apart)))
    low, high = order[first], order[np.append(first[1:], len(order)) - 1]
    mask = np.bitwise_or.reduceat(np.int64(1) << pitch % 12, first)
    chord = ((mask << 12 | mask) >> pitch[high] % 12) & 0xFFF
    harmony = (np.diff(pitch[high]) % 12) << 12 | chord[1:]
    lines = [_line(start, pitch[high], release[high]), _line(start, -pitch[low], release[low])]
    kinds = [(MELODY, *lines[0]), (BASS, *lines[1])]
    steps = [(length, at, np.diff(tone)) for length, at, tone in kinds]
    steps.append((CHORDS, start, harmony))
    return np.concatenate(
        [_rolled(_words(moves, at), length - 2, kind) for kind, (length, at, moves) in enumerate(steps, 1)]
    )


def _sounding(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Onset, release and pitch of the notes that are struck, by onset; of drums only where nothing else plays."""
    notes = score.notes
    drums = np.array([part.is_drums for part in score.parts], bool)
    is_drum = drums[notes["part"]]
    onset, pitch = notes["onset_tick"], notes["pitch"].astype(np.int64)
    keep = (notes["grace"] == 0) & ~notes["cue"] & (is_drum.all() | ~is_drum)
    if notes["tied"].any():
        key = (notes["part"].astype(np.int64) << 7 | pitch) << 40
        ends = (key + onset + notes["duration_tick"])[notes["tied"]]
        keep &= ~np.isin(key + onset, ends)
    kept = np.flatnonzero(keep)
    kept = kept[np.argsort(onset[kept], kind="stable")]
    return onset[kept], (onset + notes["duration_tick"])[kept], pitch[kept]


def _line(
    onset: NDArray[np.int64], pitch: NDArray[np.int64], release: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onset and pitch of the notes that no higher one outlasts."""
    covered = np.zeros(len(onset), bool)
    for back in range(1, min(LOOK_BACK, len(onset) - 1) + 1):
        covered[back:] |= (pitch[:-back] > pitch[back:]) & (release[:-back] > onset[back:])
    return onset[~covered], pitch[~covered]


def _words(steps: NDArray[np.int64], onset: NDArray[np.int64]) -> _Hashes:
    """What happens from one moment to the next, with the ratio of its distance to the one before, shape (m - 2,)."""
    if len(onset) < 3:
        return np.empty(0, np.uint64)
    distance = np.log2(np.diff(onset).astype(np.float32))
    rhythm = np.clip(np.rint(np.diff(distance)), -2, 2).astype(np.int64) + 2
    return _mixed(((steps[1:] + (1 << 20)) << 3 | rhythm).astype(np.uint64))


def _rolled(words: _Hashes, length: int, kind: int) -> _Hashes:
    """Hashes of all runs of words of a length."""
    count = len(words) - length + 1
    if count < 1:
        return np.empty(0, np.uint64)
    total = np.full(count, kind, np.uint64)
    for index in range(length):
        total = total * np.uint64(0x9E3779B97F4A7C15) + words[index : index + count]
    return _mixed(total)


def _mixed(values: _Hashes) -> _Hashes:
    """Every bit of each value spread over all (the finaliser of SplitMix64)."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


def likeness(first: Sketches, second: Sketches) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How much of the smaller piece is in the other one, estimated, and in how many ranges they agree.

    Args:
        first: sketches, shape (p, 256).
        second: as many others.

    Returns:
        Shares from 0 to 1, shape (p,), and counts, shape (p,).
    """
    a, b = first[:, :SLOTS], second[:, :SLOTS]
    agree = ((a == b) & (a != EMPTY)).sum(axis=1)
    used = ((a != EMPTY) | (b != EMPTY)).sum(axis=1)
    sizes = np.stack([first[:, SLOTS], second[:, SLOTS]]).astype(np.float64)
    jaccard = agree / np.maximum(used, 1)
    common = jaccard / (1 + jaccard) * sizes.sum(axis=0)
    return np.minimum(common / np.maximum(sizes.min(axis=0), 1), 1.0), agree


def clusters(sketches: Sketches, known: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Which pieces belong together: for each the smallest index among those that it is joined with, shape (n,).

    Pieces are joined when their sketches agree in `LEAST` ranges and say that `SHARE` of the smaller piece is in the
    other one, and when both are joined with a third one. Which are joined does not depend on their order.

    Args:
        sketches: shape (n, 256).
        known: labels of pieces that belong together anyway, as versions of one work do, shape (n,); −1: unknown.
    """
    forest = _Forest(len(sketches))
    # pieces in an order of their own, so that it does not matter in which they came
    rows = np.ascontiguousarray(sketches).view(f"V{sketches.itemsize * (SLOTS + 1)}").ravel()
    order = np.argsort(rows, kind="stable")
    order = order[sketches[order, SLOTS] >= LEAST]
    if known is not None:
        forest.join_equal(known)
    for slot in range(SLOTS):
        pairs = _pairs(sketches[order, slot], order)
        forest.join(_alike(sketches, forest.apart(pairs)))
    return forest.labels()


def _pairs(hashes: NDArray[np.uint32], pieces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs of pieces that agree in a range, shape (p, 2): of those with one hash each with the first and some before.

    However many agree, as in what everybody plays, there are a few pairs for each.
    """
    filled = np.flatnonzero(hashes != EMPTY)
    filled = filled[np.argsort(hashes[filled], kind="stable")]
    hashes, pieces = hashes[filled], pieces[filled]
    opens = np.diff(hashes, prepend=hashes[:1] ^ np.uint32(1)) != 0
    start = np.maximum.accumulate(np.where(opens, np.arange(len(hashes)), 0))
    pairs = list[NDArray[np.int64]]()
    for back in range(1, NEIGHBOURS + 1):
        later = np.flatnonzero(np.arange(len(hashes)) - start >= back)
        pairs.append(np.stack([pieces[later - back], pieces[later]], axis=1))
    far = np.flatnonzero(np.arange(len(hashes)) - start > NEIGHBOURS)
    return np.concatenate([*pairs, np.stack([pieces[start[far]], pieces[far]], axis=1)])


def _alike(sketches: Sketches, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those pairs whose sketches say that they are near-duplicates."""
    kept = list[NDArray[np.int64]]()
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        share, agree = likeness(sketches[chunk[:, 0]], sketches[chunk[:, 1]])
        kept.append(chunk[(share >= SHARE) & (agree >= LEAST)])
    return np.concatenate(kept) if kept else pairs


class _Forest:
    """Pieces joined with one another (union-find); the root of each set is its smallest piece."""

    def __init__(self, pieces: int) -> None:
        self._parent = np.arange(pieces)

    def labels(self) -> NDArray[np.int64]:
        """The root of every piece."""
        parent = self._parent
        while not np.array_equal(above := parent[parent], parent):
            parent = above
        self._parent = parent
        return parent.copy()

    def apart(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pairs that are not joined yet."""
        labels = self.labels()
        return pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]

    def join(self, pairs: NDArray[np.int64]) -> None:
        """Join pieces that are roots of different sets, or members of them."""
        for a, b in pairs.tolist():
            low, high = sorted((self._root(a), self._root(b)))
            self._parent[high] = low

    def join_equal(self, labels: NDArray[np.int64]) -> None:
        """Join pieces of one label; −1 is none."""
        order = np.argsort(labels, kind="stable")
        order = order[labels[order] >= 0]
        same = labels[order][1:] == labels[order][:-1]
        self.join(np.stack([order[:-1][same], order[1:][same]], axis=1))

    def _root(self, piece: int) -> int:
        while (above := int(self._parent[piece])) != piece:
            piece = above
        return piece

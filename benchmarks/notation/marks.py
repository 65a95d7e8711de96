"""How right a page is: notes of the truth matched to notes of the page, and what is asked of each pair."""

from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from partimento.score import Records

Ints = NDArray[np.int64]
_FARTHEST_S = 0.4
_TIE_BREAK = 1e-4
_LONGEST_LINK = 4
"""Quarters; what a voice plays after a longer rest does not continue it."""


def matched(truth: Records, page: Records) -> tuple[Ints, Ints]:
    """Indices of notes of equal part and pitch that sound at the same time from the first note on, shape (pairs,) each.

    Of two notes that sound at the same time those of equal length belong together.
    """
    rows, columns = _by_pitch(truth), _by_pitch(page)
    at, at_page = truth["second"] - np.nanmin(truth["second"]), page["second"] - page["second"].min()
    length, length_page = truth["duration"].astype(np.float64), page["duration"].astype(np.float64)
    pairs: list[tuple[int, int]] = []
    for key, first in rows.items():
        if second := columns.get(key):
            apart = np.abs(at[first][:, None] - at_page[second])
            unlike = np.minimum(np.abs(length[first][:, None] - length_page[second]), 1.0)
            chosen = linear_sum_assignment(np.minimum(np.nan_to_num(apart, nan=9.0), 9.0) + _TIE_BREAK * unlike)
            pairs += [(first[a], second[b]) for a, b in zip(*chosen, strict=True) if apart[a, b] <= _FARTHEST_S]
    array = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _by_pitch(page: Records) -> dict[tuple[int, int], list[int]]:
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for index, key in enumerate(page[["part", "pitch"]].tolist()):
        found[key].append(index)
    return found


def marks(truth: Records, page: Records) -> dict[str, float]:
    """Shares of the notes of `truth` that are right on `page`, and the F1 of links within voices."""
    a, b = matched(truth, page)
    total = len(truth)
    enharmonic = max(
        float((truth["spelling"][a] == page["spelling"][b] + shift).sum()) for shift in (-12, 0, 12)
    )  # F sharp major and G flat major sound alike
    keys = (truth["fifths"][a] - page["fifths"][b]) % 12 == 0
    found = {
        "onset": _share(truth["place"][a] == page["place"][b], total),
        "value": _share(truth["duration"][a] == page["duration"][b], total),
        "spelling": enharmonic / total,
        "key": _share(keys, total),
        "meter": _share(truth["meter"][a] == page["meter"][b], total),
        "voice": voice_f1(truth[a], page[b]),
    }
    two = {p for p in set(truth["part"].tolist()) if len(set(truth["staff"][truth["part"] == p].tolist())) == 2}
    on_two = np.isin(truth["part"], list(two))
    if two:
        found["hand"] = _share((truth["staff"][a] == page["staff"][b]) & on_two[a], int(on_two.sum()))
    return found


def _share(is_right: NDArray[np.bool_], total: int) -> float:
    return float(np.sum(is_right)) / max(total, 1)


def voice_f1(truth: Records, page: Records) -> float:
    """F1 of the pairs of notes that follow each other in a voice (Duane and Pardo 2009, McLeod and Steedman 2016)."""
    right, given = _links(truth), _links(page)
    both = len(right & given)
    return 2 * both / max(len(right) + len(given), 1) if right or given else 1.0


def _links(page: Records) -> set[tuple[int, int]]:
    voices: defaultdict[tuple[int, int], defaultdict[Fraction, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, (part, voice, onset) in enumerate(page[["part", "voice", "onset"]].tolist()):
        voices[part, voice][onset].append(index)
    links: set[tuple[int, int]] = set()
    for places in voices.values():
        chords = [places[onset] for onset in sorted(places)]
        links |= {
            (i, j)
            for one, two in pairwise(chords)
            if page["onset"][two[0]] - page["onset"][one[0]] <= _LONGEST_LINK
            for i in one
            for j in two
        }
    return links

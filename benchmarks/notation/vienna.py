"""Do we write the same page for 22 performances of the same music?

For each note of an excerpt (the k-th stroke of a pitch), the place in the bar on which most performances agree is
taken for right, if at least half of the programs' pages have it at all; the share of notes at that place is counted,
and likewise for note value and staff. The meters and signatures in print are known.
"""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from partimento.score import Records

PRINTED = {"Chopin_op10_no3": ("2/4", 4), "Chopin_op38": ("6/8", -1), "Mozart_K331_1st-mov": ("6/8", 3)}
"""Excerpt ▶ meter and signature."""
_Key = tuple[int, int]


def agreement(pages: list[Records]) -> dict[str, float]:
    """Mean share of notes that lie where most of the pages have them."""
    notes = [_by_stroke(page) for page in pages]
    usual = Counter(key for page in notes for key in page)
    common = [key for key, count in usual.items() if count >= len(pages) / 2]
    return {name: _share(notes, common, name) for name in ("place", "duration", "staff")}


def _by_stroke(page: Records) -> dict[_Key, Any]:
    order = np.argsort(page["second"], kind="stable")
    seen: defaultdict[int, int] = defaultdict(int)
    found: dict[_Key, Any] = {}
    for row in page[order]:
        pitch = int(row["pitch"])
        found[pitch, seen[pitch]] = row
        seen[pitch] += 1
    return found


def _share(notes: list[dict[_Key, Any]], common: list[_Key], name: str) -> float:
    right = total = 0
    for key in common:
        values = [page[key][name] for page in notes if key in page]
        right += Counter(values).most_common(1)[0][1]
        total += len(notes)
    return right / max(total, 1)


def printed(pages: list[Records], excerpt: str) -> dict[str, float]:
    """Share of the pages with the meter, and of those with the signature, that are in print."""
    meter, fifths = PRINTED[excerpt]
    return {
        "meter": float(np.mean([page["meter"][0] == meter for page in pages])),
        "key": float(np.mean([page["fifths"][0] == fifths for page in pages])),
    }


def excerpts(folder: Path) -> dict[str, list[Path]]:
    """Excerpt ▶ its performances."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*.mid")):
        found[path.stem.rpartition("_p")[0]].append(path)
    return found

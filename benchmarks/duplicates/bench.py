"""How many planted near-duplicates are found, how many pieces are joined that have nothing to do with each other, and
what does it cost?

    PARTIMENTO_DATA=FOLDER python benchmarks/duplicates/bench.py [--every 4] [--copied 16] [--seed 0]

Of the corpus, files are sampled from every folder. Copies are planted: in another key, at another tempo and
resolution, on other instruments, shortened, with notes changed, and all of these at once; each goes through a MIDI
file, as it would in a data set. Precision is judged on the originals: every pair that is joined is listed with its
titles, by folder, since folk tunes, hymns and performances have true versions. Writes `results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from partimento.data.duplicates import LEAST, SHARE, SLOTS, clusters, likeness, sketch
from partimento.errors import PartimentoError
from partimento.io import load_score, load_scores, save_score
from partimento.score import METER, Part, Score, measures_from_meters

HERE = Path(__file__).parent
Rng = np.random.Generator


@dataclass(frozen=True)
class Piece:
    """A piece of the corpus."""

    folder: str
    path: str
    title: str
    score: Score
    sketch: np.ndarray


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=4, help="which file of each folder is taken, but 40 at least")
    parser.add_argument("--copied", type=int, default=16, help="pieces of each folder of which copies are planted")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    pieces, failed, cost = read(Path(os.environ["PARTIMENTO_DATA"]), options.every)
    results = {
        "machine": machine(),
        "rule": {"share": SHARE, "ranges": LEAST},
        "pieces": {"all": len(pieces), "unreadable": failed, **Counter(piece.folder for piece in pieces)},
        "cost": cost,
        "precision": precision(pieces),
        "clustering": clustering(),
        "recall": recall(some(pieces, options.copied), np.random.default_rng(options.seed)),
    }
    (HERE / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1, ensure_ascii=False))


def machine() -> dict[str, Any]:
    """Where and on what this was measured."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "commit": commit.stdout.strip(),
    }


def read(corpus: Path, every: int) -> tuple[list[Piece], int, dict[str, Any]]:
    """Pieces of at least 32 notes from every folder, how many files are no use, and what sketching costs."""
    lines = [json.loads(line) for line in (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()]
    folders: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        folders.setdefault(line["path"].split("/")[0], []).append(line)
    pieces, failed, seconds = list[Piece](), 0, 0.0
    for folder, members in folders.items():
        step = max(min(every, len(members) // 40), 1)
        for line in members[::step]:
            try:
                score = load_scores(corpus / line["path"])[0]
            except PartimentoError:
                failed += 1
                continue
            if len(score.notes) >= 32:
                began = time.process_time()
                made = sketch(score)
                seconds += time.process_time() - began
                pieces.append(Piece(folder, line["path"], line.get("title") or "", score.sounding(), made))
    print(len(pieces), "pieces", flush=True)
    notes = sum(len(piece.score.notes) for piece in pieces)
    cost = {
        "ms_per_file": round(1e3 * seconds / len(pieces), 3),
        "ms_per_1000_notes": round(1e6 * seconds / notes, 3),
        "bytes_per_file": int(pieces[0].sketch.nbytes),
    }
    return pieces, failed, cost


# Copies


def plain(score: Score, notes: np.ndarray, parts: tuple[Part, ...] = (), ticks_per_quarter: int = 0) -> Score:
    """A score of these notes alone, in 4/4."""
    resolution = ticks_per_quarter or score.ticks_per_quarter
    meters = np.array([(0, 4, 4)], METER)
    end = int((notes["onset_tick"] + notes["duration_tick"]).max(initial=1))
    measures = measures_from_meters(meters, resolution, end)
    return Score(resolution, parts or score.parts, notes=notes, meters=meters, measures=measures)


def is_drum(score: Score) -> np.ndarray:
    """Which notes are struck on drums."""
    return np.array([part.is_drums for part in score.parts], bool)[score.notes["part"]]


def transposed(score: Score, rng: Rng) -> Score:
    """In another key, up to a tritone away."""
    notes = score.notes.copy()
    semitones = int(rng.integers(1, 7)) * int(rng.choice([-1, 1]))
    notes["pitch"] = np.where(is_drum(score), notes["pitch"], np.clip(notes["pitch"] + semitones, 0, 127))
    return plain(score, notes)


def retimed(score: Score, rng: Rng) -> Score:
    """At another resolution, rounded to it, in notes of half, the same or double the value."""
    resolution, factor = int(rng.choice([96, 120, 220, 384, 480, 960])), float(rng.choice([0.5, 1, 2]))
    notes, ratio = score.notes.copy(), factor * resolution / score.ticks_per_quarter
    release = np.rint((notes["onset_tick"] + notes["duration_tick"]) * ratio).astype(np.int64)
    notes["onset_tick"] = np.rint(notes["onset_tick"] * ratio)
    notes["duration_tick"] = np.maximum(release - notes["onset_tick"], 1)
    return plain(score, notes, ticks_per_quarter=resolution)


def orchestrated(score: Score, rng: Rng) -> Score:
    """Every note in any of one to four parts of other instruments; drums stay drums."""
    many, notes = int(rng.integers(1, 5)), score.notes.copy()
    parts = (*(Part(f"part {k}", int(rng.integers(0, 110))) for k in range(many)), Part("drums", 0, True))
    notes["part"] = np.where(is_drum(score), many, rng.integers(0, many, len(notes)))
    return plain(score, notes, parts)


def shortened(share: float) -> Callable[[Score, Rng], Score]:
    """A share of the piece's time, from anywhere."""

    def cut(score: Score, rng: Rng) -> Score:
        notes, end = score.notes, int(score.notes["onset_tick"].max()) + 1
        first = int(rng.random() * (1 - share) * end)
        notes = notes[(notes["onset_tick"] >= first) & (notes["onset_tick"] < first + share * end)].copy()
        notes["onset_tick"] -= first
        return plain(score, notes)

    return cut


def altered(share: float) -> Callable[[Score, Rng], Score]:
    """A share of the notes moved by up to two semitones, moved by a sixteenth, or left out, a third each."""

    def alter(score: Score, rng: Rng) -> Score:
        notes, drums = score.notes.copy(), is_drum(score)
        chosen, kind = rng.random(len(notes)) < share, rng.integers(0, 3, len(notes))
        moved = chosen & (kind == 0) & ~drums
        notes["pitch"] = np.clip(notes["pitch"] + moved * rng.choice([-2, -1, 1, 2], len(notes)), 0, 127)
        shift = (chosen & (kind == 1)) * rng.choice([-1, 1], len(notes)) * max(score.ticks_per_quarter // 4, 1)
        notes["onset_tick"] = np.maximum(notes["onset_tick"] + shift, 0)
        return plain(score, notes[~(chosen & (kind == 2))])

    return alter


def after(*changes: Callable[[Score, Rng], Score]) -> Callable[[Score, Rng], Score]:
    """One change after another."""

    def apply(score: Score, rng: Rng) -> Score:
        for change in changes:
            score = change(score, rng)
        return score

    return apply


COPIES: dict[str, Callable[[Score, Rng], Score]] = {
    "transposed": transposed,
    "re-tempoed": retimed,
    "re-orchestrated": orchestrated,
    "half of it": shortened(0.5),
    "a quarter of it": shortened(0.25),
    "2 % of the notes changed": altered(0.02),
    "5 % of the notes changed": altered(0.05),
    "10 % of the notes changed": altered(0.1),
    "key, tempo, instruments, 5 % changed": after(transposed, retimed, orchestrated, altered(0.05)),
    "all of that, and half of it": after(transposed, retimed, orchestrated, altered(0.05), shortened(0.5)),
}


def some(pieces: list[Piece], most: int) -> list[Piece]:
    """So many pieces of each folder, spread over it."""
    chosen = list[Piece]()
    for folder in dict.fromkeys(piece.folder for piece in pieces):
        members = [piece for piece in pieces if piece.folder == folder]
        chosen += members[:: max(len(members) // most, 1)][:most]
    return chosen


def recall(pieces: list[Piece], rng: Rng) -> dict[str, Any]:
    """Share of the copies of each kind that are joined with their originals when all pieces are clustered with them.

    Copies of fewer than 32 notes are left out.
    """
    found = dict[str, Any]()
    with tempfile.TemporaryDirectory() as folder:
        for kind, change in COPIES.items():
            changed = [(piece, change(piece.score, rng)) for piece in pieces]
            pairs = [(piece, copy) for piece, copy in changed if len(copy.notes) >= 32]
            originals = np.stack([piece.sketch for piece, _ in pairs])
            copies = np.stack([_through_midi(copy, Path(folder) / "copy.mid") for _, copy in pairs])
            share, agree = likeness(originals, copies)
            labels = clusters(np.concatenate([originals, copies]))
            hit = labels[: len(pairs)] == labels[len(pairs) :]
            found[kind] = {
                "copies": len(pairs),
                "recall": round(float(hit.mean()), 4),
                "share_at_5_percent": round(float(np.percentile(share, 5)), 3),
                "ranges_at_5_percent": int(np.percentile(agree, 5)),
                "missed": Counter(p.folder for (p, _), is_hit in zip(pairs, hit, strict=True) if not is_hit),
            }
            print(kind, found[kind], flush=True)
    return found


def _through_midi(score: Score, path: Path) -> np.ndarray:
    save_score(score, path)
    return sketch(load_score(path))


# What is joined without having been planted


def precision(pieces: list[Piece]) -> dict[str, Any]:
    """Pairs of originals that are joined, by folders."""
    rows = np.stack([piece.sketch for piece in pieces])
    labels = clusters(rows)
    pairs = [
        (i, j)
        for label in np.unique(labels)
        for members in [np.flatnonzero(labels == label).tolist()]
        for at, i in enumerate(members)
        for j in members[at + 1 :]
    ]
    listed = dict[str, list[str]]()
    for i, j in pairs:
        share, agree = likeness(rows[[i]], rows[[j]])
        folders = " and ".join(dict.fromkeys([pieces[i].folder, pieces[j].folder]))
        says = " | ".join(f"{Path(pieces[k].path).stem} ({pieces[k].title})" for k in (i, j))
        listed.setdefault(folders, []).append(f"{says}: share {share[0]:.2f}, {agree[0]} ranges")
    return {
        "pairs_in_all": len(pieces) * (len(pieces) - 1) // 2,
        "pairs_joined": {folders: len(members) for folders, members in listed.items()},
        "joined": {folders: members[:60] for folders, members in listed.items() if "performance" not in folders},
        "largest_clusters": sorted(Counter(labels.tolist()).values())[-5:],
    }


# Many files


def clustering(files: int = 200_000, copies: int = 20_000) -> dict[str, Any]:
    """Seconds for random sketches, a tenth of them copies in two thirds of their ranges, some hashes being frequent."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2**32 - 1, (files, SLOTS + 1), dtype=np.uint32)
    rows[:, SLOTS] = rng.integers(100, 2000, files)
    for slot in range(SLOTS):
        rows[rng.random(files) < 0.02, slot] = rng.integers(0, 50)
    source = rng.integers(0, files - copies, copies)
    kept = rng.random((copies, SLOTS)) < 2 / 3
    rows[-copies:, :SLOTS] = np.where(kept, rows[source, :SLOTS], rows[-copies:, :SLOTS])
    rows[-copies:, SLOTS] = rows[source, SLOTS]
    began = time.process_time()
    labels = clusters(rows)
    seconds = time.process_time() - began
    return {
        "files": files,
        "cpu_seconds": round(seconds, 1),
        "copies_found": round(float((labels[-copies:] == labels[source]).mean()), 4),
        "clusters": len(np.unique(labels)),
        "clusters_expected": files - copies,
    }


if __name__ == "__main__":
    main()

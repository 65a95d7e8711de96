"""Do we read the notes that other programs read? For each file, our note list beside each judge's.

    PARTIMENTO_DATA=FOLDER python benchmarks/judge/judge.py [symusic] [mido] [music21] [verovio] [abc2midi] …

A judge's answers are kept by the file's hash, so that a run that was stopped goes on where it was; ours are made
anew each time. Where a judge is wrong, `explained.yaml` says why, with the file and the number of notes that differ.
Prints a table, writes every difference to a file, and ends with status 1 if one is not explained.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from judges import JUDGES, Judge
from notelist import CannotRead, Difference, Notes, differences
from rich.console import Console
from rich.progress import track
from rich.table import Table

from partimento.errors import PartimentoError
from partimento.io import load_scores
from partimento.score import Score

HERE = Path(__file__).parent
EXPLAINED = HERE / "explained.yaml"
MAX_SAMPLE_BYTES = 12_000
SHOWN = 5
"""Differences of a file that are written down."""


class Verdict(NamedTuple):
    """What came of one file beside one judge."""

    judge: str
    path: str
    kind: str
    """equal, explained, different, unanswered (the judge cannot read it), unread (we cannot)."""
    notes: int = 0
    """How many differ."""
    text: str = ""


def main() -> None:
    """Compare, print the table, write the differences."""
    options = _options()
    logging.disable(logging.WARNING)
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    names = [name for name in options.judges or JUDGES if JUDGES[name].is_there()]
    paths = [path for path in files(corpus, names) if path.match(options.match)]
    if options.sample:
        paths = sample(paths, options.sample)
    verdicts = _judged(partial(judged, corpus, names, options.answers), paths, options.jobs)
    options.differences.parent.mkdir(parents=True, exist_ok=True)
    options.differences.write_text("".join(f"{text}\n" for text in _reports(verdicts)), encoding="utf-8")
    rows = summary(verdicts)
    _print(rows)
    if options.results:
        options.results.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    sys.exit(any(row["different"] or row["unread"] for row in rows.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judges", nargs="*", choices=[*JUDGES, []], help="all by default")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--match", default="*", help="only files that match, such as 'B_*/*.mid'")
    parser.add_argument("--sample", type=int, default=0, help="only so many files, always the same, of all folders")
    parser.add_argument("--answers", type=Path, default=Path("build/judge"), help="folder for the judges' answers")
    parser.add_argument("--differences", type=Path, default=Path("build/judge/differences.txt"), help="written anew")
    parser.add_argument("--results", type=Path, help="file for the table, as JSON")
    return parser.parse_args()


def files(corpus: Path, names: list[str]) -> list[Path]:
    """The files that the judges can judge, the smallest first."""
    endings = {ending for name in names for ending in JUDGES[name].endings}
    found = [path for path in corpus.glob("*/*") if path.suffix in endings]
    return sorted(found, key=lambda path: (path.stat().st_size, path))


def sample(paths: list[Path], count: int) -> list[Path]:
    """A fixed choice of small files, as many from each folder as from the others, as far as it has them."""
    ranks: Counter[Path] = Counter()
    ranked: list[tuple[int, Path]] = []
    for path in sorted(paths, key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        if path.stat().st_size <= MAX_SAMPLE_BYTES:
            ranked.append((ranks[path.parent], path))
            ranks[path.parent] += 1
    return [path for _, path in sorted(ranked)[:count]]


# One file


def judged(corpus: Path, names: list[str], answers: Path, path: Path) -> list[Verdict]:
    """One file beside each judge of its format."""
    name = path.relative_to(corpus).as_posix()
    applicable = [judge for judge in names if path.suffix in JUDGES[judge].endings]
    try:
        scores = load_scores(path)
    except PartimentoError as error:
        return [Verdict(judge, name, "unread", 0, str(error)) for judge in applicable]
    return [_beside(judge, name, scores, path, answers) for judge in applicable]


def _beside(judge: str, name: str, scores: tuple[Score, ...], path: Path, answers: Path) -> Verdict:
    try:
        theirs = answer(judge, path, answers)
    except CannotRead as refusal:
        return Verdict(judge, name, "unanswered", 0, str(refusal))
    found = _compared(JUDGES[judge], scores, theirs)
    expected, reason = explained().get((judge, name), (0, ""))
    if len(found) == expected:
        return Verdict(judge, name, "explained" if expected else "equal", expected, reason)
    text = "; ".join(map(str, found[:SHOWN])) or "nothing differs any more, but explained.yaml names the file"
    return Verdict(judge, name, "different", len(found), text)


def _compared(judge: Judge, scores: tuple[Score, ...], theirs: list[Notes]) -> list[Difference]:
    lists = [judge.beside(score) for score in scores]
    empty = np.empty(0, lists[0].dtype)
    lists += [empty] * (len(theirs) - len(lists))
    theirs = theirs + [empty] * (len(lists) - len(theirs))
    pairs = zip(lists, theirs, strict=True)
    return [difference for mine, other in pairs for difference in differences(mine, other, judge.tolerance)]


@cache
def explained() -> dict[tuple[str, str], tuple[int, str]]:
    """(judge, file) ▶ number of notes that differ, and why the judge is wrong."""
    entries = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or []
    return {
        (entry["judge"], path): (count, entry["reason"]) for entry in entries for path, count in entry["files"].items()
    }


def answer(judge: str, path: Path, answers: Path) -> list[Notes]:
    """A judge's lists for a file, from the store where it has answered before.

    Raises:
        CannotRead: it gives none.
    """
    member = JUDGES[judge]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    place = answers / f"{judge}-{member.version()}-{member.revision}" / f"{digest}.npz"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        _store(place, member, path)
    with np.load(place) as stored:
        if "refusal" in stored:
            raise CannotRead(str(stored["refusal"]))
        return [stored[name] for name in stored.files]


def _store(place: Path, judge: Judge, path: Path) -> None:
    temporary = place.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        try:
            np.savez_compressed(file, *judge.ask(path))
        except CannotRead as refusal:
            np.savez_compressed(file, refusal=np.array(str(refusal)))
    temporary.replace(place)


# All files


def _judged(job, paths: list[Path], jobs: int) -> list[Verdict]:
    """All verdicts, with a bar that shows how far it is."""
    console = Console(stderr=True)
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(job, path) for path in paths]
        done = track(as_completed(waiting), "judging", total=len(paths), console=console)
        return sorted(verdict for future in done for verdict in future.result())


def _reports(verdicts: Iterable[Verdict]) -> list[str]:
    return [" | ".join(map(str, verdict)) for verdict in verdicts if verdict.kind != "equal"]


def summary(verdicts: list[Verdict]) -> dict[str, dict[str, float]]:
    """For each judge: files by what came of them, and the share that is equal or where its error is shown."""
    rows: dict[str, dict[str, float]] = {}
    for judge in dict.fromkeys(verdict.judge for verdict in verdicts):
        kinds = Counter(verdict.kind for verdict in verdicts if verdict.judge == judge)
        files = sum(kinds.values())
        compared = max(files - kinds["unanswered"], 1)
        rows[judge] = {
            "files": files,
            **{kind: kinds[kind] for kind in ("unanswered", "equal", "explained", "different", "unread")},
            "equal_percent": round(100 * kinds["equal"] / compared, 2),
            "equal_or_explained_percent": round(100 * (kinds["equal"] + kinds["explained"]) / compared, 2),
        }
    return rows


def _print(rows: dict[str, dict[str, float]]) -> None:
    table = Table("judge", *(name.replace("_", " ") for name in next(iter(rows.values()), {})))
    for judge, row in rows.items():
        table.add_row(judge, *(str(value) for value in row.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()

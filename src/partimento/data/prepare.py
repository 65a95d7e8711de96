"""From music to token shards: read, annotate, deduplicate, split, encode.

`prepare` writes a dataset folder beside its place and renames it into place when it is whole. Files that cannot be
used are counted with their reasons in `report.json`; they never stop the work.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from partimento.analysis import estimate_chords, estimate_key
from partimento.data.dataset import ShardWriter
from partimento.data.regular import regular, with_usual_instruments
from partimento.data.sources import SourceFile, find_files
from partimento.errors import BadInput, PartimentoError
from partimento.io import load_scores
from partimento.plan import Compose
from partimento.representations import Representation, create
from partimento.score import KEY, Score
from partimento.theory.key import NO_MODE

SPLITS = ("train", "validation", "test")
_HELD_OUT_PERCENT = {"validation": 3, "test": 3}
_STYLE_WORDS = (
    "slip jig", "jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air", "song",
)  # fmt: skip
_CHUNK = 16


@dataclass(frozen=True, slots=True)
class Options:
    """How music becomes rows."""

    context: int = 1024
    """Most tokens in one row; longer pieces are cut at barlines."""
    annotate: bool = True
    """Fill in unknown modes from the notes, and give every second piece without chord symbols estimated ones."""
    max_parts: int = 8
    """Pieces with more parts are left out."""
    min_notes: int = 16
    """Pieces with fewer notes are left out."""
    keep: dict[str, float] = field(default_factory=dict[str, float])
    """Share of a source's rows that goes into the training split, spread evenly; 1 where a source is not named."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence of tokens for training."""

    ids: list[int]
    prompt_length: int
    piece: str
    source: str
    licence: str
    title: str
    style: str
    notes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    path: str
    source: str
    rows: tuple[Row, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass
class Report:
    """What `prepare` did."""

    files: int = 0
    pieces: int = 0
    duplicates: int = 0
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    notes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    sources: dict[str, int] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)
    """Rows of each source before some were left out of the training split."""
    failures: list[dict[str, str]] = field(default_factory=list)

    def reasons(self) -> list[tuple[str, int]]:
        """Reasons for leaving music out, the most frequent first."""
        return Counter(failure["reason"] for failure in self.failures).most_common()


def prepare(
    sources: Sequence[str],
    out: Path,
    *,
    representation: str = "remi",
    representation_config: dict[str, Any] | None = None,
    options: Options | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Report:
    """Write the dataset of some sources; see `sources.find_files` for what a source may be.

    Rows do not depend on the number of workers. Equal pieces (in any transposition) are kept once; the split
    follows from their content.

    Args:
        sources: files, folders, `music21:NAME` or collections, in order of precedence among duplicates.
        out: dataset folder; must not exist.
        representation: registered name, with `representation_config`.
        options: see `Options`.
        workers: processes, all cores by default.
        progress: whether to draw a bar.

    Raises:
        BadInput: a source is missing, `out` exists, or nothing usable was found.
    """
    options = options or Options()
    if out.exists():
        raise BadInput(f"{out}: exists already; name another folder or remove it")
    tokens = create(representation, **(representation_config or {}))
    files = [file for source in sources for file in find_files(source, print if progress else lambda message: None)]
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}-{os.getpid()}")
    temporary.mkdir()
    try:
        report = _write(files, temporary, tokens, options, workers or os.cpu_count() or 1, progress)
        if not any(report.rows.values()):
            reason = report.reasons()[0][0] if report.failures else "no music"
            raise BadInput(f"{', '.join(sources)}: no usable piece among {report.files} files ({reason})")
        _describe(temporary, tokens, files, options, report)
        os.replace(temporary, out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return report


def _write(
    files: list[SourceFile],
    folder: Path,
    tokens: Representation[Any],
    options: Options,
    workers: int,
    progress: bool,
) -> Report:
    report, seen = Report(files=len(files)), set[str]()
    bar = Progress(
        TextColumn("preparing"), BarColumn(), MofNCompleteColumn(), TextColumn("files · {task.fields[notes]} notes"),
        TimeRemainingColumn(), disable=not progress,
    )  # fmt: skip
    with bar, ShardWriter(folder) as shards:
        task = bar.add_task("", total=len(files), notes=0)
        for outcome in _outcomes(files, tokens, options, workers):
            _collect(outcome, report, seen, shards, options)
            bar.update(task, advance=1, notes=sum(report.notes.values()))
    return report


def _outcomes(
    files: list[SourceFile], tokens: Representation[Any], options: Options, workers: int
) -> Iterator[Outcome]:
    """What became of each file, in order, whatever the number of workers."""
    jobs = [(file, tokens.name, tokens.config, options) for file in files]
    if workers == 1 or len(files) < 2 * _CHUNK:
        yield from map(_read, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_read, jobs, chunksize=_CHUNK)


def _collect(outcome: Outcome, report: Report, seen: set[str], shards: ShardWriter, options: Options) -> None:
    report.failures += [{"file": outcome.path, "reason": reason} for reason in outcome.failures]
    for piece in dict.fromkeys(row.piece for row in outcome.rows):
        report.pieces += 1
        if piece in seen:
            report.duplicates += 1
            continue
        seen.add(piece)
        split = split_of(piece)
        report.sources[outcome.source] = report.sources.get(outcome.source, 0) + 1
        rows = [row for row in outcome.rows if row.piece == piece]
        for row in rows if split != "train" else _thinned(rows, options.keep.get(outcome.source, 1.0), report):
            shards.write(split, asdict(row))
            report.rows[split] += 1
            report.tokens[split] += len(row.ids)
            report.notes[split] += row.notes


def _thinned(rows: list[Row], share: float, report: Report) -> list[Row]:
    """Rows such that of all that a source offers, one after another, the share is kept."""
    source = rows[0].source
    offered = report.offered.get(source, 0)
    report.offered[source] = offered + len(rows)
    return [row for index, row in enumerate(rows, offered) if int((index + 1) * share) > int(index * share)]


def _describe(
    folder: Path, tokens: Representation[Any], files: list[SourceFile], options: Options, report: Report
) -> None:
    description = {
        "representation": {"name": tokens.name, **tokens.config},
        "vocabulary_size": len(tokens.tokens),
        "special": tokens.special._asdict(),
        "options": asdict(options),
        "sources": sorted(report.sources),
        "licences": {file.source: file.licence for file in files},
    }
    for name, content in (("dataset.json", description), ("report.json", asdict(report))):
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def split_of(piece: str) -> str:
    """The split that a content hash falls into."""
    percent, edge = int(piece[:8], 16) % 100, 0
    for split, share in _HELD_OUT_PERCENT.items():
        edge += share
        if percent < edge:
            return split
    return "train"


def content_hash(score: Score) -> str:
    """Hash of the notes in quarters, the same in every transposition and at every resolution."""
    notes = score.sounding().notes
    columns = [notes["onset_tick"], notes["duration_tick"]]
    scaled = [np.rint(column * 960 / score.ticks_per_quarter).astype(np.int64) for column in columns]
    drums = np.array([part.is_drums for part in score.parts], bool)[notes["part"]]
    pitched = notes["pitch"][~drums]
    pitches = notes["pitch"].astype(np.int64) - np.where(drums, 0, pitched.min() if len(pitched) else 0)
    rows = np.stack([*scaled, notes["part"].astype(np.int64), pitches], axis=1)
    return hashlib.sha256(rows[np.lexsort(rows.T[::-1])].tobytes()).hexdigest()


_worker_cache: dict[str, Representation[Any]] = {}


def _read(job: tuple[SourceFile, str, dict[str, Any], Options]) -> Outcome:
    """One file to rows; runs in a worker."""
    file, name, config, options = job
    key = f"{name}{config}"
    if key not in _worker_cache:
        _worker_cache[key] = create(name, **config)
    path = str(file.path)
    try:
        if file.requires and file.requires.encode() not in file.path.read_bytes():
            return Outcome(path, file.source, failures=(f"does not state {file.requires!r}",))
        scores = load_scores(file.path)
    except PartimentoError as error:
        return Outcome(path, file.source, failures=(str(error).removeprefix(f"{path}: "),))
    rows, failures = list[Row](), list[str]()
    for score in scores:
        try:
            rows += _rows(score, file, _worker_cache[key], options)
        except PartimentoError as error:
            failures.append(str(error))
    return Outcome(path, file.source, tuple(rows), tuple(failures))


def _rows(score: Score, file: SourceFile, tokens: Representation[Any], options: Options) -> Iterator[Row]:
    if len(score.parts) > options.max_parts:
        raise BadInput(f"more than {options.max_parts} parts")
    if len(score.notes) < options.min_notes:
        raise BadInput(f"fewer than {options.min_notes} notes")
    piece = content_hash(score)
    score = replace(score, tags=(style_of(score, file.style),))
    if options.annotate:
        score = annotated(regular(with_usual_instruments(score)), with_chords=int(piece[-1], 16) % 2 == 0)
    for window, task in tokens.windows(score, Compose(), options.context):
        encoded = tokens.encode(window, task)
        if len(window.notes):
            yield Row(
                encoded.ids.tolist(), len(encoded.prompt), piece, file.source, file.licence, score.title, score.tags[0],
                len(window.notes),
            )  # fmt: skip


def style_of(score: Score, default: str) -> str:
    """A style word from the tags or the title of a piece."""
    text = " ".join([*score.tags, score.title]).lower().replace("slipjig", "slip jig")
    if default not in ("folk", "none"):
        return default
    return next((word for word in _STYLE_WORDS if word in text.split() or (" " in word and word in text)), default)


def annotated(score: Score, with_chords: bool) -> Score:
    """The score with unknown modes, or its unknown key, estimated from the notes, and perhaps estimated chords."""
    if not len(score.keys):
        key, _ = estimate_key(score)
        score = replace(score, keys=np.array([(0, -1, key.fifths, key.mode_id)], KEY))
    elif (score.keys["mode"] == NO_MODE).any():
        keys = score.keys.copy()
        for row in keys[keys["mode"] == NO_MODE]:
            key, _ = estimate_key(score, int(row["fifths"]))
            keys["mode"][(keys["mode"] == NO_MODE) & (keys["fifths"] == row["fifths"])] = key.mode_id
        score = replace(score, keys=keys)
    if with_chords and not score.chords and len(score.measures):
        score = replace(score, chords=estimate_chords(score))
    return score

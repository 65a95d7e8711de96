"""From music to datasets: read, filter, annotate, deduplicate, split, encode; on one machine or many.

`prepare` works in a folder beside the dataset's place, shard by shard, and moves the dataset there when it is whole.
The same command goes on with a run that was stopped. Files that cannot be used are counted with their reasons; they
never stop the work, not even those that kill the process that reads them.

1. `shard.run_shard` for each shard of files: pieces and rows of tokens.
2. `verdicts.judge` for all pieces together: duplicates and splits; `merging.learn` where tokens are merged.
3. `writing.write_shard` for each shard of the dataset.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from partimento.data.prepare.crews import Alone, Crew, Pool
from partimento.data.prepare.finish import finish
from partimento.data.prepare.merging import learn
from partimento.data.prepare.options import Limits, Options
from partimento.data.prepare.pieces import content_hash
from partimento.data.prepare.progress import Progress
from partimento.data.prepare.report import Report, report_of
from partimento.data.prepare.verdicts import judge, split_of
from partimento.data.prepare.work import Load, Method, Work, open_work
from partimento.data.prepare.writing import plan_writing
from partimento.data.sources import find_files
from partimento.errors import BadInput, PartimentoError
from partimento.io import load_scores
from partimento.representations import REPRESENTATIONS, TEXT_REPRESENTATIONS, create, create_text

__all__ = ["Limits", "Options", "Report", "content_hash", "prepare", "split_of"]


def prepare(
    sources: Sequence[str],
    out: Path,
    *,
    representation: str = "remi",
    representation_config: dict[str, Any] | None = None,
    text: bool = False,
    options: Options | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    ray: str | None = None,
    fresh: bool = False,
    progress: bool = True,
    read: Load = load_scores,
) -> Report:
    """Write the dataset of some sources; see `sources.find_files` for what a source may be.

    Bytes do not depend on who does the work, nor on how often it was stopped.

    Args:
        sources: files, folders, `music21:NAME` or collections, in order of precedence among duplicates.
        out: dataset folder; must not exist.
        representation: registered name, with `representation_config`.
        text: whether rows are text, where there are tokens and text of that name.
        options: what is kept and how it is cut.
        limits: what one file may cost.
        workers: processes, all cores by default; 0: this one, without a guard against files that break it.
        ray: address of a Ray cluster (`auto`, `local` or `ray://…`) that does the work instead.
        fresh: whether to begin anew where a run was stopped.
        progress: whether to draw a bar.
        read: reads the pieces of a file; a function that workers can import.

    Raises:
        BadInput: a source is missing, `out` exists, another run was stopped here, or nothing usable was found.
        PartimentoError: the workers cannot work.
    """
    if out.exists():
        raise BadInput(f"{out}: exists already; name another folder or remove it")
    if representation not in (names := sorted({*REPRESENTATIONS, *TEXT_REPRESENTATIONS})):
        raise BadInput(f"there is no representation {representation!r}; choose from {', '.join(names)}")
    is_text = text or (representation in TEXT_REPRESENTATIONS and representation not in REPRESENTATIONS)
    if is_text and options and (options.transpose or options.swap or list(options.tempi) != [1.0]):
        raise BadInput("text is read as it is; --transpose, --tempi and --swap are for tokens")
    if options and options.merges and (is_text or representation == "bpe"):
        raise BadInput(
            f"--merges are for tokens of their own, such as remi or amt, and not for {representation} as it is"
        )
    made = (create_text if is_text else create)(representation, **(representation_config or {}))
    method = Method(made.name, made.config, options or Options(), is_text, f"{read.__module__}:{read.__qualname__}")
    work, licences = _opened(sources, out, method, fresh, progress)
    try:
        crew = _crew(work, workers, ray, limits or Limits())
        try:
            report = _carried_out(work, crew, licences, progress, sources)
        finally:
            crew.close()
    except PartimentoError:
        if not work.done():
            work.discard()
        raise
    work.deliver(out)
    return report


def _opened(
    sources: Sequence[str], out: Path, method: Method, fresh: bool, progress: bool
) -> tuple[Work, dict[str, str]]:
    """The work folder, and the licence of each source; the list of files is not kept."""
    say: Callable[[str], None] = print if progress else lambda message: None
    files = [file for source in sources for file in find_files(source, say)]
    work, is_old = open_work(out, method, files, fresh=fresh)
    if is_old:
        say(f"going on: {work.done()} of {work.shards} shards done")
    licences = dict[str, set[str]]()
    for file in files:
        licences.setdefault(file.source, set()).add(file.licence)
    return work, {source: "; ".join(sorted(names)) for source, names in licences.items()}


def _crew(work: Work, workers: int | None, ray: str | None, limits: Limits) -> Crew:
    if ray is not None:
        from partimento.data.prepare.on_ray import RayCrew  # an extra

        return RayCrew(work, ray, limits)
    if workers == 0:
        return Alone(work)
    return Pool(work, min(workers or os.cpu_count() or 1, work.shards), limits)


def _carried_out(work: Work, crew: Crew, licences: dict[str, str], progress: bool, sources: Sequence[str]) -> Report:
    _all_done(work, crew, "read", work.shards, progress)
    if work.method.options.dedup != "off" and not (work.folder / "verdicts.npy").exists():
        judge(work)
    if work.method.options.merges and not (work.folder / "merges.json").exists():
        learn(work)
    groups = plan_writing(work)
    work.dataset.mkdir(exist_ok=True)
    _all_done(work, crew, "wrote", groups, progress)
    report = report_of(work, groups)
    if not any(report.rows.values()):
        reason = report.reasons()[0][0] if report.failures else "no music"
        work.discard()
        raise BadInput(f"{', '.join(sources)}: no usable piece among {report.files} files ({reason})")
    finish(work, groups, report, licences, sources)
    return report


def _all_done(work: Work, crew: Crew, kind: str, shards: int, progress: bool) -> None:
    """Do the jobs that are not done yet."""
    counts = [work.counts(kind, shard) for shard in range(shards)]
    with Progress(kind, work.files, counts, progress) as bar:
        for done in crew.run(kind, [s for s, count in enumerate(counts) if count is None], bar.begun):
            bar.done(done)

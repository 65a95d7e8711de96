"""`partimento prepare`: music into datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from cyclopts import Group, Parameter

from partimento.cli.console import console, plain, table
from partimento.cli.flags import grouped
from partimento.data.prepare import Limits, Options, Report
from partimento.data.prepare import prepare as prepare_dataset
from partimento.errors import BadInput

_MOST_REASONS = 10
_ROWS, _MUSIC, _SPLITS, _VARIETY, _WORK = (
    Group(title, sort_key=rank)
    for rank, title in enumerate(
        (
            "How music becomes rows", "Which music is kept", "Splits", "Variety, made when the dataset is read",
            "How the work is done",
        ),
        1,
    )
)  # fmt: skip
_OPTIONS = {
    _ROWS: ("context", "chunks", "merges", "half", "annotate", "facts", "lyrics"),
    _MUSIC: (
        "min_notes", "max_notes", "min_seconds", "max_seconds", "min_bars", "max_bars", "min_parts", "max_parts",
        "instruments", "require", "licences", "dedup", "keep",
    ),
    _SPLITS: ("validation", "test"),
    _VARIETY: ("transpose", "tempi", "swap"),
}  # fmt: skip
if TYPE_CHECKING:
    from partimento.data.prepare import Limits as _Limits
    from partimento.data.prepare import Options as _Options
else:
    _Options, _Limits = grouped(Options, _OPTIONS), grouped(Limits, {_WORK: ("seconds", "megabytes")})
_DEFAULTS, _LIMITS = _Options(), _Limits()


def prepare(
    *sources: str,
    out: Path,
    representation: Annotated[str, Parameter(name=["--as", "--representation"])] = "remi",
    text: Annotated[bool, Parameter(negative="")] = False,
    option: tuple[str, ...] = (),
    options: Annotated[_Options, Parameter(name="*")] = _DEFAULTS,
    workers: Annotated[int | None, Parameter(group=_WORK)] = None,
    ray: Annotated[str | None, Parameter(group=_WORK)] = None,
    fresh: Annotated[bool, Parameter(group=_WORK, negative="")] = False,
    limits: Annotated[_Limits, Parameter(name="*")] = _LIMITS,
) -> None:
    """Turn folders of music into a dataset for training.

    Pieces are filtered, equal ones kept once, split, cut into rows and written as Parquet, with a card that names
    licences and sources. Files that cannot be used are counted, with the reasons in report.json. A run that was
    stopped goes on when the same command is given again.

    **Examples**

    - `partimento prepare my-music --out datasets/mine`
    - `partimento prepare music21:bach music21:ryansMammoth --out datasets/small --context 512`
    - `partimento prepare my-music --out datasets/duets --instruments flute --instruments guitar --max-seconds 300`
    - `partimento prepare my-music --out datasets/keys --transpose 6 --tempi 0.9 --tempi 1 --tempi 1.1`
    - `partimento prepare my-music --out datasets/short --merges 1000`
    - `partimento prepare scores --out datasets/rows --as chord_llama --context 3500`
    - `partimento prepare /shared/music --out /shared/datasets/large --ray auto`

    Args:
        sources: Files, folders, music21:NAME corpora, names of collections.
        out: Folder of the dataset; it must not exist.
        representation: How music becomes tokens (remi, amt, performance, abc) or text (chord_llama, event_json).
        text: Write text where there are tokens and text of that name (abc).
        option: Options of the representation, as name=value.
        workers: Processes; all cores by default. 0: this one, without a guard against files that break it.
        ray: Address of a Ray cluster (auto: the one on this machine) that does the work; it has to see the same files.
        fresh: Begin anew where a run was stopped.
    """
    if not sources:
        raise BadInput("no source is named; give files, folders, music21:NAME or the name of a collection")
    if workers is not None and workers < 0:
        raise BadInput(f"--workers {workers}: give 1 or more, or 0 to do without worker processes")
    report = prepare_dataset(
        sources, out, representation=representation, text=text, representation_config=dict(map(_setting, option)),
        options=_same(Options, options), limits=_same(Limits, limits), workers=workers, ray=ray, fresh=fresh,
    )  # fmt: skip
    print_report(report, out)


def _setting(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise BadInput(f"--option {text}: write name=value")
    return name, yaml.safe_load(value)


def _same(kind: type[Any], flags: Any) -> Any:
    """The options that flags stand for."""
    return kind(**{name: getattr(flags, name) for name in kind.__dataclass_fields__})


def print_report(report: Report, out: Path) -> None:
    """Print what became of the files."""
    terminal = console()
    rows = [
        (split, *(f"{counts[split]:,}" for counts in (report.kept, report.rows, report.tokens, report.notes)))
        for split in report.rows
    ]
    terminal.print(table(rows, ("split", "pieces", "rows", "tokens", "notes")))
    left_out = f"{len(report.failures):,} left out, " if report.failures else ""
    duplicates = f"{report.duplicates:,} duplicate{'s' * (report.duplicates != 1)}"
    counts = f"{report.files:,} files, {report.pieces:,} pieces, {left_out}{duplicates}"
    terminal.print(f"{plain(str(out))}: {counts}", markup=False, soft_wrap=True)
    for reason, count in report.reasons()[:_MOST_REASONS]:
        terminal.print(f"  {count:,} × {plain(reason)}", markup=False, soft_wrap=True)

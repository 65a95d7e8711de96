"""The last files of a dataset: its description, the table of its pieces, its report and its card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import pyarrow.parquet as pq

from partimento.data.dataset import SPLITS
from partimento.data.prepare.report import Report
from partimento.data.prepare.texts import text_fields
from partimento.data.prepare.work import Work, write_text
from partimento.data.prepare.writing import CATALOGUE
from partimento.data.sources import label
from partimento.representations import Representation, TextRepresentation


def finish(work: Work, groups: int, report: Report, licences: dict[str, str], sources: Sequence[str]) -> None:
    """Write what a dataset needs beside its shards.

    Args:
        work: its folder, all shards of the dataset done.
        groups: how many.
        report: counts.
        licences: licence of each source.
        sources: what was asked for.
    """
    with pq.ParquetWriter(work.dataset / "pieces.parquet", CATALOGUE, compression="zstd") as catalogue:
        for group in range(groups):
            catalogue.write_table(work.table("catalogue", group))
    for name, content in (
        ("dataset.json", _description(work, report, licences) | {"asked_sources": list(map(label, sources))}),
        ("report.json", asdict(report)),
    ):
        write_text(work.dataset / name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_text(work.dataset / "README.md", card(work, report, licences))


def _description(work: Work, report: Report, licences: dict[str, str]) -> dict[str, Any]:
    method, options = work.method, asdict(work.method.options)
    return _representation(work.said) | {
        "sources": sorted(report.sources),
        "licences": licences,
        "options": options,
        "augmentation": {name: options[name] for name in ("transpose", "tempi", "swap")},
        "made_by": {"partimento": method.version, "pyarrow": version("pyarrow"), "plan": work.fingerprint},
    }


def _representation(said: Representation[Any] | TextRepresentation) -> dict[str, Any]:
    named = {"name": said.name, **said.config}
    if isinstance(said, TextRepresentation):
        return {"text_representation": named, "fields": text_fields(said)}
    return {"representation": named, "vocabulary_size": len(said.tokens), "special": said.special._asdict()}


def card(work: Work, report: Report, licences: dict[str, str]) -> str:
    """Markdown that a person reads, with the front matter from which the Hugging Face library loads the splits."""
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in SPLITS:
        lines += [f"  - split: {split}", f"    path: {split}-*.parquet"]
    lines += ["- config_name: pieces", "  data_files: pieces.parquet", "tags: [music, symbolic-music]", "---"]
    options, tokens = asdict(work.method.options), sum(report.tokens.values())
    lines += [
        f"# Music as {_name(work)} {'text' if work.method.is_text else 'tokens'}",
        "",
        f"{sum(report.kept.values()):,} pieces from {', '.join(sorted(report.sources))}: "
        f"{sum(report.rows.values()):,} rows, {tokens:,} tokens, made by partimento {work.method.version}.",
        "",
        "| split | pieces | rows | tokens | notes |",
        "|---|---|---|---|---|",
        *(
            f"| {split} | {report.kept[split]:,} | {report.rows[split]:,} | {report.tokens[split]:,} "
            f"| {report.notes[split]:,} |"
            for split in SPLITS
        ),
        "",
        "## Sources and licences",
        "Whoever uses the dataset has to heed the licences of what it was made from.",
        "",
        "| source | pieces | licence |",
        "|---|---|---|",
        *(f"| {source} | {report.sources[source]:,} | {licences[source]} |" for source in sorted(report.sources)),
        "",
        "## How it was made",
        f"Of {report.files:,} files, {report.pieces:,} pieces could be used; {report.duplicates:,} repeat another one "
        f"and were left out, as were {len(report.failures):,} for the reasons in `report.json`. Pieces of equal notes, "
        "and versions of one work, lie in the same split.",
        "",
        "| option | value |",
        "|---|---|",
        *(f"| {name} | {_shown(value)} |" for name, value in options.items()),
        "",
        "`pieces.parquet` has one row per piece, `dataset.json` says what a row is.",
        "",
    ]
    return "\n".join(lines)


def _name(work: Work) -> str:
    return work.representation.name + (" with merged" if work.merges else "")


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "any"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {share}" for key, share in value.items()) or "all"
    return "none" if value is None else str(value)

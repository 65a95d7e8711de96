"""Plots of the page: tables whose numbers are drawn as bars, so that they can be read, copied and read aloud."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np


def bars(title: str, rows: Sequence[tuple[str, float]], note: str = "", unit: str = "") -> str:
    """A bar for each row, one below the other.

    Args:
        title: what is counted.
        rows: labels and counts.
        note: a line below the title.
        unit: what stands behind the counts.
    """
    if not rows:
        return ""
    most = max(count for _, count in rows) or 1
    total = sum(count for _, count in rows) or 1
    body = "".join(
        f'<tr title="{escape(label)}: {count / total:.1%}"><th scope="row">{escape(label)}</th>'
        f'<td><span class="bar" style="width:{100 * count / most:.2f}%"></span></td>'
        f"<td>{count:,.0f}{escape(unit)}</td></tr>"
        for label, count in rows
    )
    return _figure(title, note, f'<table class="bars">{body}</table>')


def histogram(title: str, values: Iterable[float], edges: Sequence[float], note: str = "", unit: str = "") -> str:
    """A column for each span between two edges; what lies outside counts to the first and last.

    Args:
        title: what is measured.
        values: the measurements, of any number.
        edges: ascending, shape (columns + 1,).
        note: a line below the title.
        unit: of values and edges.
    """
    data = np.asarray(list(values), float)
    if not len(data):
        return ""
    index = np.clip(np.searchsorted(edges, data, "right") - 1, 0, len(edges) - 2)
    counts = np.bincount(index, minlength=len(edges) - 1)
    spans = [f"{low:g}–{high:g}{unit}" for low, high in itertools.pairwise(edges)]
    columns = "".join(
        f'<li title="{escape(span)}: {count:,}"><span style="height:{100 * count / counts.max():.2f}%"></span></li>'
        for span, count in zip(spans, counts.tolist(), strict=True)
    )
    step = next(step for step in (5, 4, 3, 2, 1) if not len(counts) % step)
    ticks = "".join(f"<li>{edge:g}</li>" for edge in edges[:: len(counts) // step])
    middle, low, high = (np.percentile(data, p) for p in (50, 5, 95))
    summary = f"median {middle:,.4g}{unit}, nine of ten between {low:,.4g} and {high:,.4g}"
    shown = f'<ol class="columns">{columns}</ol><ol class="ticks">{ticks}</ol>'
    return _figure(title, f"{note} {summary}".strip(), shown)


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]], note: str = "") -> str:
    """A table; numbers are set right."""
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    if not body:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    return _figure(title, note, f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"


def _figure(title: str, note: str, inside: str) -> str:
    caption = escape(title) + (f"<small>{escape(note)}</small>" if note else "")
    return f"<figure><figcaption>{caption}</figcaption>{inside}</figure>"

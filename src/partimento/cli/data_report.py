"""`partimento data report`: what is in a dataset, as a page."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console
from partimento.data.report import survey, write_page


def report(
    dataset: Path,
    /,
    *,
    out: Path | None = None,
    show: Annotated[bool, Parameter(name=["--open"], negative=())] = False,
) -> None:
    """Write a page that shows what is in a dataset.

    Licences, durations, keys, meters, tempi, instruments, token lengths, what was left out and why, duplicates, and
    whether something stands on both sides of the split. One HTML file without scripts, to open in any browser.

    **Examples**

    - `partimento data report datasets/mine`
    - `partimento data report datasets/mine --out mine.html --open`

    Args:
        dataset: Folder that prepare has made.
        out: File to write; report.html in the folder by default.
        show: Open the page in the browser.
    """
    page = out or dataset / "report.html"
    found = survey(dataset)
    write_page(found, page)
    leaks = found.leakage.clusters + sum(found.leakage.rows.values())
    verdict = (
        f"{leaks:,} things stand on both sides of the split" if leaks else "nothing stands on both sides of the split"
    )
    console().print(f"{page}: {verdict}", markup=False, soft_wrap=True)
    if show:
        webbrowser.open(page.resolve().as_uri())

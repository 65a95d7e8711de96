"""What the commands that read files share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console, plain
from partimento.errors import BadFile, BadInput
from partimento.io import load_scores
from partimento.score import Score

NOTATION = {".musicxml", ".xml", ".mxl", ".abc"}
"""Endings of files that hold notation rather than a performance."""
Tune = Annotated[int, Parameter(name=["--tune"])]


def load_tune(path: Path, tune: int = 1) -> Score:
    """A piece of a file, counted from 1.

    Raises:
        BadFile: the file cannot be read, or has fewer pieces.
    """
    scores = load_scores(path)
    if not scores:
        raise BadFile(path, "there is no music in it")
    if not 1 <= tune <= len(scores):
        raise BadInput(f"--tune {tune}: {path} has {len(scores)} tune{'s' * (len(scores) > 1)}")
    if len(scores) > 1:
        console().print(f"tune {tune} of {len(scores)}: {plain(scores[tune - 1].title) or 'untitled'}", markup=False)
    return scores[tune - 1]

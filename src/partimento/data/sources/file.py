"""A file of music, and all that its source says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of music, and under what name and licence it comes."""

    path: Path
    source: str
    licence: str
    style: str
    requires: str = ""
    """Text without which the file does not belong (a statement of licence)."""
    caption: str = ""
    """What the source says of the piece in a sentence."""
    split: str = ""
    """`train`, `validation` or `test` where the source says so."""
    work: str = ""
    """Id of the work; files with the same id are versions of it, and belong on one side of a split."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    """What else the source says of the piece, under the source's own names."""
    text: str = ""
    """The text representation that the file is written in, where its ending is no format of music."""

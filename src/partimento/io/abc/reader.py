"""Reads ABC tune books."""

from __future__ import annotations

import logging
import re

from partimento.errors import BadFile
from partimento.io.abc.assemble import assemble
from partimento.io.abc.text import decode, tunes
from partimento.io.abc.tune import Tune
from partimento.score import Score

MAX_TUNES = 4_000
_log = logging.getLogger("partimento.io")


def read(data: bytes, name: str) -> tuple[Score, ...]:
    """The tunes of an ABC file, one score each; tunes without notes are left out.

    Raises:
        BadFile: nothing in the file is a tune with notes, or one is absurdly long.
    """
    if b"\0" in data[:1000] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(name, "this is no text; ABC is plain text with lines such as X:1 and K:D")
    books = len(re.findall(rb"(?m)^X:", data))
    if books > MAX_TUNES:
        raise BadFile(name, f"{books:,} tunes; split the book into files of at most {MAX_TUNES:,}")
    scores = tuple(score for lines in tunes(decode(data)) if (score := _read_tune(lines, name)) is not None)
    if not scores:
        raise BadFile(name, "no tune with notes in it; a tune begins with X:1 and has its music behind a K: line")
    return scores


def _read_tune(lines: list[str], name: str) -> Score | None:
    tune = Tune()
    try:
        tune.take(lines)
    except OverflowError as error:
        raise BadFile(name, str(error)) from None
    score = assemble(tune, name)
    if tune.lost:
        _log.warning("%s: tune %s: left out: %s", name, tune.number, ", ".join(sorted(tune.lost)))
    if score is None:
        _log.warning("%s: tune %s has no notes", name, tune.number)
    return score

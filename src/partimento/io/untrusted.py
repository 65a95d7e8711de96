"""Reads a file from outside in a process of its own, with limits on time and memory."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from itertools import accumulate, pairwise
from pathlib import Path

from partimento.errors import BadFile
from partimento.io.transfer import unpack
from partimento.score import Score

MAX_MEGABYTES = 512
MAX_SECONDS = 20

_BROKEN = "it breaks the reader; please report it"
_log = logging.getLogger("partimento.io")


def read_untrusted(
    data: bytes, path: Path, *, max_megabytes: int = MAX_MEGABYTES, max_seconds: int = MAX_SECONDS
) -> tuple[Score, ...]:
    """The pieces in a file's content, read by a process that may die of it.

    Args:
        data: the whole file.
        path: its name, whose ending says the format; it is not opened.
        max_megabytes: memory that reading may take beside the program itself, in MiB (Linux).
        max_seconds: processor time that reading may take; the whole is stopped after twice as long.

    Raises:
        BadFile: the file is damaged, or reading it passes a limit or breaks the reader.
    """
    command = [sys.executable, "-P", "-m", "partimento.io.worker", path.name, str(max_megabytes), str(max_seconds)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=2 * max_seconds + 5, env=environment)
    except subprocess.TimeoutExpired:
        raise BadFile(path, f"reading it takes longer than {max_seconds} s") from None
    if done.returncode:
        raise BadFile(path, _cause_of_death(done.returncode, max_seconds))
    try:
        return _scores(done.stdout, path)
    except (ValueError, KeyError, TypeError) as error:  # a reader taken over may say anything
        raise BadFile(path, _BROKEN) from error


def _scores(answer: bytes, path: Path) -> tuple[Score, ...]:
    line, _, packed = answer.partition(b"\n")
    head = json.loads(line)
    for warning in head["warnings"]:
        _log.warning("%s", warning)
    if "reason" in head:
        raise BadFile(path, str(head["reason"]))
    ends = [0, *accumulate(head["lengths"])]
    return tuple(unpack(packed[start:end]) for start, end in pairwise(ends))


def _cause_of_death(status: int, max_seconds: int) -> str:
    killed_for_time = (-24, -9)  # SIGXCPU, and SIGKILL a second later
    if status in killed_for_time:
        return f"reading it takes longer than {max_seconds} s"
    return _BROKEN

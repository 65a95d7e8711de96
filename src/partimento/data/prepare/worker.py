"""A process that works on shards: `python -m partimento.data.prepare.worker WORK BEAT MEGABYTES < jobs`.

A job is a line of JSON on stdin: kind, number of the shard, files to skip. The answer is a line of JSON on stdout.
Which file is being read stands in the file BEAT, which outlives the process if that file kills it. Whoever started
the process holds the other end of stdin; when that closes, the process ends, even in the middle of a shard.
"""

from __future__ import annotations

import gc
import json
import logging
import mmap
import os
import queue
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from partimento.data.prepare.shard import Beat, run_shard
from partimento.data.prepare.work import Work
from partimento.data.prepare.writing import write_shard
from partimento.io.worker import limit_memory

BEAT = struct.Struct("<qq")
"""Files begun since the process started, and the position of the present one in its shard (−1: none)."""


def do(work: Work, kind: str, shard: int, skip: dict[int, str], beat: Beat) -> dict[str, Any]:
    """One job."""
    return run_shard(work, shard, skip, beat) if kind == "read" else write_shard(work, shard)


def main() -> None:
    """Do the jobs on stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent ends its workers
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    logging.getLogger("partimento").setLevel(logging.ERROR)
    work, beat = Work(Path(sys.argv[1])), _beat(Path(sys.argv[2]))
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    gc.freeze()  # what is loaded stays, and need not be looked through again and again
    limit_memory(int(sys.argv[3]) * 2**20)
    while True:
        _answer(answers, work, jobs.get(), beat)


def _answer(answers: BinaryIO, work: Work, job: dict[str, Any], beat: Beat) -> None:
    skip = {int(position): reason for position, reason in job["skip"].items()}
    try:
        answer = do(work, job["kind"], job["shard"], skip, beat)
    except OSError as error:
        answer = {"error": f"{error.filename or work.folder}: {error.strerror or error}"}
    beat(-1)
    answers.write(json.dumps(answer).encode() + b"\n")


def _listen(jobs: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(json.loads(line))
    os._exit(0)


def _beat(path: Path) -> Beat:
    with path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), BEAT.size)
    begun = 0

    def beat(position: int) -> None:
        nonlocal begun
        begun += position >= 0
        BEAT.pack_into(shared, 0, begun, position)

    return beat


if __name__ == "__main__":
    main()

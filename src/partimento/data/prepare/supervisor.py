"""A worker process and who watches over it: a file that kills it, or that takes too long, is skipped and recorded."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from partimento.data.prepare.options import Limits
from partimento.data.prepare.worker import BEAT
from partimento.errors import PartimentoError

_DEATHS_OUTSIDE_FILES = 3


class Supervisor:
    """Does jobs, one after the other, in a process of its own, which is started again when it dies.

    A file at which the process dies, or that takes longer than the limit, is tried once more; then it is guilty.
    """

    def __init__(self, work: Path, limits: Limits) -> None:
        """`work`: the work folder."""
        self._work, self._limits = work, limits
        self._process: subprocess.Popen[bytes] | None = None
        handle, name = tempfile.mkstemp(prefix="partimento-beat-")
        os.close(handle)
        self._beat_file = Path(name)
        self._rest()
        self._begun, self._hung, self._closed = 0, False, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def run(self, kind: str, shard: int) -> dict[str, Any]:
        """Do a job, whatever the files do to the worker.

        Raises:
            PartimentoError: the worker dies outside of any file, or cannot write; or `close` was called meanwhile.
        """
        skip, suspects, deaths = dict[int, str](), set[int](), 0
        while True:
            answer = self._try(kind, shard, skip)
            if answer is not None:
                if "error" in answer:
                    raise PartimentoError(answer["error"])
                return answer
            if self._closed.is_set():
                raise PartimentoError("stopped")
            position, reason = self._beat()[1], self._cause_of_death()
            if position < 0 and (deaths := deaths + 1) == _DEATHS_OUTSIDE_FILES:
                raise PartimentoError(f"a worker ends before it has done anything ({reason})")
            if position in suspects:
                skip[position] = reason
            suspects.add(position)

    @property
    def files_begun(self) -> int:
        """Files that were begun since the supervisor was made."""
        return self._begun + self._beat()[0]

    def close(self) -> None:
        """End the process, also in the middle of a job."""
        self._closed.set()
        if self._process is not None:
            self._process.kill()
            _bury(self._process)
        self._beat_file.unlink(missing_ok=True)

    def _try(self, kind: str, shard: int, skip: dict[int, str]) -> dict[str, Any] | None:
        """The worker's answer, None if it dies."""
        process = self._alive()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"kind": kind, "shard": shard, "skip": skip}).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        if line.endswith(b"\n"):
            return json.loads(line)
        _bury(process)
        return None

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._begun = self.files_begun
            self._rest()
            self._hung = False
            command = [sys.executable, "-P", "-m", "partimento.data.prepare.worker", str(self._work)]
            self._process = subprocess.Popen(
                [*command, str(self._beat_file), str(self._limits.megabytes)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(),
            )  # fmt: skip
        return self._process

    def _rest(self) -> None:
        """No file is being read. The beat is overwritten in place, since others read it meanwhile."""
        with self._beat_file.open("r+b") as file:
            file.write(BEAT.pack(0, -1))

    def _beat(self) -> tuple[int, int]:
        try:
            return BEAT.unpack(self._beat_file.read_bytes())
        except OSError:  # closed
            return 0, -1

    def _watch(self) -> None:
        """Kill the worker when a file takes too long."""
        seen, since = (0, -1), time.monotonic()
        while not self._closed.wait(min(1.0, self._limits.seconds / 5)):
            if (now := self._beat()) != seen or now[1] < 0:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > self._limits.seconds and self._process is not None:
                self._hung = True
                self._process.kill()
                since = time.monotonic()

    def _cause_of_death(self) -> str:
        if self._hung:
            return f"it takes longer than {self._limits.seconds:g} s"
        status = self._process.returncode if self._process is not None else 0
        return f"it breaks the reader (status {status}); please report it"


def _bury(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a process and close its pipes."""
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError, ValueError):  # what was not sent yet; or another thread reads
            if pipe is not None:
                pipe.close()


def environment() -> dict[str, str]:
    """One thread per worker; modules are found where this process finds them; memory is kept from file to file.

    The last spares a fifth of the time where glibc hands memory out: it would give every larger array back at once.
    """
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {"MALLOC_TOP_PAD_": "4194304", "MALLOC_MMAP_THRESHOLD_": "16777216", "MALLOC_TRIM_THRESHOLD_": "33554432"}
    return os.environ | single | kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

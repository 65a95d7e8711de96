"""The process that reads a file from outside: `python -m partimento.io.worker NAME MEGABYTES SECONDS < file`.

It answers on stdout with one line of JSON and behind it the packed scores. Its memory and processor time are
limited by the operating system; what it starts with (Python and libraries) does not count.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from partimento.errors import BadFile
from partimento.io.formats import format_of
from partimento.io.transfer import pack

_MOST_WARNINGS = 100


def main() -> None:
    """Read the file on stdin."""
    name, megabytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    warnings = _collected_warnings()
    data = sys.stdin.buffer.read()
    answer: dict[str, object] = {}
    packed: list[bytes] = []
    try:
        limit(megabytes * 2**20, seconds)
        packed = [pack(score) for score in format_of(name).read(data, name)]
    except BadFile as error:
        answer["reason"] = error.reason
    except MemoryError:
        answer["reason"] = f"reading it takes more than {megabytes} MiB of memory"
    except RecursionError:
        answer["reason"] = "it is nested too deeply"
    answer |= {"lengths": [len(score) for score in packed], "warnings": warnings[:_MOST_WARNINGS]}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + b"".join(packed))


def limit(memory_bytes: int, seconds: int) -> None:
    """Let this process have so much more memory and processor time than it has now, where the system can say so."""
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the only limit
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, used + seconds + 2))
    limit_memory(memory_bytes)


def limit_memory(memory_bytes: int) -> None:
    """Let this process have so much more memory than it has now, where the system can say so (Linux)."""
    status = Path("/proc/self/statm")
    if status.exists():
        import resource

        size = int(status.read_text().split()[0]) * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _collected_warnings() -> list[str]:
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage()[:1000])
    logger = logging.getLogger("partimento.io")
    logger.addHandler(handler)
    logger.propagate = False
    return warnings


if __name__ == "__main__":
    main()

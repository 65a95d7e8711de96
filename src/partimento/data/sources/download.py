"""Files from servers: resumed where they were cut off, and checked.

What is loaded stands in `NAME.part` until it is whole; `NAME.part.json` beside it says by what the server can tell
whether the rest still belongs to it (RFC 9110: ETag, Last-Modified, If-Range).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, NamedTuple

from partimento.data.sources.entry import Remote
from partimento.data.sources.progress import Moved, bar
from partimento.data.sources.web import Beyond, Passing, Web, patiently
from partimento.errors import BadFile, BadInput
from partimento.io import write_bytes

MAX_FILE_BYTES = 64 * 2**30
MARGIN_BYTES = 64 * 2**20
"""Room that a download leaves on the disk."""
_BLOCK_BYTES = 1 << 18


class Part(NamedTuple):
    """What a server said of a file of which a part is loaded."""

    url: str
    validator: str = ""
    """Changes with the file: a strong ETag or the time of its last change; empty where the server gives neither."""
    total: int = -1
    """Bytes of the whole file; −1 where the server does not say."""


def download(remote: Remote, target: Path, web: Web) -> str:
    """Load a file, or the rest of it, into its place.

    Args:
        remote: the file; its size and checksum are held to.
        target: its place; a part of it may stand beside it.
        web: how servers are asked.

    Returns:
        `sha256:…` of the file.

    Raises:
        BadInput: it cannot be had, is not what it should be, or there is no room for it. What is loaded of it is
            kept, unless it is wrong.
    """
    part = target.with_name(target.name + ".part")
    if not target.exists():
        with _room(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        with bar(remote.name, remote.bytes, web.bars) as moved:
            sizes = [_size(part)]

            def came_on() -> bool:
                sizes.append(_size(part))
                return sizes[-1] > sizes[-2]

            patiently(web, web.place(remote.url), lambda: _load(remote, part, web, moved), came_on)
        _note(part).unlink(missing_ok=True)
        part.rename(target)
    return _checked(remote, target)


def digest(path: Path, algorithm: str = "sha256") -> str:
    """`algorithm:…` of a file's content."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _checked(remote: Remote, target: Path) -> str:
    found = digest(target)
    algorithm = remote.checksum.partition(":")[0]
    if remote.checksum and (found if algorithm == "sha256" else digest(target, algorithm)) != remote.checksum:
        target.unlink()
        raise BadInput(
            f"{remote.name}: is not what was published ({remote.checksum[:15]}… expected, {found[:15]}… found); "
            "it was deleted, try again"
        )
    return found


def _load(remote: Remote, part: Path, web: Web, moved: Moved) -> None:
    """The rest of a file; all of it where neither the server nor a checksum can tell that it is the rest."""
    have, told = _size(part), _told(part)
    if told.url != remote.url or not (told.validator or remote.checksum):
        have = 0
    if have and have == told.total:
        return
    asked = {"Range": f"bytes={have}-"} if have else {}
    if have and told.validator:
        asked["If-Range"] = told.validator
    try:
        with web.open(remote.url, asked) as response:
            at = _start(response)
            if at not in (0, have):
                raise Passing("the server sent another part than it was asked for")
            total = _total(response, at)
            _expect(remote, part, at, total, web)
            write_bytes(_note(part), json.dumps(Part(remote.url, _validator(response), total)).encode())
            _copy(response, part, at, total, moved)
    except Beyond:
        part.unlink(missing_ok=True)
        raise
    if total >= 0 and _size(part) != total:
        raise Passing(f"the connection was cut after {_size(part):,} of {total:,} bytes")


def _expect(remote: Remote, part: Path, at: int, total: int, web: Web) -> None:
    """Refuse a file of the wrong size before it is loaded, and one for which there is no room."""
    if remote.checksum and remote.bytes and total not in (-1, remote.bytes):
        raise BadInput(f"{remote.name}: the server has {total:,} bytes, {remote.bytes:,} were published")
    if total > MAX_FILE_BYTES:
        raise BadInput(f"{remote.name}: larger than {MAX_FILE_BYTES >> 30} GiB")
    size = total if total >= 0 else remote.bytes
    needed, free = size - at + MARGIN_BYTES, web.free_bytes(part.parent)
    if needed > free:
        raise BadInput(
            f"{part.parent}: {needed >> 20:,} MiB are needed for {remote.name}, {free >> 20:,} are free; make room "
            "or name another folder with PARTIMENTO_CACHE"
        )


def _copy(response: HTTPResponse, part: Path, at: int, total: int, moved: Moved) -> None:
    with _written(part, "ab" if at else "wb") as file:
        while block := _block(response):
            at += len(block)
            if at > (total if total >= 0 else MAX_FILE_BYTES):
                raise BadInput(f"{part.name}: the server sends more than it said")
            with _room(part):
                file.write(block)
                file.flush()
            moved(at, total)


def _block(response: HTTPResponse) -> bytes:
    try:
        return response.read1(_BLOCK_BYTES)
    except (OSError, HTTPException):
        raise Passing("the connection was cut") from None


def _written(part: Path, mode: str) -> IO[bytes]:
    with _room(part):
        return part.open(mode)


@contextmanager
def _room(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise BadFile(path, f"cannot be written ({(error.strerror or 'error').lower()})") from None


def _start(response: HTTPResponse) -> int:
    """Where the answer begins in the file, in bytes."""
    if response.status != 206:
        return 0
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _total(response: HTTPResponse, at: int) -> int:
    found = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    if response.status == 206 and found:
        return int(found[1])
    length = response.headers.get("Content-Length", "")
    return at + int(length) if length.isdecimal() else -1


def _validator(response: HTTPResponse) -> str:
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _told(part: Path) -> Part:
    try:
        url, validator, total = json.loads(_note(part).read_bytes())
        return Part(str(url), str(validator), int(total))
    except (OSError, ValueError, TypeError):
        return Part("")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

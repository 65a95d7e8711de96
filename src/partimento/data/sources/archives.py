"""Archives from servers, unpacked with suspicion.

A name that points out of the folder condemns the whole archive; links, devices and other things that are no files are
left out. Numbers and sizes are bounded, before and while anything is written, whatever the archive says of itself.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from partimento.data.sources.progress import Moved
from partimento.errors import BadFile, BadInput

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    gzip.BadGzipFile,
    NotImplementedError,
    ValueError,
)
_HEADERS_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold."""

    members: int = 2_000_000
    """Most members."""
    member_bytes: int = 512 * 2**20
    """Most bytes of one member that is unpacked."""
    bytes: int = 64 * 2**30
    """Most bytes of all members together."""
    ratio: int = 200
    """Unpacked to packed size; small archives may have more."""
    small_bytes: int = 64 * 2**20
    """What may be unpacked whatever the ratio."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What became of an archive."""

    files: int
    bytes: int
    left_out: int
    """Links, devices and the like among the members that were wanted."""
    checksum: str
    """`sha256:…` over names and contents, whatever the order and the packing."""


Wanted = Callable[[PurePosixPath], PurePosixPath | None]
"""Name of a member ▶ its name in the folder, or None where it is not unpacked."""


def wanted(folder: str, strip: int, suffixes: tuple[str, ...]) -> Wanted:
    """Members below a folder with one of the endings, without the first folders of their names."""

    def name(member: PurePosixPath) -> PurePosixPath | None:
        inside = PurePosixPath(*member.parts[strip:])
        below = not folder or inside.is_relative_to(folder)
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in inside.parts)
        return inside if below and not hidden and inside.suffix.lower() in suffixes else None

    return name


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive that can be unpacked."""
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))


def unpack(
    archive: Path, folder: Path, name: Wanted, limits: Limits | None = None, moved: Moved = lambda at, total: None
) -> Unpacked:
    """Unpack some members of a zip, tar or tar.gz into a folder; it holds part of them where that fails.

    Raises:
        BadInput: the archive is damaged, points out of the folder, or passes a limit.
    """
    limits = limits or Limits()
    packed = archive.stat().st_size
    most = min(limits.bytes, max(limits.small_bytes, limits.ratio * packed))
    seen = total = files = left_out = 0
    contents = list[tuple[str, bytes]]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with archive.open("rb") as file:
            members = _zip_members if file.read(2) == b"PK" else _tar_members
        for member in members(archive, limits):
            seen, total = seen + 1, total + member.bytes
            moved(member.at, packed)
            if seen > limits.members or total > most:
                raise BadInput(f"{archive.name}: too large for what it is, {seen:,} members with {total >> 20:,} MiB")
            place = name(_trusted(archive, member.name))
            if place is None:
                continue
            if not member.is_file:
                left_out += 1
                continue
            contents.append((place.as_posix(), _write(member, folder / place, limits, archive)))
            files += 1
    except _DAMAGED as error:
        raise BadInput(f"{archive.name}: the archive is damaged ({str(error).lower() or 'it ends early'})") from None
    except RuntimeError:
        raise BadInput(f"{archive.name}: a member is encrypted") from None
    except OSError as error:
        raise BadFile(folder, f"cannot be written ({(error.strerror or str(error)).lower()})") from None
    whole = hashlib.sha256()
    for target, content in sorted(contents):
        whole.update(target.encode("utf-8", "surrogateescape") + b"\0" + content)
    return Unpacked(files, total, left_out, f"sha256:{whole.hexdigest()}")


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    bytes: int
    is_file: bool
    at: int
    """Where it stands in the archive, in bytes."""
    open: Callable[[], IO[bytes]]


def _trusted(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name.split("/")[0] or "\0" in name:
        raise BadInput(f"{archive.name}: {name!r} points out of the folder; the archive is not to be trusted")
    return path


def _write(member: _Member, target: Path, limits: Limits, archive: Path) -> bytes:
    """Write a member; gives the hash of its content."""
    if member.bytes > limits.member_bytes:
        raise BadInput(f"{archive.name}: {member.name} is larger than {limits.member_bytes >> 20} MiB")
    target.parent.mkdir(parents=True, exist_ok=True)
    content = hashlib.sha256()
    with member.open() as source, target.open("wb") as file:
        while block := source.read(_BLOCK_BYTES):  # never more than the member says it has
            content.update(block)
            file.write(block)
    return content.digest()


def _zip_members(archive: Path, limits: Limits) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            if not info.filename.endswith("/"):
                kind = info.external_attr >> 28  # the type of a file on Unix; 0 where it was packed elsewhere
                yield _Member(
                    info.filename,
                    info.file_size,
                    kind in (0, 8),
                    info.header_offset,
                    lambda info=info: zipped.open(info),
                )


def _tar_members(archive: Path, limits: Limits) -> Iterator[_Member]:
    with archive.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = _Metered(cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw)
        with tarfile.open(fileobj=cast(Any, stream), mode="r|", bufsize=tarfile.RECORDSIZE) as tar:
            while (info := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                stream.left = min(info.size, limits.bytes) + _HEADERS_BYTES
                if not info.isdir():
                    whole = info.isreg() and not info.issparse()
                    yield _Member(info.name, info.size, whole, raw.tell(), lambda info=info: _extracted(tar, info))
            _ended(cast(IO[bytes], tar.fileobj))


def _ended(stream: IO[bytes]) -> None:
    """Read to the end, where a gzip's checksum is compared; tarfile takes a damaged header for the end."""
    while block := stream.read(_BLOCK_BYTES):
        if any(block):
            raise tarfile.ReadError("a header is wrong")


def _extracted(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(info)
    if file is None:
        raise tarfile.ReadError(f"{info.name} has no content")
    return file


class _Metered:
    """A stream that ends in an error where headers, which tarfile reads whole, pass all bounds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.left = _HEADERS_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise tarfile.ReadError("a header passes all bounds")
        return data

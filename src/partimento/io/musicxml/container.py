"""The outer shell of MusicXML files: `.mxl` archives, and XML text that cannot do harm."""

from __future__ import annotations

import io
import logging
import zipfile
import zlib
from collections.abc import Sequence

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadFile
from partimento.io.musicxml.content import Element

MAX_MEMBERS = 1000
MAX_BYTES = 64 * 2**20
"""Most bytes of one score as XML; the longest symphony movement in OpenScore has 13 MB."""
MAX_TAGS = 4_000_000
"""Most tags of one score; that movement has 630,000."""
MAX_RATIO = 200
"""Most times that a member may grow; real scores grow 60-fold at most."""

_log = logging.getLogger("partimento.io")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SUFFIXES = (".xml", ".musicxml")
_CONTAINER = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<container>\n  <rootfiles>\n'
    b'    <rootfile full-path="score.xml" media-type="application/vnd.recordare.musicxml+xml"/>\n'
    b"  </rootfiles>\n</container>\n"
)


def unpack(data: bytes, name: str) -> bytes:
    """The XML text of a MusicXML file, compressed or not.

    Raises:
        BadFile: the archive is damaged, hostile or holds no score, or the text is too long.
    """
    if data[:2] == b"PK":
        return _unzip(data, name)
    if len(data) > MAX_BYTES:
        raise BadFile(name, f"{len(data)} bytes of XML, more than {MAX_BYTES}; split the score")
    return data


def pack(xml: bytes) -> bytes:
    """XML text as an `.mxl` archive; equal text gives equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in (("META-INF/container.xml", _CONTAINER), ("score.xml", xml)):
            archive.writestr(zipfile.ZipInfo(member, _EPOCH), content, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def parse(text: bytes, name: str) -> Element:
    """Root element of XML text, read without entities, DTDs and network; nesting is bounded by libxml2 (256).

    Raises:
        BadFile: the text is not well-formed XML, declares entities or has too many tags.
    """
    if text.count(b"<") > MAX_TAGS:
        raise BadFile(name, f"more than {MAX_TAGS} tags; split the score")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # halves the time
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadFile(name, f"damaged XML: {error}; export it again") from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise BadFile(name, "declares XML entities, which scores do not need; remove its <!ENTITY> lines")
    return root


def _unzip(data: bytes, name: str) -> bytes:
    if (count := data.count(b"PK\x01\x02")) > MAX_MEMBERS:  # before zipfile makes objects of them
        raise BadFile(name, f"an archive of {count} members; a score has two or three")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: info for info in archive.infolist()}
            _check(archive.infolist(), name)
            return _member(archive, members[_root_member(archive, members, name)], name)
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        ValueError,
        zlib.error,
    ) as error:
        raise BadFile(name, f"damaged archive: {error}; export it again") from error


def _check(infos: Sequence[zipfile.ZipInfo], name: str) -> None:
    """Refuse members that leave the folder into which they might be unpacked, or that share their bytes."""
    for info in infos:
        path = info.filename.replace("\\", "/")
        if path.startswith("/") or ".." in path.split("/") or ":" in path.split("/")[0]:
            raise BadFile(name, f"an archive with a member outside its folder, {info.filename!r:.80}")
    if len({info.header_offset for info in infos}) < len(infos):
        raise BadFile(name, "an archive whose members overlap; export it again")


def _root_member(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str) -> str:
    container = members.get("META-INF/container.xml")
    if container is not None:
        try:
            root = parse(_member(archive, container, name), name)
            path = next((element.get("full-path", "") for element in root.iter("{*}rootfile")), "")
            if path in members:
                return path
        except BadFile as error:
            _log.warning("%s: container.xml is no use (%s); took the first score inside", name, error.reason)
    scores = [n for n in members if n.lower().endswith(_SUFFIXES) and not n.startswith("META-INF/")]
    if not scores:
        raise BadFile(name, "no score inside; an .mxl archive holds a .musicxml or .xml file")
    return scores[0]


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadFile(name, f"{info.filename} is packed by method {info.compress_type}; pack it with deflate")
    if info.file_size > min(MAX_BYTES, MAX_RATIO * max(info.compress_size, 1024)):
        raise BadFile(name, f"{info.filename} would unpack to {info.file_size} bytes; no score does that")
    with archive.open(info) as stream:  # the header may lie about the size
        content = stream.read(info.file_size + 1)
    if len(content) > info.file_size:
        raise BadFile(name, f"{info.filename} is longer than its header says")
    return content

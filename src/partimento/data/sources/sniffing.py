"""What kind of music some bytes or a text are."""

from __future__ import annotations

import re

_LOOK = 1 << 16
_MUSICXML = re.compile(r"<(score-partwise|score-timewise)\b")
_ABC_KEY = re.compile(r"^K:", re.MULTILINE)
_ABC_START = re.compile(r"^(X:|T:|M:|L:)", re.MULTILINE)
_CHORD_LLAMA = re.compile(r"""^[\s-]*["']?a\d\d+_[a-z]""", re.MULTILINE)
_EVENTS = re.compile(r'^\{.*"music"\s*:\s*\[', re.DOTALL)


def kind_of(value: bytes | str) -> tuple[str, str] | None:
    """The ending that a file with this content should have, and the text representation that it is written in.

    Returns:
        (`.mid`, ``) and the like; (`.json`, `event_json`) for text that is no format of files; None for what is no
        music.
    """
    return _bytes(value) if isinstance(value, bytes) else _text(value)


def _bytes(value: bytes) -> tuple[str, str] | None:
    if value[:4] == b"MThd":
        return ".mid", ""
    if value[:4] == b"RIFF" and value[8:12] == b"RMID":
        return ".rmi", ""
    if value[:2] == b"PK":
        return ".mxl", ""
    try:
        return _text(value.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None


def _text(value: str) -> tuple[str, str] | None:
    start = value[:_LOOK].lstrip("\ufeff \t\r\n")
    if start[:1] == "<":
        return (".musicxml", "") if _MUSICXML.search(start) else None
    if _ABC_KEY.search(start) and _ABC_START.search(start):
        return ".abc", ""
    if _CHORD_LLAMA.search(start):
        return ".yaml", "chord_llama"
    if _EVENTS.match(start):
        return ".json", "event_json"
    return None

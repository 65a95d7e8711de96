"""ABC as text: encodings, escaped letters, and how a file divides into tunes."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Iterator

_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_COMBINING = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", "u": "\u0306",
    "v": "\u030c", "c": "\u0327", ",": "\u0327", "H": "\u030b", ".": "\u0307", ";": "\u0328",
}  # fmt: skip
_LIGATURES = {
    "/O": "Ø", "/o": "ø", "AA": "Å", "aa": "å", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "ss": "ß",
    "cC": "Ç", "cc": "ç", "DH": "Ð", "dh": "ð", "TH": "Þ", "th": "þ",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:u(?P<hex>[0-9A-Fa-f]{4})|(?P<ligature>/O|/o|AA|aa|AE|ae|OE|oe|ss|cC|cc|DH|dh|TH|th)"
    r"|(?P<accent>[`'^~\"=uvc,H.;])(?P<letter>[A-Za-z])|(?P<plain>[\\%&]))"
)
_COMMENT = re.compile(r"(?<!\\)%.*")


def decode(data: bytes) -> str:
    """Text of a file: UTF-8 or UTF-16 with a mark, else UTF-8, else Latin-1."""
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def unescape(text: str) -> str:
    r"""Plain text of letters that ABC spells in ASCII (`\'e`, `\ss`, `\u00e9`, `&eacute;`), spaces single."""
    if "\\" in text:
        text = _ESCAPE.sub(_letter, text)
    return " ".join((html.unescape(text) if "&" in text else text).split())


def _letter(match: re.Match[str]) -> str:
    if match["hex"]:
        return chr(int(match["hex"], 16))
    if match["accent"]:
        return unicodedata.normalize("NFC", match["letter"] + _COMBINING[match["accent"]])
    return _LIGATURES.get(match["ligature"] or "", match["plain"] or "")


def without_comment(line: str) -> str:
    """The line up to an unescaped `%`; directives (`%%…`) stay."""
    if line.startswith("%%"):
        return re.sub(r"\s%(?!%).*", "", line)
    return _COMMENT.sub("", line) if "%" in line else line


def tunes(text: str) -> Iterator[list[str]]:
    """The lines of each tune, those of the file header in front.

    A tune runs from `X:` to the next blank line behind its `K:` or to the next `X:`. A file without any `X:`
    is one tune.
    """
    shared: list[str] = []
    tune: list[str] | None = None
    has_key = is_shown_text = False
    for raw in re.split(r"\r\n|\r|\n", text):
        line = without_comment(raw).rstrip()
        if re.match(r"%%(begin|end)(text|ps|svg|lyrics)", line):
            is_shown_text = line.startswith("%%begin")
        elif is_shown_text:
            continue
        elif line.startswith("X:"):
            if tune:
                yield shared + tune
            tune, has_key = [line], False
        elif not raw.strip() and tune and has_key:
            yield shared + tune
            tune = []
        elif line and tune != []:
            has_key = has_key or line.startswith("K:")
            (shared if tune is None else tune).append(line)
    if tune:
        yield shared + tune
    elif tune is None:
        yield shared

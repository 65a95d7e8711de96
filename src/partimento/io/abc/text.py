r"""ABC as text: encodings, letters spelled in ASCII, comments, macros, and how a file divides into tunes."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Iterator

MAX_SHARED = 1_000
"""Lines of a file header that are read."""
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHARSET = re.compile(rb"^(?:%%|I:)\s*(?:abc-)?charset\s+([\w-]{1,30})", re.MULTILINE)
_COMBINING = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", "u": "\u0306",
    "v": "\u030c", "c": "\u0327", ",": "\u0327", "H": "\u030b", ".": "\u0307", ";": "\u0328",
}  # fmt: skip
_LIGATURES = {
    "/O": "Ø", "/o": "ø", "AA": "Å", "aa": "å", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "ss": "ß",
    "cC": "Ç", "cc": "ç", "DH": "Ð", "dh": "ð", "TH": "Þ", "th": "þ",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:(?P<plain>[\\%&_*|-])|u(?P<hex>[0-9A-Fa-f]{4})|(?P<ligature>/O|/o|AA|aa|AE|ae|OE|oe|ss|cC|cc|DH|dh|TH|th)"
    r"|(?P<accent>[`'^~\"=uvc,H.;])(?P<letter>[A-Za-z])|(?P<tilde>~))|(?P<entity>&(?:#\d{1,7}|[A-Za-z]{2,8}\d{0,2});)"
)
_ENTITY = re.compile(r"&(?=#?\w{1,10};)")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_COMMENT = re.compile(r"(?<!\\)%.*")
_SHOWN_TEXT = re.compile(r"%%(begin|end)(text|ps|svg|lyrics|js|ml)")


def decode(data: bytes) -> str:
    """Text of a file: by its byte order mark, its `%%abc-charset`, as UTF-8, else as Latin-1."""
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    stated = _CHARSET.search(data)
    for encoding in (stated[1].decode("ascii") if stated else "utf-8", "utf-8"):
        try:
            return data.decode(codecs.lookup(encoding).name if _is_charset(encoding) else "utf-8")
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _is_charset(name: str) -> bool:
    """Whether it is one of the character sets that ABC names, no other codec."""
    return bool(re.fullmatch(r"(?i)utf-?8|us-ascii|(iso-?8859-?|latin-?)\d{1,2}|(windows-?|cp)125\d|koi8-[ru]", name))


def unescape(text: str) -> str:
    r"""Plain text of what ABC spells in ASCII (`\'e`, `\ss`, `\u00e9`, `&eacute;`, `\%`), spaces single."""
    if "\\" in text or "&" in text:
        text = _ESCAPE.sub(_letter, text)
    return plain(text)


def _letter(match: re.Match[str]) -> str:
    if match["plain"] or match["tilde"]:
        return match["plain"] or match["tilde"]
    if match["entity"]:
        return html.unescape(match["entity"])
    if match["hex"]:
        return chr(int(match["hex"], 16))
    if match["accent"]:
        return unicodedata.normalize("NFC", match["letter"] + _COMBINING[match["accent"]])
    return _LIGATURES[match["ligature"]]


def plain(text: str) -> str:
    """A text as one line of ABC can hold it: no control characters, single spaces."""
    return _CONTROL.sub("", " ".join(text.encode("utf-8", "replace").decode().split()))


def escape(text: str) -> str:
    """Plain text as ABC that `unescape` reads again."""
    return _ENTITY.sub(r"\\&", plain(text).replace("\\", "\\\\").replace("%", "\\%"))


def quotable(text: str) -> str:
    """Escaped text that may stand in quotation marks."""
    return escape(text).replace('"', "\\u0022")


def bracketable(text: str) -> str:
    """Escaped text that may stand in an inline field."""
    return escape(text).replace("[", "\\u005b").replace("]", "\\u005d")


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
        if _SHOWN_TEXT.match(line):
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
            if tune is not None:
                tune.append(line)
            elif len(shared) < MAX_SHARED:
                shared.append(line)
    if tune:
        yield shared + tune
    elif tune is None:
        yield shared

"""`w:` lines."""

from __future__ import annotations

import re
from collections.abc import Mapping

from partimento.io.abc.text import escape
from partimento.score import Lyric

_NUMBERED = re.compile(r"^(\d{1,2})\.(?=.)")


def verses(ids: list[int], lyrics: Mapping[int, Mapping[int, Lyric]], held: dict[int, bool]) -> list[str]:
    """The words under a line of notes, verse by verse; every note has its sign, as abcm2ps wants it.

    Args:
        ids: of each note or chord the id of its lowest note.
        lyrics: id ▶ verse ▶ syllable.
        held: of each verse whether its last syllable is still to be held; brought up to date.
    """
    sung = [lyrics.get(note_id, {}) for note_id in ids]
    last = max((max(of, default=0) for of in (*sung, [verse for verse in held if held[verse]])), default=0)
    return ["w:" + _verse([of.get(verse) for of in sung], verse, held) for verse in range(1, last + 1)]


def _verse(lyrics: list[Lyric | None], verse: int, held: dict[int, bool]) -> str:
    texts: list[str] = []
    for lyric in lyrics:
        if lyric is None:
            texts.append("_" if held.get(verse) else "*")
            held[verse] = False
        else:
            texts.append(_syllable(lyric.text) + "-" * (lyric.syllabic in ("begin", "middle")))
            held[verse] = lyric.extend
    text = _NUMBERED.sub(r"\1\\u002e", " ".join(texts)) or "*"
    return " " * text.startswith((":", "|", "]")) + text  # or the line would look like music


def _syllable(text: str) -> str:
    escaped = re.sub(r"([-_*|])", r"\\\1", escape(text).replace("~", "\\u007e"))
    return escaped.replace(" ", "~")

"""Texts in MIDI files: their encodings, and lyrics as syllables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from partimento.score import Lyric

MAX_TEXT_BYTES = 10_000
_BLANKS = " \t\r\n\x0b\x0c\0"


def decode_text(text: bytes) -> str:
    """Text of a meta event without the blanks around it."""
    return decode_lyric(text).strip(_BLANKS)


def decode_lyric(text: bytes) -> str:
    """Text of a meta event: UTF-8, else Shift-JIS where it reads as Japanese, else Latin-1."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        japanese = text.decode("shift_jis")
        if any("\u3040" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff" for letter in japanese):
            return japanese
    except UnicodeDecodeError:
        pass
    return text.decode("latin-1")


def encode_text(text: str) -> bytes:
    """UTF-8 of a text, cut where it passes `MAX_TEXT_BYTES`."""
    return text.encode("utf-8", "replace")[:MAX_TEXT_BYTES].decode("utf-8", "ignore").encode()


def plain_text(text: str) -> str:
    """A text as it is read again."""
    return decode_text(encode_text(text))


def is_sung(text: str) -> bool:
    """Whether a lyric has more than blanks and a hyphen."""
    return bool(text.strip(_BLANKS).removesuffix("-"))


def sung_text(lyric: Lyric) -> str:
    """A syllable as MIDI says it: a hyphen joins it to the next one of its word."""
    return lyric.text + ("-" if lyric.syllabic in ("begin", "middle") else "")


def syllables(texts: Sequence[tuple[int, str, int]]) -> list[Lyric]:
    """Lyrics of one part and verse, in order, from (note id, text, verse).

    A syllable goes on where it ends with a hyphen, or, in texts that separate words by blanks, where no blank
    stands between it and the next one (MIDI Association, RP-017).
    """
    has_blanks = any(text != text.strip(_BLANKS) for _, text, _ in texts)
    lyrics: list[Lyric] = []
    goes_on = False
    for index, (note_id, text, verse) in enumerate(texts):
        went_on, plain = goes_on, text.strip(_BLANKS)
        after = texts[index + 1][1] if index + 1 < len(texts) else " "
        is_joined = has_blanks and text == text.rstrip(_BLANKS) and after == after.lstrip(_BLANKS)
        goes_on = plain.endswith("-") or is_joined
        syllabic = ("middle" if goes_on else "end") if went_on else ("begin" if goes_on else "single")
        lyrics.append(Lyric(note_id, plain.removesuffix("-"), syllabic, verse))
    return lyrics


def sung_again(lyrics: Sequence[Lyric]) -> list[Lyric]:
    """Lyrics of one part and verse, in order, as they come back: without blanks around them and extenders."""
    plain = [replace(lyric, text=plain_text(lyric.text)) for lyric in lyrics]
    return syllables([(lyric.note_id, sung_text(lyric), lyric.verse) for lyric in plain])

"""Progressions and keys in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from partimento.plan import words
from partimento.plan.chords import is_chord, is_roman, parse_chords, split_joined
from partimento.plan.sentence import HINTED, NUMBER_WORDS, SAID, TIMES, Wish, any_of, before, plain, times_of, without
from partimento.plan.wishes import MAX_BARS
from partimento.theory.key import GERMAN_KEY, ROMANCE_KEY, Key

_CHORD_WORD = re.compile(
    r"\b(?:chords?|changes|progression|harmony|harmonies)\b(?:\s+(?:progression|sequence))?"
    r"(?:\s*[:=]|\s+(?:are|is|of))?\s+",
    re.IGNORECASE,
)
_CHORDS_BEFORE = re.compile(r"\s+(?:chords|changes|(?:chord\s+)?progression)\b", re.IGNORECASE)
_CHORD_LINKS = frozenset(("|", "||", "|:", ":|", "-", "–", "—", "->", "→", "%", ".", "/"))
_WORD = re.compile(r"[^\s\0]+")
_BARS_EACH = re.compile(
    rf"[\s,;(]*\b(\d{{1,2}}|{NUMBER_WORDS})\s+(?:bars?|measures?)\s+(?:each(?:\s+chord)?|per\s+chord|for\s+each\s+chord)\)?",
    re.IGNORECASE,
)
_FILL = re.compile(r"[|,;]|(?<!\S)(?:and|then|-+>?|[–—→])(?!\S)")
_BLUES = re.compile(r"\b(?:12|twelve)[\s-]+(?:bar|measure)s?[\s-]+(?:\w+\s+)?blues\b", re.IGNORECASE)
BLUES, MINOR_BLUES = ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "i7 i7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7")
_WOULD_BE_CHORD = re.compile(r"[A-Z][#b♯♭]?(?:m|maj|min|dim|aug|sus)?\d{0,2}")


def find_progression(text: str) -> Iterator[Wish]:
    """The first run of chords: behind `chords`, between bar lines, or three and more that are nothing else.

    Raises:
        BadPlan: among announced chords stands something that is none.
    """
    for match in _CHORD_WORD.finditer(text):
        if run := _run(text, match.end(), is_announced=True):
            yield _progression(text, *run)
            return
    position = 0
    while word := _WORD.search(text, position):
        run = _run(text, word.start(), is_announced=False)
        if run and (_CHORDS_BEFORE.match(text, run[1]) or _is_plainly_chords(text[run[0] : run[1]])):
            yield _progression(text, *run)
            return
        goes_past = run and not re.search(r"major|minor", text[run[0] : run[1]])
        position = max(word.end(), run[1] if run and goes_past else 0)
    for match in any_of(words.NAMED_PROGRESSIONS).finditer(text):
        yield Wish("chords", words.NAMED_PROGRESSIONS[plain(match[0])], *match.span(), HINTED)
    for match in _BLUES.finditer(text):
        yield Wish("chords", BLUES, *match.span(), HINTED)


def _progression(text: str, start: int, end: int) -> Wish:
    """The chords as many times, and each as long, as is said behind them."""
    chords = text[start:end]
    if chords.count("|") and len([bar for bar in chords.split("|") if bar.strip()]) == 1 and chords[0] != "|":
        chords = chords.replace("|", " ")  # a list whose items bars part, and the chords are one of them
    if match := TIMES.match(text, end):
        chords, end = _repeated(chords, times_of(match)), match.end()
    if match := _BARS_EACH.match(text, end) or _BARS_EACH.search(text, end, end + 60):
        length = int(match[1]) if match[1].isdecimal() else words.NUMBERS[match[1].lower()]
        chords = " ".join(f"{chord} " * min(length, 64) for chord in _FILL.sub(" ", chords).split())
        text_between = text[end : match.start()]
        end = match.end() if not text_between.strip(" ,;.(") else end
    return Wish("chords", chords, start, end)


def _repeated(chords: str, times: int) -> str:
    """The bars so many times, but no more of them than a piece can have."""
    joined = " | " if "|" in chords else " "
    return joined.join([chords.strip(" |") if joined != " " else chords] * min(times, MAX_BARS))


def _run(text: str, start: int, is_announced: bool) -> tuple[int, int] | None:
    """Where the run of chords that begins at `start` ends, without what only links."""
    end, kind, has_chord = start, None, False
    for word in _WORD.finditer(text, start):
        bare = word[0].rstrip(",;.") or word[0]
        bare = bare if bare in _CHORD_LINKS else bare.strip("|:") or bare
        pieces = split_joined(bare)
        if pieces and kind in (None, is_roman(pieces[0])):
            kind, end, has_chord = is_roman(pieces[0]), word.start() + len(word[0].rstrip(",;.")), True
        elif bare in _CHORD_LINKS:
            end = word.end() if "|" in bare or (bare in "%./" and "|" in text[start : word.start()]) else end
        elif has_chord and bare in ("and", "then", "major", "minor"):
            end = word.end() if bare in ("major", "minor") else end
        elif is_announced and bare != "I" and _WOULD_BE_CHORD.fullmatch(bare):
            parse_chords(bare)  # says what is wrong
        else:
            break
        if word[0][-1] in ".;" and len(word[0]) > 1:
            break
    return (start, end) if has_chord else None


def _is_plainly_chords(run: str) -> bool:
    tokens = [piece for token in re.split(r"[\s,;|]+", run) for piece in split_joined(token)]
    if run.count("|") >= 2:
        return True
    if tokens and all(map(is_roman, tokens)):
        return len(tokens) >= 3 and len(set(tokens)) > 1
    if len(tokens) == 2 and all(re.search(r"\d|m$|maj|dim|sus", token) for token in tokens):
        return tokens[0] != tokens[1]  # Em7 A7
    return (
        len(tokens) >= 3
        and any(len(token) > 1 for token in tokens if is_chord(token))
        and not re.search(r"major|minor", run)
    )


_ACCIDENTAL = r"(?:[\s-]?(?:sharp|flat)\b|##|#|♯|♭|bb|b(?![a-z]))?"
_MODE = (
    r"(?:(?:natural|harmonic|melodic)[\s-]+)?"
    r"(?P<mode>major|minor|maj|min|dur|moll|ionian|dorian|phrygian|lydian|mixolydian|aeolian|locrian)\b"
)
_KEY = re.compile(
    rf"(?P<before>\bin\s+|\bkey(?:\s+of|:)?\s+)?(?<![\w'’])(?:(?P<foreign>{GERMAN_KEY}\b|{ROMANCE_KEY}\b)"
    rf"|(?P<name>[a-z]{_ACCIDENTAL})[\s-]*{_MODE})"
    r"(?!-?\s*(?:chords?|triads?|scales?|thirds?|sixths?|sevenths?)\b)",
    re.IGNORECASE,
)
_BARE_KEY = re.compile(
    rf"\b(?P<before>in|key of|key:?)\s+(?P<name>[A-Z]{_ACCIDENTAL})(?P<minor>m|min)?"
    r"(?=\s*(?:$|[.,;:!?)\0\n]|(?:for|with|and|at|on|over|of|by|played|lasting|using)\b))"
)
_MODE_ON = re.compile(
    r"\b(?P<mode>dorian|phrygian|lydian|mixolydian|aeolian|locrian|ionian)\s+(?:mode\s+)?(?:on|in|of)\s+"
    rf"(?P<name>[A-G]{_ACCIDENTAL})(?![\w#])",
    re.IGNORECASE,
)
_LOOSE_KEY = re.compile(
    rf"(?:^|(?<=[,;|\0]))\s*(?P<listed>[A-G]{_ACCIDENTAL})(?P<listed_minor>m|min)?(?=\s*(?:[,;|!]|\.(?!\w)|$))"
    rf"|(?<![\w/])(?P<blues>[A-G]{_ACCIDENTAL})(?P<blues_minor>m)?(?=\s+blues\b)"
    r"|(?<=[a-z])(?<!\bin)(?<!\btype)(?<!\bplan)(?<!\bvitamin)(?<!\bpart)(?<!\bsection)(?<!\bclass)"
    rf"\s(?P<trailing>[B-G]{_ACCIDENTAL})(?=\s*[,;])"
)
"""Tonics that stand as an item of a list, before `blues`, or behind what they are of: `polka, Bb, quick`."""
_TRANSPOSING = re.compile(r"\b(?:clarinets?|trumpets?|horns?|cornets?|sax\w*)\s+$", re.IGNORECASE)
_MODE_ALONE = re.compile(
    r"\b(dorian|phrygian|lydian|mixolydian|aeolian|locrian)\b|\b(minor|major)[\s-](?:key|mode|blues)\b",
    re.IGNORECASE,
)
_NO_TONIC = re.compile(r"\s+(?:key|mood|mode|tonality)\b")
_GOES_ON = re.compile(r"\s+(?!(?:for|with|and|at|on|over|of|by|in|played|lasting|using)\b)[a-z]")


def find_keys(text: str) -> Iterator[Wish]:
    """Keys with a mode, and tonics behind `in` and `key of`.

    Raises:
        BadPlan: a key is none (J major).
    """
    for match in _KEY.finditer(text):
        if match["foreign"]:
            yield Wish("key", Key.parse(" ".join(re.split(r"[\s-]+", match["foreign"]))), *match.span())
        elif _is_key(match, text):
            yield Wish("key", Key.parse(f"{match['name']} {match['mode']}"), *match.span())
    for match in _MODE_ON.finditer(text):
        yield Wish("key", Key.parse(f"{match['name']} {match['mode']}"), *match.span())
    text = without(without(text, _KEY), _MODE_ON)
    for match in _LOOSE_KEY.finditer(text):
        name = match["listed"] or match["blues"] or match["trailing"]
        mode = "minor" if match["listed_minor"] or match["blues_minor"] else _loose_mode(text)
        yield Wish("key", Key.parse(f"{name} {mode}".strip()), *match.span(), SAID)
    for match in _BARE_KEY.finditer(text):
        name = match["name"]
        is_transposition = _TRANSPOSING.search(before(text, match.start())) or name[0] not in "ABCDEFG"
        if match["before"] != "in" or not is_transposition:
            mode = "minor" if match["minor"] else _loose_mode(text)
            yield Wish("key", Key.parse(f"{name} {mode}".strip()), *match.span())


def _loose_mode(text: str) -> str:
    """The mode of a key whose tonic stands elsewhere: a mixolydian reel in A."""
    match = _MODE_ALONE.search(text)
    return next((group for group in match.groups() if group), "") if match else ""


def _is_key(match: re.Match[str], text: str) -> bool:
    """`A minor key` is no A minor; small letters that are no notes, and `a major success`, are words."""
    name, is_announced, after = (
        match["name"],
        match["before"] is not None,
        text[match.end() : match.end() + 20],
    )
    if name == "A" and _NO_TONIC.match(after):
        return is_announced
    if name == "a":
        return match[0].startswith("a-") or not _GOES_ON.match(after)
    return is_announced or name[0].lower() in "abcdefgh" or (name[0].isupper() and name[0] != "I")

"""A score as an engraver sets it: brackets, names before later systems, hairpins with an end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from partimento.score import Direction, Part, PartGroup, Score

_ABBREVIATIONS = {
    "piccolo": "Picc.", "flute": "Fl.", "flauto": "Fl.", "flöte": "Fl.", "flauti": "Fl.", "flutes": "Fl.",
    "oboe": "Ob.", "oboi": "Ob.", "oboes": "Ob.", "clarinet": "Cl.", "clarinets": "Cl.", "clarinetti": "Cl.",
    "clarinetto": "Cl.", "klarinette": "Kl.", "bassoon": "Bsn.", "bassoons": "Bsn.", "fagotto": "Fg.",
    "fagotti": "Fg.", "fagott": "Fg.", "contrabassoon": "Cbsn.", "horn": "Hn.", "horns": "Hn.", "corno": "Cor.",
    "corni": "Cor.", "trumpet": "Tpt.", "trumpets": "Tpt.", "tromba": "Tr.", "trombe": "Tr.", "trompete": "Trp.",
    "cornet": "Cnt.", "trombone": "Tbn.", "trombones": "Tbn.", "tromboni": "Tbn.", "posaune": "Pos.", "tuba": "Tba.",
    "timpani": "Timp.", "pauken": "Pk.", "percussion": "Perc.", "drums": "Dr.", "drumset": "Dr.", "harp": "Hp.",
    "piano": "Pno.", "pianoforte": "Pno.", "klavier": "Klav.", "keyboard": "Kbd.", "organ": "Org.", "celesta": "Cel.",
    "guitar": "Gtr.", "violin": "Vln.", "violins": "Vln.", "violino": "Vl.", "violini": "Vl.", "violine": "Vl.",
    "viola": "Vla.", "violas": "Vla.", "viole": "Vle.", "bratsche": "Br.", "violoncello": "Vc.", "violoncelli": "Vc.",
    "cello": "Vc.", "cellos": "Vc.", "contrabass": "Cb.", "contrabasses": "Cb.", "contrabasso": "Cb.",
    "contrabassi": "Cb.", "kontrabass": "Kb.", "soprano": "S.", "sopran": "S.", "mezzo-soprano": "Mez.", "alto": "A.",
    "alt": "A.", "tenor": "T.", "baritone": "Bar.", "bariton": "Bar.", "bass": "B.", "voice": "V.",
    "singstimme": "Sst.", "gesang": "Ges.", "strings": "Str.", "choir": "Ch.", "saxophone": "Sax.", "sax": "Sax.",
    "electric": "El.", "acoustic": "Ac.", "double": "D.", "english": "Engl.", "recorder": "Rec.", "vibraphone": "Vib.",
    "glockenspiel": "Glk.", "xylophone": "Xyl.", "marimba": "Mar.", "accordion": "Acc.", "synth": "Syn.",
}  # fmt: skip
_LONG_NAME = 8
_ORCHESTRA = 8
"""Parts from which on families have brackets of their own."""
_FAMILIES = {"wind": range(64, 80), "brass": range(56, 64), "strings": range(40, 46)}
"""Programs of General MIDI."""
_KEY_OF_INSTRUMENT = re.compile(
    r"\b(in\s+)?[A-H](is|es|s|b|#|♭|♯|[- ]flat|[- ]sharp)?(?=[\s,]|$),?|\(.*?\)|\b(in|en) \w+", re.IGNORECASE
)
_FLAT = re.compile(r"\b([A-H])b(?=[ )]|$)")
_HAIRPINS = ("crescendo", "diminuendo")
_ONCE = frozenset(["tempo", "metronome", "rehearsal"])
"""Kinds of signs that stand above a system only."""
_SWELL = re.compile(r"cresc|decresc|dim", re.IGNORECASE)
"""Words that verovio puts where dynamics stand."""
_SCORE_ORDER = {"wedge-stop": 0, "dynamics": 1}
"""At one tick a hairpin ends before a sign begins the next."""


def mended(score: Score) -> Score:
    """The score with abbreviations, brackets around several staves only, `p dolce` as one sign, closed hairpins."""
    parts = tuple(
        replace(part, name=_printed(part.name), abbreviation=_printed(part.abbreviation) or abbreviation(part.name))
        for part in score.parts
    )
    groups = _useful(score.groups, parts) or _families(parts)
    directions = (*_joined_dynamics(_once(score.directions)), *_missing_ends(score))
    return replace(score, parts=parts, groups=groups, directions=directions)


def _printed(name: str) -> str:
    """`Bb Clarinet` with a flat sign."""
    return _FLAT.sub(r"\1♭", name)


def abbreviation(name: str) -> str:
    """`Violin II` ▶ `Vln. II`, `Clarinet in B♭ 1` ▶ `Cl. 1`; short names stay, of strange ones the beginning."""
    words = _KEY_OF_INSTRUMENT.sub("", name).split()
    short = [_ABBREVIATIONS.get(word.lower().rstrip(".,"), word) for word in words]
    if words and short == words and len(name) > _LONG_NAME:
        return f"{words[0][:4]}." if len(words[0]) > 5 else words[0]
    return " ".join(short) or name


def _useful(groups: Iterable[PartGroup], parts: tuple[Part, ...]) -> tuple[PartGroup, ...]:
    """Groups that join several parts, each once; a part's own staves have their brace anyway."""
    kept: dict[tuple[int, int, str], PartGroup] = {}
    for group in groups:
        if group.first < group.last < len(parts):
            kept.setdefault((group.first, group.last, group.symbol), group)
    return tuple(kept.values())


def _families(parts: tuple[Part, ...]) -> tuple[PartGroup, ...]:
    """Brackets for the families of an orchestra whose score has none."""
    if len(parts) < _ORCHESTRA:
        return ()
    found: list[PartGroup] = []
    for family, members in groupby(range(len(parts)), key=lambda index: _family(parts[index])):
        indices = list(members)
        if family and len(indices) > 1:
            found.append(PartGroup(indices[0], indices[-1]))
    return tuple(found)


def _family(part: Part) -> str:
    if part.is_drums or part.staves > 1:
        return ""
    return next((name for name, programs in _FAMILIES.items() if part.program in programs), "")


def _once(directions: Iterable[Direction]) -> Iterator[Direction]:
    """Signs above the system in one part only, and no star where the pedal goes down again."""
    said: set[tuple[int, str, str]] = set()
    signs = list(directions)
    starts = {(sign.onset_tick, sign.part) for sign in signs if (sign.kind, sign.text) == ("pedal", "start")}
    for sign in signs:
        key = (sign.onset_tick, sign.kind, sign.text)
        lifts = (sign.kind, sign.text) == ("pedal", "stop") and (sign.onset_tick, sign.part) in starts
        if not lifts and not (sign.kind in _ONCE and key in said):
            said.add(key)
            yield sign


def _joined_dynamics(directions: Iterable[Direction]) -> Iterator[Direction]:
    """`p` and `dolce` at one place as `p dolce`, which verovio would set over one another."""
    places: dict[tuple[int, int, int], list[Direction]] = {}
    signs = list(directions)
    for sign in signs:
        if sign.kind == "dynamics":
            places.setdefault(_place(sign), []).append(sign)
    for sign in signs:
        if sign.kind == "words" and _SWELL.match(sign.text) and _place(sign) in places:
            places[_place(sign)].append(sign)
        elif sign.kind != "dynamics":
            yield sign
    for found in places.values():
        yield replace(found[0], text=" ".join(dict.fromkeys(sign.text for sign in found)))


def _place(sign: Direction) -> tuple[int, int, int]:
    return sign.onset_tick, sign.part, sign.staff


def _missing_ends(score: Score) -> list[Direction]:
    """Ends for hairpins that have none: at the next hairpin or dynamic sign, at most a measure later."""
    added: list[Direction] = []
    staves: dict[tuple[int, int], list[Direction]] = {}
    for sign in score.directions:
        if sign.kind in (*_HAIRPINS, "wedge-stop", "dynamics"):
            staves.setdefault((sign.part, sign.staff), []).append(sign)
    for signs in staves.values():
        signs.sort(key=lambda sign: (sign.onset_tick, _SCORE_ORDER.get(sign.kind, 2)))
        for start in _unclosed(signs):
            later = (sign.onset_tick for sign in signs if sign.onset_tick > start.onset_tick)
            end = min(next(later, score.end_tick), _end_of_next_measure(score, start.onset_tick))
            if end > start.onset_tick:
                added.append(replace(start, onset_tick=end, kind="wedge-stop", text=""))
    return added


def _unclosed(signs: Iterable[Direction]) -> list[Direction]:
    """Hairpins without an end; an end belongs to the hairpin that began last."""
    opened: list[Direction] = []
    for sign in signs:
        if sign.kind in _HAIRPINS:
            opened.append(sign)
        elif sign.kind == "wedge-stop" and opened:
            opened.pop()
    return opened


def _end_of_next_measure(score: Score, tick: int) -> int:
    measure = score.measures[min(int(score.measure_at(tick)) + 1, len(score.measures) - 1)]
    return int(measure["onset_tick"] + measure["duration_tick"])

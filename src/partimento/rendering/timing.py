"""When notes begin and end: articulations, grace notes, arpeggios and swing.

Lengths follow MuseScore's instruments: staccato half, staccatissimo a third, portato (dots under tenuto) two thirds,
marcato two thirds, all else full. A grace note with a slash, several together, and those of dance tunes are short
and come before the beat; a single one without slash is an appoggiatura: it takes half of its main note, two thirds
of a dotted one, but no more than it is written for (Quantz 1752, VIII; C.P.E. Bach, Versuch, 1753, II.2). Arpeggios
begin on the beat (Versuch, III.26). Swing plays the second of two eighths after two thirds of the beat.
"""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np

from partimento.rendering.marks import Bools, Floats, Ints, Marks
from partimento.score import Direction, Records, Score

SWING_RATIO = 2.0
_LENGTHS = {"strong-accent": 0.67, "spiccato": 0.4, "staccato": 0.5, "staccatissimo": 0.33, "detached-legato": 0.67}
_PORTATO, _BREATH = 0.67, 0.85
_GRACE_SECOND, _GRACES_SECOND = 0.09, 0.3  # one grace note, and at most a group of them
_ARPEGGIO_SECOND, _ARPEGGIOS_SECOND = 0.035, 0.25
_GRACE_QUARTERS = {"quarter": 1.0, "half": 2.0, "eighth": 0.5, "16th": 0.25, "32nd": 0.125, "64th": 0.0625}
_DANCES = frozenset(("jig", "reel", "hornpipe", "slip jig", "polka", "strathspey", "slide", "barndance", "highland"))
_SWING = re.compile(r"\b(swing|swung|shuffle)\b", re.IGNORECASE)
_STRAIGHT = re.compile(r"\b(straight|even (8ths|eighths)|no swing)\b", re.IGNORECASE)


def ticks_of(score: Score, seconds: float, at: Ints | int) -> Floats:
    """How many ticks some seconds last from a tick on."""
    quarter = score.seconds_at(np.asarray(at) + score.ticks_per_quarter) - score.seconds_at(at)
    return seconds / quarter * score.ticks_per_quarter


# Articulation


def articulate(notes: Records, marks: Marks) -> None:
    """Shorten notes by their articulation (in place); ties are merged, so that the whole note is meant."""
    shares = marks.values(_LENGTHS, 1.0)
    is_portato = marks.rows("staccato") & marks.rows("tenuto")
    shares[is_portato] = _PORTATO
    shares *= np.where(marks.rows("breath-mark"), _BREATH, 1.0)
    lengths = np.maximum(np.rint(notes["duration_tick"] * shares), np.minimum(notes["duration_tick"], 1))
    notes["duration_tick"] = lengths.astype(np.int64)


# Grace notes


def place_graces(score: Score, notes: Records, marks: Marks) -> None:
    """Give grace notes their time before the beat, or appoggiaturas theirs of the main note (in place)."""
    rows = np.flatnonzero(notes["grace"])
    if not len(rows):
        return
    groups: dict[tuple[int, int, int], list[int]] = {}
    for row in rows.tolist():
        groups.setdefault(_voice_at(notes, row), []).append(row)
    chords = _chords_by_voice(notes)
    for (part, voice, onset), graces in groups.items():
        starts, members = chords.get((part, voice), (np.empty(0, np.int64), []))
        at = int(np.searchsorted(starts, onset))
        mains = members[at] if at < len(starts) and starts[at] == onset else []
        before = members[at - 1] if at else []
        if mains and _is_long(score, notes, marks, graces):
            _lean_on(score, notes, marks, graces, mains)
        else:
            _squeeze_in(score, notes, graces, before, mains)
    notes["grace"][rows] = 0


def _voice_at(notes: Records, row: int) -> tuple[int, int, int]:
    return int(notes["part"][row]), int(notes["voice"][row]), int(notes["onset_tick"][row])


def _chords_by_voice(notes: Records) -> dict[tuple[int, int], tuple[Ints, list[list[int]]]]:
    """Part and voice ▶ onsets in order, and the rows of the notes that begin there."""
    found: dict[tuple[int, int], dict[int, list[int]]] = {}
    for row in np.flatnonzero(notes["grace"] == 0).tolist():
        part, voice, onset = _voice_at(notes, row)
        found.setdefault((part, voice), {}).setdefault(onset, []).append(row)
    return {key: (np.array(list(chords), np.int64), list(chords.values())) for key, chords in found.items()}


def _is_long(score: Score, notes: Records, marks: Marks, graces: list[int]) -> bool:
    """Whether these are an appoggiatura: one without a slash, not in a dance tune, not after a note."""
    is_single = len({int(notes["grace"][row]) for row in graces}) == 1
    is_short = any(row in marks.on_note.get("slash", {}) for row in graces) or _is_after(marks, graces)
    return is_single and not is_short and not _DANCES & {tag.lower() for tag in score.tags}


def _is_after(marks: Marks, graces: list[int]) -> bool:
    """Whether grace notes are written behind the note before, as those that end a trill."""
    return any("after" in marks.on_note.get("grace", {}).get(row, "") for row in graces)


def _lean_on(score: Score, notes: Records, marks: Marks, graces: list[int], mains: list[int]) -> None:
    onset, length = int(notes["onset_tick"][mains[0]]), int(notes["duration_tick"][mains].min())
    is_dotted = Fraction(length, score.ticks_per_quarter).numerator % 3 == 0
    words = marks.on_note.get("grace", {}).get(graces[0], "").split()
    written = next((_GRACE_QUARTERS[word] for word in words if word in _GRACE_QUARTERS), _GRACE_QUARTERS["eighth"])
    share = min(length * (2 / 3 if is_dotted else 1 / 2), written * score.ticks_per_quarter)
    _delay(notes, mains, max(int(share), 1))
    notes["onset_tick"][graces], notes["duration_tick"][graces] = onset, max(int(share), 1)


def _squeeze_in(score: Score, notes: Records, graces: list[int], before: list[int], mains: list[int]) -> None:
    """Short notes take the end of the note before; at the very beginning they take that of the main note."""
    onset, count = int(notes["onset_tick"][graces[0]]), int(notes["grace"][graces].max())
    wanted = float(ticks_of(score, min(_GRACE_SECOND * count, _GRACES_SECOND), max(onset - 1, 0)))
    room = onset - int(notes["onset_tick"][before[0]]) if before else onset
    total = max(int(min(wanted, room / 2 if before else room)), 0)
    if total < count:  # there is no time before the beat
        total = max(min(int(wanted), int(notes["duration_tick"][mains].min()) // 2 if mains else int(wanted)), count)
        _delay(notes, mains, total)
        onset += total
    for row in before:
        end = int(notes["onset_tick"][row] + notes["duration_tick"][row])
        notes["duration_tick"][row] -= max(min(end, onset) - (onset - total), 0) if end <= onset else 0
    steps = np.linspace(onset - total, onset, count + 1).astype(np.int64)
    for row in graces:
        place = int(notes["grace"][row])
        notes["onset_tick"][row] = steps[place - 1]
        notes["duration_tick"][row] = max(int(steps[place] - steps[place - 1]), 1)


def _delay(notes: Records, rows: list[int], ticks: int) -> None:
    for row in rows:
        by = min(ticks, max(int(notes["duration_tick"][row]) - 1, 0))
        notes["onset_tick"][row] += by
        notes["duration_tick"][row] -= by


# Arpeggios


def roll_arpeggios(score: Score, notes: Records, marks: Marks) -> None:
    """Begin the notes of arpeggiated chords one after another, on the beat, all held to their end (in place)."""
    rolled = marks.on_note.get("arpeggiate", {})
    groups: dict[tuple[int, int], list[int]] = {}
    for row in np.flatnonzero(marks.rows("arpeggiate") & (notes["grace"] == 0)).tolist():
        groups.setdefault((int(notes["part"][row]), int(notes["onset_tick"][row])), []).append(row)
    for (_, onset), rows in groups.items():
        is_down = any("down" in rolled.get(row, "") for row in rows)
        rows.sort(key=lambda row: int(notes["pitch"][row]), reverse=is_down)
        longest = min(int(notes["duration_tick"][rows].min()) / 2, float(ticks_of(score, _ARPEGGIOS_SECOND, onset)))
        step = min(float(ticks_of(score, _ARPEGGIO_SECOND, onset)), longest / max(len(rows) - 1, 1))
        for place, row in enumerate(rows):
            _delay(notes, [row], round(step * place))


# Swing


def swing_eighths(score: Score, notes: Records, asked: bool | None) -> None:
    """Lengthen the first and shorten the second of two eighths in swung passages (in place).

    Beats that are divided otherwise, such as triplets and sixteenths, stay as they are, part by part.

    Args:
        score: says by words and tags what is swung, and its meters where quarters are beats.
        notes: with onsets and durations still on the grid.
        asked: True and False swing all or nothing whatever the score says.
    """
    unit = score.ticks_per_quarter
    if asked is False or unit % 2 or not len(score.meters):
        return
    beat, place = np.divmod(_from_bar(score, notes["onset_tick"]), unit)
    is_swung = _swung(score, notes["onset_tick"], asked)
    place_key = np.stack([notes["part"].astype(np.int64), score.measure_at(notes["onset_tick"]), beat], axis=1)
    _, group = np.unique(place_key, axis=0, return_inverse=True)
    is_mixed = np.zeros(int(group.max(initial=-1)) + 1, bool)
    is_mixed[group.ravel()[(place % (unit // 2) != 0) & (notes["grace"] == 0)]] = True
    is_swung &= ~is_mixed[group.ravel()]
    late = round(unit * SWING_RATIO / (SWING_RATIO + 1)) - unit // 2
    end = notes["onset_tick"] + notes["duration_tick"]
    moves_end = is_swung & (_from_bar(score, end) % unit == unit // 2)
    moves_start = is_swung & (place == unit // 2)
    notes["duration_tick"] += late * moves_end.astype(np.int64) - late * moves_start.astype(np.int64)
    notes["onset_tick"] += late * moves_start.astype(np.int64)
    np.maximum(notes["duration_tick"], np.where(notes["grace"] > 0, 0, 1), out=notes["duration_tick"])


def _from_bar(score: Score, ticks: Ints) -> Ints:
    """Ticks from the barline, those of a pickup so that its end is a barline."""
    bar = score.measure_at(ticks)
    place = ticks - score.measures["onset_tick"][bar]
    if score.has_pickup:
        place = np.where(bar == 0, place - int(score.measures["duration_tick"][0]), place)
    return place


def _swung(score: Score, onset: Ints, asked: bool | None) -> Bools:
    """Which onsets lie in swung passages of a meter in quarters or halves."""
    tags = asked or any(_SWING.search(tag) for tag in score.tags)
    is_swung = np.full(len(onset), bool(tags))
    for word in (d for d in score.directions if d.kind in ("words", "tempo") and asked is None):
        if _turns(word):
            is_swung[onset >= word.onset_tick] = not _STRAIGHT.search(word.text)
    index = np.maximum(np.searchsorted(score.meters["onset_tick"], onset, "right") - 1, 0)
    return is_swung & (score.meters["beat_type"][index] <= 4)


def _turns(word: Direction) -> bool:
    return bool(_SWING.search(word.text) or _STRAIGHT.search(word.text))

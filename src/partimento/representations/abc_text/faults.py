"""What is wrong with ABC text that its syntax allows: bars that are not full, voices that part, a plan not kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from partimento.errors import BadInput
from partimento.io.abc import read
from partimento.io.abc.text import tunes
from partimento.io.abc.tokens import WHOLE
from partimento.io.abc.tune import Tune
from partimento.plan import Plan, Task
from partimento.score import Score
from partimento.theory.instrument import instrument_name
from partimento.theory.key import Key
from partimento.theory.meter import Meter

MAX_CHARACTERS = 4_000_000
MOST_FAULTS = 100
_KNOWN_FIELDS = frozenset("ABCDFGHIKLMNOPQRSTUVWXZmrsw+")
_FIELD = re.compile(r"([A-Za-z]):(?![|:\]])")
_MARK = re.compile(r"^% (\d{1,9})/(\d{1,9})$", re.MULTILINE)
_TEMPO_TOLERANCE_BPM = 0.5


def faults(text: str, task: Task) -> tuple[str, ...]:
    """Faults of a text, one line each, at most a hundred.

    Bars are full: a bar is as long in every voice as its meter says. Unless the task asks for a steady piece, the
    first and the last may be shorter, and so may two neighbours that together make one (at a repeat).
    """
    if found := faults_so_far(text, task):
        return found
    try:
        score = read(text.encode("utf-8", "replace"), "the ABC text")[0]
    except BadInput as error:
        return (str(error),)
    return tuple(_plan(task.plan, score))[:MOST_FAULTS]


def faults_so_far(text: str, task: Task) -> tuple[str, ...]:
    """Faults of a text cut at a barline that nothing behind it mends."""
    if len(text) > MAX_CHARACTERS:
        return (f"{len(text):,} characters; a text has at most {MAX_CHARACTERS:,}",)
    tune = Tune()
    try:
        tune.take(next(tunes(text), []))
    except OverflowError as error:
        return (str(error),)
    found = [*_unknown_fields(text), *(f"{what} cannot be read" for what in sorted(tune.lost)), *_bars(tune, task)]
    found += _marks(text, tune, task.plan)
    return tuple(found[:MOST_FAULTS])


def finished(text: str) -> int:
    """How many characters of an interleaved text that is being written belong to bars that are complete."""
    return text.rfind("\n% ") + 1 if text.count("\n% ") > 1 else 0


def _unknown_fields(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _FIELD.match(line)
        if match and match[1] not in _KNOWN_FIELDS:
            yield f"line {number}: {match[1]}: is no field of ABC"


# Bars


def _marks(text: str, tune: Tune, plan: Plan) -> Iterator[str]:
    """The comments that number bars, if there are any: in order, and a bar behind each."""
    marks = [(int(match[1]), int(match[2])) for match in _MARK.finditer(text)]
    total = plan.bars or next((of for _, of in marks), 0)
    for place, mark in enumerate(marks, 1):
        if mark != (place, total):
            yield f"bar {place} is marked {mark[0]}/{mark[1]}, not {place}/{total}"
            return
    bars = max((len(voice.lengths) for voice in tune.voices.values()), default=0)
    if marks and bars != len(marks):
        yield f"{len(marks)} bars are marked, and {bars} have something in them"


def _bars(tune: Tune, task: Task) -> Iterator[str]:
    voices = {name: voice.lengths for name, voice in tune.voices.items() if voice.lengths}
    if not voices:
        return
    first_name, first = next(iter(voices.items()))
    for name, lengths in voices.items():
        if len(lengths) != len(first):
            yield f"voice {name} has {len(lengths)} bars, voice {first_name} {len(first)}"
        for bar, (length, expected) in enumerate(zip(lengths, first, strict=False), 1):
            if length != expected:
                yield f"bar {bar}: voice {name} lasts {_length(length)}, voice {first_name} {_length(expected)}"
    meters = _meters(tune, first_name, len(first))
    yield from unfilled(first, meters, steady=task.constraints.steady)


def unfilled(lengths: list[int], meters: list[int | None], *, steady: bool) -> Iterator[str]:
    """Bars that are not as long as their meters.

    Args:
        lengths: of each bar, in units of a `WHOLE`th.
        meters: how long each should be, None where there is no meter.
        steady: whether every bar must be full.
    """
    odd = [m is not None and length != m for length, m in zip(lengths, meters, strict=True)]
    if not steady:
        for place in (0, len(odd) - 1):
            odd[place] = odd[place] and lengths[place] > (meters[place] or 0)
        for (index, length), (_, following) in pairwise(enumerate(lengths)):
            if length + following == meters[index]:
                odd[index] = odd[index + 1] = False
    for index, is_odd in enumerate(odd):
        if is_odd:
            yield f"bar {index + 1} lasts {_length(lengths[index])}, and its meter {_length(meters[index] or 0)}"


def _length(units: int) -> str:
    """A length as ABC has it, in whole notes."""
    return f"{Fraction(units, WHOLE)} of a whole note"


def _meters(tune: Tune, name: str, bars: int) -> list[int | None]:
    """How long each bar should be."""
    changes = {s.measure + bool(s.offset): s.value for s in tune.voices[name].signs if s.what == "meter"}
    found: list[int | None] = []
    for bar in range(bars):
        meter = changes.get(bar, ...)
        if isinstance(meter, tuple):
            beats, beat_type = meter
            found.append(WHOLE * beats // beat_type)
        else:
            found.append(None if meter is None or not found else found[-1])
    return found


# The plan


def _plan(plan: Plan, score: Score) -> Iterator[str]:
    keys = {Key.from_ids(*row) for row in score.keys[["fifths", "mode"]].tolist()}
    meters = {Meter(*row) for row in score.meters[["beats", "beat_type"]].tolist()}
    programs = tuple(part.instrument for part in score.parts)
    tempos = score.tempos["tempo_bpm"].tolist()
    if plan.key is not None and keys != {plan.key}:
        yield f"key {_listed(keys)}, and {plan.key} was asked for"
    if plan.meter is not None and meters != {plan.meter}:
        yield f"meter {_listed(meters)}, and {plan.meter} was asked for"
    if plan.tempo_bpm is not None and not _is_near(tempos, plan.tempo_bpm):
        yield f"tempo {_listed(f'{bpm:g}' for bpm in tempos)} bpm, and {plan.tempo_bpm:g} was asked for"
    if plan.instruments is not None and programs != plan.instruments:
        asked, found = (", ".join(map(instrument_name, some)) for some in (plan.instruments, programs))
        yield f"{found} play, and {asked} were asked for"
    if plan.style is not None and plan.style not in score.tags:
        yield f"style {_listed(score.tags)}, and {plan.style} was asked for"
    if plan.title and plan.title != score.title:
        yield f"title {score.title!r}, and {plan.title!r} was asked for"
    if plan.bars is not None and len(score.measures) != plan.bars:
        yield f"{len(score.measures)} bars, and {plan.bars} were asked for"
    if plan.chords is not None:
        yield from _chords(plan, score)


def _listed(items: object) -> str:
    return ", ".join(map(str, items)) or "none"  # type: ignore[call-overload]


def _is_near(tempos: list[float], asked_bpm: float) -> bool:
    return bool(tempos) and all(abs(bpm - asked_bpm) <= _TEMPO_TOLERANCE_BPM for bpm in tempos)


def _chords(plan: Plan, score: Score) -> Iterator[str]:
    """Bars whose chord symbols are not those of the plan, evenly spread; what goes on need not be said again."""
    said = {c.onset_tick: c.symbol.plain.pitch_classes if c.symbol else None for c in score.chords}
    sounding: frozenset[int] | None = None
    for bar, (onset, duration) in enumerate(score.measures.tolist()):
        chords = (plan.chords or ())[bar % len(plan.chords or ())]
        wanted = {onset + k * duration // len(chords): c.plain.pitch_classes for k, c in enumerate(chords)}
        for tick in sorted({*wanted, *(t for t in said if onset <= t < onset + duration)}):
            sounding = said.get(tick, sounding)
            if tick not in wanted or sounding != wanted[tick]:
                yield f"bar {bar + 1}: its chords are not {' '.join(map(str, chords))}"
                break

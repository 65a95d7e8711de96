"""Whether a score holds what a plan asks for, judged from its notes and bars.

A key signature proves nothing about the key, nor a chord symbol about the harmony, nor a part's name about who plays:
all are measured by what sounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.analysis.heard import heard
from partimento.analysis.key import estimate_key, key_index, key_odds
from partimento.plan.check_controls import check_controls
from partimento.plan.check_sound import check_feel, check_form, check_tags
from partimento.plan.plan import Plan
from partimento.plan.verdict import Verdict
from partimento.score import DEFAULT_TEMPO_BPM, Records, Score
from partimento.theory.instrument import instrument_name
from partimento.theory.key import Key
from partimento.theory.meter import Meter

__all__ = ["Verdict", "bars_played", "check", "chord_shares", "scale_share", "sounding_programs"]

LEAST_IN_SCALE = 0.9
"""Share of the sounding duration in the scale of the key."""
LEAST_IN_CHORDS = 0.6
"""Share of the sounding duration on the chords' tones: half of 90 lead sheets have over .84, all .60."""
SURE = 0.8
"""A key heard so surely is the key; see `analysis.key` for what that is worth."""
LEAST_BARS_PLAYED = 0.25
MOST_EMPTY_BARS = 2
_TEMPO_TOLERANCE_BPM = 0.05

Floats = NDArray[np.float64]


def check(plan: Plan, score: Score) -> list[Verdict]:
    """Judge every wish that the plan states, and that bars are full and every part plays its share."""
    return [*_stated(plan, score), *_well_formed(score)]


def scale_share(score: Score, pitch_classes: frozenset[int]) -> float:
    """Share of the sounding duration of pitched notes, ties merged, in some pitch classes; or 0."""
    notes = _pitched(score)
    total = float(notes["duration_tick"].sum())
    inside = np.isin(notes["pitch"] % 12, list(pitch_classes))
    return float(notes["duration_tick"][inside].sum()) / total if total else 0.0


def chord_shares(plan: Plan, score: Score) -> Floats:
    """Share of each bar's sounding duration on the tones of its chords, shape (bars,); NaN for empty bars.

    A bar's chords are spread evenly over it; a progression shorter than the piece is repeated.
    """
    chords, notes = plan.chords or (), _pitched(score)
    ends = notes["onset_tick"] + notes["duration_tick"]
    shares: list[float] = []
    full_bars = score.measures[1:] if score.has_pickup else score.measures
    for index, measure in enumerate(full_bars if chords else full_bars[:0]):
        bar = chords[index % len(chords)]
        edges = measure["onset_tick"] + np.linspace(0, measure["duration_tick"], len(bar) + 1)
        inside = total = 0.0
        for chord, start, end in zip(bar, edges[:-1], edges[1:], strict=True):
            overlap = np.clip(np.minimum(ends, end) - np.maximum(notes["onset_tick"], start), 0, None)
            total += float(overlap.sum())
            inside += float(overlap[np.isin(notes["pitch"] % 12, list(chord.pitch_classes))].sum())
        shares.append(inside / total if total else np.nan)
    return np.array(shares)


def bars_played(score: Score) -> NDArray[np.bool_]:
    """Whether each part sounds in each bar, shape (parts, bars)."""
    notes = score.sounding().notes
    notes = notes[notes["grace"] == 0]
    played = np.zeros((len(score.parts), len(score.measures)), bool)
    if len(notes) and len(score.measures):
        first = score.measure_at(notes["onset_tick"])
        last = score.measure_at(np.maximum(notes["onset_tick"] + notes["duration_tick"] - 1, notes["onset_tick"]))
        for part, start, stop in zip(notes["part"].tolist(), first.tolist(), last.tolist(), strict=True):
            played[part, start : stop + 1] = True
    return played


def sounding_programs(score: Score) -> list[int]:
    """Programs (128: drums) of the parts that play a note, in score order."""
    played = np.unique(score.sounding().notes["part"]).tolist()
    return [score.parts[part].instrument for part in played]


def _stated(plan: Plan, score: Score) -> Iterator[Verdict]:
    if plan.title:
        yield Verdict("title", plan.title, score.title or "none", score.title == plan.title, "title")
    if plan.style is not None:
        yield Verdict("style", plan.style, "the notes do not tell", None, "style")
    if plan.key is not None:
        yield _key(plan.key, score)
    if plan.meter is not None:
        meters = [Meter(*row) for row in score.meters[["beats", "beat_type"]].tolist()]
        yield Verdict("meter", str(plan.meter), _listed(meters), set(meters) == {plan.meter}, "meter")
    if plan.tempo_bpm is not None:
        yield _tempo(plan.tempo_bpm, score)
    if plan.instruments is not None or plan.without:
        yield from _instruments(plan, score)
    if plan.bars is not None:
        bars = len(score.measures) - score.has_pickup
        yield Verdict("bars", str(plan.bars), str(bars), bars == plan.bars, "bars")
    if plan.duration_seconds is not None:
        yield _duration(plan.duration_seconds, score)
    if plan.chords is not None:
        yield _chords(plan, score)
    yield from (*check_form(plan, score), *check_feel(plan, score))
    yield from (*check_controls(plan, score), *check_tags(plan, score))


def _key(asked: Key, score: Score) -> Verdict:
    """In its scale, and not clearly in another key; a church mode shares its scale with keys that are heard as well."""
    notes = heard(score).pitched
    if not len(notes):
        return Verdict("key", str(asked), "nothing sounds", False, "key")
    share = scale_share(score, asked.pitch_classes)
    measured, confidence = estimate_key(score)
    own = float(np.exp(key_odds(notes)[key_index(asked)]))
    is_other = asked.mode in ("major", "minor") and confidence >= SURE and own <= 1 - SURE
    text = f"{measured}, {share:.0%} of the sounding time in the scale asked for"
    return Verdict("key", str(asked), text, share >= LEAST_IN_SCALE and not is_other, "key", confidence)


def _instruments(plan: Plan, score: Score) -> Iterator[Verdict]:
    programs = sounding_programs(score)
    if plan.instruments is not None:
        wanted = Counter(plan.instruments)
        missing, more = wanted - Counter(programs), Counter(programs) - wanted
        kinds = (("missing", missing), ("besides", more))
        differences = [f"{word}: {_names(some.elements())}" for word, some in kinds if some]
        measured = "; ".join(differences) or "the same"
        yield Verdict("instruments", _names(plan.instruments), measured, measured == "the same", "instruments")
    if plan.without:
        found = [program for program in dict.fromkeys(programs) if program in plan.without]
        yield Verdict("without", _names(plan.without), _names(found) or "none of them plays", not found, "without")


def _names(programs: Iterable[int]) -> str:
    return ", ".join(map(instrument_name, programs))


def _duration(asked: float, score: Score) -> Verdict:
    """As near as a bar or a tenth."""
    seconds = float(score.seconds_at(score.end_tick))
    bar = seconds / max(len(score.measures), 1)
    followed = abs(seconds - asked) <= max(0.1 * asked, bar)
    return Verdict("duration", f"{asked:g} s", f"{seconds:.1f} s", followed, "duration_seconds")


def _tempo(asked_bpm: float, score: Score) -> Verdict:
    tempi = score.tempos["tempo_bpm"] if len(score.tempos) else np.array([DEFAULT_TEMPO_BPM])
    followed = bool(np.all(np.abs(tempi - asked_bpm) <= _TEMPO_TOLERANCE_BPM))
    return Verdict(
        "tempo", f"{asked_bpm:g} bpm", f"{_listed([f'{tempo:.4g}' for tempo in tempi])} bpm", followed, "tempo_bpm"
    )


def _chords(plan: Plan, score: Score) -> Verdict:
    shares = chord_shares(plan, score)
    shares = shares[~np.isnan(shares)]
    asked = " | ".join(" ".join(map(str, bar)) for bar in plan.chords or ())
    if not len(shares):
        return Verdict("chords", asked, "nothing sounds", False, "chords")
    measured = f"{shares.mean():.0%} of the sounding time on their tones, {shares.min():.0%} in the worst bar"
    return Verdict("chords", asked, measured, bool(shares.mean() >= LEAST_IN_CHORDS), "chords")


def _well_formed(score: Score) -> Iterator[Verdict]:
    if not len(score.measures):
        yield Verdict("full bars", "all", "there are no bars", False)
        return
    yield _full_bars(score)
    if not score.parts:
        yield Verdict("every part plays", "yes", "there are no parts", False)
        return
    played = bars_played(score)
    names = [part.name or f"part {index + 1}" for index, part in enumerate(score.parts)]
    shares, rests = played.mean(axis=1), [_longest_run(~row) for row in played]
    least, longest = int(shares.argmin()), int(np.argmax(rests))
    asked, measured = f"in ≥ {LEAST_BARS_PLAYED:.0%} of bars", f"{shares[least]:.0%} ({names[least]})"
    yield Verdict("every part plays", asked, measured, bool(shares[least] >= LEAST_BARS_PLAYED))
    asked, measured = (
        f"≤ {MOST_EMPTY_BARS} bars",
        f"{rests[longest]} ({names[longest]})" if rests[longest] else "none",
    )
    yield Verdict("longest rest", asked, measured, rests[longest] <= MOST_EMPTY_BARS)


def _full_bars(score: Score) -> Verdict:
    partial = _partial_bars(score)
    measured = f"bar {partial[0]} is not" if partial else "all"
    if score.end_tick > int(score.measures["onset_tick"][-1] + score.measures["duration_tick"][-1]):
        measured = "the music runs past the last barline"
    return Verdict("full bars", "all", measured, measured == "all")


def _partial_bars(score: Score) -> list[int]:
    """Numbers, from 1, of the bars not as long as their meter; what a pickup takes may lack at the end."""
    lengths = score.measures["duration_tick"].tolist()
    full = [
        score.meter_at(onset).duration_quarter * score.ticks_per_quarter
        for onset in score.measures["onset_tick"].tolist()
    ]
    if score.has_pickup and len(lengths) > 1 and lengths[0] + lengths[-1] == full[-1]:
        lengths[0], lengths[-1] = full[0], full[-1]
    return [index + 1 for index, (length, wanted) in enumerate(zip(lengths, full, strict=True)) if length != wanted]


def _pitched(score: Score) -> Records:
    notes = score.sounding().notes
    return notes[~np.array([part.is_drums for part in score.parts], bool)[notes["part"]]]


def _longest_run(flags: NDArray[np.bool_]) -> int:
    """Length of the longest unbroken run of true values."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _listed(values: list[Any]) -> str:
    return ", ".join(dict.fromkeys(map(str, values))) or "none"

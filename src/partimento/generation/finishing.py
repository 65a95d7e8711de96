"""What tokens do not say of a piece: exact tempo, title, names of parts, and where its sections begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from partimento.generation.dynamics import with_dynamics
from partimento.generation.form import Passage
from partimento.plan import Plan
from partimento.plan.plan import DEFAULT_TEMPO_BPM
from partimento.score import TEMPO, Barline, Direction, Part, Records, Score

STYLES_WITH_CHORDS = ("lead sheet", "pop")
"""Styles whose readers expect chord symbols, asked for or not."""


def finished(score: Score, plan: Plan) -> Score:
    """A decoded piece with what tokens do not say: exact tempo, loudness, title, names that tell like parts apart."""
    tempo_bpm = plan.tempo_bpm
    if tempo_bpm is None:
        tempo_bpm = float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else DEFAULT_TEMPO_BPM
    shows_chords = plan.chords is not None or plan.style in STYLES_WITH_CHORDS
    return replace(
        with_dynamics(score, plan),
        chords=score.chords if shows_chords else (),
        keys=_signatures(score.keys),
        tempos=np.array([(0, tempo_bpm)], TEMPO),
        title=plan.title or _title(score, plan),
        composer="partimento",
        parts=_named(score.parts),
    )


def _signatures(keys: Records) -> Records:
    """Keys without those that change the mode alone, for which nobody writes a signature."""
    return keys[np.diff(keys["fifths"], prepend=keys["fifths"][:1] + 1) != 0]


def with_sections(score: Score, passages: Sequence[Passage]) -> Score:
    """The score with a rehearsal mark and a double barline where sections begin, as far as it goes."""
    if len(passages) < 2:
        return score
    onsets = score.measures["onset_tick"].tolist()
    begun = [(onsets[p.first], p.label) for p in passages if p.first < len(onsets)]
    marks = tuple(Direction(onset, "rehearsal", label[:1].upper() + label[1:]) for onset, label in begun)
    barlines = tuple(Barline(onset, "light-light") for onset, _ in begun if onset)
    return replace(score, directions=score.directions + marks, barlines=score.barlines + barlines)


def _title(score: Score, plan: Plan) -> str:
    key, style = score.key_at(0), plan.style or (score.tags[0] if score.tags else "piece")
    name = style.capitalize()
    return f"{name} in {key}" if key and key.mode else name


def _named(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts of one instrument are numbered."""
    total, seen = Counter(part.name for part in parts), Counter[str]()
    named: list[Part] = []
    for part in parts:
        seen[part.name] += 1
        named.append(replace(part, name=f"{part.name} {seen[part.name]}") if total[part.name] > 1 else part)
    return tuple(named)

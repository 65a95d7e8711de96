"""Pieces longer than a model's context: written in windows of bars, each of which hears bars that stand already.

What is heard are the bars just before and, so that a piece remembers what it is about, the opening of its theme,
however far back that lies: the two stand side by side in the context, as if the piece had gone on so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from partimento.plan import Compose, Control, Plan
from partimento.representations import Representation
from partimento.score import KEY, Score, notes_array
from partimento.score.joining import join
from partimento.theory.instrument import instrument
from partimento.theory.key import Key

TOKENS_PER_BAR_AND_PART = 10
"""What a well-filled bar of one part costs; a window is planned so that it need not be thinned out."""
OVERLAP_BARS = 4
"""Bars just before that are heard at least, where there are so many."""
HEARD_BARS = 8
"""Bars of the theme, and just before, that are heard at most."""

Span = tuple[int, int]
"""Bars from the first to the one behind the last."""


@dataclass(frozen=True, slots=True)
class Window:
    """Bars that are written in one go."""

    first: int
    """The first bar to write, from 0."""
    last: int
    """The bar behind the last one to write."""
    heard: tuple[Span, ...] = ()
    """Bars that stand already and are heard before them, in order."""

    @property
    def heard_bars(self) -> int:
        """How many are heard."""
        return sum(last - first for first, last in self.heard)

    @property
    def bars(self) -> int:
        """How many the window has in all."""
        return self.heard_bars + self.last - self.first


def spans(first: int, last: int, bar_tokens: float, context: int) -> Iterator[Span]:
    """Bars to write, in runs of equal length as nearly as can be, each with room for bars that are heard.

    Args:
        first: the first bar to write.
        last: the bar behind the last one.
        bar_tokens: what a bar costs.
        context: of the model, in tokens.
    """
    if last <= first:
        return
    room = max(int(context / bar_tokens) - OVERLAP_BARS * (first > 0), OVERLAP_BARS)
    count = -(-(last - first) // room)
    if count > 1:
        room = max(int(context / bar_tokens) - OVERLAP_BARS, OVERLAP_BARS)
        count = -(-(last - first) // room)
    yield from pairwise(first + round((last - first) * k / count) for k in range(count + 1))


def memory(theme: Span | None, before: int, bars: int) -> tuple[Span, ...]:
    """The opening of a theme and the bars just before one, so many of each; once where they meet."""
    latest = (max(before - bars, 0), before)
    if theme is None or before == 0:
        return (latest,) if before else ()
    opening = (theme[0], min(theme[0] + bars, theme[1], before))
    if opening[0] >= latest[0]:
        return (latest,)
    return ((opening[0], before),) if opening[1] >= latest[0] else (opening, latest)


def plan_of(window: Window, plan: Plan, so_far: Score | None) -> Plan:
    """The plan of a window: what was left open is as in the bars that stand; chords and controls are those of its bars.

    The key is that in which the window begins.
    """
    settled = plan if so_far is None else plan.merged(plan_so_far(so_far))
    if so_far is not None and window.heard:
        onset = int(so_far.measures["onset_tick"][window.heard[0][0]])
        settled = replace(settled, key=so_far.key_at(onset) or settled.key)
    if plan.chords:
        indices = [bar for span in (*window.heard, (window.first, window.last)) for bar in range(*span)]
        settled = replace(settled, chords=tuple(plan.chords[bar % len(plan.chords)] for bar in indices))
    controls = tuple(c for control in plan.controls if (c := _moved(control, window)) is not None)
    return replace(settled, bars=window.bars, controls=controls, form=None, duration_seconds=None)


def _moved(control: Control, window: Window) -> Control | None:
    """The control with its bars counted from the beginning of the window; None where it has none of those to write."""
    if control.bars is None:
        return control
    first, last = max(control.bars[0], window.first), min(control.bars[1], window.last)
    shift = window.heard_bars - window.first
    return replace(control, bars=(first + shift, last + shift)) if first < last else None


def plan_so_far(score: Score) -> Plan:
    """Key, meter, tempo, instruments and style of a decoded piece."""
    return Plan(
        key=score.key_at(0),
        meter=score.meter_at(0),
        tempo_bpm=float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else None,
        instruments=tuple(part.instrument for part in score.parts),
        style=score.tags[0] if score.tags else None,
    )


def heard(score: Score, window: Window) -> Score:
    """The bars of a score that a window hears, one behind the other."""
    pieces = [score.slice_bars(*span) for span in window.heard]
    ends = np.cumsum([0, *(_end(piece) for piece in pieces)]).tolist()
    return join(list(zip(ends, pieces, strict=False)))


def heard_tokens(
    representation: Representation[Any], lead: Score, bars: int, task: Compose, key: Key | None = None
) -> tuple[int, ...]:
    """The tokens of bars that stand, up to where those to come may begin to differ.

    Args:
        representation: how music becomes tokens.
        lead: the bars that stand.
        bars: how many are to come; the header speaks of them too.
        task: what is written.
        key: of the bars to come, where it changes.
    """
    missing = np.repeat(lead.measures[-1:], bars)
    missing["onset_tick"] += lead.measures["duration_tick"][-1] * np.arange(1, bars + 1)
    padded = replace(lead, measures=np.concatenate([lead.measures, missing]))
    if key is not None:
        change = np.array([(missing["onset_tick"][0], -1, key.fifths, key.mode_id)], KEY)
        padded = replace(padded, keys=np.concatenate([padded.keys, change]))
    # what two ways to go on have in common does not depend on how it goes on
    empty, struck = (representation.encode(each, task).ids for each in (padded, _struck(padded, missing)))
    size = min(len(empty), len(struck))
    differs = np.flatnonzero(empty[:size] != struck[:size])
    return tuple(empty[: int(differs[0]) if len(differs) else size].tolist())


def _struck(score: Score, bars: Any) -> Score:
    """The score with a stroke of every part in each of some empty bars."""
    more = notes_array(
        {"onset_tick": int(bar["onset_tick"]), "duration_tick": int(bar["duration_tick"]), "part": index,
         "pitch": instrument(part.instrument).lowest_pitch, "note_id": -1}
        for bar in bars for index, part in enumerate(score.parts)
    )  # fmt: skip
    more["note_id"] = int(score.notes["note_id"].max(initial=0)) + 1 + np.arange(len(more))
    return score.with_notes(np.concatenate([score.notes, more]))


def joined(score: Score | None, more: Score) -> Score:
    """A score with another one added at its end."""
    return more if score is None else join([(0, score), (_end(score), more)])


def _end(score: Score) -> int:
    return sum(score.measures[-1].item())

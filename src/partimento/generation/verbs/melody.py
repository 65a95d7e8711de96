"""`compose --melody`: a given melody becomes the top part, and the rest of the plan is written around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from partimento.analysis import estimate_key
from partimento.errors import BadPlan
from partimento.generation.compose import Composer
from partimento.generation.sampling import Sampling
from partimento.generation.verbs.accompany import accompany
from partimento.generation.verbs.bars import in_bars
from partimento.generation.verbs.continuing import continue_
from partimento.generation.verbs.harmonise import chosen_chord, melody_part
from partimento.generation.writer import Writer, never
from partimento.plan import Plan
from partimento.rendering.sheet import part_of
from partimento.score import TEMPO, ChordEvent, Part, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import MINOR_MODES
from partimento.theory.pitch import pitch_class

PIANO = 0


def with_melody(
    score: Score,
    plan: Plan,
    *,
    writer: Writer | Composer,
    seed: int = 0,
    sampling: Sampling | None = None,
    stop: Callable[[], bool] = never,
) -> Score:
    """A piece by a plan whose top part is a given melody, note for note.

    The melody is moved to the key of the plan and takes its tempo; what the plan leaves open is as in the melody.
    It is played by its own instrument if the plan names that, else by the first of several; the others accompany, or
    a piano. Where the plan has more bars than the melody, all go on behind it.

    Args:
        score: any piece, of which the highest part is the melody.
        plan: of the whole; its meter, if it states one, is that of the melody.
        writer: a model that fills in bars.
        seed: of the choices.
        sampling: how bold.
        stop: asked before every step of the model; when it says so, `Cancelled` is raised.

    Raises:
        BadRecipe: the model does not fill in bars.
        BadPlan: melody and plan contradict each other.
        NeedsBeats: the melody has no bars, and none can be heard.
    """
    piece = in_bars(score).score
    piece = _in_key(part_of(piece, melody_part(piece, None)), plan)
    _check(piece, plan)
    top, others = _shared_out(piece, plan)
    piece = _told(replace(piece, parts=(top,)), plan)
    piece = accompany(piece, others, writer=writer, seed=seed, sampling=sampling, stop=stop)
    missing = (plan.bars or 0) - _bars(piece)
    if missing > 0:
        piece = continue_(piece, missing, writer=writer, seed=seed, sampling=sampling, stop=stop)
    return piece


def _in_key(piece: Score, plan: Plan) -> Score:
    """The melody in the plan's key, moved by the shortest way.

    Raises:
        BadPlan: the one is in major, the other in minor.
    """
    if plan.key is None or plan.key.mode is None:
        return piece
    own = piece.key_at(0)
    own = estimate_key(piece, None if own is None else own.fifths)[0] if own is None or own.mode is None else own
    if (own.mode in MINOR_MODES) != (plan.key.mode in MINOR_MODES):
        raise BadPlan(f"the melody is in {own}, and the plan asks for {plan.key}; ask for a key of the melody's mode")
    semitones = (pitch_class(plan.key.tonic) - pitch_class(own.tonic) + 6) % 12 - 6
    return piece.transpose(semitones) if semitones else piece


def _check(piece: Score, plan: Plan) -> None:
    meter = piece.meter_at(0)
    if plan.meter is not None and plan.meter != meter:
        raise BadPlan(f"the melody is in {meter}, and the plan asks for {plan.meter}; leave the meter to the melody")
    if plan.bars is not None and plan.bars < _bars(piece):
        raise BadPlan(f"the melody has {_bars(piece)} bars, and the plan {plan.bars}; ask for as many, or more")


def _bars(piece: Score) -> int:
    """How many bars it has; a pickup is none."""
    return len(piece.measures) - piece.has_pickup


def _shared_out(piece: Score, plan: Plan) -> tuple[Part, tuple[int, ...]]:
    """Who plays the melody, and who accompanies."""
    part, wanted = piece.parts[0], list(plan.instruments or (PIANO,))
    if part.instrument in wanted and len(wanted) > 1:
        wanted.remove(part.instrument)
        return part, tuple(wanted)
    if len(wanted) > 1:
        return replace(Part.playing(wanted[0]), staves=part.staves), tuple(wanted[1:])
    return part, tuple(wanted)


def _told(piece: Score, plan: Plan) -> Score:
    """The melody with what the plan says of the whole."""
    tempos = piece.tempos if plan.tempo_bpm is None else np.array([(0, plan.tempo_bpm)], TEMPO)
    chords = _events(piece, plan.chords) if plan.chords else piece.chords
    tags = piece.tags if plan.style is None else (plan.style,)
    return replace(piece, tempos=tempos, chords=chords, tags=tags, title=plan.title or piece.title)


def _events(piece: Score, wanted: tuple[tuple[ChordSymbol, ...], ...]) -> tuple[ChordEvent, ...]:
    """Chord symbols of each bar, where they change."""
    found: list[ChordEvent] = []
    for bar, (onset, duration) in enumerate(piece.measures.tolist()):
        count = len(wanted[max(bar - piece.has_pickup, 0) % len(wanted)])
        for index in range(count):
            tick = onset + duration * index // count
            symbol = chosen_chord(piece, bar, tick, wanted)
            if not found or found[-1].symbol != symbol:
                found.append(ChordEvent(tick, symbol))
    return tuple(found)

"""The grammar of `abc` between barlines: what a measure changes, its chord symbols, and which part comes next."""

from __future__ import annotations

from partimento.plan import Plan
from partimento.representations.abc.ending import is_closing
from partimento.representations.abc.state import (
    BAR,
    BAR_KEY,
    BAR_LENGTH,
    BAR_METER,
    BAR_TEMPO,
    CHORD,
    CHORD_BASS,
    CHORD_TIME,
    END,
    LAST,
    METER,
    TEMPO,
    State,
)
from partimento.representations.abc.vocabulary import CHORDS, HIGHEST_ROOT, LOWEST_ROOT, V
from partimento.representations.grammar import rules_of
from partimento.representations.gridded.vocabulary import LENGTHS, MAX_COUNTDOWN
from partimento.theory.chord import ChordSymbol

span = V.span
_CHORD_INDEX = {symbol and (symbol.root, symbol.kind): index for index, symbol in enumerate(CHORDS)}


def opened(state: State, left: int) -> State:
    """The state at the beginning of a measure."""
    plan, length = state.piece.task.plan, LENGTHS[state.bar.meter]
    return state._replace(
        at=BAR, bar=state.bar._replace(left=left, length=length), chord_onset=-1, part=-1, owed=state.tied,
        tied=((),) * len(state.tied), queue=planned_chords(plan, state.piece.bars - 1 - left, length),
    )  # fmt: skip


def allowed(state: State) -> list[tuple[int, int]]:
    """Ranges, in any order."""
    if state.at == CHORD_TIME:
        return [span("Chord")]
    closing, plan = is_closing(state), state.piece.task.plan
    ranges = [] if closing else _changes(state)
    owes_chord = state.piece.with_chords and not state.chord_seen and not plan.chords and state.bar.left == 0
    if owes_chord and closing:
        return [span("Chord")]
    if state.piece.with_chords and plan.chords is None and not closing:
        ranges += _chords(state)
    return ranges if owes_chord else ranges + voices(state, closing)


def _changes(state: State) -> list[tuple[int, int]]:
    """Meter, length, key and tempo, in this order, each only where it is a change."""
    task, bar = state.piece.task, state.bar
    if task.constraints.steady or state.at >= BAR_TEMPO:
        return []
    plan, ranges, is_first = rules_of(task), list[tuple[int, int]](), bar.left == state.piece.bars - 1
    if state.at < BAR_METER and not is_first and plan.meter is None:
        ranges += V.wanted_meters(plan, bar.meter)
    if state.at < BAR_LENGTH:
        ranges += V.all_but("Length", LENGTHS[bar.meter] - 1)
    if state.at < BAR_KEY and bar.key and not is_first and plan.key is None:
        ranges += V.all_but("Key", bar.key, 1)
    if bar.tempo and not is_first and plan.tempo_bpm is None:
        ranges += V.all_but("Tempo", bar.tempo, 1)
    return ranges


def _chords(state: State) -> list[tuple[int, int]]:
    """A chord at the barline, or the time until the next one; behind a chord its bass."""
    ranges = [span("Chord")] if state.at < CHORD_TIME else []
    last = state.bar.length - 1 - max(state.chord_onset, 0)
    ranges += [span("Duration", 0, last)] if last > 0 else []
    return ranges + (V.all_but("Bass", state.root) if state.at == CHORD and state.root >= 0 else [])


def voices(state: State, closing: bool) -> list[tuple[int, int]]:
    """The next part, none passed by that a note is tied to, or the barline."""
    owing = next((k for k in range(state.part + 1, len(state.owed)) if state.owed[k]), None)
    if owing is None:
        barline = span("Bar", countdown := min(state.bar.left, MAX_COUNTDOWN - 1), countdown + 1)
        others = closing or state.part + 1 == len(state.owed)
        return [barline] if others else [barline, span("Voice", state.part + 1, len(state.owed))]
    return [span("Voice", owing if closing else state.part + 1, owing + 1)]


def planned_chords(plan: Plan, bar: int, length: int) -> tuple[int, ...]:
    """Tokens of the plan's chords in a measure."""
    if not plan.chords:
        return ()
    chords = plan.chords[bar % len(plan.chords)]
    tokens, before = list[int](), 0
    for index, chord in enumerate(chords):
        position = index * length // len(chords)
        tokens += [V.first["Duration"] + position - before - 1] if position else []
        tokens += _chord_tokens(chord.plain)
        before = position
    return tuple(tokens)


def _chord_tokens(chord: ChordSymbol) -> list[int]:
    root = _sayable(chord.root)
    token = V.first["Chord"] + _CHORD_INDEX[root, chord.kind]
    if chord.bass is None or _sayable(chord.bass) == root:
        return [token]
    return [token, V.first["Bass"] + _sayable(chord.bass) - LOWEST_ROOT]


def _sayable(root: int) -> int:
    """The root itself, or what sounds the same."""
    return root if LOWEST_ROOT <= root <= HIGHEST_ROOT else (root + 5) % 12 - 5


def after_meter(state: State, member: int) -> State:
    """A meter, in the header or a measure."""
    bar = state.bar._replace(meter=member, length=LENGTHS[member])
    return state._replace(at=METER if state.at < BAR else BAR_METER, bar=bar)


def after_tempo(state: State, member: int) -> State:
    """A tempo, in the header or a measure."""
    return state._replace(at=TEMPO if state.at < BAR else BAR_TEMPO, bar=state.bar._replace(tempo=member))


def after_key(state: State, member: int) -> State:
    """A key; the first one ends the header."""
    bar = state.bar._replace(key=member)
    if state.at >= BAR:
        return state._replace(at=BAR_KEY, bar=bar)
    nothing = ((),) * len(state.piece.programs)
    return opened(state._replace(bar=bar, tied=nothing), state.piece.bars - 1)


def after_length(state: State, member: int) -> State:
    """The length of a measure that is not full."""
    return state._replace(at=BAR_LENGTH, bar=state.bar._replace(length=member + 1))


def after_chord(state: State, member: int) -> State:
    """A chord symbol."""
    symbol = CHORDS[member]
    return state._replace(
        at=CHORD, chord_seen=True, queue=state.queue[1:], chord_onset=max(state.chord_onset, 0),
        root=-1 if symbol is None else symbol.root - LOWEST_ROOT,
    )  # fmt: skip


def after_bass(state: State, member: int) -> State:
    """The bass of a chord symbol."""
    return state._replace(at=CHORD_BASS, queue=state.queue[1:])


def after_bar(state: State, member: int) -> State:
    """A barline."""
    return opened(state, state.bar.left - 1) if state.bar.left else state._replace(at=LAST)


def after_end(state: State, member: int) -> State:
    """The end."""
    return state._replace(at=END)


def after_pad(state: State, member: int) -> State:
    """What fills a row behind the end."""
    return state

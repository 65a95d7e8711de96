"""The grammar of `abc` tokens: which may follow, given everything written so far and what the task asks for.

Every overlay fills its measure exactly; tied notes go on; what overlaps lies on overlays as `lanes` puts it, so that
each score has one sequence. States are small and immutable (`state`); how a sequence ends in time is in `ending`.
"""

from __future__ import annotations

from collections.abc import Callable

from partimento.errors import InfeasibleTask
from partimento.plan import Infill, Task
from partimento.representations.abc import header, measures, overlay
from partimento.representations.abc.ending import shortest_end
from partimento.representations.abc.measures import span
from partimento.representations.abc.state import BAR, LANE, LAST, Piece, State
from partimento.representations.abc.vocabulary import V
from partimento.representations.base import Ranges
from partimento.representations.grammar import in_force, merged
from partimento.representations.gridded.vocabulary import check_plan

_BLOCKS = list(V.first)
_BLOCK_OF: list[int] = V.block_of.tolist()
_AFTER: dict[str, Callable[[State, int], State]] = {
    "START": header.after_start,
    "Style": header.after_style,
    "Meter": measures.after_meter,
    "Tempo": measures.after_tempo,
    "Bars": header.after_bars,
    "Opens": header.after_opens,
    "Ends": header.after_ends,
    "Instrument": header.after_instrument,
    "Chords": header.after_chords,
    "Key": measures.after_key,
    "Bar": measures.after_bar,
    "Length": measures.after_length,
    "Chord": measures.after_chord,
    "Bass": measures.after_bass,
    "Voice": overlay.after_voice,
    "Overlay": overlay.after_overlay,
    "Rest": overlay.after_rest,
    "Open": overlay.after_open,
    "Close": overlay.after_close,
    "Tie": overlay.after_tie,
    "Duration": overlay.after_duration,
    "Sign": overlay.after_sign,
    "Note": overlay.after_note,
    "Drum": overlay.after_drum,
    "END": measures.after_end,
    "PAD": measures.after_pad,
}
"""What follows a token of each block, given its index in the block."""


def start(task: Task) -> State:
    """The state before START.

    Raises:
        InfeasibleTask: the plan cannot be said, or not within the budget.
    """
    plan, budget = task.plan, task.constraints.budget
    if isinstance(task, Infill):
        raise InfeasibleTask("abc writes whole pieces; to infill take another representation, such as amt")
    check_plan(plan, "abc")
    state = State(Piece(in_force(task)))
    if budget is not None and (needed := shortest_end(state)) > budget:
        bars, parts = plan.bars or 1, len(plan.instruments or (0,))
        raise InfeasibleTask(f"{bars} bars for {parts} instruments need {needed} tokens, and {budget} are allowed")
    return state


def step(state: State, token: int) -> State:
    """The state after a token that `allowed` admits."""
    block = _BLOCKS[_BLOCK_OF[token]]
    return _AFTER[block](state._replace(spent=state.spent + 1), token - V.first[block])


def allowed(state: State) -> Ranges:
    """Ids that may follow, as half-open ranges."""
    if state.queue:
        return ((state.queue[0], state.queue[0] + 1),)
    if state.at < BAR:
        ranges = header.allowed(state)
    elif state.at < LANE:
        ranges = measures.allowed(state)
    elif state.at >= LAST:
        ranges = [span("END" if state.at == LAST else "PAD")]
    else:
        ranges = overlay.allowed(state)
    return merged(ranges)

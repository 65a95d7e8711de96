"""What all of the grammar of `remi` stands on: ranges of ids, and whether the budget is nearly spent."""

from __future__ import annotations

from partimento.representations.gridded.vocabulary import MAX_COUNTDOWN
from partimento.representations.remi.ending import shortest_end
from partimento.representations.remi.state import State
from partimento.representations.remi.vocabulary import Vocabulary


class Machine:
    """A vocabulary and how far a sequence is from its end."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._first, self._span = vocabulary.first, vocabulary.span
        self._has_velocity = vocabulary.size["Velocity"] > 0

    def shortest_end(self, state: State) -> int:
        """Tokens, EOS included, that certainly close the sequence."""
        return shortest_end(state, self._has_velocity)

    def _slack(self, state: State) -> int:
        """The most that one token can add to `shortest_end`, and a little more."""
        return 10 + 2 * len(state.programs) + (0 if state.rules is None else 2 * state.rules.most_struck)

    def _is_closing(self, state: State) -> bool:
        budget = state.task.constraints.budget
        return budget is not None and budget - state.spent <= self.shortest_end(state) + self._slack(state)

    def _next_bar(self, state: State) -> tuple[int, int]:
        """What opens the next measure, or EOS."""
        if state.bars_left == 0:
            return self._span("EOS")
        if state.gap:
            return state.gap[0].token, state.gap[0].token + 1
        countdown = min(state.bars_left - 1, MAX_COUNTDOWN - 1)
        return self._span("Bar", countdown, countdown + 1)

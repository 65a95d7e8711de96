"""The grammar of `remi`: which token may follow, given everything written so far and what the task asks for.

States are small and immutable (`state`). What comes in which order is in `header`, `measures` and `segments`, which
pitches may come in `pitches`, how a sequence ends in time in `ending`.
"""

from __future__ import annotations

from dataclasses import replace

from partimento.errors import InfeasibleTask
from partimento.plan import Compose, Infill, Plan
from partimento.representations.base import Ints, Ranges
from partimento.representations.grammar import in_force, includes, merged
from partimento.representations.gridded.vocabulary import check_plan
from partimento.representations.remi.controls import rules_for
from partimento.representations.remi.header import Header
from partimento.representations.remi.infill import Gap
from partimento.representations.remi.measures import Measures
from partimento.representations.remi.state import BAR, CHORD_BASS, END, GIVEN, State
from partimento.representations.remi.vocabulary import Vocabulary


class Grammar(Header, Measures):
    """`start`, `step`, `allowed` and `shortest_end` of `remi`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary)
        self._block_names = list(vocabulary.first)
        self._block_of = vocabulary.block_of.tolist()
        # what is given, `Mask` and `Fill` among it, is not looked at
        names = (block for block in self._block_names if block not in ("Mask", "Fill"))
        after = {block: (vocabulary.first[block], getattr(self, f"_after_{block.lower()}")) for block in names}
        unread = (0, self._after_pad)
        self._after = [after.get(self._block_names[block], unread) for block in self._block_of]

    def start(self, task: Compose) -> State:
        """The state before BOS.

        Raises:
            InfeasibleTask: the plan cannot be said, or not within the budget.
        """
        plan, task = task.plan, in_force(task)
        check_plan(plan, "remi")
        bars, parts = plan.bars or 1, len(plan.instruments or (0,))
        rules = rules_for(task, self._vocabulary.unit)
        if rules is not None:
            rules.check(task, plan.instruments or ())
        return self._affordable(State(task, rules, self._vocabulary.unit), f"{bars} bars for {parts} instruments")

    def start_infill(self, task: Infill, given: Ints, gap: Gap) -> State:
        """The state before what is given, all of which must come first.

        Raises:
            InfeasibleTask: the plan asks for other than what is given, or the budget is too small.
        """
        if task.constraints.enforced and task.plan != Plan():
            self._check_plan(task, given)
        task, unit = in_force(task), self._vocabulary.unit
        rules = rules_for(task, unit, gap.bars.start, gap.parts)
        if rules is not None:
            rules.check(task, gap.programs)
        ends_midway = task.ends_midway or gap.bars.stop < len(gap.given.measures)
        state = State(
            replace(task, plan=Plan(), ends_midway=ends_midway),
            rules,
            unit,
            GIVEN,
            queue=tuple(given.tolist()),
            bars=len(gap.bars),
            bars_left=len(gap.bars),
            programs=gap.programs,
            gap=gap.measures(self._vocabulary),
            others=len(gap.parts) < len(gap.given.parts),
            rests=gap.rests(),
            held=gap.held(),
        )
        return self._affordable(state, "what is given and what is to be filled in")

    def _check_plan(self, task: Infill, given: Ints) -> None:
        if task.plan.chords is not None:
            raise InfeasibleTask("bars are filled in over the chords of the piece: write the plan's chords into it")
        state = State(Compose(task.plan, opens_midway=task.opens_midway, ends_midway=task.ends_midway))
        for token in given.tolist():
            block = self._block_names[self._block_of[token]]
            if block == "Bar":
                return
            if block == "Mask":
                continue
            if not includes(self.allowed(state), token):
                raise InfeasibleTask(
                    f"the plan asks for something else than the piece's {self._vocabulary.tokens[token]}"
                )
            state = self.step(state, token)

    def _affordable(self, state: State, what: str) -> State:
        budget, needed = state.task.constraints.budget, self.shortest_end(state)
        if budget is not None and needed > budget:
            raise InfeasibleTask(f"{what} need {needed} tokens, and {budget} are allowed")
        return state

    def step(self, state: State, token: int) -> State:
        """The state after a token that `allowed` admits."""
        if state.at == GIVEN and state.queue:
            return state.but(spent=state.spent + 1, queue=state.queue[1:])
        first, after = self._after[token]
        return after(state.but(spent=state.spent + 1), token - first)

    def given(self, state: State) -> State:
        """The state behind all that is given."""
        return state.but(spent=state.spent + len(state.queue), queue=())

    def allowed(self, state: State) -> Ranges:
        """Ids that may follow, as half-open ranges."""
        if state.queue:
            return ((state.queue[0], state.queue[0] + 1),)
        if state.at < BAR:
            ranges = self._allowed_header(state)
        elif state.at <= CHORD_BASS:
            ranges = self._allowed_bar(state)
        elif state.at == END:
            ranges = [self._span("PAD")]
        else:
            ranges = [self._next_bar(state)] if state.at == GIVEN else self._allowed_segment(state)
        return merged(ranges)

"""What controls ask of each part in each bar, as rules that the grammar of `remi` keeps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import ceil, floor

from partimento.errors import InfeasibleTask
from partimento.plan import Control, Plan, Task
from partimento.plan.complexity import without_complexity
from partimento.representations.grammar import ALL_PITCHES
from partimento.representations.gridded.vocabulary import GRID, LENGTHS, MAX_BAR, METERS
from partimento.representations.remi.pitches import chord_mask, reach
from partimento.representations.remi.rules import FREE, Rule
from partimento.representations.remi.state import MAX_HELD
from partimento.representations.remi.vocabulary import chord_index
from partimento.theory.instrument import DRUMS, instrument, instrument_name


class Rules:
    """The rules of all parts and bars of a sequence."""

    def __init__(self, controls: tuple[Control, ...], unit: int, first: int = 0, parts: tuple[int, ...] = ()) -> None:
        """What controls ask.

        Args:
            controls: in order; the later holds.
            unit: ticks per grid step.
            first: bar of the piece with which the sequence's bars begin.
            parts: what each part of the sequence is in the piece; none: the same.
        """
        self._controls = without_complexity(controls)
        self._unit, self._start, self._parts = unit, first, parts
        self._known: dict[tuple[int, int], Rule] = {}
        self._owed: dict[tuple[tuple[int, ...], int], list[int]] = {}
        self._programs: dict[int, int] = {}

    def of(self, part: int, bar: int) -> Rule:
        """The rule of a part in a bar, both as the sequence counts them, from 0."""
        rule = self._known.get((part, bar))
        if rule is None:
            rule = reduce(self._with, self._concerning(part, bar), FREE)
            rule = self._known[part, bar] = rule._replace(least=0) if rule.is_silent else rule
        return rule

    def _concerning(self, part: int, bar: int) -> Iterator[Control]:
        part, bar = self._parts[part] if self._parts else part, bar + self._start
        for control in self._controls:
            in_part = control.parts is None or part in control.parts
            if in_part and (control.bars is None or control.bars[0] <= bar < control.bars[1]):
                yield control

    def _with(self, rule: Rule, control: Control) -> Rule:
        """A rule with what a control states in place of it."""
        if control.density is not None:
            rule = rule._replace(least=ceil(control.density[0]), most=floor(control.density[1]))
        if control.polyphony is not None:
            rule = rule._replace(struck=max(control.polyphony[0], 1), sounding=control.polyphony[1])
        if control.register is not None:
            low, high = control.register
            rule = rule._replace(pitches=(2 << high) - (1 << low))
        if control.note_length is not None:
            shortest, longest = (max(round(GRID * self._unit * quarters), 1) for quarters in control.note_length)
            rule = rule._replace(shortest=shortest, longest=longest)
        return rule

    def owed(self, first: int, last: int, programs: tuple[int, ...], group: int) -> int:
        """Most tokens of the notes that bars `first` up to but not including `last` must have.

        Args:
            first: a bar, from 0.
            last: another one, not before it.
            programs: what the parts play.
            group: most tokens of a group with one note.
        """
        until = self._owed.setdefault((programs, group), [0])
        while len(until) <= last:
            until.append(until[-1] + self._owed_in(len(until) - 1, programs, group))
        return until[last] - until[first]

    def _owed_in(self, bar: int, programs: tuple[int, ...], group: int) -> int:
        rules = [self.of(part, bar) for part in range(len(programs))]
        last = {programs[part]: part for part, rule in enumerate(rules) if rule.least}
        ways = sum(program in last and part <= last[program] for part, program in enumerate(programs))
        return ways + sum(rule.least * (group + rule.struck - 1) for rule in rules)

    @property
    def most_struck(self) -> int:
        """Most notes that any part must strike together."""
        return max((control.polyphony[0] for control in self._controls if control.polyphony), default=1) or 1

    # Whether they can be kept

    def check(self, task: Task, programs: tuple[int, ...]) -> None:
        """Refuse what no music can keep.

        Raises:
            InfeasibleTask: names part and bar, and the mend.
        """
        speaks_of = max((part for control in self._controls for part in control.parts or ()), default=0)
        if programs and not self._parts and speaks_of >= len(programs):
            raise InfeasibleTask(f"a control speaks of part {speaks_of + 1}, and there are {len(programs)}")
        for part, program in enumerate(programs):
            for bar in range(self._bars(task)):
                if wrong := self._fault(part, bar, program, task):
                    where = f"{instrument_name(program)} in bar {bar + self._start + 1}"
                    raise InfeasibleTask(f"{where}: {wrong}")
        if not programs and not self.programs(0, task):
            raise InfeasibleTask("no instrument can keep the controls; name the instruments, or ask for less")

    def programs(self, part: int, task: Task) -> int:
        """Mask of the programs that can keep a part's rules in all bars."""
        if part not in self._programs:
            bars = range(self._bars(task))
            fits = (not any(self._fault(part, bar, program, task) for bar in bars) for program in range(DRUMS + 1))
            self._programs[part] = sum(fit << program for program, fit in enumerate(fits))
        return self._programs[part]

    def _bars(self, task: Task) -> int:
        """Bars after which nothing new is asked for."""
        named = max((control.bars[1] for control in self._controls if control.bars), default=0) - self._start
        return task.plan.bars or max(named, len(task.plan.chords or ())) + 1

    def _fault(self, part: int, bar: int, program: int, task: Task) -> str:
        """Why an instrument cannot keep a rule, or nothing."""
        rule, playable = self.of(part, bar), task.constraints.playable
        pitches = reach(program, playable) & (ALL_PITCHES if program == DRUMS else rule.pitches)
        strikes = 1 if playable and instrument(program).is_monophonic else MAX_HELD if playable else 128
        if not pitches:
            return "the register lies outside what it can play; choose another"
        if rule.struck > min(strikes, pitches.bit_count()):
            return f"it cannot sound {rule.struck} notes at a time; ask for fewer, or for a wider register"
        if rule.least > rule.most:
            return "no whole number of notes per bar lies within the density; widen it"
        if rule.shortest > MAX_BAR * self._unit:
            return f"notes are at most {MAX_BAR // GRID} quarters long; ask for shorter ones"
        return self._crowded(rule, strikes, task.plan) or _chordless(pitches, program, task, bar)

    def _crowded(self, rule: Rule, strikes: int, plan: Plan) -> str:
        if plan.meter not in METERS or min(strikes, rule.sounding) != 1:
            return ""
        room = self._unit * LENGTHS[METERS.index(plan.meter)]
        is_too_much = (rule.least - 1) * max(rule.shortest, self._unit) >= room
        return f"{rule.least} notes one after the other do not fit in a bar of {plan.meter}" if is_too_much else ""


def rules_for(task: Task, unit: int, first: int = 0, parts: tuple[int, ...] = ()) -> Rules | None:
    """The rules of a task, or None where it has no controls or does not enforce them."""
    controls = task.plan.controls if task.constraints.enforced else ()
    return Rules(controls, unit, first, parts) if controls else None


def _chordless(pitches: int, program: int, task: Task, bar: int) -> str:
    chords, share = task.plan.chords, task.constraints.chord_share
    if not chords or program == DRUMS or share is None:
        return ""
    missing = [chord for chord in chords[bar % len(chords)] if not chord_mask(chord_index(chord)) & pitches]
    return f"no tone of {missing[0]} lies in the register; widen it" if missing else ""

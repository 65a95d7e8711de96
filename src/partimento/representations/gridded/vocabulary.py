"""What headers and barlines say on the grid, as blocks of tokens, and which of them a plan wants."""

from __future__ import annotations

from partimento.errors import InfeasibleTask
from partimento.plan import Plan
from partimento.representations import blocks
from partimento.theory.key import MODES, Key
from partimento.theory.meter import Meter

GRID = 12
"""Positions per quarter: triplets and sixteenths are exact."""
MAX_BAR = 16 * GRID
"""Longest measure in grid steps."""
MAX_BARS = 256
MAX_COUNTDOWN = 64
MAX_PARTS = 64
STYLES = (
    "none", "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air", "song",
    "hymn", "chorale", "quartet", "orchestra", "lead sheet", "game", "folk", "piano", "pop",
)  # fmt: skip
METERS = tuple(
    meter
    for beat_type in (1, 2, 4, 8, 16)
    for beats in range(1, 17)
    if (meter := Meter(beats, beat_type)).duration_quarter * GRID <= MAX_BAR
)
LENGTHS = tuple(int(meter.duration_quarter * GRID) for meter in METERS)
"""Grid steps of a full bar of each meter."""
KEYS = (None, *(Key(fifths, mode) for mode in (None, *MODES) for fifths in range(-7, 8)))
TEMPOS_BPM = (None, *range(20, 301, 4))


class Vocabulary(blocks.Vocabulary):
    """Blocks, among them `Style`, `Meter`, `Key`, `Tempo`, `Bars`, `Instrument`, `Bar` and `Length`."""

    @property
    def unit(self) -> int:
        """Ticks per grid step."""
        return 1

    @property
    def ticks_per_quarter(self) -> int:
        """Resolution of the scores that tokens stand for."""
        return GRID * self.unit

    def wanted(self, block: str, wish: object, members: tuple[object, ...]) -> tuple[int, int]:
        """Range of a wish in its block, the whole block where there is none."""
        if wish is None or wish not in members:
            return self.span(block)
        index = members.index(wish)
        return self.span(block, index, index + 1)

    def wanted_meters(self, plan: Plan, but: int) -> list[tuple[int, int]]:
        """The plan's meter, or all that have a step for each of its chords, without one that is no change."""
        if plan.meter is not None:
            return [self.wanted("Meter", plan.meter, METERS)]
        most = _most_chords(plan)
        return [self.span("Meter", k, k + 1) for k, length in enumerate(LENGTHS) if length >= most and k != but]

    def wanted_tempo(self, plan: Plan) -> tuple[int, int]:
        """The tempo nearest to the plan's, or all."""
        if plan.tempo_bpm is None:
            return self.span("Tempo")
        tempo = plan.tempo_bpm
        nearest = min(range(1, len(TEMPOS_BPM)), key=lambda index: abs((TEMPOS_BPM[index] or 0) - tempo))
        return self.span("Tempo", nearest, nearest + 1)

    def all_but(self, block: str, member: int, start: int = 0) -> list[tuple[int, int]]:
        """Members of a block from `start` on, without one."""
        low, high = self.span(block, start)
        at = self.first[block] + member
        return [(a, b) for a, b in ((low, at), (at + 1, high)) if a < b]


def check_plan(plan: Plan, name: str) -> None:
    """Whether tokens can say what a plan wants.

    Raises:
        InfeasibleTask: they cannot; `name` is the representation's.
    """
    if plan.meter is not None and plan.meter not in METERS:
        raise InfeasibleTask(
            f"meter {plan.meter} is outside what {name} can say (up to 16 quarters a bar, 16th as unit)"
        )
    if plan.chords is not None and not any(plan.chords):
        raise InfeasibleTask("a chord progression needs at least one chord")
    if _most_chords(plan) > (max(LENGTHS) if plan.meter is None else LENGTHS[METERS.index(plan.meter)]):
        raise InfeasibleTask(f"{_most_chords(plan)} chords do not fit in one bar")


def _most_chords(plan: Plan) -> int:
    """Most chords that a plan has in one bar."""
    return max(map(len, plan.chords), default=0) if plan.chords else 0

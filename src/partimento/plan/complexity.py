"""What the wish for plain or rich music comes to: bounds that a musician could have asked for, and bolder choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from partimento.plan.wishes import Control

_EVEN = 0.5
"""Neither plain nor rich: nothing is bounded."""


def without_complexity(controls: Sequence[Control]) -> tuple[Control, ...]:
    """The controls with complexity spelled out as density, polyphony and note length, where they leave these open.

    | complexity | notes begun per bar | notes at a time | shortest note |
    |---|---|---|---|
    | 0 | up to 4 | up to 2 | a quarter |
    | .25 | up to 10 | up to 4 | an eighth |
    | .5 | any | any | any |
    | .75 | 4 and more | any | any |
    | 1 | 8 and more | any | any |

    Beyond .5 what is outside the scale and how boldly is chosen grow too: see `chromatic_share` and `boldness`.
    """
    return tuple(_spelled_out(control) for control in controls)


def _spelled_out(control: Control) -> Control:
    complexity = control.complexity
    if complexity is None or complexity == _EVEN:
        return replace(control, complexity=None)
    if complexity > _EVEN:
        return replace(control, complexity=None, density=control.density or (round(16 * (complexity - _EVEN)), 128))
    return replace(
        control,
        complexity=None,
        density=control.density or (0, round(4 + 24 * complexity)),
        polyphony=control.polyphony or (0, round(2 + 8 * complexity)),
        note_length=control.note_length or (round(12 * 2 ** (-4 * complexity)) / 12, 64),
    )


def overall(controls: Sequence[Control]) -> float:
    """Complexity of the whole piece: that of the last control that speaks of all parts and bars, or neither."""
    stated = [c.complexity for c in controls if c.parts is None and c.bars is None and c.complexity is not None]
    return stated[-1] if stated else _EVEN


def chromatic_share(controls: Sequence[Control], usual: float) -> float:
    """Largest share of the sounding time outside the scale: the usual one, and up to twice that in rich music."""
    return usual * (1 + max(overall(controls) - _EVEN, 0) / _EVEN)


def boldness(controls: Sequence[Control]) -> float:
    """By what to multiply the temperature: 0.8 in the plainest music, 1.2 in the richest."""
    return 0.8 + 0.4 * overall(controls)

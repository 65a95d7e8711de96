"""How the program, volume and pan of a part at its beginning stand in a MIDI file.

In a `Part` stands what it begins with; in a file, messages at some tick before its first note. If the only such
message stands at tick 0, the `Part` says all. Else the message is kept beside (it may have to follow a reset
of the synthesiser), and what the `Part` says is not written a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

Statement = tuple[int, int]
"""Tick, value; in order of time."""


def opening(statements: Sequence[Statement], first_onset: int) -> tuple[int | None, bool]:
    """The value with which a part begins, None if none is stated, and whether the `Part` alone says it."""
    if not statements or statements[0][0] > first_onset:
        return None, False
    tick, value = statements[0]
    return value, tick == 0 and not _is_restated(value, statements[1:], first_onset)


def stated(value: int | None, kept: Sequence[Statement], first_onset: int) -> bool:
    """Whether a part's value has to be written at tick 0: those kept beside it do not say it."""
    return value is not None and not _is_restated(value, kept, first_onset)


def _is_restated(value: int, statements: Sequence[Statement], first_onset: int) -> bool:
    return bool(statements) and statements[0][0] <= first_onset and statements[0][1] == value

"""Bars that the syntax itself keeps full: rules that count down the sixteenths of a bar, for a meter that is known.

Lengths are those of plain and dotted notes down to the sixteenth, and triplets of equal notes: less than ABC has, and
enough for what a model composes.
"""

from __future__ import annotations

from partimento.theory.meter import Meter

UNIT_LINE = "L:1/8\n"
_LARGEST = 256
_TRIPLETS = (1, 2, 4)
"""Sixteenths of a written note of a triplet."""


def can_count(meter: Meter | None) -> bool:
    """Whether bars of a meter are whole sixteenths."""
    return meter is not None and 16 * meter.beats % meter.beat_type == 0


def rules(meter: Meter, words: bool) -> list[str]:
    """Rules for `music`, one bar of a voice, and the terminals that they need."""
    bar = 16 * meter.beats // meter.beat_type
    lengths = [n for n in _plain() if n <= bar]
    triplets = [n for n in _TRIPLETS if 2 * n <= bar]
    found = [f"music: OPENING? bar_{bar} (OVERLAY bar_{bar})* CLOSING{' WORDS*' if words else ''}"]
    for left in range(1, bar + 1):
        options = [_then(f"NOTE_{n}", left - n) for n in lengths if n <= left]
        options += [_then(f"TRIPLET_{n}", left - 2 * n) for n in triplets if 2 * n <= left]
        found.append(f"bar_{left}: {' | '.join(options)}")
    before = "GRACE | INLINE | / / | QUOTED | DECORATION | SLUR" if words else "GRACE | INLINE | / / | SYMBOL | JUMP"
    found += [
        f"BEFORE: ({before})*",
        'HEAD: PITCH | /[zx]/ | "[" (HUNG PITCH /-?/)+ "]"',
        'CLOSING: BEFORE BARLINE "\\n"',
        "OVERLAY: / *& */",
        *(f'NOTE_{n}: BEFORE HEAD "{_text(n)}" /-?/' for n in lengths),
        *(f'TRIPLET_{n}: BEFORE "(3" ({_note(n)} " "?){{2}} {_note(n)}' for n in triplets),
    ]
    return found


def _then(event: str, left: int) -> str:
    return f"{event} bar_{left}" if left else event


def _note(sixteenths: int) -> str:
    return f'HEAD "{_text(sixteenths)}" /-?/'


def _plain() -> list[int]:
    """Sixteenths of plain and dotted notes."""
    powers = [1 << k for k in range(9)]
    return sorted({*powers, *(3 * power for power in powers)} & {*range(1, _LARGEST + 1)})


def _text(sixteenths: int) -> str:
    """A length in eighths as ABC has it."""
    top = "" if sixteenths in (1, 2) else str(sixteenths // 2 if sixteenths % 2 == 0 else sixteenths)
    return top + "/2" * (sixteenths % 2)

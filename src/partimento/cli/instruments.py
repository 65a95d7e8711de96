"""`partimento instruments`: names and what people call them."""

from __future__ import annotations

from partimento.cli.console import console, table
from partimento.plan.ensemble import ensembles
from partimento.theory.instrument import DRUMS, instrument_name, instrument_words


def instruments(search: str = "", /) -> None:
    """List the instruments and what they may be called.

    **Examples**

    - `partimento instruments`
    - `partimento instruments guitar`

    Args:
        search: Part of a name; only instruments with it are listed.
    """
    called: dict[int, list[str]] = {}
    for word, program in instrument_words().items():
        called.setdefault(program, []).append(word)
    rows = [
        (
            str(program) if program < DRUMS else "drums",
            instrument_name(program),
            _names(program, called[program]),
        )
        for program in range(DRUMS + 1)
    ]
    terminal = console()
    terminal.print(table([row for row in rows if _matches(search, row)], ("program", "instrument", "also called")))
    groups = [(name, ", ".join(map(instrument_name, programs))) for name, programs in ensembles().items()]
    terminal.print()
    terminal.print(table([row for row in groups if _matches(search, row)], ("ensemble", "instruments")))


def _names(program: int, words: list[str]) -> str:
    return ", ".join(sorted(set(words) - {instrument_name(program).lower()}))


def _matches(search: str, row: tuple[str, ...]) -> bool:
    return any(search.lower() in cell.lower() for cell in row)

"""The syntax of event JSON as a grammar for llguidance, with what a plan says as literals."""

from __future__ import annotations

import json
from collections.abc import Iterable

from partimento.plan import Task
from partimento.representations.event_json.quantise import MAX_BPM
from partimento.representations.event_json.text import KEYS, part_names
from partimento.representations.timed import RESOLUTION
from partimento.score import Part

_TERMINALS = r"""
MUSIC: "],\"music\":["
CLOSING: "]}"
PITCH: /12[0-7]|1[01][0-9]|[1-9]?[0-9]/
PROGRAM: /12[0-8]|1[01][0-9]|[1-9]?[0-9]/
TICKS: /[1-9][0-9]{0,4}/
NOTE: "[" PITCH "," TICKS ("," PITCH)? "]"
ANY_PART: "\"p" PROGRAM /(:[1-9][0-9]{0,2})?/ "\""
ANY_METER: /"m[1-9][0-9]?\/(1|2|4|8|16|32|64)"/
ANY_TEMPO: /"q[1-9][0-9]{0,2}"/
"""


def syntax(task: Task, ticks_per_quarter: int) -> str:
    """A grammar in the Lark dialect of llguidance; see https://github.com/guidance-ai/llguidance.

    Meter, key, tempo and instruments of the plan stand in it as literals; where there are any of the first three, or
    bars, music without a beat is out of the question. Where all is to be steady, nothing may change.
    """
    plan, changes = task.plan, not task.constraints.steady
    needs_beats = not changes or any(wish is not None for wish in (plan.meter, plan.key, plan.tempo_bpm, plan.bars))
    programs = None if plan.instruments is None else list(plan.instruments)
    names = [] if programs is None else part_names(tuple(map(Part.playing, programs)))
    anew = [kind for kind, wish in (("key", plan.key), ("tempo", plan.tempo_bpm)) if wish is None and changes]
    rules = [
        "start: " + ("quarter" if needs_beats else "quarter | second"),
        f"quarter: {_opening('quarter', ticks_per_quarter)} parts MUSIC beats CLOSING",
        f'second: {_opening("second", RESOLUTION)} parts MUSIC (event ("," event)*)? CLOSING',
        "parts: " + ('(PROGRAM ("," PROGRAM){0,255})?' if programs is None else _quoted(",".join(map(str, programs)))),
        f'beats: meter ("," key){"" if plan.key else "?"} ("," tempo){"" if plan.tempo_bpm else "?"} ("," item)*',
        "event: NOTE | TICKS | part",
        "item: " + " | ".join(["event", "barline", *anew]),
        'barline: "\\"|\\""' + (' ("," meter)?' if changes and plan.meter is None else ""),
        "part: " + ("ANY_PART" if programs is None else _signs("p", names)),
        "meter: " + ("ANY_METER" if plan.meter is None else _signs("m", [str(plan.meter)])),
        "key: " + _signs("k", KEYS if plan.key is None else [str(plan.key)]),
        "tempo: " + ("ANY_TEMPO" if plan.tempo_bpm is None else _signs("q", [tempo_text(plan.tempo_bpm)])),
    ]
    return "\n".join(rules) + _TERMINALS


def tempo_text(tempo_bpm: float) -> str:
    """A tempo as whole quarters per minute."""
    return str(min(max(round(tempo_bpm), 1), MAX_BPM))


def _opening(unit: str, ticks: int) -> str:
    return _quoted(f'{{"{unit}":{ticks},"parts":[')


def _quoted(text: str) -> str:
    return json.dumps(text)


def _signs(letter: str, values: Iterable[str]) -> str:
    return " | ".join(_quoted(f'"{letter}{value}"') for value in values)

r"""The syntax of ABC text as a grammar for llguidance, with what a plan says as literals.

Every line is a terminal (a regular expression), and rules say which lines may follow each other: the fields of the
header in the writer's order, then bars. A regular expression cannot count how long a bar is; `faults` does.
"""

from __future__ import annotations

import json

from partimento.io.abc.fields import CLEF_NAMES
from partimento.io.abc.signs import key_name, meter_text
from partimento.io.abc.text import escape, quotable
from partimento.plan import Plan, Task
from partimento.representations.abc_text.counted import UNIT_LINE, can_count
from partimento.representations.abc_text.counted import rules as rules_of_bars
from partimento.theory.instrument import DRUMS, instrument, instrument_name
from partimento.theory.meter import Meter

MAX_VOICES_OF_PART = 8
_TERMINALS = r"""
TEXT: /([^%\\\x00-\x1f\x7f]|\\[^\x00-\x1f])*/
QUOTED: /"([^"%\\\x00-\x1f\x7f]|\\[^\x00-\x1f])*"/
NUMBER: /[1-9][0-9]*/
LENGTH: /([1-9][0-9]{0,5})?(\/[1-9][0-9]{0,5})?/
PITCH: /(\^\^?|__?|=)?([A-G],{0,6}|[a-g]'{0,6})/
DECORATION: /![^!\s|%\x00-\x1f]{1,30}!|\./
JUMP: /!(segno|coda|fine|dacoda|D\.[CS]\.(alfine|alcoda)?)!/
NOTE: PITCH LENGTH /-?/
CHORD: "[" (HUNG PITCH /-?/)+ "]" LENGTH /-?/
GRACE: "{" /\/?/ (HUNG (NOTE | CHORD) /\)*/)+ "}"
EVENT: NOTE | CHORD | /[zx]/ LENGTH
TUPLET: /\([1-9][0-9]{0,2}(:[1-9][0-9]{0,2}(:[1-9][0-9]{0,3})?)?/
SLUR: /\.?\(|\)/
ENDING: /[1-9][0-9]?(,[1-9][0-9]?){0,9}/
NAMED_ENDING: " [" (QUOTED | ENDING)
BARLINE: (/\[?\|\]|\|\||\[\||\.?\||\|:|:{1,9}\|:?|::/) (NAMED_ENDING | ENDING)?
OPENING: "|:" (NAMED_ENDING | ENDING)? | NAMED_ENDING
VOICE: "[V:" NUMBER "] "
SYMBOL: "\"" ("N.C." | /[A-G](##?|bb?)?[A-Za-z0-9#()+,°øΔ-]{0,20}(\/[A-G](##?|bb?)?)?/) "\""
WORDS: "w:" TEXT "\n"
VERSE: "W:" TEXT "\n"
NAME: "T:" TEXT "\n"
CREDIT: /[ABCDFGHNOSZ]:/ TEXT "\n"
PARTS_ORDER: "P:" TEXT "\n"
DECLARATION: "%%deco " /[^\s%\\]{1,20}/ " 3 - 0 0 0\n"
SCORE: "%%score " /[0-9 ()\[\]{}|]+/ "\n"
VOICE_LINE: "V:" NUMBER (" name=" QUOTED)? (" snm=" QUOTED)? CLEF? SHIFT? "\n"
VOICE_ID: "V:" NUMBER "\n"
MIDI: "%%MIDI " /channel|program|control 7|control 10/ / [0-9]{1,3}\n/
UNIT: /L:1\/(4|8|16)\n/
KEY_NAME: /none|H[Pp]|[A-G][#b]?(m|dor|phr|lyd|mix|loc)?( exp( ?[_^=]{1,2}[a-g])*)?/
METER_NAME: /none|C\|?|[1-9][0-9+]{0,20}\/(1|2|4|8|16|32|64)/
SHIFT_NAME: /transpose=-?[0-9]{1,3}/
CLEF: " " CLEF_NAME
SHIFT: " " SHIFT_NAME
TEMPO_NAME: QUOTED | (QUOTED " ")? /[0-9]{1,3}\/[0-9]{1,3}=[0-9]{1,9}(\.[0-9]{1,9})?/
"""
_ELEMENTS = "EVENT | TUPLET | GRACE | INLINE | /[ &]/"
_FIELDS = {
    "K": '"[K:" (KEY_NAME CLEF? SHIFT? | CLEF_NAME SHIFT? | SHIFT_NAME) "]"',
    "M": '"[M:" METER_NAME "]"',
    "Q": '"[Q:" TEMPO_NAME "]"',
    "P": r'"[P:" /([^\[\]%\\\x00-\x1f\x7f]|\\[^\x00-\x1f])*/ "]"',
    "I": '"[I:MIDI program " /[0-9]{1,3}/ "]"',
}
"""Fields inside the music."""


def syntax(task: Task, *, interleaved: bool, words: bool, counted: bool) -> str:
    """A grammar in the Lark dialect of llguidance; see https://github.com/guidance-ai/llguidance."""
    plan = task.plan
    free, order, declared = ("NAME* CREDIT*", "PARTS_ORDER?", "DECLARATION*") if words else ("", "", "")
    counts = counted and interleaved and can_count(plan.meter)
    name = _line("T", plan.title) if plan.title else "NAME"
    rules = [
        f"start: header voices key instruments body {'VERSE*' if words else ''}",
        f'header: "X:1\\n" {name} {free} style {order} meter unit tempo {declared}',
        f"style: {_line('R', plan.style) if plan.style else 'STYLE*'}",
        f"meter: {_meter(plan.meter)}",
        f"unit: {json.dumps(UNIT_LINE) if counts else 'UNIT'}",
        f"tempo: {_tempo(plan)}",
        f"voices: {_voices(plan)}",
        f"key: {_line('K', key_name(plan.key)) if plan.key else 'KEY'}",
        f"instruments: {_instruments(plan)}",
        f"body: {_body(plan, interleaved)}",
        "line: VOICE? music",
        *(rules_of_bars(plan.meter, words) if counts and plan.meter else _rules_of_lines(interleaved, words)),
        f"CLEF_NAME: /clef=({'|'.join(sorted(set(CLEF_NAMES.values())))})([+-](8|15))?/",
        f"HUNG: {'(DECORATION | QUOTED | SLUR)*' if words else '/()/'}",
        f"ELEMENT: {_ELEMENTS} | {'QUOTED | DECORATION | SLUR' if words else 'SYMBOL | JUMP'}",
        'STYLE: "R:" TEXT "\\n"',
        'METER: "M:" METER_NAME "\\n"',
        'TEMPO: "Q:" TEMPO_NAME "\\n"',
        'KEY: "K:" KEY_NAME "\\n"',
        "COUNT: /% [1-9][0-9]*\\/[1-9][0-9]*\\n/",
        f"INLINE: {_inline(task)}",
    ]
    return "\n".join(rules) + _TERMINALS


def _rules_of_lines(interleaved: bool, words: bool) -> list[str]:
    """Lines of music that hold notes; interleaved, one bar each."""
    more = "" if interleaved else "(ELEMENT | BARLINE)* "
    return [
        f"music: LINE {'WORDS*' if words else ''}",
        f'LINE: OPENING? {more}ELEMENT* EVENT ELEMENT* BARLINE "\\n"',
    ]


def _line(letter: str, text: str) -> str:
    return json.dumps(f"{letter}:{escape(text)}\n", ensure_ascii=False)


def _meter(meter: Meter | None) -> str:
    if meter is None:
        return "METER"
    signs = {(4, 4): ("", "common"), (2, 2): ("", "cut")}.get((meter.beats, meter.beat_type), ("",))
    return " | ".join(_line("M", meter_text(meter.beats, meter.beat_type, sign)) for sign in signs)


def _tempo(plan: Plan) -> str:
    return "TEMPO?" if plan.tempo_bpm is None else _line("Q", f"1/4={plan.tempo_bpm:g}")


def _is_fixed(plan: Plan) -> bool:
    """Whether every instrument of the plan plays one note at a time, and so has one voice."""
    return plan.instruments is not None and all(instrument(program).is_monophonic for program in plan.instruments)


def _most_voices(program: int) -> int:
    return 1 if instrument(program).is_monophonic else MAX_VOICES_OF_PART


def _voices(plan: Plan) -> str:
    """The voices; those of the plan's instruments have their names."""
    if plan.instruments is None:
        return "SCORE? VOICE_LINE*"
    lines: list[str] = []
    for number, program in enumerate(plan.instruments, 1):
        name = f'name="{quotable(instrument_name(program))}"'
        line = json.dumps(f"V:{number} {name}") if _is_fixed(plan) else f'"V:" NUMBER {json.dumps(" " + name)}'
        more = _most_voices(program) - 1
        lines.append(f'{line} CLEF? "\\n"' + (f" VOICE_ID{{0,{more}}}" if more else ""))
    return " ".join(lines if _is_fixed(plan) else ["SCORE?", *lines])


def _instruments(plan: Plan) -> str:
    """What plays each voice."""
    if plan.instruments is None:
        return "(VOICE_ID | MIDI)*"
    parts = [_instrument(program) for program in plan.instruments]
    most = [_most_voices(program) for program in plan.instruments]
    if _is_fixed(plan):
        ids = [f'"V:{number}\\n"' if len(parts) > 1 else "" for number in range(1, len(parts) + 1)]
        return " ".join(f"{voice} {part}" for voice, part in zip(ids, parts, strict=True))
    if len(parts) == 1:
        return f"({parts[0]}) | (VOICE_ID {parts[0]}){{1,{most[0]}}}"
    return " ".join(f"(VOICE_ID {part}){{1,{count}}}" for part, count in zip(parts, most, strict=True))


def _instrument(program: int) -> str:
    if program == DRUMS:
        return '"%%MIDI channel 10\\n%%MIDI program 0\\n"'
    return json.dumps(f"%%MIDI program {program}\n")


def _body(plan: Plan, interleaved: bool) -> str:
    if not interleaved:
        return "line+"
    bar = _bar(plan)
    if plan.bars is None:
        return f"(COUNT {bar})+"
    return " ".join(f'"% {number}/{plan.bars}\\n" {bar}' for number in range(1, plan.bars + 1))


def _bar(plan: Plan) -> str:
    """One bar of all voices."""
    if not _is_fixed(plan):
        return "line+"
    count = len(plan.instruments or ())
    return " ".join(f'"[V:{number}] " music' for number in range(1, count + 1)) if count > 1 else "music"


def _inline(task: Task) -> str:
    """Fields that may stand inside the music: none that changes what the plan states."""
    plan, steady = task.plan, task.constraints.steady
    fixed = {"K": plan.key, "M": plan.meter, "Q": plan.tempo_bpm}
    return " | ".join(text for letter, text in _FIELDS.items() if letter in "PI" or not (steady or fixed[letter]))

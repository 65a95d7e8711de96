"""What `compose` and `plan` share: wishes from a sentence, from files, and a table of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from partimento.cli.console import console, table
from partimento.cli.files import load_tune
from partimento.errors import BadFile
from partimento.io import read_bytes
from partimento.plan import Plan
from partimento.plan.parse import Understood, parse_chords, parse_prompt
from partimento.plan.sentence import HINTED, SAID, STATED
from partimento.plan.wishes import Control, part_names
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import instrument_name
from partimento.theory.key import Key
from partimento.theory.tempo import tempo_word

_MOST_CHORD_BYTES = 1 << 16
_TEXTS = (".txt", ".chords", ".crd", ".md")
_SURE = {STATED: "stated", SAID: "said", HINTED: "hinted at"}


def understand(
    text: str, *, key: str | None = None, tags: bool = True, reader: str = "", reader_model: str = ""
) -> Understood:
    """Read a sentence: what it states, and between the lines genre, mood, energy and occasion.

    Args:
        text: the sentence.
        key: what Roman numerals count from, where the sentence names no key.
        tags: whether to look between the lines.
        reader: address of a server that speaks OpenAI's protocol, or a GGUF file, that does so.
        reader_model: which of the server's models.

    Raises:
        BadInput: the sentence cannot be understood, or the language model not be used.
    """
    understood = parse_prompt(text, Key.parse(key) if key else None)
    reader = reader or os.environ.get("PARTIMENTO_READER", "")
    if not tags:
        return understood
    from partimento.generation import tagging  # loads torch, which bad wishes need not wait for

    if reader:
        from partimento.data.chat import writer

        model = reader_model or os.environ.get("PARTIMENTO_READER_MODEL", "")
        by = writer(reader, tagging.INSTRUCTION, model, os.environ.get("OPENAI_API_KEY", ""))
        with console().status(f"{by.name} reads the sentence"):
            return tagging.read_by(by, understood)
    tagger = tagging.embedded_tagger()
    if tagger is None:
        console().print("Genre and mood are not read; for that, pip install 'partimento\\[text]'.")
        return understood
    return tagging.tagged(understood, tagger.tags(understood))


def chords_from(text: str, key: Key | None) -> tuple[tuple[ChordSymbol, ...], ...]:
    """Chords as they stand, or from a text file or a score that is named.

    Raises:
        BadInput: they are no chords, or the file has none.
    """
    path = Path(text)
    if len(text) > 1_000 or "|" in text or not (path.suffix.lower() in _TEXTS or _is_file(path)):
        return parse_chords(text, key)
    if path.suffix.lower() not in _TEXTS and path.suffix:
        chords = _like(path).chords
        if chords is None:
            raise BadFile(path, "no chords can be heard in it")
        return chords
    content = read_bytes(path)
    if len(content) > _MOST_CHORD_BYTES:
        raise BadFile(path, f"is larger than {_MOST_CHORD_BYTES >> 10} KiB, which no progression is")
    lines = [line for line in content.decode("utf-8", "replace").splitlines() if not line.lstrip().startswith("#")]
    has_bars = any("|" in line for line in lines)
    return parse_chords((" | " if has_bars else " ").join(lines), key)


def like(path: Path | None) -> Plan:
    """The plan of a piece, or an empty one.

    Raises:
        BadFile: the file cannot be read.
    """
    return _like(path) if path else Plan()


def _like(path: Path) -> Plan:
    from partimento.generation.like import plan_like

    return plan_like(load_tune(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def print_plan(understood: Understood | None, wishes: Plan) -> None:
    """Print a table of the wishes, with the words they came from and how sure each is."""
    rows = [
        (row.title, row.text, *(_origin(understood, wishes, row) if understood else ())) for row in described(wishes)
    ]
    header = ("wish", "understood as", "from the words", "how sure") if understood else ("wish", "value")
    console().print(table(rows, header) if rows else "No wish is stated; the model is free to choose.")


def _origin(understood: Understood, wishes: Plan, row: Row) -> tuple[str, str]:
    """The words that a row came from, and how sure it is."""
    if getattr(wishes, row.field) != getattr(understood.plan, row.field):
        return "", "beside the sentence"
    found = [w for w in understood.wishes if w.name == row.field and (not row.values or w.value in row.values)]
    words = dict.fromkeys(" ".join(understood.text[w.start : w.end].split()) for w in found if w.end > w.start)
    if row.field == "tags":
        return " … ".join(words), ", ".join(f"{tag.score:.0%}" for tag in row.values)
    return " … ".join(words), _SURE[max(w.firmness for w in found)] if found else "read by the model"


class Row(NamedTuple):
    """A wish in words."""

    field: str
    title: str
    text: str
    values: tuple[Any, ...] = ()
    """Of a field that has several: those that the row speaks of."""


def described(plan: Plan) -> Iterator[Row]:
    """Each wish that a plan states."""
    if plan.title:
        yield Row("title", "title", plan.title)
    if plan.style is not None:
        yield Row("style", "style", plan.style)
    if plan.key is not None:
        yield Row("key", "key", str(plan.key))
    if plan.meter is not None:
        yield Row("meter", "meter", str(plan.meter))
    if plan.tempo_bpm is not None:
        yield Row("tempo_bpm", "tempo", f"{plan.tempo_bpm:g} quarters per minute ({tempo_word(plan.tempo_bpm)})")
    if plan.feel is not None:
        yield Row("feel", "feel", plan.feel)
    if plan.instruments is not None:
        yield Row("instruments", "instruments", ", ".join(map(instrument_name, plan.instruments)))
    if plan.without:
        yield Row("without", "without", ", ".join(map(instrument_name, plan.without)))
    if plan.bars is not None:
        yield Row("bars", "bars", str(plan.bars))
    if plan.duration_seconds is not None:
        yield Row("duration_seconds", "duration", _duration(plan))
    if plan.form is not None:
        sections = [s.label if s.bars is None else f"{s.label} ({s.bars} bars)" for s in plan.form]
        yield Row("form", "form", " – ".join(sections))
    if plan.chords is not None:
        yield Row("chords", "chords", " | ".join(" ".join(map(str, bar)) for bar in plan.chords))
    if plan.harmony is not None:
        yield Row("harmony", "harmony", plan.harmony)
    for control in plan.controls:
        yield Row("controls", _of_parts(control, plan), _control(control), (control,))
    for kind in dict.fromkeys(tag.kind for tag in plan.tags):
        tags = tuple(tag for tag in plan.tags if tag.kind == kind)
        yield Row("tags", kind, ", ".join(tag.name for tag in tags), tags)


def _duration(plan: Plan) -> str:
    bars = plan.with_bars().bars
    return f"{plan.duration_seconds:g} seconds" + (f", about {bars} bars" if plan.bars is None else "")


def _of_parts(control: Control, plan: Plan) -> str:
    names = part_names(plan.instruments or ())
    return "all parts" if control.parts is None else ", ".join(names[p] for p in control.parts if p < len(names))


def _pitch(midi: int) -> str:
    """`C4` for the middle C."""
    return f"{['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'][midi % 12]}{midi // 12 - 1}"


def _control(control: Control) -> str:
    said: list[str] = []
    for name, unit in (("density", "notes a bar"), ("polyphony", "notes at a time"), ("note_length", "quarters long")):
        if span := getattr(control, name):
            said.append(f"{span[0]:g} to {span[1]:g} {unit}")
    if control.register:
        said.append(" to ".join(map(_pitch, control.register)))
    if control.dynamics:
        said.append(control.dynamics)
    if control.complexity is not None:
        said.append(f"complexity {control.complexity:.0%}")
    if control.bars:
        said.append(f"in bars {control.bars[0] + 1} to {control.bars[1]}")
    return ", ".join(said)

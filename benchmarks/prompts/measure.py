"""How well the parser reads the 200 prompts: rates of each field against the keys in `prompts.yaml`.

    python benchmarks/prompts/measure.py             # writes results.json beside it
    python benchmarks/prompts/measure.py --verbose   # and shows each prompt that is read otherwise
    python benchmarks/prompts/measure.py --unseen    # shows how `unseen.yaml` is read, and writes nothing
    python benchmarks/prompts/measure.py --tags      # and genre, mood and occasion, by the embedded encoder

The keys were written by hand beside the prompts. A wish is found if what the plan states is what the key asks, and
invented if the plan states it and the key does not. Tempi are exempt from the second, as moods may suggest them.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from partimento.errors import BadPlan
from partimento.plan import Control, Plan
from partimento.plan.parse import parse_chords, parse_prompt

HERE = Path(__file__).parent
FIELDS = (
    "key", "meter", "tempo", "instruments", "without", "bars", "seconds", "chords", "form", "feel", "title", "controls",
)  # fmt: skip
LEVELS = {
    ("density", "high"): lambda span: span[0] >= 4, ("density", "low"): lambda span: span[1] <= 4,
    ("register", "high"): lambda span: span[0] >= 60, ("register", "low"): lambda span: span[1] <= 67,
    ("note_length", "long"): lambda span: span[0] >= 0.5, ("note_length", "short"): lambda span: span[1] <= 0.5,
    ("polyphony", "many"): lambda span: span[1] >= 3, ("complexity", "high"): lambda value: value > 0.6,
    ("complexity", "low"): lambda value: value < 0.4,
}  # fmt: skip
"""What a person means by a level of a control."""


@dataclass(frozen=True)
class Reading:
    """One prompt and what became of each wish."""

    text: str
    kind: str
    found: frozenset[str]
    missed: dict[str, Any]
    invented: dict[str, Any]


def read(book: dict[str, Any], prompt: dict[str, Any]) -> Reading:
    """Parse a prompt, and compare with its key."""
    asks = prompt["asks"]
    try:
        plan = parse_prompt(prompt["text"]).plan
    except BadPlan as error:
        return Reading(prompt["text"], prompt["kind"], frozenset(), dict.fromkeys(asks, str(error)), {})
    stated = _stated(plan)
    right = {name for name in asks if _agrees(name, asks[name], plan, book)}
    invented = {name: stated[name] for name in stated.keys() - asks.keys() - {"tempo", *prompt.get("open", ())}}
    missed = {name: stated.get(name) for name in asks.keys() - right}
    return Reading(prompt["text"], prompt["kind"], frozenset(right), missed, invented)


def _stated(plan: Plan) -> dict[str, Any]:
    values = {
        "key": plan.key, "meter": plan.meter, "tempo": plan.tempo_bpm, "instruments": plan.instruments,
        "without": plan.without, "bars": plan.bars, "seconds": plan.duration_seconds, "form": plan.form,
        "feel": plan.feel, "title": plan.title, "controls": plan.controls,
        "chords": plan.chords and " | ".join(" ".join(map(str, bar)) for bar in plan.chords),
    }  # fmt: skip
    return {name: value for name, value in values.items() if value not in (None, (), "")}


def _agrees(name: str, asked: Any, plan: Plan, book: dict[str, Any]) -> bool:
    stated = _stated(plan)
    if name not in stated:
        return False
    value = stated[name]
    if name == "tempo":
        low, high = book["tempi"][asked] if isinstance(asked, str) else (asked, asked)
        return low <= value <= high
    if name == "instruments":
        return match([set(book["instruments"][each]) for each in asked], list(value))
    if name == "without":
        return all(set(book["instruments"][each]) & set(value) for each in asked)
    if name == "form":
        said = [f"{s.label} {s.bars}" if s.bars and any(c.isdigit() for c in asked[0]) else s.label for s in value]
        return said == asked
    if name == "controls":
        return all(_controlled(each, plan, book) for each in asked) and _dimensions(value) <= {
            each.split()[-2] for each in asked
        }
    if name == "seconds":
        return value == asked
    if name == "chords":
        return value == " | ".join(" ".join(map(str, bar)) for bar in parse_chords(f"| {asked} |"))
    return str(value) == str(asked)


def match(wanted: list[set[int]], programs: list[int]) -> bool:
    """Whether programs can be dealt out so that each wish gets one that it accepts."""
    if len(wanted) != len(programs):
        return False
    if not wanted:
        return True
    return any(
        match(wanted[1:], programs[:index] + programs[index + 1 :])
        for index, program in enumerate(programs)
        if program in wanted[0]
    )


def _controlled(asked: str, plan: Plan, book: dict[str, Any]) -> bool:
    """Whether controls of that dimension and level cover the instrument, or every part."""
    *name, dimension, level = asked.split()
    instruments = plan.instruments or ()
    wanted = {p for p, each in enumerate(instruments) if each in book["instruments"].get(" ".join(name), range(129))}
    covered: set[int] = set()
    for control in plan.controls:
        value = getattr(control, dimension)
        if value is not None and (value == level if dimension == "dynamics" else LEVELS[dimension, level](value)):
            covered |= set(range(len(instruments)) if control.parts is None else control.parts)
    return (
        bool(covered & wanted) if name != ["all"] else covered >= {p for p in wanted if _can(instruments[p], dimension)}
    )


def _can(program: int, dimension: str) -> bool:
    """Drums have no register."""
    return program != 128 or dimension not in ("register", "polyphony")


def _dimensions(controls: tuple[Control, ...]) -> set[str]:
    names = [each.name for each in fields(Control) if each.name not in ("parts", "bars")]
    return {name for control in controls for name in names if getattr(control, name) is not None}


def readings(name: str = "prompts.yaml") -> list[Reading]:
    """All prompts of a file."""
    book = yaml.safe_load((HERE / "prompts.yaml").read_text("utf-8"))
    return [read(book, prompt) for prompt in yaml.safe_load((HERE / name).read_text("utf-8"))["prompts"]]


def rates(done: list[Reading]) -> dict[str, dict[str, float]]:
    """Field ▶ how often it is asked for, and the shares found of these and invented of the rest."""
    asked = Counter(name for each in done for name in (*each.found, *each.missed))
    found = Counter(name for each in done for name in each.found)
    invented = Counter(name for each in done for name in each.invented)
    return {
        name: {
            "asked": asked[name],
            "found": round(found[name] / max(asked[name], 1), 4),
            "invented": invented[name],
        }
        for name in FIELDS
    }


def tag_rates() -> dict[str, dict[str, float]]:
    """Kind of prompt ▶ shares of the key's tags that are found, and of the found ones that stand in the key."""
    from partimento.generation.tagging import embedded_tagger

    tagger, book = embedded_tagger(), yaml.safe_load((HERE / "prompts.yaml").read_text("utf-8"))
    assert tagger is not None, "pip install partimento[text]"
    rows: dict[str, dict[str, float]] = {}
    for kind in ("caption", "typed"):
        counts = Counter[str]()
        for prompt in (each for each in book["prompts"] if each["kind"] == kind):
            tags = [wish.value for wish in tagger.tags(parse_prompt(prompt["text"]))]
            said, asked = {tag.name for tag in tags if tag.kind != "energy"}, set(prompt["tags"])
            counts.update(right=len(said & asked), said=len(said), asked=len(asked))
        found, confirmed = counts["right"] / counts["asked"], counts["right"] / counts["said"]
        rows[kind] = {"asked": counts["asked"], "found": round(found, 4), "in the key": round(confirmed, 4)}
    return rows


def main() -> None:
    """Print and write the rates."""
    is_unseen = "--unseen" in sys.argv
    done = readings("unseen.yaml" if is_unseen else "prompts.yaml")
    table = rates(done)
    for name, row in table.items():
        print(f"{name:12} asked {row['asked']:3}  found {row['found']:.1%}  invented {row['invented']}")
    whole = sum(not each.missed and not each.invented for each in done)
    print(f"read without any difference: {whole} of {len(done)}")
    if "--verbose" in sys.argv:
        for each in done:
            if each.missed or each.invented:
                print(f"\n{each.text}\n  missed {each.missed}\n  invented {each.invented}")
    if is_unseen:
        return
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    results = {"machine": platform.machine(), "python": platform.python_version(), "commit": commit.stdout.strip()}
    results |= {"prompts": len(done), "read_without_difference": whole, "fields": table}
    if "--tags" in sys.argv:
        results["tags"] = tag_rates()
        print(results["tags"])
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()

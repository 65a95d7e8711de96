"""Plans in JSON and YAML files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from partimento.errors import BadFile, BadPlan
from partimento.io import read_bytes
from partimento.io.files import write_bytes
from partimento.plan.plan import Plan

YAML_ENDINGS = (".yaml", ".yml")
_MOST_BYTES = 1 << 20
_MOST_EVENTS = 20_000
_DEEPEST = 12


def load_plan(path: Path) -> Plan:
    """Read a plan from JSON or YAML: one that `partimento plan --out` or `partimento compose` wrote, or your own.

    Raises:
        BadFile: the file is missing, neither JSON nor YAML, or holds no plan.
    """
    text = _text(path)
    content = _yaml(text, path) if path.suffix.lower() in YAML_ENDINGS else _json(text, path)
    plan = cast("Mapping[str, Any]", content).get("plan", content) if isinstance(content, Mapping) else content
    try:
        if not isinstance(plan, Mapping):
            raise BadPlan('holds no plan; write for example {"key": "D major", "bars": 16}')
        return Plan.from_dict(cast("Mapping[str, Any]", plan))
    except BadPlan as error:
        raise BadFile(path, str(error)) from None


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan as YAML or JSON, as the ending says.

    Raises:
        BadFile: the ending is neither, or the place cannot be written to.
    """
    if path.suffix.lower() in YAML_ENDINGS:
        text = yaml_of(plan)
    elif path.suffix.lower() == ".json":
        text = json.dumps(plan.to_dict(), indent=2, ensure_ascii=False) + "\n"
    else:
        raise BadFile(path, "a plan is written as .yaml or .json")
    write_bytes(path, text.encode())


def yaml_of(plan: Plan) -> str:
    """The plan as YAML, for people to edit."""
    return yaml.safe_dump(plan.to_dict(), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def _text(path: Path) -> str:
    content = read_bytes(path)
    if len(content) > _MOST_BYTES:
        raise BadFile(path, f"is larger than {_MOST_BYTES >> 20} MiB, which no plan is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(path, "is no text in UTF-8") from None


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadFile(path, "is no JSON; give a plan that partimento wrote, or end its name in .yaml") from None


def _yaml(text: str, path: Path) -> Any:
    try:
        _check_events(yaml.parse(text, yaml.SafeLoader), path)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise BadFile(path, f"is no YAML{place}; write for example key: D major") from None


def _check_events(events: Iterator[Any], path: Path) -> None:
    """Refuse what unfolds to more than stands in the file, or is deeper than any plan."""
    depth = 0
    for count, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST or count > _MOST_EVENTS:
            raise BadFile(path, "is no plan; a plan is a short list of names and values, without references")

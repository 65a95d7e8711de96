"""Plans in JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from partimento.errors import BadFile, BadPlan
from partimento.io import read_bytes
from partimento.plan.plan import Plan

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "title": ((str,), "a text"), "style": ((str,), "a text"), "key": ((str,), "a text such as D major"),
    "meter": ((str,), "a text such as 6/8"), "tempo_bpm": ((int, float), "a number"),
    "bars": ((int,), "a whole number"), "instruments": ((list,), "a list of names"),
    "chords": ((list,), "a list with one text for each bar"),
}  # fmt: skip


def load_plan(path: Path) -> Plan:
    """Read a `.plan.json` as `partimento compose` writes it, or a bare plan.

    Raises:
        BadFile: the file is missing, no JSON, or holds no plan.
    """
    try:
        content = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        raise BadFile(path, "is no JSON; give a .plan.json that partimento compose wrote") from None
    plan = content.get("plan", content) if isinstance(content, dict) else content
    try:
        return Plan.from_dict(_checked(plan))
    except BadPlan as error:
        raise BadFile(path, str(error)) from None


def _checked(plan: Any) -> dict[str, Any]:
    if not isinstance(plan, dict):
        raise BadPlan('holds no plan; write for example {"key": "D major", "bars": 16}')
    for name, (kinds, description) in _KINDS.items():
        value = plan.get(name, "" if str in kinds else 0 if int in kinds else [])
        is_texts = not isinstance(value, list) or all(isinstance(item, str) for item in value)
        if not isinstance(value, kinds) or isinstance(value, bool) or not is_texts:
            raise BadPlan(f"{name} has to be {description}")
    return plan

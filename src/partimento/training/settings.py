"""YAML of settings into checked dataclasses: the first error is one line that names file, key and mend.

The dataclasses carry `STRICT` and a docstring under each field.
"""

from __future__ import annotations

import difflib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from yaml.composer import ComposerError

from partimento.errors import BadFile, BadRecipe

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
_LARGEST_FILE = 1 << 20


class _Loader(yaml.SafeLoader):
    """Plain values only; aliases could blow a small file up to any size."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise ComposerError(problem="aliases (*name) are not taken, write the values out", problem_mark=mark)
        return super().compose_node(parent, index)


def read_settings(path: Path, what: str = "recipe") -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        BadFile: it is missing, too large, or no YAML mapping.
    """
    if not path.is_file():
        raise BadFile(path, f"there is no such {what}")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BadFile(path, f"is larger than {_LARGEST_FILE >> 20} MiB and so no {what}")
        text = path.read_text("utf-8")
        content = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(path, f"cannot be read as text ({type(error).__name__})") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadFile(path, f"{where}is no YAML ({getattr(error, 'problem', None) or error})") from error
    if not isinstance(content, dict):
        raise BadFile(path, "is no mapping of keys to values; see recipes/tiny.yaml")
    return content


def override(content: Any, setting: str) -> None:
    """Put one setting, `key.key=value` in YAML's notation, into the content of a recipe.

    Raises:
        BadRecipe: it is no such setting.
    """
    key, equals, text = setting.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise BadRecipe(f"--set {setting}: write it as key=value, such as training.steps=500")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadRecipe(f"--set {setting}: the value is no YAML; put it in quotes") from error
    put(content, key.strip(), value, f"--set {setting}")


def put(content: Any, key: str, value: Any, said: str) -> None:
    """Put a value under `key.key` into the content of a recipe.

    Args:
        content: is changed.
        key: where.
        value: plain.
        said: what asked for it, for the message.

    Raises:
        BadRecipe: on the way there stands a value.
    """
    path = key.split(".")
    for name in path[:-1]:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise BadRecipe(f"{said}: {name} is a value and has no keys inside")
    content[path[-1]] = value


def checked(kind: type[Any], content: dict[str, Any], file: str = "", prefix: str = "") -> Any:
    """A dataclass from plain values.

    Args:
        kind: dataclass with `STRICT`.
        content: values by key.
        file: stands before the message, such as `recipe.yaml: `.
        prefix: stands before the key, such as `model.config.`.

    Raises:
        BadRecipe: a key is unknown or missing, or a value does not fit; the first of them is named.
    """
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = prefix + ".".join(_place(kind, first["loc"]))
        raise BadRecipe(f"{file}{key}: {_reason(kind, first)}".replace("\n", " ")) from error
    except BadRecipe as error:
        raise BadRecipe(f"{file}{prefix.rstrip('.')}{': ' if prefix else ''}{error}") from error


def require(condition: bool, message: str) -> None:
    """Raise BadRecipe with the message unless the condition holds."""
    if not condition:
        raise BadRecipe(message)


def _reason(kind: type[Any], error: Any) -> str:
    match error["type"]:
        case "unexpected_keyword_argument":
            keys = _keys_at(kind, error["loc"][:-1])
            close = difflib.get_close_matches(str(error["loc"][-1]), keys, n=1)
            advice = f"do you mean {close[0]}?" if close else f"choose from {', '.join(keys)}"
            return f"there is no such key; {advice}"
        case "missing" | "missing_argument":
            return "is missing; add it"
        case _:
            shown = repr(error["input"])
            return f"{shown if len(shown) < 60 else shown[:57] + '...'}: {error['msg']}"


def _place(kind: Any, path: tuple[Any, ...]) -> list[str]:
    """Keys and places in lists, without the names of a union's members, which pydantic adds."""
    place = list[str]()
    for part in path:
        if not place or isinstance(part, int) or is_dataclass(kind):
            place.append(str(part))
            kind = _kind_of(kind, str(part))
    return place


def _keys_at(kind: Any, path: tuple[Any, ...]) -> list[str]:
    for name in path:
        kind = _kind_of(kind, str(name))
    return [each.name for each in fields(kind)] if is_dataclass(kind) else []


def _kind_of(kind: Any, name: str) -> Any:
    """The type of a field; of `X | None`, X."""
    hint = get_type_hints(kind).get(name) if is_dataclass(kind) else None
    return next((member for member in get_args(hint) if is_dataclass(member)), hint)

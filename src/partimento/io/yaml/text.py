"""YAML text ⇄ plain data, of the small part of YAML that Chord Llama's rows use.

Written by hand for speed; in the form `block` to the byte what PyYAML's `dump(data, sort_keys=False)` writes, but that
long lines are not folded. Read through libyaml's events, so that nothing but mappings, lists, strings and null comes
of it: no tags, anchors or aliases, bounded depth and length.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, get_args

import yaml

Data = None | str | dict[str, "Data"] | list["Data"]
Style = Literal["block", "flow"]
"""How mappings below the children of a measure are written: over lines, or in braces."""

STYLES = get_args(Style)
MAX_DEPTH = 12
MAX_CHARACTERS = 64 * 2**20
MAX_EVENTS = 4_000_000
"""Most keys and values of a text, brackets counted."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_RESERVED = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null"])
_NUMBER = re.compile(r"-?[1-9]\d*|0|\d+\.\d+")
_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_PART = re.compile(r"P\d+")


# Data ▶ text


@lru_cache(65536)
def scalar(text: str, *, is_inside: bool = False) -> str:
    """A string as YAML.

    Args:
        text: the string.
        is_inside: whether it stands in braces.
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    if _NUMBER.fullmatch(text):
        return f"'{text}'"
    if is_inside:
        return yaml.safe_dump([text], default_flow_style=True, width=2**30)[1:-2]
    return yaml.safe_dump([text], default_flow_style=False, width=2**30)[2:-1]


def dump(data: Data, style: Style = "block") -> str:
    """Data as a YAML document."""
    return "\n".join(_lines(data, "", style)) + "\n"


def _lines(data: Data, indent: str, style: Style) -> list[str]:
    if isinstance(data, list) and data:
        lines: list[str] = []
        for item in data:
            inner = _lines(item, indent + "  ", style)
            inner[0] = f"{indent}- {inner[0][len(indent) + 2 :]}"
            lines += inner
        return lines
    if isinstance(data, dict) and data:
        return [line for key, value in data.items() for line in _entry(key, value, indent, style)]
    return [indent + _leaf(data)]


def _entry(key: str, value: Data, indent: str, style: Style) -> list[str]:
    if not value or isinstance(value, str):
        return [f"{indent}{scalar(key)}: {_leaf(value)}"]
    if style == "flow" and not _PART.fullmatch(key):
        return [f"{indent}{scalar(key)}: {_inside(value)}"]
    deeper = indent if isinstance(value, list) else indent + "  "
    return [f"{indent}{scalar(key)}:", *_lines(value, deeper, style)]


def _leaf(value: Data) -> str:
    return scalar(value) if isinstance(value, str) else _inside(value)


def _inside(value: Data) -> str:
    """A value in braces."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return scalar(value, is_inside=True)
    if isinstance(value, list):
        return f"[{', '.join([_inside(item) for item in value])}]"
    return f"{{{', '.join([f'{scalar(key, is_inside=True)}: {_inside(item)}' for key, item in value.items()])}}}"


# Text ▶ data


def load(text: str) -> list[Data]:
    """The documents of a YAML text; every scalar but null is a string, whether it is quoted or not.

    Raises:
        ValueError: the text is no YAML, or has what rows never have; says at which line.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text)} characters of YAML, more than {MAX_CHARACTERS}")
    builder = _Builder()
    try:
        for number, event in enumerate(yaml.parse(text, _LOADER)):
            builder.take(event)
            if number > MAX_EVENTS:
                raise ValueError(f"line {_line(event)}: more than {MAX_EVENTS} keys and values; split the text")
    except yaml.YAMLError as error:
        raise ValueError(_message(error)) from None
    return builder.documents


class _Builder:
    """Puts events together."""

    def __init__(self) -> None:
        self.documents: list[Data] = []
        self._open: list[dict[str, Data] | list[Data]] = []
        self._keys: list[str | None] = []
        """Of each open mapping, the key whose value comes next."""

    def take(self, event: Any) -> None:
        """One event."""
        if isinstance(event, yaml.ScalarEvent):
            self._check(event)
            is_null = event.implicit[0] and event.value in _NULLS
            self._scalar(None if is_null else event.value, event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check(event)
            made: dict[str, Data] | list[Data] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._put(made, event)
            self._open.append(made)
            self._keys.append(None)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise ValueError(f"line {_line(event)}: an alias, *{event.anchor}; write out what it stands for")

    def _check(self, event: Any) -> None:
        if event.anchor is not None or (event.tag is not None and event.tag != "!"):
            raise ValueError(f"line {_line(event)}: an anchor or tag; write the plain value")
        if len(self._open) > MAX_DEPTH:
            raise ValueError(f"line {_line(event)}: nested more than {MAX_DEPTH} deep")

    def _scalar(self, value: str | None, event: Any) -> None:
        if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
            key = "null" if value is None else value
            if key in self._open[-1]:
                raise ValueError(f"line {_line(event)}: {key[:40]!r} stands there twice")
            self._keys[-1] = key
        else:
            self._put(value, event)

    def _put(self, value: Data, event: Any) -> None:
        if not self._open:
            self.documents.append(value)
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        elif self._keys[-1] is None:
            raise ValueError(f"line {_line(event)}: a key that is no plain text")
        else:
            self._open[-1][self._keys[-1]] = value
            self._keys[-1] = None


def _line(event: Any) -> int:
    return event.start_mark.line + 1


def _message(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error).split("\n")[0]
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)

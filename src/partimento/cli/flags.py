"""Command-line flags from a dataclass, each under the heading of its group, its docstring as help."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter
from pydantic import ConfigDict, TypeAdapter, with_config


def grouped(options: type[Any], groups: Mapping[Group, Sequence[str]]) -> type[Any]:
    """A dataclass with the same fields, which cyclopts shows in groups.

    Args:
        options: a dataclass with a docstring under each field.
        groups: group ▶ names of fields; every field is in one of them.
    """
    documented = with_config(ConfigDict(use_attribute_docstrings=True))(options)
    properties = TypeAdapter(documented).json_schema()["properties"]
    hints = get_type_hints(options)
    group_of = {name: group for group, names in groups.items() for name in names}
    fields: list[Any] = []
    for field in dataclasses.fields(options):
        text = properties[field.name]["description"]
        flag = Parameter(group=group_of[field.name], help=text, negative_iterable="", negative_none="")
        default = dataclasses.field(default_factory=_default(field))
        fields.append((field.name, Annotated[hints[field.name], flag], default))
    made = dataclasses.make_dataclass(options.__name__, fields, frozen=True)
    made.__module__ = options.__module__  # otherwise cyclopts takes it for one of Python's own
    return made


def _default(field: dataclasses.Field[Any]) -> Callable[[], Any]:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return lambda: field.default

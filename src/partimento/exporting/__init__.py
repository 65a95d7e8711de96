"""Models in the formats of other programs, one file per target.

A target writes files into an empty folder; that they appear all or none, and beside what made them, is seen to here.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from partimento.errors import BadRecipe

TARGETS = {"gguf": "partimento.exporting.gguf"}
"""Module of each target; it has a `TARGET`."""
MADE = "export.json"
"""Says in each exported folder what made it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A format that models can be written in."""

    kinds: tuple[str, ...]
    """What may stand behind the colon, `gguf:q8_0`."""
    default: str
    """The kind where none is said."""
    write: Callable[[Path, str, Path], None]
    """Writes a model folder as a kind into an empty folder."""


def export(model: Path, to: str, out: Path) -> Path:
    """Write a model folder in another format; an older export in its place is replaced once all is written.

    Args:
        model: folder that `partimento train` or `merge` has written.
        to: `gguf:q8_0`; the kind may be left out.
        out: folder to write.

    Raises:
        BadRecipe: the target is unknown, the model is none that it can hold, or the place cannot be written.
    """
    name, kind, target = _named(to)
    from partimento.models.folder import load_text, made_by, written_beside  # loads torch

    if out.resolve() == model.resolve():
        raise BadRecipe(f"{out}: is the model itself; choose another folder")
    with written_beside(out, MADE) as temporary:
        target.write(model, kind, temporary)
        provenance = load_text(model / "provenance.json") if (model / "provenance.json").is_file() else {}
        made = {"target": f"{name}:{kind}", **made_by(), "model": provenance}
        (temporary / MADE).write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return out


def _named(to: str) -> tuple[str, str, Target]:
    name, _, kind = to.partition(":")
    if name not in TARGETS:
        raise BadRecipe(f"there is no export to {name!r}; choose from {', '.join(TARGETS)}")
    target: Target = importlib.import_module(TARGETS[name]).TARGET
    kind = kind or target.default
    if kind not in target.kinds:
        raise BadRecipe(f"{name} has no kind {kind!r}; choose from {', '.join(target.kinds)}")
    return name, kind, target

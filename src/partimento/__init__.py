"""Compose editable, multi-instrument scores with language models, and make such models.

>>> import partimento as pt
>>> piece = pt.compose("a lively jig in D major, 6/8, for flute and guitar, 16 bars", seed=7)
>>> piece.save("jig.musicxml")
>>> piece.infill((9, 12)).play()
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partimento.api import Generator, Piece
    from partimento.io import load_score, load_scores, save_score
    from partimento.plan import Plan
    from partimento.score import Score

__version__ = "0.1.0"
__all__ = [
    "Generator",
    "Piece",
    "Plan",
    "Score",
    "__version__",
    "compose",
    "load",
    "load_score",
    "load_scores",
    "save_score",
]

_HOMES = {
    "Generator": "partimento.api", "Piece": "partimento.api",
    "load_score": "partimento.io", "load_scores": "partimento.io", "save_score": "partimento.io",
    "Plan": "partimento.plan", "Score": "partimento.score",
}  # fmt: skip


def compose(wish: str | Plan = "", *, model: Path | str | None = None, seed: int | None = None, **how: Any) -> Piece:
    """A new piece.

    Args:
        wish: a sentence, or a Plan; nothing leaves everything to the model.
        model: model folder or GGUF file, by default the model that comes with the package; the last two stay loaded.
        seed: the same wish, model and seed give the same piece; by default drawn by lot, and told by the piece.
        how: `temperature`, `top_p` and the other settings of `partimento.generation.Sampling`.

    Raises:
        BadPlan: the wish cannot be understood.
        InfeasibleTask: no piece can hold all that is wished for.
    """
    from partimento.api import generator

    return generator(model).compose(wish, seed=seed, **how)


def load(path: Path | str) -> Piece:
    """The first piece of a MIDI, MusicXML or ABC file.

    Raises:
        BadFile: the file cannot be read.
    """
    from partimento.api import Piece

    return Piece.load(path)


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for, so that `import partimento` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'partimento' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

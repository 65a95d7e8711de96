"""Compose editable, multi-instrument scores with language models, and make such models.

>>> import partimento
>>> score = partimento.compose("a lively jig in D major, 6/8, for flute and guitar, 16 bars", seed=7)
>>> partimento.save_score(score, "jig.musicxml")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partimento.io import load_score, load_scores, save_score
    from partimento.plan import Plan
    from partimento.score import Score

__version__ = "0.1.0"
__all__ = ["Plan", "Score", "__version__", "compose", "load_score", "load_scores", "save_score"]

_HOMES = {
    "load_score": "partimento.io", "load_scores": "partimento.io", "save_score": "partimento.io",
    "Plan": "partimento.plan", "Score": "partimento.score",
}  # fmt: skip


def compose(wish: str | Plan = "", *, model: Path | str | None = None, seed: int = 0, **sampling: Any) -> Score:
    """A new piece.

    Args:
        wish: a sentence, or a Plan; nothing leaves everything to the model.
        model: model folder, by default the one that comes with the package.
        seed: the same wish, model and seed give the same piece.
        sampling: fields of `generation.Sampling`, such as `temperature` and `top_p`.

    Raises:
        BadPlan: the wish cannot be understood.
    """
    from partimento.generation import Sampling
    from partimento.generation import compose as compose_plan
    from partimento.plan import Plan
    from partimento.plan.parse import parse_prompt

    plan = wish if isinstance(wish, Plan) else parse_prompt(wish).plan if wish else Plan()
    text = wish if isinstance(wish, str) else ""
    return compose_plan(plan, model=Path(model) if model else None, text=text, seed=seed, sampling=Sampling(**sampling))


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for, so that `import partimento` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'partimento' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)

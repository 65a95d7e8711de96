"""`partimento merge`: an adapter and its base become one model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from partimento.cli.console import console, plain
from partimento.errors import BadRecipe


def merge(
    adapter: Path,
    /,
    *,
    out: Path,
    base: str | None = None,
    dtype: Literal["float32", "bfloat16"] = "float32",
) -> None:
    """Merge an adapter into its base.

    The outcome is a model folder that needs neither any more and can be exported. How far its logits are from those of
    adapter and base together is measured and shown.

    **Examples**

    - `partimento merge runs/jazz --out models/jazz`
    - `partimento merge runs/jazz --out models/jazz --base ~/models/piano --dtype bfloat16`

    Args:
        adapter: Folder that a recipe with model.adapter was trained to.
        out: Folder of the merged model; it must not exist.
        base: Folder of the base, or its name on the Hugging Face hub, if it is not where the adapter says.
        dtype: Type of the stored weights; bfloat16 halves the file.
    """
    if not (adapter / "adapter_config.json").is_file():
        raise BadRecipe(f"{adapter}: is no adapter folder, adapter_config.json is missing")
    terminal = console()
    with terminal.status("loading") as status:
        import torch

        from partimento.models import merge as merging

        difference = merging.merge(adapter, out, base, dtype=getattr(torch, dtype), say=status.update)
    terminal.print(
        f"{plain(str(out))}: logits differ from the adapter's by at most {difference:.1e}", markup=False, soft_wrap=True
    )

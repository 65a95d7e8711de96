"""Merge an adapter into its base: a model folder of its own, which needs neither any more."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from partimento.errors import BadRecipe
from partimento.models.adapter_folder import load_adapter, load_merged
from partimento.models.folder import save_model_folder

_PROBE_TOKENS = 64
_PROBE_SEED = 1
_OWN = {
    "adapter_model.safetensors", "adapter_config.json", "representation.json", "recipe.yaml", "provenance.json",
    "README.md",
}  # fmt: skip
"""Files of an adapter folder that the merged one has anew, or does without."""


def merge(
    folder: Path,
    out: Path,
    base: str | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    say: Callable[[str], object] = lambda stage: None,
) -> float:
    """Write the model that an adapter and its base make together.

    A base that was trained in nf4 is turned back into plain weights of the same values first: those that the adapter
    was trained beside, not those from before they were rounded to four bits.

    Args:
        folder: adapter folder.
        out: where to; nothing may stand there.
        base: where the base is, if not where the adapter says.
        dtype: of the stored weights.
        say: is called with each stage of the work.

    Returns:
        Largest difference between the logits of adapter and base and those of the merged model, in fp32.

    Raises:
        BadRecipe: something stands at `out`, or a part is missing, damaged or another one.
    """
    if out.exists():
        raise BadRecipe(f"{out}: exists already; name another folder or remove it")
    say("reading the base")
    tuned = load_adapter(folder, base)
    say("listening to the adapter")
    before = heard(tuned.get_base_model())
    del tuned
    say("merging")
    loaded = load_merged(folder, base)
    difference = float((heard(loaded.model) - before).abs().max())
    say("writing")
    merged = {"adapter": folder.name, "dtype": str(dtype).removeprefix("torch."), "logit_difference": difference}
    save_model_folder(
        out,
        loaded.model,
        representation=loaded.representation,
        recipe=loaded.recipe,
        provenance=loaded.provenance | {"merged": merged},
        card=_card(folder, loaded.provenance["base"], difference),
        dtype=dtype,
        also=[lambda place: _copy_rest(folder, place)],
    )
    return difference


@torch.inference_mode()
def heard(model: Any) -> Tensor:
    """Logits on random tokens, the same for every model of a configuration."""
    config = model.config
    generator = torch.Generator().manual_seed(_PROBE_SEED)
    length = min(_PROBE_TOKENS, getattr(config, "max_position_embeddings", None) or _PROBE_TOKENS)
    ids = torch.randint(config.vocab_size, (1, length), generator=generator)
    if "decoder_input_ids" not in signature(model.forward).parameters:
        return model(input_ids=ids).logits
    source = ids % getattr(config, "source_vocab_size", config.vocab_size)
    return model(input_ids=source, decoder_input_ids=ids).logits


def _card(folder: Path, base: dict[str, Any], difference: float) -> str:
    card = (folder / "README.md").read_text("utf-8") if (folder / "README.md").is_file() else f"# {folder.name}\n"
    rounded = ", with the values its weights have in nf4" if base["quantise"] == "nf4" else ""
    return (
        f"{card.rstrip()}\n\n## Merged\nThe adapter is merged into `{base['name']}`{rounded}. Logits differ from those "
        f"of the two together by at most {difference:.1e}.\n"
    )


def _copy_rest(folder: Path, place: Path) -> None:
    """Whatever else stands beside the adapter, such as its tokenizer and the course of its losses."""
    for path in folder.iterdir():
        if path.is_file() and path.name not in _OWN:
            (place / path.name).write_bytes(path.read_bytes())

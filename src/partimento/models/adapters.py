"""Adapters: small trained matrices beside frozen weights.

```python
tuned = with_adapter(model, AdapterConfig(rank=16), seed=1)     # fresh: its logits are the model's
tuned.get_nb_trainable_parameters()                             # trained, all
```
PEFT does the work, for every family with linear layers. `quantised.quantise(model)` before makes it QLoRA.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from partimento.errors import BadRecipe
from partimento.models.quantised import added_modules, linear_layers
from partimento.models.tuning import AdapterConfig

_ATTENTION = re.compile(r"att(ention|n)", re.IGNORECASE)


def with_adapter(model: PreTrainedModel, config: AdapterConfig, *, seed: int, base: str = "") -> PeftModel:
    """Freeze a model and put a fresh adapter beside it, which changes nothing yet.

    What the model's family added to a pretrained one is trained in full. What was frozen before, such as a text
    encoder, gets no adapter.

    Args:
        model: is changed, too: its layers are wrapped.
        config: what to train.
        seed: of the first weights.
        base: name or folder of the model, to be written into `adapter_config.json`.

    Raises:
        BadRecipe: the model has no such layers or tokens.
    """
    targets = _targets(model, config)
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=cast(int, config.alpha),
        lora_dropout=config.dropout,
        use_dora=config.kind == "dora",
        target_modules=_short(targets, [name for name, _ in model.named_modules()]),
        trainable_token_indices=_token_rows(model, config),
        modules_to_save=list(added_modules(model)) if config.train_tokens else None,
        fan_in_fan_out=isinstance(model.get_submodule(targets[0]), Conv1D),
        task_type=_task(model),
    )
    with torch.random.fork_rng(devices=[]), as_intended(model):
        torch.manual_seed(seed)
        tuned = get_peft_model(model, lora)
    tuned.peft_config["default"].base_model_name_or_path = base
    return cast(PeftModel, tuned)


@contextmanager
def as_intended(model: PreTrainedModel) -> Generator[None]:
    """PEFT wraps a model without warnings that nobody can heed, and knows of rows that a model inside it shares."""
    held: Any = model
    config, keys = held.config, held._tied_weights_keys
    head = held.get_output_embeddings()
    is_unsaid = head is not None and head.weight is held.get_input_embeddings().weight
    is_unsaid = is_unsaid and not hasattr(config, "tie_word_embeddings")
    if is_unsaid:
        config.tie_word_embeddings, held._tied_weights_keys = True, keys or {}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.* is deprecated", FutureWarning)
            warnings.filterwarnings("ignore", "fan_in_fan_out is set to", UserWarning)
            yield
    finally:
        if is_unsaid:
            del config.tie_word_embeddings
            held._tied_weights_keys = keys


def _targets(model: PreTrainedModel, config: AdapterConfig) -> list[str]:
    """Names of the layers that are tuned."""
    able = [
        name for name, layer in linear_layers(model) if not getattr(layer, "was_frozen", not layer.weight.requires_grad)
    ]
    if not able:
        raise BadRecipe(f"model.adapter: a {model.config.model_type} has no linear layers to adapt; tune it in full")
    if config.targets == "all-linear":
        chosen = able
    elif config.targets == "attention":
        chosen = [name for name in able if _ATTENTION.search(name)]
    else:
        chosen = [name for name in able if any(f".{name}".endswith(f".{end}") for end in config.targets)]
    if not chosen:
        names = ", ".join(sorted({name.split(".")[-1] for name in able}))
        raise BadRecipe(f"model.adapter.targets: the model has no such layers; choose from all-linear, {names}")
    return chosen


def _short(chosen: Sequence[str], modules: Sequence[str]) -> list[str]:
    """Last parts of names, if they mean these modules and no others; PEFT compares the ends of names."""
    ends = sorted({name.split(".")[-1] for name in chosen})
    meant = {name for name in modules if name.split(".")[-1] in ends}
    return ends if meant == set(chosen) else list(chosen)


def _token_rows(model: PreTrainedModel, config: AdapterConfig) -> dict[str, list[int]] | None:
    """Rows of the embedding to train, and of the output layer where that has weights of its own."""
    ids = sorted({token for first, end in config.token_ranges() for token in range(first, end)})
    if not ids:
        return None
    if any("embed" in name for name in added_modules(model)):
        raise BadRecipe("model.adapter.train_tokens: the added tokens are trained with all they need; write true")
    embedding, head = cast(Any, model.get_input_embeddings()), cast(Any, model.get_output_embeddings())
    if ids[-1] >= len(embedding.weight):
        raise BadRecipe(
            f"model.adapter.train_tokens: there is no id {ids[-1]}; the last is {len(embedding.weight) - 1}"
        )
    is_tied = head is None or head.weight is embedding.weight
    layers = [embedding] if is_tied else [embedding, head]
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(layer)]: ids for layer in layers}


def _task(model: PreTrainedModel) -> str | None:
    """What PEFT calls the model's kind, so that it wraps `generate`, too."""
    if not model.can_generate():
        return None
    return "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"

"""Frozen weights in four bits: nf4 with double quantisation (QLoRA, Dettmers et al., arXiv:2305.14314).

A weight takes 4.13 bits instead of 32. It is turned back for each product, so that memory is saved and not time.
bitsandbytes does the work, on CUDA and on x86 CPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from partimento.errors import BadRecipe

_ABSENT = "nf4 needs bitsandbytes; install it with pip install 'partimento[qlora]', or set model.quantise to none"


def linear_layers(model: PreTrainedModel) -> Iterator[tuple[str, Any]]:
    """Name and module of each matrix product of the base; the output layer and what was added are none of them."""
    head, added = model.get_output_embeddings(), added_modules(model)
    for name, module in model.named_modules():
        is_added = any(f"{name}.".startswith(f"{each}.") for each in added)
        if isinstance(module, nn.Linear | Conv1D) and module is not head and not is_added:
            yield name, module


def added_modules(model: PreTrainedModel) -> tuple[str, ...]:
    """Names of the modules that a family added to a pretrained model, which are always trained in full."""
    return tuple(getattr(model, "added_modules", ()))


def quantise(model: PreTrainedModel, compute_dtype: torch.dtype = torch.float32) -> None:
    """Turn the linear layers of a model into frozen nf4, in place; embeddings, norms and output layer stay.

    Args:
        model: on the CPU or a GPU; its layers are quantised where they are.
        compute_dtype: of the products; bfloat16 where a run computes in it.

    Raises:
        BadRecipe: bitsandbytes is not installed.
    """
    kept = set(getattr(model, "_keep_in_fp32_modules", None) or ())  # such as T5's wo, whose input is cast to its type
    for name, layer in list(linear_layers(model)):
        if kept.isdisjoint(name.split(".")):
            model.set_submodule(name, _four_bit(layer, compute_dtype))
    vars(model)["is_loaded_in_4bit"] = True  # what PEFT asks for


def dequantise(model: PreTrainedModel) -> None:
    """Turn nf4 layers back into what they were before, in place; their values stay those of nf4."""
    nf4 = _bitsandbytes().nn.Linear4bit
    for name, layer in list(linear_layers(model)):
        if isinstance(layer, nf4):
            model.set_submodule(name, _full(layer))
    vars(model)["is_loaded_in_4bit"] = False


def _four_bit(layer: Any, compute_dtype: torch.dtype) -> nn.Module:
    bnb = _bitsandbytes()
    weight = layer.weight.detach().T.contiguous() if isinstance(layer, Conv1D) else layer.weight.detach()
    made = bnb.nn.Linear4bit(weight.shape[1], weight.shape[0], layer.bias is not None, compute_dtype, device="meta")
    made.weight = bnb.nn.Params4bit(weight, compress_statistics=True, quant_type="nf4", module=made).to(weight.device)
    made.bias = layer.bias
    made.source_cls, made.was_frozen = type(layer), not layer.weight.requires_grad
    # Where a CPU multiplies in bf16, bitsandbytes would repack the weights for inference at the first validation,
    # and the steps after it would train without gradients.
    made.support_avx512bf16_for_cpu = False
    return made


def _full(layer: Any) -> nn.Module:
    weight = _bitsandbytes().functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    rows, columns = weight.shape
    if layer.source_cls is Conv1D:
        made, weight = Conv1D(rows, columns), weight.T.contiguous()
    else:
        made = nn.Linear(columns, rows, layer.bias is not None, device="meta")
    made.weight = nn.Parameter(weight, requires_grad=False)
    made.bias = layer.bias
    return made


def _bitsandbytes() -> Any:
    try:
        import bitsandbytes
    except ImportError as error:
        raise BadRecipe(_ABSENT) from error
    return bitsandbytes

"""What a recipe will take, before anything is trained: parameters, memory, time.

Activations are not guessed: the model is built of tensors without content (torch's FakeTensorMode), a row goes
through it, and what autograd keeps for the way back is added up. FLOPs of both ways are counted alike. Of a pretrained
base, the configuration is enough; a text encoder, and a base that is itself an adapter beside another, are loaded.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedOperatorException,
)
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import Module, Parameter
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from partimento.models import Special, Vocabulary, family
from partimento.models.weights import shapes_alone
from partimento.representations import create
from partimento.training.building import base_of, build_model
from partimento.training.module import LanguageModule
from partimento.training.recipe import Recipe
from partimento.training.runs import dtype_of, on_cpu, precision_of

_FOUR_BITS = 0.52
"""Bytes of a weight in nf4 with double quantisation."""
_TEXT_TOKENS = 64
"""Of a text or a source, where a recipe does not say how long they are."""
_EFFICIENCY = 0.5
"""Share of the speed of large matrix products that a whole step reaches."""


@dataclass(frozen=True)
class Estimate:
    """What training takes."""

    parameters: int
    trained: int
    """Parameters that are trained."""
    weights: int
    """Bytes, as are the next four."""
    gradients: int
    optimiser: int
    """AdamW's averages."""
    averages: int
    """Running averages of the weights (`training.ema`), and a copy while they are in place."""
    activations: int
    """Of a micro-batch: kept for the way back, with the logits' gradients."""
    flops: float
    """Of a step."""
    tokens: int
    """Of a step."""
    steps: int | None
    """None where minutes are planned."""
    seconds_per_step: float

    @property
    def memory(self) -> int:
        """Bytes at the peak, besides what the program itself takes."""
        return sum(size for _, size in self.parts())

    def parts(self) -> list[tuple[str, int]]:
        """Names and bytes of what fills the memory, the largest first."""
        names = ("weights", "gradients", "optimiser", "averages", "activations")
        return sorted(((name, getattr(self, name)) for name in names), key=lambda part: -part[1])


def estimate(recipe: Recipe, timed: bool = True) -> Estimate:
    """What training by a recipe takes on this machine.

    Args:
        recipe: what to train.
        timed: whether to measure how fast this machine is, which takes a second.

    Raises:
        BadRecipe: the recipe cannot be carried out here.
    """
    how, cpu = recipe.training, on_cpu(recipe)
    precision = precision_of(recipe)
    module, kept, flops = _tried(recipe, precision, cpu)
    parameters = dict(module.model.named_parameters())
    total = sum(weight.numel() for weight in parameters.values())
    trained = sum(weight.numel() for weight in parameters.values() if weight.requires_grad)
    parts = max(1, how.tokens_per_batch // max(how.micro_batch_tokens, how.context))
    frozen = _FOUR_BITS if recipe.model.quantise == "nf4" else 4
    return Estimate(
        parameters=total,
        trained=trained,
        weights=int(4 * trained + frozen * (total - trained)),
        gradients=4 * trained,
        optimiser=trained * (8 if how.optimiser == "adamw" else 2),
        averages=8 * trained if how.ema else 0,
        activations=int(kept),
        flops=flops * parts,
        tokens=how.tokens_per_batch,
        steps=how.steps,
        seconds_per_step=flops * parts / (_EFFICIENCY * _flops_per_second(cpu, precision)) if timed else float("nan"),
    )


def _tried(recipe: Recipe, precision: str, cpu: bool) -> tuple[LanguageModule, float, float]:
    """The model, bytes of activations and FLOPs of a micro-batch: those of one row, times the rows."""
    rows = _rows(recipe)
    if not _needs_content(recipe):
        try:
            with torch.device("meta"), shapes_alone():
                module = _module(recipe, cpu)
            with FakeTensorMode(allow_non_fake_inputs=True):
                _give_place(module)
                kept, flops = _passed(module, _batch(recipe, 1), precision, cpu)
            return module, rows * kept, rows * flops
        except (DynamicOutputShapeException, DataDependentOutputException, UnsupportedOperatorException):
            pass  # packed sequences of LSTMs; a real model, then
    module = _module(recipe, cpu=True)
    kept, flops = _passed(module, _batch(recipe, 1), precision, cpu=True)
    return module, rows * kept, rows * flops


def _give_place(module: Module) -> None:
    """Tensors that are nowhere (`meta`) come to the CPU; what was shared stays shared."""
    placed = dict[int, Any]()
    for part in module.modules():
        for name, tensor in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
            if id(tensor) not in placed:
                fresh = torch.empty_like(tensor, device="cpu")
                placed[id(tensor)] = Parameter(fresh, tensor.requires_grad) if isinstance(tensor, Parameter) else fresh
            setattr(part, name, placed[id(tensor)])


def _needs_content(recipe: Recipe) -> bool:
    """Whether more of what is pretrained is needed than its shapes."""
    base = recipe.model.base or getattr(recipe.model_config(), "base", "")
    is_adapter = bool(base) and (Path(base).expanduser() / "adapter_config.json").is_file()
    by_unsloth = recipe.model.adapter is not None and recipe.model.adapter.backend == "unsloth"
    return is_adapter or by_unsloth or family(recipe.model.family).reads == "text+tokens"


def _vocabulary(recipe: Recipe) -> Vocabulary:
    if recipe.data.text == "rows":
        return Vocabulary(0, Special(0, 0, 0))
    representation = create(recipe.data.representation, **recipe.data.representation_config)
    merges = int(recipe.data.prepare.get("merges", 0))
    return Vocabulary(len(representation.tokens) + merges, representation.special)


def _module(recipe: Recipe, cpu: bool) -> LanguageModule:
    is_packed = family(recipe.model.family).reads in ("tokens", "text")
    vocabulary = _vocabulary(recipe)
    recipe = replace(recipe, model=replace(recipe.model, quantise="none"))  # what four bits take is known
    base, dtype = base_of(recipe, vocabulary, is_read=False), dtype_of(precision_of(recipe))
    model = build_model(recipe, vocabulary, base, dtype=dtype)
    return LanguageModule(model, recipe.training, 1, on_cpu=cpu, is_packed=is_packed).train()


def _passed(module: LanguageModule, batch: dict[str, Tensor], precision: str, cpu: bool) -> tuple[int, float]:
    """Bytes of activations and FLOPs of a micro-batch."""
    weights = {_storage(weight) for weight in module.model.parameters()}
    kept = dict[int, int]()

    def pack(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in weights:
            kept[_storage(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    autocast = torch.autocast("cpu" if cpu else "cuda", torch.bfloat16) if precision == "bf16" else nullcontext()
    rows, context = batch["labels"].shape  # lengths of pieces, which tensors without content cannot tell
    with FlopCounterMode(display=False) as counter, saved_tensors_hooks(pack, lambda tensor: tensor), autocast:
        logits_NV, labels_N = module.foretold(batch, [context] * rows)
        loss = cross_entropy(logits_NV.float(), labels_N, reduction="sum")
        loss.backward()
    transient = logits_NV.numel() * (4 + logits_NV.element_size())
    return sum(kept.values()) + transient, float(counter.get_total_flops())


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage]


def _text(recipe: Recipe) -> int:
    """Tokens that are read beside the music."""
    if family(recipe.model.family).reads not in ("pairs", "text+tokens"):
        return 0
    config: Any = recipe.model_config()
    return min(_TEXT_TOKENS, getattr(config, "source_context", getattr(config, "text_context", _TEXT_TOKENS)))


def _rows(recipe: Recipe) -> int:
    """Rows of a micro-batch."""
    return max(1, recipe.training.micro_batch_tokens // (recipe.training.context + _text(recipe)))


def _batch(recipe: Recipe, rows: int) -> dict[str, Tensor]:
    """A batch of the recipe's shape."""
    how, kind, text = recipe.training, family(recipe.model.family), _text(recipe)

    def ids(length: int) -> Tensor:
        return torch.zeros(rows, length, dtype=torch.int64)

    music = {"input_ids": ids(how.context), "labels": ids(how.context)}
    positions = {"position_ids": torch.arange(how.context).expand(rows, -1)}
    match kind.reads:
        case "tokens" | "text":
            return music | positions
        case "text+tokens":
            return music | positions | {"text_ids": ids(text), "text_mask": ids(text) + 1}
        case "pairs":
            source = {"input_ids": ids(text), "attention_mask": ids(text) + 1}
            target = {"decoder_input_ids": ids(how.context), "decoder_attention_mask": ids(how.context) + 1}
            return source | target | {"labels": ids(how.context)}


def _flops_per_second(cpu: bool, precision: str) -> float:
    """How fast large matrix products are here."""
    size, device = (1024, "cpu") if cpu else (8192, "cuda")
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    one = torch.ones(size, size, device=device, dtype=dtype)
    times = list[float]()
    for _ in range(5):
        begun = time.perf_counter()
        torch.mm(one, one)
        if not cpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return 2 * size**3 / min(times)

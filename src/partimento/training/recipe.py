"""Recipes: YAML files that say from what, what and how to train.

A recipe is checked whole when it is read; an error names the file, the key and the mend. Keys can be set from
outside: `load_recipe(path, ["training.steps=500"])`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import with_config

from partimento.data.mixture import Mixture
from partimento.errors import BadRecipe
from partimento.models import FAMILIES, family, sized
from partimento.models.tuning import AdapterConfig
from partimento.training.settings import STRICT, checked, override, read_settings, require

_OPTIONAL: dict[str, Any] = {"optional": True}
"""Of a key that stands in a recipe only where it differs from its default, so that runs begun before it go on."""
_FREE: dict[str, Any] = {"optional": True, "free": True}
"""Of such a key on which the weights do not depend; a run goes on with another value."""


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class DataRecipe:
    """What to learn from."""

    sources: list[str]
    """Files, folders, `music21:NAME` corpora or named collections, as `partimento prepare` takes them."""
    dataset: str
    """Folder of the prepared dataset, from where the command runs; it is made where it does not exist."""
    representation: str = "remi"
    """Registered name of the representation."""
    representation_config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Options of the representation."""
    prepare: dict[str, Any] = field(default_factory=dict[str, Any])
    """Options of `partimento prepare`."""
    transpose: int = 0
    """Each piece is transposed by up to so many semitones, up or down, at each reading."""
    swap_instruments: float = 0.0
    """Chance that an instrument is exchanged for another of its role at each reading."""
    tempi: list[float] = field(default_factory=lambda: [1.0])
    """Each piece is one of these times as fast at each reading. If neither keys, tempi nor instruments are varied here,
    the dataset's own settings hold."""
    text: Literal["caption", "chords", "plan", "rows"] | None = field(default=None, metadata=_OPTIONAL)
    """What the model reads before the music, for families that read text or two sequences: the caption of the piece,
    its chords, its plan; or `rows`: the dataset itself is rows of text, instruction, input and output."""
    epochs: Literal["windows", "pieces"] = field(default="windows", metadata=_OPTIONAL)
    """What an epoch is: every window of every piece; or one window of each piece, in epoch k the k-th, cyclically, so
    that long pieces weigh no more than short ones and an epoch is one pass over the captions."""
    tasks: Mixture | None = field(default=None, metadata=_OPTIONAL)
    """Turn a share of the windows into other tasks than composing: filling bars in, adding parts."""

    def __post_init__(self) -> None:
        require(0 <= self.transpose <= 12, f"data.transpose is {self.transpose}; it has to be from 0 to 12")
        require(
            0 <= self.swap_instruments <= 1,
            f"data.swap_instruments is {self.swap_instruments}; it is from 0 to 1",
        )
        require(
            bool(self.tempi) and all(0.25 <= tempo <= 4 for tempo in self.tempi),
            f"data.tempi is {self.tempi}; each is from 0.25 to 4",
        )
        require(bool(self.sources), "data.sources is empty; name at least one, such as music21:bach")
        require(
            self.epochs == "windows" or self.text not in (None, "rows"),
            "data.epochs: pieces are for music behind a text; set data.text to caption, chords or plan",
        )


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """What to train."""

    family: str = "transformer"
    """Registered name of the model family."""
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    """Sizes; what is left out has the family's default."""
    stored_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the weights in the model folder; bfloat16 halves the file."""
    base: str | None = field(default=None, metadata=_OPTIONAL)
    """Pretrained model to start from: one of partimento's model folders of the same family and representation, whose
    sizes then hold; or, for families whose configuration has a `base`, what that takes."""
    initialise_from: str | None = field(default=None, metadata=_OPTIONAL)
    """Folder of a music model. Families that read tokens take over its weights, rows of embedding and head by the names
    of their tokens, so that a trained model gains some; others, whose configuration has such a field, embeddings."""
    adapter: AdapterConfig | None = field(default=None, metadata=_OPTIONAL)
    """Train this instead of the whole model."""
    quantise: Literal["none", "nf4"] = field(default="none", metadata=_OPTIONAL)
    """Keep the frozen base in 4 bits (QLoRA, Dettmers et al., arXiv:2305.14314); needs an adapter."""

    def __post_init__(self) -> None:
        require(
            self.quantise == "none" or self.adapter is not None,
            f"model.quantise is {self.quantise}, and weights of 4 bits cannot be trained; add model.adapter",
        )


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How to train."""

    steps: int | None = None
    """Optimiser steps; give these, `minutes` or `epochs`."""
    minutes: float | None = None
    """Time to train for; the first steps are timed, and as many steps planned as will fit."""
    epochs: float | None = field(default=None, metadata=_OPTIONAL)
    """Passes over the training split, as `data.epochs` counts them."""
    tokens_per_batch: int = 8192
    """Tokens of a step, in rows of `context`."""
    micro_batch_tokens: int = 4096
    """A step is computed in parts of so many tokens, to bound the memory; their sum is that of the whole."""
    context: int = 1024
    """Tokens of a row; no window of the dataset may be longer."""
    learning_rate: float = 1e-3
    """Highest learning rate, reached after the warm-up; it then falls along a cosine to a tenth."""
    warm_up_steps: int = 50
    """Steps in which the learning rate rises from zero."""
    weight_decay: float = 0.1
    """Decay of matrices; norms and embeddings are spared."""
    betas: tuple[float, float] = (0.9, 0.95)
    """Decay rates of AdamW's averages of the gradient and of its square."""
    clip: float = 1.0
    """Longest gradient; longer ones are shortened to it."""
    prompt_loss: bool = True
    """Whether the model learns to write the header, too, so that it can fill in what a prompt leaves open."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the arithmetic; auto takes bf16 where the processor computes in it."""
    validate_every: int = 100
    """Steps between two passes over the validation split; there is one after the last step."""
    checkpoint_every: int = 100
    """Steps between two checkpoints, from which a run goes on that was stopped."""
    threads: int | None = None
    """CPU threads; all cores by default. Equal bytes need an equal number."""
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """Where to compute."""
    optimiser: Literal["adamw", "adamw8bit", "paged"] = field(default="adamw", metadata=_OPTIONAL)
    """AdamW; with averages of 8 bits (bitsandbytes), a quarter of the memory; or with these paged out to the memory of
    the machine where that of the GPU is full (which on the CPU is the same as adamw8bit)."""
    mup_base_width: int | None = field(default=None, metadata=_OPTIONAL)
    """Width at which `learning_rate` was found. At other widths, first weights and learning rates are scaled by μP
    (Yang et al., arXiv:2203.03466, table 8), so that the best rate stays the same."""
    ema: float | None = field(default=None, metadata=_OPTIONAL)
    """Decay per step of a running average of the weights, such as 0.999; the average is validated and stored."""
    early_stopping: int | None = field(default=None, metadata=_OPTIONAL)
    """Stop after so many validations in a row without a new best."""
    keep_checkpoints: int = field(default=0, metadata=_FREE)
    """Keep the model of the last so many checkpoints, each as a model folder under `checkpoints` in the model's own."""
    sample_every: int | None = field(default=None, metadata=_FREE)
    """Steps between two rounds of sample pieces, under `samples` in the model's folder; there is one after the last."""
    sample_prompts: list[str] = field(default_factory=lambda: ["", "a waltz in G major, 16 bars"], metadata=_FREE)
    """What the samples are to be, in words, one piece each; the seeds stay the same, so that steps compare."""
    log_to: list[Literal["csv", "tensorboard", "wandb"]] = field(default_factory=lambda: ["csv"], metadata=_FREE)
    """Where losses are written to: a CSV file always; TensorBoard's event files; Weights & Biases, which goes online
    only if WANDB_MODE is not offline and a key is set."""
    compile: bool = field(default=False, metadata=_OPTIONAL)
    """Let torch.compile make one program of the model; where it cannot, that is said and training goes on without."""
    gradient_checkpointing: bool = field(default=False, metadata=_OPTIONAL)
    """Compute activations again in the backward pass instead of keeping them: a third more work, far less memory."""
    devices: int | Literal["auto"] = field(default=1, metadata=_FREE)
    """GPUs of each machine, or processes where there is none; auto takes all GPUs. Where torchrun or srun starts the
    processes, these are taken."""
    strategy: Literal["auto", "ddp", "fsdp"] = field(default="auto", metadata=_FREE)
    """With several devices: whether each holds the whole model (ddp) or a part of it (fsdp)."""

    def __post_init__(self) -> None:
        lengths = (self.steps, self.minutes, self.epochs)
        require(sum(each is not None for each in lengths) == 1, "training: give one of steps, minutes and epochs")
        for name in ("steps", "minutes", "epochs", "learning_rate", "clip", "threads", "mup_base_width",
                     "early_stopping", "sample_every"):  # fmt: skip
            value = getattr(self, name)
            require(value is None or value > 0, f"training.{name} is {value}; it has to be above 0")
        for name in ("context", "validate_every", "checkpoint_every"):
            require(getattr(self, name) >= 1, f"training.{name} is {getattr(self, name)}; it has to be at least 1")
        for name in ("warm_up_steps", "weight_decay", "keep_checkpoints"):
            require(getattr(self, name) >= 0, f"training.{name} is {getattr(self, name)}; it must not be negative")
        require(
            all(0 <= beta < 1 for beta in self.betas),
            f"training.betas are {self.betas}; both have to be from 0 to below 1",
        )
        require(self.ema is None or 0 < self.ema < 1, f"training.ema is {self.ema}; it has to be between 0 and 1")
        devices = self.devices
        require(devices == "auto" or devices >= 1, f"training.devices is {devices}; it has to be at least 1, or auto")
        for name in ("tokens_per_batch", "micro_batch_tokens"):
            too_small = f"training.{name} {getattr(self, name)} is below context {self.context}; a row has to fit"
            require(getattr(self, name) >= self.context, too_small)


@with_config(STRICT)
@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what a training run gives."""

    name: str
    """Name of the model."""
    data: DataRecipe
    """What to learn from."""
    model: ModelRecipe
    """What to train."""
    training: TrainingRecipe
    """How to train."""
    seed: int = 1
    """Of the first weights, the order and the augmentation."""

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, f"seed is {self.seed}; it has to be from 0 to 2^63 − 1")
        is_fresh = not (self.model.base or self.model.initialise_from or self.model.adapter)
        require(
            is_fresh or self.training.mup_base_width is None,
            "training.mup_base_width scales the first weights of a fresh model; remove it, or model.base and adapter",
        )
        require(
            self.model.quantise == "none" or self.training.strategy != "fsdp",
            "training.strategy fsdp cannot cut weights of 4 bits into parts, whose scales stand beside them; take ddp, "
            "or set model.quantise to none",
        )

    def as_dict(self, deciding: bool = False) -> dict[str, Any]:
        """Plain values, as they stand in YAML.

        Args:
            deciding: leave out what the weights do not depend on.
        """
        content = {}
        for each in fields(self):
            value = getattr(self, each.name)
            content[each.name] = _written(value, deciding) if is_dataclass(value) else value
        content["training"]["betas"] = list(self.training.betas)
        return content

    def model_config(self, file: str = "") -> Any:
        """The family's own dataclass, from `model.config` and what is handed on of `model`'s other keys.

        Args:
            file: stands before the message of an error.

        Raises:
            BadRecipe: the family or a size is unknown, sizes do not fit, or the family takes no such key.
        """
        kind = family(self.model.family)
        known = {each.name for each in fields(kind.config)}
        handed = {name: value for name in ("base", "initialise_from") if (value := getattr(self.model, name))}
        if "initialise_from" in handed.keys() - known and (kind.reads != "tokens" or self.model.base):
            beside = " beside a base" if kind.reads == "tokens" else ""
            raise BadRecipe(
                f"{file}model.initialise_from: the family {self.model.family} takes none{beside}; remove it"
            )
        handed = {name: value for name, value in handed.items() if name in known}
        try:
            sizes = sized(kind, self.model.config)
        except BadRecipe as error:
            raise BadRecipe(f"{file}model.config.{error}") from error
        return checked(kind.config, sizes | handed, file, "model.config.")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML file.
        overrides: settings such as `training.steps=500`, in YAML's notation; the last of a key holds.

    Raises:
        BadFile: the file is missing, too large, or no YAML.
        BadRecipe: a key is unknown or missing, or a value does not fit.
    """
    content = read_settings(path)
    for setting in overrides:
        override(content, setting)
    return recipe_from(content, f"{path}: ")


def recipe_from(content: Mapping[str, Any], file: str = "") -> Recipe:
    """A recipe from plain values.

    Args:
        content: as `Recipe.as_dict` gives it.
        file: stands before the message of an error.

    Raises:
        BadRecipe: a key is unknown or missing, or a value does not fit.
    """
    recipe: Recipe = checked(Recipe, dict(content), file)
    if recipe.model.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise BadRecipe(f"{file}model.family: there is no {recipe.model.family!r}; choose from {known}")
    most = getattr(recipe.model_config(file), "context", None)
    require(
        most is None or recipe.training.context <= most,
        f"{file}training.context {recipe.training.context} is above model.config.context {most}; make them equal",
    )
    return recipe


def _written(part: Any, deciding: bool) -> dict[str, Any]:
    """Plain values of a part of a recipe."""
    content = asdict(part)
    for each in fields(part):
        is_left_out = deciding and each.metadata.get("free")
        if is_left_out or (each.metadata.get("optional") and content[each.name] == _default(each)):
            del content[each.name]
    return content


def _default(key: Any) -> Any:
    return key.default_factory() if callable(key.default_factory) else key.default

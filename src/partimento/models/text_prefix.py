"""A music decoder that reads a text first: the states of a frozen encoder, through one linear layer, as a prefix.

The states are those of the encoder's last layer, or a weighted sum over its embedding and all its layers, with
learned weights (`layer_weights`). The prefix has no positions: music begins at position 0 as if there was no text.
With the prefix masked out, or without a text, it is the music model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch
from pydantic import ConfigDict, with_config
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from partimento.errors import BadRecipe
from partimento.models import FAMILIES, Family, Vocabulary, family, sized
from partimento.models.folder import load_text
from partimento.models.pretrained import load_base
from partimento.models.text_encoder import TextEncoder, text_encoder

_LARGEST = 1 << 17
_DECODERS = ("transformer", "gpt2")


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class TextPrefixSizes:
    """What a recipe may say of a music model with a text before it."""

    music: Literal["transformer", "gpt2"] = "transformer"
    """Family of the music model, where it begins anew."""
    music_config: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the recipe of such a model says under `model.config`."""
    base: str = ""
    """Pretrained music model: a folder of partimento's, or an AMT checkpoint."""
    encoder: str = ""
    """Folder or name of the text encoder, any model with layers; by default the embedded all-MiniLM-L6-v2."""
    layers: Literal["last", "weighted"] = "last"
    """Whether the prefix is made of the encoder's last layer, or of a learned weighted sum over all of them."""
    context: int = 1024
    """Most tokens of music."""
    text_context: int = 128
    """Most tokens of text; what is longer is cut."""

    def __post_init__(self) -> None:
        for name in ("context", "text_context"):
            if not 1 <= getattr(self, name) <= _LARGEST:
                raise BadRecipe(f"{name} is {getattr(self, name)}; it has to be from 1 to {_LARGEST}")
        if self.base and self.music_config:
            raise BadRecipe("music_config and base exclude each other; a base has its own sizes")


class TextPrefixConfig(PreTrainedConfig):
    """Sizes of a `TextPrefix`."""

    model_type = "text_prefix"

    music: dict[str, Any] = field(default_factory=dict)
    """Configuration of the music model."""
    encoder: dict[str, Any] = field(default_factory=dict)
    """`name`, `sha256`, `width` and `layers` of the text encoder."""
    layers: str = "last"
    """`last` or `weighted`."""
    vocab_size: int = 1
    """Number of music tokens."""
    max_position_embeddings: int = 1024
    """Most tokens of music."""
    text_context: int = 128
    """Most tokens of text."""

    @property
    def num_hidden_layers(self) -> int:
        """Of the music model; what sizes a cache."""
        return self.music.get("num_hidden_layers") or self.music["n_layer"]


class TextPrefix(PreTrainedModel, GenerationMixin):
    """A music model, and the layer that turns text states into its prefix."""

    config_class = TextPrefixConfig
    base_model_prefix = "music"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _tied_weights_keys = {}  # noqa: RUF012 - those of the model inside; PEFT asks for a dictionary
    _no_split_modules = ["LlamaDecoderLayer", "GPT2Block"]  # noqa: RUF012

    def __init__(self, config: TextPrefixConfig) -> None:
        super().__init__(config)
        kind = next(kind for kind in _decoders() if kind.takes(config.music["model_type"]))
        music = kind.read_config(config.music)
        self.music = kind.class_for(music)(music)
        self._prefix_position = _without_prefix_positions(self.music)
        self.project = nn.Linear(config.encoder["width"], music.hidden_size)
        if config.layers == "weighted":
            self.mix = _LayerMix(config.encoder["layers"] + 1)
        self.added_modules = ("project",) if config.layers == "last" else ("project", "mix")
        """What is trained in full beside an adapter."""
        self.post_init()

    @property
    def encoder(self) -> TextEncoder:
        """The text encoder, loaded when it is first asked for.

        Raises:
            BadRecipe: it is missing, or another than the model was trained with.
        """
        return text_encoder(self.config.encoder["name"], self.config.encoder["sha256"])

    def _init_weights(self, module: nn.Module) -> None:
        """The linear layer; the music model initialises itself."""
        if module is self.project:
            nn.init.normal_(self.project.weight, std=self.config.encoder["width"] ** -0.5)
            nn.init.zeros_(self.project.bias)
        elif isinstance(module, _LayerMix):
            nn.init.zeros_(module.weight)

    def get_input_embeddings(self) -> nn.Module:
        """The embedding of the music."""
        return self.music.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module | None:
        """The head over the music."""
        return self.music.get_output_embeddings()

    def prefix(self, states_LBSC: Tensor) -> Tensor:
        """The prefix of text states of all layers, shape (batch, S, width of the music model)."""
        states_LBSC = states_LBSC.to(self.project.weight.dtype)
        return self.project(states_LBSC[-1] if self.config.layers == "last" else self.mix(states_LBSC))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        *,
        text_ids: Tensor | None = None,
        text_mask: Tensor | None = None,
        text_states: Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool | None = None,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Logits of what follows each token of music.

        Args:
            input_ids: music, or what follows the cache, shape (batch, T).
            attention_mask: 0 where the music is padding, shape (batch, cached + T).
            position_ids: places of the music, from 0, shape (batch, T).
            text_ids: text in the encoder's tokens, shape (batch, S); not needed behind a cache, or with `text_states`.
            text_mask: 0 where the text is padding, shape (batch, S); all is text by default.
            text_states: of all layers, shape (layers + 1, batch, S, width), where they are known.
            past_key_values: cache of an earlier call; `text_mask` has to be given again.
            use_cache: whether to return a cache.

        Returns:
            Logits of shape (batch, T, music vocabulary) and the cache.
        """
        if text_mask is None and text_ids is not None:
            text_mask = torch.ones_like(text_ids)
        length = input_ids.shape[1]
        cached = past_key_values.get_seq_length() if past_key_values is not None else 0
        fed = max(cached - _width(text_mask), 0)
        embedded_BTC = self.get_input_embeddings()(input_ids)
        if position_ids is None:
            position_ids = torch.arange(fed, fed + length, device=input_ids.device).expand_as(input_ids)
        if text_mask is not None:
            if attention_mask is None:
                attention_mask = text_mask.new_ones(len(input_ids), fed + length)
            attention_mask = torch.cat([text_mask, attention_mask.to(text_mask.dtype)], 1)
            if not cached:
                ids = cast(Tensor, text_ids)
                states_LBSC = self.encoder.states(ids, text_mask) if text_states is None else text_states
                embedded_BTC = torch.cat([self.prefix(states_LBSC).to(embedded_BTC.dtype), embedded_BTC], 1)
                position_ids = torch.cat([torch.full_like(text_mask, self._prefix_position), position_ids], 1)
        output = self.music(
            inputs_embeds=embedded_BTC,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=use_cache,
            logits_to_keep=length,
        )
        return CausalLMOutputWithPast(logits=output.logits, past_key_values=output.past_key_values)

    def prepare_inputs_for_generation(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        text_ids: Tensor | None = None,
        text_mask: Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """What one step of `generate` feeds: the text once, then music from where the cache ends."""
        if text_mask is None and text_ids is not None:
            text_mask = torch.ones_like(text_ids)
        cached = past_key_values.get_seq_length() if past_key_values is not None else 0
        fed = max(cached - _width(text_mask), 0)
        places = None if attention_mask is None else (attention_mask.cumsum(1) - 1).clamp(min=0)[:, fed:]
        return {
            "input_ids": input_ids[:, fed:],
            "attention_mask": attention_mask,
            "position_ids": places,
            "text_ids": None if cached else text_ids,
            "text_mask": text_mask,
            "past_key_values": past_key_values,
            "use_cache": use_cache,
        }


def _width(text_mask: Tensor | None) -> int:
    """How long the prefix is."""
    return 0 if text_mask is None else text_mask.shape[1]


class _LayerMix(nn.Module):
    """A weighted sum over layers; all weigh the same at first."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(layers))

    def forward(self, states_LBSC: Tensor) -> Tensor:
        return torch.einsum("l,lbsc->bsc", self.weight.softmax(0), states_LBSC)


class _MusicPositions(nn.Embedding):
    """Learned positions; what stands before the music, at place −1, has none."""

    def forward(self, input: Tensor) -> Tensor:
        places = super().forward(input.clamp(min=0))
        return torch.where((input < 0)[..., None], torch.zeros((), dtype=places.dtype, device=places.device), places)


def _without_prefix_positions(music: PreTrainedModel) -> int:
    """The place at which a token of the music model has no position; learned positions get one."""
    learned = getattr(music.base_model, "wpe", None)
    if learned is None:
        return 0  # rotary positions: at place 0 nothing is turned
    learned.__class__ = _MusicPositions
    return -1


def layer_weights(model: PreTrainedModel) -> list[float]:
    """Share of the encoder's embedding and of each of its layers in the prefix.

    Raises:
        BadRecipe: the model reads no text this way.
    """
    if not isinstance(model, TextPrefix):
        raise BadRecipe("only models of the family text_prefix weigh the layers of a text encoder")
    if model.config.layers == "last":
        return [0.0] * model.config.encoder["layers"] + [1.0]
    return model.mix.weight.detach().float().softmax(0).tolist()


def build(config: TextPrefixSizes, vocabulary: Vocabulary, seed: int) -> TextPrefix:
    """A text prefix for a fresh or pretrained music model; a base that has one already stays as it is.

    Raises:
        BadRecipe: base or encoder are missing or damaged, or the base has another vocabulary.
    """
    music = _music(config, vocabulary, seed)
    if music.config.vocab_size != vocabulary.size:
        raise BadRecipe(f"model.base {config.base} knows {music.config.vocab_size} tokens, the music {vocabulary.size}")
    if isinstance(music, TextPrefix):
        return music
    if not any(kind.takes(music.config.model_type) for kind in _decoders()):
        raise BadRecipe(
            f"model.base {config.base} is a {music.config.model_type}; a prefix needs {', '.join(_DECODERS)}"
        )
    encoder = text_encoder(config.encoder)
    special: dict[str, Any] = {name: music.config.to_dict().get(f"{name}_token_id") for name in ("pad", "bos", "eos")}
    whole = TextPrefixConfig(
        music=music.config.to_dict(),
        encoder={"name": encoder.name, "sha256": encoder.sha256, "width": encoder.width, "layers": encoder.layers},
        layers=config.layers,
        vocab_size=vocabulary.size,
        max_position_embeddings=min(config.context, music.config.max_position_embeddings),
        text_context=config.text_context,
        **{f"{name}_token_id": token for name, token in special.items()},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TextPrefix(whole)
    model.music.load_state_dict(music.state_dict())
    return model


def reader(config: TextPrefixSizes) -> tuple[Callable[[str], list[int]], bool]:
    """What makes ids of a text, for a recipe's batches, and that texts are not made of words."""
    stored = Path(config.base).expanduser() / "config.json"
    known = load_text(stored).get("encoder") if config.base and stored.is_file() else None
    encoder = text_encoder(known["name"] if isinstance(known, dict) else config.encoder)
    return partial(encoder.tokens, most=config.text_context), False


def _music(config: TextPrefixSizes, vocabulary: Vocabulary, seed: int) -> PreTrainedModel:
    if config.base:
        return load_base(config.base, "causal")
    kind = family(config.music)
    try:
        sizes = kind.config(**{"context": config.context} | sized(kind, config.music_config))
    except TypeError as error:
        raise BadRecipe(f"model.config.music_config: {str(error).partition(') ')[2] or error}") from error
    return kind.build(sizes, vocabulary, seed)


def _decoders() -> list[Family]:
    """Families whose models attend, so that a prefix can be masked."""
    return [family(name) for name in _DECODERS if name in FAMILIES]


def read_config(content: dict[str, Any]) -> TextPrefixConfig:
    """The configuration in `config.json`; what transformers refuses raises its own errors.

    Raises:
        ValueError: it asks for what `build` never gives.
    """
    config = TextPrefixConfig(**content)
    music = next((kind for kind in _decoders() if kind.takes(str(config.music.get("model_type")))), None)
    if music is None:
        known = ", ".join(_DECODERS)
        raise ValueError(f"music.model_type is {config.music.get('model_type')!r}; a prefix needs {known}")
    if music.read_config(config.music).vocab_size != config.vocab_size:
        raise ValueError("vocab_size is not that of music")
    if config.layers not in ("last", "weighted"):
        raise ValueError(f"layers is {config.layers!r} instead of 'last' or 'weighted'")
    wanted = {"name": str, "sha256": str, "width": int, "layers": int}
    for name, kind in wanted.items():
        if not isinstance(config.encoder.get(name), kind):
            raise ValueError(f"encoder.{name} is {config.encoder.get(name)!r}")
    return config


FAMILY = Family(TextPrefixSizes, build, "text_prefix", read_config, TextPrefix, "text+tokens", reader)

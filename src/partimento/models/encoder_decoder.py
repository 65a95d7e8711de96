"""Chords, a plan or a text in, music out: the encoder-decoders BART and T5 with a vocabulary for each side.

The encoder reads a source in an embedding of its own, the decoder reads and writes ids of the music alone. So a
representation's ids stay as they are, and no probability is spent on words. A pretrained model (BART-small, T5) lends
all its layers, and its word embedding to the source; the embedding of the music begins anew.
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
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)
from transformers.modeling_outputs import Seq2SeqLMOutput

from partimento.errors import BadRecipe
from partimento.models import Family, Vocabulary
from partimento.models.folder import load_text
from partimento.models.pretrained import load_base
from partimento.models.tokenizers import read_source, source_tokenizer, stored_tokenizer

_LARGEST = 1 << 17
_ARCHITECTURES: dict[str, tuple[type[Any], type[Any]]] = {
    "bart": (BartConfig, BartForConditionalGeneration),
    "t5": (T5Config, T5ForConditionalGeneration),
}


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class EncoderDecoderSizes:
    """What a recipe may say of an encoder-decoder; with `base`, sizes are those of the base."""

    architecture: Literal["bart", "t5"] = "bart"
    """BART has learned positions and GELU, T5 relative positions and gated GELU."""
    hidden_size: int = 256
    """Width of both residual streams."""
    encoder_layers: int = 4
    """Number of blocks that read the source."""
    decoder_layers: int = 6
    """Number of blocks that write the music."""
    heads: int = 4
    """Attention heads in a layer; they divide `hidden_size`."""
    ff_size: int = 1024
    """Width inside the feed-forward networks."""
    dropout: float = 0.1
    """Share of activations dropped in training."""
    context: int = 1024
    """Most tokens of music."""
    source_context: int = 256
    """Most tokens of the source; what is longer is cut."""
    source: Literal["words", "text"] = "words"
    """Whether the source is read in the small vocabulary of chords and plans, or in a language model's tokens."""
    tokenizer: str = ""
    """Folder or name of the tokenizer of a text; by default that of `base`, else of the embedded text encoder."""
    base: str = ""
    """Folder or name of a pretrained model of the same architecture."""

    def __post_init__(self) -> None:
        sizes = ("hidden_size", "encoder_layers", "decoder_layers", "heads", "ff_size", "context", "source_context")
        for name in sizes:
            if not 1 <= getattr(self, name) <= _LARGEST:
                raise BadRecipe(f"{name} is {getattr(self, name)}; it has to be from 1 to {_LARGEST}")
        if self.hidden_size % self.heads:
            raise BadRecipe(f"hidden_size {self.hidden_size} is no multiple of heads {self.heads}")
        if not 0 <= self.dropout < 1:
            raise BadRecipe(f"dropout is {self.dropout}; it is from 0 to below 1")


class MusicEncoderDecoderConfig(PreTrainedConfig):
    """Sizes of a `MusicEncoderDecoder`."""

    model_type = "music_encoder_decoder"

    inner: dict[str, Any] = field(default_factory=dict)
    """Configuration of the BART or T5 model, whose vocabulary is that of the music."""
    vocab_size: int = 1
    """Number of music tokens."""
    source_vocab_size: int = 1
    """Number of source tokens."""
    source: str = "words"
    """`words` or `text`."""
    max_position_embeddings: int = 1024
    """Most tokens of music."""
    source_context: int = 256
    """Most tokens of the source."""
    tie_word_embeddings: bool = True
    """Whether the head has the weights of the embedding; PEFT asks for it."""


class MusicEncoderDecoder(PreTrainedModel):
    """BART or T5 with an embedding of its own for the source."""

    config_class = MusicEncoderDecoderConfig
    base_model_prefix = "inner"
    main_input_name = "decoder_input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _tied_weights_keys = {}  # noqa: RUF012 - those of the model inside; PEFT asks for a dictionary
    _no_split_modules = ["BartEncoderLayer", "BartDecoderLayer", "T5Block"]  # noqa: RUF012

    def __init__(self, config: MusicEncoderDecoderConfig) -> None:
        super().__init__(config)
        config_class, model_class = _ARCHITECTURES[config.inner["model_type"]]
        inner = config_class(**config.inner)
        self.inner = model_class(inner)
        self.source = nn.Embedding(config.source_vocab_size, inner.d_model)
        self.tokenizer: PreTrainedTokenizerBase | None = None
        """Of the source; goes into the model's folder."""
        self.added_modules: tuple[str, ...] = ()
        """What is trained in full beside an adapter."""
        self._scale = inner.d_model**0.5 if getattr(inner, "scale_embedding", False) else 1.0
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """The embedding of the source, as the inner model initialises its own."""
        if module is self.source:
            nn.init.normal_(self.source.weight, std=_embedding_std(self.inner.config))

    def get_input_embeddings(self) -> nn.Module:
        """The embedding of the music, as the decoder holds it."""
        return self.inner.get_decoder().embed_tokens

    def get_output_embeddings(self) -> nn.Module:
        """The head over the music."""
        return self.inner.get_output_embeddings()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        decoder_attention_mask: Tensor | None = None,
        *,
        encoder_outputs: Any = None,
        past_key_values: Any = None,
        use_cache: bool | None = None,
        **_: Any,
    ) -> Seq2SeqLMOutput:
        """Logits of what follows each token of music.

        Args:
            input_ids: source, shape (batch, S); not needed with `encoder_outputs`.
            attention_mask: 0 where the source is padding, shape (batch, S).
            decoder_input_ids: music from its opening token on, or what follows the cache, shape (batch, T).
            decoder_attention_mask: 0 where the music is padding, shape (batch, cached + T).
            encoder_outputs: what the encoder has made of the source before.
            past_key_values: cache of an earlier call.
            use_cache: whether to return a cache.

        Returns:
            Logits of shape (batch, T, music vocabulary), among others.
        """
        return self.inner(
            inputs_embeds=None if encoder_outputs is not None else self.source(input_ids) * self._scale,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            decoder_attention_mask=decoder_attention_mask,
            encoder_outputs=encoder_outputs,
            past_key_values=past_key_values,
            use_cache=use_cache,
        )

    def encode(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Any:
        """What the encoder makes of a source; `forward` takes it as `encoder_outputs`."""
        embedded = self.source(input_ids) * self._scale
        return self.inner.get_encoder()(inputs_embeds=embedded, attention_mask=attention_mask)

    def generate(self, input_ids: Tensor, attention_mask: Tensor | None = None, **options: Any) -> Tensor:
        """Music for sources, by transformers' `generate`; the grammar is left to a logits processor."""
        return self.inner.generate(
            encoder_outputs=self.encode(input_ids, attention_mask),
            attention_mask=torch.ones_like(input_ids) if attention_mask is None else attention_mask,
            **options,
        )


def build(config: EncoderDecoderSizes, vocabulary: Vocabulary, seed: int) -> MusicEncoderDecoder:
    """A model with random weights, or on the layers of a pretrained one.

    Raises:
        BadRecipe: the base is missing, damaged or of another architecture.
    """
    base = load_base(config.base, "seq2seq") if config.base else None
    if isinstance(base, MusicEncoderDecoder):
        return _tuned_further(base, config, vocabulary)
    if base is not None and base.config.model_type != config.architecture:
        raise BadRecipe(
            f"model.base {config.base} is a {base.config.model_type}, and architecture {config.architecture}"
        )
    inner = _fresh(config) if base is None else base.config.to_dict()
    tokenizer = source_tokenizer(config.source, config.tokenizer or config.base)
    pad, bos, eos = vocabulary.special
    ids: dict[str, Any] = {"pad_token_id": pad, "bos_token_id": bos, "eos_token_id": eos}
    inner |= ids | {"vocab_size": vocabulary.size, "decoder_start_token_id": bos, "forced_eos_token_id": None}
    words = len(tokenizer) if base is None or config.source == "words" else max(len(tokenizer), base.config.vocab_size)
    whole = MusicEncoderDecoderConfig(
        inner=inner,
        vocab_size=vocabulary.size,
        source_vocab_size=words,
        source=config.source,
        max_position_embeddings=_room(inner, config.context),
        source_context=_room(inner, config.source_context),
        tie_word_embeddings=inner.get("tie_word_embeddings", True),
        **ids,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MusicEncoderDecoder(whole)
    if base is not None:
        _take_over(model, base, with_words=config.source == "text")
        model.added_modules = ("source",) if config.source == "words" else ()
    model.tokenizer = tokenizer
    return model


def _tuned_further(
    base: MusicEncoderDecoder, config: EncoderDecoderSizes, vocabulary: Vocabulary
) -> MusicEncoderDecoder:
    """A model of partimento's own as it is."""
    if base.config.vocab_size != vocabulary.size:
        raise BadRecipe(f"model.base {config.base} knows {base.config.vocab_size} tokens, the music {vocabulary.size}")
    base.tokenizer = stored_tokenizer(Path(config.base).expanduser(), base.config.source)
    return base


def reader(config: EncoderDecoderSizes) -> tuple[Callable[[str], list[int]], bool]:
    """What makes ids of a source, for a recipe's batches, and whether sources are made of words."""
    base = Path(config.base).expanduser()
    if config.base and (base / "representation.json").is_file():
        source = str(load_text(base / "config.json").get("source"))
        tokenizer = stored_tokenizer(base, source)
    else:
        source, tokenizer = config.source, source_tokenizer(config.source, config.tokenizer or config.base)
    return partial(read_source, tokenizer, most=config.source_context), source == "words"


def _fresh(config: EncoderDecoderSizes) -> dict[str, Any]:
    """Configuration of an inner model of these sizes."""
    if config.architecture == "t5":
        return {
            "model_type": "t5",
            "d_model": config.hidden_size,
            "d_kv": config.hidden_size // config.heads,
            "d_ff": config.ff_size,
            "num_layers": config.encoder_layers,
            "num_decoder_layers": config.decoder_layers,
            "num_heads": config.heads,
            "dropout_rate": config.dropout,
            "feed_forward_proj": "gated-gelu",
        }
    return {
        "model_type": "bart",
        "d_model": config.hidden_size,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_ffn_dim": config.ff_size,
        "decoder_ffn_dim": config.ff_size,
        "dropout": config.dropout,
        "max_position_embeddings": max(config.context, config.source_context),
    }


def _room(inner: dict[str, Any], context: int) -> int:
    """A context, as far as BART's learned positions reach."""
    return min(context, inner["max_position_embeddings"]) if inner["model_type"] == "bart" else context


def _take_over(model: MusicEncoderDecoder, base: PreTrainedModel, *, with_words: bool) -> None:
    """Layers of the base, and its words for the source."""
    target = model.inner.state_dict()
    words: Any = base.get_input_embeddings().weight
    taken = {
        name: tensor
        for name, tensor in base.state_dict().items()
        if name in target and tensor.shape == target[name].shape and len(words) not in tensor.shape[:1]
    }
    model.inner.load_state_dict(taken, strict=False)
    if with_words:
        cast(Any, model.source.weight).data[: len(words)] = words.data


def _embedding_std(inner: PreTrainedConfig) -> float:
    return inner.init_std if inner.model_type == "bart" else inner.initializer_factor


def read_config(content: dict[str, Any]) -> MusicEncoderDecoderConfig:
    """The configuration in `config.json`; what transformers refuses raises its own errors.

    Raises:
        ValueError: it asks for what `build` never gives.
    """
    config = MusicEncoderDecoderConfig(**content)
    kind = config.inner.get("model_type")
    if kind not in _ARCHITECTURES:
        raise ValueError(f"inner.model_type is {kind!r} instead of {' or '.join(_ARCHITECTURES)}")
    inner = _ARCHITECTURES[kind][0](**config.inner)
    if inner.vocab_size != config.vocab_size:
        raise ValueError(f"vocab_size is {config.vocab_size}, and that of inner {inner.vocab_size}")
    return config


FAMILY = Family(EncoderDecoderSizes, build, "music_encoder_decoder", read_config, MusicEncoderDecoder, "pairs", reader)

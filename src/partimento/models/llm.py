"""Any causal language model of transformers, its vocabulary extended by tokens of music (system B; MIDI-LLM).

Text keeps its ids, and the music's token t has the id `offset + t`. Music has an embedding of its own, followed by a
learned linear layer into the model's space, and an output head of its own; the logits of text and music stand side by
side as one distribution. `folded` makes plain rows of both: an ordinary model of its class with a larger vocabulary,
and the same logits. Without tokens of music it is the pretrained model itself, to be tuned on text.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import torch
from pydantic import ConfigDict, with_config
from torch import Tensor, nn
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_CAUSAL_LM_MAPPING,
    MODEL_FOR_MASKED_LM_MAPPING,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
)

from partimento.errors import BadRecipe
from partimento.models import ANY, Family, Vocabulary
from partimento.models.music_layers import EmbedsMusic, HeadsMusic, MusicEmbedding, ends_of, extend
from partimento.models.pretrained import load_base
from partimento.representations.amt.midi_llm import INSTRUCTION

MODEL_TYPE = "partimento_llm"
MUSIC = "music"
"""Key in `config.json` under which `MusicTokens` stand, of extended and of folded models alike."""


class MusicTokens(NamedTuple):
    """What of a vocabulary is music, and how music is asked for."""

    offset: int
    """Id of the first token of music."""
    size: int
    """How many there are; further rows, as MIDI-LLM has two, mean nothing."""
    prompt: str
    """Text before the music, with `{caption}` where the description stands."""
    context: int
    """Most tokens, of text and music together."""

    def asking(self, caption: str) -> str:
        """The text before the music."""
        return self.prompt.replace("{caption}", caption)


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class LlmConfig:
    """Which language model, and how it takes music up."""

    base: str = ""
    """Language model to start from: a folder, or a name on the Hugging Face hub; `model.base` of a recipe."""
    context: int = 2048
    """Most tokens of a sequence, text and music together."""
    initialise_from: str | None = None
    """Folder or name of a music model over the same tokens. Its embedding and head are copied, scaled to the standard
    deviation of the text's and filled up with zeros; without it, both are random."""
    offset: int | None = None
    """Id of the first token of music; by default they follow the base's own. 128256 for MIDI-LLM."""
    vocabulary_size: int | None = None
    """Number of all ids, if some behind the music mean nothing. 183286 for MIDI-LLM."""
    prompt: str = INSTRUCTION + "{caption} "
    """Text before the music, with `{caption}` where the description stands."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of the weights in training; bfloat16 halves the memory of a base that stays frozen."""

    def __post_init__(self) -> None:
        for name in ("context", "offset", "vocabulary_size"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 1 << 24:
                raise BadRecipe(f"{name} is {value}; it has to be from 1 to {1 << 24}")


class ExtendedConfig(PreTrainedConfig):
    """A base's configuration and what was added to it."""

    model_type = MODEL_TYPE

    def __init__(
        self,
        base: dict[str, Any] | None = None,
        music: dict[str, Any] | None = None,
        music_rows: int = 0,
        music_width: int = 0,
        **options: Any,
    ) -> None:
        """Arguments.

        Args:
            base: what the base's `config.json` says.
            music: `MusicTokens`.
            music_rows: tokens that were added.
            music_width: width of their embedding, before the linear layer.
            options: as every configuration of transformers has.
        """
        self.base, self.music = base or {}, music
        self.music_rows, self.music_width = music_rows, music_width
        for derived in ("vocab_size", "music_vocab_size", "max_position_embeddings"):
            options.pop(derived, None)
        self.vocab_size: int = self.base.get("vocab_size", 0) + music_rows
        self.music_vocab_size: int = (music or {}).get("size", 0)
        self.max_position_embeddings: int = (music or {}).get("context", 0)
        options["tie_word_embeddings"] = False
        super().__init__(**options)

    def base_config(self) -> PreTrainedConfig:
        """The base's own.

        Raises:
            ValueError: transformers has no such model.
        """
        return known_config(self.base)


def known_config(content: dict[str, Any]) -> PreTrainedConfig:
    """The configuration of a causal language model of transformers.

    Raises:
        ValueError: it has none of the type.
    """
    name, kind = str(content.get("model_type")), cast(Any, None)
    if name in CONFIG_MAPPING:  # its `get` knows nothing
        kind = CONFIG_MAPPING[name]
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING or kind in MODEL_FOR_MASKED_LM_MAPPING:
        raise ValueError(f"model_type {name!r} is no causal language model of transformers")
    return kind(**{key: value for key, value in content.items() if key != "model_type"})


class ExtendedForCausalLM(PreTrainedModel, GenerationMixin):
    """A causal language model that reads and writes tokens of music, too."""

    config_class = ExtendedConfig
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: ExtendedConfig, base: PreTrainedModel | None = None) -> None:
        """`base`: the pretrained model, of the configuration's own; a fresh one by default."""
        super().__init__(config)
        inner = config.base_config()
        self.base: PreTrainedModel = class_for(inner)(inner) if base is None else base
        embedding, head = ends_of(self.base)
        hidden_size = embedding.weight.shape[1]
        with torch.device(embedding.weight.device):
            extend(embedding, EmbedsMusic, MusicEmbedding(config.music_rows, config.music_width, hidden_size))
            extend(head, HeadsMusic, nn.Linear(head.weight.shape[1], config.music_rows, bias=False))
        self.post_init()

    @property
    def added_modules(self) -> tuple[str, ...]:
        """Names of what the base did not have."""
        added = {id(layer.music) for layer in ends_of(self)}
        return tuple(name for name, module in self.named_modules() if id(module) in added)

    def get_input_embeddings(self) -> Any:
        """The base's, extended."""
        return self.base.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        """The base's, extended."""
        return self.base.get_output_embeddings()

    def forward(self, input_ids: Tensor | None = None, labels: Tensor | None = None, **arguments: Any) -> Any:
        """As the base's; logits have the shape (rows, tokens, vocabulary), text first."""
        output = self.base(input_ids=input_ids, **arguments)
        if labels is not None:
            output.loss = cast(Any, self.loss_function)(output.logits, labels, vocab_size=self.config.vocab_size)
        return output

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Embedding, nn.Linear)):
            nn.init.normal_(module.weight, std=0.02)


def build(config: LlmConfig, vocabulary: Vocabulary, seed: int) -> PreTrainedModel:
    """A pretrained model with new tokens of music, or as it is where the vocabulary has none or holds them already.

    Raises:
        BadRecipe: a model is missing or damaged, or ids or sizes do not fit.
    """
    if not config.base:
        raise BadRecipe("model.base is missing; name a folder or a model on the Hugging Face hub")
    base = load_base(config.base, "causal", dtype=getattr(torch, config.dtype))
    longest = getattr(base.config, "max_position_embeddings", None)
    if longest is not None and config.context > longest:
        raise BadRecipe(f"model.config.context is {config.context}, and {config.base} attends to {longest} tokens")
    rows, width = ends_of(base)[0].weight.shape
    offset = rows if config.offset is None else config.offset
    music = MusicTokens(offset, vocabulary.size, config.prompt, config.context)
    if not vocabulary.size or offset + vocabulary.size <= rows:
        base.config.music, base.config.music_vocab_size = music._asdict(), music.size
        return _with_tokenizer(base, config.base)
    size = config.vocabulary_size or offset + vocabulary.size
    if offset != rows or size < offset + vocabulary.size:
        raise BadRecipe(
            f"{config.base} has {rows} tokens; {vocabulary.size} of music from {offset} on, {size} in all, do not "
            "follow them: leave out model.config.offset and vocabulary_size"
        )
    source = None if config.initialise_from is None else load_base(config.initialise_from, "causal")
    width = width if source is None else max(width, ends_of(source)[0].weight.shape[1])
    special = {f"{name}_token_id": offset + token for name, token in vocabulary.special._asdict().items()}
    extended = ExtendedConfig(_own(base.config), music._asdict(), size - rows, width, **special)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ExtendedForCausalLM(extended, base)
        initialise(model, source, config.initialise_from or "")
    return _with_tokenizer(model, config.base)


def _with_tokenizer(model: PreTrainedModel, name: str) -> PreTrainedModel:
    """A model with the tokenizer of its text, which is stored with it."""
    cast(Any, model).tokenizer = load_base(name, "tokenizer")
    return model


@torch.no_grad()
def initialise(model: ExtendedForCausalLM, source: PreTrainedModel | None = None, name: str = "") -> None:
    """First weights of what was added, of the text's mean square: random, or a music model's own.

    The linear layer changes nothing at first where it is square, and keeps the deviation where it is not.

    Args:
        model: is changed.
        source: a music model whose embedding and head are copied, scaled and filled up with zeros.
        name: of the source, for messages.

    Raises:
        BadRecipe: the source has other tokens.
    """
    embedding, head = ends_of(model)
    theirs = (None, None) if source is None else ends_of(source)
    for layer, added, their in zip((embedding, head), (embedding.music.rows, head.music), theirs, strict=True):
        deviation = layer.weight.float().std()
        added.weight.normal_().mul_(deviation)
        if their is not None:
            _copy(their.weight, added.weight, deviation, cast(Any, model.config).music["size"], name)
    projection = embedding.music.projection.weight
    if projection.shape[0] == projection.shape[1]:
        nn.init.eye_(projection)
    else:
        nn.init.orthogonal_(projection)


def _copy(rows: Tensor, to: Tensor, deviation: Tensor, size: int, name: str) -> None:
    """Copy a music model's rows to the left of wider ones, scaled so that what is copied has the deviation."""
    if len(rows) != size:
        raise BadRecipe(f"model.initialise_from: {name} has {len(rows)} tokens, and the representation {size}")
    narrow = rows.float()[:, : to.shape[1]]
    to[:size].zero_()
    to[:size, : narrow.shape[1]] = narrow * (deviation / narrow.std())


@torch.no_grad()
def folded(model: PreTrainedModel) -> PreTrainedModel:
    """An ordinary model of the base's class with the same logits, whose larger vocabulary holds music as plain rows.

    All other weights are shared with the model. What is not extended is returned as it is.
    """
    if not isinstance(model, ExtendedForCausalLM):
        return model
    base = copy.deepcopy(model.base, {id(weight): weight for weight in model.base.parameters()})
    embedding, head = ends_of(base)
    rows = torch.cat([embedding.weight, embedding.music.folded().to(embedding.weight.dtype)])
    columns = torch.cat([head.weight, head.music.weight.to(head.weight.dtype)])
    for layer, weight in ((embedding, rows), (head, columns)):
        layer.__class__ = type(layer).__mro__[2]
        del layer.music
        layer.weight = nn.Parameter(weight, requires_grad=layer.weight.requires_grad)
    embedding.num_embeddings = head.out_features = len(rows)
    if head.bias is not None:
        head.bias = nn.Parameter(torch.cat([head.bias, head.bias.new_zeros(len(rows) - len(head.bias))]))
    _say_larger(base, cast(ExtendedConfig, model.config), len(rows))
    return base


def _say_larger(base: PreTrainedModel, config: ExtendedConfig, size: int) -> None:
    """Write into a base's configuration what its vocabulary is now."""
    if hasattr(base, "vocab_size"):
        cast(Any, base).vocab_size = size
    base.config.vocab_size, base.config.tie_word_embeddings = size, False
    base.config.music, base.config.music_vocab_size = config.music, config.music_vocab_size
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(base.config, name, getattr(config, name))


def music_of(config: PreTrainedConfig) -> MusicTokens | None:
    """What of a model's vocabulary is music, of size 0 where it writes text; None where it was not made here.

    Raises:
        ValueError: what is said of it is damaged.
    """
    said = getattr(config, MUSIC, None)
    if said is None:
        return None
    if not isinstance(said, dict) or said.keys() != set(MusicTokens._fields) or not isinstance(said["prompt"], str):
        raise ValueError("what it says of its music is damaged")
    if not all(isinstance(said[name], int) and said[name] >= 0 for name in ("offset", "size", "context")):
        raise ValueError("what it says of its music is damaged")
    return MusicTokens(**said)


def read_config(content: dict[str, Any]) -> PreTrainedConfig:
    """The configuration in `config.json`, of an extended or of an ordinary model.

    Raises:
        ValueError: it is no language model, or what is said of music does not fit.
    """
    config: Any = known_config(content) if content.get("model_type") != MODEL_TYPE else _extended(content)
    music = music_of(config)
    if music is not None and music.size and music.offset + music.size > config.vocab_size:
        raise ValueError(f"{config.vocab_size} tokens are not those of text and music together")
    return config


def _extended(content: dict[str, Any]) -> ExtendedConfig:
    config = ExtendedConfig(**{name: value for name, value in content.items() if name != "model_type"})
    config.base_config()
    if not config.music or min(config.music_rows, config.music_width) < 1:
        raise ValueError("says nothing of its music")
    if config.vocab_size != content.get("vocab_size"):
        raise ValueError(f"{content.get('vocab_size')} tokens are not those of text and music together")
    return config


def class_for(config: PreTrainedConfig) -> type[PreTrainedModel]:
    """The class that a configuration is built with."""
    plain: Any = MODEL_FOR_CAUSAL_LM_MAPPING
    return ExtendedForCausalLM if isinstance(config, ExtendedConfig) else plain[type(config)]


def _own(config: PreTrainedConfig) -> dict[str, Any]:
    """A base's configuration, as plain values."""
    return {name: value for name, value in config.to_dict().items() if name not in ("dtype", "transformers_version")}


FAMILY = Family(LlmConfig, build, (MODEL_TYPE, ANY), read_config, class_for, reads="text")

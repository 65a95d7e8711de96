"""Model folders: all that is needed to write music with a model, and all that says how it was made.

```
FOLDER/
  config.json            sizes, as transformers reads them
  model.safetensors      weights
  representation.json    name and options of the representation, and how many tokens it has
  recipe.yaml            what it was trained with
  provenance.json        versions, commit, data and their licences, losses
  README.md              the model card
  tokenizer.json …       where it reads text, too
```
Folders of adapters (`adapter_folder`) are read as the model that base and adapter make together, those of other
projects (`foreign`) as what their configuration says they are.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
import yaml
from huggingface_hub.errors import StrictDataclassError
from safetensors.torch import save
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

import partimento
from partimento.errors import BadRecipe
from partimento.models import Family, family_of
from partimento.models.foreign import is_foreign, load_foreign
from partimento.models.weights import harmless, most_layers, needed_shapes, restore, shapes_in, stored_tensors

_FILES = ("config.json", "model.safetensors", "representation.json", "recipe.yaml", "provenance.json")
_LARGEST_TEXT = 1 << 20


@dataclass(frozen=True)
class LoadedModel:
    """What a model folder holds."""

    folder: Path
    family: Family
    model: PreTrainedModel
    """Ready to write music: fp32, on the CPU, in evaluation mode."""
    representation: dict[str, Any]
    """Name and options; `representations.create(**representation)` builds it."""
    recipe: dict[str, Any]
    provenance: dict[str, Any]

    @cached_property
    def vocabulary_size(self) -> int:
        """Number of token ids of music; has to be that of the representation."""
        return music_tokens(self.model.config)


def save_model_folder(
    folder: Path,
    model: PreTrainedModel,
    *,
    representation: Mapping[str, Any],
    recipe: Mapping[str, Any],
    provenance: Mapping[str, Any],
    card: str,
    dtype: torch.dtype = torch.float32,
    extra_files: Mapping[str, str] | None = None,
    also: Sequence[Callable[[Path], object]] = (),
) -> Path:
    """Write a model folder beside its place and rename it into it; an older model folder there is replaced.

    Args:
        folder: where to.
        model: of a registered family.
        representation: name and options.
        recipe: what it was trained with.
        provenance: goes beside versions and commit into `provenance.json`.
        card: Markdown for people.
        dtype: of the stored weights; bfloat16 halves the file.
        extra_files: further texts, by file name.
        also: each writes what else belongs to the model into the folder it is given, such as
            `tokenizer.save_pretrained`.

    Raises:
        BadRecipe: something else stands there, or the place cannot be written.
    """
    config = model.config.to_dict() | {"dtype": str(dtype).removeprefix("torch."), "use_cache": True}
    weights = _as_stored(model, dtype)
    return write_folder(
        folder,
        representation={"representation": dict(representation), "vocabulary_size": music_tokens(model.config)},
        recipe=recipe,
        provenance=provenance,
        card=card,
        extra_files={"config.json": _json(config), **(extra_files or {})},
        also=[lambda place: (place / "model.safetensors").write_bytes(save(weights, {"format": "pt"})), *also],
    )


def write_folder(
    folder: Path,
    *,
    representation: Mapping[str, Any],
    recipe: Mapping[str, Any],
    provenance: Mapping[str, Any],
    card: str,
    extra_files: Mapping[str, str] | None = None,
    also: Sequence[Callable[[Path], object]] = (),
) -> Path:
    """Write what models and adapters have in common, and what `extra_files` and `also` add; arguments as above.

    Raises:
        BadRecipe: something else stands there, or the place cannot be written.
    """
    texts = {
        "representation.json": _json(representation),
        "recipe.yaml": yaml.safe_dump(dict(recipe), sort_keys=False, allow_unicode=True),
        "provenance.json": _json({**made_by(), **provenance}),
        **(extra_files or {}),
    }
    with written_beside(folder, holds="representation.json") as temporary:
        for write in also:
            write(temporary)
        for name, text in {**texts, "README.md": card}.items():  # the card last: PEFT writes one, too
            (temporary / name).write_text(text, "utf-8", newline="\n")
    return folder


def load_model_folder(folder: Path) -> LoadedModel:
    """Read a model folder; nothing in it is executed.

    Raises:
        BadRecipe: it is missing, no model folder, incomplete or damaged, or its parts do not fit each other.
    """
    if not folder.exists():
        raise BadRecipe(f"{folder}: there is no such model folder")
    if not folder.is_dir():
        raise BadRecipe(f"{folder}: is a file; name the folder that holds config.json and model.safetensors")
    if is_foreign(folder):
        return load_foreign(folder)
    if (folder / "adapter_config.json").is_file():
        from partimento.models.adapter_folder import load_merged  # PEFT takes seconds to import

        return load_merged(folder)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise BadRecipe(f"{folder}: is no complete model folder, {missing[0]} is missing; train or copy it again")
    described = load_text(folder / "representation.json")
    recipe, provenance = load_text(folder / "recipe.yaml"), load_text(folder / "provenance.json")
    content = load_text(folder / "config.json")
    kind = family_of(str(content.get("model_type")), recipe, str(folder / "config.json"))
    model = _model(folder, kind, content)
    if not isinstance(described.get("representation"), dict):
        raise BadRecipe(f"{folder / 'representation.json'}: names no representation; copy the folder again")
    if described.get("vocabulary_size") != music_tokens(model.config):
        raise BadRecipe(
            f"{folder}: representation.json has {described.get('vocabulary_size')} tokens and the model "
            f"{music_tokens(model.config)}; they are parts of different models, copy the folder again"
        )
    return LoadedModel(folder, kind, model, described["representation"], recipe, provenance)


def made_by() -> dict[str, Any]:
    """Versions of what made an artefact, and the commit where partimento runs from a clone."""
    source = Path(__file__).resolve().parents[3]
    commit = None
    if (source / ".git").exists():
        try:
            git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=source, capture_output=True, text=True, check=False)
            commit = git.stdout.strip() if git.returncode == 0 else None
        except OSError:
            commit = None
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    return {"partimento": partimento.__version__, "commit": commit, "versions": versions}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _as_stored(model: PreTrainedModel, dtype: torch.dtype) -> dict[str, Tensor]:
    tensors = {name: tensor.detach().cpu() for name, tensor in stored_tensors(model).items()}
    return {name: (t.to(dtype) if t.is_floating_point() else t).contiguous() for name, t in tensors.items()}


def _model(folder: Path, kind: Family, content: dict[str, Any]) -> PreTrainedModel:
    """The model; its configuration is compared with the file before any memory is taken for it."""
    path, shapes = folder / "config.json", shapes_in(folder / "model.safetensors")
    unfit = f"{folder / 'model.safetensors'}: its tensors do not fit config.json; copy both from the same model"
    if most_layers(content) > len(shapes):
        raise BadRecipe(unfit)
    try:
        config = kind.read_config(harmless(content))
        needed = needed_shapes(kind, config)
    except (StrictDataclassError, ValueError, TypeError, KeyError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadRecipe(f"{path}: {reason}; copy the folder again") from error
    if needed != shapes:
        raise BadRecipe(unfit)
    return restore(kind, config, folder / "model.safetensors")


def music_tokens(config: PreTrainedConfig) -> int:
    """How many of a model's tokens are music: all, unless a text vocabulary stands before them."""
    return getattr(config, "music_vocab_size", config.vocab_size)


def load_text(path: Path) -> dict[str, Any]:
    """The content of a JSON or YAML file, JSON being YAML."""
    try:
        if path.stat().st_size > _LARGEST_TEXT:
            raise ValueError(f"larger than {_LARGEST_TEXT >> 20} MiB")
        text = path.read_text("utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        if not isinstance(content, dict):
            raise ValueError("not a mapping of names to values")
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = str(error).partition("\n")[0]
        raise BadRecipe(f"{path}: is damaged ({reason}); copy the folder again") from error
    return content


@contextmanager
def written_beside(folder: Path, holds: str = "config.json") -> Generator[Path]:
    """A temporary folder that takes the place of `folder` when the block ends well.

    Args:
        folder: where to; one that stands there is replaced if it is of the same sort.
        holds: a file by which that is known.

    Raises:
        BadRecipe: something else stands there, or the place cannot be written.
    """
    if folder.exists() and not (folder / holds).is_file():
        raise BadRecipe(f"{folder}: exists and holds no {holds}, so it is not replaced; choose another place")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise BadRecipe(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    try:
        yield temporary
        temporary.chmod(0o755)
        if folder.exists():
            os.replace(folder, old := Path(tempfile.mkdtemp(dir=folder.parent)) / folder.name)
            os.replace(temporary, folder)
            shutil.rmtree(old.parent)
        else:
            os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise

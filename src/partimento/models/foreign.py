"""Models of other projects, as transformers and PEFT save them: known by their configuration, without a file of ours.

| project | known by | prompt | music |
|---|---|---|---|
| Anticipatory Music Transformer | a vocabulary of 55,028 | the flag that no control follows | `amt` |
| MIDI-LLM | a Llama of 183,286 tokens, AMT's from 128,256 on | its instruction and the description | `amt` |
| Chord Llama | a Llama whose tokenizer has a chat template; a LoRA beside one | messages of YAML | `chord_llama` |

Its folder has to hold config.json and safetensors, and a tokenizer where text is read; nothing in it is executed. A new
project is one more entry of `FOREIGN`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partimento.errors import BadRecipe
from partimento.representations.amt import midi_llm
from partimento.representations.amt.vocabulary import SIZE

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from partimento.models.folder import LoadedModel

OWN = ("representation.json", "recipe.yaml", "provenance.json")
"""Files by which a folder is one of partimento's, damaged or not."""
_ADAPTER = "adapter_config.json"
_BUFFERS = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")
"""Ends of names that older versions of transformers stored, though they are no weights."""
_MIDI_LLM_TOKENS = 2046
"""Most tokens of music that MIDI-LLM writes."""
_TEXT_TOKENS = 256
_LARGEST_JSON = 1 << 24


@dataclass(frozen=True, slots=True)
class Foreign:
    """A project whose models can be dropped in."""

    name: str
    looks: str
    """By what its models are known, for people."""
    fits: Callable[[dict[str, Any], Path], bool]
    """Whether a configuration, and the folder with the tokenizer, is of this project."""
    representation: str
    """What it writes."""
    music: Callable[[int], dict[str, Any]] | None = None
    """What of the vocabulary is music, as `llm.MusicTokens`, from the longest sequence; None: all, or text."""


def _has_chat_template(folder: Path) -> bool:
    return (folder / "chat_template.jinja").is_file() or "chat_template" in _read(folder / "tokenizer_config.json")


def _of_midi_llm(longest: int) -> dict[str, Any]:
    context = min(longest, _TEXT_TOKENS + _MIDI_LLM_TOKENS)
    return {"offset": midi_llm.SHIFT, "size": SIZE, "prompt": midi_llm.prompt("{caption}"), "context": context}


FOREIGN = (
    Foreign("Anticipatory Music Transformer", f"a model of {SIZE} tokens",
            lambda config, folder: config.get("vocab_size") == SIZE, "amt"),
    Foreign("MIDI-LLM", f"a llama of {midi_llm.VOCABULARY} tokens",
            lambda config, folder: _is_llama(config) and config.get("vocab_size") == midi_llm.VOCABULARY,
            "amt", _of_midi_llm),
    Foreign("Chord Llama", "a llama, or a LoRA beside one, whose tokenizer has a chat template",
            lambda config, folder: _is_llama(config) and _has_chat_template(folder), "chord_llama"),
)  # fmt: skip


def is_foreign(folder: Path) -> bool:
    """Whether a folder is none of partimento's, but of a model."""
    has_model = any((folder / name).is_file() for name in ("config.json", _ADAPTER))
    return has_model and not any((folder / name).is_file() for name in OWN)


def project_of(folder: Path, text: Path | None = None) -> Foreign:
    """The project that a model is of.

    Args:
        folder: holds config.json.
        text: holds the tokenizer, if that stands elsewhere.

    Raises:
        BadRecipe: it is of none that is known.
    """
    config = _read(folder / "config.json")
    for project in FOREIGN:
        if project.fits(config, text or folder):
            return project
    found = f"a {config.get('model_type', 'model of no type')} of {config.get('vocab_size', 'unknown')} tokens"
    known = "; ".join(f"{project.name} ({project.looks})" for project in FOREIGN)
    raise BadRecipe(f"{folder}: is {found} without a representation.json; accepted are partimento's folders, {known}")


def representation_in(folder: Path) -> dict[str, Any]:
    """What `representation.json` says of a model's tokens, or would say of another project's.

    Raises:
        BadRecipe: it is missing or damaged, or the project is not known.
    """
    if is_foreign(folder):
        return {"representation": {"name": project_of(folder).representation}, "vocabulary_size": SIZE}
    path = folder / "representation.json"
    if not path.is_file():
        raise BadRecipe(f"{path}: missing or damaged")
    return _read(path)


def load_foreign(folder: Path) -> LoadedModel:
    """A model of another project, ready to write music.

    Raises:
        BadRecipe: it is of no known project, incomplete, damaged, or its weights are no safetensors.
    """
    from partimento.models import family
    from partimento.models.folder import LoadedModel

    if (folder / _ADAPTER).is_file():
        model, text = _with_adapter(folder)
        project = FOREIGN[-1]
    else:
        text, project = folder, project_of(folder)
        model = _model(folder)
    config: Any = model.config
    if project.music is not None:
        config.music = project.music(config.max_position_embeddings)
        config.music_vocab_size = config.music["size"]
    kind = family("gpt2" if project is FOREIGN[0] else "llm")
    return LoadedModel(text, kind, model, {"name": project.representation}, {}, {"project": project.name})


def _model(folder: Path) -> PreTrainedModel:
    """The model of a folder that holds safetensors of the shapes that config.json names."""
    from partimento.models import family
    from partimento.models.pretrained import load_base
    from partimento.models.weights import harmless, needed_shapes, shapes_in

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadRecipe(f"{folder}: {_without_safetensors(folder)}")
    kind = family("llm")
    stored = {name: shape for path in files for name, shape in shapes_in(path).items() if not name.endswith(_BUFFERS)}
    try:
        needed = needed_shapes(kind, kind.read_config(harmless(_read(folder / "config.json"))))
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadRecipe(f"{folder / 'config.json'}: {reason}; copy the folder again") from error
    unlike = {name for name, shape in needed.items() if stored.get(name, stored.get(_inner(name))) != shape}
    if unlike:
        raise BadRecipe(f"{folder}: its weights do not fit config.json ({sorted(unlike)[0]}); copy it again")
    return load_base(folder, "causal")


def _inner(name: str) -> str:
    """A weight's name without the prefix of the model inside, as some checkpoints have it."""
    return name.partition(".")[2]


def _without_safetensors(folder: Path) -> str:
    if any(folder.glob("*.bin")):
        return (
            "its weights are a pickle (pytorch_model.bin), which can run anything and is not read; convert them where "
            "you trust them: AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(FOLDER) of transformers"
        )
    return "holds config.json and no *.safetensors; copy the folder again"


def _with_adapter(folder: Path) -> tuple[PreTrainedModel, Path]:
    """A LoRA merged into the base that it names, and the folder with their tokenizer."""
    from partimento.models.adapter_folder import beside

    name = str(_read(folder / _ADAPTER).get("base_model_name_or_path") or "")
    place = next((p for p in (Path(name).expanduser(), folder / name, folder.parent / Path(name).name)
                  if name and (p / "config.json").is_file()), None)  # fmt: skip
    if place is None:
        raise BadRecipe(f"{folder}: is an adapter beside {name or 'a base it does not name'}, which is not here; put "
                        f"the base's folder beside it")  # fmt: skip
    text = folder if (folder / "tokenizer.json").is_file() else place
    if project_of(place, text) is not FOREIGN[-1]:
        raise BadRecipe(f"{folder}: an adapter beside {place}, which is no {FOREIGN[-1].looks}")
    return beside(_model(place), folder), text


def _is_llama(config: dict[str, Any]) -> bool:
    return config.get("model_type") == "llama"


def _read(path: Path) -> dict[str, Any]:
    """The content of a JSON file; nothing where there is none.

    Raises:
        BadRecipe: it is damaged.
    """
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(f"larger than {_LARGEST_JSON >> 20} MiB")
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict):
            raise TypeError("no mapping of names to values")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BadRecipe(f"{path}: is damaged ({str(error)[:80]}); copy the folder again") from error
    return content

"""Pretrained models and tokenizers to build on: from a folder, or from the Hugging Face hub by name.

Only safetensors are read, and no code that comes with a model is run.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, overload

import torch
import transformers
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, StrictDataclassError
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from partimento.errors import BadRecipe
from partimento.models.folder import load_model_folder
from partimento.models.weights import are_shapes_enough, quiet

ModelKind = Literal["causal", "seq2seq", "encoder"]
_CLASSES = {"causal": "AutoModelForCausalLM", "seq2seq": "AutoModelForSeq2SeqLM", "encoder": "AutoModel"}


@overload
def load_base(name: str | Path, kind: Literal["tokenizer"]) -> PreTrainedTokenizerBase: ...
@overload
def load_base(name: str | Path, kind: ModelKind, **options: Any) -> PreTrainedModel: ...
def load_base(name: str | Path, kind: ModelKind | Literal["tokenizer"], **options: Any) -> Any:
    """A pretrained model, in evaluation mode, or a tokenizer.

    Args:
        name: a folder as transformers writes it, one of partimento's model folders, or a name on the hub.
        kind: a language model that goes on (`causal`), one that answers (`seq2seq`), the states of a text
            (`encoder`), or a `tokenizer`.
        options: for `from_pretrained`, such as `dtype` (fp32 unless given) or `quantization_config`.

    Raises:
        BadRecipe: it is not there, not reachable, damaged, of another kind, has no safetensors, or needs code of its
            own.
    """
    place = _place(str(name))
    if kind == "tokenizer":
        with _one_line(place, "tokenizer"):
            return transformers.AutoTokenizer.from_pretrained(
                place, trust_remote_code=False, local_files_only=_is_out_of_reach(place)
            )
    if isinstance(place, Path) and (place / "representation.json").is_file() and not options:
        return load_model_folder(place).model
    if are_shapes_enough():
        return _of_shapes(place, kind, options)
    with _one_line(place, "model"), torch.random.fork_rng(devices=[]):
        model, report = getattr(transformers, _CLASSES[kind]).from_pretrained(
            place, trust_remote_code=False, use_safetensors=True, output_loading_info=True,
            local_files_only=_is_out_of_reach(place), **{"dtype": torch.float32, **options},
        )  # fmt: skip
    if missing := sorted(report["missing_keys"]):
        raise BadRecipe(f"{place}: has no weights for {missing[0]} and {len(missing) - 1} more; is it a {kind} model?")
    return model.eval()


def _of_shapes(place: Path | str, kind: ModelKind, options: dict[str, Any]) -> PreTrainedModel:
    """A model as its configuration says; the hub is asked for that alone."""
    with _one_line(place, "model"), torch.random.fork_rng(devices=[]):
        config = transformers.AutoConfig.from_pretrained(
            place, trust_remote_code=False, local_files_only=_is_out_of_reach(place)
        )
        return getattr(transformers, _CLASSES[kind]).from_config(
            config, trust_remote_code=False, dtype=options.get("dtype", torch.float32)
        )


def _place(name: str) -> Path | str:
    """The folder of this name, or else the name of something on the hub."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file() and not (folder / "tokenizer_config.json").is_file():
            raise BadRecipe(f"{name}: holds no model, config.json is missing")
        return folder
    if folder.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise BadRecipe(f"{name}: there is no such model folder")
    return name


def _is_out_of_reach(place: Path | str) -> bool:
    """Whether only what is on this machine can be read. The hub is asked once; downloads would try for a minute.

    Raises:
        ConnectionError: the hub cannot be reached, and nothing of the name is in the cache.
    """
    if isinstance(place, Path):
        return True
    try:
        HfApi().model_info(place, timeout=10)
    except (HfHubHTTPError, HFValidationError):
        return False  # it answers, or the name is none: the download says so
    except Exception as error:
        known = (try_to_load_from_cache(place, name) for name in ("config.json", "tokenizer_config.json"))
        if not any(isinstance(path, str) for path in known):
            raise ConnectionError("cannot connect") from error
        return True
    return False


@contextmanager
def _one_line(place: Path | str, what: str) -> Generator[None]:
    """What transformers refuse, as one line that says what to do."""
    try:
        with quiet():
            yield
    except SafetensorError as error:
        raise BadRecipe(f"{place}: the weights are damaged ({error}); copy or download it again") from error
    except (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError, StrictDataclassError) as error:
        raise BadRecipe(f"{place}: the {what} cannot be loaded; {_advice(place, str(error))}") from error


def _advice(place: Path | str, message: str) -> str:
    if "trust_remote_code" in message or "custom code" in message:
        return "it needs code of its own, which is never run here; choose another"
    if "Repo id must" in message:
        return "that is neither a folder nor a name on the hub, such as openai-community/gpt2"
    if "safetensors" in message and isinstance(place, Path):
        return "it has no model.safetensors; save it with save_pretrained of a recent transformers"
    if isinstance(place, str) and ("connect" in message or "offline" in message or "cached files" in message):
        return "the hub cannot be reached and it is not in the cache; connect, or name a folder that holds it"
    if isinstance(place, str) and ("is not a local folder" in message or "404" in message or "gated" in message):
        return "the hub has none of this name that you may read; see its page there, or `hf auth login`"
    return " ".join(message.split())[:160]

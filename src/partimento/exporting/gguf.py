"""GGUF: one file with weights, sizes and vocabulary, as llama.cpp, Ollama, LM Studio and others run it.

f32, f16, bf16 and q8_0 are written here; the k-quants by llama.cpp itself, from a file that holds the weights as they
are stored. Weights are read, turned and written one by one.

Facts of the format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. llama.cpp turns neighbouring pairs of a
head's query and key where transformers turns its first half against its second, so their rows are put in that order;
GPT-2 stores its matrices transposed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadRecipe
from partimento.exporting import Target, architectures, ollama, quantising
from partimento.exporting.card import card
from partimento.exporting.folding import plain_rows
from partimento.exporting.stored import StoredModel
from partimento.exporting.vocabulary import Words, words_of

DIRECT = ("f32", "f16", "bf16", "q8_0")
KINDS = (*DIRECT, *quantising.KINDS)
REPRESENTATION_KEY, LICENCES_KEY = "partimento.representation", "partimento.licences"
_Plan = dict[str, tuple[str, tuple[int, ...]]]
"""Of each tensor as stored: the name and the shape that it gets."""


def write(folder: Path, kind: str, out: Path) -> None:
    """Write `NAME-KIND.gguf`, an Ollama `Modelfile` and `README.md` into an empty folder.

    Args:
        folder: model folder of the Llama, Mistral, Qwen or GPT-2 architecture, of music tokens or with a tokenizer.
        kind: one of `KINDS`.
        out: where to.

    Raises:
        BadRecipe: GGUF cannot hold the model, or what writes it is not installed.
    """
    if kind not in DIRECT:
        quantising.needs_llama_cpp()
    with plain_rows(StoredModel(folder)) as stored:
        _export(stored, kind, out)


def _export(stored: StoredModel, kind: str, out: Path) -> None:
    architecture = architectures.architecture_of(stored)
    words = words_of(stored)
    path = out / f"{stored.name}-{kind}.gguf"
    if kind in DIRECT:
        _write(path, stored, architecture, words, kind)
    else:
        whole = out / "whole.gguf"
        _write(whole, stored, architecture, words, "bf16" if stored.is_half else "f32")
        quantising.quantise(whole, path, kind)
        whole.unlink()
    modelfile = ollama.modelfile(stored, path.name, words, architecture.context)
    (out / "Modelfile").write_text(modelfile, "utf-8", newline="\n")
    (out / "README.md").write_text(card(stored, path, kind), "utf-8", newline="\n")


TARGET = Target(KINDS, "q8_0", write)


def _write(path: Path, stored: StoredModel, architecture: architectures.Architecture, words: Words, kind: str) -> None:
    """One file, the weights streamed through."""
    gguf = _gguf()
    writer = gguf.GGUFWriter(path, architecture.name)
    architecture.describe(writer)
    _describe(writer, stored, words, kind)
    plan = architecture.plan(stored.shapes)
    extra = architecture.extra_tensors()
    types = {name: _type_of(name, shape, kind) for name, shape in plan.values()} | dict.fromkeys(extra, "f32")
    for name, shape in [*plan.values(), *((name, tensor.shape) for name, tensor in extra.items())]:
        qtype = _number_type(types[name])
        size = prod(gguf.quant_shape_to_byte_shape(shape, qtype)) if types[name] not in ("f32", "f16") else 0
        size = size or prod(shape) * (4 if types[name] == "f32" else 2)
        writer.add_tensor_info(name, shape, np.dtype(np.float32), size, qtype)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for name, tensor in _turned(stored, architecture, plan, extra):
            writer.write_tensor_data(_as(types[name], name, tensor))
    finally:
        writer.close()


def _turned(
    stored: StoredModel, architecture: architectures.Architecture, plan: _Plan, extra: dict[str, NDArray[np.float32]]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, tensor in stored.tensors():
        if name in plan:
            yield plan[name][0], architecture.turned(name, tensor)
    yield from extra.items()


def _describe(writer: Any, stored: StoredModel, words: Words, kind: str) -> None:
    """What the file says of itself, and the vocabulary."""
    gguf = _gguf()
    writer.add_name(stored.name)
    writer.add_file_type(gguf.LlamaFileType["ALL_F32" if kind == "f32" else f"MOSTLY_{kind.upper()}"])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    if stored.licences:
        writer.add_license("; ".join(sorted(set(stored.licences.values()))))
        writer.add_string(LICENCES_KEY, json.dumps(stored.licences, ensure_ascii=False))
    if stored.representation:
        writer.add_string(REPRESENTATION_KEY, json.dumps(stored.representation))
    words.describe(writer)


def _type_of(name: str, shape: tuple[int, ...], kind: str) -> str:
    """Norms, biases and positions stay exact; rows that cannot be cut into blocks of 32 get 16 bits."""
    if len(shape) < 2 or name == "position_embd.weight":
        return "f32"
    return "f16" if kind == "q8_0" and shape[-1] % 32 else kind


def _number_type(kind: str) -> Any:
    return _gguf().GGMLQuantizationType[kind.upper()]


def _as(kind: str, name: str, tensor: NDArray[np.float32]) -> NDArray[Any]:
    if kind == "f16" and float(np.abs(tensor).max(initial=0)) > float(np.finfo(np.float16).max):
        raise BadRecipe(f"{name}: has weights that f16 cannot hold; choose bf16")
    return _gguf().quants.quantize(np.ascontiguousarray(tensor), _number_type(kind))


def _gguf() -> Any:
    try:
        import gguf
    except ImportError as error:
        raise BadRecipe("GGUF needs the package gguf: pip install 'partimento[gguf]'") from error
    return gguf

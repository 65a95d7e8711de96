"""A score as bytes and back, for one process to hand it to another: arrays as `.npy`, the rest as JSON.

Nothing in it can run, so that a process that reads hostile files may be wholly taken over without harm.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields
from functools import lru_cache
from typing import Any, get_type_hints

import numpy as np
from pydantic import ConfigDict, TypeAdapter, create_model

from partimento.score import Score

_TEXT = "rest"


def pack(score: Score) -> bytes:
    """The score as an uncompressed `.npz` archive."""
    arrays: dict[str, Any] = {f.name: getattr(score, f.name) for f in fields(score) if "dtype" in f.metadata}
    rest = _rest().dump_json(_rest().validate_python({name: getattr(score, name) for name in _plain_fields()}))
    packed = io.BytesIO()
    arrays[_TEXT] = np.frombuffer(rest, np.uint8)
    np.savez(packed, **arrays)
    return packed.getvalue()


def unpack(data: bytes) -> Score:
    """The score that was packed.

    Raises:
        ValueError: the bytes are no packed score.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        rest = _rest().validate_json(arrays.pop(_TEXT).tobytes())
        return Score(**arrays, **{name: getattr(rest, name) for name in _plain_fields()})
    except (EOFError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"no packed score: {error}") from error


def _plain_fields() -> list[str]:
    return [f.name for f in fields(Score) if "dtype" not in f.metadata]


@lru_cache(1)
def _rest() -> TypeAdapter[Any]:
    """What a score holds beside arrays, as a type that pydantic checks."""
    hints = get_type_hints(Score)
    config = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")
    wanted: dict[str, Any] = {name: (hints[name], ...) for name in _plain_fields()}
    return TypeAdapter(create_model("Rest", __config__=config, **wanted))

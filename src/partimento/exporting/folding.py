"""Language models with an embedding of music beside that of text: folded into plain rows, as others know them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from partimento.exporting.stored import StoredModel

_EXTENDED = "partimento_llm"


@contextmanager
def plain_rows(stored: StoredModel) -> Generator[StoredModel]:
    """A model as it is stored, or folded into a temporary folder where its vocabulary was extended.

    Raises:
        BadRecipe: the model cannot be loaded.
    """
    if stored.config.get("model_type") != _EXTENDED:
        yield stored
        return
    from partimento.models.folder import load_model_folder
    from partimento.models.llm import folded

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / stored.name
        shutil.copytree(stored.folder, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        folded(load_model_folder(stored.folder).model).save_pretrained(folder)
        yield StoredModel(folder)

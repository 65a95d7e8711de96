"""A recipe's dataset and model, one after the other."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from partimento.data.augment import Augmentation
from partimento.data.dataset import DatasetInfo
from partimento.data.prepare import Options, prepare
from partimento.data.sources import label
from partimento.errors import BadRecipe
from partimento.io import read_bytes
from partimento.representations import create, create_text
from partimento.training.loop import processes_to_start, train
from partimento.training.processes import joined, on_first, spread
from partimento.training.recipe import Recipe
from partimento.training.runs import on_cpu


def run(recipe: Recipe, out: Path, progress: bool = True) -> Path:
    """Prepare the recipe's dataset where it does not exist, and train; a run that was stopped goes on.

    Returns:
        `out`, the model folder.

    Raises:
        BadInput: a source is missing, an option is wrong, or what exists was made from another recipe.
    """
    if (processes := processes_to_start(recipe)) > 1:
        return spread(run, (recipe, out, progress), processes)
    with joined(on_cpu(recipe)):
        dataset = on_first(lambda: dataset_of(recipe, progress))
        return train(recipe, dataset, out, augment=augmentation_of(recipe, dataset), progress=progress)


def dataset_of(recipe: Recipe, progress: bool = True) -> Path:
    """The recipe's dataset, prepared if it does not exist yet.

    Raises:
        BadInput: a source is missing, or the options are wrong.
        BadRecipe: the dataset that exists was made in another way.
    """
    options, folder = _options(recipe), Path(recipe.data.dataset)
    if folder.suffix == ".jsonl" and folder.is_file():
        return folder
    is_text = recipe.data.text == "rows"
    representation = (create_text if is_text else create)(
        recipe.data.representation, **recipe.data.representation_config
    )
    if not folder.exists():
        prepare(
            recipe.data.sources, folder, representation=representation.name,
            representation_config=representation.config, text=is_text, options=options, progress=progress,
        )  # fmt: skip
        return folder
    _check_same(folder, recipe, options, "text_representation" if is_text else "representation", representation)
    return folder


def _check_same(folder: Path, recipe: Recipe, options: Options, kind: str, representation: Any) -> None:
    """Raises BadRecipe where the dataset that exists is not the recipe's."""
    wanted = {"name": representation.name, **representation.config}
    asked = list(map(label, recipe.data.sources))
    try:
        made = json.loads(read_bytes(folder / "dataset.json"))
        said = dict[str, Any](made[kind])
        if made["options"].get("merges"):
            said = {"name": said["inner"], **said["config"]}
        is_other = {
            "options": asdict(Options()) | made["options"] != asdict(options),
            f"representation ({said['name']})": said != wanted,
            f"sources ({', '.join(made.get('asked_sources', asked))})": made.get("asked_sources", asked) != asked,
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        is_other = {"options": True}
    if other := [what for what, is_so in is_other.items() if is_so]:
        raise BadRecipe(
            f"{folder}: was prepared with other {' and '.join(other)} than the recipe's; remove it or name another"
        )


def augmentation_of(recipe: Recipe, dataset: Path) -> Augmentation | None:
    """What varies each piece at each reading, None if nothing does: the recipe's word, else the dataset's."""
    if recipe.data.text == "rows":
        return None
    data, stored = recipe.data, DatasetInfo.read(dataset).augmentation
    transpose, tempi, swap = data.transpose, data.tempi, data.swap_instruments
    if not transpose and not swap and tempi == [1.0]:
        transpose, tempi, swap = stored.get("transpose", 0), stored.get("tempi", [1.0]), stored.get("swap", 0.0)
    if not transpose and not swap and tempi == [1.0]:
        return None
    representation = create(**DatasetInfo.read(dataset).representation)
    return Augmentation(representation, transpose, swap, tuple(tempi))


def _options(recipe: Recipe) -> Options:
    given = {"context": recipe.training.context, **recipe.data.prepare}
    if unknown := sorted(given.keys() - asdict(Options()).keys()):
        raise BadRecipe(f"data.prepare.{unknown[0]}: there is no such key; choose from {', '.join(asdict(Options()))}")
    try:
        return TypeAdapter(Options).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadRecipe(f"data.prepare.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None

"""Is a prefix better made of a text encoder's last layer, or of a weighted sum over all? Three seeds, real music.

    python benchmarks/prefix_layers/run.py WORK_FOLDER

Bach's chorales and Aird's airs (music21), captioned from templates, as REMI tokens. A small decoder reads captions
through the embedded sentence encoder, all-MiniLM-L6-v2, frozen, by its last layer or by all its layers. Everything goes
through partimento's own training. What is finished is kept, so that a stopped run goes on. Writes `results.json` and
the plot in `docs/images`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from partimento.data.captions import caption_dataset
from partimento.data.dataset import TokenDataset
from partimento.data.pairs import CaptionTexts, PairBatches
from partimento.models.folder import load_model_folder, made_by
from partimento.models.text_prefix import TextPrefix, TextPrefixSizes, layer_weights, reader
from partimento.training.feeds import kinds_of
from partimento.training.module import LanguageModule
from partimento.training.recipe import Recipe, load_recipe
from partimento.training.run import dataset_of, run

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parents[1] / "docs" / "images" / "prefix-layers.png"
SEEDS, ARMS = (1, 2, 3), ("last", "weighted")


def main(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    os.chdir(work)  # the recipe names folders from here
    dataset = dataset_of(recipe_of("last", 1), progress=False)
    if not (dataset / "captions.parquet").is_file():
        caption_dataset(dataset, each=3)
    courses: dict[str, Any] = {arm: {} for arm in ARMS}
    with_others: dict[str, Any] = {arm: {} for arm in ARMS}
    weights: dict[str, Any] = {}
    for seed in SEEDS:
        for arm in ARMS:
            recipe = recipe_of(arm, seed)
            folder = Path("runs") / f"{arm}-{seed}"
            run(recipe, folder, progress=False)
            courses[arm][str(seed)] = course(folder)
            with_others[arm][str(seed)] = losses_by_caption(folder, recipe, dataset)
            model: Any = load_model_folder(folder).model
            if arm == "weighted" and isinstance(model, TextPrefix):
                weights[str(seed)] = [round(each, 4) for each in layer_weights(model)]
            print(arm, seed, courses[arm][str(seed)][-1], with_others[arm][str(seed)], flush=True)
    write(courses, with_others, weights)


def recipe_of(arm: str, seed: int) -> Recipe:
    return load_recipe(HERE / "recipe.yaml", [f"model.config.layers={arm}", f"seed={seed}"])


def course(folder: Path) -> list[tuple[int, float]]:
    """Validation losses by step."""
    lines = [line.split(",") for line in (folder / "losses.csv").read_text().splitlines()]
    step, loss = lines[0].index("step"), lines[0].index("validation_loss")
    return [(int(line[step]), float(line[loss])) for line in lines[1:] if line[loss]]


class Captions(CaptionTexts):
    """Captions of the windows themselves, of other windows, or none."""

    def __init__(self, dataset: TokenDataset, whose: str) -> None:
        super().__init__(dataset)
        self._whose, moved = whose, np.roll(self.windows, len(self.windows) // 2)
        self._other = dict(zip(self.windows.tolist(), moved.tolist(), strict=True))

    def text(self, window: int, rng: Any, semitones: int = 0, tempo: float = 1.0) -> str:
        if self._whose == "none":
            return ""
        return super().text(window if self._whose == "own" else self._other[window], rng, semitones, tempo)


def losses_by_caption(folder: Path, recipe: Recipe, dataset: Path) -> dict[str, float]:
    """Validation losses of the best model with the right captions, with those of other pieces, and with empty ones."""
    validation, how = TokenDataset(dataset, "validation"), recipe.training
    read, _ = reader(TextPrefixSizes(**recipe.model.config))
    model = load_model_folder(folder).model
    module = LanguageModule(model, how, 1, is_packed=False, kinds=kinds_of(validation))
    found = {}
    for whose in ("own", "others'", "none"):
        texts = Captions(validation, whose)
        batches = PairBatches(validation, texts, read, "text+tokens", how.tokens_per_batch, prompt_loss=how.prompt_loss)
        found[whose] = round(module.measure(batches.once()).loss, 4)
    return found


def write(courses: dict[str, Any], with_others: dict[str, Any], weights: dict[str, Any]) -> None:
    """The figures and the plot."""
    content = {"made_by": made_by(), "processor": "2 shared cores, CPU, 1 thread", "validation_losses": courses}
    content |= {"validation_losses_by_caption": with_others, "layer_weights": weights}
    (HERE / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for (arm, seeds), colour in zip(courses.items(), ("tab:gray", "tab:blue"), strict=True):
        for number, (_, points) in enumerate(sorted(seeds.items())):
            axes.plot(*zip(*points, strict=True), color=colour, alpha=0.8, label=arm if number == 0 else None)
    axes.set(xlabel="step", ylabel="validation loss, music only (nats per token)")
    axes.legend(title="layers of the prefix")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

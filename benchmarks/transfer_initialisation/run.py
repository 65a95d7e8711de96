"""Does it help a language model to take its rows of music over from a music model? Three seeds, on real chorales.

    python benchmarks/transfer_initialisation/run.py WORK_FOLDER

Bach's chorales (music21), captioned from templates, as REMI tokens. A small music model and a small language model,
the latter of captions and ABC text, are trained first; then the language model gets tokens of music, with random or
with transferred rows, and learns sentence and music together. Everything goes through partimento's own training. What
is finished is kept, so that a stopped run goes on. Writes `results.json` and the plot in `docs/images`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from partimento.data.captioned import captions_of
from partimento.data.captions import caption_dataset
from partimento.data.dataset import TokenDataset
from partimento.models.folder import load_model_folder, made_by
from partimento.models.llm import folded
from partimento.training.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe
from partimento.training.run import dataset_of, run

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "images" / "transfer-initialisation.png"
SEEDS = (1, 2, 3)
CONTEXT, STEPS, EVERY = 512, 64, 8
WIDTH, MUSIC_WIDTH = 96, 64
SOURCES = ["music21:bach"]


def training(steps: int, **changes: Any) -> TrainingRecipe:
    how: dict[str, Any] = {
        "steps": steps, "tokens_per_batch": 3 * CONTEXT, "micro_batch_tokens": 3 * CONTEXT, "context": CONTEXT,
        "learning_rate": 3e-3, "warm_up_steps": 10, "precision": "fp32", "validate_every": EVERY,
        "checkpoint_every": 20, "threads": 1, "accelerator": "cpu",
    }  # fmt: skip
    return TrainingRecipe(**how | changes)


def data_recipe(work: Path, **changes: Any) -> DataRecipe:
    prepare = {"context": 320, "validation": 6.0, "test": 0.0}
    return DataRecipe(SOURCES, str(work / "chorales"), "remi", {}, prepare, **changes)


def language_model(work: Path) -> Path:
    """A language model of captions and prompts, with a tokenizer of its own."""
    folder = work / "language-model"
    if (folder / "trained").is_file():
        return folder
    texts = [text for said in captions_of(TokenDataset(work / "chorales", "train")).values() for text in said]
    prompt = "You are a world-class composer. Please compose some music according to the following description: "
    texts = [prompt + text for text in texts]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|begin|>", "<|end|>"]
    trainer = trainers.BpeTrainer(vocab_size=800, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|end|>")
    sizes: dict[str, Any] = {
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 256,
    }
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(fast), hidden_size=WIDTH, max_position_embeddings=1024, **sizes)
    config.tie_word_embeddings = True
    LlamaForCausalLM(config).save_pretrained(folder / "fresh")
    fast.save_pretrained(folder / "fresh")
    rows = work / "captions.jsonl"
    rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    recipe = Recipe(
        "language-model", DataRecipe(["captions"], str(rows), "chord_llama", text="rows"),
        ModelRecipe("llm", {"context": CONTEXT}, base=str(folder / "fresh")), training(200),
    )  # fmt: skip
    trained = run(recipe, work / "language-model-run", progress=False)
    model = load_model_folder(trained).model
    folded(model).save_pretrained(folder)
    fast.save_pretrained(folder)
    (folder / "trained").touch()
    return folder


def music_model(work: Path) -> Path:
    """A music model over the same tokens, whose rows are taken over."""
    sizes = {"hidden_size": MUSIC_WIDTH, "layers": 3, "heads": 4, "key_value_heads": 4, "ff_size": 176}
    recipe = Recipe(
        "music-model",
        data_recipe(work),
        ModelRecipe("transformer", {**sizes, "context": CONTEXT}),
        training(160, validate_every=80),
    )
    return run(recipe, work / "music-model", progress=False)


def course(folder: Path) -> list[tuple[int, float]]:
    """Validation losses by step."""
    lines = [line.split(",") for line in (folder / "losses.csv").read_text().splitlines()]
    step, loss = lines[0].index("step"), lines[0].index("validation_loss")
    return [(int(line[step]), float(line[loss])) for line in lines[1:] if line[loss]]


def main(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    dataset = dataset_of(Recipe("study", data_recipe(work), ModelRecipe(), training(1)), progress=False)
    if not (dataset / "captions.parquet").is_file():
        caption_dataset(dataset)
    base, music = language_model(work), music_model(work)
    arms = {"random": None, "transferred": str(music)}
    courses: dict[str, dict[str, Any]] = {arm: {} for arm in arms}
    for seed in SEEDS:
        for arm, source in arms.items():
            model = ModelRecipe("llm", {"context": CONTEXT}, base=str(base), initialise_from=source)
            how = replace(training(STEPS), prompt_loss=False)
            recipe = Recipe(f"{arm}-{seed}", data_recipe(work, text="caption"), model, how, seed)
            courses[arm][str(seed)] = course(run(recipe, work / recipe.name, progress=False))
            print(recipe.name, courses[arm][str(seed)], flush=True)
    write(courses, load_model_folder(music).provenance["losses"]["validation"])


def write(courses: dict[str, dict[str, Any]], music_loss: float) -> None:
    """The figures and the plot."""
    size = {"layers": 3, "width": WIDTH, "width of the music model": MUSIC_WIDTH}
    content = {"made_by": made_by(), "processor": "2 cores, CPU, 1 thread", "model": size, "steps": STEPS}
    content |= {"validation_loss_of_the_music_model": music_loss, "validation_losses": courses}
    (HERE / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for (arm, seeds), colour in zip(courses.items(), ("tab:gray", "tab:blue"), strict=True):
        for number, (_, points) in enumerate(sorted(seeds.items())):
            axes.plot(*zip(*points, strict=True), color=colour, alpha=0.8, label=arm if number == 0 else None)
    axes.set(xlabel="step", ylabel="validation loss, music only (nats per token)")
    axes.legend(title="rows of music")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

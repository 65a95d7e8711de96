"""Chords to a solo, end to end on real performances, on the CPU.

    python benchmarks/system_e/run.py WORK PERFORMANCES STYLE

PERFORMANCES and STYLE are folders of MIDI files with folders `train` and `validation` in them; no work is in both.
Chords are heard in the performances, a small base model learns from PERFORMANCES in 12 keys and 3 tempi
(`recipes/jazz-base-small.yaml`), QLoRA tunes it to STYLE (`recipes/jazz-qlora-small.yaml`), `partimento compose` writes
five solos, and all is measured beside what it should be compared with. What is finished is kept, so that a
stopped run goes on. Writes `results.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from partimento.data.dataset import TokenDataset
from partimento.data.pairs import PairBatches, PlanTexts
from partimento.errors import NeedsBeats, PartimentoError
from partimento.evaluation.copying import CopyIndex
from partimento.evaluation.distances import stylistic_similarity
from partimento.evaluation.harmony import given_chords, harmonic_consistency
from partimento.evaluation.pieces import read_pieces
from partimento.evaluation.rhythm import rhythmic_coherence
from partimento.io import load_score
from partimento.models.encoder_decoder import EncoderDecoderSizes, reader
from partimento.models.folder import load_model_folder, made_by
from partimento.notation.beats import estimate_beats
from partimento.plan import Compose, Plan
from partimento.plan.chords import parse_chords
from partimento.representations import create
from partimento.representations.kinds import token_kinds
from partimento.score import Score
from partimento.training.measures import Tally
from partimento.training.module import LanguageModule
from partimento.training.recipe import Recipe, TrainingRecipe, load_recipe, recipe_from
from partimento.training.run import run

HERE = Path(__file__).resolve().parent
RECIPES = HERE.parents[1] / "recipes"
CHORDS = "Cmaj7 Am7 Dm7 G7"
SOLOS, SEED = 5, 1
EVERY = 2
"""Of the held-out windows, so many are one on which foretelling is measured."""
TOLD = ("loss", "perplexity", "accuracy", "note_accuracy", "rhythm_accuracy")


def main(work: Path, performances: Path, style: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    performances, style = performances.resolve(), style.resolve()
    os.chdir(work)  # the recipes name folders from here
    base = trained("jazz-base-small", [f"data.sources=['{performances}']"])
    tuned = trained("jazz-qlora-small", [f"data.sources=['{style}']", f"model.base={base}"])
    datasets = {"performances": dataset_of(base), "style": dataset_of(tuned)}
    result: dict[str, Any] = {"made_by": made_by(), "processor": "2 shared cores, CPU, 1 thread"}
    result["runs"] = {folder.name: told_of(folder) for folder in (base, tuned)}
    result["foretelling held-out style"] = foretelling(base, tuned, datasets)
    write(result)
    result["solos"] = of_solos({"tuned": composed(tuned)}, datasets)
    write(result)


def write(result: dict[str, Any]) -> None:
    (HERE / "results.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def trained(name: str, settings: Sequence[str]) -> Path:
    """The model of a recipe, trained if it is not there."""
    folder = Path("runs") / name
    return folder if folder.exists() else run(load_recipe(RECIPES / f"{name}.yaml", settings), folder)


def recipe_of(folder: Path) -> Recipe:
    return recipe_from(load_model_folder(folder).recipe)


def dataset_of(folder: Path) -> Path:
    return Path(recipe_of(folder).data.dataset)


def told_of(folder: Path) -> dict[str, Any]:
    """What a model folder says of its training."""
    made = load_model_folder(folder).provenance
    return {name: made[name] for name in ("losses", "data", "training")}


# --- token by token: cross-entropy, perplexity, accuracies


@dataclass
class Exchanged:
    """Texts of other windows, to see whether a model heeds its own."""

    texts: PlanTexts

    def __post_init__(self) -> None:
        self.windows = self.texts.windows
        self._other = dict(zip(self.windows.tolist(), np.roll(self.windows, len(self.windows) // 2), strict=True))

    def text(self, window: int, rng: np.random.Generator | None, semitones: int = 0, tempo: float = 1) -> str:
        return self.texts.text(int(self._other[window]), rng, semitones, tempo)


def foretelling(base: Path, tuned: Path, datasets: dict[str, Path]) -> dict[str, dict[str, float]]:
    """Both models on held-out music of the style, with the right chords and with others', and bigrams."""
    validation = TokenDataset(datasets["style"], "validation")
    texts = PlanTexts(validation, "chords", words=True)
    texts.windows = texts.windows[::EVERY]
    read, _ = reader(EncoderDecoderSizes(base=str(base)))
    found = {}
    for name, folder, said in (
        ("base", base, texts), ("base, chords of other windows", base, Exchanged(texts)),
        ("tuned", tuned, texts), ("tuned, chords of other windows", tuned, Exchanged(texts)),
    ):  # fmt: skip
        batches = PairBatches(validation, said, read, "pairs", 4096)
        tally = module_of(folder, validation).measure(batches.once())
        found[name] = {key: tally.measures()[key] for key in TOLD}
    counted = [TokenDataset(folder, "train") for folder in datasets.values()]
    batches = PairBatches(validation, texts, read, "pairs", 4096)
    return found | {"bigram counted on both": bigram(counted, batches)}


def module_of(folder: Path, dataset: TokenDataset) -> LanguageModule:
    how = TrainingRecipe(steps=1, context=512, tokens_per_batch=4096, micro_batch_tokens=4096)
    kinds = token_kinds(create(**dataset.info.representation).tokens, 0)
    return LanguageModule(load_model_folder(folder).model, how, 1, is_packed=False, kinds=kinds)


def bigram(counted: Sequence[TokenDataset], batches: PairBatches) -> dict[str, float]:
    """Add-k smoothed bigrams of the training splits, k the best of a few for what is measured."""
    size = counted[0].info.vocabulary_size
    counts = torch.zeros(size, size, dtype=torch.float64)
    for ids in (torch.from_numpy(dataset[at].astype(np.int64)) for dataset in counted for at in range(len(dataset))):
        counts.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1, dtype=torch.float64), accumulate=True)
    kinds = token_kinds(create(**counted[0].info.representation).tokens, 0)
    best: dict[str, float] = {}
    for k in (0.3, 0.1, 0.03, 0.01):
        logits, tally = ((counts + k) / (counts + k).sum(1, keepdim=True)).log().float(), Tally(kinds, 512)
        for batch in batches.once():
            previous, targets = batch["decoder_input_ids"], batch["labels"]
            places = torch.arange(targets.shape[1]).expand_as(targets)
            tally.add(logits[previous.flatten()], targets.flatten(), places.flatten())
        measures = tally.measures()
        best = measures if not best or measures["loss"] < best["loss"] else best
    return {key: best[key] for key in TOLD}


# --- piece by piece: harmonic consistency, rhythmic coherence, stylistic similarity


def composed(model: Path) -> list[Path]:
    """MIDI files of five solos, by the command that users run."""
    out = Path("out") / model.name
    files = [out / f"solo-{number}.mid" for number in range(1, SOLOS + 1)]
    if not all(file.exists() for file in files):
        out.mkdir(parents=True, exist_ok=True)
        command = ["compose", "--chords", CHORDS, "--num-samples", str(SOLOS), "--seed", str(SEED)]
        command += ["--model", str(model), "--out", str(out / "solo")]
        subprocess.run([sys.executable, "-m", "partimento", *command], check=True)
    return files


def of_solos(solos: dict[str, list[Path]], datasets: dict[str, Path]) -> dict[str, Any]:
    style, others = windows(datasets["style"]), windows(datasets["performances"])
    scores = {name: [load_score(path) for path in paths] for name, paths in solos.items()}
    sets = {name: [unbarred(score) for score in found] for name, found in scores.items()}
    sets |= {"held-out style": style["validation"], "held-out performances": others["validation"]}
    plan = Plan(chords=parse_chords(CHORDS))
    index = CopyIndex(read_pieces(datasets["style"]))
    return {
        "notes": {name: [len(score.notes) for score in found] for name, found in scores.items()},
        "harmonic consistency": harmony(scores, plan, style["validation"]),
        "rhythmic coherence": {
            **{name: mean(rhythmic_coherence, found) for name, found in sets.items()},
            "held-out style, its waits shuffled": mean(lambda s: rhythmic_coherence(shuffled(s)), style["validation"]),
        },
        "stylistic similarity to the style's training music": {
            name: similarity(found, style["train"]) for name, found in sets.items()
        },
        "longest run of notes shared with the style's training music": {
            name: [found.notes for found in index.longest_shared_runs(sets[name][:SOLOS])]
            for name in (*solos, "held-out style")
        },
    }


def windows(dataset: Path) -> dict[str, list[Score]]:
    return {
        split: [score for piece in read_pieces(dataset, (split,)) for score in piece.windows]
        for split in ("train", "validation")
    }


def unbarred(score: Score) -> Score:
    """As the dataset has its windows: performed, without bars."""
    performance = create("performance")
    return performance.decode(performance.encode(score, Compose()).ids, Compose())


def harmony(solos: dict[str, list[Score]], plan: Plan, held_out: list[Score]) -> dict[str, float]:
    """On the chords asked for, and on the same a tritone away; played music on chords heard beat by beat."""
    assert plan.chords
    moved = Plan(chords=parse_chords("F#maj7 D#m7 G#m7 C#7"))
    found = {}
    for name, scores in solos.items():
        found[name] = mean(lambda s: harmonic_consistency(s, given_chords(plan, s)), scores)
        found[f"{name}, chords a tritone away"] = mean(
            lambda s: harmonic_consistency(s, given_chords(moved, s)), scores
        )
        found[f"{name}, chords heard in it"] = mean(lambda s: harmonic_consistency(replace(s, chords=())), scores)
    return found | {"held-out style, chords heard in it": mean(heard_consistency, held_out)}


def heard_consistency(score: Score) -> float:
    try:
        return harmonic_consistency(estimate_beats(score))
    except (NeedsBeats, PartimentoError):
        return float("nan")


def shuffled(score: Score) -> Score:
    """The same notes, the waits between the instants at which they begin in another order."""
    onsets, of_note = np.unique(score.notes["onset_tick"], return_inverse=True)
    waits = np.random.default_rng(0).permutation(np.diff(onsets))
    notes = score.notes.copy()
    notes["onset_tick"] = (onsets[0] + np.concatenate([[0], np.cumsum(waits)]))[of_note]
    return replace(score, notes=notes)


def similarity(found: list[Score], training: list[Score]) -> float:
    """Of as many pieces as there are solos, so that sets are of one size; the mean over draws where there are more."""
    rng, values = np.random.default_rng(0), []
    for _ in range(1 if len(found) == SOLOS else 20):
        chosen = rng.choice(len(found), SOLOS, replace=False)
        values.append(stylistic_similarity([found[at] for at in chosen], training))
    return round(float(np.mean(values)), 4)


def mean(measure: Callable[[Score], float], scores: Sequence[Score]) -> float:
    return round(float(np.nanmean([measure(score) for score in scores])), 4)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))

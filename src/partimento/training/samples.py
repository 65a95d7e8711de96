"""Pieces that a model in training writes: notes, sheet music, sound, and a page on which to hear them.

```
samples/
  index.html                all rounds, the latest first
  step-00500/index.html     the pieces of a round, with players
  step-00500/1.mid …        notes, sheet music, sound and pictures of the first (`rendering.bundle`)
```
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from rich.console import Console

from partimento.evaluation.harmony import given_chords, harmonic_consistency
from partimento.generation.compose import Composer
from partimento.plan import Plan
from partimento.plan.parse import parse_prompt
from partimento.rendering.bundle import write_bundle
from partimento.training.callbacks import Status

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "audio{width:100%}img{max-width:100%}article{margin:2rem 0;border-top:1px solid #ccc}"
)


@dataclass(frozen=True)
class Sample:
    """One piece."""

    prompt: str
    """What was asked for, empty for anything."""
    prefix: Path
    """Common beginning of its files."""
    harmonic_consistency: float
    """See `evaluation.harmony`."""


class Samples(Callback):
    """Lets the model write pieces regularly and after the last step; a failure is said and training goes on.

    Args:
        status: of the run; its measures get `harmonic_consistency`, the mean over the pieces.
        folder: gets a folder for each round.
        every: steps between two rounds.
        prompts: one piece for each; the n-th has the same seed in all rounds, so that they compare.
        write: writes the model as it stands into a folder.
    """

    def __init__(
        self,
        status: Status,
        folder: Path,
        every: int,
        prompts: Sequence[str],
        write: Callable[[Path], object],
    ) -> None:
        self._status, self._folder, self._every, self._prompts, self._write = status, folder, every, prompts, write
        self.latest = list[Sample]()
        """Those written after the last step, empty if there was no round."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        status, self.latest = self._status, []
        if status.step % self._every and not status.is_last:
            return
        model = self._folder.with_name("sampled")
        try:
            with torch.random.fork_rng():
                self._write(model)
                self.latest = write_samples(model, self._prompts, self._folder / f"step-{status.step:05d}")
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            Console(stderr=True).print(f"no samples after step {status.step}: {reason}", markup=False, soft_wrap=True)
        finally:
            shutil.rmtree(model, ignore_errors=True)
        known = [each.harmonic_consistency for each in self.latest if not math.isnan(each.harmonic_consistency)]
        if known:
            status.measures = {**(status.measures or {}), "harmonic_consistency": sum(known) / len(known)}


def write_samples(model: Path, prompts: Sequence[str], folder: Path) -> list[Sample]:
    """Let a model write a piece for each prompt, with seeds 0, 1, …, and a page that shows them.

    Raises:
        BadInput: the model cannot write such a piece; nothing is written.
    """
    composer, unfinished = Composer(model), folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    samples = list[Sample]()
    for seed, prompt in enumerate(prompts):
        plan = parse_prompt(prompt).plan if prompt else Plan()
        score = composer.compose(plan, text=prompt, seed=seed)
        document = json.dumps({"plan": plan.to_dict(), "prompt": prompt, "seed": seed}, ensure_ascii=False)
        write_bundle(score, unfinished / str(seed + 1), {".plan.json": document.encode()})
        consistency = harmonic_consistency(score, given_chords(plan, score))
        samples.append(Sample(prompt, folder / str(seed + 1), consistency))
    (unfinished / "index.html").write_text(_page(folder.name, "".join(map(_article, samples))), "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(unfinished, folder)
    rounds = sorted((path.parent.name for path in folder.parent.glob("step-*/index.html")), reverse=True)
    links = "".join(f'<li><a href="{name}/index.html">{name}</a></li>' for name in rounds)
    (folder.parent / "index.html").write_text(_page("samples", f"<ul>{links}</ul>"), "utf-8")
    return samples


def _article(sample: Sample) -> str:
    name = sample.prefix.name
    files = ((".mid", "MIDI"), (".musicxml", "MusicXML"), (".abc", "ABC"), (".wav", "sound"))
    links = " · ".join(f'<a href="{name}{suffix}">{what}</a>' for suffix, what in files)
    return (
        f"<article><h2>{escape(sample.prompt or 'anything')}</h2>"
        f'<audio controls preload="none" src="{name}.wav"></audio>'
        f"<p>{links} · harmonic consistency {sample.harmonic_consistency:.2f}</p>"
        f'<img src="{name}.svg" alt="first page"></article>'
    )


def _page(title: str, inside: str) -> str:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(title)}</h1>{inside}</body></html>\n'

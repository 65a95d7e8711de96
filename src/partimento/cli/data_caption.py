"""`partimento data caption`: what is heard in the pieces of a dataset, in English."""

from __future__ import annotations

import os
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from partimento.cli.console import console
from partimento.data.captions import FILE, caption_dataset
from partimento.data.chat import writer
from partimento.data.rewriting import INSTRUCTION
from partimento.errors import BadInput


def caption(
    dataset: Path,
    /,
    *,
    each: int = 1,
    phrases: bool = False,
    seed: int = 0,
    rewrite: str = "",
    model: str = "",
) -> None:
    """Describe the pieces of a dataset in words.

    Key, meter, tempo, instruments, form, chords and mood are told as they were heard in the notes, in varied
    English; the captions and the facts that each comes from stand in captions.parquet. A language model may say them
    in other words; where it loses or adds a fact, the caption stays as it was.

    **Examples**

    - `partimento data caption datasets/mine --each 3 --phrases`
    - `partimento data caption datasets/mine --rewrite http://127.0.0.1:11434/v1 --model llama3.2`
    - `partimento data caption datasets/mine --rewrite models/small.gguf`

    Args:
        dataset: Folder that prepare has made, with --facts.
        each: Captions of each piece.
        phrases: Describe every phrase, too.
        seed: Of the choice of facts and words.
        rewrite: Address of an OpenAI-compatible server, or a GGUF file; a key is read from OPENAI_API_KEY.
        model: Name of the server's model.
    """
    if not 1 <= each <= 100:
        raise BadInput(f"--each {each}: a piece has 1 to 100 captions")
    by = writer(rewrite, INSTRUCTION, model, os.environ.get("OPENAI_API_KEY", "")) if rewrite else None
    columns = (TextColumn("captions"), BarColumn(), MofNCompleteColumn(), TextColumn("pieces"), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True) as progress:
        task = progress.add_task("", total=None)
        counts = caption_dataset(
            dataset, each=each, phrases=phrases, seed=seed, writer=by,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    text = f"{dataset / FILE}: {counts.captions:,} captions of {counts.pieces:,} pieces"
    if by is not None:
        text += f", {counts.rewritten:,} in the words of {by.name}, {counts.refused:,} kept since it changed a fact"
    console().print(text, markup=False, soft_wrap=True)

"""A language model that was tuned on Chord Llama's rows goes on with a piece, and its answer becomes sheet music.

It runs from a model folder, or from a GGUF file in llama.cpp. The grammar lets nothing pass that is no YAML of
measures; bars that are not full are drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partimento.data.answers import Row, exchange
from partimento.errors import BadPlan, BadRecipe
from partimento.generation.engines import Engine, LlamaCppEngine, load_engine
from partimento.generation.gguf_tokenizer import GgufTokenizer
from partimento.generation.sampling import Sampling, generator
from partimento.generation.text import DEFAULT_TRIES, NO_END, Take, TextSampler
from partimento.plan import Compose, Plan
from partimento.representations.chord_llama.answer import ChordLlamaAnswer

DEFAULT_SAMPLING = Sampling(temperature=1, top_p=0.95)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model went on with."""

    take: Take
    """Its text, what is still wrong with it, and how often it was drawn."""
    musicxml: bytes
    """The measures that stood and those of the answer as one piece; of one that was cut short, those that are whole."""


class Answerer:
    """A loaded model that goes on with rows."""

    def __init__(self, model: Path) -> None:
        """Load a folder of a language model, or a GGUF file of one.

        Raises:
            BadRecipe: it is none, or a damaged one.
        """
        self.engine: Engine = load_engine(model)
        self.tokenizer: Any = (
            GgufTokenizer(self.engine) if isinstance(self.engine, LlamaCppEngine) else _tokenizer(model)
        )

    def answer(self, row: Row, **how: Any) -> Answer:
        """Go on with a row; `how` is that of `write`, which see."""
        checker = ChordLlamaAnswer(row)
        take = self.write(row, representation=checker, **how)
        whole = take.text if NO_END not in take.faults else take.text[: checker.finished(take.text)]
        return Answer(take, checker.musicxml(whole))

    def write(
        self,
        row: Row,
        *,
        seed: int = 0,
        bars: int | None = None,
        sampling: Sampling = DEFAULT_SAMPLING,
        tries: int = DEFAULT_TRIES,
        representation: ChordLlamaAnswer | None = None,
    ) -> Take:
        """The text of an answer; the same row, seed and model give the same.

        Args:
            row: `instruction` and `input`, as `io.yaml.chord_llama_rows` makes them of a piece.
            seed: of the choices.
            bars: how many to write; the model decides by default.
            sampling: how tokens are drawn.
            tries: most draws of a bar.
            representation: grammar and check; `ChordLlamaAnswer(row)` by default.

        Raises:
            BadInput: the row is none.
            BadPlan: it leaves no room in the model's context.
        """
        prompt = exchange({**row, "output": ""}, self.tokenizer).prompt
        ids = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        if len(ids) >= self.engine.context:
            raise BadPlan(f"the row takes {len(ids)} tokens, and the model reads {self.engine.context}; shorten it")
        return TextSampler(self.engine, self.tokenizer, representation or ChordLlamaAnswer(row)).sample(
            Compose(Plan(bars=bars)),
            rng=generator(seed),
            prompt=ids,
            by_bars=True,
            tries=tries,
            sampling=sampling,
        )


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer  # takes its time

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise BadRecipe(f"{folder}: has no tokenizer, so it writes no text; choose another model") from error

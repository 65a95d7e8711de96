"""Rows of text as a language model is tuned on them: what it is asked, and its answer, which alone is learnt.

Rows are those of a dataset prepared as text (`partimento prepare --as chord_llama` or `abc`), or JSON Lines as Chord
Llama publishes them. A row has a text, or an instruction, an input and an output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import TemplateError
from numpy.typing import NDArray

from partimento.errors import BadFile, BadRecipe

Row = Mapping[str, str]
FIELDS = ("instruction", "input", "output")
_DATE = "26 Jul 2024"
"""Llama's templates state the day, and the same row should be the same tokens on any."""
_HELD_OUT = 20
"""One in so many rows of a file without splits is for validation, from its end."""
_MOST_BYTES = 8 * 2**20
"""Of a line."""
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a model reads, and what it should write, as text with all the signs of its template."""

    prompt: str
    answer: str


class TextAnswers:
    """Rows of text in the tokens of a language model; those longer than the context are left out and counted.

    Args:
        rows: see above.
        tokenizer: of the model, as transformers loads it.
        context: most tokens of a row.
        name: where they come from, for messages.

    Raises:
        BadRecipe: a row has neither text nor output, or none fits the context.
    """

    def __init__(
        self, rows: Iterator[Row] | Sequence[Row], tokenizer: Any, *, context: int, name: str = "rows"
    ) -> None:
        self._name, self.pad = name, int(tokenizer.pad_token_id or tokenizer.eos_token_id or 0)
        self.longest = self.left_out = 0
        """Tokens of the longest row, and how many rows are too long."""
        kept, prompts = list[NDArray[np.int32]](), list[int]()
        for prompt, answer in _tokenised(rows, tokenizer, name):
            length = len(prompt) + len(answer)
            self.longest = max(self.longest, length)
            if length > context:
                self.left_out += 1
                continue
            kept.append(np.array(prompt + answer, np.int32))
            prompts.append(len(prompt))
        if not kept and self.left_out:
            raise BadRecipe(
                f"{name}: all {self.left_out} rows are longer than training.context {context}; the longest has "
                f"{self.longest} tokens, so raise it or prepare shorter rows"
            )
        self._rows = kept
        self.lengths: NDArray[np.int64] = np.array([len(ids) for ids in kept], np.int64)
        self.prompt_length: NDArray[np.int32] = np.array(prompts, np.int32)

    @property
    def notice(self) -> str:
        """What was left out, in a line; empty where nothing was."""
        if not self.left_out:
            return ""
        return f"{self}: {self.left_out} rows are longer than the context and left out, up to {self.longest} tokens"

    def __str__(self) -> str:
        return self._name

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        return self._rows[index]


def exchange(row: Row, tokenizer: Any) -> Exchange:
    """A row in the model's chat template, or a plain one where it has none.

    Chord Llama's instruction is the system's message, its input the user's; a template without a system's message gets
    both from the user. A row of text alone is all answer, behind the token that opens texts.
    """
    if "text" in row:
        opening = tokenizer.bos_token or tokenizer.eos_token or ""
        return Exchange(opening, row["text"] + (tokenizer.eos_token or ""))
    asked, answer = (row.get("instruction", ""), row.get("input", "")), row["output"]
    if tokenizer.chat_template is None:
        return _plain(asked, answer, tokenizer)
    return _chat(asked, answer, tokenizer)


def _plain(asked: tuple[str, str], answer: str, tokenizer: Any) -> Exchange:
    titles = ("Instruction", "Input")
    parts = [f"### {title}:\n{text.strip()}\n\n" for title, text in zip(titles, asked, strict=True) if text.strip()]
    opening = tokenizer.bos_token or ""
    return Exchange(f"{opening}{''.join(parts)}### Output:\n", answer + (tokenizer.eos_token or ""))


def _chat(asked: tuple[str, str], answer: str, tokenizer: Any) -> Exchange:
    system, user = asked
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": "user", "content": user}]
    try:
        prompt, whole = _rendered(messages, answer, tokenizer)
    except TemplateError:
        both = "\n\n".join(text for text in asked if text)
        prompt, whole = _rendered([{"role": "user", "content": both}], answer, tokenizer)
    if whole.startswith(prompt):
        return Exchange(prompt, whole[len(prompt) :])
    return Exchange(prompt, answer + (tokenizer.eos_token or ""))


def _rendered(messages: list[dict[str, str]], answer: str, tokenizer: Any) -> tuple[str, str]:
    whole = [*messages, {"role": "assistant", "content": answer}]
    return (
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, date_string=_DATE),
        tokenizer.apply_chat_template(whole, tokenize=False, date_string=_DATE),
    )


def _tokenised(rows: Iterator[Row] | Sequence[Row], tokenizer: Any, name: str) -> Iterator[tuple[list[int], list[int]]]:
    """Prompt and answer of each row, tokenised apart, as they are when the model answers."""
    waiting = list[Exchange]()
    for number, row in enumerate(rows, 1):
        if not isinstance(row.get("text", row.get("output")), str):
            raise BadRecipe(f"{name}: row {number} has neither text nor output")
        waiting.append(exchange(row, tokenizer))
        if len(waiting) == _AT_ONCE:
            yield from _pairs(waiting, tokenizer)
            waiting = []
    if waiting:
        yield from _pairs(waiting, tokenizer)


def _pairs(exchanges: list[Exchange], tokenizer: Any) -> Iterator[tuple[list[int], list[int]]]:
    sides = ([each.prompt for each in exchanges], [each.answer for each in exchanges])
    prompts, answers = (tokenizer(side, add_special_tokens=False)["input_ids"] for side in sides)
    return zip(prompts, answers, strict=True)


@dataclass(frozen=True, slots=True)
class TextInfo:
    """What is known of rows of text."""

    representation: dict[str, Any]
    """Name and options of the text representation."""
    sources: list[str]
    licences: dict[str, str]

    @classmethod
    def read(cls, place: Path) -> TextInfo:
        """The description of a dataset of text; of a file of JSON Lines, that it holds Chord Llama's rows.

        Raises:
            BadFile: it is no such dataset, or its description is damaged.
        """
        if place.suffix == ".jsonl":
            return cls({"name": "chord_llama"}, [place.name], {place.name: "unknown"})
        path = place / "dataset.json"
        try:
            content = json.loads(path.read_text("utf-8"))
            if "text_representation" not in content:
                raise BadFile(place, "holds tokens, and this needs text; prepare it as chord_llama or abc")
            return cls(content["text_representation"], content["sources"], content["licences"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadFile(path, f"is missing or damaged ({type(error).__name__}); prepare the dataset") from None


def rows_of(place: Path, split: str) -> Iterator[dict[str, str]]:
    """Rows of a split of a dataset of text; of a file of JSON Lines, its last twentieth is for validation.

    Raises:
        BadFile: it is missing or damaged.
    """
    if place.suffix == ".jsonl":
        yield from _lines_of(place, split)
        return
    shards = sorted(place.glob(f"{split}-*.parquet"))
    if not shards:
        raise BadFile(place, f"has no shards of the split {split!r}; prepare it again")
    for path in shards:
        try:
            with pq.ParquetFile(path) as shard:
                fields = [name for name in ("text", *FIELDS) if name in shard.schema_arrow.names]
                for batch in shard.iter_batches(_AT_ONCE, columns=fields):
                    yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise BadFile(path, f"is damaged or no shard ({str(error)[:80]}); prepare the dataset again") from error


def _lines_of(path: Path, split: str) -> Iterator[dict[str, str]]:
    total = sum(1 for _ in _lines(path))
    held_out = max(1, total // _HELD_OUT) if total > 1 else 0
    wanted = {"train": range(total - held_out), "validation": range(total - held_out, total)}.get(split, range(0))
    for number, line in enumerate(_lines(path)):
        if number not in wanted:
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise BadFile(path, f"line {number + 1} is no JSON") from None
        if not isinstance(row, dict) or not all(isinstance(row.get(name, ""), str) for name in ("text", *FIELDS)):
            raise BadFile(path, f"line {number + 1} is no row: an instruction, an input and an output, each a text")
        yield row


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(_MOST_BYTES + 1):
                if len(line) > _MOST_BYTES:
                    raise BadFile(path, f"has a line of more than {_MOST_BYTES} bytes")
                if line.strip():
                    yield line
    except OSError as error:
        raise BadFile(path, (error.strerror or "cannot be read").lower()) from error

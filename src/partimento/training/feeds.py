"""What a recipe's model reads: a dataset, and batches of it by what the model's family reads (`Family.reads`).

| family reads | `data.text` | batches |
|---|---|---|
| tokens | – | packed windows of music, or tasks made of them (`data.tasks`) |
| pairs, text+tokens | caption, chords, plan | a text or a line of words, and a window of music (`data.pairs`) |
| text | caption | packed sequences of instruction, caption and music (`data.captioned`) |
| text | rows | packed rows of text, of which the answers are learnt (`data.answers`) |
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from transformers import PreTrainedModel

from partimento.data.answers import TextAnswers, TextInfo, rows_of
from partimento.data.augment import Augmentation
from partimento.data.captioned import Captioned
from partimento.data.datamodule import Augment, Batches, CaptionEpochs, PackedBatches
from partimento.data.dataset import TokenDataset
from partimento.data.examples import Examples
from partimento.data.pairs import CaptionTexts, PairBatches, PlanTexts
from partimento.data.tasks import Progress, TaskExamples
from partimento.errors import BadRecipe
from partimento.models import Family, Special, Vocabulary, family
from partimento.models.llm import music_of
from partimento.models.pretrained import load_base
from partimento.representations import create
from partimento.representations.kinds import TEXT, TokenKinds, token_kinds
from partimento.training.processes import on_first, place
from partimento.training.recipe import Recipe


@dataclass(frozen=True)
class Source:
    """A dataset, as far as it is known without the model."""

    folder: Path
    representation: dict[str, Any]
    """Name and options."""
    vocabulary: Vocabulary
    """Of size 0 where rows are text."""
    sources: list[str]
    licences: dict[str, str]
    splits: tuple[TokenDataset, TokenDataset] | None
    """Windows of music for training and validation; None where rows are text."""


@dataclass(frozen=True)
class Feed:
    """What training and validation read."""

    training: Batches
    validation: Batches
    examples: tuple[Any, Any]
    """The sequences that batches are made of, of both splits."""
    kinds: TokenKinds | None
    """Of the model's tokens; None where the dataset's are not those of its representation."""
    by_task: dict[str, Batches] = field(default_factory=dict[str, Batches])
    """The validation split as one task alone, for each task of the recipe; empty where it names none. Together they
    are `validation`."""

    @property
    def is_packed(self) -> bool:
        """Whether several sequences share a row."""
        return isinstance(self.training, PackedBatches)

    @property
    def notices(self) -> list[str]:
        """What could not be used, a line for each split."""
        said = (getattr(each, "notice", "") for each in (*self.examples, self.training, self.validation))
        return [line for line in said if line]

    def content(self) -> Iterator[bytes]:
        """All that is read, for a checksum."""
        for examples in self.examples:
            if isinstance(examples, TokenDataset):
                yield examples.ids.tobytes()
                yield examples.lengths.tobytes()
            else:
                yield from (examples[index].tobytes() for index in range(len(examples)))


def open_source(recipe: Recipe, folder: Path) -> Source:
    """The dataset in a folder.

    Raises:
        BadFile: it is missing or damaged.
        BadRecipe: it was made for another representation.
    """
    if recipe.data.text == "rows":
        said = TextInfo.read(folder)
        _check(folder, said.representation, recipe)
        nothing = Vocabulary(0, Special(0, 0, 0))
        return Source(folder, said.representation, nothing, said.sources, said.licences, None)
    splits = TokenDataset(folder, "train"), TokenDataset(folder, "validation")
    info = splits[0].info
    _check(folder, info.representation, recipe)
    special = Special(**{name: info.special[name] for name in ("pad", "bos", "eos")})
    vocabulary = Vocabulary(info.vocabulary_size, special)
    return Source(folder, info.representation, vocabulary, info.sources, info.licences, splits)


def feed(
    recipe: Recipe, source: Source, model: PreTrainedModel, augment: Augment | None, progress: bool = False
) -> Feed:
    """Batches of a dataset for a model.

    Args:
        recipe: how large they are, and what is read before the music.
        source: of `open_source`.
        model: fresh, of the recipe's family.
        augment: another version of each piece at each reading.
        progress: whether to show how far the making of tasks has come.

    Raises:
        BadRecipe: the family cannot read what the recipe names, or there is nothing to read.
    """
    kind = family(recipe.model.family)
    if recipe.data.tasks and kind.reads != "tokens":
        raise BadRecipe(f"data.tasks: the family {recipe.model.family} does not read music alone; remove it")
    if source.splits is None:
        return _rows(recipe, source, kind)
    match kind.reads:
        case "tokens":
            return _tokens(recipe, source.splits, augment, progress)
        case "text":
            return _captioned(recipe, source.splits, model, augment)
        case "pairs" | "text+tokens":
            return _pairs(recipe, source.splits, kind, augment)


def kinds_of(dataset: TokenDataset, text_tokens: int = 0) -> TokenKinds | None:
    """Kinds of a dataset's tokens behind so many of a text; None where they are not those of its representation."""
    tokens = create(**dataset.info.representation).tokens
    return token_kinds(tokens, text_tokens) if len(tokens) == dataset.info.vocabulary_size else None


def _check(folder: Path, representation: dict[str, Any], recipe: Recipe) -> None:
    names = representation.get("name"), representation.get("inner")  # merges may be made over the recipe's
    if recipe.data.representation not in names:
        raise BadRecipe(
            f"{folder}: was prepared for {representation.get('name')!r}, and the recipe asks for "
            f"{recipe.data.representation!r}; change data.dataset or data.representation"
        )


def _packed(
    recipe: Recipe,
    examples: tuple[Any, Any],
    kinds: TokenKinds | None,
    augment: Augment | None,
    *,
    prompt_loss: bool | None = None,
) -> Feed:
    how, learnt = recipe.training, recipe.training.prompt_loss if prompt_loss is None else prompt_loss
    rows = how.tokens_per_batch // how.context
    batches = CaptionEpochs if recipe.data.epochs == "pieces" else PackedBatches
    training = batches(examples[0], how.context, rows, seed=recipe.seed, augment=augment, prompt_loss=learnt)
    return Feed(training, _held_out(recipe, examples[1], learnt), examples, kinds)


def _held_out(recipe: Recipe, examples: Examples, prompt_loss: bool) -> PackedBatches:
    how = recipe.training
    return PackedBatches(examples, how.context, max(1, how.micro_batch_tokens // how.context), prompt_loss=prompt_loss)


def _tokens(recipe: Recipe, splits: tuple[TokenDataset, TokenDataset], augment: Augment | None, progress: bool) -> Feed:
    if recipe.data.text:
        raise BadRecipe(f"data.text: the family {recipe.model.family} reads music alone; remove it")
    kinds, mixture = kinds_of(splits[0]), recipe.data.tasks
    if mixture is None:
        return _packed(recipe, splits, kinds, augment)
    _check_varied(splits[0], augment)
    train, held_out = (_as_tasks(recipe, split, progress) for split in splits)
    feed = _packed(recipe, (train, held_out), kinds, augment, prompt_loss=False)
    by_task = {name: _held_out(recipe, held_out.only(name), False) for name, n in held_out.counts.items() if n}
    return replace(feed, by_task=by_task)


def _as_tasks(recipe: Recipe, split: TokenDataset, progress: bool) -> TaskExamples:
    how, mixture = recipe.training, recipe.data.tasks
    assert mixture is not None, "asked for by the caller"

    def made() -> TaskExamples:
        with _bar(f"tasks of the split {split.split!r}", progress) as told:
            return TaskExamples(
                split, mixture, each=split.split != "train", seed=recipe.seed, context=how.context,
                prompt_loss=how.prompt_loss, progress=told,
            )  # fmt: skip

    if place().world > 1:
        on_first(lambda: str(made()))  # the others read what it keeps beside the shards
    return made()


def _check_varied(dataset: TokenDataset, augment: Augment | None) -> None:
    """Raises BadRecipe where another version of a sequence would not keep its tokens, and so not its task."""
    if isinstance(augment, Augmentation) and not augment.keeps_places:
        raise BadRecipe(
            f"{dataset}: these tokens change in number with key or tempo, so that data.tasks cannot be varied; set "
            "data.transpose, tempi and swap_instruments to none, or take remi without merges"
        )


@contextmanager
def _bar(what: str, shown: bool) -> Generator[Progress]:
    """A bar that is drawn once there is something to tell."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        drawn = bar.add_task(what, total=None, visible=False)
        yield lambda done, total: bar.update(drawn, completed=done, total=total, visible=True)


def _captioned(
    recipe: Recipe, splits: tuple[TokenDataset, TokenDataset], model: PreTrainedModel, augment: Augment | None
) -> Feed:
    music = music_of(model.config)
    if recipe.data.text != "caption" or music is None:
        raise BadRecipe(_asks(recipe, "caption or rows"))
    if augment is not None:
        raise BadRecipe(
            "captions name keys, tempi and instruments; set data.transpose, tempi and swap_instruments to none"
        )
    context, tokenizer = recipe.training.context, load_base(recipe.model_config().base, "tokenizer")
    train, held_out = (Captioned(each, tokenizer, music.offset, music.prompt, context=context) for each in splits)
    return _packed(recipe, (train, held_out), kinds_of(splits[0], music.offset), None)


def _rows(recipe: Recipe, source: Source, kind: Family) -> Feed:
    if kind.reads != "text":
        raise BadRecipe(f"data.text: the family {recipe.model.family} does not read rows of text; take llm")
    context, tokenizer = recipe.training.context, load_base(recipe.model_config().base, "tokenizer")
    train, held_out = (
        TextAnswers(rows_of(source.folder, split), tokenizer, context=context, name=f"{source.folder}: {split}")
        for split in ("train", "validation")
    )
    kinds = TokenKinds((TEXT,), np.zeros(1 << 20, np.int64))  # more than any tokenizer has
    return _packed(recipe, (train, held_out), kinds, None)


def _pairs(recipe: Recipe, splits: tuple[TokenDataset, TokenDataset], kind: Family, augment: Augment | None) -> Feed:
    if recipe.data.text not in ("caption", "chords", "plan") or kind.reader is None:
        raise BadRecipe(_asks(recipe, "caption, chords or plan"))
    if augment is not None and not isinstance(augment, Augmentation):
        raise BadRecipe(f"the family {recipe.model.family} needs to know what was varied")
    read, has_words = kind.reader(recipe.model_config())
    if has_words and recipe.data.text == "caption":
        raise BadRecipe("data.text: words of chords and plans cannot say a caption; set model.config.source to text")
    form: Any = kind.reads
    how, train = recipe.training, _texts(recipe, splits[0], has_words)
    training = PairBatches(
        splits[0], train, read, form, how.tokens_per_batch,
        seed=recipe.seed, augment=augment, prompt_loss=how.prompt_loss, by_piece=recipe.data.epochs == "pieces",
    )  # fmt: skip
    texts = _texts(recipe, splits[1], has_words)
    validation = PairBatches(splits[1], texts, read, form, how.micro_batch_tokens, prompt_loss=how.prompt_loss)
    return Feed(training, validation, splits, kinds_of(splits[0]))


def _texts(recipe: Recipe, dataset: TokenDataset, has_words: bool) -> CaptionTexts | PlanTexts:
    if recipe.data.text == "caption":
        return CaptionTexts(dataset)
    return PlanTexts(dataset, "chords" if recipe.data.text == "chords" else "plan", words=has_words)


def _asks(recipe: Recipe, choices: str) -> str:
    said = f"data.text is {recipe.data.text}" if recipe.data.text else "data.text is missing"
    return f"{said}; the family {recipe.model.family} reads {choices}"

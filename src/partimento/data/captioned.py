"""Music behind its description, in one sequence of ids: instruction, caption, music (system B; MIDI-LLM)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from partimento.data.captions import read_captions
from partimento.data.dataset import TokenDataset
from partimento.errors import BadFile, BadRecipe

CAPTION = "{caption}"
"""Where the caption stands in a prompt."""


class Captioned:
    """The windows of a dataset whose pieces have captions, as a language model with tokens of music reads them.

    A window is text in the tokenizer's own ids, then music, its ids raised by `offset`. Of several captions of a
    piece, its windows take one after the other. `prompt_length` counts the text and the token that opens music, so that
    a loss without prompts is one of music. Music that would not fit behind its caption is cut at its end.

    Versions in other keys, tempi or instruments would make captions untrue; so there is no augmentation.

    Args:
        dataset: windows of music.
        tokenizer: of the language model, as transformers loads it.
        offset: id of the first token of music.
        prompt: text before the music, with `{caption}` where the caption stands.
        context: most tokens of a sequence.

    Raises:
        BadRecipe: no piece has a caption, or captions leave no room for music.
        BadFile: captions are damaged.
    """

    def __init__(self, dataset: TokenDataset, tokenizer: Any, offset: int, prompt: str, *, context: int) -> None:
        self.dataset, self.offset, self._prompt = dataset, offset, prompt
        captions = captions_of(dataset)
        texts = {
            text: number for number, text in enumerate(dict.fromkeys(t for each in captions.values() for t in each))
        }
        self._texts = _tokenised([caption_prompt(prompt, text) for text in texts], tokenizer)
        chosen = [_choice(captions.get(piece, []), chunk, texts) for piece, chunk in _places(dataset)]
        self.windows: NDArray[np.int64] = np.flatnonzero(np.array(chosen, np.int64) >= 0)
        """Which windows of the dataset have a caption."""
        self._caption = np.array(chosen, np.int64)[self.windows]
        if not len(self.windows) and len(dataset):
            raise BadRecipe(f"{dataset}: its pieces have no captions; write some with `partimento data caption`")
        text_lengths = np.array([len(ids) for ids in self._texts], np.int64)[self._caption]
        if len(text_lengths) and text_lengths.max() + 2 > context:
            raise BadRecipe(
                f"{dataset}: a caption takes {text_lengths.max()} tokens, and training.context is {context}"
            )
        whole = text_lengths + dataset.lengths[self.windows]
        self.lengths: NDArray[np.int64] = np.minimum(whole, context)
        self.prompt_length: NDArray[np.int32] = (text_lengths + 1).astype(np.int32)
        self.cut = int((whole > context).sum())
        """Windows whose end does not fit behind their captions."""

    @property
    def pad(self) -> int:
        """Id that fills rows."""
        return self.offset + self.dataset.pad

    @property
    def notice(self) -> str:
        """What was left out, in a line; empty where nothing was."""
        missing = len(self.dataset) - len(self.windows)
        said = [f"{missing} windows have no caption and are left out"] if missing else []
        said += [f"{self.cut} windows are cut to fit behind their captions"] if self.cut else []
        return f"{self}: {', '.join(said)}" if said else ""

    def column(self, name: str) -> list[Any]:
        """Values of a column of the dataset, one per window."""
        values = self.dataset.column(name)
        return [values[window] for window in self.windows]

    def __str__(self) -> str:
        return f"{self.dataset} with captions"

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> NDArray[np.int32]:
        music = self.dataset[int(self.windows[index])].astype(np.int32) + np.int32(self.offset)
        return np.concatenate([self._texts[self._caption[index]], music])[: self.lengths[index]]


def caption_prompt(prompt: str, caption: str) -> str:
    """The text before the music, its caption put in."""
    return prompt.replace(CAPTION, caption)


def captions_of(dataset: TokenDataset) -> dict[str, list[str]]:
    """Captions of whole pieces by piece: those written for the dataset, else those that its sources came with.

    Raises:
        BadFile: they are damaged.
    """
    written = read_captions(dataset.folder)
    if written:
        return {piece: [each.text for each in said if each.first_bar is None] for piece, said in written.items()}
    path = dataset.folder / "pieces.parquet"
    if not path.is_file():
        return {}
    try:
        table = pq.read_table(path, columns=["piece", "captions"]).to_pydict()
    except (pa.ArrowException, OSError) as error:
        raise BadFile(path, f"is damaged ({type(error).__name__}); prepare the dataset again") from None
    return {piece: list(said) for piece, said in zip(table["piece"], table["captions"], strict=True) if said}


def _tokenised(texts: list[str], tokenizer: Any) -> list[NDArray[np.int32]]:
    return [np.array(ids, np.int32) for ids in tokenizer(texts)["input_ids"]] if texts else []


def _places(dataset: TokenDataset) -> list[tuple[str, int]]:
    """Piece of each window, and which of its windows it is."""
    return list(zip(dataset.column("piece"), dataset.column("chunk"), strict=True))


def _choice(captions: list[str], chunk: int, numbers: dict[str, int]) -> int:
    """Number of the caption that a window takes, −1 where there is none."""
    return numbers[captions[(chunk or 0) % len(captions)]] if captions else -1

"""Music behind its caption: which ids stand where, what is learnt, and which window takes which caption."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer

from partimento.data.captioned import Captioned
from partimento.data.captions import SCHEMA
from partimento.data.datamodule import IGNORED, CaptionEpochs, PackedBatches
from partimento.data.dataset import ShardWriter, TokenDataset
from partimento.errors import BadRecipe

PROMPT = "Compose: {caption} "
OFFSET = 1000
CAPTIONS = {"a": ["a jig", "a lively jig"], "b": ["a slow waltz"], "c": []}


@pytest.fixture
def folder(tmp_path):
    """Pieces a, b and c of three, two and one windows."""
    words = dict.fromkeys(("source", "licence", "title", "style"), "x")
    with ShardWriter(tmp_path) as shards:
        for piece, windows in (("a", 3), ("b", 2), ("c", 1)):
            for chunk in range(windows):
                ids = [1, 10 + "abc".index(piece), 20 + chunk, 2]
                row = {"ids": ids, "prompt_length": 2, "notes": 1, "chunk": chunk, "piece": piece, **words}
                shards.write("train", row)
    names = {"representation": {"name": "remi"}, "sources": [], "licences": {}}
    special = {"pad": 0, "bos": 1, "eos": 2}
    (tmp_path / "dataset.json").write_text(json.dumps({"vocabulary_size": 100, "special": special, **names}))
    pieces = {"piece": list(CAPTIONS), "captions": list(CAPTIONS.values())}
    pq.write_table(pa.table(pieces), tmp_path / "pieces.parquet")
    return tmp_path


@pytest.fixture(scope="module")
def tokenizer(language_model):
    return AutoTokenizer.from_pretrained(language_model("llama"))


def captioned(folder, tokenizer, context=64):
    return Captioned(TokenDataset(folder, "train"), tokenizer, OFFSET, PROMPT, context=context)


def text(tokenizer, caption):
    return tokenizer(PROMPT.replace("{caption}", caption))["input_ids"]


def test_a_sequence_is_instruction_caption_and_music_behind_the_offset(folder, tokenizer):
    examples = captioned(folder, tokenizer)
    said = ["a jig", "a lively jig", "a jig", "a slow waltz", "a slow waltz"]
    assert len(examples) == 5
    for index, caption in enumerate(said):
        begun = text(tokenizer, caption)
        music = examples.dataset[index].astype(int) + OFFSET
        assert examples[index].tolist() == [*begun, *music]
        assert examples.lengths[index] == len(begun) + 4
        assert examples.prompt_length[index] == len(begun) + 1
    assert examples.column("piece") == ["a", "a", "a", "b", "b"]
    assert "1 windows have no caption" in examples.notice


def test_masked_positions_are_the_text_and_the_opening_exactly(folder, tokenizer):
    examples = captioned(folder, tokenizer)
    for prompt_loss in (True, False):
        seen = 0
        for batch in PackedBatches(examples, 64, 1, prompt_loss=prompt_loss).once():
            ids, labels, positions = (batch[name][0].numpy() for name in ("input_ids", "labels", "position_ids"))
            first = np.flatnonzero(ids == OFFSET + 1)  # what opens music
            begins = [at - positions[at] for at in first]
            targets = np.zeros(64, bool)
            for begin, opening in zip(begins, first, strict=True):
                targets[(begin + 1 if prompt_loss else opening + 1) : opening + 4] = True
                seen += 1
            assert ((labels != IGNORED) == targets).all()
            assert (labels[targets] == ids[targets]).all()
        assert seen == 5


def test_captions_written_for_the_dataset_come_first_and_phrases_are_none(folder, tokenizer):
    rows = [("b", "a hymn", None, None), ("b", "bars 1 to 2 rest", 1, 2)]
    empty = {"facts": "{}", "by": "templates", "before": ""}
    names = ("piece", "text", "first_bar", "last_bar")
    table = [dict(zip(names, row, strict=True)) | empty for row in rows]
    pq.write_table(pa.Table.from_pylist(table, SCHEMA), folder / "captions.parquet")
    examples = captioned(folder, tokenizer)
    assert examples.column("piece") == ["b", "b"]
    assert examples[0].tolist()[:-4] == examples[1].tolist()[:-4] == text(tokenizer, "a hymn")


def test_an_epoch_is_one_window_of_each_captioned_piece(folder, tokenizer):
    batches = CaptionEpochs(captioned(folder, tokenizer), 64, 2, seed=1)
    assert batches.pieces == ["a", "b"]
    for epoch in range(6):
        ids = batches.batch(epoch)["input_ids"].numpy() - OFFSET
        marks = sorted((row[row >= 10][0], row[row >= 20][0] - 20) for row in ids)
        assert marks == [(10, epoch % 3), (11, epoch % 2)]


def test_music_is_cut_to_the_context_and_what_does_not_fit_is_refused(folder, tokenizer):
    whole = captioned(folder, tokenizer)
    context = int(whole.lengths.max()) - 1
    examples = captioned(folder, tokenizer, context=context)
    assert examples.cut == (whole.lengths > context).sum() > 0
    for index in range(len(examples)):
        assert examples[index].tolist() == whole[index].tolist()[:context]
    assert f"{examples.cut} windows are cut" in examples.notice
    with pytest.raises(BadRecipe, match=r"training\.context is 8"):
        captioned(folder, tokenizer, context=8)
    (folder / "pieces.parquet").unlink()
    with pytest.raises(BadRecipe, match="no captions"):
        captioned(folder, tokenizer)

"""Rows of text: templates, what is learnt of them, what is too long, and where rows come from."""

import json

import pytest
from transformers import AutoTokenizer

from partimento.data.answers import TextAnswers, TextInfo, exchange, rows_of
from partimento.data.datamodule import IGNORED, PackedBatches
from partimento.data.dataset import ShardWriter
from partimento.data.prepare.texts import text_schema
from partimento.errors import BadFile, BadRecipe
from partimento.representations import create_text

ROW = {"instruction": "divisions: '2'", "input": "- a00_note", "output": "- a00_rest: null"}


@pytest.fixture(scope="module")
def plain(language_model):
    return AutoTokenizer.from_pretrained(language_model("llama"))


@pytest.fixture(scope="module")
def chat(language_model):
    return AutoTokenizer.from_pretrained(language_model("llama", chat=True))


def test_a_chat_template_is_respected(chat):
    said = exchange(ROW, chat)
    asked = "<|begin|><|system|>\ndivisions: '2'<|end|><|user|>\n- a00_note<|end|><|assistant|>\n"
    assert said.prompt == asked
    assert said.answer == "- a00_rest: null<|end|>"
    messages = [{"role": "system", "content": ROW["instruction"]}, {"role": "user", "content": ROW["input"]}]
    assert said.prompt == chat.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def test_a_template_without_a_system_s_message_gets_both_from_the_user(chat):
    strict = AutoTokenizer.from_pretrained(chat.name_or_path)
    strict.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "[{{ m['role'] }}]{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    said = exchange(ROW, strict)
    assert (said.prompt, said.answer) == ("[user]divisions: '2'\n\n- a00_note[assistant]", "- a00_rest: null")


def test_an_answer_that_a_template_dresses_up_still_follows_what_the_model_is_asked(chat):
    thinking = AutoTokenizer.from_pretrained(chat.name_or_path)
    thinking.chat_template = (
        "{% for m in messages %}[{{ m['role'] }}]{% if m['role'] == 'assistant' %}<no thoughts>{% endif %}"
        "{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}[assistant]<thoughts>{% endif %}"
    )
    said = exchange(ROW, thinking)
    assert said.prompt.endswith("[assistant]<thoughts>")
    assert said.answer == "- a00_rest: null<|end|>"


def test_a_template_that_states_the_day_gives_the_same_row_on_any(chat):
    dated = AutoTokenizer.from_pretrained(chat.name_or_path)
    dated.chat_template = "{{ date_string }}|{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert exchange(ROW, dated).prompt.startswith("26 Jul 2024|")


def test_without_a_template_a_plain_one_is_taken(plain):
    said = exchange(ROW, plain)
    assert said.prompt == "<|begin|>### Instruction:\ndivisions: '2'\n\n### Input:\n- a00_note\n\n### Output:\n"
    assert said.answer == "- a00_rest: null<|end|>"
    assert exchange({"text": "X:1\n"}, plain) == exchange({"text": "X:1\n", "output": "x"}, plain)
    assert exchange({"text": "X:1\n"}, plain).answer == "X:1\n<|end|>"


@pytest.mark.parametrize("template", ["plain", "chat"])
def test_targets_are_the_answer_exactly(request, template):
    tokenizer = request.getfixturevalue(template)
    examples = TextAnswers([ROW, {**ROW, "output": "- a00_note: x"}, {"text": "X:1\n"}], tokenizer, context=256)
    wanted = sorted(["- a00_rest: null<|end|>", "- a00_note: x<|end|>", "X:1\n<|end|>"])
    learnt = []
    for batch in PackedBatches(examples, 256, 1, prompt_loss=False).once():
        for labels in batch["labels"]:
            ids = [None if label == IGNORED else int(label) for label in labels]
            runs = "".join(" " if token is None else chr(0x100 + token) for token in ids).split()
            learnt += [tokenizer.decode([ord(sign) - 0x100 for sign in run]) for run in runs]
    assert sorted(learnt) == wanted
    said = exchange(ROW, tokenizer)
    assert tokenizer.decode(examples[0].tolist()) == said.prompt + said.answer
    assert examples[0].tolist().count(tokenizer.bos_token_id) == 1


def test_rows_longer_than_the_context_are_left_out_and_counted(plain):
    rows = [ROW, {**ROW, "output": "- a00_note\n" * 60}]
    examples = TextAnswers(rows, plain, context=100, name="rows.jsonl")
    assert len(examples) == 1
    assert examples.left_out == 1
    assert examples.longest > 100
    assert "1 rows are longer" in examples.notice
    assert str(examples.longest) in examples.notice
    with pytest.raises(BadRecipe, match=r"all 1 rows are longer than training\.context 100"):
        TextAnswers(rows[1:], plain, context=100)
    with pytest.raises(BadRecipe, match="row 2 has neither"):
        TextAnswers([ROW, {"input": "x"}], plain, context=100)


def test_json_lines_are_read_their_last_twentieth_for_validation(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({**ROW, "output": str(number)}) + "\n" for number in range(40)))
    train, held_out = ([int(row["output"]) for row in rows_of(path, split)] for split in ("train", "validation"))
    assert (train, held_out) == (list(range(38)), [38, 39])
    assert TextInfo.read(path).representation == {"name": "chord_llama"}
    for content, word in (
        (b"{", "line 1 is no JSON"),
        (b"[1]\n{}", "line 1 is no row"),
        (b'{"output": 3}\n{}', "line 1"),
    ):
        path.write_bytes(content)
        with pytest.raises(BadFile, match=word):
            _ = [*rows_of(path, "train"), *rows_of(path, "validation")]
    with pytest.raises(BadFile, match="no such file"):
        list(rows_of(tmp_path / "none.jsonl", "train"))


def test_shards_of_prepared_text_are_read(tmp_path):
    representation = create_text("chord_llama")
    words = dict.fromkeys(("piece", "source", "licence", "title", "style"), "x")
    with ShardWriter(tmp_path, text_schema(representation)) as shards:
        shards.write("train", {**ROW, **words, "tokens": 3, "notes": 1, "chunk": 0})
    assert list(rows_of(tmp_path, "train")) == [ROW]
    assert list(rows_of(tmp_path, "validation")) == []
    with pytest.raises(BadFile, match=r"dataset\.json"):
        TextInfo.read(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"representation": {"name": "remi"}}))
    with pytest.raises(BadFile, match="holds tokens"):
        TextInfo.read(tmp_path)
    (tmp_path / "train-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadFile, match="damaged"):
        list(rows_of(tmp_path, "train"))

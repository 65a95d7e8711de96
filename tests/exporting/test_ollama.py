"""Modelfiles, read as Ollama reads them, and templates that say what the model's own say."""

from __future__ import annotations

import re

import pytest
from transformers import AutoTokenizer

from partimento.errors import BadRecipe
from partimento.exporting import export
from partimento.exporting.ollama import quoted

LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}<|start|>system\nYou help.<|end|>\n{% endif %}"
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)
INSTRUCTIONS = {"from", "parameter", "template", "system", "adapter", "license", "message", "draft", "renderer",
                "parser", "requires"}  # fmt: skip
PARAMETERS = {"num_ctx": int, "repeat_last_n": int, "repeat_penalty": float, "temperature": float, "seed": int,
              "stop": str, "num_predict": int, "draft_num_predict": int, "top_k": int, "top_p": float,
              "min_p": float}  # fmt: skip
"""As Ollama's reference lists them."""


def parsed(text: str) -> list[tuple[str, str]]:
    """Instructions and arguments, by the rules of Ollama's reference; parameters as `parameter NAME`.

    A line is blank, a comment, or an instruction, blanks and an argument. An argument that begins with one or three
    quotation marks goes on, over lines, to a line's end where as many stand.
    """
    commands: list[tuple[str, str]] = []
    while text := text.lstrip():
        if text.startswith("#"):
            text = text.partition("\n")[2]
            continue
        head = re.match(r"([A-Za-z]+)[ \t]+", text)
        assert head, f"no instruction: {text[:40]!r}"
        name, text = head[1].lower(), text[head.end() :]
        assert name in INSTRUCTIONS
        if name in ("parameter", "message"):
            key = re.match(r"([A-Za-z0-9_]+)[ \t]+", text)
            assert key
            name, text = f"{name} {key[1]}", text[key.end() :]
        for marks in ('"""', '"', ""):
            if text.startswith(marks):
                found = re.match(rf"{marks}(.*?){marks}[ \t]*(?:\n|$)", text, re.DOTALL)
                assert found, f"{name} does not end"
                commands.append((name, found[1]))
                text = text[found.end() :]
                break
    assert [name for name, _ in commands].count("from") == 1
    return commands


def said(template: str, system: str, prompt: str) -> str:
    """What Ollama makes of the templates that are written here."""
    chosen = re.sub(
        r"\{\{ if \.System \}\}(.*?)(?:\{\{ else \}\}(.*?))?\{\{ end \}\}",
        lambda match: match[1] if system else match[2] or "",
        template,
        flags=re.DOTALL,
    )
    before = chosen.partition("{{ .Response }}")[0]
    return before.replace("{{ .System }}", system).replace("{{ .Prompt }}", prompt)


def test_the_file_is_one_that_ollama_takes(music_model, tmp_path):
    out = export(music_model(), "gguf:f16", tmp_path / "out")
    commands = parsed((out / "Modelfile").read_text())
    found = dict(commands)
    assert (out / found["from"]).is_file()
    assert found["template"] == "{{ .Prompt }}"
    assert found["license"] == 'base: the "Community" Licence\ntunes: CC0-1.0'
    values = {name.split()[1]: value for name, value in commands if name.startswith("parameter")}
    assert values.keys() <= PARAMETERS.keys()
    assert {name: PARAMETERS[name](value) for name, value in values.items()}["num_ctx"] == 128
    assert float(values["repeat_penalty"]) == 1


@pytest.mark.parametrize("chat", [LLAMA3, DEFAULT_SYSTEM, NO_SYSTEM])
def test_the_template_says_what_the_models_own_says(text_model, tmp_path, chat):
    folder = text_model(chat=chat)
    commands = parsed((export(folder, "gguf:f16", tmp_path / "out") / "Modelfile").read_text())
    template = dict(commands)["template"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for system in ("", "divisions: '2'") if chat != NO_SYSTEM else ("",):
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": "- a00_note:"})
        wanted = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        bos = tokenizer.bos_token if chat == LLAMA3 else ""
        assert bos + said(template, system, "- a00_note:") == wanted
    stops = [value for name, value in commands if name == "parameter stop"]
    assert "<|end|>" in stops
    assert chat != LLAMA3 or "<|eot_id|>" in stops


def test_chord_llama_has_attributes_of_its_own_to_begin_with(text_model, tmp_path):
    commands = dict(parsed((export(text_model(), "gguf:f16", tmp_path / "out") / "Modelfile").read_text()))
    assert "divisions: '4'" in commands["system"]


def test_a_template_that_changes_what_is_said_is_refused(text_model, tmp_path):
    with pytest.raises(BadRecipe, match="changes what is said"):
        export(text_model(chat="{{ messages[0]['content'] | upper }}"), "gguf:f16", tmp_path / "out")


@pytest.mark.parametrize("text", ["a\nb", 'say "C"\nand "D" then', "", "# no comment\n  indented\n"])
def test_arguments_of_any_number_of_lines_come_back(text):
    assert parsed(f"FROM x\nSYSTEM {quoted(text)}\nPARAMETER seed 1\n")[1] == ("system", text)


def test_what_would_end_an_argument_is_refused():
    for text in ('a """ b', 'ends with "'):
        with pytest.raises(BadRecipe, match="quotation marks"):
            quoted(text)

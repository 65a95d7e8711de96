"""The Modelfile that makes a GGUF file a model of Ollama: template, system message, parameters, licences.

The format: https://docs.ollama.com/modelfile. A line is a comment, or an instruction and its argument; what has several
lines stands between three quotation marks. Templates are Go's, with `.System`, `.Prompt` and `.Response`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from partimento.errors import BadRecipe
from partimento.exporting.stored import StoredModel
from partimento.exporting.vocabulary import Words

_SYSTEM, _PROMPT, _RESPONSE = "{{ .System }}", "{{ .Prompt }}", "{{ .Response }}"
_QUOTES = '"""'
_FOUR_FOUR = """divisions: '4'
key:
  fifths: '0'
  mode: major
time:
  beats: '4'
  beat-type: '4'
clef:
  sign: G
  line: '2'
"""
"""Attributes of a tune in C, for whoever asks Chord Llama for music without saying any."""
_SYSTEMS = {"chord_llama": _FOUR_FOUR}
_PARAMETERS = {"temperature": 1.0, "top_p": 0.95, "top_k": 0, "repeat_penalty": 1.0}
"""Ollama's own penalty for repetition would forbid what music lives on."""


def modelfile(stored: StoredModel, file: str, words: Words, context: int) -> str:
    """The text of a Modelfile.

    Args:
        stored: the model.
        file: name of the GGUF file beside it.
        words: its vocabulary.
        context: longest sequence in tokens.

    Raises:
        BadRecipe: the chat template cannot be said in Go's.
    """
    template, stops = _template(stored, words)
    system = "" if stored.writes_tokens else _SYSTEMS.get(str(stored.representation.get("name")), "")
    lines = [f"FROM ./{file}", f"TEMPLATE {quoted(template)}"]
    lines += [f"SYSTEM {quoted(system)}"] if system else []
    lines += [f"PARAMETER {name} {value}" for name, value in {**_PARAMETERS, "num_ctx": context}.items()]
    lines += [f"PARAMETER stop {quoted(stop)}" for stop in stops]
    said = "\n".join(f"{source}: {licence}" for source, licence in sorted(stored.licences.items()))
    lines += [f"LICENSE {quoted(said)}"] if said else []
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """An argument of any number of lines.

    Raises:
        BadRecipe: it holds what ends it.
    """
    if _QUOTES in text or text.endswith('"'):
        raise BadRecipe(f"the text {text[:40]!r} cannot stand in a Modelfile, which three quotation marks end")
    return f"{_QUOTES}{text}{_QUOTES}"


def _template(stored: StoredModel, words: Words) -> tuple[str, list[str]]:
    """Go's template, and the texts at which an answer ends."""
    end = words.end.strip()
    if not words.chat_template:
        return _PROMPT, [end] if end else []
    said = _chat(stored.folder)
    alone = said([("user", _PROMPT)], True)
    answered = said([("user", _PROMPT), ("assistant", _RESPONSE)], False)
    before, found, opening = alone.partition(_PROMPT)
    _, answers, closing = answered.partition(_RESPONSE)
    if not found or not answers:
        raise BadRecipe(f"{stored.folder}: its chat template changes what is said, which Ollama's cannot")
    head = _if_system(said, before)
    if words.begins:  # llama.cpp puts it before the text itself
        head = head.replace(words.tokens[words.special["bos"]], "")
    stops = dict.fromkeys(text for text in (closing.strip(), end) if text)
    return f"{head}{_PROMPT}{opening}{_RESPONSE}{closing}", list(stops)


def _if_system(said: Callable[[list[tuple[str, str]], bool], str], otherwise: str) -> str:
    """What stands before the prompt, with a system message and without."""
    try:
        before, found, _ = said([("system", _SYSTEM), ("user", _PROMPT)], True).partition(_PROMPT)
    except BadRecipe:  # some templates know no system
        return otherwise
    if not found or _SYSTEM not in before:
        return otherwise
    return f"{{{{ if .System }}}}{before}{{{{ else }}}}{otherwise}{{{{ end }}}}" if otherwise else (
        f"{{{{ if .System }}}}{before}{{{{ end }}}}"
    )  # fmt: skip


def _chat(folder: Path) -> Callable[[list[tuple[str, str]], bool], str]:
    """The model's own chat template."""
    from jinja2 import TemplateError
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)

    def said(turns: list[tuple[str, str]], is_to_answer: bool) -> str:
        messages = [{"role": role, "content": content} for role, content in turns]
        try:
            return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=is_to_answer)
        except (TemplateError, ValueError, TypeError) as error:
            raise BadRecipe(f"{folder}: its chat template fails ({str(error)[:100]})") from error

    return said

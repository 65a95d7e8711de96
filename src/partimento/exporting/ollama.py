"""The Modelfile that makes a GGUF file a model of Ollama: template, system message, parameters, licences.

The format: https://docs.ollama.com/modelfile. A line is a comment, or an instruction and its argument; what has several
lines stands between three quotation marks. Templates are Go's, with `.System`, `.Prompt` and `.Response`.
"""

from __future__ import annotations

from typing import Any

from partimento.data.answers import exchange
from partimento.errors import BadRecipe
from partimento.exporting.stored import StoredModel
from partimento.exporting.vocabulary import Words, tokenizer_of
from partimento.representations import create

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
  line: '2'"""
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
    if stored.music:
        opening = words.tokens[stored.music["offset"] + create(**stored.representation).special.bos]
        return stored.music["prompt"].replace("{caption}", _PROMPT) + opening, [end]
    if stored.writes_tokens or not (words.chat_template or stored.representation.get("name") == "chord_llama"):
        return _PROMPT, [end] if end else []
    alone, (asked, answer) = _said(stored, ""), _said(stored, _SYSTEM)
    before, found, opening = alone[0].partition(_PROMPT)
    with_system, _, same = asked.partition(_PROMPT)
    if not found or opening != same or not answer.startswith(_RESPONSE):
        raise BadRecipe(f"{stored.folder}: its chat template changes what is said, which Ollama's cannot")
    head = f"{{{{ if .System }}}}{with_system}{{{{ else }}}}{before}{{{{ end }}}}" if _SYSTEM in with_system else before
    if words.begins:  # llama.cpp puts it before the text itself
        head = head.replace(words.tokens[words.special["bos"]], "")
    closing = answer.removeprefix(_RESPONSE)
    stops = dict.fromkeys(text for text in (closing.strip(), end) if text)
    return f"{head}{_PROMPT}{opening}{answer}", list(stops)


def _said(stored: StoredModel, system: str) -> tuple[str, str]:
    """Prompt and answer as the model was tuned on them, with Go's variables for what is said."""
    tokenizer: Any = tokenizer_of(stored.folder)
    said = exchange({"instruction": system, "input": _PROMPT, "output": _RESPONSE}, tokenizer)
    return said.prompt, said.answer

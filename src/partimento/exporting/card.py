"""The README of an export: what it is, how to run it, whose music is in it."""

from __future__ import annotations

from pathlib import Path

from partimento.exporting.stored import StoredModel


def card(stored: StoredModel, path: Path, kind: str) -> str:
    """Markdown for people, about a GGUF file."""
    name, file = stored.name, path.name
    size = f"{path.stat().st_size / 1e6:,.1f} MB"
    parts = [f"# {name}, {kind}\n", f"`{file}` ({size}) is {name} as GGUF, written by partimento.\n"]
    parts += [_running(stored, name.lower(), file), "## Licences", _licences(stored)]
    return "\n".join(parts)


def _running(stored: StoredModel, name: str, file: str) -> str:
    ollama = f"```\nollama create {name} -f Modelfile\nollama run {name}\n```\n"
    if not stored.writes_tokens:
        return f"## Run it\n{ollama}\nor `llama-cli -m {file}`, or any program that reads GGUF.\n"
    representation = stored.representation["name"]
    return (
        f'## Run it\n```\npartimento compose "a waltz in G" --model {file} --out piece\n```\n\n'
        f"This needs `pip install 'partimento[llamacpp]'` and keeps to the grammar of `{representation}`. "
        f"Without grammar, other programs print names of tokens:\n{ollama}\n"
        f"Kept in a file, `partimento decode FILE.tokens --as {representation} --out piece.mid` reads them, as far as "
        "they are right.\n"
    )


def _licences(stored: StoredModel) -> str:
    if not stored.licences:
        return "The model folder names none.\n"
    rows = [f"| {source} | {licence} |" for source, licence in sorted(stored.licences.items())]
    return "\n".join(["| made from | licence |", "|---|---|", *rows]) + "\n"

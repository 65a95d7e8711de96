"""How many tokens does a note take: MusicXML, JSON, YAML, ABC, and vocabularies of music?

    PARTIMENTO_DATA=FOLDER python benchmarks/token_cost/bench.py [--pieces 24]

The same pieces in every form. Texts are counted in bytes, in tokens of cl100k_base (from which the vocabulary of
Llama 3 was made, by adding to it; `bpe-openai` has it in its wheel), and in tokens of byte-pair vocabularies of equal
size, one trained on other pieces in each form. XML, JSON and YAML hold the same elements: what Chord Llama keeps.
Writes `results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bpe_openai
import music21
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from partimento.io import load_score
from partimento.io.yaml.piece import Piece, condensed, instruction, measures
from partimento.io.yaml.tree import expand
from partimento.io.yaml.whole import write_piece
from partimento.plan import Compose
from partimento.representations import REPRESENTATIONS, TEXT_REPRESENTATIONS, create, create_text
from partimento.score import Score

HERE = Path(__file__).parent
TASK = Compose()
VOCABULARY = 4096
CONTEXT, CHUNK = 100_000, 150_000


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=24, help="of each collection; as many others train vocabularies")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    results: dict[str, Any] = {"machine": machine(), "trained vocabulary": VOCABULARY}
    for name, paths in collections().items():
        step = len(paths) / (2 * options.pieces)
        chosen = [paths[int(k * step)] for k in range(2 * options.pieces)]
        results[name] = compared(chosen[::2], chosen[1::2])
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def collections() -> dict[str, list[Path]]:
    """Files by collection."""
    chorales = sorted((Path(music21.__file__).parent / "corpus" / "bach").glob("bwv*.mxl"))
    lieder = sorted((Path(os.environ["PARTIMENTO_DATA"]) / "A_openscore-lieder").glob("*.mxl"))
    leads = sorted((Path(os.environ["PARTIMENTO_DATA"]) / "A_openewld-leadsheets").glob("*.mxl"))
    return {"chorales": chorales, "lieder": lieder, "lead sheets": leads}


def compared(measured: list[Path], others: list[Path]) -> dict[str, Any]:
    """Tokens per note and per bar of the measured pieces in every form."""
    trained = {form: _trained(texts) for form, texts in _texts_of(others).items()}
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    notes = bars = 0
    for path in measured:
        score = load_score(path)
        notes, bars = notes + len(score.sounding().notes), bars + len(score.measures)
        for form, text in texts(path, score):
            totals[form]["bytes"] += len(text.encode())
            totals[form]["cl100k_base"] += llm_tokens(text)
            totals[form]["trained"] += len(trained[form].encode(text).ids)
        for form, count in ids(score):
            totals[form]["own"] += count
    rows = {
        form: {unit: {"per note": round(n / notes, 2), "per bar": round(n / bars, 1)} for unit, n in counts.items()}
        for form, counts in totals.items()
    }
    return {"pieces": len(measured), "notes": notes, "bars": bars, "forms": rows}


def llm_tokens(text: str) -> int:
    """Tokens of cl100k_base; it takes no more than 200,000 at a time."""
    encoding = bpe_openai.get_encoding("cl100k_base")
    return sum(len(encoding.encode(text[k : k + CHUNK])) for k in range(0, len(text), CHUNK))


def _texts_of(paths: list[Path]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for form, text in texts(path, load_score(path)):
            found[form].append(text)
    return found


def texts(path: Path, score: Score) -> Iterator[tuple[str, str]]:
    """A piece in all forms of text."""
    piece = condensed(path.read_bytes(), path.name)
    data = [instruction(piece, [part.attributes for part in piece]), measures(piece)]
    yield "XML, indented", _xml(piece, is_indented=True)
    yield "XML, dense", _xml(piece, is_indented=False)
    yield "JSON, indented", json.dumps(data, indent=2)
    yield "JSON, dense", json.dumps(data, separators=(",", ":"))
    yield "YAML, block (Chord Llama)", write_piece(piece, "block")
    yield "YAML, flow", write_piece(piece, "flow")
    for name in TEXT_REPRESENTATIONS:
        if name != "chord_llama":
            yield f"{name}, text", create_text(name).write(score, TASK)


def _xml(piece: Piece, *, is_indented: bool) -> str:
    root = etree.Element("score-partwise")
    for part in piece:
        made = etree.SubElement(root, "part")
        for index, measure in enumerate(part.measures):
            inner = expand("measure", measure, made)
            if index == 0 and part.attributes:
                inner.insert(0, expand("attributes", part.attributes))
    return etree.tostring(root, encoding="unicode", pretty_print=is_indented)


def ids(score: Score) -> Iterator[tuple[str, int]]:
    """Tokens of a piece in every vocabulary of music."""
    for name in sorted(REPRESENTATIONS.keys() - {"bpe"}):  # which is another one until it is trained
        representation = create(name)
        windows = representation.windows(score, TASK, CONTEXT)
        yield f"{name}, tokens", sum(len(representation.encode(*window).ids) for window in windows)


def _trained(texts: list[str]) -> Any:
    """A byte-level byte-pair vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def machine() -> dict[str, Any]:
    """With what this ran."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    packages = {name: version(name) for name in ("bpe-openai", "tokenizers", "music21")}
    return {"commit": commit.stdout.strip(), "python": platform.python_version()} | packages


if __name__ == "__main__":
    main()

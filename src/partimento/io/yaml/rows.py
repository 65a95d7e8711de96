"""Rows of JSON Lines as Chord Llama publishes them: attributes, first half and second half of some measures."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from partimento.errors import BadFile
from partimento.io import load_score, read_bytes
from partimento.io.musicxml import reader, writer
from partimento.io.yaml.piece import InForce, PartMusic, Piece, condensed, from_data, instruction, measures
from partimento.io.yaml.restoring import restored
from partimento.io.yaml.text import Data, Style, dump, load
from partimento.io.yaml.tree import listed
from partimento.score import Score

Row = dict[str, str]
"""`instruction`: attributes in force at the first measure; `input` and `output`: the first and second half of the
measures; each of them YAML."""
FIELDS = ("instruction", "input", "output")
BUDGET = 3500
"""Tokens of a row in Chord Llama, whose models have a context of 4,096."""
MAX_LINE = 8 * 2**20
"""Most bytes of a row."""

_MUSICXML = (".musicxml", ".xml", ".mxl")
_BLOCK_CHARACTERS, _FLOW_CHARACTERS = 3.0, 2.6
"""To a token, at the fewest."""
_SHRINK = 0.97
_log = logging.getLogger("partimento.io")


def estimated_tokens(text: str) -> int:
    """A guess at a row's tokens in the vocabulary of Llama 3, on the safe side.

    Measured with cl100k_base, of which that vocabulary is an extension: a token has at least 3.0 characters in block
    style and 2.6 in flow style.
    """
    return math.ceil(len(text) / (_FLOW_CHARACTERS if "{" in text else _BLOCK_CHARACTERS))


def tokenizer_counter(folder: Path | str) -> Callable[[str], int]:
    """Counts tokens as a Hugging Face tokenizer does; the folder holds its `tokenizer.json`.

    Raises:
        BadFile: it holds none.
    """
    from tokenizers import Tokenizer  # takes its time

    path = Path(folder) / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower one
        raise BadFile(path, f"no tokenizer of Hugging Face: {str(error)[:80]}") from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


# Writing


def chord_llama_rows(
    source: Score | Path | str,
    budget: int = BUDGET,
    count_tokens: Callable[[str], int] = estimated_tokens,
    style: Style = "block",
) -> Iterator[Row]:
    """A piece as rows of about equal length, in order.

    Args:
        source: a score, of which the tempi are kept too, or a file of music; of MusicXML its own elements are taken.
        budget: most tokens of a row. A measure that has more makes a row of its own, which a warning names.
        count_tokens: tokens of a text; the default is a guess for Llama 3.
        style: how mappings inside notes are written; `block` as published.

    Raises:
        BadFile: the file is damaged or holds no music.
    """
    piece = piece_of(source)
    items, heads, counted = measures(piece), _heads(piece, style), lru_cache(1024)(count_tokens)
    costs = [count_tokens(dump([item], style)) for item in items]
    openings = [counted(head) for head in heads]
    limit = float(budget)
    while True:  # tokens of a whole are not quite the sum of those of its parts
        spans = _even_chunks(costs, openings, limit)
        rows = [_row(heads[first], items[first:last], style) for first, last in spans]
        is_long = [sum(map(count_tokens, row.values())) > budget for row in rows]
        if not any(long and last - first > 1 for long, (first, last) in zip(is_long, spans, strict=True)):
            break
        limit *= _SHRINK
    for first in (first for long, (first, _) in zip(is_long, spans, strict=True) if long):
        _log.warning("%s: measure %d alone has more than %d tokens", _name(source), first + 1, budget)
    yield from rows


def piece_of(source: Score | Path | str) -> Piece:
    """A score or file as mappings; raises as `chord_llama_rows`."""
    if isinstance(source, Score):
        return condensed(writer.write(source), _name(source), lifts_tempi=True)
    path = Path(source)
    if path.suffix.lower() in _MUSICXML:
        return condensed(read_bytes(path), str(path))
    return piece_of(load_score(path))


def _name(source: Score | Path | str) -> str:
    return (source.title or "score") if isinstance(source, Score) else str(source)


def _heads(piece: Piece, style: Style) -> list[str]:
    """The instruction of a row that begins with each measure."""
    states = [InForce(part.attributes) for part in piece]
    heads: list[str] = []
    for index in range(max(len(part.measures) for part in piece)):
        heads.append(dump(instruction(piece, [state.attributes for state in states]), style))
        for part, state in zip(piece, states, strict=True):
            if index < len(part.measures):
                state.pass_measure(part.measures[index])
    return heads


def _row(head: str, items: Sequence[Data], style: Style) -> Row:
    half = len(items) // 2
    return dict(zip(FIELDS, (head, dump(list(items[:half]), style), dump(list(items[half:]), style)), strict=True))


def _even_chunks(costs: Sequence[int], openings: Sequence[int], limit: float) -> list[tuple[int, int]]:
    """As few chunks as the limit allows, the longest of them as short as can be."""
    fewest = len(_chunks(costs, openings, limit))
    low, high = 0.0, limit
    while high - low > 1:
        middle = (low + high) / 2
        if len(_chunks(costs, openings, middle)) > fewest:
            low = middle
        else:
            high = middle
    return _chunks(costs, openings, high)


def _chunks(costs: Sequence[int], openings: Sequence[int], limit: float) -> list[tuple[int, int]]:
    """First measure of each chunk and the one behind its last; one measure at least."""
    firsts, size = [0], openings[0] + costs[0]
    for index in range(1, len(costs)):
        size += costs[index]
        if size > limit:
            firsts.append(index)
            size = openings[index] + costs[index]
    return list(pairwise([*firsts, len(costs)]))


# Reading


def from_rows(rows: Iterable[Mapping[str, str]], name: str = "rows") -> bytes:
    """Rows of one piece, in order, as MusicXML.

    Raises:
        BadFile: a row is damaged, or says what no music says.
    """
    whole: Piece = ()
    states: list[InForce] = []
    for index, row in enumerate(rows):
        try:
            piece = _from_row(row)
            whole = _joined(whole, piece, states)
        except ValueError as error:
            raise BadFile(name, f"row {index + 1}: {error}") from None
    try:
        return restored(whole)
    except ValueError as error:
        raise BadFile(name, str(error)) from None


def _from_row(row: Mapping[str, str]) -> Piece:
    documents: list[Data] = []
    for field in FIELDS:
        if not isinstance(text := row.get(field), str):
            raise ValueError(f"no {field}")
        try:
            documents.append(_one(load(text)))
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from None
    head, *halves = documents
    items = [item for half in halves for item in (half if isinstance(half, list) else [half] if half else [])]
    return from_data(head, items)


def _one(documents: list[Data]) -> Data:
    if len(documents) > 1:
        raise ValueError("several documents")
    return documents[0] if documents else None


def _joined(whole: Piece, piece: Piece, states: list[InForce]) -> Piece:
    """A piece with what follows; `states` holds what is in force at its end."""
    if not whole:
        states += [InForce(part.attributes) for part in piece]
        joined = piece
    else:
        if len(piece) != len(whole):
            raise ValueError(f"{len(piece)} parts after {len(whole)}")
        joined = tuple(map(_appended, whole, piece, states))
    for part, state in zip(piece, states, strict=True):
        for measure in part.measures:
            state.pass_measure(measure)
    return joined


def _appended(whole: PartMusic, part: PartMusic, state: InForce) -> PartMusic:
    """A part with its next measures; attributes that only restate what is in force are left out."""
    added = list(part.measures)
    if added and part.attributes not in ({}, state.attributes):
        first: dict[str, Data] = added[0] if isinstance(added[0], dict) else {}
        own = listed(first["attributes"]) if "attributes" in first else []
        added[0] = {**first, "attributes": [part.attributes, *own]}
    return replace(whole, measures=[*whole.measures, *added])


def read_rows(path: Path | str) -> Iterator[Score]:
    """The pieces in a file of JSON Lines, each row one; rows that are damaged are named in warnings and left out.

    Raises:
        BadFile: the file is missing or cannot be read.
    """
    for number, line in enumerate(_lines(Path(path)), 1):
        try:
            if line.strip():
                yield _scored(line, f"line {number}")
        except BadFile as error:
            _log.warning("%s: %s", path, error)


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, longer ones cut behind `MAX_LINE`."""
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE + 1):
                yield line
                while not line.endswith(b"\n") and len(line) > MAX_LINE:
                    line = file.readline(MAX_LINE + 1)
    except OSError as error:
        raise BadFile(path, (error.strerror or "cannot be read").lower()) from error


def _scored(line: bytes, name: str) -> Score:
    if len(line) > MAX_LINE:
        raise BadFile(name, f"longer than {MAX_LINE} bytes; a row has some 10,000")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadFile(name, f"no JSON: {str(error)[:80]}") from None
    if not isinstance(row, dict):
        raise BadFile(name, "no JSON object")
    return reader.read(from_rows([row], name), name)[0]

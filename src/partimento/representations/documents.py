"""Pieces as tokens in files, to keep, to look at and to exchange.

Three forms, told apart by the ending of the file:

- `.json`: says itself which representation it is, with its options, and where each window begins. Nothing is lost.
- `.txt`: a line of ids for each window, as anticipation keeps its training data.
- `.tokens`: the same with names instead of ids, for the eye.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from partimento.errors import BadFile
from partimento.io import read_bytes
from partimento.plan import Compose
from partimento.representations import Ints, Losses, Repairs, Representation, create
from partimento.representations.grammar import includes
from partimento.score import Score
from partimento.score.joining import join

SUFFIXES = (".json", ".txt", ".tokens")
MAX_TOKENS = 1 << 24
MAX_ID = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Window:
    """Some of a piece as tokens."""

    ids: Ints
    prompt_length: int = 0
    at: int | None = None
    """Where it begins, in grid steps from the start of the piece; None: where the one before ends."""
    opens_midway: bool = False
    ends_midway: bool = False
    dropped: int = 0
    """Tokens of a foreign sequence that had no sense and are gone."""


@dataclass(frozen=True, slots=True)
class Document:
    """A piece as tokens of a representation."""

    representation: Representation[Any]
    windows: tuple[Window, ...]
    title: str = ""
    losses: Losses = ()
    """What of the piece stands in no window."""


def encode_piece(representation: Representation[Any], score: Score, context: int) -> Document:
    """A piece in windows of at most `context` tokens.

    Raises:
        NeedsBeats: the score has no measures, and the representation counts in bars.
    """
    kept = set[int]()
    windows = tuple(_windows(representation, score, context, kept))
    losses = tuple(loss for loss in representation.quantise(score)[1] if loss.note_id not in kept)
    return Document(representation, windows, score.title, losses)


def _windows(representation: Representation[Any], score: Score, context: int, kept: set[int]) -> Iterator[Window]:
    """The windows; ids of the notes that stand in them go to `kept`."""
    sounding = score.sounding()
    onset = dict(zip(sounding.notes["note_id"].tolist(), sounding.notes["onset_tick"].tolist(), strict=True))
    end = 0
    for piece, task in representation.windows(score, Compose(), context):
        at = end
        if len(piece.notes):
            first = piece.notes[0]
            at = max(_step(representation, score, onset[int(first["note_id"])]) - int(first["onset_tick"]), 0)
        end = at + piece.end_tick
        encoded = representation.encode(piece, task)
        kept |= set(piece.notes["note_id"].tolist())
        if len(encoded.ids):
            yield Window(encoded.ids, len(encoded.prompt), at, task.opens_midway, task.ends_midway)


def _step(representation: Representation[Any], score: Score, tick: int) -> int:
    """Nearest grid step, halves upwards."""
    unit, steps = representation.grid
    at = float(score.seconds_at(tick)) if unit == "second" else float(score.quarters(tick))
    return int(np.floor(at * steps + 0.5))


def decode_piece(document: Document) -> Score:
    """The piece, its windows put together; it has the representation's own resolution."""
    pieces, end = list[tuple[int, Score]](), 0
    for window in document.windows:
        task = Compose(opens_midway=window.opens_midway, ends_midway=window.ends_midway)
        score = document.representation.decode(window.ids, task)
        at = end if window.at is None or len(score.measures) else window.at
        pieces.append((at, score))
        end = at + score.end_tick
    whole = join(pieces) if pieces else Score(1, ())
    return replace(whole, title=document.title)


def to_bytes(document: Document, suffix: str) -> bytes:
    """The content of a file with one of `SUFFIXES`."""
    if suffix == ".json":
        return _to_json(document)
    names: Sequence[Any] = document.representation.tokens if suffix == ".tokens" else range(1 << 31)
    lines = [" ".join(str(names[token]) for token in window.ids.tolist()) for window in document.windows]
    return "".join(f"{line}\n" for line in lines).encode()


def _to_json(document: Document) -> bytes:
    rep = document.representation
    windows = [
        {
            "ids": window.ids.tolist(),
            "prompt_length": window.prompt_length,
            "at": window.at,
            "opens_midway": window.opens_midway,
            "ends_midway": window.ends_midway,
        }
        for window in document.windows
    ]
    content = {"representation": {"name": rep.name, **rep.config}, "title": document.title, "windows": windows}
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()


def read_document(path: Path, representation: Representation[Any] | None = None) -> Document:
    """A file that `to_bytes` has written, or ids that another program has.

    Args:
        path: its ending says the form.
        representation: what the tokens are; a `.json` file says so itself.

    Raises:
        BadFile: it is damaged, or nobody says what its tokens are.
        BadRecipe: there is no such representation.
    """
    data = read_bytes(path)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadFile(path, "is no text, and tokens are kept as text") from None
    if path.suffix.lower() == ".json":
        return _from_json(path, text)
    if representation is None:
        raise BadFile(path, "does not say what its tokens are; say it with --as")
    return Document(representation, tuple(_lines(path, text, representation)))


def _lines(path: Path, text: str, representation: Representation[Any]) -> Iterator[Window]:
    ids = {name: token for token, name in enumerate(representation.tokens)} if path.suffix == ".tokens" else None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        try:
            tokens = [int(word) if ids is None else ids[word] for word in words]
        except (ValueError, KeyError) as error:
            word = str(error).rpartition(":")[2].strip(" '")
            raise BadFile(path, f"line {number}: {word!r} is no token of {representation.name}") from None
        if tokens:
            least = -MAX_ID if isinstance(representation, Repairs) else 0  # MIDI-LLM's words lie below its music
            yield _checked(path, Window(_ids(path, tokens, least)), representation)


def _ids(path: Path, tokens: list[int], least: int = 0) -> Ints:
    if len(tokens) > MAX_TOKENS or any(not least <= token <= MAX_ID for token in tokens):
        raise BadFile(path, "holds numbers that are no token ids")
    return np.array(tokens, np.int32)


def _from_json(path: Path, text: str) -> Document:
    try:
        content = json.loads(text)
        stated = dict(content["representation"])
        windows = [
            Window(
                _ids(path, [int(token) for token in window["ids"]]), int(window["prompt_length"]),
                None if window["at"] is None else int(window["at"]),
                bool(window["opens_midway"]), bool(window["ends_midway"]),
            )
            for window in content["windows"]
        ]  # fmt: skip
        title = str(content["title"])
        name = str(stated.pop("name"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadFile(path, f"holds no tokens ({type(error).__name__}: {error})") from None
    representation = create(name, **stated)
    return Document(representation, tuple(_checked(path, window, representation) for window in windows), title)


def _checked(path: Path, window: Window, representation: Representation[Any]) -> Window:
    """The window, if its grammar accepts it, or what can be read of it, if the representation reads foreign tokens.

    Raises:
        BadFile: neither is so; says at which token.
    """
    place = _first_fault(window, representation)
    if place is None:
        return window
    if isinstance(representation, Repairs):
        ids, dropped = representation.repaired(window.ids)
        return replace(window, ids=ids, dropped=dropped)
    token = int(window.ids[place])
    name = representation.tokens[token] if token < len(representation.tokens) else str(token)
    raise BadFile(path, f"token {place + 1} of a window, {name}, cannot stand there in {representation.name}")


def _first_fault(window: Window, representation: Representation[Any]) -> int | None:
    """Place of the first token that the grammar does not accept."""
    state = representation.start(Compose(opens_midway=window.opens_midway, ends_midway=window.ends_midway))
    for place, token in enumerate(window.ids.tolist()):
        if not includes(representation.allowed(state), token):
            return place
        state = representation.step(state, token)
    return None

"""A whole piece as one text: two YAML documents, the attributes and the list of measures."""

from __future__ import annotations

from partimento.errors import BadInput
from partimento.io.yaml.piece import Piece, from_data, instruction, measures
from partimento.io.yaml.restoring import restored
from partimento.io.yaml.text import Style, dump, load

SEPARATOR = "---\n"


def write_piece(piece: Piece, style: Style = "block") -> str:
    """The text of a piece."""
    head = instruction(piece, [part.attributes for part in piece])
    return dump(head, style) + SEPARATOR + dump(measures(piece), style)


def read_piece(text: str) -> Piece:
    """The piece of a text; the attributes may be missing, as in what follows others.

    Raises:
        ValueError: it is no such text; says where.
    """
    documents = load(text)
    if not 1 <= len(documents) <= 2:
        raise ValueError(f"{len(documents)} YAML documents; attributes and measures are two")
    return from_data(documents[0] if len(documents) == 2 else None, documents[-1])


def to_musicxml(text: str) -> bytes:
    """A text as MusicXML.

    Raises:
        BadInput: it is no such text, or says what no music says.
    """
    try:
        return restored(read_piece(text))
    except ValueError as error:
        raise BadInput(f"the YAML text: {error}") from None

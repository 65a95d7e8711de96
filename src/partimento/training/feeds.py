"""What a recipe's model reads: batches by what its family reads (`Family.reads`)."""

from __future__ import annotations

from partimento.data.dataset import DatasetInfo
from partimento.representations import create
from partimento.representations.kinds import TokenKinds, token_kinds


def kinds_of(info: DatasetInfo) -> TokenKinds | None:
    """Kinds of a dataset's tokens; None where they are not those of its representation."""
    tokens = create(**info.representation).tokens
    return token_kinds(tokens) if len(tokens) == info.vocabulary_size else None

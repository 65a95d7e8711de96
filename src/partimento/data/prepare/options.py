"""What `prepare` may be told: what is kept, how it is cut, and the limits within which files are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from partimento.errors import BadInput
from partimento.theory.instrument import find_instrument

MOST_MERGES = 50_000


@dataclass(frozen=True, slots=True)
class Options:
    """How music becomes rows. They are stored with the dataset and are part of what a run is known by."""

    context: int = 1024
    """Most tokens in one row; longer pieces are cut, at barlines where there are any."""
    chunks: Literal["long", "even"] = "long"
    """Rows of a piece as long as they can be, or of nearly equal length."""
    merges: int = 0
    """Pairs of tokens that often stand together in the training split become so many tokens of their own (bpe)."""
    half: bool = False
    """The first half of each row is given as the prompt, the second is to be written."""
    annotate: bool = True
    """Fill in unknown modes from the notes, and give every second piece without chord symbols estimated ones."""
    facts: bool = True
    """Write what is heard in each piece (key, form, texture …) into the table of pieces; captions are made of it."""
    min_notes: int = 16
    """Pieces with fewer notes are left out."""
    max_notes: int | None = None
    """Pieces with more notes are left out."""
    min_seconds: float = 0.0
    """Shorter pieces are left out."""
    max_seconds: float | None = None
    """Longer pieces are left out."""
    min_bars: int = 0
    """Pieces with fewer bars are left out, and with them those without a beat."""
    max_bars: int | None = None
    """Pieces with more bars are left out."""
    min_parts: int = 1
    """Pieces with fewer parts are left out."""
    max_parts: int = 8
    """Pieces with more parts are left out."""
    instruments: list[str] = field(default_factory=list[str])
    """Only pieces whose parts all play one of these instruments are kept; all if none is named."""
    require: list[str] = field(default_factory=list[str])
    """Only pieces in which each of these instruments plays are kept."""
    licences: list[str] = field(default_factory=list[str])
    """Only files under one of these licences are read; all if none is named."""
    lyrics: Literal["keep", "drop"] = "keep"
    """Whether lyrics stay with the music, for representations that can say them."""
    dedup: Literal["off", "exact", "near"] = "exact"
    """Kept once are: nothing, pieces of equal notes in any key, or also those changed in tempo, setting or some notes.
    Unless it is off, such changed ones lie in one split."""
    validation: float = 3.0
    """Percent of the pieces that go to the validation split, where the source has no split of its own."""
    test: float = 3.0
    """Percent of the pieces that go to the test split, where the source has no split of its own."""
    keep: dict[str, float] = field(default_factory=dict[str, float])
    """Share of a source's rows that goes into the training split, spread evenly; 1 where a source is not named."""
    transpose: int = 0
    """When the dataset is read, pieces move by up to so many semitones; 6 gives all twelve keys."""
    tempi: list[float] = field(default_factory=lambda: [1.0])
    """When the dataset is read, pieces are this many times as fast."""
    swap: float = 0.0
    """When the dataset is read, chance that an instrument is exchanged for another of its role."""

    def __post_init__(self) -> None:
        _require(self.context >= 64, f"context is {self.context}; a row has at least 64 tokens")
        _require(0 <= self.merges <= MOST_MERGES, f"merges is {self.merges}; it is from 0 to {MOST_MERGES:,}")
        for name in ("validation", "test"):
            _require(0 <= getattr(self, name) <= 50, f"{name} is {getattr(self, name)}; it is from 0 to 50 percent")
        for source, share in self.keep.items():
            _require(0 <= share <= 1, f"keep {source}: {share} is no share; it is from 0 to 1")
        for name in (*self.instruments, *self.require):
            _require(find_instrument(name) is not None, f"there is no instrument {name!r}; see partimento instruments")
        _require(0 <= self.transpose <= 6, f"transpose is {self.transpose}; it is from 0 to 6 semitones")
        _require(0 <= self.swap <= 1, f"swap is {self.swap}; it is from 0 to 1")
        _require(
            bool(self.tempi) and all(0.25 <= t <= 4 for t in self.tempi),
            f"tempi are {self.tempi}; each is from 0.25 to 4",
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost; a file that passes a limit is left out with its reason."""

    seconds: float = 60.0
    """Longest time that one file may take."""
    megabytes: int = 2048
    """Memory that a worker may take beside what it starts with (Linux)."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise BadInput(message)

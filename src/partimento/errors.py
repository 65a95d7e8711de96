"""Every error that partimento raises on purpose.

PartimentoError
├── BadInput          what was given cannot be used; the command line exits with status 2
│   ├── BadFile       a file: says which, where and what would mend it
│   ├── BadPlan       a wish that is no music (key J major, meter 0/4) or contradicts another
│   └── BadRecipe     a recipe or model folder
├── Cancelled         the work was ended by who asked for it
├── LostProcess       one of several processes that train together is gone
├── NeedsBeats        the music has no meter, and what was asked for needs one
└── InfeasibleTask    no piece can satisfy the constraints together
"""

from __future__ import annotations

from pathlib import Path


class PartimentoError(Exception):
    """Base class; the message is one line that names the thing, the place and the mend."""


class BadInput(PartimentoError):
    """What the user gave cannot be used."""


class BadFile(BadInput):
    """A file cannot be read or written."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class BadPlan(BadInput):
    """A musical wish cannot be understood or met."""


class BadRecipe(BadInput):
    """A recipe or model folder is damaged or incomplete."""


class Cancelled(PartimentoError):
    """The work was ended by who asked for it; nothing of it is left."""


class LostProcess(PartimentoError):
    """One of several processes that train together is gone; none can go on without it."""


class NeedsBeats(PartimentoError):
    """The score has no meter; estimate beats first."""


class InfeasibleTask(BadInput):
    """The constraints of a task exclude each other."""

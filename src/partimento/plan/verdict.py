"""What became of a wish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """One wish and what became of it."""

    wish: str
    asked: str
    measured: str
    followed: bool | None
    """None where notes cannot tell."""
    field: str = ""
    """Field of `Plan`; empty for what every piece has to hold."""
    confidence: float | None = None
    """How sure the measure is, 0 to 1, where it is an estimate."""
    item: int | None = None
    """Which of the field's items, where it has several and they are judged one by one."""

    def __str__(self) -> str:
        sign = {True: "yes", False: "no", None: "not judged"}[self.followed]
        return f"{self.wish}: {self.asked}; {self.found} ({sign})"

    @property
    def found(self) -> str:
        """What was measured, and how surely."""
        return self.measured if self.confidence is None else f"{self.measured} (confidence {self.confidence:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = {"wish": self.wish, "asked": self.asked, "measured": self.measured, "followed": self.followed}
        sure = {} if self.confidence is None else {"confidence": round(self.confidence, 3)}
        return told | sure

"""`%%score` and `%%staves`: which voices make a part, a staff, a bracket."""

from __future__ import annotations

import re

MAX_GROUPS = 100


class Staves:
    """What a `%%score` or `%%staves` line says.

    Voices inside braces are the staves of one player; all others play alone, whatever staff they share.
    """

    def __init__(self) -> None:
        self.parts: list[list[list[str]]] = []
        """Of each part the staves, of each of them the voices."""
        self.groups: list[tuple[int, int, bool]] = []
        """Of each bracket its first and last part, and whether barlines go through."""
        self.shared: set[str] = set()
        """Voices that stand on the staff of the part before."""

    @classmethod
    def parse(cls, text: str) -> Staves:
        """Read `1 2`, `[(S A) | (T B)]`, `{RH | LH}`; in `%%staves` a `|` says that barlines do not go through."""
        name, _, rest = text.partition(" ")
        reader = _StavesReader(cls())
        for token in re.findall(r"[{}()\[\]|]|[^\s{}()\[\]|*+]+", rest):
            reader.take(token)
        return reader.close(is_inverse=name == "staves")


class _StavesReader:
    def __init__(self, staves: Staves) -> None:
        self._staves = staves
        self._brace: list[list[str]] | None = None
        self._shared: list[str] | None = None
        self._open: list[int] = []
        self._through: set[int] = set()

    def take(self, token: str) -> None:
        parts = self._staves.parts
        match token:
            case "{":
                self._brace = []
            case "}" if self._brace is not None:
                parts.append([staff for staff in self._brace if staff])
                self._brace = None
            case "(":
                self._shared = []
            case ")":
                self._shared = None
            case "[":
                self._open.append(len(parts))
            case "]" if self._open:
                self._close_group(self._open.pop())
            case "|" if self._brace is None:
                self._through.add(len(parts))
            case "}" | "]" | "|":
                pass
            case name:
                self._voice(name)

    def _voice(self, name: str) -> None:
        if self._brace is None:
            self._staves.parts.append([[name]])
            if self._shared:
                self._staves.shared.add(name)
        elif self._shared and self._brace:
            self._brace[-1].append(name)
        else:
            self._brace.append([name])
        if self._shared is not None:
            self._shared.append(name)

    def _close_group(self, first: int) -> None:
        if len(self._staves.parts) > first and len(self._staves.groups) < MAX_GROUPS:
            self._staves.groups.append((first, len(self._staves.parts) - 1, True))

    def close(self, *, is_inverse: bool) -> Staves:
        """What has been read."""
        if self._brace:
            self.take("}")
        self._staves.groups = [
            (first, last, all((gap in self._through) != is_inverse for gap in range(first + 1, last + 1)))
            for first, last, _ in self._staves.groups
        ]
        return self._staves

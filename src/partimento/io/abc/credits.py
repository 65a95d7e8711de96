"""`C:` lines: who wrote words and music, and whose the rights are."""

from __future__ import annotations

import re

LABELS = {"words": "Words: ", "music": "", "arranger": "Arranger: ", "copyright": "copyright: "}
"""Whom a line names ▶ what stands before the name."""
_LABEL = re.compile(r"(words|music|arranger|copyright)\s*:\s*(.*)", re.IGNORECASE)


def read_credits(lines: list[str]) -> tuple[str, str, str, str]:
    """Words, music, arranger and rights; `C:` lines of hymns say which with a label, others name the composer."""
    found: dict[str, list[str]] = {label: [] for label in LABELS}
    for line in lines:
        match = _LABEL.match(line)
        label, text = (match[1].lower(), match[2].strip()) if match else ("music", line)
        found[label] += [text] if text else []
    return tuple("; ".join(found[label]) for label in ("words", "music", "arranger", "copyright"))  # type: ignore[return-value]


def credit_line(label: str, text: str) -> str:
    """What follows `C:`."""
    usual = LABELS[label]
    return (usual or ("Music: " if _LABEL.match(text) else "")) + text

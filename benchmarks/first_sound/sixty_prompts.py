"""The wishes of `prompts.yaml`: what is typed, and what the music then has to be, stated by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DRUMS = 128


@dataclass(frozen=True)
class Prompt:
    """A sentence, perhaps with chords, and what it asks for; None where it leaves the choice."""

    text: str
    key: str | None = None
    """Tonic and mode, such as `Bb major`."""
    meter: str | None = None
    tempo_bpm: tuple[float, float] | None = None
    """Least and most quarters per minute; equal where a figure is asked for."""
    instruments: tuple[int, ...] | None = None
    """General MIDI programs, 128 for drums."""
    bars: int | None = None
    chords: str = ""
    """For `--chords`: one to a bar, repeated to the end."""


def load_prompts() -> list[Prompt]:
    content = yaml.safe_load(Path(__file__).with_name("prompts.yaml").read_text("utf-8"))
    programs, customary_bpm = content["programs"], content["customary_bpm"]
    prompts = list[Prompt]()
    for row in content["prompts"]:
        asks: dict[str, Any] = dict(row["asks"])
        tempo = asks.pop("tempo", None)
        bpm = tuple(customary_bpm[tempo]) if tempo in customary_bpm else (tempo, tempo)
        instruments = tuple(programs[name] for name in asks.pop("instruments", ())) or None
        stated: dict[str, Any] = {
            "tempo_bpm": bpm if tempo else None,
            "instruments": instruments,
            "chords": row.get("chords", ""),
        }
        prompts.append(Prompt(row["text"], **asks, **stated))
    return prompts


PROMPTS = load_prompts()

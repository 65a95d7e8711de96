"""`%%MIDI` directives: instruments, channels, volume, pan, transposition (abc2midi's, as other programs read them)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from partimento.io.abc.voice import Voice

DRUM_CHANNEL = 10
VOLUME, PAN = 7, 10


@dataclass
class Midi:
    """What directives say of voices; the name is empty where they say it of all."""

    programs: dict[str, int] = field(default_factory=dict[str, int])
    channels: dict[str, int] = field(default_factory=dict[str, int])
    channel_programs: dict[int, int] = field(default_factory=dict[int, int])
    controls: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    def take(self, words: list[str], name: str, voice: Callable[[], Voice]) -> None:
        """Read the words behind `%%MIDI`.

        Args:
            words: such as `program`, `40`.
            name: the voice of which it is said.
            voice: gives that voice.
        """
        numbers = [int(word) for word in words[1:3] if re.fullmatch(r"-?\d{1,3}", word)]
        if not words or not numbers:
            return
        match words[0], numbers:
            case "program", [program] if name and voice().has_begun:
                voice().here("program", min(max(program, 0), 127))
            case "program", [program]:
                self.programs[name] = program
            case "program", [channel, program]:
                self.channel_programs[channel] = program
            case "channel", [channel, *_] if 1 <= channel <= 16:
                self.channels[name] = channel
            case "transpose", [semitones, *_] if abs(semitones) <= 60:
                voice().set_transposition(semitones)
            case "control", [number, value] if 0 <= value <= 127:
                self.controls[name, number] = value
            case _:
                pass

    def channel_of(self, name: str) -> int | None:
        """The channel that is stated for a voice."""
        return self.channels.get(name, self.channels.get(""))

    def program_of(self, name: str, number: int) -> int | None:
        """The program of a voice, whose number counts from 1 in the order of the tune."""
        channel = self.channel_of(name) or (number if number < DRUM_CHANNEL else number + 1)
        program = self.programs.get(name, self.programs.get("", self.channel_programs.get(channel)))
        return None if program is None else program if 0 <= program <= 127 else 0

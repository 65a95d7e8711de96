"""The two synthesisers behind one interface: FluidSynth (system library) and tinysoundfont (nothing beside itself)."""

from __future__ import annotations

import ctypes
import importlib
import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadFile, BadInput, PartimentoError
from partimento.rendering.performance import Event
from partimento.score import Score

SYNTHS = ("fluidsynth", "tinysoundfont")
Samples = NDArray[np.float32]

_BLOCK = 64  # frames: events fall on multiples, 1.5 ms at 44.1 kHz


class Synth(Protocol):
    """Plays events on channels that are the parts of a score."""

    has_reverb: bool
    """Whether what it fills in has the sound of a room already."""
    is_parallel: bool
    """Whether several at a time are faster: while it fills, Python may go on."""

    def play(self, event: Event) -> None:
        """Do what an event says."""
        ...

    def fill(self, samples: Samples) -> None:
        """Sound on for as many frames as there are in `samples`, shape (frames, 2)."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


def installed_synths() -> tuple[str, ...]:
    """Those of `SYNTHS` that can play on this machine."""
    return tuple(name for name in SYNTHS if _module(name) is not None)


def synth_class(name: str | None) -> type[FluidSynth] | type[TinySoundFont]:
    """The synthesiser of a name, the first that is installed for None.

    Raises:
        BadInput: there is none of this name.
        PartimentoError: it is not installed.
    """
    if name is not None and name not in SYNTHS:
        raise BadInput(f"{name!r} is no synthesiser; choose {' or '.join(SYNTHS)}")
    usable = [n for n in installed_synths() if name in (None, n)]
    if not usable:
        raise PartimentoError(
            f"{name or 'no synthesiser'} is {'not ' if name else ''}installed; "
            "install FluidSynth on your system, or run: pip install --no-deps tinysoundfont==0.3.7"
        )
    return FluidSynth if usable[0] == "fluidsynth" else TinySoundFont


def default_soundfont() -> Path:
    """The soundfont inside pretty_midi's wheel.

    Raises:
        PartimentoError: pretty_midi is not installed.
    """
    package = find_spec("pretty_midi")  # found without importing it, which takes a second
    if package is None or package.origin is None:
        raise PartimentoError("pretty_midi, whose soundfont is played, is not installed; run: pip install pretty_midi")
    return Path(package.origin).parent / "TimGM6mb.sf2"


@cache
def _module(name: str) -> Any:
    """The synthesiser's module, None where it (or the system library it binds) is missing."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):
        return None


class Player:
    """A synthesiser and the events that it has still to play."""

    def __init__(self, synth: Synth, events: list[Event], sample_rate: int) -> None:
        self.synth = synth
        self._events = events
        self._rate = sample_rate
        self._next = self._frame = 0

    def fill(self, samples: Samples) -> None:
        """Play on for as many frames as there are in `samples`, shape (frames, 2)."""
        begin, end = self._frame, self._frame + len(samples)
        while self._next < len(self._events):
            event = self._events[self._next]
            frame = int(event.second * self._rate) // _BLOCK * _BLOCK
            if frame >= end:
                break
            self._sound(samples, begin, frame)
            self.synth.play(event)
            self._next += 1
        self._sound(samples, begin, end)

    def _sound(self, samples: Samples, begin: int, until: int) -> None:
        if until > self._frame:
            self.synth.fill(samples[self._frame - begin : until - begin])
            self._frame = until


class TinySoundFont:
    """tinysoundfont, driven event by event: its own sequencer is six times slower."""

    has_reverb = False
    is_parallel = False

    def __init__(self, score: Score, sample_rate: int, soundfont: Path) -> None:
        self._score = score
        self._synth = _module("tinysoundfont").Synth(samplerate=sample_rate)
        try:
            self._id = self._synth.sfload(str(soundfont))
        except (RuntimeError, OSError):
            raise BadFile(soundfont, "is no soundfont that can be read; give an SF2 file") from None
        self._font = self._synth.soundfonts[self._id]
        for channel, part in enumerate(score.parts):
            self._select(channel, part.program)

    def _select(self, channel: int, program: int) -> None:
        is_drums = self._score.parts[channel].is_drums
        try:
            self._synth.program_select(channel, self._id, 0, program, is_drums)
        except RuntimeError:  # a small font without this instrument
            self._synth.program_select(channel, self._id, 0, 0, is_drums)

    def play(self, event: Event) -> None:
        """Do what an event says."""
        if event.kind == "on":
            # It makes amplitude proportional to velocity; the SF2 standard says to its square (8.4.1).
            self._font.channel_note_on(event.channel, event.number, (event.value / 127) ** 2)
        elif event.kind == "off":
            self._synth.noteoff(event.channel, event.number)
        elif event.kind == "bend":
            self._synth.pitchbend(event.channel, event.value + 8192)
        elif event.kind == "program":
            self._select(event.channel, event.number)
        else:
            self._synth.control_change(event.channel, event.number, event.value)

    def fill(self, samples: Samples) -> None:
        """Sound on for the frames of `samples`."""
        if len(samples):
            self._synth.generate_simple(len(samples), buffer=samples.data.cast("B"))

    def close(self) -> None:
        """Give back the soundfont."""
        self._synth.soundfonts.clear()


class FluidSynth:
    """FluidSynth, asked for floats: pyfluidsynth's own `get_samples` clips to 16 bits."""

    has_reverb = True
    is_parallel = True

    def __init__(self, score: Score, sample_rate: int, soundfont: Path) -> None:
        module = _module("fluidsynth")
        channels = max(16, math.ceil(len(score.parts) / 16) * 16)
        self._score = score
        self._synth = module.Synth(samplerate=sample_rate, channels=channels, **{"synth.chorus.active": 0})
        self._write = module._fl.fluid_synth_write_float
        self._write.argtypes = [ctypes.c_void_p, ctypes.c_int] + 2 * [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        self._id = self._synth.sfload(str(soundfont)) if soundfont.is_file() else -1
        if self._id < 0:
            self.close()
            raise BadFile(soundfont, "is no soundfont that can be read; give an SF2 or SF3 file")
        for channel, part in enumerate(score.parts):
            self._select(channel, part.program)

    def _select(self, channel: int, program: int) -> None:
        bank = 128 if self._score.parts[channel].is_drums else 0
        if self._synth.program_select(channel, self._id, bank, program):
            self._synth.program_select(channel, self._id, bank, 0)

    def play(self, event: Event) -> None:
        """Do what an event says."""
        if event.kind == "on":
            self._synth.noteon(event.channel, event.number, event.value)
        elif event.kind == "off":
            self._synth.noteoff(event.channel, event.number)
        elif event.kind == "bend":
            self._synth.pitch_bend(event.channel, event.value)
        elif event.kind == "program":
            self._select(event.channel, event.number)
        else:
            self._synth.cc(event.channel, event.number, event.value)

    def fill(self, samples: Samples) -> None:
        """Sound on for the frames of `samples`."""
        address = samples.ctypes.data
        self._write(self._synth.synth, len(samples), address, 0, 2, address, 1, 2)

    def close(self) -> None:
        """Give back the library's memory."""
        self._synth.delete()

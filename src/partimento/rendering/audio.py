"""Sound: Score ▶ samples ▶ WAV, FLAC, OGG or MP3.

One interface over two synthesisers: FluidSynth where its library is installed (it has reverb), else
tinysoundfont, which needs nothing beside itself. The soundfont is the one inside pretty_midi's wheel unless
another is given.
"""

from __future__ import annotations

import ctypes
import importlib
import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from partimento.errors import BadFile, BadInput, PartimentoError
from partimento.rendering.performance import Event, perform
from partimento.score import Score

SYNTHS = ("fluidsynth", "tinysoundfont")
LONGEST_SECOND = 3600.0
TAIL_SECOND = 2.0
PEAK = 10 ** (-1 / 20)  # −1 dBFS
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}

_BLOCK = 64  # frames: events fall on multiples, 1.5 ms at 44.1 kHz
_MOST_PARTS = 256
_WRITE_FRAMES = 1_000_000  # libsndfile's Vorbis encoder crashes on one long write


class _Synth(Protocol):
    def play(self, event: Event) -> None: ...

    def fill(self, samples: NDArray[np.float32]) -> None: ...

    def close(self) -> None: ...


def render(
    score: Score, sample_rate: int = 44100, soundfont: Path | None = None, synth: str | None = None
) -> NDArray[np.float32]:
    """Play a score; repeats are not unfolded.

    Args:
        score: what to play.
        sample_rate: frames per second.
        soundfont: an SF2 (FluidSynth: also SF3) file; None takes TimGM6mb.
        synth: one of `SYNTHS`; None takes the first that is installed.

    Returns:
        Samples of shape (frames, 2), their peak at −1 dBFS, with two seconds for the last notes to fade.

    Raises:
        BadInput: the piece is longer than an hour or has more than 256 parts.
        BadFile: the soundfont cannot be read.
        PartimentoError: no synthesiser is installed.
    """
    events = perform(score)
    end_second = max(float(score.seconds_at(score.end_tick)), events[-1].second if events else 0.0)
    if not end_second <= LONGEST_SECOND:
        raise BadInput(
            f"this piece lasts {end_second / 60:,.0f} minutes; at most {LONGEST_SECOND / 60:.0f} are rendered"
        )
    if len(score.parts) > _MOST_PARTS:
        raise BadInput(f"this piece has {len(score.parts)} parts; at most {_MOST_PARTS} are rendered")
    samples = np.zeros((math.ceil((end_second + TAIL_SECOND) * sample_rate), 2), np.float32)
    if not len(score.notes):
        return samples
    backend = _synth(synth)(score, sample_rate, soundfont or _default_soundfont())
    try:
        _mix(backend, events, samples, sample_rate)
    finally:
        backend.close()
    return _normalised(samples)


def save_audio(samples: NDArray[np.float32], path: Path, sample_rate: int = 44100) -> None:
    """Write samples of shape (frames, channels) as the suffix says: .wav, .flac, .ogg or .mp3.

    Equal samples give equal bytes, but for OGG, whose streams bear a random number.

    Raises:
        BadFile: the suffix is another, or the file cannot be written; nothing is left behind.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise BadFile(path, f"sound is written as {', '.join(FORMATS)}; end the name in one of these")
    container, subtype = FORMATS[path.suffix.lower()]
    beside = path.with_name(f".{path.name}.part")
    try:
        with soundfile.SoundFile(beside, "w", sample_rate, samples.shape[1], subtype, format=container) as file:
            for start in range(0, len(samples), _WRITE_FRAMES):
                file.write(samples[start : start + _WRITE_FRAMES])
        beside.replace(path)
    except (soundfile.LibsndfileError, OSError) as error:
        beside.unlink(missing_ok=True)
        raise BadFile(path, f"cannot be written ({error})") from None


def installed_synths() -> tuple[str, ...]:
    """Those of `SYNTHS` that can play on this machine."""
    return tuple(name for name in SYNTHS if _module(name) is not None)


def _synth(name: str | None) -> type[_FluidSynth] | type[_TinySoundFont]:
    if name is not None and name not in SYNTHS:
        raise BadInput(f"{name!r} is no synthesiser; choose {' or '.join(SYNTHS)}")
    usable = [n for n in installed_synths() if name in (None, n)]
    if not usable:
        raise PartimentoError(
            f"{name or 'no synthesiser'} is {'not ' if name else ''}installed; "
            "install FluidSynth on your system, or run: pip install --no-deps tinysoundfont==0.3.7"
        )
    return _FluidSynth if usable[0] == "fluidsynth" else _TinySoundFont


@cache
def _module(name: str) -> Any:
    """The synthesiser's module, None where it (or the system library it binds) is missing."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):
        return None


def _default_soundfont() -> Path:
    package = find_spec("pretty_midi")  # found without importing it, which takes a second
    if package is None or package.origin is None:
        raise PartimentoError("pretty_midi, whose soundfont is played, is not installed; run: pip install pretty_midi")
    return Path(package.origin).parent / "TimGM6mb.sf2"


def _mix(synth: _Synth, events: list[Event], samples: NDArray[np.float32], sample_rate: int) -> None:
    done = 0
    for event in events:
        frame = int(event.second * sample_rate) // _BLOCK * _BLOCK
        if frame > done:
            synth.fill(samples[done:frame])
            done = frame
        synth.play(event)
    synth.fill(samples[done:])


def _normalised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
    if peak > 0:
        samples *= np.float32(PEAK / peak)
    return samples


class _TinySoundFont:
    """tinysoundfont, driven event by event: its own sequencer is six times slower."""

    def __init__(self, score: Score, sample_rate: int, soundfont: Path) -> None:
        self._synth = _module("tinysoundfont").Synth(samplerate=sample_rate)
        try:
            font = self._synth.sfload(str(soundfont))
        except (RuntimeError, OSError):
            raise BadFile(soundfont, "is no soundfont that can be read; give an SF2 file") from None
        self._font = self._synth.soundfonts[font]
        for channel, part in enumerate(score.parts):
            try:
                self._synth.program_select(channel, font, 0, part.program, part.is_drums)
            except RuntimeError:  # a small font without this instrument
                self._synth.program_select(channel, font, 0, 0, part.is_drums)

    def play(self, event: Event) -> None:
        if event.kind == "on":
            # It makes amplitude proportional to velocity; the SF2 standard says to its square (8.4.1).
            self._font.channel_note_on(event.channel, event.number, (event.value / 127) ** 2)
        elif event.kind == "off":
            self._synth.noteoff(event.channel, event.number)
        elif event.kind == "bend":
            self._synth.pitchbend(event.channel, event.value + 8192)
        else:
            self._synth.control_change(event.channel, event.number, event.value)

    def fill(self, samples: NDArray[np.float32]) -> None:
        if len(samples):
            self._synth.generate_simple(len(samples), buffer=samples.data.cast("B"))

    def close(self) -> None:
        self._synth.soundfonts.clear()


class _FluidSynth:
    """FluidSynth, asked for floats: pyfluidsynth's own `get_samples` clips to 16 bits."""

    def __init__(self, score: Score, sample_rate: int, soundfont: Path) -> None:
        module = _module("fluidsynth")
        channels = max(16, math.ceil(len(score.parts) / 16) * 16)
        self._synth = module.Synth(samplerate=sample_rate, channels=channels, **{"synth.chorus.active": 0})
        self._write = module._fl.fluid_synth_write_float
        self._write.argtypes = [ctypes.c_void_p, ctypes.c_int] + 2 * [
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_int,
        ]
        font = self._synth.sfload(str(soundfont)) if soundfont.is_file() else -1
        if font < 0:
            self.close()
            raise BadFile(soundfont, "is no soundfont that can be read; give an SF2 or SF3 file")
        for channel, part in enumerate(score.parts):
            bank = 128 if part.is_drums else 0
            if self._synth.program_select(channel, font, bank, part.program):
                self._synth.program_select(channel, font, bank, 0)

    def play(self, event: Event) -> None:
        if event.kind == "on":
            self._synth.noteon(event.channel, event.number, event.value)
        elif event.kind == "off":
            self._synth.noteoff(event.channel, event.number)
        elif event.kind == "bend":
            self._synth.pitch_bend(event.channel, event.value)
        else:
            self._synth.cc(event.channel, event.number, event.value)

    def fill(self, samples: NDArray[np.float32]) -> None:
        address = samples.ctypes.data
        self._write(self._synth.synth, len(samples), address, 0, 2, address, 1, 2)

    def close(self) -> None:
        self._synth.delete()

"""Sound through the loudspeakers, by a program of the machine that plays WAV files."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from partimento.errors import BadInput, PartimentoError
from partimento.rendering.audio import save_audio
from partimento.rendering.synths import Samples

PLAYERS = (
    ("afplay",),
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
"""Programs that play a WAV file: macOS, PipeWire, PulseAudio, ALSA, FFmpeg."""


def player() -> tuple[str, ...]:
    """The command that plays a WAV file on this machine.

    Raises:
        BadInput: there is none.
    """
    found = next((command for command in PLAYERS if shutil.which(command[0])), None)
    if found is None:
        names = ", ".join(command[0] for command in PLAYERS)
        raise BadInput(f"nothing here plays sound ({names} are looked for); write a file instead (--out piece.wav)")
    return found


def play(samples: Samples) -> None:
    """Play samples, of shape (frames, channels), to their end.

    Raises:
        BadInput: nothing on this machine plays sound.
        PartimentoError: there is no device to play on.
    """
    command = player()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "piece.wav"
        save_audio(samples, file)
        if subprocess.run([*command, str(file)], check=False, stderr=subprocess.DEVNULL).returncode:
            raise PartimentoError(f"{command[0]} found no device to play on; write a file instead (--out piece.wav)")

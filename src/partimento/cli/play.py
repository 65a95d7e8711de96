"""`partimento play`: a file as sound, into a file or aloud."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from partimento.cli.console import console
from partimento.cli.files import Tune, load_tune
from partimento.errors import BadFile, BadInput
from partimento.io import make_folder
from partimento.score import DEFAULT_TEMPO_BPM, Score

_SLOWEST, _FASTEST = 0.05, 20.0


def play(
    source: Path,
    /,
    *,
    out: Path | None = None,
    tune: Tune = 1,
    soundfont: Path | None = None,
    synth: Literal["fluidsynth", "tinysoundfont"] | None = None,
    tempo: str | None = None,
    swing: bool | None = None,
    as_written: bool = False,
    max_minutes: float = 60.0,
) -> None:
    """Play a file aloud, or into a sound file.

    Repeats, ornaments, dynamics, fermatas and pedal signs are carried out as a player would.

    **Examples**

    - `partimento play jig.musicxml --out jig.wav`
    - `partimento play blues.abc --out blues.ogg --swing --tempo 110`
    - `partimento play sonata.mxl --out slow.mp3 --tempo 60% --soundfont FluidR3_GM.sf2`

    Args:
        source: MIDI, MusicXML or ABC file.
        out: Sound file, .wav .flac .ogg or .mp3; without it the piece is played aloud.
        tune: Which tune of a file that holds several.
        soundfont: SF2 file to play with instead of the one that comes along.
        synth: Synthesiser to play with; FluidSynth where it is installed, by default.
        tempo: Quarter notes per minute at the beginning, such as 96, or a share of the tempo, such as 80%.
        swing: Swing the eighths, or none of them; by default as the score says.
        as_written: Leave out repeats, ornaments and tempo words.
        max_minutes: Refuse what is longer.
    """
    from partimento.rendering import aloud, audio
    from partimento.rendering.performance import performed

    if out is not None and out.suffix.lower() not in audio.FORMATS:
        raise BadFile(out, f"sound is written as {', '.join(audio.FORMATS)}; end the name in one of these")
    if out is None:
        aloud.player()  # says at once where there is none
    score = _at_tempo(performed(load_tune(source, tune), swing=swing, as_written=as_written), tempo)
    with _progress() as progress:
        task = progress.add_task("playing", total=1.0)
        samples = audio.render(
            score,
            audio.RATE,
            soundfont,
            synth,
            longest_minute=max_minutes,
            progress=lambda share: progress.update(task, completed=share),
        )
    if out is None:
        return aloud.play(samples)
    make_folder(out.parent)
    audio.save_audio(samples, out)
    console().print(f"{out}: {len(samples) / audio.RATE:.0f} s of sound", markup=False, soft_wrap=True)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console(), transient=True)


def _at_tempo(score: Score, tempo: str | None) -> Score:
    """The score at a tempo such as `96` or `80%`.

    Raises:
        BadInput: this is no tempo.
    """
    from partimento.rendering.audio import at_speed

    if tempo is None:
        return score
    try:
        number = float(tempo.strip().removesuffix("%"))
    except ValueError:
        number = 0.0
    first = float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else DEFAULT_TEMPO_BPM
    factor = number / 100 if tempo.strip().endswith("%") else number / first
    if not _SLOWEST <= factor <= _FASTEST:
        raise BadInput(f"--tempo {tempo}: say quarter notes per minute, such as 96, or a share, such as 80%")
    return at_speed(score, factor)

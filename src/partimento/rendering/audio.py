"""Sound: Score ▶ samples ▶ WAV, FLAC, OGG or MP3.

One interface over two synthesisers: FluidSynth where its library is installed, else tinysoundfont, to whose dry
sound a room is added. The soundfont is the one inside pretty_midi's wheel unless another is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from partimento.errors import BadFile, BadInput
from partimento.rendering.loudness import Reverb, normalise
from partimento.rendering.performance import Event, perform, performed
from partimento.rendering.synths import (
    SYNTHS,
    Player,
    Samples,
    Synth,
    default_soundfont,
    installed_synths,
    synth_class,
)
from partimento.score import DEFAULT_TEMPO_BPM, TEMPO, Score

__all__ = ["FORMATS", "SYNTHS", "at_speed", "installed_synths", "render", "save_audio"]

LONGEST_MINUTE = 60.0
RATE = 44100
"""Frames per second."""
TAIL_SECOND = 2.0
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}

_MOST_PARTS = 256
_PIECE_FRAMES = 200_000  # what is rendered in one go, 4.5 s; what the reverb convolves at once
_NOTES_FOR_TWO = 1500
_WRITE_FRAMES = 1_000_000  # libsndfile's Vorbis encoder crashes on one long write

Progress = Callable[[float], None]


def render(
    score: Score,
    sample_rate: int = RATE,
    soundfont: Path | None = None,
    synth: str | None = None,
    *,
    longest_minute: float = LONGEST_MINUTE,
    progress: Progress | None = None,
) -> Samples:
    """Play a score as `partimento.rendering.performance.performed` has it.

    Args:
        score: what to play.
        sample_rate: frames per second.
        soundfont: an SF2 (FluidSynth: also SF3) file; None takes TimGM6mb.
        synth: one of `SYNTHS`; None takes the first that is installed.
        longest_minute: what lasts longer is refused.
        progress: told the share that is done, 0 to 1, every few seconds of sound.

    Returns:
        Samples of shape (frames, 2) at −18 dBFS RMS, no peak above −1 dBFS, with two seconds for the last notes to
        fade. The same score gives the same samples on one machine.

    Raises:
        BadInput: the piece is longer than `longest_minute` or has more than 256 parts.
        BadFile: the soundfont cannot be read.
        PartimentoError: no synthesiser is installed.
    """
    score = performed(score)
    events = perform(score)
    end_second = max(float(score.seconds_at(score.end_tick)), events[-1].second if events else 0.0)
    _check(score, end_second, longest_minute)
    samples = np.zeros((math.ceil((end_second + TAIL_SECOND) * sample_rate), 2), np.float32)
    if not len(score.notes):
        return samples
    with ExitStack() as stack:
        players = _players(score, events, sample_rate, soundfont or default_soundfont(), synth, stack)
        _mix(players, samples, None if players[0].synth.has_reverb else Reverb(sample_rate), progress)
    normalise(samples, sample_rate)
    return samples


def at_speed(score: Score, factor: float) -> Score:
    """The score played `factor` times as fast."""
    tempos = score.tempos.copy()
    if not len(tempos) or tempos["onset_tick"][0] > 0:
        tempos = np.concatenate([np.array([(0, DEFAULT_TEMPO_BPM)], TEMPO), tempos])
    tempos["tempo_bpm"] *= factor
    return replace(score, tempos=tempos)


def save_audio(samples: Samples, path: Path, sample_rate: int = RATE) -> None:
    """Write samples of shape (frames, channels) as the suffix says: .wav, .flac, .ogg or .mp3.

    Equal samples give equal bytes, but for OGG: its streams bear a random number that libsndfile lets nobody set.

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
        raise BadFile(path, f"cannot be written ({error})") from None
    finally:
        beside.unlink(missing_ok=True)


def _check(score: Score, end_second: float, longest_minute: float) -> None:
    if not end_second <= 60 * longest_minute:
        raise BadInput(
            f"this piece lasts {end_second / 60:,.0f} minutes; at most {longest_minute:g} are rendered "
            "unless --max-minutes says more"
        )
    if len(score.parts) > _MOST_PARTS:
        raise BadInput(f"this piece has {len(score.parts)} parts; at most {_MOST_PARTS} are rendered")


def _players(
    score: Score, events: list[Event], sample_rate: int, soundfont: Path, name: str | None, stack: ExitStack
) -> list[Player]:
    """One synthesiser, or two that share the notes of a long piece where that is faster."""
    make = synth_class(name)
    hands = 2 if make.is_parallel and len(score.notes) >= _NOTES_FOR_TWO else 1
    players: list[Player] = []
    for hand in range(hands):
        synth: Synth = make(score, sample_rate, soundfont)
        stack.callback(synth.close)
        own = [event for event in events if hands == 1 or _hand(score, event) in (hand, None)]
        players.append(Player(synth, own, sample_rate))
    return players


def _hand(score: Score, event: Event) -> int | None:
    """Which of two synthesisers plays a note; drums stay together, since some silence others; None for both."""
    if event.kind not in ("on", "off"):
        return None
    return (event.channel if score.parts[event.channel].is_drums else event.number) % 2


def _mix(players: list[Player], samples: Samples, reverb: Reverb | None, progress: Progress | None) -> None:
    with ThreadPoolExecutor(len(players)) as pool:
        for start in range(0, len(samples), _PIECE_FRAMES):
            piece = samples[start : start + _PIECE_FRAMES]
            pieces = [piece, *(np.zeros_like(piece) for _ in players[1:])]
            for _ in pool.map(Player.fill, players, pieces):
                pass
            for other in pieces[1:]:
                piece += other
            if reverb is not None:
                reverb.add_to(piece)
            if progress is not None:
                progress(min((start + len(piece)) / len(samples), 1.0))

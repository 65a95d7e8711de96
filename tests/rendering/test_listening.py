"""Listening by measuring: what is in the rendered sound is what the score says, when it says so."""

from typing import Any

import numpy as np
import pytest

from partimento.rendering import audio
from partimento.rendering.performance import performed
from partimento.score import METER, TEMPO, Direction, Mark, Part, Score, measures_from_meters, notes_array

RATE = 22050
HOP = 64
PIANO, ORGAN, SQUARE = 0, 19, 80
synths = pytest.mark.parametrize(
    "synth",
    [
        pytest.param(n, marks=pytest.mark.skipif(n not in audio.installed_synths(), reason=f"{n} is not installed"))
        for n in audio.SYNTHS
    ],
)


def score(*rows, program=PIANO, **fields: Any):
    meters = np.array([(0, 4, 4)], METER)
    stated: dict[str, Any] = {"tempos": np.array([(0, 100)], TEMPO), **fields}
    measures = measures_from_meters(meters, 480, 1920 * 4)
    return Score(480, (Part(program=program, pan=64),), notes_array(list(rows)), measures, meters, **stated)


def note(onset_tick=0, duration_tick=480, pitch=60, **more):
    return {"onset_tick": onset_tick, "duration_tick": duration_tick, "pitch": pitch, "voice": 1, **more}


def onsets_second(samples):
    """Times at which energy over 6 ms rises threefold within 12 ms; a simple energy onset detector."""
    power = (samples[: len(samples) // HOP * HOP].astype(float) ** 2).reshape(-1, 2 * HOP).mean(1)
    smooth = np.convolve(power, np.full(2, 0.5), "same")
    rises = np.flatnonzero(smooth[4:] > 3 * smooth[:-4] + 1e-7) + 4
    starts = rises[np.diff(rises, prepend=-100) > 20]
    return starts * HOP / RATE


def loudness(samples, start, stop):
    return float(np.sqrt((samples[int(start * RATE) : int(stop * RATE)] ** 2).mean()))


def energy_at(samples, pitch):
    """Energy near the fundamental of a MIDI pitch in frames of 46 ms, one every 12 ms."""
    mono, size = samples.sum(1), 1024
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[:: size // 4] * np.hanning(size)
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    wave = np.exp(-2j * np.pi * hertz * np.arange(size) / RATE)
    return np.abs(frames @ wave)


@synths
def test_notes_begin_when_the_score_says(synth):
    ticks = [0, 480, 720, 1200, 1920, 2400, 2880, 3360, 4320]
    marks = tuple(Mark(i, "staccatissimo") for i in range(len(ticks)))
    piece = score(*(note(t, 120, 76) for t in ticks), marks=marks, directions=(Direction(1920, "words", "rit."),))
    played = performed(piece)
    expected = played.seconds_at(played.notes["onset_tick"])
    found = onsets_second(audio.render(piece, RATE, synth=synth))
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < 0.02


@synths
def test_a_crescendo_gets_louder_and_a_diminuendo_softer(synth):
    for kind, first, last in (("crescendo", "pp", "ff"), ("diminuendo", "ff", "pp")):
        signs = (Direction(0, "dynamics", first), Direction(0, kind), Direction(3840, "wedge-stop"),
                 Direction(3840, "dynamics", last))  # fmt: skip
        piece = score(*(note(480 * i, 480) for i in range(9)), program=ORGAN, directions=signs)
        samples = audio.render(piece, RATE, synth=synth)
        levels = np.array([loudness(samples, 0.6 * i + 0.1, 0.6 * i + 0.5) for i in range(9)])
        steps = np.diff(20 * np.log10(levels)) * (1 if kind == "crescendo" else -1)
        assert (steps > 0.3).all()
        assert steps.sum() > 15


@synths
def test_a_trill_alternates_between_two_pitches(synth):
    piece = score(note(0, 1920, 72), program=SQUARE, marks=(Mark(0, "trill-mark"),))
    samples = audio.render(piece, RATE, synth=synth)[: int(2.2 * RATE)]
    upper, main = energy_at(samples, 74), energy_at(samples, 72)
    changes = np.count_nonzero(np.diff((upper > main).astype(int)))
    notes = len(performed(piece).notes)
    assert notes > 20
    assert changes == pytest.approx(notes, abs=4)


@synths
def test_the_pedal_of_a_sign_lets_notes_ring(synth):
    signs = (Direction(0, "pedal", "start"), Direction(1920, "pedal", "stop"))
    ringing = audio.render(score(note(0, 240), directions=signs), RATE, synth=synth)
    dry = audio.render(score(note(0, 240)), RATE, synth=synth)
    assert loudness(ringing, 1.2, 2.0) > 5 * loudness(dry, 1.2, 2.0)
    assert loudness(ringing, 3.2, 4.0) < 0.2 * loudness(ringing, 1.2, 2.0)

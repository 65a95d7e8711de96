"""A room for dry sound, and a loudness that fits beside other music."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CEILING = 10 ** (-1 / 20)  # −1 dBFS
TARGET_RMS = 10 ** (-18 / 20)
_MOST_LIMITED = 2.0  # peaks are turned down by 6 dB at most
_GATE_SECOND, _SILENCE, _RELATIVE_GATE = 0.4, 10 ** (-60 / 10), 10 ** (-10 / 10)
_STEP = 64  # frames that the limiter turns down together
_LOOK_AHEAD = 4  # steps, 6 ms
_ROOM = ((0, 400, 1.3), (400, 4000, 1.0), (4000, 30_000, 0.5))
"""Hertz from, to ▶ seconds in which the room's sound falls by 60 dB."""
_ROOM_SECOND, _BEFORE_SECOND, _WET = 1.2, 0.018, 0.12


class Reverb:
    """A small hall: noise that dies away, the treble first (Moorer, Computer Music Journal 3/2, 1979).

    Convolved by FFT piece by piece, at half the sample rate, since a hall has no highest octave.
    """

    def __init__(self, sample_rate: int) -> None:
        room = _room(sample_rate // 2)
        self._length = room.shape[1]
        self._size = 1 << (4 * self._length).bit_length()
        self._hop = self._size - self._length
        self._spectrum = np.fft.rfft(room, self._size)
        self._tail = np.zeros((2, self._length), np.float32)
        self._last = np.zeros((2, 1), np.float32)

    def add_to(self, samples: Samples) -> None:
        """Add the room's answer to the next samples of a piece, shape (frames, 2), in place."""
        for start in range(0, len(samples), 2 * self._hop):
            piece = samples[start : start + 2 * self._hop]
            frames = len(piece) // 2
            mono = piece[: 2 * frames].reshape(frames, 4).sum(1)
            answer = np.fft.irfft(np.fft.rfft(mono, self._size) * self._spectrum, self._size).astype(
                np.float32, copy=False
            )
            answer[:, : self._length] += self._tail
            self._tail = answer[:, frames : frames + self._length]
            self._add(piece[: 2 * frames], answer[:, :frames])

    def _add(self, piece: Samples, answer: Samples) -> None:
        """Add an answer of half as many samples, those between by straight lines."""
        before = np.concatenate([self._last, answer[:, :-1]], axis=1)
        piece[1::2] += answer.T
        piece[0::2] += ((before + answer) / 2).T
        self._last = answer[:, -1:]


def _room(sample_rate: int) -> Samples:
    """What a hall answers to a click, left and right, shape (2, frames)."""
    frames = round(_ROOM_SECOND * sample_rate)
    seconds = np.arange(frames) / sample_rate
    noise = np.fft.rfft(np.random.default_rng(1979).standard_normal((2, frames)))
    hertz = np.fft.rfftfreq(frames, 1 / sample_rate)
    bands = (np.fft.irfft(noise * ((hertz >= low) & (hertz < high)), frames) * 10 ** (-3 * seconds / fall)
             for low, high, fall in _ROOM)  # fmt: skip
    room = np.roll(sum(bands), round(_BEFORE_SECOND * sample_rate), axis=1)
    room[:, : round(_BEFORE_SECOND * sample_rate)] = 0
    return (room * _WET / np.sqrt((room**2).sum(1, keepdims=True))).astype(np.float32)


def normalise(samples: Samples, sample_rate: int) -> None:
    """Bring samples of shape (frames, 2) to −18 dBFS RMS with no peak above −1 dBFS (in place).

    Loudness is measured over blocks of 0.4 s, silence left out as in ITU-R BS.1770, without its filter. Where peaks
    would be too high they are turned down, by at most 6 dB and 6 ms ahead of time; what is spikier stays softer.
    """
    peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
    rms = _loudness(samples, round(_GATE_SECOND * sample_rate))
    if peak <= 0:
        return
    gain = min(TARGET_RMS / rms if rms > 0 else np.inf, _MOST_LIMITED * CEILING / peak)
    samples *= np.float32(gain)
    if gain * peak > CEILING:
        _limit(samples)


def _loudness(samples: Samples, block: int) -> float:
    """RMS of the blocks that are not much softer than the rest, 0 for silence."""
    count = len(samples) // block
    blocks = samples[: count * block].reshape(count, -1) if count else samples.reshape(1, -1)
    powers = np.array([float(np.dot(row, row)) / max(row.size, 1) for row in blocks])
    if not powers.any():
        return 0.0
    powers = powers[powers > powers.max() * _SILENCE]
    return float(np.sqrt(powers[powers >= powers.mean() * _RELATIVE_GATE].mean()))


def _limit(samples: Samples) -> None:
    """Turn down around peaks so that none passes the ceiling (in place)."""
    count = -(-len(samples) // _STEP)
    peaks = np.zeros(count, np.float32)
    whole = samples[: len(samples) // _STEP * _STEP].reshape(-1, 2 * _STEP)
    peaks[: len(whole)] = np.maximum(whole.max(1), -whole.min(1))
    if len(whole) < count:
        peaks[-1] = np.abs(samples[len(whole) * _STEP :]).max()
    wanted = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9))
    padded = np.pad(wanted, 2 * _LOOK_AHEAD, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * _LOOK_AHEAD + 1).min(1)
    smooth = np.convolve(lowest, np.full(2 * _LOOK_AHEAD + 1, 1 / (2 * _LOOK_AHEAD + 1)), "valid")
    edges = np.minimum(np.r_[smooth[:1], smooth], np.r_[smooth, smooth[-1:]])
    for index in np.flatnonzero((edges[1:] < 1) | (edges[:-1] < 1)).tolist():
        piece = samples[index * _STEP : (index + 1) * _STEP]
        piece *= np.linspace(edges[index], edges[index + 1], len(piece), dtype=np.float32)[:, None]

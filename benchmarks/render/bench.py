"""How fast is a score rendered to sound, and are velocity, pedal, bend and pan heard?

    PARTIMENTO_DATA=FOLDER python benchmarks/render/bench.py [--second 60]

Of each of six folders of the corpus the piece with the most notes and the middling one, of these the busiest minute,
is rendered by both of our synthesisers and, from the same notes as a MIDI file, by symusic's and through
pretty_midi.fluidsynth(), all with the same soundfont at 44.1 kHz, one after another. Timed is all from the loaded
score to normalised samples, in CPU seconds of the process and by the clock. Writes `results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import symusic

from partimento.io import load_score, midi
from partimento.rendering import audio
from partimento.rendering.performance import performed
from partimento.rendering.synths import default_soundfont
from partimento.score import BEND, CONTROL, Part, Score, notes_array
from partimento.score.excerpts import cut

HERE = Path(__file__).parent
RATE, ORGAN = 44100, 19
FOLDERS = ("A_freedoom-midi", "B_pop909", "B_giantmidi-eval-performance", "A_vienna4x22-performance",
           "A_openscore-string-quartets", "A_openscore-orchestra")  # fmt: skip
Engine = Callable[[Score, Path], np.ndarray]


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--second", type=float, default=60, help="how much of each piece")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    rows = [timed(path, score) for path, score in pieces(options.second)]
    results: dict[str, Any] = {"machine": machine(), "heard": {name: heard(engine) for name, engine in ENGINES.items()},
               "times_real_time": summary(rows), "pieces": rows}  # fmt: skip
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results["times_real_time"] | results["heard"], indent=2))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    names = ("pyfluidsynth", "tinysoundfont", "symusic", "pretty_midi", "numpy")
    return {"commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
            "processor": platform.machine(), "cores": os.cpu_count(),
            "load_at_start": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            **{name: version(name) for name in names}}  # fmt: skip


def pieces(second: float) -> list[tuple[Path, Score]]:
    """The busiest stretch of two pieces of each folder: the one with the most notes, and the middling one."""
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    lines = map(json.loads, (corpus / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines())
    notes = {corpus / line["path"]: line["features"].get("notes", 0) for line in lines}
    found: list[tuple[Path, Score]] = []
    for folder in FOLDERS:
        own = [path for path in notes if folder in path.parts and path.suffix in (".mid", ".mxl")]
        ranked = sorted(own, key=lambda path: -notes[path])
        found += [
            (path, busiest(performed(load_score(path)), second)) for path in (ranked[0], ranked[len(ranked) // 2])
        ]
    return found


def busiest(score: Score, second: float) -> Score:
    """The stretch of a piece in which the most notes begin."""
    onsets = np.sort(score.seconds_at(score.notes["onset_tick"]))
    starts = np.arange(0, max(float(onsets[-1]) - second, 0) + 1, 10)
    counts = np.searchsorted(onsets, starts + second) - np.searchsorted(onsets, starts)
    start = float(starts[counts.argmax()])
    return cut(score, int(score.tick_at(start)), int(score.tick_at(start + second)))


# Engines


def ours(name: str) -> Engine:
    """One of our synthesisers."""
    return lambda score, _: audio.render(score, RATE, synth=name)


def by_symusic(_: Score, path: Path) -> np.ndarray:
    """symusic's synthesiser; frames first."""
    synth = symusic.Synthesizer(sf_path=str(default_soundfont()), sample_rate=RATE)
    return np.asarray(synth.render(symusic.Score(path), stereo=True)).T  # pyright: ignore[reportCallIssue, reportArgumentType]


def by_pretty_midi(_: Score, path: Path) -> np.ndarray:
    """pretty_midi through pyfluidsynth; one channel."""
    return pretty_midi.PrettyMIDI(str(path)).fluidsynth(fs=RATE, sf2_path=str(default_soundfont()))[:, None]


ENGINES: dict[str, Engine] = {
    "partimento fluidsynth": ours("fluidsynth"),
    "partimento tinysoundfont": ours("tinysoundfont"),
    "symusic": by_symusic,
    "pretty_midi": by_pretty_midi,
}


def rendered(engine: Engine, score: Score) -> tuple[np.ndarray, float, float]:
    """Samples, CPU seconds and seconds by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "piece.mid"
        path.write_bytes(midi.write(score))
        cpu, clock = time.process_time(), time.perf_counter()
        samples = engine(score, path)
        return samples, time.process_time() - cpu, time.perf_counter() - clock


# Speed


def timed(path: Path, score: Score) -> dict[str, Any]:
    """Seconds of sound per second of work for each engine."""
    second = float(score.seconds_at(score.end_tick))
    row: dict[str, Any] = {"piece": path.name, "notes": len(score.notes), "second": round(second, 1)}
    for name, engine in ENGINES.items():
        _, cpu, clock = rendered(engine, score)
        row[name] = {"per_cpu_second": round(second / cpu, 1), "per_second": round(second / clock, 1)}
    print(json.dumps(row), flush=True)
    return row


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Median and least over the pieces."""
    found: dict[str, Any] = {}
    for name in ENGINES:
        for unit in ("per_cpu_second", "per_second"):
            values = [row[name][unit] for row in rows]
            found.setdefault(name, {})[unit] = {"median": round(statistics.median(values), 1), "least": min(values)}
    return found


# Whether it is right


def heard(engine: Engine) -> dict[str, float]:
    """What becomes of velocity (dB from 40 to 110), a bend of two semitones (cents), pedal and pan (dB)."""
    loud, _, _ = rendered(engine, organ(note(0, velocity=40), note(1920, velocity=110)))
    bent, _, _ = rendered(engine, organ(note(0, 1920), bends=np.array([(0, 0, 8191)], BEND)))
    pedal = np.array([(0, 0, 64, 127), (2880, 0, 64, 0)], CONTROL)
    held, _, _ = rendered(engine, organ(note(0, 240), note(2880), controls=pedal))
    left, _, _ = rendered(engine, organ(note(0, 960), pan=0))
    sides = [level(left[:, side], 0.1, 0.9) for side in (0, -1)]
    return {
        "velocity_db": round(level(loud, 2.1, 2.4) - level(loud, 0.1, 0.4), 1),
        "bend_cents": round(1200 * float(np.log2(hertz(bent[: 2 * RATE]) / 440))),
        "pedal_db": round(level(held, 1.5, 2.5) - level(held, 0.05, 0.2), 1),
        "pan_db": round(sides[0] - sides[1], 1),
        "peak": round(float(np.abs(loud).max()), 2),
    }


def organ(*rows: dict[str, int], pan: int = 64, **fields: Any) -> Score:
    """Notes for an organ at 120 bpm."""
    return Score(480, (Part("Organ", ORGAN, pan=pan),), notes_array(rows), **fields)


def note(onset_tick: int, duration_tick: int = 480, velocity: int = 80) -> dict[str, int]:
    """An a' for the organ."""
    return {"onset_tick": onset_tick, "duration_tick": duration_tick, "pitch": 69, "velocity": velocity}


def level(samples: np.ndarray, start: float, stop: float) -> float:
    """Loudness of a stretch of seconds in dB."""
    piece = samples[int(start * RATE) : int(stop * RATE)].astype(float)
    return float(10 * np.log10((piece**2).mean() + 1e-12))


def hertz(samples: np.ndarray) -> float:
    """The strongest frequency between 380 and 560 Hz."""
    spectrum = np.abs(np.fft.rfft(samples.mean(1), 4 * len(samples)))
    frequencies = np.fft.rfftfreq(4 * len(samples), 1 / RATE)
    band = (frequencies > 380) & (frequencies < 560)
    return float(frequencies[band][spectrum[band].argmax()])


if __name__ == "__main__":
    main()

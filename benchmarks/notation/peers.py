"""The same MIDI bytes as music21 and partitura write them out, as tables of `pages.ROW`."""

import sys
import tempfile
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

sys.modules["fluidsynth"] = None  # type: ignore[assignment]  # partitura would fetch a soundfont on import

import music21  # noqa: E402
import partitura  # noqa: E402
import partitura.score  # noqa: E402
from pages import ROW, without_unisons  # noqa: E402
from partitura.utils.music import key_name_to_fifths_mode  # noqa: E402

from partimento.io import midi  # noqa: E402
from partimento.score import Records, Score  # noqa: E402
from partimento.theory import pitch as spelled  # noqa: E402


def by_music21(data: bytes, performed: Score) -> Records:
    """`converter.parse` with its own quantiser (sixteenths and triplets), its voices and `analyze('key')`."""
    stream: Any = music21.converter.parse(data, format="midi", forceSource=True)
    fifths = stream.analyze("key").sharps
    starts = [performed.quarters(t) for t in performed.measures["onset_tick"].tolist()]
    starts = starts or [Fraction(4 * bar) for bar in range(performed.end_tick // performed.ticks_per_quarter // 4 + 1)]
    rows: list[tuple[Any, ...]] = []
    for index, part in enumerate(stream.parts):
        barred = part if part.hasMeasures() else part.makeMeasures()
        measures = barred.getElementsByClass("Measure")
        # some of its measures are overfull and push all later ones on: their own offsets would be unjust to it
        for start, measure in zip(starts, measures, strict=False):
            rows += _rows_of_music21(measure, start, index, fifths)
    return _page_of_music21(rows, performed)


def _rows_of_music21(measure: Any, start: Fraction, part: int, fifths: int) -> list[tuple[Any, ...]]:
    meter = measure.getContextByClass("TimeSignature")
    name = meter.ratioString if meter else "4/4"
    return [
        (start, element.offset, note, part, number, fifths, name)
        for number, voice in enumerate(list(measure.voices) or [measure], start=1)
        for element in voice.notes
        for note in (element.notes if element.isChord else [element])
    ]


def _page_of_music21(found: list[tuple[Any, ...]], performed: Score) -> Records:
    merged: dict[tuple[int, int, Fraction], list[Any]] = {}
    for bar, place, note, part, voice, fifths, meter in found:
        onset = Fraction(bar) + Fraction(place)
        length = Fraction(note.duration.quarterLength)
        head = (
            merged.get((part, note.pitch.midi, onset)) if note.tie and note.tie.type in ("continue", "stop") else None
        )
        if head is not None:
            head[5] += length
            merged[part, note.pitch.midi, onset + length] = head
            continue
        name = note.pitch.name.replace("-", "b")
        row = [
            0.0,
            note.pitch.midi,
            part,
            onset,
            Fraction(place),
            length,
            1,
            voice,
            spelled.parse_name(name),
            fifths,
            meter,
        ]
        merged[part, note.pitch.midi, onset + length] = row
        merged[part, note.pitch.midi, onset] = merged.get((part, note.pitch.midi, onset), row)
    unique = {id(row): row for row in merged.values()}
    return _page([tuple(row) for row in unique.values()], performed)


def by_partitura(data: bytes, performed: Score, unit: int | None) -> Records:
    """`load_score_midi` with Chew and Wu's voices, ps13 spelling and Krumhansl's key; parts by track and channel."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "x.mid"
        path.write_bytes(midi.write(_on_grid(performed, unit)) if unit else data)
        score = partitura.load_score_midi(str(path), part_voice_assign_mode=5, estimate_voice_info=True)
        # its reader's own estimate_key=True raises ValueError in 1.9.0
        fifths, _ = key_name_to_fifths_mode(partitura.musicanalysis.estimate_key(score.note_array()))
        rows = [row for index, part in enumerate(score.parts) for row in _rows_of_partitura(part, index, fifths)]
    return _page(rows, performed)


def _on_grid(score: Score, unit: int) -> Score:
    """Every onset and release on a multiple of `unit`, as partitura's `quantization_unit` lays them.

    Notes keep at least one unit: with its own quantisation its voice separation fails on those of length 0.
    """
    notes = score.notes.copy()
    release = (notes["onset_tick"] + notes["duration_tick"] + unit // 2) // unit * unit
    notes["onset_tick"] = (notes["onset_tick"] + unit // 2) // unit * unit
    notes["duration_tick"] = np.maximum(release - notes["onset_tick"], unit)
    return score.with_notes(notes)


def _rows_of_partitura(part: Any, index: int, fifths: int) -> list[tuple[Any, ...]]:
    if not any(True for _ in part.iter_all(partitura.score.Measure)):
        partitura.score.add_measures(part)
    barlines = np.array(sorted(m.start.t for m in part.iter_all(partitura.score.Measure)))
    per_quarter = int(part.quarter_duration_map(0))
    meters = [(m.start.t, f"{m.beats}/{m.beat_type}") for m in part.iter_all(partitura.score.TimeSignature)]
    rows: list[tuple[Any, ...]] = []
    for note in part.notes_tied:
        tick = note.start.t
        bar = barlines[max(np.searchsorted(barlines, tick, "right") - 1, 0)]
        name = note.step + {None: "", 0: "", 1: "#", 2: "##", -1: "b", -2: "bb"}.get(note.alter, "")
        meter = next((m for t, m in sorted(meters, reverse=True) if t <= tick), "4/4")
        rows.append((
            0.0, note.midi_pitch, index, Fraction(tick, per_quarter), Fraction(int(tick - bar), per_quarter),
            Fraction(note.duration_tied, per_quarter), note.staff or 1, note.voice or 1, spelled.parse_name(name),
            fifths, meter,
        ))  # fmt: skip
    return rows


def _page(rows: list[tuple[Any, ...]], performed: Score) -> Records:
    page = np.zeros(len(rows), ROW)
    for index, row in enumerate(rows):
        page[index] = row
    ticks = np.array([float(o) for o in page["onset"]]) * performed.ticks_per_quarter
    page["second"] = performed.seconds_at(ticks)
    return without_unisons(page)

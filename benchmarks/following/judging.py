"""Judge the files that `write.py` has written, with mido and music21 alone; partimento is not asked.

    PARTIMENTO_DATA=FOLDER python benchmarks/following/judging.py OUT       # writes results.json beside it

- instruments, tempo: the programs of the MIDI tracks that play notes (channel 10: drums), and all its tempo events;
- meter, bars: the time signatures and measures that music21 finds in the MusicXML;
- key: the share of the sounding time of the MIDI's notes in the scale, and what music21's `analyze("key")` (the
  weights of Aarden and Essen) says of them;
- chords: the share of each bar's sounding time on the tones of the chord that was asked for there.
- style: the prompt's first tag decides with which music by people its key is compared.

What was asked for stands in `benchmarks/prompts/prompts.yaml`, written by hand; so that misreading a prompt counts
against us. `people.py` measures music by people with the same functions.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mido
import music21
import yaml

HERE = Path(__file__).parent
PROMPTS = HERE.parent / "prompts" / "prompts.yaml"
sys.path.insert(0, str(PROMPTS.parent))
from measure import match  # noqa: E402  # pyright: ignore[reportMissingImports]

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
QUALITIES = {
    "": (0, 4, 7), "maj": (0, 4, 7), "m": (0, 3, 7), "min": (0, 3, 7), "dim": (0, 3, 6), "aug": (0, 4, 8),
    "sus4": (0, 5, 7), "sus2": (0, 2, 7), "add9": (0, 4, 7, 2), "6": (0, 4, 7, 9), "maj6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9), "min6": (0, 3, 7, 9), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "m7": (0, 3, 7, 10),
    "min7": (0, 3, 7, 10), "mMaj7": (0, 3, 7, 11), "minmaj7": (0, 3, 7, 11), "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10), "hdim7": (0, 3, 6, 10), "sus4(b7)": (0, 5, 7, 10), "9": (0, 4, 7, 10, 2),
    "m9": (0, 3, 7, 10, 2), "maj9": (0, 4, 7, 11, 2), "13": (0, 4, 7, 10, 2, 9),
}  # fmt: skip
"""How a chord is called, as in the prompts and in POP909 ▶ semitones above its root."""
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10), "lydian": (0, 2, 4, 6, 7, 9, 11), "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}  # fmt: skip


class Note(NamedTuple):
    """One note of a MIDI file, in quarters."""

    onset: float
    end: float
    pitch: int


class Heard(NamedTuple):
    """What a MIDI file holds."""

    notes: list[Note]
    """Without drums."""
    programs: list[int]
    """Of the tracks that play, drums being 128."""
    tempi_bpm: list[float]
    seconds: float


def root(name: str) -> int:
    """Pitch class of a name such as `Eb`."""
    return (LETTERS[name[0]] + name.count("#") - name[1:].count("b")) % 12


def chord_tones(symbol: str) -> set[int]:
    """Pitch classes of a symbol such as `Ebm6` or `D/F#`."""
    body, _, bass = symbol.partition("/")
    size = 2 if len(body) > 1 and body[1] in "#b" else 1
    return {(root(body[:size]) + tone) % 12 for tone in QUALITIES[body[size:]]} | ({root(bass)} if bass else set())


def scale(key: str) -> set[int]:
    """Pitch classes of `Eb minor`, natural for minor keys."""
    tonic, mode = key.split()
    return {(root(tonic) + tone) % 12 for tone in SCALES[mode]}


def heard(path: Path) -> Heard:
    """Read a MIDI file."""
    file = mido.MidiFile(path)
    notes, programs, tempi = list[Note](), list[int](), list[float]()
    for track in file.tracks:
        tick, program, is_drums, plays, open_notes = 0, 0, False, False, dict[tuple[int, int], list[int]]()
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                tempi.append(mido.tempo2bpm(message.tempo))
            elif message.type == "program_change":
                program = message.program
            elif message.type in ("note_on", "note_off"):
                plays, is_drums, slot = True, message.channel == 9, (message.channel, message.note)
                if message.type == "note_on" and message.velocity:
                    open_notes.setdefault(slot, []).append(tick)
                elif open_notes.get(slot):
                    start = open_notes[slot].pop(0)
                    if not is_drums:
                        notes.append(Note(start / file.ticks_per_beat, tick / file.ticks_per_beat, message.note))
        if plays:
            programs.append(128 if is_drums else program)
    return Heard(notes, programs, tempi or [120.0], file.length)


def inside(
    notes: Iterable[Note], tones: set[int], start: float = 0.0, stop: float = float("inf")
) -> tuple[float, float]:
    """Sounding quarters on some pitch classes, and in all, within a span."""
    spans = [(max(0.0, min(n.end, stop) - max(n.onset, start)), n.pitch % 12 in tones) for n in notes]
    return sum(length for length, is_in in spans if is_in), sum(length for length, _ in spans)


Span = tuple[float, float, set[int]]
"""From, to, and the chord's tones."""


def evenly(start: float, stop: float, chords: Sequence[set[int]]) -> list[Span]:
    """The chords of a bar, spread evenly over it."""
    step = (stop - start) / len(chords)
    return [(start + k * step, start + (k + 1) * step, tones) for k, tones in enumerate(chords)]


def bar_shares(notes: Sequence[Note], bars: Iterable[Sequence[Span]]) -> list[float]:
    """Share of each bar's sounding time on the tones of its chords; empty bars are left out."""
    shares = list[float]()
    for spans in bars:
        near = [n for n in notes if n.end > spans[0][0] and n.onset < spans[-1][1]] if spans else []
        parts = [inside(near, tones, start, stop) for start, stop, tones in spans]
        if total := sum(all_ for _, all_ in parts):
            shares.append(sum(on for on, _ in parts) / total)
    return shares


def named_key(notes: Sequence[Note]) -> tuple[int, str]:
    """Tonic and mode by music21, which looks only at how long each pitch class sounds, so each is given as one note."""
    stream = music21.stream.Stream()
    for tone in range(12):
        if length := sum(n.end - n.onset for n in notes if n.pitch % 12 == tone):
            stream.append(music21.note.Note(60 + tone, quarterLength=length))
    key: Any = stream.analyze("key")
    return key.tonic.pitchClass, key.mode


def judged(prompt: dict[str, Any], prefix: Path, book: dict[str, Any]) -> dict[str, Any]:
    """What became of each wish of one prompt: booleans, and shares."""
    asks, found = prompt["asks"], dict[str, Any](group=group_of(prompt.get("tags", ())))
    told = json.loads(prefix.with_suffix(".json").read_text("utf-8"))
    if "error" in told:
        return {"error": told["error"]}
    midi = heard(prefix.with_suffix(".mid"))
    score: Any = music21.converter.parse(prefix.with_suffix(".musicxml"))
    bars = list(score.parts[0].getElementsByClass("Measure"))
    full = [bar for bar in bars if bar.number > 0] or bars
    if "instruments" in asks:
        found["instruments"] = match([set(book["instruments"][name]) for name in asks["instruments"]], midi.programs)
    if "without" in asks:
        found["without"] = not {p for name in asks["without"] for p in book["instruments"][name]} & set(midi.programs)
    if "tempo" in asks:
        low, high = book["tempi"][asks["tempo"]] if isinstance(asks["tempo"], str) else (asks["tempo"],) * 2
        found["tempo"] = all(low * 0.999 <= tempo <= high * 1.001 for tempo in midi.tempi_bpm)
    if "meter" in asks:
        signs = {
            sign.ratioString for part in score.parts for sign in part.recurse().getElementsByClass("TimeSignature")
        }
        found["meter"] = signs == {asks["meter"]}
    if "bars" in asks:
        found["bars"] = len(full) == asks["bars"]
    if "seconds" in asks:
        longest_bar = midi.seconds / max(len(bars), 1)
        found["seconds"] = abs(midi.seconds - asks["seconds"]) <= max(0.1 * asks["seconds"], longest_bar)
    if asks.get("key"):
        on, total = inside(midi.notes, scale(asks["key"]))
        found["in_scale"] = on / total if total else 0.0
        tonic, mode = asks["key"].split()
        if mode in ("major", "minor"):
            found["key_named"] = bool(midi.notes) and named_key(midi.notes) == (root(tonic), mode)
    if "chords" in asks:
        progression = [[chord_tones(symbol) for symbol in bar.split()] for bar in asks["chords"].split("|")]
        ends = [(float(bar.offset), float(bar.offset + bar.barDuration.quarterLength)) for bar in full]
        bars_ = [evenly(*span, progression[k % len(progression)]) for k, span in enumerate(ends)]
        shares = bar_shares(midi.notes, bars_)
        found["chord_shares"] = [round(share, 4) for share in shares]
    return found


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rates over the pieces."""
    table: dict[str, Any] = {"pieces": len(rows), "refused": sum("error" in row for row in rows)}
    for name in ("instruments", "without", "tempo", "meter", "bars", "seconds", "key_named"):
        values = [row[name] for row in rows if name in row]
        table[name] = {"asked": len(values), "followed": round(sum(values) / max(len(values), 1), 4)}
    groups = {row["group"] for row in rows if "key_named" in row}
    table["key_named_by_style"] = {
        group: {
            "asked": len(named := [row["key_named"] for row in rows if "key_named" in row and row["group"] == group]),
            "named": round(sum(named) / len(named), 4),
        }
        for group in sorted(groups)
    }
    scales = [row["in_scale"] for row in rows if "in_scale" in row]
    table["key_in_scale"] = {
        "asked": len(scales),
        "followed": round(sum(share >= 0.9 for share in scales) / max(len(scales), 1), 4),
        "mean_share": round(statistics.fmean(scales), 4) if scales else None,
    }
    table["chords"] = chord_summary([row["chord_shares"] for row in rows if row.get("chord_shares")])
    return table


GROUPS = {
    "hymns": ("religious", "classical", "baroque", "solemn", "wedding", "romantic", "march", "lullaby"),
    "folk tunes": ("folk", "children's music"),
    "lead sheets": ("jazz", "blues", "ragtime"),
}
"""Music by people ▶ the tags that go with it; other prompts are compared with POP909."""


def group_of(tags: Sequence[str]) -> str:
    """The music by people that is nearest to a prompt."""
    named = (group for tag in tags for group, members in GROUPS.items() if tag in members)
    return next(named, "POP909")


def chord_summary(pieces: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Of shares on chord tones, bar by bar."""
    bars = [share for piece in pieces for share in piece]
    if not bars:
        return {"pieces": 0}
    return {
        "pieces": len(pieces),
        "bars": len(bars),
        "bars_of_60_percent": round(sum(share >= 0.6 for share in bars) / len(bars), 4),
        "pieces_with_all_bars": round(sum(min(piece) >= 0.6 for piece in pieces) / len(pieces), 4),
        "mean_share": round(statistics.fmean(bars), 4),
    }


def main() -> None:
    """Judge both ways, and write the rates."""
    out = Path(sys.argv[1])
    book = yaml.safe_load(PROMPTS.read_text("utf-8"))
    results: dict[str, Any] = {"machine": platform.machine(), "python": platform.python_version()}
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    results["commit"] = commit.stdout.strip()
    for way in ("enforced", "free"):
        done = sorted(int(path.stem) for path in (out / way).glob("*.json"))
        rows = [judged(book["prompts"][k], out / way / f"{k:03}", book) for k in done]
        results[way] = summary(rows)
        results[way]["missed"] = [
            {"prompt": k, "missed": [name for name, value in row.items() if value is False]}
            | ({"error": row["error"]} if "error" in row else {})
            for k, row in zip(done, rows, strict=True)
            if "error" in row or any(value is False and name != "key_named" for name, value in row.items())
        ]
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(
        json.dumps(
            {way: {k: v for k, v in results[way].items() if k != "missed"} for way in ("enforced", "free")}, indent=1
        )
    )


if __name__ == "__main__":
    main()

"""What is compared: a page as a table of notes, whoever wrote it, and the MIDI bytes that it was written from."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from partimento.io import midi
from partimento.score import TEMPO, Records, Score

Floats = NDArray[np.float64]

ROW = np.dtype(
    [
        ("second", np.float64),  # when it was played
        ("pitch", np.int64),
        ("part", np.int64),
        ("onset", "O"),  # Fraction of a quarter from the start of the page
        ("place", "O"),  # Fraction of a quarter from the barline
        ("duration", "O"),  # Fraction of a quarter
        ("staff", np.int64),
        ("voice", np.int64),
        ("spelling", np.int64),  # on the line of fifths
        ("fifths", np.int64),  # signature in force
        ("meter", "U8"),
    ]
)


@dataclass(frozen=True)
class Manner:
    """How a score is played; its tempo curve stands in the MIDI file, so that the beat is known."""

    rubato: float = 0.0
    """Deviation of the tempo curve, an autoregressive process of first order from beat to beat."""
    noise_s: float = 0.0
    """Deviation of onsets in seconds."""
    shortest: float = 1.0
    """Notes last for this share of their value up to all of it, drawn evenly."""


MANNERS = {
    "exact": Manner(),
    "5 %, 10 ms": Manner(0.05, 0.01, 0.7),
    "10 %, 20 ms": Manner(0.1, 0.02, 0.5),
}
_MEMORY = 0.8
_RESOLUTION = 480
_LEAST_S = 0.03


def page_of(score: Score) -> Records:
    """The notes of a score as a table, ties merged, grace notes and drums left out."""
    score = score.sounding()
    notes = score.notes[(score.notes["grace"] == 0) & ~_of_drums(score)]
    measure = score.measure_at(notes["onset_tick"])
    rows = np.zeros(len(notes), ROW)
    rows["second"] = score.seconds_at(notes["onset_tick"])
    for name in ("pitch", "part", "staff", "voice", "spelling"):
        rows[name] = notes[name]
    rows["onset"] = [score.quarters(t) for t in notes["onset_tick"]]
    rows["place"] = [score.quarters(t) for t in notes["onset_tick"] - score.measures["onset_tick"][measure]]
    rows["duration"] = [score.quarters(t) for t in notes["duration_tick"]]
    keys = [score.key_at(int(t), int(p)) for t, p in notes[["onset_tick", "part"]].tolist()]
    rows["fifths"] = [0 if key is None else key.fifths for key in keys]
    rows["meter"] = [str(score.meter_at(int(t))) for t in notes["onset_tick"]]
    return without_unisons(rows)


def without_unisons(rows: Records) -> Records:
    """The rows, of those that share part, pitch and onset only the longest: they are one key struck once."""
    longest: dict[tuple[int, int, Fraction], int] = {}
    for index, (part, pitch, onset, duration) in enumerate(rows[["part", "pitch", "onset", "duration"]].tolist()):
        other = longest.setdefault((part, pitch, onset), index)
        if duration > rows["duration"][other]:
            longest[part, pitch, onset] = index
    return rows[sorted(longest.values())]


def _of_drums(score: Score) -> NDArray[np.bool_]:
    return np.array([part.is_drums for part in score.parts], bool)[score.notes["part"]]


def only_parts_with_notes(score: Score) -> Score:
    """Without parts that are silent, which MIDI would not tell of."""
    kept = np.unique(score.notes["part"]).tolist()
    place = {old: new for new, old in enumerate(kept)}

    def moved(records: Records) -> Records:
        records = records[np.isin(records["part"], [-1, *kept])].copy()
        records["part"] = [place.get(p, -1) for p in records["part"].tolist()]
        return records

    bare = Score(
        score.ticks_per_quarter, tuple(score.parts[old] for old in kept), moved(score.notes), score.measures,
        score.meters, moved(score.keys), score.tempos, title=score.title,
    )  # fmt: skip
    return bare


def as_performed(truth: Score, manner: Manner, seed: int) -> tuple[bytes, Floats]:
    """MIDI bytes of a score, and when each note of its page sounds in them.

    The bytes hold meters, but no key signatures, staves or voices.
    """
    bare = replace(truth, keys=truth.keys[:0])
    exact = midi.read(midi.write(bare), "exact")[0]
    played = exact if manner == Manner() else _played(exact, manner, seed)
    return midi.write(played), _seconds(truth, exact, played)


def _played(score: Score, manner: Manner, seed: int) -> Score:
    rng = np.random.default_rng(seed)
    score = _with_curve(_rescaled(score), manner.rubato, rng)
    notes = score.notes.copy()
    seconds = score.seconds_at(notes["onset_tick"]) + rng.normal(0, manner.noise_s, len(notes))
    onsets = score.tick_at(np.maximum(seconds, 0))
    shares = rng.uniform(manner.shortest, 1.0, len(notes))
    least = score.tick_at(seconds + _LEAST_S) - score.tick_at(seconds)
    notes["onset_tick"] = onsets
    notes["duration_tick"] = np.maximum(notes["duration_tick"] * shares, np.maximum(least, 1))
    return score.with_notes(_struck_apart(notes))


def _rescaled(score: Score) -> Score:
    resolution = score.ticks_per_quarter
    return score.with_resolution(resolution * max(1, -(-_RESOLUTION // resolution)))


def _with_curve(score: Score, size: float, rng: np.random.Generator) -> Score:
    """The score with a tempo for each beat that wanders about its own."""
    beats = np.arange(0, score.end_tick, score.ticks_per_quarter)
    rows = score.tempos if len(score.tempos) else np.array([(0, 100.0)], TEMPO)
    own = rows["tempo_bpm"][np.maximum(np.searchsorted(rows["onset_tick"], beats, "right") - 1, 0)]
    deviation, curve = 0.0, np.zeros(len(beats))
    for index in range(len(beats)):
        deviation = _MEMORY * deviation + rng.normal(0, size * np.sqrt(1 - _MEMORY**2))
        curve[index] = deviation
    tempos = np.zeros(len(beats), TEMPO)
    tempos["onset_tick"], tempos["tempo_bpm"] = beats, own * np.exp(curve)
    return replace(score, tempos=tempos)


def _struck_apart(notes: Records) -> Records:
    """A key is up again before it is struck: notes end where their pitch begins once more."""
    order = np.lexsort((notes["onset_tick"], notes["pitch"], notes["part"]))
    sorted_notes = notes[order]
    same = (sorted_notes["part"][1:] == sorted_notes["part"][:-1]) & (
        sorted_notes["pitch"][1:] == sorted_notes["pitch"][:-1]
    )
    room = np.where(same, np.diff(sorted_notes["onset_tick"]), np.iinfo(np.int64).max)
    sorted_notes["duration_tick"][:-1] = np.minimum(sorted_notes["duration_tick"][:-1], np.maximum(room, 1))
    return sorted_notes


def _seconds(truth: Score, exact: Score, played: Score) -> Floats:
    """When each row of the page of `truth` sounds in `played`, whose ids are those of `exact`; nan if never."""
    performed = dict(
        zip(played.notes["note_id"].tolist(), played.seconds_at(played.notes["onset_tick"]).tolist(), strict=True)
    )
    waiting: dict[tuple[int, int, Fraction], list[float]] = {}
    for note in exact.notes:
        key = (int(note["part"]), int(note["pitch"]), exact.quarters(note["onset_tick"]))
        waiting.setdefault(key, []).append(performed[int(note["note_id"])])
    rows = page_of(truth)
    keys = zip(rows["part"].tolist(), rows["pitch"].tolist(), rows["onset"].tolist(), strict=True)
    return np.array([found.pop() if (found := waiting.get(key)) else np.nan for key in keys])

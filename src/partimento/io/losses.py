"""What a format leaves out of a score, counted by kind, in words for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import numpy as np

from partimento.score import Part, Score
from partimento.theory.interval import UNISON
from partimento.theory.pitch import UNSPELLED

_CONTROLS = {
    7: "volume changes", 10: "pan changes", 11: "expression", 64: "pedal changes", 66: "sostenuto pedal changes",
    67: "soft pedal changes",
}  # fmt: skip
_KINDS = {
    "words": "words", "dynamics": "dynamics", "tempo": "tempo words", "crescendo": "hairpins",
    "diminuendo": "hairpins", "wedge-stop": "ends of hairpins", "dashes": "dashed lines", "bracket": "bracket lines",
    "octave-shift": "octave lines", "accidental": "reminders of accidentals", "rehearsal": "rehearsal marks",
    "fermata": "fermatas", "barline-fermata": "fermatas", "meter-sign": "meter signs", "hidden": "hidden notes",
    "notehead": "shapes of noteheads", "slash": "slashes of grace notes", "arpeggiate": "arpeggios",
    "figured-bass": "figured bass signs", "accidental-mark": "accidentals of ornaments", "fingering": "fingerings",
}  # fmt: skip
_TEXTS = ("title", "subtitle", "composer", "arranger", "lyricist", "rights")


def losses(before: Score, after: Score) -> dict[str, int]:
    """How much less of each kind `after` has than `before`, most frequent first; empty if nothing is missing.

    Ties count by the notes that they make, so that notes cut at other barlines are no loss.
    """
    missing = contents(before)
    missing.subtract(contents(after))
    return {kind: count for kind, count in missing.most_common() if count > 0}


def contents(score: Score) -> Counter[str]:
    """How many of each kind a score holds."""
    notes = score.sounding().notes
    counts: Counter[str] = Counter()
    counts["notes"] = int((notes["grace"] == 0).sum())
    counts["grace notes"] = int((notes["grace"] > 0).sum())
    counts["cue notes"] = int(score.notes["cue"].sum())
    counts["spellings of notes"] = int((notes["spelling"] != UNSPELLED).sum())
    counts["velocities of notes"] = int((notes["velocity"] > 0).sum())
    counts["voices of notes"] = int((notes["voice"] > 0).sum())
    counts["staves of notes"] = int((notes["staff"] > 0).sum())
    counts |= Counter({kind.replace("_", " "): len(getattr(score, kind)) for kind in ("measures", "meters", "clefs")})
    counts["keys"], counts["tempos"], counts["pitch bends"] = len(score.keys), len(score.tempos), len(score.bends)
    for number, times in zip(*np.unique(score.controls["number"], return_counts=True), strict=True):
        counts[_CONTROLS.get(int(number), f"controller {number} changes")] += int(times)
    counts.update(_events(score))
    counts.update(kind for part in score.parts for kind in _properties(part))
    counts.update(name for name in _TEXTS if getattr(score, name))
    counts["style words"] = len(score.tags)
    return counts


def _events(score: Score) -> Counter[str]:
    named = {"chords": "chord symbols", "programs": "changes of instrument", "messages": "other MIDI messages",
             "repeats": "repeats and jumps", "barlines": "barline styles", "groups": "brackets of parts",
             "transpositions": "changes of transposition"}  # fmt: skip
    counts: Counter[str] = Counter()
    for f in fields(score):
        value = getattr(score, f.name)
        if f.name == "directions":
            counts.update(_kind_in_words(event.kind) for event in value)
        elif f.name == "marks":
            counts.update(_kind_in_words(event.kind.split(":")[0]) for event in value)
        elif f.name == "spanners":
            counts.update(event.kind + "s" for event in value)
        elif f.name in named or f.name in ("tuplets", "lyrics"):
            counts[named.get(f.name, f.name)] = len(value)
    counts["chord frames"] = sum(bool(event.frame) for event in score.chords)
    return counts


def _kind_in_words(kind: str) -> str:
    return _KINDS.get(kind, kind.replace("-", " ") + " signs")


def _properties(part: Part) -> list[str]:
    found = {"names of parts": part.name, "abbreviations of parts": part.abbreviation, "second staves": part.staves > 1,
             "transpositions of parts": part.transpose != UNISON, "volumes of parts": part.volume is not None,
             "pans of parts": part.pan is not None, "channels of parts": part.channel is not None}  # fmt: skip
    return [kind for kind, is_there in found.items() if is_there]

"""What can be heard in a score: key, meter, chords, and all the facts about a piece."""

from partimento.analysis.chords import estimate_chords
from partimento.analysis.describe import facts_of
from partimento.analysis.facts import Facts, PartFacts, PhraseFacts, Section
from partimento.analysis.key import estimate_key, estimate_keys, pitch_class_durations
from partimento.analysis.meter import estimate_meter

__all__ = [
    "Facts",
    "PartFacts",
    "PhraseFacts",
    "Section",
    "estimate_chords",
    "estimate_key",
    "estimate_keys",
    "estimate_meter",
    "facts_of",
    "pitch_class_durations",
]

"""What can be heard in a score: key and chords, and the facts about a piece."""

from partimento.analysis.chords import estimate_chords
from partimento.analysis.facts import Facts, PartFacts, PhraseFacts, Section
from partimento.analysis.key import estimate_key, pitch_class_durations

__all__ = ["Facts", "PartFacts", "PhraseFacts", "Section", "estimate_chords", "estimate_key", "pitch_class_durations"]

"""What can be heard in a score: key and chords."""

from partimento.analysis.chords import estimate_chords
from partimento.analysis.key import estimate_key, pitch_class_durations

__all__ = ["estimate_chords", "estimate_key", "pitch_class_durations"]

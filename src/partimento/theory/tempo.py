"""Tempo words and the beats per minute they stand for."""

from __future__ import annotations

TEMPO_WORDS: dict[str, int] = {
    "larghissimo": 24, "grave": 36, "largo": 48, "lento": 52, "larghetto": 62, "adagio": 66, "adagietto": 72,
    "andante": 84, "andantino": 92, "moderato": 108, "allegretto": 116, "allegro moderato": 120,
    "allegro": 132, "vivace": 160, "vivacissimo": 172, "allegro vivace": 150, "presto": 180, "prestissimo": 200,
    "very slow": 50, "slow": 66, "moderate tempo": 108, "medium tempo": 108, "fast": 140, "very fast": 176,
}  # fmt: skip
"""Quarter notes per minute; the middles of the customary ranges."""


def tempo_word(tempo_bpm: float) -> str:
    """The Italian word for a tempo, by the edges 40, 60, 70, 90, 110, 140, 160, 210 bpm."""
    edges = (40, 60, 70, 90, 110, 140, 160, 210)
    words = ("Grave", "Largo", "Adagio", "Andante", "Moderato", "Allegro", "Vivace", "Presto", "Prestissimo")
    return words[sum(tempo_bpm >= edge for edge in edges)]

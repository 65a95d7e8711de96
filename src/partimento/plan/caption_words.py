"""The words of captions: what a fact may be called, several ways each."""

from __future__ import annotations

INSTRUMENTS: dict[int, tuple[str, ...]] = {
    0: ("piano", "grand piano"), 1: ("bright acoustic piano",), 4: ("electric piano",), 6: ("harpsichord",),
    7: ("clavinet",), 11: ("vibraphone",), 15: ("dulcimer",), 16: ("drawbar organ",), 19: ("church organ", "organ"),
    20: ("harmonium",), 21: ("accordion",), 22: ("harmonica",), 24: ("classical guitar", "guitar"),
    25: ("acoustic guitar",), 26: ("jazz guitar",), 27: ("electric guitar",), 28: ("electric guitar (muted)",),
    29: ("overdriven guitar",), 30: ("distortion guitar",), 32: ("acoustic bass",),
    33: ("electric bass", "bass guitar"),
    34: ("electric bass (pick)",), 35: ("fretless bass",), 38: ("synth bass",), 40: ("violin",), 41: ("viola",),
    42: ("cello",), 43: ("double bass",), 46: ("harp",), 47: ("timpani",), 48: ("string ensemble", "strings"),
    50: ("synth strings",), 52: ("choir",), 53: ("solo voice",), 56: ("trumpet",), 57: ("trombone",),
    58: ("tuba",), 60: ("french horn",),
    61: ("brass section",), 64: ("soprano sax",), 65: ("alto sax", "saxophone"), 66: ("tenor sax",),
    67: ("baritone sax",), 68: ("oboe",), 69: ("english horn",), 70: ("bassoon",), 71: ("clarinet",),
    72: ("piccolo",), 73: ("flute",), 74: ("recorder",), 87: ("lead 8",),
    105: ("banjo",), 109: ("bagpipes",), 110: ("fiddle",),
    128: ("drums", "drum kit"),
}  # fmt: skip
"""Program ▶ what people call it; the others go by their General MIDI names."""
UNCOUNTED = frozenset((47, 48, 49, 50, 51, 52, 61, 109, 128))
"""Programs whose names are not counted: timpani, strings, choirs, drums."""

TEMPO_ADJECTIVES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (60, ("very slow", "solemn")), (84, ("slow", "gentle", "calm")), (112, ("moderate", "unhurried")),
    (140, ("lively", "brisk", "fast")), (1e9, ("very fast", "frantic")),
)  # fmt: skip
"""Up to this many beats a minute ▶ adjectives."""

SUBJECTS = ("It", "It", "The piece", "The music")
NOUNS = ("piece", "piece of music", "composition", "work")

MOODS: dict[str, tuple[str, ...]] = {
    "happy": ("cheerful", "happy", "bright"), "excited": ("exuberant", "exciting"),
    "energetic": ("energetic", "spirited"), "tense": ("tense", "agitated"), "sad": ("sad", "mournful"),
    "melancholic": ("melancholic", "wistful"), "calm": ("calm", "tranquil"), "serene": ("serene", "peaceful"),
}  # fmt: skip
"""Mood word of the analysis ▶ adjectives; what is neutral has none."""

TEXTURES: dict[str, tuple[str, ...]] = {
    "monophonic": ("a single unaccompanied line", "one voice alone"),
    "homophonic": ("parts that move together", "block harmony"),
    "melody with accompaniment": ("a melody over an accompaniment", "a tune with harmony beneath it"),
    "polyphonic": ("independent interwoven voices", "counterpoint"),
}
DENSITIES = {"sparse": ("sparse", "spacious"), "moderate": ("",), "dense": ("dense", "busy")}
REGISTERS = {"low": ("low", "deep"), "middle": ("middle",), "high": ("high", "bright")}
CONTOURS = {
    "rising": ("rising melody", "the melody climbs"), "falling": ("falling melody", "the melody descends"),
    "arch": ("melody that rises and falls", "an arch-shaped melody"), "valley": ("melody that dips and returns",),
    "level": ("level melody", "the melody stays where it is"), "wave": ("wavering melody", "melody in waves"),
}  # fmt: skip
DYNAMICS = {
    "ppp": ("barely audible",), "pp": ("very soft",), "p": ("soft",), "mp": ("rather soft",),
    "mf": ("moderately loud",), "f": ("loud",), "ff": ("very loud",), "fff": ("thunderous",),
}  # fmt: skip

"""General MIDI instruments: their names, what people call them, how far they reach and how many notes they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

DRUMS = 128
"""Stands for the drum kit wherever a program number (0-127) is asked for."""

PROGRAM_NAMES = (
    "Acoustic Grand Piano", "Bright Acoustic Piano", "Electric Grand Piano", "Honky-tonk Piano",
    "Electric Piano 1", "Electric Piano 2", "Harpsichord", "Clavinet",
    "Celesta", "Glockenspiel", "Music Box", "Vibraphone", "Marimba", "Xylophone", "Tubular Bells", "Dulcimer",
    "Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ", "Reed Organ", "Accordion", "Harmonica",
    "Tango Accordion",
    "Acoustic Guitar (nylon)", "Acoustic Guitar (steel)", "Electric Guitar (jazz)", "Electric Guitar (clean)",
    "Electric Guitar (muted)", "Overdriven Guitar", "Distortion Guitar", "Guitar Harmonics",
    "Acoustic Bass", "Electric Bass (finger)", "Electric Bass (pick)", "Fretless Bass", "Slap Bass 1",
    "Slap Bass 2", "Synth Bass 1", "Synth Bass 2",
    "Violin", "Viola", "Cello", "Contrabass", "Tremolo Strings", "Pizzicato Strings", "Orchestral Harp", "Timpani",
    "String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2", "Choir Aahs", "Voice Oohs",
    "Synth Voice", "Orchestra Hit",
    "Trumpet", "Trombone", "Tuba", "Muted Trumpet", "French Horn", "Brass Section", "Synth Brass 1", "Synth Brass 2",
    "Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax", "Oboe", "English Horn", "Bassoon", "Clarinet",
    "Piccolo", "Flute", "Recorder", "Pan Flute", "Blown Bottle", "Shakuhachi", "Whistle", "Ocarina",
    "Lead 1 (square)", "Lead 2 (sawtooth)", "Lead 3 (calliope)", "Lead 4 (chiff)", "Lead 5 (charang)",
    "Lead 6 (voice)", "Lead 7 (fifths)", "Lead 8 (bass + lead)",
    "Pad 1 (new age)", "Pad 2 (warm)", "Pad 3 (polysynth)", "Pad 4 (choir)", "Pad 5 (bowed)", "Pad 6 (metallic)",
    "Pad 7 (halo)", "Pad 8 (sweep)",
    "FX 1 (rain)", "FX 2 (soundtrack)", "FX 3 (crystal)", "FX 4 (atmosphere)", "FX 5 (brightness)",
    "FX 6 (goblins)", "FX 7 (echoes)", "FX 8 (sci-fi)",
    "Sitar", "Banjo", "Shamisen", "Koto", "Kalimba", "Bagpipe", "Fiddle", "Shanai",
    "Tinkle Bell", "Agogo", "Steel Drums", "Woodblock", "Taiko Drum", "Melodic Tom", "Synth Drum", "Reverse Cymbal",
    "Guitar Fret Noise", "Breath Noise", "Seashore", "Bird Tweet", "Telephone Ring", "Helicopter", "Applause",
    "Gunshot",
)  # fmt: skip
"""The 128 programs of General MIDI level 1, in order."""

_ALIASES = {
    "piano": 0, "grand piano": 0, "pianoforte": 0, "klavier": 0, "keyboard": 0, "keys": 0, "pno": 0,
    "electric piano": 4, "rhodes": 4, "cembalo": 6, "clavichord": 7, "clavi": 7, "bells": 14, "chimes": 14,
    "vibes": 11, "hammered dulcimer": 15, "organ": 19, "pipe organ": 19, "hammond": 16, "hammond organ": 16,
    "harmonium": 20, "bandoneon": 23, "concertina": 23, "squeezebox": 21, "mouth organ": 22,
    "guitar": 24, "classical guitar": 24, "spanish guitar": 24, "nylon guitar": 24, "acoustic guitar": 25,
    "folk guitar": 25, "steel guitar": 25, "western guitar": 25, "jazz guitar": 26, "electric guitar": 27,
    "clean guitar": 27, "lute": 24, "ukulele": 24, "mandolin": 25, "rock guitar": 29, "overdrive guitar": 29,
    "distorted guitar": 30, "bass": 33, "bass guitar": 33, "electric bass": 33, "upright bass": 32,
    "fretless": 35, "slap bass": 36, "synth bass": 38, "double bass": 43, "string bass": 43, "violins": 40,
    "violino": 40, "geige": 40, "violas": 41, "violoncello": 42, "cellos": 42, "celli": 42, "contrabasses": 43,
    "kontrabass": 43, "pizzicato": 45, "harp": 46, "kettledrums": 47, "strings": 48, "string ensemble": 48,
    "string orchestra": 48, "slow strings": 49, "synth strings": 50, "choir": 52, "chorus": 52, "voice": 53,
    "voices": 52, "vocals": 53, "singer": 53, "soprano": 53, "alto": 53, "tenor": 53, "baritone": 53,
    "mezzo-soprano": 53, "contralto": 53, "solo voice": 53, "gesang": 53, "singstimme": 53, "vocal": 53,
    "trumpets": 56, "cornet": 56, "trombones": 57, "euphonium": 58, "horn": 60, "horns": 60, "brass": 61,
    "brass band": 61, "saxophone": 65, "sax": 65, "alto saxophone": 65, "tenor saxophone": 66,
    "soprano saxophone": 64, "baritone saxophone": 67, "bari sax": 67, "oboes": 68, "cor anglais": 69,
    "bassoons": 70, "clarinets": 71, "bass clarinet": 71, "piccolo flute": 72, "flutes": 73, "flauto": 73,
    "recorders": 74, "blockflute": 74, "panpipes": 75, "tin whistle": 78, "penny whistle": 78,
    "synth lead": 80, "lead synth": 80, "synth": 80, "synthesizer": 81, "synth pad": 89, "pad": 89,
    "bagpipes": 109, "violin fiddle": 110, "fiddles": 110, "steel pan": 114, "steelpan": 114,
    "thumb piano": 108, "taiko": 116, "drums": DRUMS, "drum kit": DRUMS, "drum set": DRUMS, "drumset": DRUMS,
    "percussion": DRUMS, "kit": DRUMS, "808": DRUMS, "drumkit": DRUMS,
}  # fmt: skip

_VOICE = 53
_LOW_VOICES = frozenset(("bass", "basso", "basses", "bassus", "b"))
_HIGH_VOICES = frozenset(("soprano", "alto", "tenor", "sopranos", "altos", "tenors", "cantus", "altus", "contralto"))

ENSEMBLES: dict[str, tuple[int, ...]] = {
    "string quartet": (40, 40, 41, 42), "string trio": (40, 41, 42), "string quintet": (40, 40, 41, 42, 42),
    "piano trio": (40, 42, 0), "brass quintet": (56, 56, 60, 57, 58), "wind quintet": (73, 68, 71, 60, 70),
    "woodwind quintet": (73, 68, 71, 60, 70), "saxophone quartet": (64, 65, 66, 67),
    "satb choir": (52, 52, 52, 52), "four-part choir": (52, 52, 52, 52), "satb": (52, 52, 52, 52),
    "four voices": (52, 52, 52, 52), "jazz trio": (0, 32, DRUMS), "rock band": (29, 33, DRUMS),
}  # fmt: skip
"""Usual ensembles ▶ programs, high to low."""

# program ranges ▶ lowest and highest usual sounding pitch, and whether only one note sounds at a time
_PROPERTIES: tuple[tuple[range, int, int, bool], ...] = (
    (range(9), 28, 100, False), (range(9, 16), 53, 96, False), (range(16, 21), 36, 96, False),
    (range(21, 22), 48, 93, False), (range(22, 23), 60, 96, True), (range(23, 24), 48, 93, False),
    (range(24, 32), 40, 84, False), (range(32, 40), 28, 60, True), (range(40, 41), 55, 96, True),
    (range(41, 42), 48, 86, True), (range(42, 43), 36, 76, True), (range(43, 44), 28, 60, True),
    (range(44, 47), 36, 93, False), (range(47, 48), 40, 57, True), (range(48, 52), 36, 93, False),
    (range(52, 55), 40, 81, True), (range(55, 56), 36, 84, False), (range(56, 57), 54, 84, True),
    (range(57, 58), 40, 72, True), (range(58, 59), 28, 58, True), (range(59, 60), 54, 84, True),
    (range(60, 61), 41, 77, True), (range(61, 64), 36, 84, False), (range(64, 65), 56, 87, True),
    (range(65, 66), 49, 80, True), (range(66, 67), 44, 75, True), (range(67, 68), 36, 69, True),
    (range(68, 69), 58, 88, True), (range(69, 70), 52, 80, True), (range(70, 71), 34, 72, True),
    (range(71, 72), 50, 88, True), (range(72, 73), 74, 102, True), (range(73, 74), 59, 93, True),
    (range(74, 80), 60, 93, True), (range(80, 88), 48, 93, True), (range(88, 104), 36, 93, False),
    (range(104, 109), 48, 88, False), (range(109, 110), 58, 82, True), (range(110, 111), 55, 96, True),
    (range(111, 112), 58, 88, True), (range(112, 120), 48, 88, False), (range(120, 128), 36, 96, False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instrument:
    """What an instrument can play."""

    lowest_pitch: int
    highest_pitch: int
    is_monophonic: bool


@cache
def instrument(program: int) -> Instrument:
    """Usual range (sounding MIDI pitches, inclusive) and whether one note at a time is all it plays."""
    if program == DRUMS:
        return Instrument(35, 81, False)
    return next(Instrument(low, high, single) for span, low, high, single in _PROPERTIES if program in span)


def instrument_name(program: int) -> str:
    """`Flute`, `Acoustic Grand Piano`, `Drums`."""
    return "Drums" if program == DRUMS else PROGRAM_NAMES[program]


@cache
def instrument_words() -> dict[str, int]:
    """Everything an instrument may be called, in lower case ▶ program."""
    official = {name.lower(): program for program, name in enumerate(PROGRAM_NAMES)}
    bare = {re.sub(r" \(.*\)| \d$", "", name): program for name, program in reversed(official.items())}
    return bare | official | _ALIASES


def find_instrument(name: str, beside: Iterable[str] = ()) -> int | None:
    """Program (or `DRUMS`) that a name such as `Violin II`, `Clarinet in B♭ 2` or `Singstimme` stands for.

    Args:
        name: what the part is called.
        beside: what the parts around it are called: a bass beside a tenor sings.
    """
    if name.strip().lower() in _LOW_VOICES and any(other.strip().lower() in _HIGH_VOICES for other in beside):
        return _VOICE
    text = re.sub(r"\s+", " ", re.sub(r"[^a-zäöüé|\-()+ 0-9]", " ", name.lower())).strip()
    words = instrument_words()
    if text in words:
        return words[text]
    text = re.sub(r"( in [a-h](-?flat|b)?)|( (\d+|i{1,3}|iv|solo)\b)", "", " " + text).strip(" .")
    if text in words:
        return words[text]
    found = [
        (match.start(), -len(word), words[word])
        for word in words
        if (match := re.search(rf"\b{re.escape(word)}\b", text))
    ]
    return min(found)[2] if found else None

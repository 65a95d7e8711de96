"""Instruments under all their names."""

import pytest

from partimento.plan.ensemble import ensembles
from partimento.plan.instrument_names import EVERYDAY, SPOKEN_NAMES
from partimento.plan.parse import parse_prompt
from partimento.theory.instrument import DRUMS, PROGRAM_NAMES

USUAL = {
    0: "grand piano", 1: "bright piano", 2: "electric grand", 3: "honky tonk piano", 4: "rhodes", 5: "fm piano",
    6: "cembalo", 7: "clav", 8: "celeste", 9: "glock", 10: "musical box", 11: "vibes", 12: "marimbas", 13: "xylophon",
    14: "chimes", 15: "hammered dulcimer", 16: "hammond organ", 17: "jazz organ", 18: "leslie organ", 19: "pipe organ",
    20: "harmonium", 21: "squeezebox", 22: "mouth organ", 23: "bandoneon", 24: "classical guitar",
    25: "steel-string guitar", 26: "jazz guitar", 27: "clean electric guitar", 28: "palm-muted guitar",
    29: "overdriven guitar", 30: "distorted guitar", 31: "harmonics guitar", 32: "upright bass", 33: "bass guitar",
    34: "picked bass", 35: "fretless", 36: "slap bass", 37: "popped bass", 38: "synth bass", 39: "fm bass",
    40: "violins", 41: "bratsche", 42: "violoncello", 43: "double bass", 44: "tremolo strings", 45: "pizz strings",
    46: "harp", 47: "kettledrums", 48: "strings", 49: "slow strings", 50: "synth strings", 51: "slow synth strings",
    52: "choir", 53: "vocals", 54: "synth choir", 55: "orch hit", 56: "trumpets", 57: "posaune", 58: "euphonium",
    59: "harmon mute trumpet", 60: "horn", 61: "horn section", 62: "synth brass", 63: "analog brass",
    64: "soprano saxophone", 65: "sax", 66: "tenor saxophone", 67: "bari sax", 68: "oboes", 69: "cor anglais",
    70: "contrabassoon", 71: "bass clarinet", 72: "piccolo flute", 73: "transverse flute", 74: "blockflöte",
    75: "panpipes", 76: "bottle", 77: "bamboo flute", 78: "tin whistle", 79: "clay flute", 80: "square lead",
    81: "saw lead", 82: "calliope", 83: "chiff lead", 84: "guitar synth", 85: "vox lead", 86: "fifths lead",
    87: "bass lead", 88: "new age pad", 89: "synth pad", 90: "polysynth", 91: "choir pad", 92: "bowed pad",
    93: "metallic pad", 94: "halo pad", 95: "sweep pad", 96: "ice rain", 97: "soundtrack synth", 98: "crystal synth",
    99: "atmosphere synth", 100: "brightness synth", 101: "goblins", 102: "echo drops", 103: "sci-fi synth",
    104: "sitars", 105: "five-string banjo", 106: "samisen", 107: "kotos", 108: "thumb piano", 109: "bagpipes",
    110: "irish fiddle", 111: "shehnai", 112: "sleigh bells", 113: "agogo bells", 114: "steel pan", 115: "wood block",
    116: "taiko drums", 117: "tom-toms", 118: "simmons drum", 119: "cymbal swell", 120: "fret noise",
    121: "breathing noise", 122: "ocean waves", 123: "birdsong", 124: "ringing phone", 125: "chopper",
    126: "audience applause", 127: "gun shot", DRUMS: "808",
}  # fmt: skip


def playing(text):
    return parse_prompt(text).plan.instruments


@pytest.mark.parametrize("program", range(129))
def test_each_is_found_by_its_general_midi_name_and_a_usual_one(program):
    name = PROGRAM_NAMES[program] if program < 128 else "Drums"
    for called in (name, name.lower(), USUAL[program]):
        assert playing(f"a piece for {called} in D major") == (program,), called
        other = 73 if program != 73 else 42
        assert playing(f"for {'flute' if other == 73 else 'cello'}, {called} and oboe") in (
            (other, program, 68),
            (other, 68),
        ), called


def test_every_name_in_the_vocabulary_is_read():
    wrong = {name for name, program in SPOKEN_NAMES.items() if playing(f"instruments: {name}") != (program,)}
    assert not wrong


@pytest.mark.parametrize("name", sorted(ensembles()))
def test_ensembles_are_read_whole(name):
    members = ensembles()[name]
    assert sorted(playing(f"a tune for {name}, 8 bars") or ()) == sorted(members)


def test_ordinary_words_are_no_instruments():
    for name in EVERYDAY - {"909", "dx7", "b3"}:
        assert playing(f"a song about the {name} of my town") in (None, ()), name


CASES = [
    ("big band: two trumpets, trombone, alto sax, piano, bass and drums", (56, 56, 57, 65, 0, 33, DRUMS)),
    ("soprano, alto, tenor and baritone sax", (64, 65, 66, 67)),
    ("alto and tenor recorder with harp", (74, 74, 46)),
    ("viola and cello duo", (41, 42)),
    ("flute duo", (73, 73)),
    ("a bass line for double bass, and a violin", (43, 40)),
    ("snare drum, ride cymbal and congas with marimba", (DRUMS, 12)),
    ("trumpet trombone sax guitar bass drums", (56, 57, 65, 24, 33, DRUMS)),
    ("for flute or oboe", (73,)),
    ("drum and bass with synth pad", (89,)),
    ("jazz tune for piano trio", (0, 32, DRUMS)),
    ("piano trio in D", (40, 42, 0)),
    ("Klaviertrio in d-Moll", (40, 42, 0)),
]


@pytest.mark.parametrize(("text", "programs"), CASES)
def test_lists_and_groups(text, programs):
    assert playing(text) == programs


REFUSED = [
    ("piano without drums", (0,), (DRUMS,)),
    ("a rock band, no bass", (29, DRUMS), (32, 33, 34, 35, 36, 37, 38, 39, 43)),
    ("no drums, piano and flute", (0, 73), (DRUMS,)),
    ("no drums or piano; violin solo", (40,), (0, 1, 2, 3, DRUMS)),
    ("neither drums nor vocals, two guitars", (24, 24), (52, 53, 54, DRUMS)),
    ("Geige ohne Klavier", (40,), (0, 1, 2, 3)),
    ("no guitar but a lead guitar", (29,), (24, 25, 26, 27, 28, 30, 31)),
    ("no drums", None, (DRUMS,)),
]


@pytest.mark.parametrize(("text", "programs", "without"), REFUSED)
def test_what_is_not_to_play(text, programs, without):
    plan = parse_prompt(text).plan
    assert (plan.instruments, plan.without) == (programs, without)

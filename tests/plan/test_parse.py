"""Sentences as people write them, and what is understood of each."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partimento.errors import BadPlan
from partimento.plan import Plan
from partimento.plan.parse import (
    STYLES,
    parse_chords,
    parse_instruments,
    parse_prompt,
    parse_style,
    parse_tempo,
)
from partimento.representations.remi.vocabulary import STYLES as REMI_STYLES
from partimento.theory.key import Key

PIANO, VIOLINS, VIOLA, CELLO = "Acoustic Grand Piano", ["Violin", "Violin"], "Viola", "Cello"
QUARTET = [*VIOLINS, VIOLA, CELLO]
CHOIR = ["Choir Aahs"] * 4
GUITAR, BASS = "Acoustic Guitar (nylon)", "Electric Bass (finger)"

UNDERSTOOD = [
    (
        "a lively jig in D major, 6/8, for flute and guitar, 16 bars",
        {"style": "jig", "key": "D major", "meter": "6/8", "tempo_bpm": 172, "instruments": ["Flute", GUITAR],
         "bars": 16},
    ),
    (
        "slow air in G mixolydian for tin whistle and harp",
        {"style": "air", "key": "G mixolydian", "tempo_bpm": 66,
         "instruments": ["Whistle", "Orchestral Harp"]},
    ),
    ("string quartet in C-sharp minor, adagio",
     {"style": "quartet", "key": "C# minor", "tempo_bpm": 66, "instruments": QUARTET}),
    ("H dur Choral for SATB choir, 12 bars",
     {"style": "chorale", "key": "B major", "instruments": CHOIR, "bars": 12}),
    ("A waltz in A minor for two violins and cello at 120 bpm",
     {"style": "waltz", "key": "A minor", "meter": "3/4", "feel": "waltz", "tempo_bpm": 120,
      "instruments": [*VIOLINS, CELLO]}),
    ("reel", {"style": "reel", "meter": "4/4"}),
    ("waltz in 4/4", {"style": "waltz", "meter": "4/4", "feel": "waltz"}),
    ("Christmas carol in F for four voices and organ",
     {"style": "hymn", "key": "F major", "instruments": [*CHOIR, "Church Organ"]}),
    ("12-bar blues in E for electric guitar, bass and drums, chords E7 E7 E7 E7 A7 A7 E7 E7 B7 A7 E7 B7",
     {"key": "E major", "bars": 12, "instruments": ["Electric Guitar (clean)", BASS, "Drums"],
      "chords": ["E7", "E7", "E7", "E7", "A7", "A7", "E7", "E7", "B7", "A7", "E7", "B7"]}),
    ('a piano piece for piano in e-flat major, "Waltz in A minor"',
     {"title": "Waltz in A minor", "style": "piano", "key": "Eb major", "instruments": [PIANO]}),
    ("| Cmaj7 | Am7 D7 | Gmaj7 | % | for jazz trio",
     {"style": "lead sheet", "chords": ["Cmaj7", "Am7 D7", "Gmaj7", "Gmaj7"],
      "instruments": [PIANO, "Acoustic Bass", "Drums"]}),
    ("ii-V-I in Bb major for tenor sax",
     {"key": "Bb major", "chords": ["Cm", "F", "Bb"], "instruments": ["Tenor Sax"]}),
    ("something with Am F C G, lively, 8 bars",
     {"tempo_bpm": 138, "bars": 8, "chords": ["Am", "F", "C", "G"]}),
    ("duet for clarinet in B flat and piano in E flat major",
     {"key": "Eb major", "instruments": ["Clarinet", PIANO]}),
    ("a flute duet, 3/4", {"meter": "3/4", "instruments": ["Flute", "Flute"]}),
    ("for violin, violin, viola and cello", {"instruments": QUARTET}),
    ("violin I, violin II, viola, cello", {"instruments": QUARTET}),
    ("sixteen measures of polka for accordion",
     {"style": "polka", "meter": "2/4", "instruments": ["Accordion"], "bars": 16}),
    ("jig for flute and guitar with a sad mood",
     {"style": "jig", "meter": "6/8", "tempo_bpm": 90, "instruments": ["Flute", GUITAR]}),
    ("without drums, for piano and bass clarinet", {"instruments": [PIANO, "Clarinet"], "without": ["Drums"]}),
    ("hymn for organ, 90-100 bpm, common time",
     {"style": "hymn", "meter": "4/4", "tempo_bpm": 95, "instruments": ["Church Organ"]}),
    ("two flutes, 3 trumpets and a pair of horns",
     {"instruments": ["Flute"] * 2 + ["Trumpet"] * 3 + ["French Horn"] * 2}),
    ("cis-moll nocturne", {"style": "piano", "key": "C# minor"}),
    ("song for voice and piano, andante con moto",
     {"style": "song", "tempo_bpm": 92, "instruments": ["Voice Oohs", PIANO]}),
    ("a folk song for voice", {"style": "folk", "instruments": ["Voice Oohs"]}),
    ("video game music for synth and drums, uptempo, 32 bars, in F# minor",
     {"style": "game", "key": "F# minor", "tempo_bpm": 140,
      "instruments": ["Lead 1 (square)", "Drums"], "bars": 32}),
    ("lead sheet in Bb, swing, medium tempo",
     {"style": "lead sheet", "key": "Bb major", "tempo_bpm": 108, "feel": "swing"}),
    ("tune called 'The Old Mill' in Dm", {"title": "The Old Mill", "key": "D minor"}),
    ("♩ = 96, in 5/4 for marimba", {"meter": "5/4", "tempo_bpm": 96, "instruments": ["Marimba"]}),
    ("dotted quarter = 60 in 6/8", {"meter": "6/8", "tempo_bpm": 90}),
    ("chords: D, G, A7 and D for banjo", {"instruments": ["Banjo"], "chords": ["D", "G", "A7", "D"]}),
    ("a fugue in four voices for organ", {"instruments": ["Church Organ"]}),
    ("a minor key piece, slow", {"tempo_bpm": 66}),
    ("for soprano, alto, tenor and bass", {"instruments": ["Voice Oohs"] * 4}),
    ("for alto recorder and bass recorder", {"instruments": ["Recorder", "Recorder"]}),
    ("I-V-vi-IV progression in G major", {"key": "G major", "chords": ["G", "D", "Em", "C"]}),
    ("A major hymn", {"style": "hymn", "key": "A major"}),
    ("a major success for piano", {"instruments": [PIANO]}),
    ("an orchestral overture in B-flat major, allegro con brio",
     {"style": "orchestra", "key": "Bb major", "tempo_bpm": 144}),
    ("for clarinet, oboe & bassoon — 24 bars — 3/4 — F major",
     {"key": "F major", "meter": "3/4", "instruments": ["Clarinet", "Oboe", "Bassoon"], "bars": 24}),
    ('"a jig in D"', {"style": "jig", "meter": "6/8"}),
    ('The title is "Morning Rain"; key: G major; meter: 3/4; tempo: 96; instruments: flute, harp; bars: 24',
     {"title": "Morning Rain", "key": "G major", "meter": "3/4", "tempo_bpm": 96,
      "instruments": ["Flute", "Orchestral Harp"], "bars": 24}),
    ("in the key of F sharp minor", {"key": "F# minor"}),
    ("saxophone quartet in cut time, 100 bpm",
     {"style": "quartet", "meter": "2/2", "tempo_bpm": 100,
      "instruments": ["Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax"]}),
    ("kids song with voice, piano and hand claps", {"style": "song", "instruments": ["Voice Oohs", PIANO]}),
    ("in 7/8 at 140", {"meter": "7/8", "tempo_bpm": 140}),
    ("in 4/4, not 3/4", {"meter": "4/4"}),
    ("D dorian sea shanty with accordion", {"key": "D dorian", "instruments": ["Accordion"]}),
    ("mixolydian reel in A", {"style": "reel", "key": "A mixolydian", "meter": "4/4"}),
    ("Es-Dur Walzer für Klavier, 90 bpm",
     {"style": "waltz", "key": "Eb major", "meter": "3/4", "feel": "waltz", "tempo_bpm": 90, "instruments": [PIANO]}),
    ("Ländler für zwei Klarinetten in B-Dur",
     {"key": "Bb major", "meter": "3/4", "instruments": ["Clarinet", "Clarinet"]}),
    ("quartet for flute, violin, viola and cello",
     {"style": "quartet", "instruments": ["Flute", "Violin", VIOLA, CELLO]}),
    ("Vivace! Guitar duo in E minor, twelve-eight time",
     {"key": "E minor", "meter": "12/8", "tempo_bpm": 160, "instruments": [GUITAR, GUITAR]}),
    ("flute and piano, but no drums", {"instruments": ["Flute", PIANO], "without": ["Drums"]}),
    ("pop ballad, vi IV I V in C major, piano and vocals",
     {"style": "pop", "key": "C major", "chords": ["Am", "F", "C", "G"],
      "instruments": [PIANO, "Voice Oohs"]}),
    ("tango for violin, piano, double bass and bandoneon in A minor",
     {"key": "A minor", "instruments": ["Violin", PIANO, "Contrabass", "Tango Accordion"]}),
    ("starts with a C major chord, in G major", {"key": "G major"}),
    ("a march in March, for my daughter and friends", {"style": "march"}),
    ("for flute and guitar, joyful and bright", {"instruments": ["Flute", GUITAR]}),
    ("two 8-bar phrases in the key of love", {}),
    ("something beautiful about the sea", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD, ids=lambda value: value if isinstance(value, str) else "")
def test_understood(text, expected):
    assert parse_prompt(text).plan.to_dict() == expected


REFUSED = [
    ("", "empty"),
    ("  \n", "empty"),
    ("la " * 4000, "4000 words"),
    ("x" * 10_000, "10000 characters"),
    ("J major waltz", "'J major' is no key"),
    ("a waltz in key J", "'J' is no key"),
    ("in the key of H", "'H' is no key"),
    ("G# major", "8 accidentals"),
    ("piano, 0/4", "'0/4' is no meter"),
    ("in 4/5", "'4/5' is no meter"),
    ("-1 bars of piano", "-1 bars"),
    ("bars −1", "-1 bars"),
    ("0 bars", "0 bars"),
    ("257 bars", "257 bars"),
    ("2.5 bars", "whole number"),
    ("a jig at 5 bpm", "5 bpm"),
    ("tempo 400", "400 bpm"),
    ("jig for flute and kazoo", "'kazoo' has no sound in General MIDI; harmonica"),
    ("for theremin", "theremin"),
    ("a slip jig for whistle and hurdy-gurdy", "bagpipes comes nearest"),
    ("jig for flute and zyxophone", "'zyxophone' is no instrument"),
    ("for flute, blarg and guitar", "'blarg' is no instrument"),
    ("for 100 violins", "'100 violins'"),
    ("chords D G Q7 D", "'Q7' is no chord symbol"),
    ("ii V I chords", "needs a key"),
    ("3/4 and 4/4 tune", "'3/4' and '4/4' contradict"),
    ("tune in D major and in A minor", "contradict"),
    ("allegro, then presto", "contradict"),
    ("8 bars or 16 bars", "contradict"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=lambda value: value[:40])
def test_refused_in_one_line(text, message):
    with pytest.raises(BadPlan) as error:
        parse_prompt(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_wishes_know_their_words():
    understood = parse_prompt("a lively jig in D major for a flute and two guitars, chords D G A7 D")
    assert understood.words("key") == "in D major"
    assert understood.words("instruments") == "flute … two guitars"
    assert understood.words("chords") == "D G A7 D"
    assert understood.words("meter") == "jig"


def test_numbers_are_stronger_than_tempo_words_and_those_than_moods():
    assert parse_prompt("a lively, calm allegro").plan.tempo_bpm == 132
    assert parse_prompt("a lively allegro, 100 bpm").plan.tempo_bpm == 100


def test_chords():
    def text(chords, key=None):
        return [" ".join(map(str, bar)) for bar in parse_chords(chords, key)]

    assert text("D G A7 D") == ["D", "G", "A7", "D"]
    assert text("| Cmaj7 | Am7 D7 | % |") == ["Cmaj7", "Am7 D7", "Am7 D7"]
    assert text("C-G-Am-F") == ["C", "G", "Am", "F"]
    assert text("C - G → Am, F and Bb/D") == ["C", "G", "Am", "F", "Bb/D"]
    assert text("ii V7 Imaj7 vii°", Key.parse("Eb major")) == ["Fm", "Bb7", "Ebmaj7", "Ddim"]
    assert text("i bVI VII V7 vii°7", Key.parse("A minor")) == ["Am", "F", "G", "E7", "G#dim7"]
    for bad in ("", "| |", "D Q A", "ii V I", "C " * 300, "|" + "C " * 9 + "|"):
        with pytest.raises(BadPlan):
            parse_chords(bad)


def test_options():
    assert parse_instruments("flute, two violins and guitar") == (73, 40, 40, 24)
    assert parse_instruments("string quartet") == (40, 40, 41, 42)
    assert parse_instruments("Clarinet in Bb") == (71,)
    assert parse_tempo("120") == 120
    assert parse_tempo("allegro") == 132
    assert parse_style("Christmas carol") == "hymn"
    for reader, text in (
        (parse_instruments, "flute, glork"),
        (parse_instruments, " , "),
        (parse_tempo, "soon"),
        (parse_style, "x"),
    ):
        with pytest.raises(BadPlan):
            reader(text)


def test_styles_are_those_that_remi_has_tokens_for():
    assert set(STYLES) < set(REMI_STYLES)


WORDS = [*" ".join(text for text, _ in UNDERSTOOD).split(), *(text for text, _ in REFUSED if len(text) < 50),
         "-", "|", "9" * 400, "−", "in A", '"', "'", "²", "٣ bars", "٣/٤", "\0", "for", "and"]  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=6), min_size=1, max_size=25).map(" ".join))
def test_any_text_gives_a_plan_or_a_reason(text):
    with contextlib.suppress(BadPlan):
        plan = parse_prompt(text).plan
        assert Plan.from_dict(plan.to_dict()) == plan

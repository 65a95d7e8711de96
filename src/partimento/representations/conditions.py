"""A plan as a line of text or of words: what a model that is given chords or a plan reads before it writes.

The words are a small closed vocabulary, so that such a model needs no tokenizer of a language:

    chords    Dm7 | G7 | Cmaj7 /E | -
    plan      style_jig key_D-major meter_6/8 tempo_120 bars_4 instrument_flute : Dm7 | G7

Chords are spelled one way only for each pitch class, rare kinds and degrees become the nearest plain kind, and a
bass is a word of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from partimento.plan import Plan
from partimento.plan.plan import MAX_BARS
from partimento.representations.gridded.vocabulary import KEYS, METERS, STYLES
from partimento.theory.chord import KINDS, ChordSymbol
from partimento.theory.instrument import DRUMS, instrument_name
from partimento.theory.pitch import name, pitch_class

Says = Literal["chords", "plan"]
"""What a line says of a plan: its chords alone, or all that is stated."""
PAD, UNKNOWN, END = "[PAD]", "[UNK]", "[END]"
BAR, NO_CHORD, CHORDS_FOLLOW = "|", "-", ":"
_SPELLINGS = tuple((7 * tone + 5) % 12 - 5 for tone in range(12))
"""Line of fifths of each pitch class: D♭ to B, the black keys as D♭, E♭, F♯, A♭ and B♭."""
_TEMPO_STEP = 5


def line(plan: Plan, says: Says) -> str:
    """The plan in words of `vocabulary`, separated by spaces; empty where there is nothing to say."""
    chords = list(_chords(plan))
    if says == "chords":
        return " ".join(chords)
    stated = list(_stated(plan))
    return " ".join([*stated, CHORDS_FOLLOW, *chords] if chords else stated)


def sentence(plan: Plan, says: Says) -> str:
    """The same as a language model reads it: `style jig, key D major, … : Dm7 | G7`."""
    chords = " ".join(_chords(plan)).replace(" /", "/")
    if says == "chords":
        return chords
    stated = ", ".join(word.replace("_", " ").replace("-", " ") for word in _stated(plan))
    return f"{stated}: {chords}" if chords else stated


@cache
def vocabulary() -> tuple[str, ...]:
    """All words; the first three are special."""
    roots = [name(root) for root in _SPELLINGS]
    return (
        *(PAD, UNKNOWN, END, BAR, NO_CHORD, CHORDS_FOLLOW),
        *(str(ChordSymbol(root, kind)) for root in _SPELLINGS for kind in KINDS),
        *(f"/{root}" for root in roots),
        *(_word("style", style) for style in STYLES),
        *(_word("key", key) for key in KEYS if key is not None),
        *(_word("meter", meter) for meter in METERS),
        *(_word("tempo", tempo) for tempo in range(20, 301, _TEMPO_STEP)),
        *(_word("bars", bars) for bars in range(1, MAX_BARS + 1)),
        *(_word("instrument", instrument_name(program)) for program in range(DRUMS + 1)),
    )


def word_tokenizer() -> Tokenizer:
    """A tokenizer of lines, whose ids are places in `vocabulary`."""
    words = {word: index for index, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(WordLevel(words, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


def _word(field: str, value: object) -> str:
    return f"{field}_{value}".replace(" ", "-")


def _stated(plan: Plan) -> Iterator[str]:
    """One word for each wish but the chords."""
    tempo = plan.tempo_bpm and round(plan.tempo_bpm / _TEMPO_STEP) * _TEMPO_STEP
    fields = {"style": plan.style, "key": plan.key, "meter": plan.meter, "tempo": tempo, "bars": plan.bars}
    yield from (_word(field, value) for field, value in fields.items() if value is not None)
    yield from (_word("instrument", instrument_name(program)) for program in plan.instruments or ())


def _chords(plan: Plan) -> Iterator[str]:
    """Words of the chords, repeated until the plan's bars are full."""
    if not plan.chords:
        return
    bars = plan.bars or len(plan.chords)
    for bar in range(bars):
        if bar:
            yield BAR
        yield from _chord_words(plan.chords[bar % len(plan.chords)])


def _chord_words(bar: tuple[ChordSymbol, ...]) -> Iterator[str]:
    if not bar:
        yield NO_CHORD
    for chord in bar:
        yield str(ChordSymbol(_SPELLINGS[pitch_class(chord.root)], chord.plain.kind))
        if chord.bass is not None and pitch_class(chord.bass) != pitch_class(chord.root):
            yield f"/{name(_SPELLINGS[pitch_class(chord.bass)])}"

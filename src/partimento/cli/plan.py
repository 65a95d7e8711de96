"""`partimento plan`: what is understood of a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console
from partimento.cli.wishes import chords_from, like, print_plan, understand
from partimento.errors import BadInput
from partimento.plan import Plan
from partimento.plan.document import load_plan, save_plan
from partimento.theory.key import Key


def plan(
    *text: str,
    key: str | None = None,
    chords: str | None = None,
    plan: Path | None = None,
    like_: Annotated[Path | None, Parameter(name=["--like"])] = None,
    out: Path | None = None,
    tags: bool = True,
    reader: str = "",
    reader_model: str = "",
) -> None:
    """Show what is understood of a sentence, and write it down for editing.

    The table shows each wish, what it was understood as, the words that it came from and how sure it is: stated in
    figures or names, said in a word such as allegro, or hinted at by a mood or a dance; genre, mood, energy and
    occasion with a score. `partimento compose --plan` takes what `--out` has written.

    **Examples**

    - `partimento plan "a lively jig in D major for flute and guitar, 16 bars"`
    - `partimento plan "a slow waltz, very soft, AABA" --chords song.txt --out waltz.yaml`
    - `partimento plan --like song.mid --out like.yaml`
    - `partimento plan "something for a rainy Sunday" --reader http://127.0.0.1:11434/v1 --reader-model llama3.2`

    Args:
        text: The sentence.
        key: What Roman numerals count from, if the sentence does not say; stronger than the sentence.
        chords: Chords, "| D | G A7 |", a text file of them, or a score to take them from.
        plan: A plan to start from, as YAML or JSON.
        like_: A piece, as MIDI, MusicXML or ABC, to read the plan from.
        out: Where to write the plan: a name that ends in .yaml or .json.
        tags: Whether genre, mood, energy and occasion are looked for between the lines.
        reader: A language model that reads between the lines: address of an OpenAI-compatible server, or a GGUF file;
            PARTIMENTO_READER by default, a key is read from OPENAI_API_KEY.
        reader_model: Name of the server's model; PARTIMENTO_READER_MODEL by default.
    """
    if not text and not (plan or like_ or chords or key):
        raise BadInput('say what the piece should be, for example partimento plan "a jig in D major for flute"')
    words = " ".join(text)
    understood = understand(words, key=key, tags=tags, reader=reader, reader_model=reader_model) if text else None
    wishes = like(like_).merged(load_plan(plan) if plan else Plan())
    wishes = wishes.merged(understood.plan) if understood else wishes
    wishes = wishes.merged(Plan(key=Key.parse(key))) if key else wishes
    wishes = wishes.merged(Plan(chords=chords_from(chords, wishes.key))) if chords else wishes
    print_plan(understood, wishes)
    if out is not None:
        save_plan(wishes, out)
        console().print(f"{out}: to be edited, and for partimento compose --plan {out}", markup=False, soft_wrap=True)

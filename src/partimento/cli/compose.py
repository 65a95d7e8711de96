"""`partimento compose`: wishes into a piece, as files."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from partimento import __version__
from partimento.cli.check import page_maker, print_report
from partimento.cli.choosing import Chosen, checked, print_choice, write_best
from partimento.cli.console import console, table
from partimento.cli.files import load_tune
from partimento.cli.wishes import chords_from, like, print_plan, understand
from partimento.errors import BadInput
from partimento.evaluation.checking import CheckReport
from partimento.plan import Plan
from partimento.plan.document import load_plan
from partimento.plan.parse import (
    Understood,
    parse_instruments,
    parse_style,
    parse_tempo,
)
from partimento.plan.wishes import Harmony
from partimento.score import Score
from partimento.theory.key import Key
from partimento.theory.meter import Meter

if TYPE_CHECKING:
    from partimento.generation.compose import Composer
    from partimento.generation.sampling import Sampling
    from partimento.rendering.bundle import Page

_ROLL_BARS = 4
_MOST_SAMPLES = 1_000


def compose(
    *text: str,
    key: str | None = None,
    meter: str | None = None,
    tempo: str | None = None,
    instruments: Annotated[str | None, Parameter(name=["--instruments"])] = None,
    bars: int | None = None,
    chords: str | None = None,
    style: str | None = None,
    harmony: Harmony | None = None,
    title: str | None = None,
    plan: Path | None = None,
    like_: Annotated[Path | None, Parameter(name=["--like"])] = None,
    tags: bool = True,
    reader: str = "",
    reader_model: str = "",
    melody: Path | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    num_samples: int = 1,
    best_of: int = 1,
    model: Path | None = None,
    out: Path = Path("piece"),
) -> None:
    """Write a piece from a sentence, chords or nothing at all.

    Key, meter, tempo, instruments, number of bars and chords that are asked for are what the piece will have;
    everything else is the model's choice. Options are stronger than the sentence, the sentence is stronger than
    a plan file, and that than a piece to be like.

    Written are OUT.mid .musicxml .abc .wav, .svg (sheet music; further pages -2.svg …), .png (piano roll), .html (what
    became of each wish, with score and sound) and .plan.json. The same wishes, seed and model give the same files.

    **Examples**

    - `partimento compose "a lively jig in D major for flute and guitar, 16 bars" --seed 7 --out out/jig`
    - `partimento compose "a waltz for piano" --chords "G C D7 G" --temperature 0.8`
    - `partimento compose "a sad tune in A minor for cello, 8 bars" --best-of 8 --out out/sad`
    - `partimento compose --key "F# minor" --meter 3/4 --instruments "violin, cello" --bars 24`
    - `partimento compose --plan out/jig.plan.json --tempo 96 --out out/slower`
    - `partimento compose "for string quartet" --like song.mid --chords chords.txt`
    - `partimento compose "a slow song for flute, piano and bass" --melody tune.abc --out out/song`
    - `partimento compose --chords "Cmaj7 Am7 Dm7 G7" --num-samples 5 --model runs/jazz --out out/solo`

    Args:
        text: What the piece should be, in your words.
        key: Such as "D major", "F# minor", "G dorian".
        meter: Such as 4/4, 6/8.
        tempo: Quarter notes per minute, or a word such as allegro.
        instruments: Such as "flute, two violins and guitar".
        bars: How many, 1 to 256.
        chords: One to a bar, "D G A7 D", or "| D | G A7 |"; or a text file of them, or a score to take them from;
            repeated to the end.
        style: Such as jig, waltz, hymn, lead sheet.
        harmony: Which notes have to belong to the chord: none (a hint), those on strong beats, on beats, or all.
        title: What stands above the music.
        plan: A plan to start from: .yaml or .json, as partimento plan --out or an earlier piece wrote it.
        like_: A piece, as MIDI, MusicXML or ABC, whose plan to start from.
        tags: Whether genre, mood, energy and occasion are looked for between the lines.
        reader: A language model that reads between the lines: address of an OpenAI-compatible server, or a GGUF file;
            PARTIMENTO_READER by default, a key is read from OPENAI_API_KEY.
        reader_model: Name of the server's model; PARTIMENTO_READER_MODEL by default.
        melody: File with a melody, which becomes the top part; the rest is written around it.
        temperature: How daring the model is, usually 0.7 to 1.2.
        top_p: Share of the likeliest continuations to choose from, up to 1.
        seed: Number that decides between all the pieces that could come out; drawn by lot by default.
        num_samples: How many pieces to write; with seeds that follow each other, as OUT-1, OUT-2 and so on.
        best_of: How many pieces to write of which the one is kept that follows and sounds best; it says why.
        model: Folder of another model.
        out: Common beginning of the files' names.
    """
    from partimento.rendering.bundle import usable_prefix

    options = {"key": key, "meter": meter, "tempo": tempo, "instruments": instruments, "chords": chords,
               "bars": bars, "style": style, "harmony": harmony, "title": title}  # fmt: skip
    sentence = " ".join(text)
    understood = understand(sentence, key=key, tags=tags, reader=reader, reader_model=reader_model) if text else None
    wishes = gather(understood, options, plan, like_)
    if seed is not None and seed < 0:
        raise BadInput(f"--seed {seed}: a seed is 0 or more")
    if not 1 <= num_samples <= _MOST_SAMPLES:
        raise BadInput(f"--num-samples {num_samples}: choose from 1 to {_MOST_SAMPLES}")
    best_of = checked(best_of)
    seed = secrets.randbelow(2**31) if seed is None else seed
    sampling = {name: value for name, value in (("temperature", temperature), ("top_p", top_p)) if value is not None}
    prefixes = [usable_prefix(place) for place in _places(usable_prefix(out), num_samples)]
    words, composer, tune = " ".join(text), None, load_tune(melody) if melody else None
    for number, prefix in enumerate(prefixes):
        doing = f"composing {number + 1} of {num_samples}" if num_samples > 1 else "composing"
        with console().status(doing):
            composer = composer or _composer(model)
            piece = write_best(
                composer, wishes, understood, seed + number, best_of,
                text=words, sampling=_sampling(sampling), model=model, melody=tune,
            )  # fmt: skip
            made = {"text": words, "seed": piece.seed, "model": str(model or "starter"), **sampling}
            document = describe(wishes, piece.found, **made) | piece.to_dict()
            candidates = piece.choice.rows() if piece.choice else ()
            files = _written(piece.score, prefix, document, page_maker(piece.found, piece.score.title, candidates))
        _report(understood if number == 0 else None, wishes, piece, files)


def _places(out: Path, number: int) -> list[Path]:
    """Beginnings of the files' names of each piece."""
    return [out] if number == 1 else [out.with_name(f"{out.name}-{index}") for index in range(1, number + 1)]


def gather(
    understood: Understood | None, options: dict[str, Any], plan_file: Path | None, like_file: Path | None = None
) -> Plan:
    """The wishes of a piece, a plan file, a sentence and options together, the later ones stronger.

    Raises:
        BadInput: one of them cannot be understood.
    """
    wishes = like(like_file).merged(load_plan(plan_file) if plan_file else Plan())
    wishes = wishes.merged(understood.plan) if understood else wishes
    given = {name: value for name, value in options.items() if value is not None}
    readers = {
        "key": Key.parse,
        "meter": Meter.parse,
        "tempo": parse_tempo,
        "instruments": parse_instruments,
        "style": parse_style,
    }
    stated: dict[str, Any] = {name: reader(given[name]) for name, reader in readers.items() if name in given}
    if "chords" in given:
        stated["chords"] = chords_from(given["chords"], stated.get("key", wishes.key))
    if "tempo" in stated:
        stated["tempo_bpm"] = stated.pop("tempo")
    plain = {name: given.get(name) for name in ("bars", "harmony")}
    return wishes.merged(Plan(title=given.get("title", ""), **plain, **stated))


def describe(wishes: Plan, found: CheckReport, **made_with: Any) -> dict[str, Any]:
    """What stands in `.plan.json`: the plan, what it was made with, and what became of each wish."""
    return {"plan": wishes.to_dict(), "made_with": {"partimento": __version__, **made_with}, **found.to_dict()}


def _sampling(stated: dict[str, float]) -> Sampling:
    from partimento.generation.sampling import Sampling

    return Sampling(**stated)  # pyright: ignore[reportArgumentType]


def _composer(model: Path | None) -> Composer:
    from partimento.generation.compose import Composer  # loads torch, which wrong wishes need not wait for

    return Composer(model)


def _written(score: Score, prefix: Path, document: dict[str, Any], page: Page) -> list[Path]:
    from partimento.rendering.bundle import write_bundle

    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    with quiet_about_losses():
        return write_bundle(score, prefix, {".plan.json": text.encode()}, page)


@contextmanager
def quiet_about_losses() -> Generator[None]:
    """Say nothing of what a format cannot say: of a piece that nobody has seen yet it is no loss to report."""
    losses = logging.getLogger("partimento.io")
    losses.addFilter(_silent)
    try:
        yield
    finally:
        losses.removeFilter(_silent)


def _silent(record: logging.LogRecord) -> bool:
    return record.levelno > logging.WARNING


def _report(
    understood: Understood | None,
    wishes: Plan,
    piece: Chosen,
    files: Sequence[Path],
) -> None:
    from partimento.rendering.terminal import to_terminal

    terminal = console()
    print_plan(understood, wishes)
    terminal.print()
    print_report(piece.found)
    if piece.choice:
        terminal.print()
        print_choice(piece.choice)
    terminal.print()
    terminal.print(Text(to_terminal(piece.score, terminal.width, _ROLL_BARS)), no_wrap=True)
    terminal.print()
    terminal.print(table([(str(file), _size(file.stat().st_size)) for file in files], ("file", "size")))
    terminal.print(f"seed {piece.seed}", markup=False)


def _size(size_byte: int) -> str:
    return f"{size_byte / 1000:,.0f} kB" if size_byte >= 1000 else f"{size_byte} bytes"

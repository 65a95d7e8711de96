"""`partimento show`: what is in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from partimento.analysis import estimate_key
from partimento.cli.console import console, table
from partimento.cli.files import Tune, load_tune
from partimento.errors import BadFile
from partimento.io import make_folder
from partimento.score import DEFAULT_TEMPO_BPM, Score
from partimento.theory.instrument import instrument_name
from partimento.theory.key import Key
from partimento.theory.meter import Meter
from partimento.theory.tempo import tempo_word

_MOST_CHANGES, _MOST_CHORDS = 8, 16


def show(source: Path, /, *, tune: Tune = 1, bars: int = 8, out: Path | None = None) -> None:
    """Show what is in a file, with a small piano roll.

    **Examples**

    - `partimento show song.mid`
    - `partimento show tunes.abc --tune 3 --bars 16`
    - `partimento show song.mid --out roll.svg`

    Args:
        source: MIDI, MusicXML or ABC file.
        tune: Which tune of a file that holds several.
        bars: How many bars the piano roll shows, 0 for none.
        out: Picture of the whole piece as a piano roll, .svg or .png.
    """
    if out is not None and out.suffix.lower() not in (".svg", ".png"):
        raise BadFile(out, "piano rolls are drawn as .svg or .png; end the name in one of these")
    score = load_tune(source, tune)
    print_score(score, bars)
    if out is not None:
        _draw(score, out)


def _draw(score: Score, out: Path) -> None:
    from partimento.rendering import piano_roll, roll_svg

    make_folder(out.parent)
    if out.suffix.lower() == ".svg":
        roll_svg.to_svg(score, out)
    else:
        piano_roll.draw(score, out)
    console().print(f"{out}: piano roll", markup=False, soft_wrap=True)


def print_score(score: Score, bars: int) -> None:
    """Print facts, parts and the piano roll of the first bars."""
    from partimento.rendering.terminal import to_terminal

    terminal = console()
    terminal.print(table(facts(score)))
    terminal.print()
    terminal.print(table(_parts(score), ("part", "instrument", "notes", "range")))
    if bars > 0 and len(score.notes):
        terminal.print()
        terminal.print(Text(to_terminal(score, terminal.width, bars)), no_wrap=True)


def facts(score: Score) -> Iterator[tuple[str, str]]:
    """What there is to say about a piece, as (name, text)."""
    yield "title", score.title or "untitled"
    if score.composer:
        yield "composer", score.composer
    yield "key", _key(score)
    yield (
        "meter",
        _changes([str(Meter(*row)) for row in score.meters[["beats", "beat_type"]].tolist()]) or "none",
    )
    yield "tempo", _tempo(score)
    pickup = " with the pickup" if score.has_pickup else ""
    yield "bars", f"{len(score.measures)}{pickup}" if len(score.measures) else "none"
    seconds = float(score.seconds_at(score.end_tick))
    yield "duration", f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    if chords := [str(event.symbol) if event.symbol else "N.C." for event in score.chords]:
        yield "chords", " ".join(chords[:_MOST_CHORDS]) + (" …" if len(chords) > _MOST_CHORDS else "")


def _key(score: Score) -> str:
    stated = [Key.from_ids(*row) for row in score.keys[["fifths", "mode"]].tolist()]
    if not stated:
        return f"{estimate_key(score)[0]}, by the notes; none is stated" if len(score.notes) else "none"
    text = _changes([str(key) for key in stated])
    if all(key.mode is None for key in stated):
        text += f"; {estimate_key(score, stated[0].fifths)[0]} by the notes"
    return text


def _tempo(score: Score) -> str:
    if not len(score.tempos):
        return f"not stated; played at {DEFAULT_TEMPO_BPM:g} bpm"
    tempi = score.tempos["tempo_bpm"].tolist()
    return f"{_changes([f'{tempo:.4g}' for tempo in tempi])} bpm ({tempo_word(tempi[0])})"


def _changes(values: list[str]) -> str:
    """Values in their order, each once however often it comes in a row."""
    runs = [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]
    return ", ".join(runs[:_MOST_CHANGES]) + (f", … ({len(runs)} in all)" if len(runs) > _MOST_CHANGES else "")


def _parts(score: Score) -> Iterator[tuple[str, str, str, str]]:
    sounding = score.sounding().notes
    for index, part in enumerate(score.parts):
        pitches = sounding["pitch"][sounding["part"] == index]
        span = f"{_pitch(pitches.min())}–{_pitch(pitches.max())}" if len(pitches) and not part.is_drums else ""
        program = part.instrument
        yield part.name or str(index + 1), instrument_name(program), str(len(pitches)), span


def _pitch(number: int) -> str:
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    return f"{names[int(number) % 12]}{int(number) // 12 - 1}"

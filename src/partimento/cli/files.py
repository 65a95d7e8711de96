"""`partimento convert`, `play` and `print`: one file into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from partimento.cli.console import console, plain
from partimento.errors import BadFile, BadInput
from partimento.io import format_of, load_scores, save_score, write_bytes
from partimento.score import Score

_NOTATION = {".musicxml", ".xml", ".mxl", ".abc"}
Tune = Annotated[int, Parameter(name=["--tune"])]


def load_tune(path: Path, tune: int = 1) -> Score:
    """A piece of a file, counted from 1.

    Raises:
        BadFile: the file cannot be read, or has fewer pieces.
    """
    scores = load_scores(path)
    if not scores:
        raise BadFile(path, "there is no music in it")
    if not 1 <= tune <= len(scores):
        raise BadInput(f"--tune {tune}: {path} has {len(scores)} tune{'s' * (len(scores) > 1)}")
    if len(scores) > 1:
        console().print(f"tune {tune} of {len(scores)}: {plain(scores[tune - 1].title) or 'untitled'}", markup=False)
    return scores[tune - 1]


def make_folder(folder: Path) -> None:
    """Make a folder where there is none.

    Raises:
        BadFile: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(folder, f"no folder can be made here ({(error.strerror or 'error').lower()})") from None


def convert(source: Path, target: Path, /, *, tune: Tune = 1) -> None:
    """Turn a MIDI, MusicXML or ABC file into another of these.

    The endings say which: .mid .midi .musicxml .xml .mxl .abc. MIDI becomes notation with spelled notes,
    staves, voices and ties.

    **Examples**

    - `partimento convert song.mid song.musicxml`
    - `partimento convert tunes.abc jig.mid --tune 12`

    Args:
        source: File to read.
        target: File to write; it is replaced if it exists.
        tune: Which tune of a file that holds several.
    """
    from partimento.notation import engrave

    kind = format_of(target)
    score = load_tune(source, tune)
    if target.suffix.lower() in _NOTATION:
        score = engrave(score)
    save_score(score, target)
    bars = f"{len(score.measures)} bars, " if len(score.measures) else ""
    parts = f"{len(score.parts)} part{'s' * (len(score.parts) != 1)}"
    console().print(f"{target}: {kind.name}, {parts}, {bars}{len(score.notes)} notes", markup=False)


def play(source: Path, /, *, out: Path, tune: Tune = 1, soundfont: Path | None = None) -> None:
    """Play a file into a sound file.

    **Examples**

    - `partimento play jig.musicxml --out jig.wav`
    - `partimento play jig.mid --out jig.mp3 --soundfont FluidR3_GM.sf2`

    Args:
        source: MIDI, MusicXML or ABC file.
        out: Sound file, .wav .flac .ogg or .mp3.
        tune: Which tune of a file that holds several.
        soundfont: SF2 file to play with instead of the one that comes along.
    """
    from partimento.rendering import audio

    if out.suffix.lower() not in audio.FORMATS:
        raise BadFile(out, f"sound is written as {', '.join(audio.FORMATS)}; end the name in one of these")
    samples = audio.render(load_tune(source, tune), soundfont=soundfont)
    make_folder(out.parent)
    audio.save_audio(samples, out)
    console().print(f"{out}: {len(samples) / 44100:.0f} s of sound", markup=False)


def print_pages(source: Path, /, *, out: Path, tune: Tune = 1) -> None:
    """Engrave a file as sheet music.

    Pages after the first are numbered: jig.svg, jig-2.svg.

    **Examples**

    - `partimento print jig.mid --out jig.svg`
    - `partimento print jig.musicxml --out jig.png`

    Args:
        source: MIDI, MusicXML or ABC file.
        out: Picture, .svg or .png.
        tune: Which tune of a file that holds several.
    """
    from partimento.notation import engrave
    from partimento.rendering import sheet
    from partimento.rendering.bundle import page_path

    if out.suffix.lower() not in (".svg", ".png"):
        raise BadFile(out, "pages are written as .svg or .png; end the name in one of these")
    for page, svg in enumerate(sheet.score_to_svg(engrave(load_tune(source, tune))), start=1):
        write_bytes(page_path(out, page), svg.encode() if out.suffix.lower() == ".svg" else sheet.to_png(svg))
        console().print(f"{page_path(out, page)}: page {page}", markup=False)

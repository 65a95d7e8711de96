"""`partimento convert`: one file into another, and what the other could not say."""

from __future__ import annotations

from pathlib import Path

from partimento.cli.console import console
from partimento.cli.files import NOTATION, Tune, load_tune
from partimento.io import format_of, losses, save_score
from partimento.score import Score

_MOST_KINDS = 12


def convert(source: Path, target: Path, /, *, tune: Tune = 1, as_written: bool = False) -> None:
    """Turn a MIDI, MusicXML or ABC file into another of these.

    The endings say which: .mid .midi .musicxml .xml .mxl .abc. MIDI becomes notation with spelled notes,
    staves, voices and ties. Notation becomes MIDI as it is played: repeats, ornaments and dynamics are
    carried out. What the other format cannot say is listed.

    **Examples**

    - `partimento convert song.mid song.musicxml`
    - `partimento convert tunes.abc jig.mid --tune 12`
    - `partimento convert sonata.mxl sonata.mid --as-written`

    Args:
        source: File to read.
        target: File to write; it is replaced if it exists.
        tune: Which tune of a file that holds several.
        as_written: Notes in MIDI as they stand on paper: no repeat and no ornament is carried out.
    """
    kind = format_of(target)
    score = load_tune(source, tune)
    becomes_notation = target.suffix.lower() in NOTATION
    played: dict[str, int] = {}
    if becomes_notation:
        from partimento.notation import engrave

        score = engrave(score)
    elif source.suffix.lower() in NOTATION:
        from partimento.rendering.performance import performed

        written, score = score, performed(score, as_written=as_written)
        played = losses(written, score)
    save_score(score, target)
    _report(target, score, kind.name)
    if played:
        console().print(f"carried out in the notes: {_listed(played)}", markup=False, soft_wrap=True)
    if missing := losses(score, kind.sayable(score)):
        console().print(f"left out, as {kind.name} cannot say it: {_listed(missing)}", markup=False, soft_wrap=True)


def _report(target: Path, score: Score, kind: str) -> None:
    bars = f"{len(score.measures)} bars, " if len(score.measures) else ""
    parts = f"{len(score.parts)} part{'s' * (len(score.parts) != 1)}"
    console().print(f"{target}: {kind}, {parts}, {bars}{len(score.notes)} notes", markup=False, soft_wrap=True)


def _listed(kinds: dict[str, int]) -> str:
    shown = [f"{count} {kind}" if count > 1 else kind for kind, count in list(kinds.items())[:_MOST_KINDS]]
    return ", ".join(shown) + (f" and {len(kinds) - _MOST_KINDS} more kinds" if len(kinds) > _MOST_KINDS else "")

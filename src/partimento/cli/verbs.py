"""`partimento continue`, `infill`, `accompany`, `vary` and `harmonise`: what can be done with music that exists."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from partimento import __version__
from partimento.cli.console import console, table
from partimento.cli.files import load_tune
from partimento.errors import BadInput
from partimento.plan.parse import parse_chords, parse_instruments
from partimento.score import Score

if TYPE_CHECKING:
    from partimento.generation.sampling import Sampling
    from partimento.generation.writer import Writer

_ROLL_BARS = 4
_MOST_SAMPLES = 1_000


@Parameter(name="*")
@dataclass(frozen=True)
class How:
    """What all of these commands take."""

    out: Annotated[Path | None, Parameter(help="Common beginning of the files' names; IN-VERB by default.")] = None
    seed: Annotated[
        int | None, Parameter(help="Number that decides between all that could come out; drawn by lot by default.")
    ] = None
    num_samples: Annotated[
        int, Parameter(help="How many versions; with seeds that follow each other, as OUT-1, OUT-2 and so on.")
    ] = 1
    temperature: Annotated[float | None, Parameter(help="How daring the model is, usually 0.7 to 1.2.")] = None
    top_p: Annotated[float | None, Parameter(help="Share of the likeliest continuations to choose from, up to 1.")] = (
        None
    )
    model: Annotated[Path | None, Parameter(help="Folder of another model.")] = None
    tune: Annotated[int, Parameter(help="Which tune of a file that holds several.")] = 1

    def seeds(self) -> range:
        """Seed of each version.

        Raises:
            BadInput: seed or number of versions are out of range.
        """
        if self.seed is not None and self.seed < 0:
            raise BadInput(f"--seed {self.seed}: a seed is 0 or more")
        if not 1 <= self.num_samples <= _MOST_SAMPLES:
            raise BadInput(f"--num-samples {self.num_samples}: choose from 1 to {_MOST_SAMPLES}")
        first = secrets.randbelow(2**31) if self.seed is None else self.seed
        return range(first, first + self.num_samples)

    def stated(self) -> dict[str, Any]:
        """Settings of the sampling that were given."""
        given = {"temperature": self.temperature, "top_p": self.top_p}
        return {name: value for name, value in given.items() if value is not None}


_USUAL = How()


def continue_(source: Path, /, *, bars: int = 8, how: How = _USUAL) -> None:
    """Go on with a piece, and bring it to an end.

    Key, meter, tempo and instruments are as at the end of the piece, and what stands there stays as it is. Any
    model of tokens can do this.

    Written are OUT.mid .musicxml .abc .wav, .svg (sheet music; further pages -2.svg …), .png (piano roll) and
    .plan.json, and the format of IN where it is another. The same file, wishes, seed and model give the same files.

    **Examples**

    - `partimento continue sketch.mid --bars 8`
    - `partimento continue song.musicxml --bars 16 --num-samples 3 --seed 1 --out out/song`

    Args:
        source: MIDI, MusicXML or ABC file.
        bars: How many to write.
    """

    def written(score: Score, **with_: Any) -> Score:
        from partimento.generation import verbs

        return verbs.continue_(score, bars, **with_)

    _run("continued", source, how, written, {"bars": bars})


def infill(source: Path, /, *, bars: str, parts: str | None = None, how: How = _USUAL) -> None:
    """Write some bars again, all the rest as it stands.

    The notes around them, before and behind, are heard, and stay as they are.

    Written are OUT.mid .musicxml .abc .wav, .svg (sheet music; further pages -2.svg …), .png (piano roll) and
    .plan.json, and the format of IN where it is another. The same file, wishes, seed and model give the same files.

    **Examples**

    - `partimento infill song.musicxml --bars 9-12`
    - `partimento infill quartet.mxl --bars 5 --parts "Violin I, Viola" --seed 3 --out out/quartet`

    Args:
        source: MIDI, MusicXML or ABC file.
        bars: Such as 9-12, or 9; a pickup is bar 0.
        parts: Names of the parts to write, or their numbers, with commas between; all by default.
    """
    span, names = _span(bars), None if parts is None else _names(parts)

    def written(score: Score, **with_: Any) -> Score:
        from partimento.generation import verbs

        return verbs.infill(score, span, names, **with_)

    _run("infilled", source, how, written, {"bars": bars, "parts": parts})


def accompany(
    source: Path, /, *, instruments: Annotated[str, Parameter(name=["--instruments"])], how: How = _USUAL
) -> None:
    """Add parts that accompany a piece, which itself stays as it is.

    Written are OUT.mid .musicxml .abc .wav, .svg (sheet music; further pages -2.svg …), .png (piano roll) and
    .plan.json, and the format of IN where it is another. The same file, wishes, seed and model give the same files.

    **Examples**

    - `partimento accompany tune.abc --instruments "piano, bass, drums"`
    - `partimento accompany song.mid --instruments cello --temperature 0.7 --out out/with-cello`

    Args:
        source: MIDI, MusicXML or ABC file.
        instruments: Such as "piano, bass and drums".
    """
    programs = parse_instruments(instruments)

    def written(score: Score, **with_: Any) -> Score:
        from partimento.generation import verbs

        return verbs.accompany(score, programs, **with_)

    _run("accompanied", source, how, written, {"instruments": instruments})


def vary(source: Path, /, *, amount: float = 0.3, parts: str | None = None, how: How = _USUAL) -> None:
    """Write a share of the notes again, in bars of single parts drawn by lot.

    Form and harmony stay: new notes keep to the chords that stood there, and the last bar is left alone.

    Written are OUT.mid .musicxml .abc .wav, .svg (sheet music; further pages -2.svg …), .png (piano roll) and
    .plan.json, and the format of IN where it is another. The same file, wishes, seed and model give the same files.

    **Examples**

    - `partimento vary song.musicxml --amount 0.3`
    - `partimento vary quartet.mxl --amount 0.5 --parts "Violin I" --num-samples 3`

    Args:
        source: MIDI, MusicXML or ABC file.
        amount: Share of the notes, above 0 and up to 1.
        parts: Names of the parts that may be varied, or their numbers, with commas between; all by default.
    """
    names = None if parts is None else _names(parts)

    def written(score: Score, **with_: Any) -> Score:
        from partimento.generation import verbs

        return verbs.vary(score, amount, names, **with_)

    _run("varied", source, how, written, {"amount": amount, "parts": parts})


def harmonise(
    source: Path,
    /,
    *,
    instruments: Annotated[str | None, Parameter(name=["--instruments"])] = None,
    part: str | None = None,
    chords: str | None = None,
    how: How = _USUAL,
) -> None:
    """Give a melody chords, and an alto, a tenor and a bass below it.

    The chords are those that the file states, or the likeliest under the melody; the voices keep to the rules of
    strict writing. No model is needed; temperature says how much the seed matters, 0 not at all.

    Written are OUT.mid .musicxml .abc .wav, .svg (sheet music; further pages -2.svg …), .png (piano roll) and
    .plan.json, and the format of IN where it is another. The same file, wishes and seed give the same files.

    **Examples**

    - `partimento harmonise hymn.abc`
    - `partimento harmonise tune.mid --chords "| D | G A7 | D |" --instruments "clarinet, viola, bassoon"`

    Args:
        source: MIDI, MusicXML or ABC file.
        instruments: Three, from high to low; choir or strings by default.
        part: Name or number of the part with the melody; the highest by default.
        chords: One to a bar, "D G A7 D", or "| D | G A7 |"; repeated to the end.
    """
    programs = None if instruments is None else parse_instruments(instruments)
    melody = None if part is None else _names(part)[0]

    def written(score: Score, *, writer: object, **with_: Any) -> Score:
        from partimento.generation import verbs

        key = score.key_at(0)
        wanted = None if chords is None else parse_chords(chords, key)
        return verbs.harmonise(score, programs, melody, wanted, **with_)

    _run("harmonised", source, how, written, {"instruments": instruments, "part": part, "chords": chords})


def _span(bars: str) -> tuple[int, int]:
    """First and last of `9-12` or `9`.

    Raises:
        BadInput: it is neither.
    """
    match = re.fullmatch(r"\s*(\d{1,5})\s*(?:[-–:]\s*(\d{1,5}))?\s*", bars)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise BadInput(f"--bars {bars!r}: say a bar such as 9, or the first and the last such as 9-12")
    return int(match[1]), int(match[2] or match[1])


def _names(parts: str) -> list[int | str]:
    """Names as they are, numbers counted from 1 as indices."""
    words = [word.strip() for word in parts.split(",") if word.strip()]
    return [int(word) - 1 if word.isdecimal() else word for word in words]


def _run(verb: str, source: Path, how: How, written: Callable[..., Score], wishes: dict[str, Any]) -> None:
    """Write every version, and its files."""
    from partimento.rendering.bundle import usable_prefix

    score, seeds = load_tune(source, how.tune), how.seeds()
    out = usable_prefix(how.out or Path(f"{source.stem}-{verb}"))
    places = [out] if len(seeds) == 1 else [out.with_name(f"{out.name}-{n + 1}") for n in range(len(seeds))]
    prefixes = [usable_prefix(place) for place in places]
    writer: Writer | None = None
    for number, (seed, prefix) in enumerate(zip(seeds, prefixes, strict=True), 1):
        doing = f"writing {number} of {len(seeds)}" if len(seeds) > 1 else "writing"
        with console().status(doing):
            writer = writer or (None if verb == "harmonised" else _writer(how.model))
            result = written(score, writer=writer, seed=seed, sampling=_sampling(how.stated()))
            made = {"partimento": __version__, "seed": seed, "model": str(how.model or "starter"), **how.stated()}
            document = {"verb": verb, "of": source.name, **wishes, "made_with": made}
            files = save_changed(result, prefix, source, document)
        _report(score, result, files, seed)


def save_changed(score: Score, prefix: Path, source: Path, document: dict[str, Any]) -> list[Path]:
    """Write a changed piece as `compose` writes its pieces, and in the format of the file that it was.

    The MIDI file holds the notes as they are, not as they are engraved.
    """
    from partimento.cli.compose import quiet_about_losses
    from partimento.io import format_of, midi
    from partimento.rendering.bundle import SUFFIXES, write_bundle

    documents = {".plan.json": (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()}
    with quiet_about_losses():
        documents[".mid"] = midi.write(score)
        if source.suffix.lower() not in (*SUFFIXES, ".midi", ".xml"):
            documents[source.suffix.lower()] = format_of(source).write(score)
        return write_bundle(score, prefix, documents)


def _writer(model: Path | None) -> Writer:
    from partimento.generation.writer import Writer  # loads torch, which wrong wishes need not wait for

    return Writer(model)


def _sampling(stated: dict[str, Any]) -> Sampling:
    from partimento.generation.sampling import Sampling

    return Sampling(**stated)


def _report(before: Score, after: Score, files: list[Path], seed: int) -> None:
    terminal = console()
    for line in _changes(before, after):
        terminal.print(line, markup=False)
    terminal.print(table([(str(file), f"{file.stat().st_size / 1000:,.1f} kB") for file in files], ("file", "size")))
    terminal.print(f"seed {seed}", markup=False)


def _changes(before: Score, after: Score) -> Iterator[Text | str]:
    """What is new, in words."""
    old = set(before.notes["note_id"].tolist())
    now = set(after.notes["note_id"].tolist())
    if not len(before.measures):
        yield "the file states no bars; they were found from its notes, which stay where they were"
    yield f"{len(old & now)} notes as they were, {len(old - now)} replaced, {len(now - old)} new"

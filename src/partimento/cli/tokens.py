"""`partimento encode` and `decode`: music as models read it, and back."""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import yaml
from cyclopts import Parameter

from partimento.cli.console import console
from partimento.cli.files import NOTATION, Tune, load_tune
from partimento.errors import BadFile, BadInput
from partimento.io import FORMATS, format_of, read_bytes, save_score, write_bytes
from partimento.plan import Compose
from partimento.representations import (
    REPRESENTATIONS,
    TEXT_REPRESENTATIONS,
    Losses,
    Representation,
    TextRepresentation,
    create,
    create_text,
)
from partimento.representations import documents as token_files
from partimento.score import Score

_SOUND = (".wav", ".flac", ".ogg", ".mp3")
_RATE = 44100
As = Annotated[str | None, Parameter(name=["--as"])]


def encode(
    source: Path,
    /,
    *,
    as_: Annotated[str, Parameter(name=["--as"])],
    out: Path,
    tokens: bool = False,
    context: int = 1 << 20,
    option: tuple[str, ...] = (),
    tune: Tune = 1,
) -> None:
    """Turn a file into the tokens or the text that a model reads.

    Text representations (abc, chord_llama, event_json) are written as text. The others are written as .json, which
    decode reads without being told what it is, as .txt with a line of ids per window, or as .tokens with names.
    What the representation cannot say is counted. For abc and chord_llama as text, what was only played is put on a
    page first, as `convert` does.

    **Examples**

    - `partimento encode song.mid --as amt --out song.json`
    - `partimento encode song.mid --as amt --out song.txt --context 1024`
    - `partimento encode song.mxl --as chord_llama --out song.yaml`
    - `partimento encode song.mxl --as remi --option velocities=true --out song.tokens`

    Args:
        source: MIDI, MusicXML or ABC file.
        as_: Name of the representation: abc, amt, performance, remi; chord_llama, event_json (text).
        out: File to write; it is replaced if it exists.
        tokens: Tokens, where the representation is text and tokens both (abc); a file .json or .tokens says it, too.
        context: Most tokens in a window; longer pieces are cut.
        option: Options of the representation, NAME=VALUE.
        tune: Which tune of a file that holds several.
    """
    options = _options(option)
    if _is_text(as_, tokens, out):
        _write_text(create_text(as_, **options), load_tune(source, tune), out)
        return
    _known(as_)
    if out.suffix.lower() not in token_files.SUFFIXES:
        raise BadFile(out, f"tokens are written as {', '.join(token_files.SUFFIXES)}; end the name in one of these")
    if context < 16:
        raise BadInput(f"--context {context}: a window has at least 16 tokens")
    _write_tokens(create(as_, **options), load_tune(source, tune), out, context)


def decode(
    source: Path,
    /,
    *,
    out: Path,
    as_: As = None,
    tokens: bool = False,
    option: tuple[str, ...] = (),
) -> None:
    """Turn tokens or text of a model into music again.

    **Examples**

    - `partimento decode song.json --out song.mid`
    - `partimento decode song.yaml --as chord_llama --out song.musicxml`
    - `partimento decode model-output.txt --as amt --out take.wav`

    Args:
        source: File with tokens or text, such as encode writes or a model.
        out: File to write: MIDI, MusicXML, ABC, or sound (.wav .flac .ogg .mp3).
        as_: Name of the representation; by default what the file says or its ending tells.
        tokens: Tokens, where the representation is text and tokens both (abc); a file .json or .tokens says it, too.
        option: Options of the representation, NAME=VALUE.
    """
    if out.suffix.lower() not in _SOUND:
        format_of(out)  # a wrong ending is told before the work
    score = _read(source, as_, tokens, _options(option))
    if not len(score.notes):
        raise BadFile(source, "there is no note in it")
    _save(score, out)


def _read(source: Path, name: str | None, tokens: bool, options: dict[str, Any]) -> Score:
    kind = source.suffix.lower()
    name = name or _name_in(source, kind)
    if name is not None and _is_text(name, tokens, source):
        return _read_text(source, create_text(name, **options))
    if name is not None:
        _known(name)
    representation = create(name, **options) if name is not None and kind != ".json" else None
    document = token_files.read_document(source, representation)
    if name not in (None, document.representation.name):
        raise BadFile(source, f"holds tokens of {document.representation.name}, not of {name}; leave --as out")
    if dropped := sum(window.dropped for window in document.windows):
        console().print(f"left out: {dropped:,} × token that belongs to no note", markup=False, soft_wrap=True)
    return token_files.decode_piece(document)


def _is_text(name: str, tokens: bool, file: Path) -> bool:
    """Whether a file is to hold text; of what is text and tokens both, .tokens and .json hold tokens."""
    return name in TEXT_REPRESENTATIONS and not (
        name in REPRESENTATIONS and (tokens or file.suffix.lower() in (".tokens", ".json"))
    )


def _read_text(source: Path, representation: TextRepresentation) -> Score:
    data = read_bytes(source)
    try:
        return representation.read(data.decode("utf-8-sig"), Compose())
    except UnicodeDecodeError:
        raise BadFile(source, "is no text in UTF-8") from None
    except BadFile as error:
        raise BadFile(source, error.reason) from None
    except BadInput as error:
        raise BadFile(source, str(error)) from None


def _name_in(source: Path, suffix: str) -> str | None:
    """The text representation that a file's ending tells, None where the file is to say itself."""
    if suffix == ".json" and b'"representation"' in read_bytes(source)[:4096]:
        return None
    for name in TEXT_REPRESENTATIONS:
        if create_text(name).suffix == suffix:
            return name
    if suffix in token_files.SUFFIXES:
        return None
    raise BadFile(source, "its ending does not tell what it is; say it with --as")


def _known(name: str) -> None:
    names = [*REPRESENTATIONS, *(n for n in TEXT_REPRESENTATIONS if n not in REPRESENTATIONS)]
    if name not in REPRESENTATIONS:
        close = difflib.get_close_matches(name, names, n=1)
        mend = f"do you mean {close[0]}?" if close else f"choose from {', '.join(names)}"
        raise BadInput(f"--as {name}: there is no such representation; {mend}")


def _options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Options NAME=VALUE, the values read as YAML.

    Raises:
        BadInput: one is no such pair.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not equals or not name.isidentifier():
            raise BadInput(f"--option {pair}: write NAME=VALUE, such as velocities=true")
    return options


def _write_text(representation: TextRepresentation, score: Score, out: Path) -> None:
    if representation.is_notation:
        from partimento.notation import engrave

        score = engrave(score)
    text = representation.write(score, Compose())
    write_bytes(out, text.encode())
    lines = text.count("\n") + (not text.endswith("\n"))
    _report(out, f"{representation.name}, {lines:,} lines, {len(text):,} characters")
    _report_losses(representation.quantise(score)[1])


def _write_tokens(representation: Representation[Any], score: Score, out: Path, context: int) -> None:
    document = token_files.encode_piece(representation, score, context)
    if not document.windows:
        raise BadInput(f"--context {context}: no bar of this piece fits in so few tokens")
    write_bytes(out, token_files.to_bytes(document, out.suffix.lower()))
    count, windows = sum(len(window.ids) for window in document.windows), len(document.windows)
    _report(out, f"{representation.name}, {count:,} tokens" + (f" in {windows} windows" if windows > 1 else ""))
    _report_losses(document.losses)


def _report_losses(losses: Losses) -> None:
    counts = Counter(loss.what for loss in losses).most_common()
    if counts:
        listed = ", ".join(f"{count:,} × {what}" for what, count in counts)
        console().print(f"left out: {listed}", markup=False, soft_wrap=True)


def _report(out: Path, text: str) -> None:
    console().print(f"{out}: {text}", markup=False, soft_wrap=True)


def _save(score: Score, out: Path) -> None:
    suffix = out.suffix.lower()
    if suffix in NOTATION:
        from partimento.notation import engrave

        save_score(engrave(score), out)
    elif suffix in FORMATS:
        save_score(score, out)
    else:
        from partimento.rendering import audio
        from partimento.rendering.performance import performed

        audio.save_audio(audio.render(performed(score), _RATE), out, _RATE)
    bars = f"{len(score.measures)} bars, " if len(score.measures) else ""
    parts = f"{len(score.parts)} part{'s' * (len(score.parts) != 1)}"
    _report(out, f"{parts}, {bars}{len(score.notes):,} notes")

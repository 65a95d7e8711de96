"""The page of a dataset: one HTML file without scripts or anything from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from partimento import __version__
from partimento.data.dataset import SPLITS
from partimento.data.report.figures import bars, histogram, table
from partimento.data.report.survey import Survey, counted
from partimento.io import write_bytes
from partimento.theory.instrument import instrument_name
from partimento.theory.tempo import tempo_word

_CIRCLE = ("C", "G", "D", "A", "E", "B", "F♯", "D♭", "A♭", "E♭", "B♭", "F")
_TEMPI = ("Grave", "Largo", "Adagio", "Andante", "Moderato", "Allegro", "Vivace", "Presto", "Prestissimo")
_NUMBER = re.compile(r"\d[\d,.]*")
"""What differs between equal reasons: places, counts."""
_STYLE = (Path(__file__).parent / "page.css").read_text("utf-8")


def write_page(found: Survey, path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        BadFile: the place cannot be written to.
    """
    write_bytes(path, page(found).encode())


def page(found: Survey) -> str:
    """The page as HTML."""
    sections = [
        ("Overview", _overview(found)),
        ("Where it comes from", _origins(found)),
        ("The music", _music(found)),
        ("What was heard in it", _heard(found)),
        ("Tokens", _tokens(found)),
        ("Left out", _left_out(found)),
        ("Duplicates and leakage", _duplicates(found)),
    ]
    shown = [(title, inside) for title, figures in sections if (inside := "".join(figures))]
    links = "".join(f'<a href="#s{k}">{escape(title)}</a>' for k, (title, _) in enumerate(shown))
    body = "".join(
        f'<section id="s{k}"><h2>{escape(title)}</h2><div class="grid">{inside}</div></section>'
        for k, (title, inside) in enumerate(shown)
    )
    tokens = _said(found.info.get("representation") or found.info.get("text_representation") or {})
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(found.name)}: a dataset</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{escape(found.name)}</h1><p>A dataset of music, as {escape(tokens)}</p><nav>{links}</nav>"
        f"</header><main>{body}</main><footer>partimento {__version__}</footer></body></html>\n"
    )


def _said(representation: Mapping[str, Any]) -> str:
    """A representation and its options in words; of merged tokens, how many there are."""
    said = dict(representation)
    if isinstance(merges := said.pop("merges", None), list):
        return f"{_said({'name': said.get('inner'), **said.get('config', {})})} with {len(merges):,} merged tokens"
    name = said.pop("name", "text")
    options = ", ".join(f"{option} {value}" for option, value in said.items())
    return f"{name} ({options})" if options else str(name)


def _overview(found: Survey) -> Iterator[str]:
    report = found.report
    hours = sum(found.column("seconds")) / 3600
    figures = {
        "files": report.get("files", 0),
        "pieces": report.get("pieces", 0),
        "notes": sum(report.get("notes", {}).values()),
        "hours": hours,
        "rows": sum(report.get("rows", {}).values()),
        "tokens": sum(report.get("tokens", {}).values()),
        "left out": len(report.get("failures", [])),
        "duplicates": report.get("duplicates", 0),
    }
    tiles = "".join(f"<li><b>{_short(value)}</b>{name}</li>" for name, value in figures.items() if value)
    yield f'<ul class="tiles">{tiles}</ul>'
    rows = [(split, *(report.get(what, {}).get(split, 0) for what in ("rows", "tokens", "notes"))) for split in SPLITS]
    yield table("Splits", ("split", "rows", "tokens", "notes"), rows)


def _short(value: float) -> str:
    """A number in at most four figures: 12.3 k, 4.56 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g} {letter}"
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def _origins(found: Survey) -> Iterator[str]:
    licences = found.info.get("licences", {})
    counts = found.report.get("sources", {})
    rows = [(source, licences.get(source, "unstated"), counts[source]) for source in sorted(counts)]
    yield table("Sources and licences", ("source", "licence", "pieces"), rows)
    by_licence = dict[str, int]()
    for _, licence, count in rows:
        by_licence[licence] = by_licence.get(licence, 0) + count
    yield bars("Licences", sorted(by_licence.items(), key=lambda item: -item[1]), "pieces")
    yield bars("Composers", counted(found.column("composer"), 15), "pieces that name one")
    yield bars("Styles", counted([style for style in found.column("style") if style != "none"], 20), "pieces")


def _music(found: Survey) -> Iterator[str]:
    seconds = found.column("seconds")
    yield histogram("Duration", (s / 60 for s in seconds), [k / 2 for k in range(25)], "minutes of a piece;", " min")
    yield histogram("Length", found.column("bars"), range(0, 257, 8), "bars of a piece;")
    yield histogram("Notes", found.column("notes"), range(0, 5001, 200), "notes of a piece;")
    yield bars("Keys", _keys(found.column("key")), "pieces, round the circle of fifths")
    yield bars("Meters", counted(found.column("meter"), 12), "pieces, by the first meter")
    tempi = found.column("tempo_bpm") or found.column("tempo")
    yield histogram("Tempo", tempi, range(20, 301, 10), "quarters a minute at the start;", " bpm")
    words = counted([tempo_word(tempo) for tempo in tempi])
    yield bars("Tempo words", sorted(words, key=lambda item: _TEMPI.index(item[0])), "pieces")
    programs = [program for some in found.column("programs") for program in dict.fromkeys(some)]
    yield bars("Instruments", counted([instrument_name(p) for p in programs], 30), "pieces in which they play")
    parts = [len(some) for some in found.column("programs")]
    yield bars("How many instruments", sorted(counted(parts, 40), key=lambda item: int(item[0].split()[0])), "pieces")


def _keys(names: list[str]) -> list[tuple[str, int]]:
    """Keys by signature, major before minor, other modes behind them."""
    plain = [name.replace("♯", "#").replace("♭", "b") for name in names]
    circle = [tonic.replace("♯", "#").replace("♭", "b") for tonic in _CIRCLE]
    order = {f"{tonic} {mode}": (k + 9 * (mode == "minor")) % 12 for k, tonic in enumerate(circle) for mode in _MODES}
    counts = counted(plain, 40)
    return sorted(counts, key=lambda item: (_MODES.index(_mode(item[0])), order.get(item[0], 99), item[0]))


_MODES = ("major", "minor", "")


def _mode(key: str) -> str:
    return next((mode for mode in _MODES[:2] if key.endswith(mode)), "")


def _heard(found: Survey) -> Iterator[str]:
    facts = list(found.facts())
    for name, title in (("texture", "Texture"), ("mood", "Mood"), ("form", "Form"), ("chord_summary", "Progressions")):
        values = [value for fact in facts if (value := _word(fact.get(name)))]
        yield bars(title, counted(values, 15), "pieces")
    changes = [len(fact["key_changes"]) for fact in facts if "key_changes" in fact]
    yield histogram("Changes of key", changes, range(9), "in a piece;")
    captions = [caption.text for some in found.captions for caption in some if caption.first_bar is None]
    if captions:
        step = max(len(captions) // 8, 1)
        note = f"a few of the {len(captions):,} that speak of whole pieces"
        yield table("Captions", ("what they say",), [(text,) for text in captions[::step][:8]], note)


def _word(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _tokens(found: Survey) -> Iterator[str]:
    context = int(found.info.get("options", {}).get("context", 1024))
    edges = [context * k / 32 for k in range(33)]
    for split in SPLITS:
        yield histogram(f"Row length, {split}", found.lengths[split], edges, f"tokens of {context} at most;")
    pairs = zip(found.pieces.get("tokens", []), found.pieces.get("notes", []), strict=True)
    per_note = [tokens / notes for tokens, notes in pairs if tokens and notes]
    yield histogram("Tokens per note", per_note, [k / 4 for k in range(33)], "headers included;")


def _left_out(found: Survey) -> Iterator[str]:
    failures = found.report.get("failures", [])
    kinds = [_NUMBER.sub("…", failure.get("reason", "")) for failure in failures]
    reasons = counted(kinds, 25)
    yield bars("Reasons", reasons, f"{len(failures):,} files or pieces that are not in the dataset")
    examples = {kind: Path(f.get("file", "")).name for kind, f in zip(kinds[::-1], failures[::-1], strict=True)}
    yield table("For example", ("reason", "file"), [(reason, examples.get(reason, "")) for reason, _ in reasons])


def _duplicates(found: Survey) -> Iterator[str]:
    leakage = found.leakage
    rows = [
        ("groups of versions on both sides of the split", leakage.clusters),
        *((f"rows of {split} whose music is a row of training", count) for split, count in leakage.rows.items()),
        ("composer and title on both sides", len(leakage.names)),
    ]
    clean = not any(count for _, count in rows[:-1])
    yield table(
        "Leakage between the splits",
        ("what is on both sides", "count"),
        rows,
        "nothing stands on both sides" if clean else "some of what is held out is also in training",
    )
    yield table("Same name on both sides", ("composer", "title"), leakage.names[:20], "perhaps other pieces, look")
    copies = found.column("duplicate_of")
    yield bars(
        "Pieces with the most copies", counted([_named(found, piece) for piece in copies], 12), "copies left out"
    )
    yield bars("Sizes of groups", _group_sizes(found), "groups of pieces that are versions of each other")


def _named(found: Survey, piece: str) -> str:
    """Title of a piece, or the name of its file."""
    ids = found.pieces.get("piece", [])
    if piece not in ids:
        return str(piece)
    at = ids.index(piece)
    return found.pieces["title"][at] or Path(found.pieces["path"][at]).name


def _group_sizes(found: Survey) -> list[tuple[str, int]]:
    sizes = [count for _, count in counted(found.column("cluster"), 1 << 30) if count > 1]
    return sorted(counted([f"{size} pieces" for size in sizes], 20), key=lambda item: int(item[0].split()[0]))

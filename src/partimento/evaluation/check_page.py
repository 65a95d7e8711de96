"""A check report as one page: the prompt in colours, the tables, the score as pages and piano roll, a player.

The page stands alone but for the sound beside it. Nothing in it runs, and a policy forbids what might be slipped in;
pictures are embedded as pictures, so that nothing inside them runs either.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from partimento.evaluation.checking import CheckReport

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1f23; --paper: #fff; --faint: #6b7280; --line: #d9dce1;
  --yes: #14713a; --yes-back: #d9f2e1; --no: #b3261e; --no-back: #fbe0dd; --open-back: #eceef1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --paper: #16181c; --faint: #9aa1ab; --line: #343941;
  --yes: #7ddba0; --yes-back: #143422; --no: #ff9d94; --no-back: #43201d; --open-back: #2a2e34; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.prompt { font-size: 1.25rem; line-height: 2; white-space: pre-wrap; overflow-wrap: anywhere; }
.prompt span { border-radius: .3em; padding: .1em .25em; }
.yes { color: var(--yes); } .no { color: var(--no); } .open { color: var(--faint); }
span.yes { background: var(--yes-back); } span.no { background: var(--no-back); text-decoration: underline wavy 1px; }
span.open { background: var(--open-back); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
td:first-child, td:last-child { white-space: nowrap; } .small { color: var(--faint); font-size: .88rem; }
audio { width: 100%; margin: .5rem 0; }
img { display: block; width: 100%; background: #fff; margin: .5rem 0; border: 1px solid var(--line); }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self' file: blob: data:"
_WORDS = {True: ("yes", "✓ followed"), False: ("no", "✗ violated"), None: ("open", "– not checkable")}
_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What stands beside the words."""

    sheet: Sequence[str] = ()
    """Pages as SVG."""
    roll: bytes = b""
    """The piano roll as PNG."""
    sound: str = ""
    """Name of a sound file in the folder of the page."""


def check_page(report: CheckReport, title: str, pictures: Pictures, notes: Sequence[Sequence[str]] = ()) -> str:
    """The page as HTML.

    Args:
        report: what was found.
        title: of the piece.
        pictures: pages, piano roll and the sound's name; what is missing is left out.
        notes: rows of a table about how the piece was chosen, its head first.
    """
    body = [f"<h1>{escape(title or 'Untitled')}</h1>", *_prompt(report), *_sound(pictures), *_verdicts(report)]
    if len(notes) > 1:
        body += ["<h2>Candidates</h2>", _table(notes[0], [(_cells(row), "") for row in notes[1:]])]
    body += _drawn(pictures)
    return _DOCUMENT.format(
        policy=_POLICY,
        title=escape(title or "Check report"),
        style=_STYLE,
        body="\n".join(part for part in body if part),
    )


def _prompt(report: CheckReport) -> Iterable[str]:
    if not report.text:
        return
    words = "".join(
        escape(text) if phrase is None else
        f'<span class="{_WORDS[phrase.followed][0]}" title="{escape(phrase.evidence)}">{escape(text)}</span>'
        for text, phrase in report.spans()
    )  # fmt: skip
    yield f'<p class="prompt">{words}</p>'
    legend = " · ".join(f'<span class="{name}">{word}</span>' for name, word in _WORDS.values())
    yield f'<p class="small">{legend}; words without a colour say nothing that can be checked</p>'


def _verdicts(report: CheckReport) -> Iterable[str]:
    yield f"<h2>Wishes: {report.followed} followed, {report.violated} violated</h2>"
    rows = [
        (_cells((v.wish, v.asked, v.found)) + f"<td>{_WORDS[v.followed][1]}</td>", _WORDS[v.followed][0])
        for v in report.verdicts
    ]
    yield _table(("wish", "asked", "measured", ""), rows)
    for fault in report.faults:
        yield f'<p class="no">✗ {escape(fault)}</p>'
    is_copy = report.copied is not None and report.copied.is_copy
    yield f'<p class="{"no" if is_copy else "open"}">{escape(report.copy_words)}</p>'


def _sound(pictures: Pictures) -> Iterable[str]:
    if pictures.sound:
        yield f'<audio controls preload="metadata" src="{escape(quote(pictures.sound))}"></audio>'


def _drawn(pictures: Pictures) -> Iterable[str]:
    if pictures.sheet:
        yield "<h2>Score</h2>"
    for number, svg in enumerate(pictures.sheet, start=1):
        yield _picture("image/svg+xml", svg.encode(), f"page {number} of the score")
    if pictures.roll:
        yield "<h2>Piano roll</h2>"
        yield _picture("image/png", pictures.roll, "piano roll")


def _picture(kind: str, data: bytes, what: str) -> str:
    return f'<img alt="{escape(what)}" src="data:{kind};base64,{base64.b64encode(data).decode()}">'


def _table(head: Sequence[str], rows: Iterable[tuple[str, str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f'<tr class="{name}">{cells}</tr>\n' for cells, name in rows)
    return f"<table>\n<tr>{top}</tr>\n{lines}</table>"


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)

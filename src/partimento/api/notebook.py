"""A piece in a notebook: its pages and a player, in one piece of HTML that needs nothing from outside."""

from __future__ import annotations

import base64
import re
import sys
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path

from partimento.errors import PartimentoError
from partimento.score import Score

_TALLEST_PIXEL = 900
_PIXEL_PER_MM = 96 / 25.4
_SIZE = re.compile(r'<svg width="([\d.]+)mm" height="([\d.]+)mm"')


def shown(score: Score, *, autoplay: bool = False) -> str:
    """HTML with title, player and pages; where one of them cannot be made, the reason in its place.

    Args:
        score: what to show.
        autoplay: whether it sounds at once.
    """
    title = escape(score.title or "Untitled")
    return (
        f'<figure style="margin:0"><figcaption><b>{title}</b></figcaption>'
        f"{_or_reason(player, score, autoplay)}{_or_reason(_pages, score)}</figure>"
    )


def player(score: Score, autoplay: bool = False) -> str:
    """An audio element that holds the piece as MP3.

    Raises:
        PartimentoError: it cannot be rendered.
    """
    from partimento.rendering import audio

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "piece.mp3"
        audio.save_audio(audio.render(score), file)
        sound = base64.b64encode(file.read_bytes()).decode()
    flag = " autoplay" if autoplay else ""
    return f'<audio controls{flag} style="width:100%" src="data:audio/mpeg;base64,{sound}"></audio>'


def is_notebook() -> bool:
    """Whether this runs in a notebook that shows HTML."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def _pages(score: Score) -> str:
    """Pages under each other in a box that scrolls; as pictures, so that the styles of two pages cannot meet."""
    from partimento.rendering import sheet

    pages = [_SIZE.sub(_scalable, page, count=1) for page in sheet.engraved_sheet(score).pages]
    pictures = (base64.b64encode(page.encode()).decode() for page in pages)
    images = "".join(
        f'<img alt="page {number}" style="width:100%;background:white" src="data:image/svg+xml;base64,{picture}">'
        for number, picture in enumerate(pictures, start=1)
    )
    return f'<div style="max-height:{_TALLEST_PIXEL}px;overflow:auto">{images}</div>'


def _scalable(size: re.Match[str]) -> str:
    """The opening of a page that takes the width it is given."""
    width, height = (float(mm) * _PIXEL_PER_MM for mm in size.groups())
    return f'<svg viewBox="0 0 {width:.1f} {height:.1f}"'


def _or_reason(make: Callable[..., str], *arguments: object) -> str:
    try:
        return make(*arguments)
    except PartimentoError as error:
        return f"<p>{escape(str(error))}</p>"

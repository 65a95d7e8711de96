"""How servers are asked: mirrors, patience, and what an answer may be.

PARTIMENTO_MIRROR names a server that holds copies: `https://host/path` is then read from `MIRROR/host/path`.
HF_ENDPOINT names another hub, HF_TOKEN opens datasets that ask for permission.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from partimento.errors import BadInput

HUB = "https://huggingface.co"
T = TypeVar("T")
MAX_ANSWER_BYTES = 64 * 2**20
_LONGEST_WAIT_SECONDS = 60.0
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_REASONS = {
    401: "it is not there, or needs a permission (for the hub: HF_TOKEN)",
    403: "it needs a permission (for the hub: accept its terms on its page, and set HF_TOKEN)",
    404: "it is not there",
    410: "it is gone",
}


class Passing(Exception):
    """Something that may be better in a moment."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class Beyond(Passing):
    """The file is shorter than what is loaded of it."""


class NotThere(BadInput):
    """A server has no such thing."""


@dataclass(frozen=True, slots=True)
class Web:
    """The internet, or a mirror of it."""

    mirror: str = field(default_factory=lambda: os.environ.get("PARTIMENTO_MIRROR", ""))
    """Server that holds copies; empty for the servers themselves."""
    hub: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT", ""))
    """Another Hugging Face hub."""
    token: str = field(default_factory=lambda: os.environ.get("HF_TOKEN", ""), repr=False)
    """Goes to the hub only, never to where it sends us."""
    attempts: int = 5
    """How often something is tried that does not come on."""
    wait_seconds: float = 1.0
    """Before the second attempt; doubled before each further one."""
    timeout_seconds: float = 60.0
    """Longest silence of a server."""
    bars: bool = field(default_factory=lambda: sys.stderr.isatty())
    """Whether progress is drawn on the terminal."""
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    """Room on the disk of a folder."""

    def place(self, url: str) -> str:
        """Where a URL is read from."""
        if self.hub and url.startswith(HUB + "/"):
            return self.hub.rstrip("/") + url.removeprefix(HUB)
        return f"{self.mirror.rstrip('/')}/{url.split('://', 1)[1]}" if self.mirror else url

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
        """The answer to a GET; its status is 2xx.

        Raises:
            Passing: the server is busy or was not reached; another try is worth while.
            BadInput: it is no use.
        """
        place = self.place(url)
        if urlsplit(place).scheme not in ("http", "https"):
            raise BadInput(f"{place}: only http and https are downloaded from")
        request = urllib.request.Request(place, headers={"User-Agent": "partimento", **(headers or {})})
        if self.token and url.startswith(HUB + "/") and (self.hub or not self.mirror):
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            return urllib.request.urlopen(request, timeout=self.timeout_seconds)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(place, error) from None
        except urllib.error.URLError as error:
            raise _unreached(place, error.reason) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Passing(_said(error)) from None

    def json(self, url: str) -> tuple[Any, str]:
        """A JSON answer, and the URL of its next page, if it has one.

        Raises:
            BadInput: there is none, or it is too large.
        """
        data, link = self._read(url)
        try:
            return json.loads(data), _next(link)
        except (ValueError, RecursionError):
            raise BadInput(f"{self.place(url)}: the answer is no JSON") from None

    def _read(self, url: str) -> tuple[bytes, str]:
        def read() -> tuple[bytes, str]:
            with self.open(url) as response:
                link = response.headers.get("Link", "")
                try:
                    data = response.read(MAX_ANSWER_BYTES + 1)
                except (OSError, http.client.HTTPException) as error:
                    raise Passing(_said(error)) from None
            if len(data) > MAX_ANSWER_BYTES:
                raise BadInput(f"{self.place(url)}: the answer is larger than {MAX_ANSWER_BYTES >> 20} MiB")
            if response.length:
                raise Passing("the connection was cut")
            return data, link

        return patiently(self, self.place(url), read)


def patiently(web: Web, what: str, act: Callable[[], T], came_on: Callable[[], bool] = lambda: False) -> T:
    """Do something, again after a while where it failed in passing; `came_on` says whether a failed try was of use.

    Raises:
        BadInput: it fails for good, or `web.attempts` tries in a row were of no use.
    """
    failures = 0
    while True:
        try:
            return act()
        except Passing as error:
            failures = 1 if came_on() else failures + 1
            if failures >= web.attempts:
                raise BadInput(f"{what}: {error}; tried {failures} times") from None
            time.sleep(max(web.wait_seconds * 2 ** (failures - 1), error.wait_seconds))


def _refusal(place: str, error: urllib.error.HTTPError) -> Exception:
    said = _REASONS.get(error.code, f"{error.code} {error.reason}")
    if error.code in _BUSY:
        return Passing(f"the server is busy ({error.code} {error.reason})", _asked_to_wait(error.headers))
    if error.code == 416:
        return Beyond("the server has less than was loaded")
    kind = NotThere if error.code in (404, 410) else BadInput
    return kind(f"{place}: cannot be downloaded, {said}")


def _asked_to_wait(headers: Message) -> float:
    try:
        return min(float(str(headers.get("Retry-After", "0"))), _LONGEST_WAIT_SECONDS)
    except ValueError:  # a date
        return 0.0


def _unreached(place: str, reason: object) -> Exception:
    if isinstance(reason, socket.gaierror):
        return BadInput(f"{place}: no such server, or no way to it; is there a connection?")
    if isinstance(reason, ssl.SSLError):
        return BadInput(f"{place}: the connection is not safe ({reason.reason or reason})")
    return Passing(_said(reason))


def _said(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "the server is silent"
    if isinstance(error, http.client.RemoteDisconnected | http.client.IncompleteRead | ConnectionResetError):
        return "the connection was cut"
    return str(getattr(error, "strerror", None) or error).lower() or type(error).__name__


def _next(link: str) -> str:
    """The next page that a Link header names."""
    found = re.search(r'<([^>]*)>\s*;\s*rel="next"', link)
    return found[1] if found else ""

"""A server on loopback that holds copies, as a mirror does, and fails when it is told to."""

from __future__ import annotations

import hashlib
import io
import random
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from partimento.data.sources import SOURCES, Web


@dataclass
class Server:
    """What it holds and how it fails."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """Path ▶ content."""
    tags: dict[str, str] = field(default_factory=dict)
    """Path ▶ ETag; a hash of the content where there is none, no ETag where it is empty."""
    forbidden: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    cuts: dict[str, int] = field(default_factory=dict)
    """Path ▶ bytes after which the next answer is cut off."""
    busy: dict[str, int] = field(default_factory=dict)
    """Path ▶ how many answers are 503 first."""
    moved: dict[str, str] = field(default_factory=dict)
    chunked: set[str] = field(default_factory=set)
    """Answers without a length, to which no range is given, as GitHub packs archives."""
    shift: int = 0
    """Bytes by which ranges miss what was asked for."""
    retry_after: str = ""
    pause: threading.Event | None = None
    """Waited for in the middle of each answer."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Paths and ranges of all requests."""
    headers: list[dict[str, str]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def do_GET(self) -> None:
        state = self.state
        wanted = self.headers.get("Range", "")
        state.asked.append((self.path, wanted))
        state.headers.append(dict(self.headers))
        if state.busy.get(self.path, 0) > 0:
            state.busy[self.path] -= 1
            self.send_response(503)
            self.send_header("Retry-After", state.retry_after)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.path in state.forbidden:
            return self.send_error(403)
        if self.path in state.moved:
            self.send_response(302)
            self.send_header("Location", state.moved[self.path])
            self.send_header("Content-Length", "0")
            return self.end_headers()
        content = state.files.get(self.path)
        if content is None:
            return self.send_error(404)
        if self.path in state.chunked:
            return self._send_chunked(content)
        self._send(content, wanted)

    def _send(self, content: bytes, wanted: str) -> None:
        tag = self.state.tags.get(self.path, f'"{hashlib.md5(content).hexdigest()}"')
        start = 0
        if wanted and self.headers.get("If-Range", tag) == tag:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            start += self.state.shift
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if tag:
            self.send_header("ETag", tag)
        if self.path in self.state.links:
            self.send_header("Link", self.state.links[self.path])
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = self.state.cuts.pop(self.path, None)
        if cut is not None:
            self.wfile.write(content[start : start + cut])
            self.close_connection = True
            return
        middle = (start + len(content)) // 2
        self.wfile.write(content[start:middle])
        if self.state.pause is not None:
            self.wfile.flush()
            self.state.pause.wait(20)
        self.wfile.write(content[middle:])

    def _send_chunked(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        cut = self.state.cuts.pop(self.path, len(content))
        self.wfile.write(f"{cut:x}\r\n".encode() + content[:cut] + b"\r\n")
        if cut == len(content):
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are what is tested here."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without anything."""
    for name in ("PARTIMENTO_DATA", "PARTIMENTO_MIRROR", "HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PARTIMENTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PARTIMENTO_CONFIG", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    listening = _Quiet(("127.0.0.1", 0), handler)
    listening.daemon_threads = True
    state.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture
def web(server: Server) -> Web:
    """The server as a mirror of all others; patience in hundredths of seconds."""
    return Web(mirror=server.url, hub="", token="", attempts=3, wait_seconds=0.01, timeout_seconds=5)


@pytest.fixture(scope="session")
def freedoom() -> bytes:
    """An archive as GitHub packs it, of a megabyte that cannot be compressed."""
    noise = random.Random(1).randbytes(1 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in {
            "musics/d_a.mid": noise,
            "musics/d_b.mid": b"MThd",
            "musics/c.mus": b"c",
            "x.mid": b"x",
        }.items():
            archive.writestr(f"freedoom-d14dbbe/{name}", content)
    return out.getvalue()


@pytest.fixture
def serve(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, bytes]], None]:
    """Put small files of a collection on the server; sizes and checksums of its entry become theirs."""

    def serve(name: str, files: dict[str, bytes]) -> None:
        entry = SOURCES[name]
        remotes = []
        for remote in entry.remotes:
            content = files[remote.name]
            server.files["/" + remote.url.split("://")[1]] = content
            algorithm = remote.checksum.partition(":")[0]
            checksum = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}" if ":" in remote.checksum else ""
            remotes.append(replace(remote, bytes=len(content) if checksum else 0, checksum=checksum or remote.checksum))
        monkeypatch.setitem(SOURCES, name, replace(entry, remotes=tuple(remotes)))

    return serve

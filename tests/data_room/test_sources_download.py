"""Downloads: resumed, checked, patient, and clear about what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from partimento.data.sources import SOURCES
from partimento.data.sources.download import download
from partimento.data.sources.entry import Remote
from partimento.data.sources.locks import locked
from partimento.data.sources.web import Web
from partimento.errors import BadInput

CONTENT = bytes(range(256)) * 4000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
URL, PATH = "https://music.example/a.zip", "/music.example/a.zip"
REMOTE = Remote("a.zip", URL, len(CONTENT), SHA256)


@pytest.fixture
def place(tmp_path, server) -> Path:
    server.files[PATH] = CONTENT
    return tmp_path / "loads" / "a.zip"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("checksum", [SHA256, "md5:" + hashlib.md5(CONTENT).hexdigest(), ""])
def test_a_file_is_loaded_and_compared_with_what_is_published(place, web, server, checksum):
    assert download(replace(REMOTE, checksum=checksum), place, web) == SHA256
    assert place.read_bytes() == CONTENT
    assert names(place.parent) == ["a.zip"]
    assert download(REMOTE, place, web) == SHA256
    assert server.asked == [(PATH, "")]


def test_a_cut_connection_goes_on_where_it_was(place, web, server):
    server.cuts[PATH] = 300_000
    assert download(REMOTE, place, web) == SHA256
    assert server.asked == [(PATH, ""), (PATH, "bytes=300000-")]


def test_what_was_loaded_is_kept_for_the_next_run_however_often_it_is_cut(place, web, server):
    impatient = replace(web, attempts=1)
    for at in (200_000, 400_000):
        server.cuts[PATH] = 200_000
        with pytest.raises(BadInput, match=rf"the connection was cut after {at:,} of 1,024,000 bytes"):
            download(REMOTE, place, impatient)
        assert place.with_name("a.zip.part").stat().st_size == at
    assert download(REMOTE, place, impatient) == SHA256
    assert [asked for _, asked in server.asked] == ["", "bytes=200000-", "bytes=400000-"]


@pytest.mark.parametrize("seed", range(8))
def test_wherever_it_is_cut_and_whatever_is_asked_the_content_is_right(place, web, server, seed):
    rng = random.Random(seed)
    remote = rng.choice((REMOTE, replace(REMOTE, checksum="")))
    if rng.random() < 0.3:
        server.tags[PATH] = rng.choice(("", 'W/"x"'))
    for _ in range(6):
        server.cuts[PATH] = rng.randrange(len(CONTENT))
        with suppress(BadInput):
            download(remote, place, replace(web, attempts=1))
        server.cuts.clear()
    assert download(remote, place, web) == SHA256
    assert place.read_bytes() == CONTENT
    assert names(place.parent) == ["a.zip"]


def test_tries_that_come_on_do_not_use_up_the_patience(place, web, server):
    class Cuts(dict):
        def pop(self, key, default=None):
            return 150_000 if len(server.asked) < 6 else default

    server.cuts = Cuts()
    assert download(REMOTE, place, web) == SHA256
    assert len(server.asked) == 6 > web.attempts


def test_a_file_that_changed_meanwhile_is_loaded_anew(place, web, server):
    server.cuts[PATH] = 300_000
    with pytest.raises(BadInput):
        download(replace(REMOTE, checksum=""), place, replace(web, attempts=1))
    server.files[PATH] = CONTENT[::-1]
    download(replace(REMOTE, checksum=""), place, web)
    assert place.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_word_of_the_server_that_it_is_the_same_file_nothing_is_pieced_together(place, web, server, tag):
    server.tags[PATH] = tag
    server.cuts[PATH] = 300_000
    assert download(replace(REMOTE, checksum=""), place, web) == SHA256
    assert [asked for _, asked in server.asked] == ["", ""]


def test_a_checksum_can_tell_it_as_well(place, web, server):
    server.tags[PATH] = ""
    server.cuts[PATH] = 300_000
    assert download(REMOTE, place, web) == SHA256
    assert [asked for _, asked in server.asked] == ["", "bytes=300000-"]


def test_another_part_than_was_asked_for_is_not_taken(place, web, server):
    server.cuts[PATH] = 300_000
    server.shift = 10
    with pytest.raises(BadInput, match="another part than it was asked for"):
        download(REMOTE, place, web)
    assert place.with_name("a.zip.part").read_bytes() == CONTENT[:300_000]


def test_a_server_that_gives_no_length_and_no_ranges_is_enough(place, web, server):
    server.chunked.add(PATH)
    server.cuts[PATH] = 1000
    assert download(REMOTE, place, web) == SHA256


def test_a_part_longer_than_the_file_is_thrown_away(place, web, server):
    place.parent.mkdir()
    place.with_name("a.zip.part").write_bytes(CONTENT * 2)
    tag = f'"{hashlib.md5(CONTENT).hexdigest()}"'
    place.with_name("a.zip.part.json").write_text(json.dumps([URL, tag, len(CONTENT)]))
    assert download(REMOTE, place, web) == SHA256


@pytest.mark.parametrize("note", ["", "{}", "[1, 2]", '["x", "y", "z"]', "[[], [], []]"])
def test_a_damaged_note_beside_a_part_only_costs_the_part(place, web, note):
    place.parent.mkdir()
    place.with_name("a.zip.part").write_bytes(b"something else")
    place.with_name("a.zip.part.json").write_text(note)
    assert download(REMOTE, place, web) == SHA256


def test_a_wrong_file_is_deleted(place, web, server):
    server.files[PATH] = CONTENT[:-1] + b"?"
    with pytest.raises(BadInput, match="is not what was published"):
        download(REMOTE, place, web)
    assert names(place.parent) == []


def test_a_file_of_the_wrong_size_is_not_even_loaded(place, web, server):
    server.files[PATH] = CONTENT + b"?"
    with pytest.raises(BadInput, match="the server has 1,024,001 bytes, 1,024,000 were published"):
        download(REMOTE, place, web)
    assert not place.with_name("a.zip.part").exists()


def test_a_busy_server_is_asked_again(place, web, server):
    server.busy[PATH] = 2
    assert download(REMOTE, place, web) == SHA256
    server.busy[PATH] = 3
    with pytest.raises(BadInput, match=r"the server is busy \(503 Service Unavailable\); tried 3 times"):
        download(REMOTE, place.with_name("b.zip"), web)


@pytest.mark.parametrize(("asked", "waited"), [("0.3", 0.3), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0), ("-1", 0.0)])
def test_a_server_may_ask_for_some_patience(place, web, server, asked, waited):
    server.busy[PATH], server.retry_after = 1, asked
    start = time.monotonic()
    download(REMOTE, place, web)
    assert time.monotonic() - start >= waited


def test_progress_is_drawn_where_it_is_wanted(place, web, capsys):
    download(REMOTE, place, replace(web, bars=True))
    assert "1.0/1.0 MB" in capsys.readouterr().err


def test_what_needs_a_permission_says_so(place, web, server):
    server.forbidden.add(PATH)
    with pytest.raises(BadInput, match="it needs a permission"):
        download(REMOTE, place, web)


def test_what_is_not_there_is_said_at_once(place, web, server):
    del server.files[PATH]
    with pytest.raises(
        BadInput, match=r"127\.0\.0\.1:\d+/music\.example/a\.zip: cannot be downloaded, it is not there"
    ):
        download(REMOTE, place, web)
    assert len(server.asked) == 1


def test_no_server_no_name_no_room(place, web):
    with pytest.raises(BadInput, match="connection refused; tried 3 times"):
        download(REMOTE, place, replace(web, mirror="http://127.0.0.1:9"))
    with pytest.raises(BadInput, match="no such server, or no way to it"):
        download(REMOTE, place, replace(web, mirror="http://nowhere.invalid"))
    with pytest.raises(BadInput, match=r"64 MiB are needed for a\.zip, 1 are free; make room"):
        download(REMOTE, place, replace(web, free_bytes=lambda folder: 1 << 20))


def test_other_schemes_are_refused(place, web, tmp_path):
    (tmp_path / "secret").write_text("x")
    with pytest.raises(BadInput, match="only http and https"):
        download(replace(REMOTE, url=f"file://{tmp_path}/secret"), place, replace(web, mirror=""))


def test_a_silent_server_is_given_up(place, web, server):
    server.pause = threading.Event()
    with pytest.raises(BadInput, match="the connection was cut"):
        download(REMOTE, place, replace(web, timeout_seconds=0.2, attempts=1))
    server.pause.set()
    server.pause = None
    assert download(REMOTE, place, web) == SHA256
    assert server.asked[-1][1].startswith("bytes=")


def test_the_token_goes_to_the_hub_and_not_further(place, server):
    web = Web(mirror="", hub=server.url, token="secret", wait_seconds=0.01)
    server.files["/datasets/x"] = CONTENT
    server.moved["/datasets/x"] = f"{server.url}/elsewhere"
    server.files["/elsewhere"] = CONTENT
    assert download(replace(REMOTE, url="https://huggingface.co/datasets/x"), place, web) == SHA256
    assert [headers.get("Authorization") for headers in server.headers] == ["Bearer secret", None]


def test_the_token_does_not_go_to_a_mirror(place, server):
    web = Web(mirror=server.url, hub="", token="secret", wait_seconds=0.01)
    server.files["/huggingface.co/x"] = CONTENT
    download(replace(REMOTE, url="https://huggingface.co/x"), place, web)
    assert "Authorization" not in server.headers[0]


def test_only_one_process_downloads(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from partimento.data.sources.locks import locked\n"
        "with locked(Path(sys.argv[1]), 'x'): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    with (
        pytest.raises(BadInput, match="maestro: another process is downloading it"),
        locked(tmp_path / "lock", "maestro"),
    ):
        pass
    other.kill()
    other.wait()
    other.stdout.close()
    with locked(tmp_path / "lock", "maestro"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_command_leaves_a_part_that_the_next_one_goes_on_with(server, tmp_path, how, freedoom):
    """Two processes import what they need: 2 s."""
    path = "/" + SOURCES["freedoom-midi"].remotes[0].url.split("://")[1]
    server.files[path] = freedoom
    server.pause = threading.Event()
    command = [sys.executable, "-m", "partimento", "data", "get", "freedoom-midi"]
    env = os.environ | {"PARTIMENTO_MIRROR": server.url}
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    versions = tmp_path / "cache" / "sources" / "freedoom-midi"
    part = versions / f"{SOURCES['freedoom-midi'].version}.downloads" / "freedoom.zip.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size >= len(freedoom) // 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(how)
    _, said = process.communicate(timeout=90)
    server.pause.set()
    if how == signal.SIGINT:
        assert (process.returncode, said) == (130, "partimento: stopped; the same command goes on\n")
    loaded = part.stat().st_size
    assert 0 < loaded < len(freedoom)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert server.asked[-1] == (path, f"bytes={loaded}-")
    assert names(versions) == [SOURCES["freedoom-midi"].version, "lock"]

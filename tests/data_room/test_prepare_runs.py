"""Runs that are killed, workers that die of their files, other machines: the bytes are always the same."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from partimento.data.prepare import Limits, Options, prepare
from partimento.data.prepare.work import Method, Work, open_work
from partimento.data.sources import Entry, find_files
from partimento.data.sources.index import read_index, write_rows
from partimento.errors import BadInput, PartimentoError

READER = """
import ctypes, os, time
from partimento.io import load_scores

def slow(path):
    with open(os.environ["PIDS"], "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(0.004)
    return load_scores(path)

def poisonous(path):
    if path.stem == "exit":
        os._exit(3)
    if path.stem == "segfault":
        ctypes.string_at(0)
    if path.stem == "hang":
        time.sleep(1000)
    if path.stem == "hog":
        held = bytearray(2**36)
    if path.stem == "bug":
        raise ZeroDivisionError("no\\nmusic")
    return load_scores(path)

def twice(path):
    # the first worker that reads "unlucky" is killed from outside; nothing is wrong with the file
    flag = path.with_suffix(".flag")
    if path.stem == "unlucky" and not flag.exists():
        flag.touch()
        os._exit(9)
    return load_scores(path)
"""
KILLS = 3


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Tunes in 300 files, so many that there are several shards."""
    rng, folder = random.Random(4), tmp_path / "music"
    folder.mkdir()
    for number in range(300):
        bars = "|".join("".join(rng.choices("GABcde", k=4)) for _ in range(6))
        (folder / f"{number:03}.abc").write_text(f"X:1\nM:4/4\nL:1/4\nK:G\n{bars}|]\n", "utf-8")
    return folder


@pytest.fixture
def readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A module of readers that workers can import."""
    (tmp_path / "odd_readers.py").write_text(READER, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    yield importlib.import_module("odd_readers")
    sys.modules.pop("odd_readers", None)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(music: Path, tmp_path: Path, readers) -> None:
    """Each of the runs has to start Python with all its libraries, which takes a second."""
    prepare([str(music)], tmp_path / "whole", workers=0, progress=False, read=readers.slow)
    script = (
        "import odd_readers, sys; from pathlib import Path; from partimento.data.prepare import prepare;"
        "prepare([sys.argv[1]], Path(sys.argv[2]), workers=2, read=odd_readers.slow)"
    )
    command = [sys.executable, "-c", script, str(music), str(tmp_path / "killed")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    pids, rng = tmp_path / "pids", random.Random(os.urandom(4))
    for _ in range(KILLS):
        pids.unlink(missing_ok=True)
        run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        while not pids.exists() and run.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.5)
        run.kill()
        run.wait()
    workers = {int(pid) for pid in pids.read_text().split()} if pids.exists() else set[int]()
    said = ""
    if not (tmp_path / "killed").exists():
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "shards done" in said or not said
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".killed")]
    assert not any(map(is_alive, workers))


def test_files_that_kill_their_worker_are_skipped_and_named(music: Path, tmp_path: Path, readers) -> None:
    """The file that hangs is given its three seconds twice, so that a slow machine alone cannot condemn a file."""
    for name in ("exit", "segfault", "hang", "hog", "bug"):
        (music / f"{name}.abc").write_text("X:1\nK:C\nCDEF|]\n", "utf-8")
    limits = Limits(seconds=3.0, megabytes=1024)
    report = prepare([str(music)], tmp_path / "data", workers=2, limits=limits, progress=False, read=readers.poisonous)
    reasons = {failure["file"]: failure["reason"] for failure in report.failures}
    assert report.pieces == 300
    assert reasons.pop("exit.abc") == "it breaks the reader (status 3); please report it"
    assert "breaks the reader" in reasons.pop("segfault.abc")
    assert reasons.pop("hang.abc") == "it takes longer than 3 s"
    assert reasons.pop("bug.abc") == "it breaks the reader (ZeroDivisionError: no music); please report it"
    if sys.platform == "linux":
        assert reasons.pop("hog.abc") == "it takes more memory than a worker may have"
    assert reasons == {}


def test_a_worker_that_was_killed_from_outside_is_not_held_against_its_file(
    music: Path, tmp_path: Path, readers
) -> None:
    (music / "000.abc").rename(music / "unlucky.abc")
    report = prepare([str(music)], tmp_path / "data", workers=1, progress=False, read=readers.twice)
    assert (music / "unlucky.flag").exists()
    assert report.failures == []
    assert report.pieces == 300


def test_another_plan_is_refused_where_a_run_was_stopped(music: Path, tmp_path: Path) -> None:
    files, method = find_files(str(music)), Method("remi", {"velocities": False}, Options())
    work, is_old = open_work(tmp_path / "data", method, files)
    assert not is_old
    assert work.shards == 3
    assert open_work(tmp_path / "data", method, files)[1]
    with pytest.raises(BadInput, match="--fresh"):
        prepare([str(music)], tmp_path / "data", workers=0, progress=False, options=Options(context=128))
    (music / "000.abc").write_text("X:1\nK:C\nCDEF|CDEF|CDEF|CDEF|]\n", "utf-8")
    with pytest.raises(BadInput, match="other files"):
        prepare([str(music)], tmp_path / "data", workers=0, progress=False)
    report = prepare([str(music)], tmp_path / "data", workers=0, progress=False, fresh=True)
    assert report.files == 300


def test_the_plan_covers_every_file_once_and_in_order(music: Path, tmp_path: Path) -> None:
    files = find_files(str(music))
    work, _ = open_work(tmp_path / "data", Method("remi", {}, Options()), files)
    planned = [planned for shard in range(work.shards) for planned in Work(work.folder).files_of(shard)]
    assert [p.file for p in planned] == files
    assert [p.name for p in planned] == [f"{number:03}.abc" for number in range(300)]
    assert {len(work.files_of(shard)) for shard in range(work.shards)} == {128, 44}


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")
def test_ray_gives_the_same_bytes(music: Path, tmp_path: Path) -> None:
    """Starting Ray takes most of the time of this test."""
    prepare([str(music)], tmp_path / "here", workers=0, progress=False)
    prepare([str(music)], tmp_path / "there", ray="local", progress=False)
    assert content(tmp_path / "here") == content(tmp_path / "there")
    assert json.loads((tmp_path / "there" / "report.json").read_text("utf-8"))["pieces"] == 300


def test_a_run_that_ends_before_any_work_leaves_nothing_behind(music: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    with pytest.raises(PartimentoError, match="before it has done anything"):
        prepare([str(music)], tmp_path / "data", workers=1, progress=False, read=lambda path: ())
    assert set(tmp_path.iterdir()) == before


def test_the_plan_says_where_the_facts_of_a_source_are_and_copies_none(music: Path, tmp_path: Path) -> None:
    index, paths = tmp_path / "index.jsonl", sorted(music.iterdir())[:3]
    rows = [{"file": path.name, "facts": {"mood": ["merry", path.stem]}} for path in paths]
    write_rows(index, rows)
    files = read_index(index, music, "s", Entry("", "CC0-1.0", "", "", 0, "", ""), "")
    work, _ = open_work(tmp_path / "data", Method("remi", {}, Options()), files)
    assert "merry" not in work.path("files", 0).read_text("utf-8")
    assert [dict(planned.file.facts) for planned in work.files_of(0)] == [row["facts"] for row in rows]
    assert dict(files[1].facts.items()) == rows[1]["facts"]

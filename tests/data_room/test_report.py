"""The page of a dataset: what it counts, and that nothing in it can do harm."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lxml import html

from partimento.cli import main
from partimento.data.prepare import Options, prepare
from partimento.data.report import survey, write_page
from partimento.data.report.figures import bars, histogram
from partimento.errors import BadFile

TUNE = "X:1\nT:{title}\nC:{composer}\nM:6/8\nL:1/8\nQ:3/8=100\nK:{key}\n{music}\n"
BAD = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Forty different tunes, one of them twice, and a file that is none."""
    folder = tmp_path_factory.mktemp("report")
    music = folder / "music"
    music.mkdir()
    steps = "CDEFGABcdefg"
    for n in range(40):
        bar = "".join(steps[(n * k + k * k + n) % 12] for k in range(1, 7))
        tune = TUNE.format(
            title=BAD if n == 0 else f"Tune {n}", composer="Anon", key="G" if n % 2 else "Em",
            music="|".join([bar, bar[::-1], bar[1:] + bar[0], bar] * 2) + "|]",
        )  # fmt: skip
        (music / f"{n:02d}.abc").write_text(tune)
    shutil.copy(music / "07.abc", music / "copy.abc")
    (music / "broken.mid").write_bytes(b"MThd, or so it says")
    prepare([str(music)], folder / "set", options=Options(validation=20, test=20), workers=1, progress=False)
    return folder / "set"


@pytest.fixture
def page(dataset, tmp_path):
    write_page(survey(dataset), tmp_path / "page.html")
    return (tmp_path / "page.html").read_text("utf-8")


def test_the_page_says_what_the_dataset_holds(dataset, page):
    found = survey(dataset)
    text = " ".join(html.fromstring(page).text_content().split())
    assert "42files" in text.replace(" ", "")
    assert sum(map(len, found.lengths.values())) == sum(found.report["rows"].values()) > 0
    for words in ("Licences", "unstated", "Duration", "Keys", "G major", "E minor", "6/8", "150", "Leakage"):
        assert words in text, words
    assert "broken.mid" in text


def test_every_figure_of_the_issue_is_there(page):
    titles = {caption.text for caption in html.fromstring(page).iter("figcaption")}
    wanted = {"Licences", "Duration", "Keys", "Meters", "Tempo", "Instruments", "Row length, train", "Reasons"}
    assert wanted <= titles
    assert "Leakage between the splits" in titles


def test_what_stands_in_files_is_text(page):
    assert BAD not in page
    tree = html.fromstring(page)
    assert not list(tree.iter("script"))
    assert not [link for _, _, link, _ in tree.iterlinks() if not link.startswith("#")]


def test_nothing_leaks_and_what_is_planted_is_found(dataset, tmp_path):
    assert survey(dataset).leakage.clusters == 0
    assert sum(survey(dataset).leakage.rows.values()) == 0
    planted = tmp_path / "planted"
    shutil.copytree(dataset, planted)
    (training,), (test,) = (sorted(planted.glob(f"{split}-*.parquet")) for split in ("train", "test"))
    stolen = pq.read_table(training).slice(0, 3)
    pq.write_table(pa.concat_tables([pq.read_table(test), stolen]), test)
    pieces = pq.read_table(planted / "pieces.parquet").to_pydict()
    at = {split: pieces["split"].index(split) for split in ("train", "test")}
    pieces["cluster"][at["train"]] = pieces["cluster"][at["test"]] = "one work"
    pq.write_table(pa.table(pieces), planted / "pieces.parquet")
    leakage = survey(planted).leakage
    assert leakage.rows["test"] == 3
    assert leakage.clusters == 1


def test_folders_that_are_no_datasets_are_refused(dataset, tmp_path, capsys):
    with pytest.raises(BadFile, match="no dataset"):
        survey(tmp_path)
    damaged = tmp_path / "damaged"
    shutil.copytree(dataset, damaged)
    (damaged / "pieces.parquet").write_bytes(b"PAR1")
    assert main(["data", "report", str(damaged)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (damaged / "report.html").exists()


def test_the_command_writes_into_the_dataset(dataset, capsys):
    assert main(["data", "report", str(dataset)]) == 0
    assert "nothing stands on both sides of the split" in capsys.readouterr().out
    assert (dataset / "report.html").is_file()


def test_bars_are_as_long_as_their_counts():
    tree = html.fromstring(bars("t", [("a", 4), ("b", 1)]))
    widths = [span.get("style") for span in tree.iter("span")]
    assert widths == ["width:100.00%", "width:25.00%"]


def test_columns_count_what_lies_between_edges():
    tree = html.fromstring(histogram("t", [0, 1, 1, 5, 99], [0, 1, 2, 3]))
    assert [item.get("title") for item in tree.find(".//ol")] == ["0–1: 1", "1–2: 2", "2–3: 2"]
    assert histogram("t", [], [0, 1]) == bars("t", []) == ""

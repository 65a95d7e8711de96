"""`partimento data`: what it prints and refuses."""

import io
import os
import subprocess
import sys
import zipfile

import pytest

from partimento.cli import main
from partimento.data.sources import SOURCES


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs a command line as a user without anything; gives its exit status, stdout and stderr."""
    for name in ("PARTIMENTO_DATA", "PARTIMENTO_MIRROR", "HF_ENDPOINT", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PARTIMENTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PARTIMENTO_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


def test_every_source_is_listed(run):
    status, out, _ = run("data", "list")
    assert status == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    for name, entry in SOURCES.items():
        assert entry.what in lines[name]
        assert entry.licence in lines[name]
    assert "music21:NAME" in lines
    assert "language models" in out


@pytest.mark.parametrize("name", SOURCES)
def test_the_details_of_a_source(run, name):
    status, out, _ = run("data", "list", name)
    words = " ".join(out.split())
    assert status == 0
    for text in (SOURCES[name].licence, SOURCES[name].citation, SOURCES[name].warning, SOURCES[name].homepage):
        assert text in words


def test_a_folder_is_added_listed_prepared_and_removed(run, tmp_path):
    folder = tmp_path / "Jigs"
    folder.mkdir()
    tune = "X:{0}\nT:Jig {0}\nM:6/8\nL:1/8\nK:D\n" + "".join(f"{a}{b}c def|" for a, b in ("DE", "FG", "AB", "dc"))
    (folder / "a.abc").write_text(tune.format(1) + "\n")
    status, out, _ = run("data", "add", folder, "--name", "jigs", "--licence", "CC0-1.0", "--style", "jig")
    assert (status, out) == (0, "jigs: 1 file (1 ABC), licence CC0-1.0\n")
    assert str(folder) in run("data", "list")[1]
    assert "CC0-1.0" in run("data", "list", "jigs")[1]
    status, out, err = run("prepare", "jigs", "--out", tmp_path / "dataset", "--workers", "1")
    assert status == 0, err
    assert '"jigs": "CC0-1.0"' in (tmp_path / "dataset" / "dataset.json").read_text()
    assert run("data", "remove", "jigs")[:2] == (0, "jigs is forgotten; its files stay where they are\n")
    assert run("data", "remove", "jigs")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("data", "lits"), "there is no command 'data lits'; do you mean data list?"),
        (("data", "xyz"), "there is no command 'data xyz'; see partimento data --help"),
        (("data", "list", "maestr"), "maestr: no such source; do you mean maestro?"),
        (("data", "get", "pop90"), "do you mean pop909?"),
        (("data", "get", "the-session"), "forbids any use with language models"),
        (("data", "list", "the-session"), "forbids any use with language models"),
        (("data", "get", "chord-llama"), "partimento data get chord-llama --accept"),
        (("data", "add", "nowhere"), "nowhere: no such folder"),
        (("data", "get"), 'partimento data get --help'),
    ],
)  # fmt: skip
def test_what_is_refused(run, arguments, said):
    status, _, err = run(*arguments)
    assert status == 2
    assert said in err
    assert err.count("\n") == 1


def test_a_collection_is_downloaded_from_a_mirror(run, monkeypatch, tmp_path):
    """A mirror may be a plain server of files; it is a process of its own: 1 s."""
    url = SOURCES["freedoom-midi"].remotes[0].url.split("://")[1]
    archive = tmp_path / "mirror" / url
    archive.parent.mkdir(parents=True)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr("freedoom/musics/a.mid", b"MThd")
    archive.write_bytes(content.getvalue())
    command = [
        sys.executable,
        "-u",
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "--directory",
        str(tmp_path / "mirror"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split("(")[1].split(")")[0].rstrip("/")
        monkeypatch.setenv("PARTIMENTO_MIRROR", address)
        status, out, err = run("data", "get", "freedoom-midi")
        server.kill()
    assert status == 0, err
    assert out.splitlines()[-2:] == ["licence: BSD-3-Clause", f"cite: {SOURCES['freedoom-midi'].citation}"]
    assert f"freedoom-midi: {tmp_path / 'cache'}" in out
    assert "yes" in next(line for line in run("data", "list")[1].splitlines() if line.startswith("freedoom-midi"))


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from partimento.cli import main; status = main(['data', '--help']); "
        "heavy = {'torch', 'numpy', 'pyarrow', 'partimento.cli.data'} & set(sys.modules); "
        "sys.exit(status or (f'loaded {heavy}' if heavy else 0))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert result.returncode == 0, result.stderr
    assert "partimento data get maestro" in result.stdout

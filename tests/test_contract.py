"""The direction of imports is held by import-linter, and the contract can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

UPWARD = [
    ("theory", "io"),
    ("io", "plan"),
    ("representations", "generation"),
    ("training", "cli"),
    ("data", "models"),  # neighbours keep apart
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package and its contract."""
    shutil.copytree(
        REPOSITORY / "src/partimento",
        tmp_path / "partimento",
        ignore=lambda folder, names: {n for n in names if Path(folder, n).is_file() and not n.endswith(".py")},
    )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as c; c()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=house,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def plant(house: Path, importer: str, imported: str) -> None:
    for room in (importer, imported):
        folder = house / "partimento" / room
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    (house / "partimento" / importer / "planted.py").write_text(f"import partimento.{imported}\n")


def test_the_package_keeps_the_contract(house: Path):
    result = lint(house)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 kept, 0 broken" in result.stdout


def test_imports_upwards_are_seen(house: Path):
    for importer, imported in UPWARD:
        plant(house, importer, imported)
    result = lint(house)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout
    for importer, imported in UPWARD:
        assert f"partimento.{importer}.planted -> partimento.{imported}" in result.stdout


def test_a_room_without_a_place_is_seen(house: Path):
    (house / "partimento" / "cellar.py").touch()
    result = lint(house)
    assert result.returncode == 1
    assert "cellar" in result.stdout

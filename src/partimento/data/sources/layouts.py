"""How the public collections lay out their files, and what their tables say of them.

Each function takes the folder of the tables and that of the music, and gives a row for each file (see `entry.Row`).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from partimento.data.sources.entry import Row
from partimento.errors import BadFile

_VALIDATION_DIGIT, _TEST_DIGIT = "e", "f"
_MAX_LINE_BYTES = 4 * 2**20


def music_below(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a folder and its folders with one of the endings, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())


def lakh_split(lakh_id: str) -> str:
    """The split of the anticipatory music transformer: by the first hexadecimal digit."""
    return {_VALIDATION_DIGIT: "validation", _TEST_DIGIT: "test"}.get(lakh_id[:1].lower(), "train")


def lakh(tables: Path, music: Path) -> Iterator[Row]:
    """Lakh: `lmd_full/<digit>/<md5>.mid`."""
    for path in music_below(music, (".mid",)):
        yield {"file": _inside(path, music), "split": lakh_split(path.stem)}


def lakh_matched(tables: Path, music: Path) -> Iterator[Row]:
    """Matched Lakh: `lmd_matched/T/R/A/<recording>/<md5>.mid`; the recording is the work."""
    for row in lakh(tables, music):
        yield {**row, "work": row["file"].split("/")[-2]}


def midicaps(tables: Path, music: Path) -> Iterator[Row]:
    """MidiCaps: lines of `train.json` with the place of a file in Lakh, its caption and more."""
    for at, row in _json_lines(tables / "train.json"):
        location, caption = row.get("location"), row.get("caption")
        if not isinstance(location, str) or not isinstance(caption, str):
            raise BadFile(tables / "train.json", f"line {at} has no location and caption")
        lakh_id = location.rsplit("/", 1)[-1]
        own = "validation" if lakh_split(lakh_id) == "validation" else "train"
        yield {
            "file": location,
            "caption": caption,
            "split": lakh_split(lakh_id),
            "splits": {"test_set": "test" if row.get("test_set") is True else own},
            "facts": {key: value for key, value in row.items() if key not in ("location", "caption")},
        }


def maestro(tables: Path, music: Path) -> Iterator[Row]:
    """MAESTRO: a table with composer, title, split, year, file and duration."""
    path = next(iter(sorted(tables.glob("maestro*.csv"))), tables / "maestro-v3.0.0.csv")
    for row in _table(path, "midi_filename"):
        work = f"{row.get('canonical_composer', '')}: {row.get('canonical_title', '')}"
        facts = {key: row[key] for key in ("canonical_composer", "canonical_title", "year", "duration") if key in row}
        yield {"file": row["midi_filename"], "split": row.get("split", ""), "work": work, "facts": facts}


def pop909(tables: Path, music: Path) -> Iterator[Row]:
    """POP909: three digits name the song, whatever the version."""
    for path in music_below(music, (".mid",)):
        if re.match(r"\d{3}(\D|$)", path.stem):
            yield {"file": _inside(path, music), "work": path.stem[:3]}


def pdmx(tables: Path, music: Path) -> Iterator[Row]:
    """PDMX: a table with a row for each score; those whose licence is in doubt are left out."""
    kept = ("title", "artist_name", "composer_name", "genres", "tags", "rating", "license", "complexity", "tracks")
    for row in _table(tables / "PDMX.csv", "mxl", "subset:no_license_conflict"):
        subsets = [
            key.removeprefix("subset:") for key, value in row.items() if key[:7] == "subset:" and value == "True"
        ]
        name = row["mxl"].removeprefix("./")
        if "no_license_conflict" not in subsets:
            yield {"file": name, "left_out": True}
        elif name not in ("", "NA"):  # NA: the upload was damaged
            facts = {key: row[key] for key in kept if row.get(key, "NA") not in ("", "NA")}
            yield {"file": name, "work": row.get("best_path") or name, "facts": facts, "subsets": subsets}


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and objects of a file of JSON Lines, one line in memory at a time."""
    with _opened(path) as file:
        for at, line in enumerate(iter(lambda: file.readline(_MAX_LINE_BYTES), ""), 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise BadFile(path, f"line {at} is no JSON") from None
            if not isinstance(row, dict):
                raise BadFile(path, f"line {at} is no JSON object")
            yield at, row


def _table(path: Path, *needed: str) -> Iterator[dict[str, str]]:
    """Rows of a table with a header, one in memory at a time."""
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file, restval="")
            if missing := set(needed).difference(reader.fieldnames or ()):
                raise BadFile(path, f"the table has no column {min(missing)}")
            for row in reader:
                row.pop(None, None)  # type: ignore[call-overload]  # what stands beyond the last column
                yield row
    except csv.Error as error:
        raise BadFile(path, f"the table is damaged ({error})") from None


def _opened(path: Path):
    try:
        return path.open(encoding="utf-8", errors="replace", newline="")
    except OSError:
        raise BadFile(path, "is missing beside the music") from None

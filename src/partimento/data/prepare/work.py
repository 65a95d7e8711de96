"""The plan of a run, and the folder beside the dataset in which it is carried out.

The files, in the order in which they are found, are cut into shards. What is done with a shard depends on the plan
and its number alone, and is renamed into place when it is whole, its `done` file last. So a run that was killed goes
on with the shards that have none, and two runs of one plan give the same bytes, whoever does the work.

```
.NAME.work/
  plan.json              what is to be done, and the fingerprint by which a run knows its own
  files-00000.json …     the files of each shard
  pieces-00000.arrow     what became of them: one row per piece,
  rows-00000.arrow       one row per window of tokens,
  read-00000.json        counts and failures; that it is there says that the shard is done
  verdicts.npy           what happens to each piece: kept or not, split, cluster
  merges.json            pairs of tokens that are merged, if any are to be
  dataset/               the dataset, as far as it is written
  wrote-00000.json       counts of each of its shards
```
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from partimento import __version__
from partimento.data.prepare.options import Options
from partimento.data.sources.file import SourceFile
from partimento.data.sources.index import Facts
from partimento.errors import BadInput
from partimento.io import load_scores
from partimento.representations import Representation, TextRepresentation, create, create_text
from partimento.representations.bpe import Bpe
from partimento.score import Score

Load = Callable[[Path], tuple[Score, ...]]
"""Reads the pieces of a file; a function that a worker can import."""

MOST_FILES, MOST_BYTES, LEAST_BYTES = 128, 4 * 2**20, 2**19
_FIELDS = [field.name for field in fields(SourceFile)]
_SHARDS_WANTED = 48
"""A shard is closed at the first of these; small collections still make enough shards to go round."""


@dataclass(frozen=True, slots=True)
class Method:
    """How files become rows: all on which the bytes of a dataset depend, beside the files."""

    representation: str
    config: dict[str, Any]
    options: Options
    is_text: bool = False
    """Whether rows are text."""
    load: str = f"{load_scores.__module__}:{load_scores.__qualname__}"
    """Where the function lies that reads a file, `module:name`."""
    version: str = __version__


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of the plan."""

    file: SourceFile
    name: str
    """Its path below the folder that holds all files of its source."""
    size: int
    """In bytes."""


class Work:
    """The work folder of a plan."""

    def __init__(self, folder: Path) -> None:
        """Of a folder that `create` made."""
        self.folder = folder
        plan = json.loads((folder / "plan.json").read_text("utf-8"))
        self.fingerprint, self.shards, self.files = plan["fingerprint"], plan["shards"], plan["files"]
        self.method = Method(**plan["method"] | {"options": Options(**plan["method"]["options"])})

    @cached_property
    def representation(self) -> Representation[Any] | TextRepresentation:
        """How music becomes tokens or text."""
        return (create_text if self.method.is_text else create)(self.method.representation, **self.method.config)

    @cached_property
    def merges(self) -> Bpe | None:
        """The merges in which rows are written, once they are learned; None where none are asked for."""
        if not self.method.options.merges:
            return None
        pairs = json.loads((self.folder / "merges.json").read_text("utf-8"))
        return Bpe(self.method.representation, self.method.config, pairs)

    @property
    def said(self) -> Representation[Any] | TextRepresentation:
        """As what the rows of the dataset are written: `representation`, or merges over it."""
        return self.merges or self.representation

    @cached_property
    def read(self) -> Load:
        """What reads a file."""
        module, _, name = self.method.load.partition(":")
        return getattr(importlib.import_module(module), name)

    @property
    def dataset(self) -> Path:
        """Where the dataset grows."""
        return self.folder / "dataset"

    def path(self, kind: str, shard: int) -> Path:
        """`files`, `read` and `wrote` are JSON, `pieces`, `rows` and `catalogue` Arrow."""
        suffix = "json" if kind in ("files", "read", "wrote") else "arrow"
        return self.folder / f"{kind}-{shard:05d}.{suffix}"

    def files_of(self, shard: int) -> list[PlannedFile]:
        """The files of a shard."""
        rows = json.loads(self.path("files", shard).read_text("utf-8"))
        return [PlannedFile(_file(row["file"]), row["name"], row["size"]) for row in rows]

    def write(self, kind: str, shard: int, table: Any) -> None:
        """Write a table beside its place and rename it into place."""
        path = self.path(kind, shard)
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, table.schema) as arrow:
            arrow.write_table(table)
        os.replace(temporary, path)

    def table(self, kind: str, shard: int, columns: Sequence[str] | None = None) -> Any:
        """A table, mapped into memory."""
        with pa.memory_map(str(self.path(kind, shard))) as file:
            table = pa.ipc.open_file(file).read_all()
        return table.select(list(columns)) if columns is not None else table

    def counts(self, kind: str, shard: int) -> dict[str, Any] | None:
        """What the `read` or `wrote` file of a shard says, None if the shard is not done."""
        try:
            return json.loads(self.path(kind, shard).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def done(self) -> int:
        """How many shards of files are done."""
        return sum(self.counts("read", shard) is not None for shard in range(self.shards))

    def finish(self, kind: str, shard: int, counts: dict[str, Any]) -> None:
        """Say that a shard is done."""
        write_text(self.path(kind, shard), json.dumps(counts, ensure_ascii=False))

    def deliver(self, out: Path) -> None:
        """Move the dataset to its place and clear up."""
        os.replace(self.dataset, out)
        self.discard()

    def discard(self) -> None:
        """Remove the folder; it is renamed before, so that nobody takes a half-removed one for a run to go on with."""
        _discard(self.folder)


def open_work(out: Path, method: Method, files: Sequence[SourceFile], *, fresh: bool = False) -> tuple[Work, bool]:
    """The work folder for a plan, and whether it was begun before.

    Args:
        out: place of the dataset; the work folder stands beside it.
        method: how the files become rows.
        files: in order.
        fresh: whether to remove what an earlier run has left.

    Raises:
        BadInput: another run was begun here.
    """
    folder = out.with_name(f".{out.name}.work")
    shutil.rmtree(folder.with_suffix(".spent"), ignore_errors=True)
    if fresh:
        _discard(folder)
    roots, sizes = _roots(files), array("q", (_size(file.path) for file in files))
    fingerprint = _fingerprint(method, files, roots, sizes)
    if (folder / "plan.json").is_file():
        work = Work(folder)
        if work.fingerprint != fingerprint:
            raise BadInput(
                f"{folder}: holds an unfinished run with other files, options or version; give the same command as "
                "then, or --fresh to begin anew"
            )
        return work, True
    _create(folder, method, files, roots, sizes, fingerprint)
    return Work(folder), False


def _discard(folder: Path) -> None:
    spent = folder.with_suffix(".spent")
    if folder.exists():
        os.replace(folder, spent)
    shutil.rmtree(spent, ignore_errors=True)


def _create(
    folder: Path,
    method: Method,
    files: Sequence[SourceFile],
    roots: dict[str, str],
    sizes: Sequence[int],
    fingerprint: str,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cuts = list(_cuts(sizes))
    for shard, (first, last) in enumerate(cuts):
        rows = [
            {"file": _plain(files[i]), "name": _name(files[i], roots), "size": sizes[i]} for i in range(first, last)
        ]
        (folder / f"files-{shard:05d}.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    plan = {"fingerprint": fingerprint, "shards": len(cuts), "files": len(files), "method": asdict(method)}
    write_text(folder / "plan.json", json.dumps(plan, ensure_ascii=False, indent=1) + "\n")


def _plain(file: SourceFile) -> dict[str, Any]:
    """What JSON can hold of a file; of facts that stand in an index it is told where."""
    facts = file.facts.place if isinstance(file.facts, Facts) else dict(file.facts)
    return {name: getattr(file, name) for name in _FIELDS} | {"path": str(file.path), "facts": facts}


def _file(said: dict[str, Any]) -> SourceFile:
    facts: Any = said["facts"]
    known: dict[str, Any] = {"path": Path(said["path"]), "facts": Facts(*facts) if isinstance(facts, list) else facts}
    return SourceFile(**{**said, **known})


def _cuts(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs [first, last) of files, none with more files or bytes than a shard holds, but for single large files."""
    most = min(max(sum(sizes) // _SHARDS_WANTED, LEAST_BYTES), MOST_BYTES)
    first, held = 0, 0
    for index, size in enumerate(sizes):
        if index > first and (held + size > most or index - first == MOST_FILES):
            yield first, index
            first, held = index, 0
        held += size
    yield first, len(sizes)


def _roots(files: Sequence[SourceFile]) -> dict[str, str]:
    """What the paths of each source have in common; only what is below it is told, so that no home folder is named."""
    roots: dict[str, str] = {}
    for file in files:
        parent = os.path.dirname(file.path)
        known = roots.get(file.source)
        if known is None or (parent != known and not parent.startswith(known + os.sep)):
            roots[file.source] = parent if known is None else os.path.commonpath([known, parent])
    return roots


def _name(file: SourceFile, roots: dict[str, str]) -> str:
    return str(file.path).removeprefix(roots[file.source]).lstrip(os.sep).replace(os.sep, "/")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # the reader says what is wrong with it
        return 0


def _fingerprint(method: Method, files: Sequence[SourceFile], roots: dict[str, str], sizes: Sequence[int]) -> str:
    digest = hashlib.sha256(json.dumps(asdict(method), sort_keys=True).encode())
    for file, size in zip(files, sizes, strict=True):
        said = [file.source, _name(file, roots), size, file.licence, file.style, file.caption, file.split, file.work]
        said += [file.facts.place[1]] if isinstance(file.facts, Facts) else []
        digest.update(json.dumps(said).encode())
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text beside its place and rename it into place."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)

"""The Hugging Face hub, through its HTTP interface: what a dataset is, and which files it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from partimento.data.sources.archives import is_archive
from partimento.data.sources.entry import Remote
from partimento.data.sources.web import HUB, NotThere, Web
from partimento.errors import BadInput
from partimento.io import FORMATS

_SPEC = re.compile(r"(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?(?::(?P<column>[^:/]+))?")
_MOST_PAGES = 1000
_TABLES = ((".parquet",), (".jsonl", ".ndjson"), (".json",))
"""Endings of tables; those of one kind are read, the first that a dataset has."""
_NO_TABLES = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json")


@dataclass(frozen=True, slots=True)
class Spec:
    """A dataset on the hub, perhaps at a revision, perhaps a column of it."""

    name: str
    revision: str = ""
    column: str = ""

    @property
    def folder(self) -> str:
        """Name of its folder among the downloads."""
        column = f"-{self.column}" if self.column else ""
        return "hf/" + re.sub(r"[^\w.-]", "--", self.name) + re.sub(r"[^\w.-]", "_", column)


def parse(text: str) -> Spec:
    """`owner/name[@revision][:column]`.

    Raises:
        BadInput: it is nothing of the kind.
    """
    found = _SPEC.fullmatch(text)
    if found is None or ".." in text:
        raise BadInput(f"hf:{text}: a dataset on the hub is written hf:owner/name, hf:owner/name@revision:column")
    return Spec(found["name"], found["revision"] or "", found["column"] or "")


def dataset_info(spec: Spec, web: Web) -> tuple[str, str]:
    """The commit of a revision and the licence that the dataset states.

    Raises:
        BadInput: there is no such dataset or revision, or it needs a permission.
    """
    revision = f"/revision/{quote(spec.revision, safe='')}" if spec.revision else ""
    answer, _ = web.json(f"{HUB}/api/datasets/{spec.name}{revision}")
    try:
        card: dict[str, Any] = answer.get("cardData") or {}
        licence = card.get("license") or "unstated"
        return str(answer["sha"]), ", ".join(map(str, licence)) if isinstance(licence, list) else str(licence)
    except (KeyError, AttributeError):
        raise BadInput(f"hf:{spec.name}: the hub's answer is not as it should be") from None


def hub_checksum(remote: Remote, web: Web) -> Remote:
    """A file on the hub with the checksum and the size that the hub states.

    Raises:
        BadInput: the hub does not have it.
    """
    found = re.fullmatch(re.escape(HUB) + r"/datasets/(.+?)/resolve/([^/]+)/(.+)", remote.url)
    assert found is not None
    for file in _tree(Spec(found[1], found[2]), web):
        if file.name == found[3]:
            return replace(remote, bytes=file.bytes, checksum=file.checksum)
    raise BadInput(f"{remote.url}: it is not there")


def tables(spec: Spec, sha: str, web: Web, tell: Callable[[str], None]) -> Iterator[tuple[str, Remote]]:
    """The tables of a dataset, each with its split.

    Without a revision these are the Parquet copies that the hub keeps of most datasets; else, or where it keeps none,
    those among its files.
    """
    copies = {} if spec.revision else _parquet_copies(spec, web, tell)
    for split, count in copies.items():
        for at in range(count):
            place = f"{split[0]}/{split[1]}/{at}.parquet"
            url = f"{HUB}/api/datasets/{spec.name}/parquet/{quote(place)}"
            yield split_named(split[1]), Remote(f"{at:04}-{_plain(place)}", url)
    if not copies:
        files = [file for file in _tree(replace(spec, revision=sha), web) if not file.name.endswith(_NO_TABLES)]
        has_music = any(_is_music(file) for file in files)  # then JSON is more likely to be about it
        endings = _TABLES[:-1] if has_music else _TABLES
        kinds = [[file for file in files if file.name.lower().endswith(kind)] for kind in endings]
        for at, file in enumerate(next(filter(None, kinds), [])):
            yield split_named(file.name), replace(file, name=f"{at:04}-{_plain(file.name)}")


def music_files(spec: Spec, sha: str, web: Web) -> Iterator[Remote]:
    """The archives and the files of music of a dataset."""
    for at, file in enumerate(_tree(replace(spec, revision=sha), web)):
        if _is_music(file):
            yield replace(file, name=f"{at:06}-{_plain(file.name)}")


def _is_music(file: Remote) -> bool:
    return is_archive(file.name) or file.name.lower().endswith(tuple(FORMATS))


def _parquet_copies(spec: Spec, web: Web, tell: Callable[[str], None]) -> dict[tuple[str, str], int]:
    """How many files there are of each split, of the first configuration; none where the hub keeps no copy."""
    try:
        answer, _ = web.json(f"{HUB}/api/datasets/{spec.name}/parquet")
    except NotThere:
        return {}
    try:
        config = "default" if "default" in answer else min(answer, default="")
        if len(answer) > 1:
            tell(f"hf:{spec.name}: of its configurations {', '.join(answer)}, {config} is read")
        return {(config, split): len(urls) for split, urls in answer.get(config, {}).items()}
    except (TypeError, AttributeError):
        raise BadInput(f"hf:{spec.name}: the hub's answer is not as it should be") from None


def _tree(spec: Spec, web: Web) -> Iterator[Remote]:
    """All files of a revision, with sizes and, for large ones, checksums."""
    url = f"{HUB}/api/datasets/{spec.name}/tree/{quote(spec.revision, safe='')}?recursive=true"
    for _ in range(_MOST_PAGES):
        answer, following = web.json(url)
        try:
            for file in answer:
                if file["type"] == "file":
                    checksum = f"sha256:{file['lfs']['oid']}" if file.get("lfs") else ""
                    place = f"{HUB}/datasets/{spec.name}/resolve/{quote(spec.revision, safe='')}/{quote(file['path'])}"
                    yield Remote(file["path"], place, int(file["size"]), checksum)
        except (TypeError, KeyError, ValueError):
            raise BadInput(f"hf:{spec.name}: the hub's answer is not as it should be") from None
        if not following:
            return
        url = f"{HUB}/{following.split('://', 1)[-1].split('/', 1)[-1]}"


_SPLIT_WORDS = {
    "test": {"test", "testing", "eval", "evaluation"},
    "validation": {"validation", "valid", "val", "dev"},
    "train": {"train", "training"},
}


def split_named(name: str) -> str:
    """The split that the name of a table or a file tells; empty where it tells none."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    return next((split for split, signs in _SPLIT_WORDS.items() if words & signs), "")


def _plain(place: str) -> str:
    return re.sub(r"[^\w.-]", "_", place)[-120:]

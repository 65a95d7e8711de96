"""Unpacking archives that nobody has looked into."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from partimento.data.sources.archives import Limits, unpack, wanted
from partimento.errors import BadInput

SONG = b"MThd a song"
MUSIC = wanted("music", 1, (".mid",))


def zipped(members, **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(members, mode: Literal["w", "w:gz"] = "w:gz") -> bytes:
    """Members are bytes, or a TarInfo to stand as it is."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def special(name, kind, target="") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def archive(tmp_path):
    def archive(content: bytes) -> Path:
        (tmp_path / "archive").write_bytes(content)
        return tmp_path / "archive"

    return archive


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


GOOD = {"r/music/a.mid": SONG, "r/music/b/c.MID": SONG * 2, "r/music/read.me": b"x", "r/other/d.mid": b"y",
        "r/music/._a.mid": b"resource fork", "r/LICENSE": b"z"}  # fmt: skip
KINDS = {"zip": zipped, "tar.gz": tarred, "tar": lambda members: tarred(members, "w")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_music_is_unpacked_and_nothing_else(archive, tmp_path, kind):
    done = unpack(archive(KINDS[kind](GOOD)), tmp_path / "out", MUSIC)
    assert tree(tmp_path / "out") == {"music/a.mid": SONG, "music/b/c.MID": SONG * 2}
    assert (done.files, done.left_out) == (2, 0)


def test_the_checksum_is_of_the_content_whatever_the_packing(archive, tmp_path):
    shuffled = dict(sorted(GOOD.items(), reverse=True))
    sums = {
        unpack(archive(make(members)), tmp_path / f"{kind}{at}", MUSIC).checksum
        for kind, make in KINDS.items()
        for at, members in enumerate((GOOD, shuffled))
    }
    assert len(sums) == 1
    other = GOOD | {"r/music/a.mid": SONG + b"!"}
    assert unpack(archive(zipped(other)), tmp_path / "other", MUSIC).checksum not in sums


def test_a_plain_tar_with_compressed_scores_at_its_end_is_a_tar(archive, tmp_path):
    score = zipped({"score.xml": b"<score-partwise/>"})
    content = tarred({"mxl/1.mxl": score}, "w")
    assert unpack(archive(content), tmp_path / "out", wanted("", 0, (".mxl",))).files == 1
    assert tree(tmp_path / "out") == {"mxl/1.mxl": score}


HOSTILE = ["../evil.mid", "r/music/../../../evil.mid", "/tmp/evil.mid", "r\\..\\..\\evil.mid", "C:/evil.mid"]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_points_out_of_the_folder_condemns_the_archive(archive, tmp_path, kind, name):
    content = KINDS[kind]({"r/music/a.mid": SONG, name: b"evil"})
    with pytest.raises(BadInput, match="points out of the folder"):
        unpack(archive(content), tmp_path / "deep" / "out", MUSIC)
    assert not list(tmp_path.rglob("evil*"))


def test_links_and_devices_are_left_out(archive, tmp_path):
    members = {
        "r/music/link.mid": special("r/music/link.mid", tarfile.SYMTYPE, "/etc/passwd"),
        "r/music/hard.mid": special("r/music/hard.mid", tarfile.LNKTYPE, "r/music/link.mid"),
        "r/music/pipe.mid": special("r/music/pipe.mid", tarfile.FIFOTYPE),
        "r/music/zero.mid": special("r/music/zero.mid", tarfile.CHRTYPE),
        "r/music/a.mid": SONG,
    }
    done = unpack(archive(tarred(members)), tmp_path / "out", MUSIC)
    assert tree(tmp_path / "out") == {"music/a.mid": SONG}
    assert (done.files, done.left_out) == (1, 4)
    info = zipfile.ZipInfo("r/music/link.mid")
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped_link:
        zipped_link.writestr(info, "/etc/passwd")
    assert unpack(archive(out.getvalue()), tmp_path / "out2", MUSIC).left_out == 1
    assert tree(tmp_path / "out2") == {}


def test_a_folder_that_is_a_link_is_never_followed(archive, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    members = {"l": special("r/music/b.mid", tarfile.SYMTYPE, str(tmp_path / "elsewhere")), "r/music/b.mid/x.mid": SONG}
    unpack(archive(tarred(members)), tmp_path / "out", MUSIC)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(members=3), "too large for what it is"),
        (Limits(member_bytes=10), "is larger than 0 MiB"),
        (Limits(bytes=20), "too large for what it is"),
        (Limits(ratio=0, small_bytes=20), "too large for what it is"),
    ],
)
def test_numbers_and_sizes_are_bounded(archive, tmp_path, kind, limits, said):
    with pytest.raises(BadInput, match=said):
        unpack(archive(KINDS[kind](GOOD)), tmp_path / "out", MUSIC, limits)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("name", ["r/music/bomb.mid", "r/elsewhere/bomb.bin"])
def test_a_bomb_costs_neither_memory_nor_disk(archive, tmp_path, kind, name):
    bomb = archive(KINDS[kind]({name: bytes(40 << 20)}))
    tracemalloc.start()
    with pytest.raises(BadInput, match="too large for what it is"):
        unpack(bomb, tmp_path / "out", MUSIC, Limits(small_bytes=1 << 20))
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert not (tmp_path / "out" / "music").exists()


def test_a_bomb_in_a_header_is_not_read(archive, tmp_path):
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 64 << 20
    bomb = archive(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(64 << 20)))
    tracemalloc.start()
    with pytest.raises(BadInput, match="damaged"):
        unpack(bomb, tmp_path / "out", MUSIC)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_member_larger_than_it_says_is_cut_off(archive, tmp_path):
    content = bytearray(zipped({"r/music/a.mid": bytes(50_000)}))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.index(signature) + offset
        content[at : at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(BadInput):
        unpack(archive(bytes(content)), tmp_path / "out", MUSIC)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def scratched(content: bytes) -> bytes:
    return content[:5000] + bytes(600) + content[5600:]


def without_second_header(content: bytes) -> bytes:
    at = content.index(b"r/music/b.mid")
    return content[:at] + b"!" + content[at + 1 :]


@pytest.mark.parametrize(
    ("kind", "damage"),
    [*((kind, damage) for kind in ("zip", "tar.gz") for damage in (cut, scratched)), ("tar", cut),
     ("tar", without_second_header), ("tar", lambda content: b""), ("tar", lambda content: b"PK"),
     ("tar", lambda content: b"no tar at all")],
)  # fmt: skip
def test_cut_and_damaged_archives_are_named(archive, tmp_path, kind, damage):
    noise = random.Random(1).randbytes(20_000)
    whole = KINDS[kind]({"r/music/a.mid": noise, "r/music/b.mid": noise[::-1]})
    with pytest.raises(BadInput, match=r"^archive: the archive is damaged \([^\n]*\)$"):
        unpack(archive(damage(whole)), tmp_path / "out", MUSIC)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_wrong_is_said_in_one_line(archive, tmp_path, kind):
    rng = random.Random(kind)
    whole = KINDS[kind]({f"r/music/{n}.mid": rng.randbytes(500) for n in range(4)} | {"zz.mid": SONG})
    if kind == "zip":
        whole = whole.replace(b"zz.mid", b"\0z.mid")  # a name of no letters
    for at in range(60):
        content = bytearray(gzip.decompress(whole) if kind == "tar.gz" else whole)
        for _ in range(rng.choice((1, 3, 20))):
            content[rng.randrange(len(content))] = rng.choice((0, 255, rng.randrange(256)))
        mutated = gzip.compress(content, 1) if kind == "tar.gz" else bytes(content)
        try:
            unpack(archive(mutated), tmp_path / f"{at}", MUSIC)
        except BadInput as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_an_encrypted_archive_is_refused(archive, tmp_path):
    content = bytearray(zipped({"r/music/a.mid": SONG}))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(BadInput, match="encrypted"):
        unpack(archive(bytes(content)), tmp_path / "out", MUSIC)

"""How fast does music become datasets, beside MidiTok and anticipation, and with more workers, machines and files?

    PARTIMENTO_DATA=FOLDER python benchmarks/prepare/bench.py [speed] [workers] [ray] [memory] [kills]

Without a name all are measured. Each writes its part of `results.json` beside this file. Times are CPU seconds of all
processes, those compared by turns in one run; clocks on the wall are given where workers share the work.
"""

import argparse
import gc
import json
import logging
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from partimento.data.prepare.supervisor import environment

HERE = Path(__file__).parent
FOLDERS = ("B_pop909", "A_freedoom-midi")
MEMORY = ("MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
PLAIN = ["--no-annotate", "--no-facts", "--max-parts", "100"]
CONTEXT = 1024


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), choices=[*PARTS, []], metavar="part")
    parser.add_argument("--every", type=int, default=10, help="measure speed on every n-th file")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each")
    parser.add_argument("--files", type=int, nargs=2, default=(1_000, 50_000), help="files of the memory test")
    options = parser.parse_args()
    if any(name not in os.environ for name in MEMORY):  # both sides run under the settings that workers have
        os.execve(sys.executable, [sys.executable, *sys.argv], environment())
    logging.disable(logging.WARNING)
    place = HERE / "results.json"
    results = json.loads(place.read_text("utf-8")) if place.exists() else {}
    with tempfile.TemporaryDirectory(prefix="partimento-bench-") as folder:
        for part in options.parts:
            measured = PARTS[part](options, Path(folder))
            results[part] = {"machine": machine()} | measured
            print(json.dumps({part: measured}, indent=2))
            place.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=True
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
        "processor": platform.machine(), "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        **{name: version(name) for name in ("numpy", "pyarrow", "miditok", "mido", "symusic")},
    }  # fmt: skip


def music(every: int = 1) -> list[Path]:
    """MIDI files of the corpora, evenly spaced."""
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    return [path for name in FOLDERS for path in sorted((corpus / name).rglob("*.mid"))[::every]]


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def linked(paths: list[Path], folder: Path) -> Path:
    """A folder with those files, each under a name of its own."""
    folder.mkdir(parents=True)
    for number, path in enumerate(paths):
        (folder / f"{number:05d}.mid").symlink_to(path)
    return folder


def speed(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """MIDI to datasets on one core, by turns: each side reads all files and writes all of its output."""
    import miditok
    import peers
    import symusic

    from partimento.data.prepare import Options, prepare
    from partimento.errors import PartimentoError
    from partimento.io import load_scores

    def ours(representation: str) -> None:
        settings = Options(annotate=False, facts=False, dedup="off", max_parts=100, context=CONTEXT)
        prepare(
            [str(files)], folder / "ours", representation=representation, options=settings, workers=0, progress=False
        )

    def theirs(job: Callable[[Path], Any]) -> None:
        (folder / "theirs").mkdir()
        job(folder / "theirs")

    paths, notes = list[Path](), 0
    for path in music(options.every):  # those that every side can read
        try:
            symusic.Score(path)
            count = sum(len(score.notes) for score in load_scores(path) if len(score.measures))
        except (RuntimeError, PartimentoError):
            continue
        if count:
            paths, notes = [*paths, path], notes + count
    files = linked(paths, folder / "files")
    tokenizer = miditok.REMI(miditok.TokenizerConfig(use_programs=True, use_tempos=True, use_time_signatures=True))
    jobs: dict[str, Callable[[], None]] = {
        "remi": lambda: ours("remi"),
        "miditok, files whole": lambda: theirs(lambda out: peers.miditok_whole(paths, tokenizer, out)),
        "miditok, split to fit": lambda: theirs(lambda out: peers.miditok_rows(paths, tokenizer, out, CONTEXT)),
        "amt": lambda: ours("amt"),
        "anticipation": lambda: theirs(lambda out: peers.anticipation(paths, out)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(options.repeats + 1):
        for name, job in jobs.items():
            gc.collect()
            gc.freeze()  # as workers do
            start = time.process_time()
            job()
            spent = time.process_time() - start
            if turn:  # the first one warms up
                seconds[name].append(spent)
            for made in ("ours", "theirs"):
                shutil.rmtree(folder / made, ignore_errors=True)
    shutil.rmtree(files)
    return {
        "files": len(paths), "notes": notes, "repeats": options.repeats,
        "microseconds_per_note": {name: round(float(np.median(s)) / notes * 1e6, 2) for name, s in seconds.items()},
        "times_as_fast": {
            "remi beside miditok, files whole": ratio(seconds["miditok, files whole"], seconds["remi"]),
            "remi beside miditok, split to fit": ratio(seconds["miditok, split to fit"], seconds["remi"]),
            "amt beside anticipation": ratio(seconds["anticipation"], seconds["amt"]),
        },
    }  # fmt: skip


def ratio(slow: list[float], fast: list[float]) -> float:
    """Median over the turns."""
    return round(float(np.median(np.array(slow) / np.array(fast))), 1)


def prepared(files: Path, out: Path, *flags: str, dedup: str = "off") -> dict[str, float]:
    """Seconds on the wall and of CPU, and peak memory in MiB, of the command; what it made is removed."""
    command = [
        sys.executable,
        "-m",
        "partimento",
        "prepare",
        str(files),
        "--out",
        str(out),
        *PLAIN,
        "--dedup",
        dedup,
        *flags,
    ]
    start, spent = time.monotonic(), cpu()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks = dict[int, float]()
    most = 0.0
    while process.poll() is None:
        now = memory_of_tree(process.pid)
        most = max(most, sum(now.values()))
        for pid, mebibytes in now.items():
            peaks[pid] = max(peaks.get(pid, 0), mebibytes)
        time.sleep(0.05)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    if process.returncode:
        raise RuntimeError(said)
    seconds = time.monotonic() - start
    rows = sum(path.stat().st_size for path in out.glob("*.parquet"))
    shutil.rmtree(out)
    return {
        "wall": seconds, "cpu": cpu() - spent, "peak": most, "parent": peaks.get(process.pid, 0.0), "bytes": rows,
    }  # fmt: skip


def memory_of_tree(pid: int) -> dict[int, float]:
    """Resident memory of a process and its children, in MiB."""
    found: dict[int, float] = {}
    for each in (pid, *children(pid)):
        try:
            pages = int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except OSError:
            continue
        found[each] = pages * resource.getpagesize() / 2**20
    return found


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def workers(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Two workers beside one, by turns, on all files."""
    paths = music() * 8
    files = linked(paths, folder / "files")
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(max(options.repeats // 2, 2)):
        for count, done in runs.items():
            done.append(prepared(files, folder / "out", "--workers", str(count)))
    shutil.rmtree(files)
    walls, cpus = ([[run[kind] for run in done] for done in runs.values()] for kind in ("wall", "cpu"))
    return {
        "files": len(paths),
        "wall_seconds": {count: [round(w, 1) for w in wall] for count, wall in zip(runs, walls, strict=True)},
        "cpu_seconds": {count: [round(c, 1) for c in spent] for count, spent in zip(runs, cpus, strict=True)},
        "times_as_fast": round(float(np.median(np.array(walls[0]) / np.array(walls[1]))), 2),
        "cpu_of_two_beside_one": round(float(np.median(np.array(cpus[1]) / np.array(cpus[0]))), 3),
    }


def ray(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A Ray cluster of two nodes, simulated on this machine, beside the pool, by turns."""
    from ray.cluster_utils import Cluster

    paths = music() * 36
    files = linked(paths, folder / "files")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    runs: dict[str, list[dict[str, float]]] = {"pool": [], "ray": []}
    flags = {"pool": ("--workers", "2"), "ray": ("--ray", cluster.address)}
    try:
        for _ in range(2):
            for name, done in runs.items():
                done.append(prepared(files, folder / "out", *map(str, flags[name])))
    finally:
        cluster.shutdown()
    shutil.rmtree(files)
    walls = {name: [run["wall"] for run in done] for name, done in runs.items()}
    return {
        "files": len(paths), "nodes": 2,
        "wall_seconds": {name: [round(w, 1) for w in wall] for name, wall in walls.items()},
        "overhead": round(float(np.median(np.array(walls["ray"]) / np.array(walls["pool"]))) - 1, 3),
    }  # fmt: skip


def memory(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Peak memory of all processes with few and many files, and what the search for duplicates adds in the parent."""
    runs: dict[str, dict[int, dict[str, float]]] = {}
    few, many = options.files
    files = copies(many, folder / "copies")
    first = folder / "few"
    first.mkdir()
    for path in sorted(files.iterdir())[:few]:
        (first / path.name).symlink_to(path)
    for dedup in ("off", "exact", "near"):
        runs[dedup] = {
            count: prepared(place, folder / "out", "--workers", "2", dedup=dedup)
            for count, place in ((few, first), (many, files))
        }
    shutil.rmtree(files)
    shutil.rmtree(first)
    off = runs["off"]
    return {
        "files": [few, many],
        "peak_MiB": {name: {count: round(run["peak"]) for count, run in done.items()} for name, done in runs.items()},
        "parent_MiB": {name: {n: round(run["parent"]) for n, run in done.items()} for name, done in runs.items()},
        "wall_seconds": {name: {n: round(run["wall"]) for n, run in done.items()} for name, done in runs.items()},
        "many_beside_few": round(off[many]["peak"] / off[few]["peak"], 3),
        "bytes_per_file_of_deduplication": {
            name: round((runs[name][many]["parent"] - off[many]["parent"]) * 2**20 / many) for name in ("exact", "near")
        },
    }


def copies(count: int, folder: Path) -> Path:
    """So many MIDI files: transposed copies of short tunes with some notes left out, each file under ten names."""
    from partimento.io import load_scores, save_score

    corpus = Path(os.environ["PARTIMENTO_DATA"])
    tunes = [
        score
        for path in sorted((corpus / "B_folk-abc-music21").rglob("*.abc"))[::8]
        for score in load_scores(path)[:1]
        if 48 <= len(score.notes) <= 200
    ][:400]
    folder.mkdir()
    rng, made = random.Random(5), 0
    while made < count:
        tune = rng.choice(tunes)
        try:
            moved = tune.transpose(rng.randint(-8, 8))
        except ValueError:
            continue
        is_kept = np.array([rng.random() < 0.95 for _ in moved.notes])
        first = folder / f"{made:06d}.mid"
        save_score(moved.with_notes(moved.notes[is_kept]), first)
        for name in range(made + 1, min(made + 10, count)):
            os.link(first, folder / f"{name:06d}.mid")
        made += 10
    return folder


def kills(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Ten kills at random moments of a run, and whether the dataset is that of a run without any."""
    files, rng = linked(music(4), folder / "files"), random.Random(9)
    command = [sys.executable, "-m", "partimento", "prepare", str(files), "--dedup", "exact"]
    start = time.monotonic()
    subprocess.run([*command, "--out", str(folder / "whole")], check=True, stdout=subprocess.DEVNULL)
    whole = time.monotonic() - start
    killed, moments = 0, list[float]()
    while killed < 10:
        run = subprocess.Popen([*command, "--out", str(folder / "killed")], stdout=subprocess.DEVNULL)
        moments.append(1.0 + rng.random() * whole / 4)
        try:
            run.wait(moments[-1])
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            killed += 1
        else:  # it was done before it could be killed
            shutil.rmtree(folder / "killed")
    subprocess.run([*command, "--out", str(folder / "killed")], check=True, stdout=subprocess.DEVNULL)
    same = subprocess.run(["diff", "-r", str(folder / "whole"), str(folder / "killed")]).returncode == 0
    for name in ("whole", "killed", "files"):
        shutil.rmtree(folder / name)
    return {"kills": killed, "seconds_until_each": [round(m, 2) for m in moments], "equal_bytes": same}


PARTS: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "speed": speed, "workers": workers, "ray": ray, "memory": memory, "kills": kills,
}  # fmt: skip

if __name__ == "__main__":
    main()

"""Does any mutant of a file of music break the readers?

    PARTIMENTO_DATA=FOLDER python benchmarks/fuzz/fuzz.py [midi] [musicxml] [abc] [--runs 30000]

Atheris mutates real files, guided by the lines of our readers that a mutant reaches. What every fiftieth mutant
gives is also unfolded, engraved and written in all formats. A finding is any error but our own, more than 2 s of
processor time for reading, more than 512 MiB in all, a hang or a crash; each is kept as a file. Writes
`results.json` beside itself.
"""

import argparse
import hashlib
import json
import logging
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENDINGS = {"midi": (".mid",), "musicxml": (".mxl",), "abc": (".abc",)}
MAX_SECONDS, MAX_MEGABYTES, HANG_SECONDS = 2.0, 512, 20
RUNS_A_PROCESS = 2_000  # libFuzzer's own memory grows with them
MAX_SEED_BYTES, SEEDS = 12_000, 60
WRITTEN_EVERY, MAX_WRITTEN_NOTES, MAX_WRITTEN_BARS = 50, 300, 300
WORDS: dict[str, list[bytes]] = {
    "midi": [
        b"MThd", b"MTrk", b"\xff\x2f\x00", b"\xff\x51\x03", b"\xff\x58\x04", b"\xf0", b"\xf7", b"\x8f\xff\xff\x7f",
        b"\x00\x00", b"\xe8\x28", b"\xff\x05", b"\xff\x59\x02",
    ],
    "musicxml": [
        b"<note>", b"</note>", b"<chord/>", b"<rest/>", b"<grace/>", b"<cue/>", b"<backup>", b"<forward>",
        b"<duration>", b"</duration>", b"<divisions>", b"<time-modification>", b"<actual-notes>", b"<measure>",
        b"<transpose>", b"<staves>", b"<tuplet ", b"<repeat ", b"<ending ", b"999999999", b"-1", b"1e309",
        b"NaN", b"<!ENTITY a 'b'>", b"&a;", b"<harmony>", b"<degree>", b"PK\x03\x04",
    ],
    "abc": [
        b"X:1\n", b"K:C\n", b"M:4/4\n", b"L:1/8\n", b"V:1\n", b"[V:2]", b"P:AABB\n", b"w:", b"(3", b"(9:9:9", b"|:",
        b":|", b"|1", b"[1", b"{", b"}", b"!trill!", b"+fermata+", b"U:", b"m:", b"Z99999", b"&", b"99999999", b"/",
        b">>>", b"%%MIDI program ", b"%%score (1 2)\n", b"Q:1/4=120\n", b"[K:", b"-", b"s:", b"\\\n",
    ],
}  # fmt: skip
"""What mutations may insert."""


def main() -> None:
    """Fuzz each format in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", default=list(ENDINGS), help="midi, musicxml, abc; all by default")
    parser.add_argument("--runs", type=int, default=30_000, help="mutants per format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=Path, help="folder of files to mutate, by default PARTIMENTO_DATA")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="folder for what breaks something")
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.child:
        fuzz(options.formats[0], options.child, options.findings, rest)
    seeds = options.seeds or Path(os.environ["PARTIMENTO_DATA"])
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    for name in options.formats:
        results[name] = campaign(name, options.runs, options.seed, seeds, options.findings) | {"machine": machine()}
        options.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        print(name, json.dumps(results[name]), flush=True)
    sys.exit(any(results[name]["findings"] for name in options.formats))


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE)
    return {"commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system()}


def nothing_done() -> dict[str, Any]:
    """A report before the first mutant."""
    return {"mutants": 0, "read": 0, "slowest_s": 0.0, "peak_mb": 0, "findings": []}


def campaign(name: str, runs: int, seed: int, seeds: Path, findings: Path) -> dict[str, Any]:
    """Mutate until so many runs are done, again from the seeds after a crash of the process."""
    findings.mkdir(parents=True, exist_ok=True)
    report = nothing_done()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "seeds").mkdir()
        write_seeds(name, seeds, work / "seeds")
        dictionary = "".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n' for word in WORDS[name])
        (work / "words").write_text(dictionary)
        while report["mutants"] < runs:
            part = one_process(name, min(runs - report["mutants"], RUNS_A_PROCESS), seed, findings, work)
            seed += 1
            for key in ("mutants", "read"):
                report[key] += part[key]
            for key in ("slowest_s", "peak_mb"):
                report[key] = max(report[key], part[key])
            report["findings"] += [found for found in part["findings"] if found not in report["findings"]]
    return report


def one_process(name: str, runs: int, seed: int, findings: Path, work: Path) -> dict[str, Any]:
    """One run of libFuzzer; a process that dies of a mutant leaves it behind as a finding."""
    state = work / "state.json"
    state.unlink(missing_ok=True)
    command = [
        *(sys.executable, __file__, name, "--child", str(state), "--findings", str(findings)),
        *(f"-runs={runs}", f"-seed={seed}", f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MAX_MEGABYTES}"),
        *(f"-dict={work / 'words'}", f"-artifact_prefix={findings}/{name}-", "-max_len=30000", "-print_final_stats=1"),
        str(work / "seeds"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
    part = json.loads(state.read_text()) if state.exists() else nothing_done()
    peak = re.search(r"peak_rss_mb:\s*(\d+)", done.stderr)
    part["peak_mb"] = int(peak[1]) if peak else 0
    if done.returncode:
        cause = re.search(r"(?:ERROR: libFuzzer|SUMMARY): ([^\n]{0,120})", done.stderr)
        part["findings"].append(cause[1] if cause else f"exit {done.returncode}: {done.stderr[-300:]}")
        if not part["mutants"]:
            raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return part


def write_seeds(name: str, source: Path, folder: Path) -> None:
    """Small real files; MusicXML both packed and plain."""
    paths = [p for p in sorted(source.rglob("*")) if p.suffix in ENDINGS[name] and p.stat().st_size <= MAX_SEED_BYTES]
    for path in random.Random(0).sample(paths, min(SEEDS, len(paths))):
        (folder / path.name).write_bytes(path.read_bytes())
        if path.suffix == ".mxl":
            with zipfile.ZipFile(path) as archive:
                member = max(archive.infolist(), key=lambda info: info.file_size)
                (folder / f"{path.stem}.xml").write_bytes(archive.read(member)[:30_000])


def fuzz(name: str, state: Path, findings: Path, arguments: list[str]) -> None:
    """Run libFuzzer in this process; never returns."""
    import atheris  # there for Linux only

    with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
        include=["partimento.io", "partimento.score", "partimento.notation"]
    ):
        from partimento import io, notation
    from partimento.errors import PartimentoError

    logging.disable(logging.CRITICAL)
    formats = {"midi": ".mid", "musicxml": ".musicxml", "abc": ".abc"}
    targets = [io.FORMATS[ending] for ending in (*formats.values(), ".mxl")]
    reader = io.FORMATS[formats[name]]
    report = nothing_done()

    def keep(data: bytes, what: str) -> None:
        if what not in report["findings"]:
            report["findings"].append(what)
            (findings / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:12]}").write_bytes(data)

    def one(data: bytes) -> None:
        report["mutants"] += 1
        started = time.process_time()
        try:
            scores = reader.read(data, "mutant")
            seconds = time.process_time() - started
            report["read"] += 1
            for score in scores[:3] if report["mutants"] % WRITTEN_EVERY == 0 else ():
                if len(score.notes) <= MAX_WRITTEN_NOTES and len(score.measures) <= MAX_WRITTEN_BARS:
                    for made in (score, score.unfolded() if score.repeats else score, notation.engrave(score)):
                        for target in targets:
                            target.write(made)
        except PartimentoError:
            seconds = time.process_time() - started
        except Exception as error:
            seconds = 0.0
            place = traceback.extract_tb(error.__traceback__)[-1]
            keep(data, f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {str(error)[:80]}")
        if seconds > report["slowest_s"]:
            report["slowest_s"] = round(seconds, 3)
        if seconds > MAX_SECONDS:
            keep(data, f"reading takes {seconds:.1f} s")
        if report["mutants"] % 50 == 0 or report["mutants"] < 50:
            state.write_text(json.dumps(report))

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""How long does an orchestral movement take from a file to printed pages, beside LilyPond?

    PARTIMENTO_DATA=FOLDER python benchmarks/print/bench.py [--movements Beethoven_Op.67_4 Haydn_104_1]

Timed are reading, engraving and writing the PDF, each in a process of its own, imports included, in wall and in CPU
seconds. LilyPond runs where it is installed (pip install lilypond), after its own musicxml2ly, with staves of the same
height. Writes `results.json` beside itself.
"""

import argparse
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pypdfium2

HERE = Path(__file__).parent
FOLDER = "A_openscore-orchestra"
POINTS_PER_MM = 72.27 / 25.4
LIMIT_S = 900


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movements", nargs="+", default=["Beethoven_Op.67_4", "Haydn_104_1"])
    options = parser.parse_args()
    corpus = Path(os.environ["PARTIMENTO_DATA"])
    results = {"machine": machine(), "movements": {}}
    for name in options.movements:
        results["movements"][name] = measured(corpus / FOLDER / f"{name}.mxl")
        print(name, json.dumps(results["movements"][name], indent=2), flush=True)
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What ran where."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "system": platform.system(),
        "processor": platform.machine(), "cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1),
        "verovio": version("verovio"), "typst": version("typst"),
    }  # fmt: skip


def measured(file: Path) -> dict[str, Any]:
    """One movement by both."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "score.pdf"
        command = [sys.executable, "-m", "partimento", "print", str(file), "--out", str(target)]
        ours = run(command) | size(target)
        staff_mm = float(ours.pop("said").split("staves ")[1].split(" mm")[0])
        result = {"partimento": ours | {"staff_mm": staff_mm}}
        if (peer := lilypond(file, Path(folder), staff_mm)) is not None:
            result["lilypond"] = peer
            if peer["exit_status"] == 0:
                result["cpu_ratio"] = round(peer["cpu_s"] / ours["cpu_s"], 1)
    return result


def lilypond(file: Path, folder: Path, staff_mm: float) -> dict[str, Any] | None:
    """musicxml2ly and LilyPond, None where they are not installed."""
    try:
        program = Path(importlib.import_module("lilypond").executable())
    except ImportError:
        return None
    with zipfile.ZipFile(file) as archive:
        score = next(name for name in archive.namelist() if name.endswith(("xml", "musicxml")) and "META" not in name)
        (folder / "score.xml").write_bytes(archive.read(score))
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    source = folder / "lily.ly"
    reading = run(["sh", str(program.parent / "musicxml2ly"), "-o", str(source), str(folder / "score.xml")])
    lines = source.read_text("utf-8").splitlines()
    wanted = f"#(set-global-staff-size {staff_mm * POINTS_PER_MM:.2f})"
    lines = [wanted if line.startswith("#(set-global-staff-size") else line for line in lines]
    source.write_text("\n".join(lines), "utf-8")
    drawing = run([str(program), "-dno-point-and-click", "-o", str(folder / "lily"), str(source)])
    status = {"version": version("lilypond"), "exit_status": drawing["exit_status"]}
    times = {name: round(reading[name] + drawing[name], 1) for name in ("wall_s", "cpu_s")}
    return status | times | size(folder / "lily.pdf")


def run(command: list[str]) -> dict[str, Any]:
    """Wall and CPU seconds of a program, and what it said."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": round(end - start, 1), "cpu_s": round(cpu, 1), "exit_status": done.returncode, "said": done.stdout,
    }  # fmt: skip


def size(pdf: Path) -> dict[str, Any]:
    """Pages and megabytes of a file that may not be there."""
    if not pdf.exists():
        return {"pages": 0, "mb": 0.0}
    with pypdfium2.PdfDocument(pdf) as document:
        return {"pages": len(document), "mb": round(pdf.stat().st_size / 1e6, 2)}


if __name__ == "__main__":
    main()

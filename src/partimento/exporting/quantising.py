"""llama.cpp's k-quants: a GGUF file in, a smaller one out, in a process of its own that Ctrl-C ends at once.

python -m partimento.exporting.quantising IN.gguf OUT.gguf q4_k_m
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from partimento.errors import BadRecipe

KINDS = ("q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q3_k_m", "q2_k")


def needs_llama_cpp() -> None:
    """Refuse before the work begins.

    Raises:
        BadRecipe: llama-cpp-python is not installed.
    """
    if importlib.util.find_spec("llama_cpp") is None:
        raise BadRecipe(f"{', '.join(KINDS)} need llama-cpp-python: pip install 'partimento[llamacpp]'")


def quantise(source: Path, target: Path, kind: str) -> None:
    """Quantise a GGUF file that holds unquantised weights.

    Raises:
        BadRecipe: llama.cpp refuses; its reason is told.
    """
    command = [sys.executable, "-m", __name__, str(source), str(target), kind]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        _, errors = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode or not target.is_file():
        said = [line for line in errors.splitlines() if line.strip()]
        raise BadRecipe(f"llama.cpp cannot make {kind} of this model: {said[-1][:200] if said else 'it says nothing'}")


def _main(source: str, target: str, kind: str) -> int:
    llama_cpp: Any = importlib.import_module("llama_cpp")  # not everyone has it
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{kind.upper()}")
    options.nthread = os.cpu_count() or 1
    return llama_cpp.llama_model_quantize(source.encode(), target.encode(), options)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))

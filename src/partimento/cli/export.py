"""`partimento export`: models for other programs."""

from __future__ import annotations

from pathlib import Path

from partimento.cli.console import console, table


def export(model: Path, /, *, to: str, out: Path) -> None:
    """Write a model in a format that other programs run.

    gguf is what Ollama and llama.cpp read; of its kinds f32, f16, bf16 and q8_0 are written as they are, and q6_k,
    q5_k_m, q5_k_s, q4_k_m, q4_k_s, q3_k_m and q2_k by llama-cpp-python. Beside it stand a Modelfile for Ollama and a
    README with the licences.

    **Examples**

    - `partimento export runs/tiny --to gguf:q8_0 --out exported/tiny`
    - `partimento export runs/chord-llama --to gguf:q4_k_m --out exported/chord-llama`

    Args:
        model: Folder of a model.
        to: Format and kind, such as gguf:q4_k_m.
        out: Folder to write; an older export there is replaced.
    """
    from partimento.exporting import export as export_model

    with console().status("exporting"):
        folder = export_model(model, to, out)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    rows = [(str(path), f"{path.stat().st_size:,} bytes") for path in files]
    console().print(table(rows, ("file", "size")))

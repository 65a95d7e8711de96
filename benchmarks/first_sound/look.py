"""A contact sheet: some compositions as sheet music and as piano rolls, for people to look at.

python benchmarks/first_sound/look.py out/first_sound --out out/look
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from partimento.io import load_score
from partimento.rendering.piano_roll import draw
from partimento.rendering.sheet import score_to_svg, to_png


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pieces", type=Path, help="folder of .musicxml files, or one such file")
    parser.add_argument("--out", type=Path, default=Path("out/look"), help="folder for the pictures")
    parser.add_argument("--count", type=int, default=5, help="how many pieces, spread over the folder")
    options = parser.parse_args()
    files = sorted(options.pieces.glob("*.musicxml")) if options.pieces.is_dir() else [options.pieces]
    options.out.mkdir(parents=True, exist_ok=True)
    for file in files[:: max(len(files) // options.count, 1)][: options.count]:
        look(file, options.out)
    return 0


def look(file: Path, folder: Path) -> None:
    """Draw one piece: every page, and the piano roll."""
    score = load_score(file)
    for number, page in enumerate(score_to_svg(score), 1):
        (folder / f"{file.stem}-page{number}.png").write_bytes(to_png(page, 1200))
    draw(score, folder / f"{file.stem}-roll.png")
    print(f"{file.stem}: {score.title}")


if __name__ == "__main__":
    sys.exit(main())

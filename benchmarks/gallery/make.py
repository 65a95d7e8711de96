"""Ten pieces for `docs/gallery.md`: every twentieth of the 200 prompts, the first piece of each, as it comes.

    make gallery
    python benchmarks/gallery/make.py [--out docs] [--seed 1] [--model FOLDER]

Nothing is chosen or touched up: which prompts are taken follows from their number, and the seed is the same for all.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path

import yaml

from partimento import Generator, Piece, __version__
from partimento.rendering import audio, sheet

HERE = Path(__file__).parent
PROMPTS = HERE.parent / "prompts" / "prompts.yaml"
EVERY = 20
PICTURE_PIXEL = 1000
COLOURS = {True: "#1a7f37", False: "#cf222e", None: "#6e7781"}
SIGNS = {True: "yes", False: "**no**", None: "not checkable"}


def main() -> None:
    """Compose, draw, render and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "docs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    prompts = yaml.safe_load(PROMPTS.read_text("utf-8"))["prompts"][EVERY - 1 :: EVERY]
    generator, files = Generator(options.model), options.out / "gallery"
    files.mkdir(parents=True, exist_ok=True)
    sections = list[str]()
    for number, prompt in enumerate(prompts, start=1):
        started = time.perf_counter()
        piece = generator.compose(prompt["text"], seed=options.seed)
        seconds = time.perf_counter() - started
        sections.append("\n".join(section(number, piece, seconds, files)))
        print(f"{number}: {piece} in {seconds:.0f} s", flush=True)
    page = "\n".join([*head(options.seed, len(prompts)), *sections])
    (options.out / "gallery.md").write_text(page + "\n", "utf-8")


def head(seed: int, count: int) -> Iterator[str]:
    """What the page is."""
    yield "# Gallery\n"
    yield f"Every twentieth of the [200 prompts](plans.md), {count} in all, and the first piece that came of each with"
    yield f"seed {seed}, by the model that comes with the package: none is chosen, none is edited. Words in green are"
    yield "followed, words in red are not, grey ones cannot be told from notes; all is measured on the notes. Made by"
    yield f"`python benchmarks/gallery/make.py` with partimento {__version__} at commit {commit()}.\n"


def section(number: int, piece: Piece, seconds: float, files: Path) -> Iterator[str]:
    """Prompt, plan, picture, sound and verdicts of one piece; writes its files."""
    name = f"{number:02d}"
    pages = sheet.score_to_svg(piece.score)
    (files / f"{name}.png").write_bytes(sheet.to_png(pages[0], PICTURE_PIXEL))
    piece.save(files / f"{name}.mid")
    save_small(piece, files / f"{name}.mp3")
    of_pages = "" if len(pages) == 1 else f", the first of {len(pages)} pages"
    yield f"## {number}. {piece.score.title}\n"
    yield f"<blockquote>{''.join(coloured(piece))}</blockquote>\n"
    yield f'<audio controls src="../gallery/{name}.mp3"></audio>\n'
    yield f"Composed in {seconds:.0f} s; [MIDI](gallery/{name}.mid){of_pages}.\n"
    yield f"![Score of piece {number}](gallery/{name}.png)\n"
    yield "The plan that was read:\n"
    yield f"```yaml\n{yaml.safe_dump(piece.plan.to_dict(), allow_unicode=True, sort_keys=False).strip()}\n```\n"
    yield "| wish | asked | measured | followed |\n|---|---|---|---|"
    for verdict in piece.report.verdicts:
        cells = (verdict.wish, verdict.asked, verdict.found, SIGNS[verdict.followed])
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield f"\n{piece.report.copy_words.capitalize()}.\n"


def coloured(piece: Piece) -> Iterator[str]:
    """The prompt as HTML."""
    for words, phrase in piece.report.spans():
        text = escape(words)
        yield text if phrase is None else f'<span style="color:{COLOURS[phrase.followed]}">{text}</span>'


def save_small(piece: Piece, file: Path) -> None:
    """MP3 in one channel at half the usual rate, about 250 kB a minute."""
    import soundfile

    samples = audio.render(piece.score, audio.RATE // 2).mean(axis=1)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        beside = Path(folder) / file.name
        soundfile.write(beside, samples, audio.RATE // 2, compression_level=0.9, bitrate_mode="CONSTANT")
        beside.replace(file)


def commit() -> str:
    """The commit that the program stands at."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False
    ).stdout.strip()


if __name__ == "__main__":
    main()

"""`partimento copies`: the index of a model's training music, by which copies are found."""

from __future__ import annotations

from pathlib import Path

from partimento.cli.console import console


def copies(dataset: Path, /, *, model: Path) -> None:
    """Write the index of a model's training music, by which `compose` and `check` find copies.

    The model's folder gets a file copies.safetensors with hashes of the notes of the dataset's training pieces, from
    which the music cannot be read. The dataset's other pieces say how much people share by chance.

    **Example**

    - `partimento copies datasets/mine --model models/mine`

    Args:
        dataset: Folder that `partimento prepare` has written.
        model: Folder of the model that was trained on it.
    """
    from partimento.errors import BadFile
    from partimento.evaluation.copy_index import FILE_NAME, CopyHashes

    if not (model / "config.json").is_file():
        raise BadFile(model, "is no model folder (it has no config.json)")
    with console().status("hashing the training music"):
        hashes = CopyHashes.of_dataset(dataset)
        hashes.save(model / FILE_NAME)
    size = (model / FILE_NAME).stat().st_size / 1e6
    console().print(
        f"{model / FILE_NAME}: {len(hashes):,} hashes, {size:.1f} MB; held-out music shares up to {hashes.limit} notes",
        markup=False, soft_wrap=True,
    )  # fmt: skip

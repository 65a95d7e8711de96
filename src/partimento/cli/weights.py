"""`partimento weights`: what of a text encoder a model listens to."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from partimento.cli.console import console, table

_BAR = 40


def weights(model: Path, /, *, out: Path | None = None) -> None:
    """Show how much each layer of the text encoder counts in a model that reads texts through a prefix.

    **Examples**

    - `partimento weights runs/text-amt-large-prefix-weighted`
    - `partimento weights runs/text-amt-large-prefix-weighted --out weights.svg`

    Args:
        model: Model folder of the family text_prefix.
        out: SVG, PNG or PDF file to plot them in.
    """
    from partimento.models.folder import load_model_folder  # loads torch, which --help need not wait for
    from partimento.models.text_prefix import layer_weights

    shares = layer_weights(load_model_folder(model).model)
    names = ["embedding", *(f"layer {number}" for number in range(1, len(shares)))]
    largest = max(shares)
    rows = [
        (name, f"{share:.4f}", "█" * round(_BAR * share / largest)) for name, share in zip(names, shares, strict=True)
    ]
    console().print(table(rows, ("states of the", "share", "")))
    if out is not None:
        _plot(names, shares, out)
        console().print(Text(str(out)))


def _plot(names: list[str], shares: list[float], out: Path) -> None:
    """A bar for each layer, in a file of the type that its ending says."""
    from matplotlib.figure import Figure

    from partimento.errors import BadFile

    figure = Figure(figsize=(6, 0.6 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, shares, color="#3a6ea5")
    axes.invert_yaxis()
    axes.set_xlabel("share in the prefix")
    axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(out)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise BadFile(
            out, f"cannot be written ({reason}); name a .svg, .png or .pdf file in a folder that exists"
        ) from None

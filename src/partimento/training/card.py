"""The model card of a trained model."""

from __future__ import annotations

from typing import Any

import yaml

from partimento.training.recipe import Recipe


def model_card(recipe: Recipe, provenance: dict[str, Any]) -> str:
    """Markdown: what the model is, what it learnt from under which licences, how, and how well."""
    losses, data, training = (provenance[name] for name in ("losses", "data", "training"))
    licences = sorted(set(data["licences"].values()))
    rows = [f"| {source} | {data['licences'].get(source, 'unknown')} |" for source in data["sources"]]
    return "\n".join(
        [
            "---",
            "library_name: partimento",
            "pipeline_tag: other",
            f"tags: [music, symbolic-music, {recipe.data.representation}]",
            "---",
            f"# {recipe.name}",
            "",
            f"{_kind(recipe, training)} that writes music as `{recipe.data.representation}` tokens, trained with "
            "partimento.",
            *_base(provenance.get("base") or provenance.get("initialised_from")),
            "",
            "```",
            'partimento compose "a lively jig in D major" --model FOLDER --out out/jig',
            "```",
            "",
            "## Data",
            f"{data['windows']['train']:,} windows, {data['tokens']['train']:,} tokens; "
            f"licences: {', '.join(licences) or 'not stated'}.",
            "",
            "| source | licence |",
            "|---|---|",
            *rows,
            "",
            "## Losses",
            "In nats per token, on windows of pieces that were held out.",
            "",
            *_losses(losses),
            "",
            f"The weights are those of step {losses['best_step']} of {training['steps']}, the best on the "
            f"validation windows. Training read {training['tokens']:,} tokens in "
            f"{training['seconds'] / 60:.1f} minutes ({training['device']}, {training['precision']}, "
            f"{training['threads']} threads). "
            "`losses.csv` has the course of it, `provenance.json` versions and commit.",
            "",
            *_measures(provenance.get("measures") or {}),
            "## Recipe",
            "```yaml",
            yaml.safe_dump(recipe.as_dict(), sort_keys=False, allow_unicode=True).rstrip(),
            "```",
            "",
        ]
    )


def _losses(losses: dict[str, Any]) -> list[str]:
    if "bigram" not in losses:
        return ["| validation |", "|---|", "| {validation:.4f} |".format(**losses)]
    return [
        "| validation | bigram model on the same tokens of music | below it |",
        "|---|---|---|",
        "| {validation:.4f} | {bigram:.4f} | {percent_below_bigram:.1f} % |".format(**losses),
    ]


def _measures(measures: dict[str, float]) -> list[str]:
    """A table of what the best model foretells of held-out music; see `partimento.training.measures`."""
    shares = {name: f"{value:.1%}" for name, value in measures.items() if name.endswith(("accuracy", "consistency"))}
    others = {name: f"{value:.3f}" for name, value in measures.items() if name not in shares and name != "loss"}
    rows = [f"| {name.replace('|', chr(92) + '|')} | {value} |" for name, value in (shares | others).items()]
    if not rows:
        return []
    words = (
        "Every token foretold from the true ones before it (accuracies: share whose likeliest token is the true one)"
    )
    return ["## Measures", f"{words}; losses in nats.", "", "| measure | |", "|---|---|", *rows, ""]


def _kind(recipe: Recipe, training: dict[str, Any]) -> str:
    model = f"a {recipe.model.family} with {training['parameters']:,} parameters"
    if "adapter_parameters" not in training:
        return model.capitalize()
    weights = "" if recipe.model.quantise == "none" else f", whose weights are kept in {recipe.model.quantise}"
    return f"An adapter of {training['adapter_parameters']:,} parameters beside {model}{weights},"


def _base(base: dict[str, Any] | None) -> list[str]:
    if base is None:
        return []
    licences = base["licences"]
    known = licences if isinstance(licences, str) else ", ".join(sorted(set((licences or {}).values())))
    return ["", f"It starts from `{base['name']}` (licences: {known or 'not stated'}; SHA-256 {base['sha256'][:12]})."]

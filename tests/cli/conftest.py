"""A model folder of the real kind, untrained and tiny."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    from partimento.models import Special, Vocabulary, family
    from partimento.models.folder import save_model_folder
    from partimento.representations import create

    remi = create("remi")
    special = Special(**{name: remi.tokens.index(name.upper()) for name in ("pad", "bos", "eos")})
    transformer = family("transformer")
    sizes = transformer.config(hidden_size=32, layers=1, heads=2, key_value_heads=2, ff_size=64, context=4096)
    model = transformer.build(sizes, Vocabulary(len(remi.tokens), special), 1)
    representation = {"name": remi.name, **remi.config}
    return save_model_folder(
        tmp_path_factory.mktemp("models") / "tiny",
        model,
        representation=representation,
        recipe={},
        provenance={},
        card="Untrained.",
    )

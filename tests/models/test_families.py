"""What families refuse; the laws of all families stand in tests/laws/test_models.py."""

from pathlib import Path

import pytest

from partimento.errors import BadRecipe
from partimento.models import FAMILIES, Special, Vocabulary, family, sized
from partimento.models.gpt2 import GPT2Sizes
from partimento.models.lstm import LSTMSizes
from partimento.models.transformer import TransformerConfig, build
from partimento.models.weights import needed_shapes


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_output_layer_is_not_stored(tied):
    config = TransformerConfig(32, 2, 4, 2, 48, 64, tied_embeddings=tied)
    model = build(config, Vocabulary(50, Special(0, 1, 2)), seed=1)
    assert ("lm_head.weight" in needed_shapes(family("transformer"), model.config)) is not tied


@pytest.mark.parametrize(
    ("kind", "sizes", "word"),
    [
        (TransformerConfig, {"hidden_size": 30}, "multiple"),
        (TransformerConfig, {"key_value_heads": 3}, "multiple"),
        (TransformerConfig, {"layers": 0}, "layers"),
        (GPT2Sizes, {"heads": 3}, "multiple"),
        (GPT2Sizes, {"context": 10**9}, "context"),
        (LSTMSizes, {"hidden_size": -1}, "hidden_size"),
        (LSTMSizes, {"dropout": 1.0}, "dropout"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(kind, sizes, word):
    with pytest.raises(BadRecipe, match=word):
        kind(**sizes)


def test_unknown_family_names_the_known():
    with pytest.raises(BadRecipe, match="transformer"):
        family("perceiver")


def test_a_named_size_is_written_out_and_other_keys_win():
    sizes = sized(family("gpt2"), {"size": "small", "heads": 8})
    assert sizes == {"hidden_size": 256, "layers": 4, "heads": 8, "ff_size": 1024}
    with pytest.raises(BadRecipe, match="tiny, small, medium, large, xl"):
        sized(family("lstm"), {"size": "enormous"})


@pytest.mark.parametrize("name", FAMILIES)
def test_the_docs_list_every_family(name):
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert f"| `{name}` | {family(name).reads} | {', '.join(family(name).sizes) or '–'} |" in page

"""Weights taken over by the names of tokens, so that a trained model gains some."""

import pytest
import torch

from partimento.errors import BadRecipe
from partimento.models import Vocabulary, family
from partimento.models.folder import save_model_folder
from partimento.models.start import take_over
from partimento.representations import create

SIZES = {
    "transformer": {"hidden_size": 16, "layers": 1, "heads": 2, "key_value_heads": 2, "ff_size": 16, "context": 64},
    "gpt2": {"hidden_size": 16, "layers": 1, "heads": 2, "context": 64},
    "lstm": {"hidden_size": 16, "layers": 1, "context": 64},
}
INFILL = {"name": "remi", "infill": True}


def built(name, seed, *, infill, **sizes):
    representation, kind = create("remi", infill=infill), family(name)
    vocabulary = Vocabulary(len(representation.tokens), representation.special)
    return kind.build(kind.config(**{**SIZES[name], **sizes}), vocabulary, seed).eval()


def saved(folder, model, name="transformer", representation="remi"):
    return save_model_folder(
        folder, model, representation={"name": representation}, recipe={"model": {"family": name}}, provenance={},
        card="",
    )  # fmt: skip


def weight_of(model) -> torch.Tensor:
    return model.get_input_embeddings().weight


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("tied", [True, False])
def test_music_without_new_tokens_is_foretold_as_before(tmp_path, name, tied):
    sizes = {} if name == "gpt2" else {"tied_embeddings": tied}
    old, new = built(name, 1, infill=False, **sizes), built(name, 2, infill=True, **sizes)
    fresh = weight_of(new).detach().clone()
    take_over(new, saved(tmp_path / "old", old, name), INFILL)
    theirs, ours = create("remi").tokens, create("remi", infill=True).tokens
    place = [ours.index(token) for token in theirs]
    with torch.no_grad():
        ids = torch.arange(0, len(theirs), len(theirs) // 60)[None, :60]
        before = old(input_ids=ids).logits
        after = new(input_ids=torch.tensor(place)[ids]).logits[..., place]
    torch.testing.assert_close(after, before)
    for token in ("Mask", "Fill"):
        row = ours.index(token)
        assert torch.equal(weight_of(new)[row], fresh[row])


def test_other_shapes_other_families_and_other_music_are_one_line(tmp_path):
    new = built("transformer", 2, infill=True)
    wider = saved(tmp_path / "wider", built("transformer", 1, infill=False, ff_size=32))
    deeper = saved(tmp_path / "deeper", built("transformer", 1, infill=False, layers=2))
    other = saved(tmp_path / "other", built("lstm", 1, infill=False), "lstm")
    for folder, words in (
        (wider, "32 × 16"), (deeper, "layers.1"), (other, "another kind of model"),
        (tmp_path / "nowhere", "no such model folder"),
    ):  # fmt: skip
        with pytest.raises(BadRecipe, match=words) as caught:
            take_over(new, folder, INFILL)
        assert "\n" not in str(caught.value)
    amt = saved(tmp_path / "amt", built("transformer", 1, infill=False), representation="amt")
    with pytest.raises(BadRecipe, match="writes amt tokens"):
        take_over(new, amt, INFILL)

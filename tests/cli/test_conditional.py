"""`compose` with models that read texts, several samples at once, and `weights`."""

import json

import pytest

from partimento.cli import main


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory):
    """An untrained text prefix, with layer weights of its own."""
    import torch

    from partimento.models import Vocabulary
    from partimento.models.folder import save_model_folder
    from partimento.models.text_prefix import TextPrefixSizes, build
    from partimento.representations import create

    remi = create("remi")
    music = {"hidden_size": 32, "layers": 1, "heads": 2, "key_value_heads": 2, "ff_size": 64, "context": 4096}
    sizes = TextPrefixSizes(music_config=music, layers="weighted", context=4096)
    model = build(sizes, Vocabulary(len(remi.tokens), remi.special), 1)
    model.mix.weight.data = torch.arange(7.0) / 2
    representation, recipe = {"name": remi.name, **remi.config}, {"data": {"text": "caption"}}
    folder = tmp_path_factory.mktemp("models") / "prefixed"
    return save_model_folder(folder, model, representation=representation, recipe=recipe, provenance={}, card="")


def test_sentences_reach_the_model_and_samples_differ(prefixed, tmp_path, capsys):
    command = ["compose", "a waltz for flute in G, 4 bars", "--model", str(prefixed), "--seed", "5"]
    assert main([*command, "--num-samples", "2", "--out", str(tmp_path / "w")]) == 0
    assert main([*command, "--out", str(tmp_path / "alone")]) == 0
    first, second, alone = ((tmp_path / f"{name}.mid").read_bytes() for name in ("w-1", "w-2", "alone"))
    assert first == alone != second
    made = json.loads((tmp_path / "w-2.plan.json").read_text("utf-8"))["made_with"]
    assert (made["seed"], made["text"]) == (6, "a waltz for flute in G, 4 bars")
    assert "understood as" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["0", "1001"])
def test_a_number_of_samples_out_of_range_is_refused(number, tmp_path, capsys):
    assert main(["compose", "a jig", "--num-samples", number, "--out", str(tmp_path / "x")]) == 2
    assert "--num-samples" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_weights_are_shown_and_plotted(prefixed, tmp_path, capsys):
    assert main(["weights", str(prefixed), "--out", str(tmp_path / "weights.svg")]) == 0
    shown = capsys.readouterr().out
    assert "embedding" in shown
    assert "layer 6" in shown
    assert (tmp_path / "weights.svg").read_text("utf-8").startswith("<?xml")
    assert main(["weights", str(prefixed), "--out", str(tmp_path / "none" / "weights.svg")]) == 2
    assert "weights.svg" in capsys.readouterr().err


def test_a_model_without_such_weights_is_named(tiny_model, capsys):
    assert main(["weights", str(tiny_model)]) == 2
    assert "text_prefix" in capsys.readouterr().err

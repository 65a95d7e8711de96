"""GGUF files hold what the model folder holds: read back by gguf's own reader, tensor by tensor and key by key."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from partimento.cli import main
from partimento.errors import BadRecipe
from partimento.exporting import MADE, TARGETS, Target, export
from partimento.exporting.stored import INDEX, WEIGHTS
from partimento.representations import create

LLAMA = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    **{
        f"model.layers.{layer}.{name}.weight": f"blk.{layer}.{short}.weight"
        for layer in (0, 1)
        for name, short in {
            "input_layernorm": "attn_norm",
            "self_attn.q_proj": "attn_q",
            "self_attn.k_proj": "attn_k",
            "self_attn.v_proj": "attn_v",
            "self_attn.o_proj": "attn_output",
            "post_attention_layernorm": "ffn_norm",
            "mlp.gate_proj": "ffn_gate",
            "mlp.up_proj": "ffn_up",
            "mlp.down_proj": "ffn_down",
        }.items()
    },
}


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keys and tensors of the one file in a folder."""
    (path,) = folder.glob("*.gguf")
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape(t.shape[::-1]) for t in reader.tensors}
    return fields, tensors


def by_pairs(matrix: Any, heads: int) -> Any:
    """Row 2i of a head is row i of its first half, row 2i + 1 that of its second."""
    width = len(matrix) // heads
    order = [
        head * width + half * width // 2 + i for head in range(heads) for i, half in product(range(width // 2), (0, 1))
    ]
    return matrix[order]


def expected(folder: Path) -> dict[str, Any]:
    """Tensors of a Llama under llama.cpp's names, in its order."""
    tensors = {}
    for name, tensor in load_file(folder / WEIGHTS).items():
        heads = 4 if "q_proj" in name else 2 if "k_proj" in name else 0
        matrix = tensor.float().numpy()
        tensors[LLAMA[name]] = by_pairs(matrix, heads) if heads else matrix
    return tensors


def test_a_music_model_is_held_exactly_with_its_sizes_and_its_tokens(music_model, tmp_path):
    folder = music_model(tie_word_embeddings=True)
    fields, tensors = read(export(folder, "gguf:f32", tmp_path / "out"))
    wanted = expected(folder)
    assert tensors.keys() == wanted.keys()
    for name, tensor in wanted.items():
        np.testing.assert_array_equal(tensors[name], tensor, name)
    config = json.loads((folder / "config.json").read_text())
    assert fields["general.architecture"] == "llama"
    assert fields["general.name"] == "music"
    assert fields["llama.context_length"] == 128
    assert fields["llama.attention.head_count"] == 4
    assert fields["llama.attention.head_count_kv"] == 2
    assert fields["llama.rope.dimension_count"] == 8
    assert fields["llama.attention.layer_norm_rms_epsilon"] == pytest.approx(config["rms_norm_eps"])
    tokens = create("performance").tokens
    assert [token.rstrip(" ") for token in fields["tokenizer.ggml.tokens"]] == list(tokens)
    assert fields["tokenizer.ggml.eos_token_id"] == create("performance").special.eos
    assert json.loads(fields["partimento.representation"])["name"] == "performance"
    assert json.loads(fields["partimento.licences"])["tunes"] == "CC0-1.0"


@pytest.mark.parametrize(("kind", "error"), [("f16", 2**-11), ("bf16", 2**-8), ("q8_0", 1 / 127)])
def test_reduced_precision_rounds_and_leaves_norms_alone(music_model, tmp_path, kind, error):
    folder = music_model()
    fields, tensors = read(export(folder, f"gguf:{kind}", tmp_path / "out"))
    assert gguf.LlamaFileType(fields["general.file_type"]).name == f"MOSTLY_{kind.upper()}"
    for name, tensor in expected(folder).items():
        if tensor.ndim == 1:
            np.testing.assert_array_equal(tensors[name], tensor)
        else:
            assert 0 < np.abs(tensors[name] - tensor).max() <= error * np.abs(tensor).max()


def test_rows_that_are_no_multiple_of_32_get_16_bits(music_model, tmp_path):
    export(music_model(intermediate_size=48), "gguf:q8_0", tmp_path / "out")
    reader = gguf.GGUFReader(tmp_path / "out" / "music-q8_0.gguf")
    types = {t.name: t.tensor_type.name for t in reader.tensors}
    assert types["blk.0.ffn_down.weight"] == "F16"
    assert types["blk.0.ffn_up.weight"] == "Q8_0"


def test_gpt2_is_turned_and_its_positions_stay(music_model, tmp_path):
    folder = music_model("gpt2")
    fields, tensors = read(export(folder, "gguf:f32", tmp_path / "out"))
    stored = {name.removeprefix("transformer."): t.numpy() for name, t in load_file(folder / WEIGHTS).items()}
    assert len(tensors) == len(stored)
    for layer, (name, short) in product((0, 1), {"attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
                                                "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}.items()):  # fmt: skip
        np.testing.assert_array_equal(tensors[f"blk.{layer}.{short}.weight"], stored[f"h.{layer}.{name}.weight"].T)
        np.testing.assert_array_equal(tensors[f"blk.{layer}.{short}.bias"], stored[f"h.{layer}.{name}.bias"])
    np.testing.assert_array_equal(tensors["position_embd.weight"], stored["wpe.weight"])
    assert fields["gpt2.feed_forward_length"] == 128


def test_a_text_model_has_its_tokenizer_and_chat_template(text_model, tmp_path):
    folder = text_model(words="llama3")
    fields, tensors = read(export(folder, "gguf:f16", tmp_path / "out"))
    content = json.loads((folder / "tokenizer.json").read_text())
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    assert all(tokens[index] == token for token, index in content["model"]["vocab"].items())
    assert kinds[tokens.index("<|end|>")] == 3
    assert kinds[tokens.index("key of ")] == 4
    assert kinds[-3:] == [5, 5, 5]
    assert len(tokens) == len(tensors["token_embd.weight"])
    assert [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]] == [
        tuple(merge) for merge in content["model"]["merges"]
    ]
    assert fields["tokenizer.ggml.pre"] == "llama-bpe"
    assert fields["tokenizer.ggml.add_bos_token"] is True
    assert "<|start|>" in fields["tokenizer.chat_template"]


def test_weights_in_several_files_are_one_model(music_model, tmp_path):
    folder = music_model()
    tensors = load_file(folder / WEIGHTS)
    whole = export(folder, "gguf:f32", tmp_path / "whole")
    names = sorted(tensors)
    places = {name: f"model-{index % 2 + 1}-of-2.safetensors" for index, name in enumerate(names)}
    for file in set(places.values()):
        save_file({name: tensors[name] for name in names if places[name] == file}, folder / file)
    (folder / INDEX).write_text(json.dumps({"weight_map": places}))
    (folder / WEIGHTS).unlink()
    parted = export(folder, "gguf:f32", tmp_path / "parted")
    first, second = read(whole)[1], read(parted)[1]
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_the_folder_says_what_made_it_and_whose_music_is_in_it(music_model, tmp_path):
    out = export(music_model(), "gguf", tmp_path / "out")
    made = json.loads((out / MADE).read_text())
    assert made["target"] == "gguf:q8_0"
    assert made["model"]["data"]["licences"]["tunes"] == "CC0-1.0"
    for file in ("README.md", "Modelfile"):
        assert "CC0-1.0" in (out / file).read_text()
    assert sorted(path.name for path in out.iterdir()) == ["Modelfile", "README.md", MADE, "music-q8_0.gguf"]


def test_an_export_is_replaced_whole_and_nothing_else_is(music_model, tmp_path):
    folder, out = music_model(), tmp_path / "out"
    export(folder, "gguf:f32", out)
    export(folder, "gguf:f16", out)
    assert [path.name for path in out.glob("*.gguf")] == ["music-f16.gguf"]
    (tmp_path / "letters").mkdir()
    with pytest.raises(BadRecipe, match="not replaced"):
        export(folder, "gguf:f16", tmp_path / "letters")
    with pytest.raises(BadRecipe, match="the model itself"):
        export(folder, "gguf:f16", folder)


def _interrupted(folder: Path, kind: str, out: Path) -> None:
    (out / "half.bin").write_bytes(b"half")
    raise KeyboardInterrupt


TARGET = Target(("any",), "any", _interrupted)


def test_what_is_interrupted_leaves_nothing_and_the_old_export_stands(music_model, tmp_path, monkeypatch):
    folder, out = music_model(), tmp_path / "out"
    export(folder, "gguf:f16", out)
    before = sorted(tmp_path.rglob("*"))
    module = type("Module", (), {"TARGET": TARGET})
    monkeypatch.setitem(TARGETS, "cut", "cut_short")
    monkeypatch.setitem(__import__("sys").modules, "cut_short", module)
    with pytest.raises(KeyboardInterrupt):
        export(folder, "cut", out)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model_type": "partimento_lstm"}, "cannot hold partimento_lstm"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type 'yarn'"),
        ({"num_hidden_layers": 1}, "no place for the tensor model.layers.1"),
        ({"num_hidden_layers": 3}, "do not fit config.json"),
        ({"num_hidden_layers": 10**9}, "do not fit config.json"),
        ({"num_attention_heads": "four"}, "num_attention_heads is 'four'"),
        ({"hidden_size": None}, "hidden_size is None"),
        ({"vocab_size": 100}, "tokens, and the model has 100"),
        ({"vocab_size": "many"}, "vocab_size is 'many'"),
    ],
)
def test_models_that_gguf_cannot_hold_are_refused_in_a_line(music_model, tmp_path, capsys, content, reason):
    folder = music_model()
    config = json.loads((folder / "config.json").read_text()) | content
    (folder / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    assert main(["export", str(folder), "--to", "gguf:f16", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_damaged_weights_are_refused(music_model, tmp_path):
    folder = music_model()
    tensors = load_file(folder / WEIGHTS)
    for damage, kind, reason in (
        ({"model.norm.weight": torch.full((32,), torch.nan)}, "f32", "no numbers"),
        ({"model.embed_tokens.weight": tensors["model.embed_tokens.weight"] * 1e6}, "f16", "choose bf16"),
        ({"model.layers.0.odd.weight": torch.zeros(2)}, "f32", "no place for the tensor model.layers.0.odd.weight"),
    ):
        save_file({**tensors, **damage}, folder / WEIGHTS)
        with pytest.raises(BadRecipe, match=reason):
            export(folder, f"gguf:{kind}", tmp_path / "out")
    (folder / WEIGHTS).write_bytes(b"short")
    with pytest.raises(BadRecipe, match="damaged"):
        export(folder, "gguf:f32", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_is_no_model_folder_is_refused(music_model, tmp_path):
    folder = music_model()
    with pytest.raises(BadRecipe, match="no export to 'onyx'"):
        export(folder, "onyx", tmp_path / "out")
    with pytest.raises(BadRecipe, match="no kind 'q9'"):
        export(folder, "gguf:q9", tmp_path / "out")
    with pytest.raises(BadRecipe, match=r"config\.json is missing"):
        export(tmp_path, "gguf", tmp_path / "out")
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(BadRecipe, match="partimento merge"):
        export(folder, "gguf", tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pre_tokenizer": {"type": "Whitespace"}}, "no name for"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "a space before"),
        ({"normalizer": {"type": "Lowercase"}}, "changes the text"),
        ({"model": {"type": "WordLevel", "vocab": {}}}, "no byte-level BPE"),
    ],
)
def test_tokenizers_that_llama_cpp_would_read_otherwise_are_refused(text_model, tmp_path, change, reason):
    folder = text_model()
    content = json.loads((folder / "tokenizer.json").read_text()) | change
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(BadRecipe, match=reason):
        export(folder, "gguf:f16", tmp_path / "out")


def test_a_language_model_with_tokens_of_music_is_folded(extended_model, tmp_path):
    config = json.loads((extended_model / "config.json").read_text())
    out = export(extended_model, "gguf:f32", tmp_path / "out")
    fields, tensors = read(out)
    offset, names = config["music"]["offset"], create("performance").tokens
    assert fields["tokenizer.ggml.tokens"][offset : offset + len(names)] == [f"{name} " for name in names]
    assert fields["tokenizer.ggml.eos_token_id"] == offset + create("performance").special.eos
    assert len(tensors["token_embd.weight"]) == config["vocab_size"] == len(tensors["output.weight"])
    assert "{{ .Prompt }}" in (out / "Modelfile").read_text()

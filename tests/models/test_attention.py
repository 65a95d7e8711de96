"""Attention within pieces: every kernel gives what each piece gives alone, whatever stands beside it."""

import pytest
import torch

from partimento.models.attention import flash, flex, kernel, one_by_one

PIECES = (37, 1, 150, 68)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def tensors(device, dtype=torch.float32):
    torch.manual_seed(3)
    return [torch.randn(1, 2, sum(PIECES), 16).to(device, dtype) for _ in range(3)]


def alone(query, key, value, piece):
    """Softmax over a piece written out."""
    start = sum(PIECES[:piece])
    q, k, v = (x[..., start : start + PIECES[piece], :].double() for x in (query, key, value))
    scores = (q @ k.transpose(-1, -2) * 0.3).masked_fill(torch.ones(len(q[0, 0]), len(q[0, 0])).triu(1).bool(), -1e30)
    return scores.softmax(-1) @ v


@pytest.mark.parametrize("attend", [one_by_one, flex])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("device", DEVICES)
def test_each_piece_is_as_if_alone(attend, device):
    query, key, value = tensors(device)
    together = attend(query, key, value, PIECES, 0.3).split(PIECES, dim=2)
    for piece, attended in enumerate(together):
        expected = alone(query.cpu(), key.cpu(), value.cpu(), piece).float()
        torch.testing.assert_close(attended.cpu(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attend", [one_by_one, flex])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_neighbours_do_not_matter_to_a_bit(attend):
    query, key, value = tensors("cpu")
    before = attend(query, key, value, PIECES, 0.3).split(PIECES, dim=2)[2]
    for each in (query, key, value):
        each[..., :38, :] = torch.randn(1, 2, 38, 16)
        each[..., 188:, :] *= 1e4
    assert torch.equal(attend(query, key, value, PIECES, 0.3).split(PIECES, dim=2)[2], before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_flash_attention_is_that_of_each_piece():
    query, key, value = tensors("cuda", torch.bfloat16)
    assert kernel(query) is flash
    together = flash(query, key, value, PIECES, 0.3)
    expected = one_by_one(query.float(), key.float(), value.float(), PIECES, 0.3)
    torch.testing.assert_close(together.float(), expected, atol=2e-2, rtol=2e-2)


def test_the_kernel_is_chosen_by_hardware():
    assert kernel(torch.zeros(1, 2, 8, 64)) is one_by_one

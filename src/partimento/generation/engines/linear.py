"""Matrix products whose rows do not depend on how many rows there are, so that a batch changes no piece.

BLAS takes other ways for one row than for sixteen, and rounds otherwise. oneDNN, with weights that it has arranged
beforehand, adds up each row alike in any number of them (measured from 1 to 400 rows), and is faster, too.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

Precision = Literal["fp32", "bf16"]
"""What weights are kept in and multiplied with; everything else is fp32."""
PRECISIONS: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}
_USUAL_ROWS = 16
"""For which the arrangement is best."""


class Linear:
    """x · weightᵀ + bias, rows in, rows out, both fp32."""

    def __init__(
        self,
        weight_OC: Tensor,
        bias_O: Tensor | None = None,
        precision: Precision = "fp32",
        activation: Literal["none", "gelu"] = "none",
    ) -> None:
        """`activation`: what the result goes through; `gelu` is GPT-2's, by tanh."""
        self._dtype = PRECISIONS[precision]
        self._weight = weight_OC.to(self._dtype).contiguous()
        self._bias = None if bias_O is None else bias_O.to(self._dtype)
        self._activation = activation
        self._packed = _packed(self._weight)
        self._doubles = False
        if self._packed is not None:
            self._doubles = self._depends_on_company(self._weight.shape[1])
            del self._weight

    def __call__(self, x_NC: Tensor) -> Tensor:
        """Rows of results, shape (N, O)."""
        if self._doubles and x_NC.shape[0] == 1:
            return self(x_NC.expand(2, -1).contiguous())[:1]
        return self._product(x_NC.to(self._dtype)).float()

    def plus(self, x_NC: Tensor, other_NO: Tensor) -> Tensor:
        """Results added to other rows; the activation must be none."""
        if self._packed is None or self._dtype != torch.float32:
            return other_NO + self(x_NC)
        if self._doubles and x_NC.shape[0] == 1:
            return self.plus(x_NC.expand(2, -1).contiguous(), other_NO.expand(2, -1).contiguous())[:1]
        return _ONEDNN._linear_pointwise.binary(x_NC, other_NO, self._packed, self._bias, "add")

    def _product(self, x_NC: Tensor) -> Tensor:
        if self._packed is not None:
            by = "tanh" if self._activation == "gelu" else ""
            return _ONEDNN._linear_pointwise(x_NC, self._packed, self._bias, self._activation, [], by)
        y_NO = functional.linear(x_NC, self._weight, self._bias)
        return functional.gelu(y_NO, approximate="tanh") if self._activation == "gelu" else y_NO

    def _depends_on_company(self, width: int) -> bool:
        """Whether a row alone gives other numbers than in a batch, as with long sums that two threads share."""
        probe = torch.sin(torch.arange(2 * width, dtype=torch.float32)).view(2, width).to(self._dtype)
        return not torch.equal(self._product(probe[:1]), self._product(probe)[:1])


_ONEDNN: Any = torch.ops.mkldnn
"""The operators that torch's own compiler calls."""


def _packed(weight_OC: Tensor) -> Tensor | None:
    """The weights as oneDNN arranges them; None where torch was built without it."""
    if not torch.backends.mkldnn.is_available() or not hasattr(_ONEDNN, "_linear_pointwise"):
        return None
    try:
        return _ONEDNN._reorder_linear_weight(weight_OC, _USUAL_ROWS)
    except RuntimeError:  # this kind of number is unknown to the processor
        return None

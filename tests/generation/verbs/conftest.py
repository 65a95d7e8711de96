"""A writer with the model that fills in bars."""

from __future__ import annotations

from pathlib import Path

import pytest

from partimento.generation.writer import Writer


@pytest.fixture(scope="session")
def writer(filling_model: Path) -> Writer:
    return Writer(filling_model)

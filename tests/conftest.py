"""Settings for all tests, and real music where there is some.

The variable PARTIMENTO_DATA names a folder with a corpus of music files. Without it, tests that ask for
the `corpus` fixture are skipped.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two workers share two cores; torch would start as many threads in each of them.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is slow, not wrong. In CI the examples are the same each time: what chance finds, it finds elsewhere.
settings.register_profile("partimento", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("partimento")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real music that PARTIMENTO_DATA names."""
    folder = os.environ.get("PARTIMENTO_DATA")
    if not folder:
        pytest.skip("PARTIMENTO_DATA names no corpus")
    return Path(folder)

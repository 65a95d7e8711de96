"""The 200 prompts of `benchmarks/prompts`, read as a person reads them."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

PROMPTS = Path(__file__).parents[2] / "benchmarks" / "prompts"


@pytest.fixture(scope="module")
def measure():
    spec = importlib.util.spec_from_file_location("measure_prompts", PROMPTS / "measure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_two_hundred_prompts_of_two_kinds():
    prompts = yaml.safe_load((PROMPTS / "prompts.yaml").read_text("utf-8"))["prompts"]
    assert len({prompt["text"] for prompt in prompts}) == 200
    assert min(Counter(prompt["kind"] for prompt in prompts).values()) >= 95


def test_explicit_wishes_are_read_and_none_is_invented(measure):
    done = measure.readings()
    wrong = {each.text: (each.missed, each.invented) for each in done if each.missed or each.invented}
    assert not wrong
    assert all(row["found"] == 1 for row in measure.rates(done).values())

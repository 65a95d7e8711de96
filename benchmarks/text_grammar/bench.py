"""Does the grammar of ABC text admit what is ABC, and only that, and how much is right without and with the checker?

    PARTIMENTO_DATA=FOLDER python benchmarks/text_grammar/bench.py [--every 12] [--walks 100]

Nothing is trained. Real music is written as ABC and run through the grammar byte by byte. Then an engine that finds
all tokens equally likely writes under the grammar: walks that know nothing of music, the worst case for the checker.
Writes `results.json` beside itself.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
from llguidance import LLMatcher, LLTokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from partimento.errors import PartimentoError
from partimento.generation.text import Rates, TextSampler
from partimento.io import load_scores
from partimento.plan import Compose, Constraints, Plan
from partimento.representations import create_text
from partimento.theory.key import Key
from partimento.theory.meter import Meter

HERE = Path(__file__).parent
FORMS = ({"interleaved": True, "words": True}, {"interleaved": True, "words": False}, {"interleaved": False})
PLAN = Plan(Key(2), Meter(2, 4), 96.0, (73, 40), 4, style="reel", title="Walk")
END = "<|end|>"


class Uniform:
    """An engine, and its sessions, to which all tokens are alike."""

    def __init__(self, vocabulary_size: int, context: int) -> None:
        self.vocabulary_size, self.context = vocabulary_size, context

    def session(self) -> "Uniform":
        return self

    def feed(self, tokens: Any) -> Any:
        return np.zeros(self.vocabulary_size, np.float32)


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=12, help="every n-th file of the corpus")
    parser.add_argument("--walks", type=int, default=100, help="random walks")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    results = {"machine": machine(), "corpus": corpus(options.every), "walks": walks(options.walks)}
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True).stdout
    return {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "commit": commit.strip()}


def corpus(every: int) -> dict[str, Any]:
    """Of real music: texts that the grammar accepts whole, bytes a second, texts in which the checker finds nothing."""
    folder = Path(os.environ["PARTIMENTO_DATA"])
    lines = (folder / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()[::every]
    tokens = LLTokenizer("byte")
    forms = [create_text("abc", **config) for config in FORMS]
    grammars = [LLMatcher.grammar_from_lark(form.syntax(Compose())) for form in forms]
    counts = [{"texts": 0, "accepted": 0, "bytes": 0, "seconds": 0.0, "without_faults": 0} for _ in forms]
    for line in lines:
        try:
            scores = [s for s in load_scores(folder / json.loads(line)["path"])[:1] if len(s.notes)]
        except PartimentoError:
            continue
        for score in scores:
            for form, grammar, count in zip(forms, grammars, counts, strict=True):
                measure(form.write(score, Compose()), form, LLMatcher(tokens, grammar), count)
    return {json.dumps(form.config): summed(count) for form, count in zip(forms, counts, strict=True)}


def measure(text: str, form: Any, matcher: Any, count: dict[str, Any]) -> None:
    """Add one text to the counts."""
    data = list(text.encode())
    start = time.process_time()
    taken = matcher.try_consume_tokens(data)
    count["seconds"] += time.process_time() - start
    count["bytes"] += len(data)
    count["texts"] += 1
    count["accepted"] += taken == len(data) and matcher.is_accepting()
    count["without_faults"] += not form.faults(text, Compose())


def summed(count: dict[str, Any]) -> dict[str, Any]:
    """Counts as shares."""
    return {
        "texts": count["texts"],
        "accepted": count["accepted"] / count["texts"],
        "without_faults": count["without_faults"] / count["texts"],
        "million_bytes_a_second": round(count["bytes"] / count["seconds"] / 1e6, 2),
    }


def walks(number: int) -> dict[str, Any]:
    """Of random walks, some under a steady plan: those that read back, and both rates, whole and bar by bar."""
    task = Compose(PLAN, Constraints(steady=True))
    found: dict[str, Any] = {"walks": number}
    for name, counted in (("syntax", False), ("syntax_that_counts", True)):
        form = create_text("abc", words=False, counted=counted)
        sampler = TextSampler(cast(Any, Uniform(257, 20_000)), byte_tokenizer(), form)
        takes = [sampler.sample(task, rng=np.random.default_rng(seed), tries=1) for seed in range(number)]
        whole = sum((take.rates for take in takes), Rates("text"))
        found[name] = {
            "read_back": sum(reads(form, take.text) for take in takes) / number,
            "texts_right_by_syntax": whole.by_syntax,
            **bar_by_bar(sampler, task, max(number // 10, 1)),
        }
    return found


def bar_by_bar(sampler: TextSampler, task: Compose, number: int) -> dict[str, Any]:
    """Rates where bars are drawn again, each up to 200 times."""
    takes = [sampler.sample(task, rng=np.random.default_rng(seed), tries=200, by_bars=True) for seed in range(number)]
    bars = sum((take.rates for take in takes), Rates("bar"))
    return {
        "bars_drawn": bars.drawn,
        "bars_right_by_syntax": bars.by_syntax,
        "bars_right_after_200_tries": bars.after_check,
    }


def reads(form: Any, text: str) -> bool:
    """Whether a text is music to the reader."""
    try:
        return len(form.read(text, Compose()).measures) > 0
    except PartimentoError:
        return False


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A token for every byte."""
    alphabet = {letter: index + 1 for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    bpe = Tokenizer(models.BPE({END: 0, **alphabet}, []))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([END])
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END)


if __name__ == "__main__":
    main()

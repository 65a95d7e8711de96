"""How fast does the built-in engine sample, beside transformers' `generate` and beside anticipation's own loop?

    python benchmarks/sampling/bench.py [--tokens 96] [--rounds 3] [--threads 1] [--skip anticipation starter]

All run the same GPT-2 small with AMT's 55,028 tokens and random weights, in CPU seconds, by turns. So that ranges of
allowed tokens are those of music and equal for all, the grammar follows a fixed piece: what is drawn goes to the
model, and the piece's next token to the grammar. Writes `results.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LogitsProcessor, LogitsProcessorList

from partimento.generation import Composer, Job, Sampling, Writer
from partimento.generation.batching import Request, sequences
from partimento.generation.engines import TorchEngine
from partimento.generation.sampling import draw, generator, restrict
from partimento.plan import Compose, Plan
from partimento.representations import Ranges, create
from partimento.representations.amt.vocabulary import CONTROL, DURATION, MAX_INSTRUMENTS, NOTE, REST, SIZE
from partimento.theory.key import Key
from partimento.theory.meter import Meter

HERE = Path(__file__).parent
TOP_P = 0.98
"""As anticipation's examples have it."""
AMT: Any = create("amt")
ROWS = (1, 16)
GOALS = {"anticipation": 5.0, "generate": 1.3}


def script(tokens: int) -> list[int]:
    """A piece for two instruments in AMT's tokens: the flag, and notes that last a quarter of a second."""
    notes = (
        (25 * (index // 2), DURATION + 25, NOTE + 128 * (index % 2) + 60 + index * 5 % 12) for index in range(tokens)
    )
    return [55_026, *(token for note in notes for token in note)][: tokens + 2]


class Scripted:
    """AMT's grammar, which follows a piece whatever is drawn; it adds up the CPU time that it takes."""

    tokens, special = AMT.tokens, AMT.special

    def __init__(self, piece: Sequence[int]) -> None:
        self._piece, self.nanoseconds = piece, 0

    def start(self, task: Compose) -> tuple[Any, int]:
        """Before the flag."""
        return AMT.start(task), 0

    def step(self, state: tuple[Any, int], token: int) -> tuple[Any, int]:
        """The piece's next token is taken."""
        began = time.process_time_ns()
        after = AMT.step(state[0], self._piece[state[1]]), state[1] + 1
        self.nanoseconds += time.process_time_ns() - began
        return after

    def allowed(self, state: tuple[Any, int]) -> Ranges:
        """What may follow in the piece."""
        began = time.process_time_ns()
        ranges = AMT.allowed(state[0])
        self.nanoseconds += time.process_time_ns() - began
        return ranges

    def forced(self, state: tuple[Any, int]) -> tuple[int, ...]:
        """What must follow in the piece."""
        began = time.process_time_ns()
        tokens = AMT.forced(state[0])
        self.nanoseconds += time.process_time_ns() - began
        return tokens


def ours(engine: TorchEngine, piece: Sequence[int], rows: int) -> Callable[[], float]:
    """Sampling by the built-in engine; gives the grammar's share in microseconds a row and step."""

    def run() -> float:
        grammar: Any = Scripted(piece)
        requests = [Request(Compose(), generator(row)) for row in range(rows)]
        left = rows * (len(piece) - 2)
        for said in sequences(engine, grammar, requests, Sampling(temperature=1, top_p=TOP_P)):
            left -= len(said.tokens)
            if left <= 0:
                break
        return grammar.nanoseconds / 1000 / (rows * (len(piece) - 2))

    return run


class Mask(LogitsProcessor):
    """The same grammar for transformers: what may not follow gets minus infinity, in place."""

    def __init__(self, piece: Sequence[int], rows: int) -> None:
        self._grammar = Scripted(piece)
        self._states = [self._grammar.start(Compose()) for _ in range(rows)]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Logits, shape (rows, vocabulary), masked."""
        array = scores.numpy()
        for row, state in enumerate(self._states):
            self._states[row] = self._grammar.step(state, 0)
            restrict(array[row], self._grammar.allowed(self._states[row]))
        return scores


def by_generate(model: Any, piece: Sequence[int], rows: int) -> Callable[[], float]:
    """Sampling by transformers, with its cache."""

    def run() -> float:
        ids = torch.full((rows, 1), piece[0])
        count = len(piece) - 2
        model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=True, top_p=TOP_P, top_k=0, min_new_tokens=count,
            max_new_tokens=count, pad_token_id=SIZE - 1, logits_processor=LogitsProcessorList([Mask(piece, rows)]),
        )  # fmt: skip
        return 0.0

    return run


def by_anticipation(model: Any, piece: Sequence[int]) -> Callable[[], float]:
    """Sampling as `anticipation/sample.py` does (github.com/jthickstun/anticipation, commit 70da95e).

    Each of a note's three tokens costs a pass over all that stands, without a cache and with logits everywhere; masks
    by the place in the triple, for times that have passed and for a seventeenth instrument; nucleus by a sort of all
    55,028 logits; times relative to the earliest in a window of 1,017 tokens.
    """

    def run() -> float:
        flag, stands = [piece[0]], list[int]()
        with torch.no_grad():
            for place in range(1, len(piece) - 2, 3):
                history = stands[-1017:]
                earliest = min(history[::3], default=0)
                history = [token - earliest * (index % 3 == 0) for index, token in enumerate(history)]
                now, new = max(stands[::3], default=0) - earliest, list[int]()
                for kind in range(3):
                    logits = model(torch.tensor([flag + history + new])).logits[0, -1]
                    logits[CONTROL:] = -torch.inf
                    for part, (low, high) in enumerate(((0, DURATION), (DURATION, NOTE), (NOTE, REST + 1))):
                        if part != kind:
                            logits[low:high] = -torch.inf
                    if kind == 0:
                        logits[:now] = -torch.inf
                    if kind == 2 and len({(token - NOTE) // 128 for token in stands[2::3]}) >= MAX_INSTRUMENTS:
                        raise RuntimeError("the piece has two instruments")
                    new.append(_nucleus(logits))
                stands += piece[place : place + 3]
        return 0.0

    return run


def _nucleus(logits: torch.Tensor) -> int:
    ordered, ids = torch.sort(logits, descending=True)
    out = torch.cumsum(torch.softmax(ordered, -1), -1) > TOP_P
    out[1:] = out[:-1].clone()
    out[0] = False
    logits[out.scatter(0, ids, out)] = -torch.inf
    return int(torch.multinomial(torch.softmax(logits, -1), 1))


def turns(contenders: dict[str, Callable[[], float]], rounds: int) -> Iterator[tuple[str, float, float]]:
    """Name, CPU seconds and what each run gives, by turns."""
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.process_time()
            given = run()
            yield name, time.process_time() - began, given
            print(f"{name:28} {time.process_time() - began:7.2f} s", flush=True)


def drawing(piece: Sequence[int]) -> float:
    """Microseconds to draw a token inside the allowed ranges, over the kinds of tokens."""
    grammar, logits, rng = Scripted(piece), generator(0).normal(size=SIZE).astype(np.float32), generator(1)
    state, ranges = grammar.start(Compose()), list[Ranges]()
    for token in piece[:-1]:
        state = grammar.step(state, token)
        ranges.append(grammar.allowed(state))
    began = time.process_time()
    for each in ranges:
        draw(logits, each, rng, Sampling(temperature=1, top_p=TOP_P))
    return (time.process_time() - began) / len(ranges) * 1e6


def starter(rounds: int) -> dict[str, Any]:
    """Tokens/s and milliseconds a bar of the model that comes with the package, and how soon its first bar stands."""
    writer = Writer()
    task = Composer(writer).task(Plan(key=Key(2), meter=Meter(4, 4), instruments=(73, 0), bars=16))
    found: dict[str, Any] = {}
    for rows in ROWS:
        speeds = list[tuple[float, float]]()
        for seed in range(rounds):
            requests = [Request(task, generator(100 * seed + row)) for row in range(rows)]
            began, count = time.process_time(), 0
            for said in sequences(writer.engine, writer.representation, requests, Sampling()):  # type: ignore[arg-type]
                count += len(said.tokens)
            took = time.process_time() - began
            speeds.append((count / took, 1000 * took / (16 * rows)))
        speed, bar = np.median(np.array(speeds), axis=0)
        found[f"batch {rows}"] = {"tokens_per_second": round(speed), "milliseconds_per_bar": round(bar, 1)}
    began, walls = 0.0, list[tuple[float, float]]()
    for seed in range(rounds):
        wall, began = time.perf_counter(), time.process_time()
        next(writer.stream(Job(task, seed)))
        walls.append((time.process_time() - began, time.perf_counter() - wall))
    cpu, wall = np.median(np.array(walls), axis=0)
    return found | {"first_bar": {"cpu_seconds": round(cpu, 3), "wall_seconds": round(wall, 3)}}


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=96, help="new tokens of a sequence, a multiple of three")
    parser.add_argument("--longer", type=int, default=144, help="the same for another turn beside anticipation alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--skip", nargs="*", default=[], choices=["anticipation", "starter"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model: Any = GPT2LMHeadModel(GPT2Config(vocab_size=SIZE, n_positions=1024)).eval()
    engines = {kind: TorchEngine(model.config.to_dict(), model.state_dict(), kind) for kind in ("fp32", "bf16")}
    piece = script(options.tokens)
    contenders: dict[str, Callable[[], float]] = {}
    for rows in ROWS:
        contenders |= {f"ours {kind}, batch {rows}": ours(engine, piece, rows) for kind, engine in engines.items()}
        contenders[f"generate fp32, batch {rows}"] = by_generate(model, piece, rows)
    if "anticipation" not in options.skip:
        contenders["anticipation fp32, batch 1"] = by_anticipation(model, piece)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for name, seconds, given in turns(contenders, options.rounds):
        took[name].append((seconds, given))
    results = summary(took, options.tokens) | {
        "drawing_microseconds": round(drawing(piece), 1), "machine": machine(options.threads),
        "tokens": options.tokens, "rounds": options.rounds,
    }  # fmt: skip
    if "anticipation" not in options.skip:
        results["longer"] = longer(model, engines, options.longer)
    if "starter" not in options.skip:
        results["starter"] = starter(options.rounds)
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def longer(model: Any, engines: dict[Any, TorchEngine], tokens: int) -> dict[str, Any]:
    """The same beside anticipation alone, whose cost of a token grows with all that stands."""
    piece = script(tokens)
    contenders = {f"ours {kind}, batch 1": ours(engine, piece, 1) for kind, engine in engines.items()}
    contenders["anticipation fp32, batch 1"] = by_anticipation(model, piece)
    found = summary({name: [(seconds, given)] for name, seconds, given in turns(contenders, 1)}, tokens)
    return {"tokens": tokens} | {name: found[name] for name in ("tokens_per_cpu_second", "ratios")}


def summary(took: dict[str, list[tuple[float, float]]], tokens: int) -> dict[str, Any]:
    """Tokens per CPU second (medians over the turns), ratios to the goals, and what the grammar costs."""
    speed = {
        name: tokens * int(name.rsplit(" ", 1)[1]) / float(np.median([seconds for seconds, _ in each]))
        for name, each in took.items()
    }
    ratios = {
        f"ours {kind} / {other}, batch {rows}": round(speed[f"ours {kind}, batch {rows}"] / speed[name], 2)
        for rows in ROWS
        for kind in ("fp32", "bf16")
        for other in GOALS
        if (name := f"{other} fp32, batch {rows}") in speed
    }
    grammar = {
        name: round(float(np.median([given for _, given in each])), 2) for name, each in took.items() if "ours" in name
    }
    return {
        "tokens_per_cpu_second": {name: round(each, 1) for name, each in speed.items()}, "ratios": ratios,
        "goals": GOALS, "grammar_microseconds_per_row_and_step": grammar,
    }  # fmt: skip


def machine(threads: int) -> dict[str, Any]:
    """What the figures were measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=HERE, check=False
    )
    return {
        "commit": commit.stdout.strip(), "python": platform.python_version(), "torch": torch.__version__,
        "processor": platform.machine(), "cores": os.cpu_count(), "threads": threads,
    }  # fmt: skip


if __name__ == "__main__":
    main()

"""What tuning costs on the CPU: all weights, LoRA, and LoRA beside weights in nf4 (QLoRA), of one model.

python benchmarks/adapters/bench.py            # writes results.json
python benchmarks/adapters/bench.py lora 8     # one way, so many steps, in this process: prints its figures
"""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from partimento.models import Special, Vocabulary, family
from partimento.models.adapters import with_adapter
from partimento.models.folder import made_by
from partimento.models.quantised import quantise
from partimento.models.tuning import AdapterConfig

SIZES = {
    "hidden_size": 512, "layers": 12, "heads": 8, "key_value_heads": 8, "ff_size": 1408, "context": 512,
}  # fmt: skip
VOCABULARY = Vocabulary(2000, Special(0, 1, 2))
ROWS, TOKENS, RANK, STEPS, ROUNDS = 2, 512, 16, 2, 1
WAYS = ("full", "lora", "qlora")


def measured(way: str, steps: int) -> dict[str, float]:
    """Parameters in all and trained, tokens per second of CPU time, and peak memory of this process in MiB."""
    torch.set_num_threads(1)
    kind = family("transformer")
    model = kind.build(kind.config(**SIZES), VOCABULARY, 1)
    parameters = model.num_parameters()
    if way == "qlora":
        quantise(model)
    tuned = model if way == "full" else with_adapter(model, AdapterConfig(rank=RANK), seed=1)
    trained = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    ids = torch.randint(3, VOCABULARY.size, (ROWS, TOKENS), generator=torch.Generator().manual_seed(1))
    seconds = list[float]()
    for _ in range(steps + 1):
        begun = time.process_time()
        logits = tuned(input_ids=ids, use_cache=False).logits
        cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds.append(time.process_time() - begun)
    return {
        "parameters": parameters,
        "trained": sum(parameter.numel() for parameter in trained),
        "tokens_per_cpu_second": ROWS * TOKENS / min(seconds[1:]),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """All ways in turns, each in a process of its own."""
    rounds = list[dict[str, dict[str, float]]]()
    for _ in range(ROUNDS):
        figures = dict[str, dict[str, float]]()
        for way in WAYS:
            command = [sys.executable, __file__, way, str(STEPS)]
            figures[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rounds.append(figures)
    best = {way: max((each[way] for each in rounds), key=lambda each: each["tokens_per_cpu_second"]) for way in WAYS}
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    setting = {"sizes": SIZES, "rows": ROWS, "tokens": TOKENS, "rank": RANK, "threads": 1, "precision": "fp32"}
    content = {"machine": processor, **made_by(), "setting": setting, "best": best, "rounds": rounds}
    Path(__file__).with_name("results.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(best, indent=2))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
    else:
        main()

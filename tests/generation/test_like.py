"""Plans read from pieces."""

from partimento.generation.like import plan_like
from partimento.io import load_scores
from partimento.plan import Plan
from partimento.theory.key import Key
from partimento.theory.meter import Meter

TUNE = """X:1
T:A tune
M:6/8
L:1/8
Q:3/8=80
K:D
%%MIDI program 73
|:FAd fed|Bdg e2f|gfe dcB|A2F E3|FAd fed|Bdg e2f|gfe ABc|d3 d3:|
|:afd afd|gec gec|fdB BAF|GFE E3|afd afd|gec gec|gfe ABc|d3 d3:|
"""


def test_a_piece_is_told_as_a_plan(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_text(TUNE)
    plan = plan_like(load_scores(path)[0])
    assert (plan.key, plan.meter, plan.tempo_bpm) == (Key.parse("D major"), Meter(6, 8), 120)
    assert plan.instruments is not None
    assert len(plan.instruments) == 1
    assert plan.bars is not None
    assert plan.chords is not None
    (control,) = plan.controls
    low, high = control.register or (0, 0)
    assert low < high
    assert control.polyphony == (1, 1)
    assert control.density is not None
    assert control.density[0] <= 5 <= control.density[1]
    assert Plan.from_dict(plan.to_dict()) == plan

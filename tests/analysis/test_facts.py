"""Facts as JSON and back."""

import json

import pytest

from partimento.analysis import Facts, PartFacts, PhraseFacts, Section
from partimento.errors import BadInput
from partimento.theory.key import Key
from partimento.theory.meter import Meter

FACTS = Facts(
    notes=3, bars=8, key=Key(-2, "minor"), key_changes=((5, Key(3, "dorian")),), meter=Meter(6, 8),
    meters=((1, Meter(6, 8)),), instruments=(0, 128), chords=("Gm", "Gm D7"), sections=(Section("A", 1, 8),),
    roles=(PartFacts(0, 0, "melody", 1.0, 60, 72, 66.5, None, 1.0),),
    phrases=(PhraseFacts(1, 4, "arch", "even", "sparse", "middle", "mf", None, Key(0)),),
)  # fmt: skip


def test_facts_survive_json() -> None:
    assert Facts.from_dict(json.loads(json.dumps(FACTS.to_dict()))) == FACTS
    assert Facts.from_dict(Facts().to_dict()) == Facts()


@pytest.mark.parametrize("fifths", range(-7, 8))
@pytest.mark.parametrize("mode", ["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian"])
def test_every_key_survives_json(fifths: int, mode: str) -> None:
    facts = Facts(key=Key(fifths, mode))
    assert Facts.from_dict(facts.to_dict()) == facts


@pytest.mark.parametrize("data", [{"tonality": "C major"}, {"key": "H"}, {"sections": [{"label": "A"}]}, {"meters": 3}])
def test_what_is_no_facts_is_refused(data: dict) -> None:
    with pytest.raises(BadInput):
        Facts.from_dict(data)

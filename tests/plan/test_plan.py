"""Plans: their wishes together, and in files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partimento.errors import BadFile, BadPlan
from partimento.plan import Control, Plan, Section, Tag
from partimento.plan.document import load_plan, save_plan
from partimento.plan.parse import parse_chords
from partimento.theory.key import Key
from partimento.theory.meter import Meter

VIOLIN, CELLO, PIANO, DRUMS = 40, 42, 0, 128
FULL = Plan(
    Key.parse("F# minor"), Meter(12, 8), 97.5, (VIOLIN, VIOLIN, CELLO), 24, parse_chords("| F#m A | E |"), "waltz",
    "A title: with signs", (Section("intro", 4), Section("A", 8), Section("B")), "swing", None, (DRUMS,),
    (Tag("genre", "pop", 0.83), Tag("mood", "Christmas", 0.7)),
    (Control((1,), (8, 12), density=(0.5, 4), register=(60, 84)), Control(None, None, dynamics="pp", complexity=0.2)),
    "strong beats",
)  # fmt: skip


@pytest.mark.parametrize("ending", [".json", ".yaml", ".yml"])
def test_a_plan_in_a_file_is_the_same_plan(tmp_path, ending):
    for plan in (FULL, Plan()):
        save_plan(plan, tmp_path / f"plan{ending}")
        assert load_plan(tmp_path / f"plan{ending}") == plan


SPANS = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: tuple(sorted(pair)))
HALVES = SPANS.map(lambda span: (span[0] / 2, span[1] / 2))
CONTROLS = st.builds(
    Control, st.none() | st.lists(st.integers(0, 2), min_size=1, max_size=3).map(tuple),
    st.none() | st.integers(0, 99).map(lambda first: (first, first + 3)), st.none() | HALVES,
    st.none() | SPANS, st.none() | SPANS, st.none() | HALVES,
    st.none() | st.sampled_from(["pp", "mf", "ff"]), st.none() | st.floats(0, 1),
)  # fmt: skip


@given(
    st.none() | st.lists(st.integers(0, 128), min_size=3, max_size=6).map(tuple),
    st.lists(CONTROLS, max_size=3).map(tuple),
    st.none() | st.lists(st.builds(Section, st.sampled_from(["A", "verse", "outro"]), st.none() | st.integers(1, 16)),
                         min_size=1, max_size=5).map(tuple),
    st.lists(st.builds(Tag, st.just("mood"), st.just("sad"), st.floats(0, 1)), max_size=2).map(tuple),
)  # fmt: skip
def test_plain_words_say_everything(instruments, controls, form, tags):
    plan = Plan(instruments=instruments, controls=controls, form=form, tags=tags)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_people_write_parts_by_name_and_bars_from_one():
    data = FULL.to_dict()
    assert data["controls"][0]["parts"] == ["Violin 2"]
    assert data["controls"][0]["bars"] == "9-12"
    assert data["form"] == [{"intro": 4}, {"A": 8}, "B"]
    read = Plan.from_dict({"instruments": ["flute", "piano"], "controls": [{"parts": ["piano", 1], "dynamics": "f"}]})
    assert read.controls == (Control((1, 0), dynamics="f"),)


def test_chords_of_a_file_may_be_one_text_and_numerals():
    read = Plan.from_dict({"chords": "| ii V7 | I |", "key": "Bb major"})
    assert read.chords == parse_chords("| Cm F7 | Bb |")
    assert Plan.from_dict({"chords": ["ii V7", "I"], "key": "Bb major"}) == read


WRONG = [
    ({"chord": []}, "no field 'chord'"),
    ({"bars": "16"}, "bars has to be a whole number"),
    ({"bars": True}, "bars has to be a whole number"),
    ({"bars": 0}, "0 bars"),
    ({"tempo_bpm": float("nan")}, "tempo_bpm has to be a number"),
    ({"key": 3}, "key has to be a text such as D major"),
    ({"instruments": "flute"}, "instruments has to be a list"),
    ({"instruments": [5]}, "each of instruments has to be a text"),
    ({"instruments": ["zyxophone"]}, "'zyxophone' is no instrument"),
    ({"chords": [["C"]]}, "each bar of chords"),
    ({"chords": ["ii"]}, "needs a key"),
    ({"feel": "bumpy"}, "feel 'bumpy': choose from straight"),
    ({"harmony": "never"}, "harmony 'never'"),
    ({"form": [{"A": 8, "B": 8}]}, "form has to be a text"),
    ({"form": [{"A": 0}]}, "section A: 0 bars"),
    ({"form": []}, "form of 0 sections"),
    ({"form": ["A"] * 65}, "at most 64"),
    ({"duration_seconds": 0.5}, "0.5 seconds"),
    ({"tags": [{"kind": "mood"}]}, "a tag has no name"),
    ({"tags": [{"kind": "taste", "name": "sweet"}]}, "its kind is one of"),
    ({"tags": [{"kind": "mood", "name": "sweet", "score": 2}]}, "between 0 and 1"),
    ({"controls": [{"loudness": 3}]}, "controls: there is no 'loudness'"),
    ({"controls": [{"parts": ["flute"]}]}, "none of the plan's instruments"),
    ({"controls": [{"parts": []}]}, "speaks of no part"),
    ({"controls": [{"bars": "9 to 12"}]}, "write for example 9-12"),
    ({"controls": [{"bars": "12-9"}]}, "bars 12 to 9"),
    ({"controls": [{"density": [4, 2]}]}, "density 4 to 2"),
    ({"controls": [{"polyphony": [1.5, 2]}]}, "two whole numbers"),
    ({"controls": [{"register": [0, 200]}]}, "register 0 to 200"),
    ({"controls": [{"dynamics": "loud"}]}, "dynamics 'loud'"),
    ({"controls": [{"complexity": 7}]}, "complexity 7"),
    ({"controls": [3]}, "controls has to be a list of names"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), WRONG, ids=str)
def test_wrong_values_are_named_in_one_line(data, message):
    with pytest.raises(BadPlan) as error:
        Plan.from_dict(data)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


HOSTILE = {
    "alias.yaml": "a: &a [1, 1]\nb: [*a, *a]",
    "deep.yaml": "[" * 50_000,
    "broken.yaml": "key: [D major",
    "object.yaml": "!!python/object/apply:os.getcwd []",
    "list.yaml": "- key",
    "empty.yaml": "",
    "deep.json": "[" * 100_000,
    "no.json": "key: D major",
    "letters.yaml": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plan_is_refused_in_one_line(tmp_path, name):
    content = HOSTILE[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadFile) as error:
        load_plan(tmp_path / name)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_nothing_is_written_where_the_ending_is_unknown(tmp_path):
    with pytest.raises(BadFile):
        save_plan(FULL, tmp_path / "plan.txt")
    assert not list(tmp_path.iterdir())


def test_the_stronger_wish_holds_and_controls_follow_their_parts():
    merged = FULL.merged(Plan(bars=8, instruments=(PIANO, CELLO, VIOLIN, VIOLIN)))
    assert (merged.bars, merged.key, merged.tags) == (8, FULL.key, FULL.tags)
    assert merged.controls[0].parts == (3,)
    assert FULL.merged(Plan(instruments=(PIANO,))).controls == FULL.controls[1:]
    assert FULL.merged(Plan()) == FULL
    assert Plan(duration_seconds=60).merged(Plan(bars=8)) == Plan(bars=8)


def test_bars_come_from_time_or_form():
    minutes = Plan(duration_seconds=180, tempo_bpm=120, meter=Meter(3, 4)).with_bars()
    assert minutes.bars == 120
    assert Plan(duration_seconds=30).with_bars() == Plan(duration_seconds=30, tempo_bpm=108, meter=Meter(4, 4), bars=14)
    assert Plan(bars=16, duration_seconds=32).with_bars().tempo_bpm == 120
    assert Plan(form=(Section("A", 12), Section("B"))).with_bars().bars == 20
    assert Plan(bars=5).with_bars() == Plan(bars=5)
    with pytest.raises(BadPlan, match="1500 bars"):
        Plan(duration_seconds=3600, tempo_bpm=100).with_bars()

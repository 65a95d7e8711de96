"""Chord Llama's rows: the form that is published, its extension to many parts, and what must not come in."""

import json
import logging
from typing import Any

import pytest
import verovio
import yaml as pyyaml
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.errors import BadFile
from partimento.io import musicxml
from partimento.io.yaml import FIELDS, chord_llama_rows, estimated_tokens, from_rows, read_rows, tokenizer_counter
from partimento.io.yaml.text import dump, load
from partimento.io.yaml.tree import expand, place_key

SYSTEM = """divisions: '2'
key:
  fifths: '1'
  mode: major
time:
  '@symbol': common
  beats: '4'
  beat-type: '4'
clef:
  sign: G
  line: '2'
"""
PROMPT = """- a00_harmony:
    root:
      root-step: E
    kind:
      '@text': m
      '#text': minor
  a01_note:
    pitch:
      step: B
      octave: '4'
    duration: '2'
    type: quarter
  a02_note:
    pitch:
      step: B
      octave: '4'
    duration: '4'
    type: half
  a03_note:
    pitch:
      step: G
      octave: '4'
    duration: '2'
    type: quarter
- a00_harmony:
    root:
      root-step: A
    kind:
      '@text': '7'
      '#text': dominant
  a01_note:
    rest: null
    duration: '1'
    type: eighth
  a02_note:
    pitch:
      step: F
      alter: '1'
      octave: '4'
    duration: '1'
    tie:
      '@type': start
    type: eighth
  a03_harmony:
    root:
      root-step: B
    kind:
      '@text': ''
      '#text': major
  a04_note:
    pitch:
      step: F
      alter: '1'
      octave: '4'
    duration: '6'
    tie:
      '@type': stop
    type: half
    dot: null
"""
"""In the form, and with the first measure, of the example that Chord Llama publishes."""

NOTE = "<note><pitch><step>{0}</step><octave>4</octave></pitch><duration>{1}</duration>{2}</note>"


def loaded(text) -> Any:
    """The one document of a YAML text."""
    (document,) = load(text)
    return document


def row(instruction=SYSTEM, given=PROMPT, written="[]\n"):
    return {"instruction": instruction, "input": given, "output": written}


def measures(number, bars):
    """A part of MusicXML."""
    inner = "".join(f'<measure number="{index}">{bar}</measure>' for index, bar in enumerate(bars))
    return f'<part id="X{number}">{inner}</part>'


def score(*parts, names=("Flute", "Cello")):
    """MusicXML of parts, each a list of what stands in its measures."""
    listed = [f'<score-part id="X{k}"><part-name>{names[k]}</part-name></score-part>' for k, _ in enumerate(parts)]
    bodies = [measures(number, bars) for number, bars in enumerate(parts)]
    return f"<score-partwise><part-list>{''.join(listed)}</part-list>{''.join(bodies)}</score-partwise>".encode()


ATTRIBUTES = (
    "<attributes><divisions>2</divisions><key><fifths>{0}</fifths></key><time><beats>4</beats>"
    "<beat-type>4</beat-type></time><clef><sign>G</sign><line>2</line></clef></attributes>"
)


@pytest.fixture
def rows_of(tmp_path):
    """The rows of a MusicXML document."""

    def rows(data, **options):
        path = tmp_path / "piece.musicxml"
        path.write_bytes(data)
        return list(chord_llama_rows(path, **options))

    return rows


def measures_of(rows):
    """Instruction of the first row and measures of all, as data."""
    items = [item for r in rows for field in FIELDS[1:] for item in loaded(r[field]) or []]
    return loaded(rows[0]["instruction"]), items


# The published form


def test_the_published_example_goes_to_musicxml_and_back_to_the_same_text(rows_of):
    data = from_rows([row()])
    (back,) = rows_of(data)
    assert back["instruction"] == SYSTEM
    assert back["input"] + back["output"] == PROMPT


def test_other_programs_read_the_published_example(capfd):
    music21 = pytest.importorskip("music21")
    data = from_rows([row()])
    stream = music21.converter.parseData(data, format="musicxml")
    assert [n.nameWithOctave for n in stream.flatten().notes if n.isNote] == ["B4", "B4", "G4", "F#4", "F#4"]
    toolkit = verovio.toolkit()
    assert toolkit.loadData(data.decode())
    assert toolkit.renderToSVG(1).count('class="note"') == 5
    assert 'class="tie"' in toolkit.renderToSVG(1)
    assert "[Error]" not in capfd.readouterr().err


@pytest.mark.parametrize("style", ["block", "flow"])
def test_both_styles_hold_the_same_data_in_the_same_order(style):
    data = loaded(PROMPT)
    text = dump(data, style)
    assert json.dumps(loaded(text)) == json.dumps(data)
    assert json.dumps(pyyaml.safe_load(text)) == json.dumps(data)


@pytest.mark.parametrize(
    "text",
    ["1", "007", "1.5", "-3", "1e3", "yes", "N", "null", "~", "", " ", "a: b", "# c", "[x]", "ø", "B♭", "'", "a,b",
     "2001-01-01", "0x1f", "-", "=", "@"],
)  # fmt: skip
def test_strings_stay_strings_and_are_written_as_pyyaml_writes_them(text):
    data = {"key": text, "list": [text, None, {text or "x": text}], "empty": {}}
    assert dump(data) == pyyaml.safe_dump(data, sort_keys=False)
    for style in ("block", "flow"):
        assert load(dump([data], style)) == [[data]]


def test_numbers_need_no_quotes():
    plain = SYSTEM.replace("'", "").replace("@symbol", "'@symbol'"), PROMPT.replace("'4'", "4").replace("'2'", "2")
    assert from_rows([row(*plain)]) == from_rows([row()])


def test_sorted_keys_mean_the_same():
    """As one side of the published rows has them."""
    data = [pyyaml.safe_dump(pyyaml.safe_load(text), sort_keys=True) for text in (SYSTEM, PROMPT)]
    assert data[1] != PROMPT
    assert from_rows([row(*data)]) == from_rows([row()])


def test_places_sort_in_order_beyond_a_hundred_and_count_on_as_published_too():
    keys = [place_key(index, "note") for index in range(8000)]
    assert keys[:100:99] == ["a00_note", "a99_note"]
    assert keys[100] == "b00_note"
    assert keys == sorted(keys)
    many: dict[str, Any] = {f"a{index:02d}_note": {"rest": None, "duration": str(index + 1)} for index in range(130)}
    order = [n.findtext("duration") for n in expand("measure", dict(sorted(many.items())))]
    assert order == [str(index + 1) for index in range(130)]


# Cleaning


def test_what_is_not_kept_is_left_out_and_nothing_unknown_breaks_it(rows_of):
    rich = (
        "<print new-page='yes'/><attributes><divisions>2</divisions><staff-details><staff-lines>5</staff-lines>"
        "</staff-details><unheard-of/></attributes><direction><direction-type><words>dolce</words></direction-type>"
        "</direction><note default-x='3' dynamics='80' attack='2'><grace slash='yes'/><pitch><step>C</step>"
        "<octave>5</octave></pitch><voice>1</voice><type size='cue'>eighth</type><stem>up</stem></note>"
        "<note><rest measure='yes'/><duration>8</duration><lyric><text>la</text></lyric></note><barline/><nonsense/>"
    )
    head, items = measures_of(rows_of(score([rich])))
    assert head == {"divisions": "2"}
    assert items == [
        {
            "a00_note": {
                "@attack": "2", "grace": {"@slash": "yes"}, "pitch": {"step": "C", "octave": "5"}, "type": "eighth",
            },
            "a01_note": {"rest": {"@measure": "yes"}, "duration": "8"},
        }
    ]  # fmt: skip


def test_unknown_keys_of_a_row_are_left_out():
    strange = PROMPT.replace("    type: half\n    dot", "    type: half\n    mood: {is: sad}\n    dot")
    assert strange != PROMPT
    assert from_rows([row(given=strange)]) == from_rows([row()])


def test_an_order_that_names_do_not_tell_gets_places(rows_of):
    harmony = (
        "<harmony><root><root-step>C</root-step></root><kind>major</kind>"
        "<root><root-step>D</root-step></root><kind>minor</kind></harmony>"
    )
    time = "<time><beats>3</beats><beat-type>8</beat-type><beats>2</beats><beat-type>4</beat-type></time>"
    data = score([f"<attributes><divisions>1</divisions>{time}</attributes>{harmony}{NOTE.format('C', 2, '')}"])
    head, (item,) = measures_of(rows_of(data))
    assert head["time"] == {"beats": ["3", "2"], "beat-type": ["8", "4"]}
    assert list(item["a00_harmony"]) == ["a00_root", "a01_kind", "a02_root", "a03_kind"]
    again = from_rows(rows_of(data))
    assert [e.tag for e in etree.fromstring(again).find(".//time")] == ["beats", "beat-type"] * 2
    assert rows_of(again) == rows_of(data)


def test_attributes_inside_a_measure_keep_their_place(rows_of):
    clef = "<attributes><clef><sign>F</sign><line>4</line></clef></attributes>"
    twice = ATTRIBUTES.format(0) + clef
    data = score([twice + NOTE.format("C", 4, "") + clef + NOTE.format("D", 4, ""), clef + NOTE.format("D", 8, "")])
    _, items = measures_of(rows_of(data))
    assert [list(item) for item in items] == [
        ["attributes", "a00_note", "a01_attributes", "a02_note"],
        ["attributes", "a00_note"],
    ]
    assert rows_of(from_rows(rows_of(data))) == rows_of(data)


# Made anew


def test_voices_ties_and_tuplets_are_found_again(rows_of):
    ratio = "<actual-notes>3</actual-notes><normal-notes>2</normal-notes>"
    triplet = f"<type>eighth</type><time-modification>{ratio}</time-modification>"
    upper = "".join(NOTE.format(step, 2, triplet) for step in "CDE") + NOTE.format("F", 12, "<type>half</type>")
    lower = NOTE.format("G", 18, '<tie type="start"/><type>whole</type>')
    lower += NOTE.format("B", 18, "<type>whole</type>").replace("<note>", "<note><chord/>")
    back = "<backup><duration>18</duration></backup>"
    data = from_rows(rows_of(score([f"<attributes><divisions>6</divisions></attributes>{upper}{back}{lower}"])))
    (read,) = musicxml.read(data, "test")
    assert sorted(read.notes["voice"].tolist()) == [1, 1, 1, 1, 2, 2]
    assert read.notes["tied"].sum() == 1
    assert [(t.onset_tick, t.actual, t.normal, t.shown) for t in read.tuplets] == [(0, 3, 2, "number")]


def test_a_pickup_counts_as_measure_0(rows_of):
    data = from_rows(rows_of(score([ATTRIBUTES.format(0) + NOTE.format("C", 2, ""), NOTE.format("C", 8, "")])))
    assert [(m.get("number"), m.get("implicit")) for m in etree.fromstring(data).iter("measure")] == [
        ("0", "yes"),
        ("1", None),
    ]


# Many parts


def test_many_parts_and_staves_come_back_with_names_programs_and_drums(rows_of):
    clefs = "<clef number='1'><sign>G</sign></clef><clef number='2'><sign>F</sign></clef>"
    two = f"<attributes><divisions>2</divisions><staves>2</staves>{clefs}</attributes>"
    hands = [NOTE.format("C", 8, f"<staff>{staff}</staff>") for staff in (1, 2)]
    piano = two + "<backup><duration>8</duration></backup>".join(hands)
    place = "<display-step>F</display-step><display-octave>4</display-octave>"
    drums = f"<note><unpitched>{place}</unpitched><duration>8</duration></note>"
    data = score([piano, piano], [ATTRIBUTES.format(0) + drums], names=("Piano", "Drums"))
    rows = rows_of(data)
    head, items = measures_of(rows)
    assert head["P1"] | {"clef": 0} == {
        "part-name": "Piano",
        "midi-program": "1",
        "divisions": "2",
        "staves": "2",
        "clef": 0,
    }
    assert head["P1"]["clef"][1] == {"@number": "2", "sign": "F"}
    assert head["P2"]["midi-channel"] == "10"
    assert [list(item) for item in items] == [["P1", "P2"], ["P1"]]
    (read,) = musicxml.read(from_rows(rows), "test")
    assert [(p.name, p.is_drums, p.staves) for p in read.parts] == [("Piano", False, 2), ("Drums", True, 1)]
    assert read.notes["voice"][read.notes["part"] == 0].tolist() == [1, 5, 1, 5]
    assert rows_of(from_rows(rows)) == rows


def test_timewise_is_read_as_partwise(rows_of):
    inner = ATTRIBUTES.format(0) + NOTE.format("C", 8, "")
    timewise = (
        b'<score-timewise><part-list><score-part id="X0"><part-name>Flute</part-name></score-part></part-list>'
        + f'<measure number="1"><part id="X0">{inner}</part></measure></score-timewise>'.encode()
    )
    assert rows_of(timewise) == rows_of(score([inner]))


# Chunks


@pytest.mark.parametrize("budget", [150, 400, 5000])
def test_chunks_are_even_fit_and_restate_the_attributes_in_force(budget, rows_of):
    bars = [ATTRIBUTES.format(2) + NOTE.format("C", 8, ""), *[NOTE.format("D", 8, "")] * 9]
    bars[5] = "<attributes><key><fifths>-3</fifths></key></attributes>" + bars[5]
    bars[7:7] = [NOTE.format("E", 2, "") * 4] * 4
    data = score(bars)
    rows = rows_of(data, budget=budget)
    sizes = [sum(estimated_tokens(text) for text in r.values()) for r in rows]
    halves = [[len(loaded(r[field])) for field in FIELDS[1:]] for r in rows]
    assert max(sizes) <= budget
    assert len(rows) == 1 or min(sizes) > max(sizes) / 2
    assert all(given in (written, written - 1) for given, written in halves)
    fifths, passed = [loaded(r["instruction"])["key"]["fifths"] for r in rows], 0
    for (given, written), stated in zip(halves, fifths, strict=True):
        assert stated == ("2" if passed <= 5 else "-3")
        passed += given + written
    assert from_rows(rows) == from_rows(rows_of(data, budget=10**6))


def test_a_measure_beyond_the_budget_makes_a_row_and_is_named(caplog, rows_of):
    data = score([ATTRIBUTES.format(0) + NOTE.format("C", 8, ""), NOTE.format("E", 1, "") * 64])
    with caplog.at_level(logging.WARNING, "partimento.io"):
        rows = rows_of(data, budget=300)
    assert len(rows) == 2
    assert "measure 2 alone has more than 300 tokens" in caplog.text


def test_tokens_are_counted_by_a_given_tokenizer(tmp_path, rows_of):
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    count = tokenizer_counter(tmp_path)
    assert count("a b: c") == 4
    data = score([ATTRIBUTES.format(0) + NOTE.format("C", 8, "")] + [NOTE.format("D", 8, "")] * 20)
    rows = rows_of(data, budget=200, count_tokens=count)
    assert max(sum(map(count, r.values())) for r in rows) <= 200
    with pytest.raises(BadFile, match="no tokenizer"):
        tokenizer_counter(tmp_path / "nowhere")


# Bad rows


@pytest.mark.parametrize(
    ("instruction", "given", "message"),
    [
        ("a: &x [*x, *x]", PROMPT, "line 1: an anchor"),
        ("a: *x", PROMPT, "alias"),
        ("a: !!python/object/apply:os.system [ls]", PROMPT, "tag"),
        ("[" * 500, PROMPT, "nested"),
        ("{" * 5000, PROMPT, "no plain text"),
        ("a: 'b", PROMPT, "instruction: line 1"),
        ("divisions: '2'\ndivisions: '3'", PROMPT, "line 2: 'divisions' stands there twice"),
        ("? [a]\n: b", PROMPT, "no plain text"),
        ("- x", PROMPT, "no mapping"),
        (SYSTEM + "---\n" + SYSTEM, PROMPT, "several documents"),
        (SYSTEM, "hello", "measure 1 is no mapping"),
        (SYSTEM, "- hello", "measure 1 is no mapping"),
        (SYSTEM, PROMPT.replace("step: G", "step: H"), "measure 1: step says 'H'"),
        (SYSTEM, PROMPT.replace("step: G", "step: [G, A]"), "measure 1: pitch with step twice"),
        (SYSTEM, PROMPT.replace("'6'", "sixpence"), "measure 2: duration says 'sixpence'"),
        (SYSTEM, PROMPT.replace("rest: null", "wrest: null"), "measure 2: note without pitch or unpitched or rest"),
        (SYSTEM, PROMPT.replace("rest: null", "rest: null\n    grace: null"), "note with duration and grace"),
        (SYSTEM, "- a00_note: {rest: null}", "measure 1: note without duration"),
        ("P1: {part-name: A}\nP3: {}", "- {P1: null}", "number them from P1"),
        ("P1: {midi-program: '900'}", "- {P1: null}", "between 1 and 128"),
        ("P1: {part-name: A}", "- x", "measure 1 is no mapping of parts"),
        ("P9: {}", "[]", "number them from P1"),
        (None, PROMPT, "no instruction"),
    ],
)  # fmt: skip
def test_bad_rows_are_refused_in_one_line(instruction, given, message):
    with pytest.raises(BadFile, match="rows: ") as error:
        from_rows([row(instruction, given)])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_there_must_be_measures(monkeypatch):
    for rows in ([], [row(given="[]")], [row("P1: {part-name: A}\nP2: {part-name: B}", "[]")]):
        with pytest.raises(BadFile, match="rows: no measures"):
            from_rows(rows)
    lone = from_rows([row("P1: {part-name: A}\nP2: {part-name: B}", "- P2: {a00_note: {rest: null, duration: '4'}}")])
    assert [len(part) for part in etree.fromstring(lone).iterfind("part")] == [1, 1]
    monkeypatch.setattr("partimento.io.yaml.text.MAX_EVENTS", 20)
    with pytest.raises(BadFile, match="line 9: more than 20 keys and values"):
        from_rows([row()])


def test_a_file_of_rows_is_read_around_its_bad_lines(tmp_path, caplog, monkeypatch):
    bad = ["{", "[1]", json.dumps(row(given="- x")), "", '{"instruction": 3}', "[" * 40_000, "[" * 120_000]
    monkeypatch.setattr("partimento.io.yaml.rows.MAX_LINE", 50_000)
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([json.dumps(row()), *bad, json.dumps(row(written=PROMPT))]))
    with caplog.at_level(logging.WARNING, "partimento.io"):
        scores = list(read_rows(path))
    assert [len(s.measures) for s in scores] == [2, 4]
    assert len(caplog.records) == len(bad) - 1
    assert "line 2" in caplog.text
    assert "line 8: longer than 50000 bytes" in caplog.text
    with pytest.raises(BadFile, match="no such file"):
        list(read_rows(tmp_path / "nowhere.jsonl"))
    assert "line 4: row 1: measure 1" in caplog.text

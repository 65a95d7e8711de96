"""Piano rolls: everything that sounds is seen, in the picture and in the terminal."""

import io
import re

import matplotlib.image
import numpy as np
import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from matplotlib.colors import to_rgb

from partimento.errors import BadFile
from partimento.rendering.piano_roll import draw
from partimento.rendering.roll_layout import COLOURS, DRUM_COLOUR
from partimento.rendering.roll_svg import to_svg
from partimento.rendering.terminal import to_terminal
from partimento.rendering.timeline import part_labels, timeline
from partimento.score import METER, TEMPO, ChordEvent, Part, Repeat, Score, measures_from_meters, notes_array
from partimento.theory.chord import ChordSymbol


def note(onset_tick=0, duration_tick=480, pitch=60, **more):
    return {"onset_tick": onset_tick, "duration_tick": duration_tick, "pitch": pitch, "velocity": 110, **more}


def score(*rows, bars=4, parts=(), pickup_tick=0, **fields):
    meters = np.array([(0, 4, 4)], METER)
    measures = measures_from_meters(meters, 480, 1920 * bars + pickup_tick, pickup_tick)
    return Score(480, parts or (Part("Flute", 73),), notes_array(list(rows)), measures, meters, **fields)


def pixels(png):
    return matplotlib.image.imread(io.BytesIO(png))[:, :, :3]


def area(png, colour):
    """How many pixels are of a part's colour at velocity 110, a little paler than the legend's."""
    face = 1 - (1 - np.array(to_rgb(colour))) * 0.95
    return int((np.abs(pixels(png) - face).max(2) < 0.02).sum())


def test_each_part_has_its_colour_and_drums_their_strip():
    parts = (Part("Flute", 73), Part("Bass", 33), Part("Kit", 0, True))
    rows = [
        note(0, 1920, 72),
        note(0, 960, 48, part=1),
        *(note(t, 60, 38, part=2) for t in range(0, 7680, 480)),
    ]
    png = draw(score(*rows, parts=parts))
    flute, bass, drums = (area(png, c) for c in (COLOURS[0], COLOURS[1], DRUM_COLOUR))
    assert flute > 1.5 * bass > 500
    assert drums > 500
    assert area(draw(score(*rows[:2], parts=parts)), DRUM_COLOUR) < 0.2 * drums


def test_a_doubled_note_hides_neither_part():
    parts = (Part("Voice", 53), Part("Piano", 0))
    png = draw(score(note(0, 1920, 60), note(0, 1920, 60, part=1), parts=parts))
    assert area(png, COLOURS[0]) > 300
    assert area(png, COLOURS[1]) > 300


def test_the_same_bytes_twice_and_on_disk(tmp_path):
    piece = score(note(), title="Air", chords=(ChordEvent(0, ChordSymbol.parse("Bb7")),))
    png = draw(piece, tmp_path / "air.png")
    assert png == draw(piece) == (tmp_path / "air.png").read_bytes()
    assert b"Software" not in png
    with pytest.raises(BadFile, match="cannot be written"):
        draw(piece, tmp_path / "no folder" / "air.png")


def test_svg_is_one_box_a_note_in_the_colour_and_shade_of_its_part(tmp_path):
    parts = (Part("Flute", 73), Part("<Bass> & co", 33), Part("Kit", 0, True))
    rows = [note(0, 960, 72), note(960, 960, 74), note(1920, 960, 48, part=1, velocity=30), note(0, 60, 38, part=2)]
    piece = score(*rows, parts=parts, title="Air", chords=(ChordEvent(0, ChordSymbol.parse("Bb7")),))
    svg = to_svg(piece, tmp_path / "air.svg")
    assert svg == to_svg(piece) == (tmp_path / "air.svg").read_text("utf-8")
    root = etree.fromstring(svg.encode())
    texts = ["".join(element.itertext()) for element in root.iterfind("{*}text")]
    assert {"Air", "<Bass> & co", "B♭7", "1", "2", "Snare"} <= set(texts)
    boxes = [p for p in root.iterfind("{*}path") if p.get("fill")]
    assert [p.get("d").count("M") for p in boxes] == [1, 1, 2]
    assert len({p.get("fill") for p in boxes}) == 3
    width = [float(w) for w in re.findall(r"h([\d.]+)v", boxes[-1].get("d"))]
    assert width[0] == pytest.approx(width[1], abs=0.2)
    assert len(to_svg(score(*(note(120 * i, 100, 50 + i % 30) for i in range(1000)), bars=70))) < 70_000


def test_repeats_are_seen_as_often_as_they_are_played_and_keep_their_numbers():
    repeated = score(note(0), note(1920), bars=2, repeats=(Repeat(3840, "backward"),))
    time = timeline(repeated)
    assert time.label == ["1", "2", "1", "2"]
    assert time.notes.start.tolist() == [0, 4, 8, 12]


def test_long_pieces_go_over_several_rows_but_not_over_any_number():
    heights = [len(pixels(draw(score(note(0, 1920 * bars), bars=bars)))) for bars in (4, 60, 200)]
    assert heights[0] < heights[1] / 3
    assert heights[2] < 2 * heights[1]


@pytest.mark.parametrize(
    "piece",
    [
        Score(480, ()),
        Score(480, (Part(),), notes_array([note(0), note(5000)])),
        Score(480, (Part(is_drums=True),), notes_array([note(0, 10, 0), note(480, 10, 127)])),
        Score(480, (Part(),), notes_array([note(0, 2**31)]), tempos=np.array([(0, 0.001)], TEMPO)),
        score(note(0), title="$x_1$ 日本\n\x00", composer="_a$", parts=(Part("_$\\frac{"),)),
        score(*(note(0, pitch=30 + i, part=i) for i in range(40)), parts=tuple(Part() for _ in range(40))),
        score(note(0, 0, grace=1), note(0)),
    ],
    ids=["nothing", "no meter", "odd drums", "endless", "odd text", "many parts", "grace"],
)
def test_odd_pieces_are_drawn(piece):
    assert draw(piece).startswith(b"\x89PNG")
    assert to_svg(piece).endswith("</svg>\n")
    etree.fromstring(to_svg(piece).encode())
    assert to_terminal(piece, 80, 4)


def test_bars_are_numbered_as_musicians_do():
    assert timeline(score(note())).label[:2] == ["1", "2"]
    assert timeline(score(note(), pickup_tick=480)).label[:3] == ["", "1", "2"]


def test_beats_of_a_pickup_are_counted_from_its_end():
    beats = timeline(score(note(), bars=1, pickup_tick=720)).beat.tolist()
    assert beats == [0.5, 2.5, 3.5, 4.5]


def test_parts_are_called_by_name_and_instrument():
    parts = (Part("Violin I", 40), Part("", 73), Part("Track 1", 0), Part("", 0, True))
    assert part_labels(Score(480, parts)) == ["Violin I", "Flute", "Track 1 (Acoustic Grand Piano)", "Drums"]


def test_terminal_roll_is_exact():
    rows = [note(0, 960, 60), note(960, 960, 62), note(1920, 480, 64), note(2880, 480, 61)]
    piece = score(*rows, bars=2, chords=(ChordEvent(0, ChordSymbol.parse("C")), ChordEvent(1920, None)))
    assert to_terminal(piece, 80).split("\n") == [
        "    1                2",
        "     C                N.C.",
        "    │                │▄▄▄▄            │",
        "    │        ▄▄▄▄▄▄▄▄│                │",
        "C4  │▄▄▄▄▄▄▄▄········│········▀▀▀▀····│",
    ]


@pytest.mark.parametrize("width", [1, 24, 40, 80, 133, 1000])
def test_terminal_roll_fits_its_width(width):
    rows = [note(i * 240, 300, 40 + 7 * i % 50) for i in range(60)]
    lines = to_terminal(score(*rows, bars=8, pickup_tick=480), width).split("\n")
    assert max(map(len, lines)) <= max(width, 24)
    blocks = sum(line.count(block) for line in lines for block in "▀▄█")
    assert blocks > 60


def test_terminal_roll_shows_drums_and_only_the_bars_asked_for():
    kit = [note(t, 60, key) for t in range(0, 7680, 480) for key in (36, 42)]
    lines = to_terminal(score(*kit, parts=(Part(is_drums=True),)), 80, 1).split("\n")
    assert lines == [
        "    1",
        "Hat │x   x   x   x   │",
        "Kick│x   x   x   x   │",
    ]

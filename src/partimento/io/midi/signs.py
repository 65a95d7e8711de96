"""What the bytes of MIDI messages mean: numbers of controllers and meta events."""

VOLUME, PAN = 7, 10
BANK = (0, 32)
"""Bank select; holds for the next program change."""
PARAMETERS = (6, 38, 96, 97, 98, 99, 100, 101)
"""Registered and other parameters: their numbers and values, which only mean something in order."""
DRUM_CHANNEL = 9
"""Of 0 to 15."""
CHANNELS = 16

PROGRAM, CHANNEL_PRESSURE, KEY_PRESSURE = 0xC0, 0xD0, 0xA0
CONTROL_CHANGE, BEND_CHANGE, NOTE_ON, NOTE_OFF = 0xB0, 0xE0, 0x90, 0x80

COPYRIGHT, NAME, LYRIC, MARKER, PORT = b"\xff\x02", b"\xff\x03", b"\xff\x05", b"\xff\x06", b"\xff\x21"
END, TEMPO_CHANGE, METER_CHANGE, KEY_CHANGE = b"\xff\x2f", b"\xff\x51", b"\xff\x58", b"\xff\x59"
NO_BEAT = b"\xff\x7f\x7dno beat"
"""Sequencer-specific event under the number for non-commercial use: this music has no meter, not even 4/4."""


def is_drum_channel(channel: int) -> bool:
    """Whether a channel, counted from 1 through all ports, is a tenth."""
    return (channel - 1) % CHANNELS == DRUM_CHANNEL


def beats_per_minute(microseconds: int) -> float:
    """The plainest number that is written with these microseconds again: 618557 is 97."""
    exact = 60e6 / microseconds
    plain = round(exact, 3)
    return plain if microseconds_per_quarter(plain) == microseconds else exact


def microseconds_per_quarter(tempo_bpm: float) -> int:
    """A tempo as MIDI says it."""
    return max(SHORTEST_QUARTER, min(round(60e6 / tempo_bpm), 0xFFFFFF))


SHORTEST_QUARTER = 1_000
"""Microseconds; tempos that are quicker are none."""

"""Sound: what is written is what is heard, on every synthesiser that is installed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from partimento.errors import BadFile, BadInput, PartimentoError
from partimento.rendering import audio
from partimento.rendering import synths as synths_module
from partimento.rendering.loudness import Reverb, normalise
from partimento.score import BEND, CONTROL, TEMPO, Part, ProgramChange, Score, notes_array

RATE = 22050
ORGAN = 19
ONE_ORGAN = (Part(program=ORGAN, pan=64),)
synths = pytest.mark.parametrize(
    "synth",
    [
        pytest.param(n, marks=pytest.mark.skipif(n not in audio.installed_synths(), reason=f"{n} is not installed"))
        for n in audio.SYNTHS
    ],
)


def score(*rows, parts=ONE_ORGAN, **fields):
    return Score(480, parts, notes_array(list(rows)), **fields)


def note(onset_tick=0, duration_tick=960, pitch=69, velocity=80, **more):
    return {
        "onset_tick": onset_tick,
        "duration_tick": duration_tick,
        "pitch": pitch,
        "velocity": velocity,
        **more,
    }


def loudness(samples, start, stop):
    return float(np.sqrt((samples[int(start * RATE) : int(stop * RATE)] ** 2).mean()))


def strongest_hertz(samples, low, high):
    spectrum = np.abs(np.fft.rfft(samples.mean(1)))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    band = (hertz > low) & (hertz < high)
    return float(hertz[band][spectrum[band].argmax()])


@synths
def test_pitch_onset_and_tempo(synth):
    slow = score(note(480, 480), tempos=np.array([(0, 60)], TEMPO))
    samples = audio.render(slow, RATE, synth=synth)
    assert samples.dtype == np.float32
    assert samples.shape == (4 * RATE, 2)
    assert loudness(samples, 0, 0.99) < 1e-4 < loudness(samples, 1.01, 1.2)
    assert strongest_hertz(samples[RATE : 2 * RATE], 380, 500) == pytest.approx(440, abs=3)


@synths
@pytest.mark.parametrize("velocity", [5, 127])
def test_loudness_is_the_same_for_all_and_nothing_clips(synth, velocity):
    tutti = score(*(note(pitch=p, velocity=velocity) for p in range(36, 96, 3)))
    samples = audio.render(tutti, RATE, synth=synth)
    assert np.abs(samples).max() <= 10 ** (-1 / 20) + 1e-4
    assert 20 * np.log10(loudness(samples, 0.1, 0.9)) == pytest.approx(-18, abs=2)


@synths
def test_drums_with_high_peaks_do_not_clip_and_are_not_lost(synth):
    kit = (Part(is_drums=True),)
    samples = audio.render(score(*(note(480 * i, 60, 38, 127) for i in range(8)), parts=kit), RATE, synth=synth)
    assert 0.5 < np.abs(samples).max() <= 10 ** (-1 / 20) + 1e-4
    assert loudness(samples, 0, 4) > 10 ** (-30 / 20)


@synths
def test_velocity_is_heard(synth):
    samples = audio.render(score(note(0, 480, velocity=40), note(960, 480, velocity=110)), RATE, synth=synth)
    ratio = loudness(samples, 1.1, 1.4) / loudness(samples, 0.1, 0.4)
    assert ratio == pytest.approx((110 / 40) ** 2, rel=0.15)


@synths
def test_pan_is_heard(synth):
    parts = (Part(program=ORGAN, pan=0), Part(program=ORGAN, pan=127))
    samples = audio.render(score(note(0, 960), note(1920, 960, part=1), parts=parts), RATE, synth=synth)
    first, second = samples[: 2 * RATE], samples[2 * RATE :]
    assert np.abs(first[:, 0]).max() > 3 * np.abs(first[:, 1]).max()
    assert np.abs(second[:, 1]).max() > 3 * np.abs(second[:, 0]).max()


@synths
def test_bend_up_is_two_semitones(synth):
    samples = audio.render(score(note(0, 1920), bends=np.array([(0, 0, 8191)], BEND)), RATE, synth=synth)
    assert strongest_hertz(samples[:RATE], 420, 530) == pytest.approx(493.9, abs=3)


@synths
def test_pedal_holds_until_it_comes_up(synth):
    pedal = np.array([(0, 0, 64, 127), (1920, 0, 64, 0)], CONTROL)
    held = audio.render(score(note(0, 240), controls=pedal), RATE, synth=synth)
    dry = audio.render(score(note(0, 240)), RATE, synth=synth)
    assert loudness(held, 1.5, 1.9) > 0.3 * loudness(held, 0.05, 0.2)
    assert loudness(dry, 1.5, 1.9) < 0.05 * loudness(dry, 0.05, 0.2)
    assert loudness(held, 3.5, 3.9) < 0.05 * loudness(held, 1.5, 1.9)


@synths
def test_a_drum_is_no_pitched_note(synth):
    pitched = audio.render(score(note(0, 960, 38)), RATE, synth=synth)
    parts = (Part(program=ORGAN), Part(is_drums=True))
    drums = audio.render(score(note(0, 960, 38, part=1), parts=parts), RATE, synth=synth)
    fall = [loudness(sound, 0.7, 0.95) / loudness(sound, 0, 0.2) for sound in (pitched, drums)]
    assert fall[0] > 10 * fall[1]


@synths
def test_more_parts_than_midi_has_channels(synth):
    parts = tuple(Part(program=ORGAN) for _ in range(40))
    samples = audio.render(score(note(0, 480, part=39), parts=parts), RATE, synth=synth)
    assert loudness(samples, 0.1, 0.4) > 0.1


@synths
def test_silence_and_the_same_samples_twice(synth):
    assert not audio.render(score(), RATE, synth=synth).any()
    piece = score(*(note(120 * i, 480, 60 + i % 7) for i in range(20)))
    assert np.array_equal(audio.render(piece, RATE, synth=synth), audio.render(piece, RATE, synth=synth))


@synths
def test_program_changes_and_shared_channels(synth):
    organ_then_wood = score(note(0, 1920), note(1920, 1920), programs=(ProgramChange(1920, 0, 115),))
    samples = audio.render(organ_then_wood, RATE, synth=synth)
    assert loudness(samples, 3, 3.9) < 0.2 * loudness(samples, 1, 1.9)
    sharing = (Part(program=ORGAN, channel=1), Part(program=ORGAN, channel=1))
    silent = np.array([(480, 0, 7, 0)], CONTROL)
    both = audio.render(score(note(0, 1920, part=1), parts=sharing, controls=silent), RATE, synth=synth)
    assert loudness(both, 0.8, 1.6) < 0.3 * loudness(both, 0.1, 0.4)


@synths
def test_two_synthesisers_play_as_one_does(synth, monkeypatch):
    piece = score(*(note(120 * i, 240, 40 + i % 40) for i in range(60)))
    alone = audio.render(piece, RATE, synth=synth)
    monkeypatch.setattr(audio, "_NOTES_FOR_TWO", 1)
    shared = audio.render(piece, RATE, synth=synth)
    assert np.sqrt(((alone - shared) ** 2).mean()) < 0.02 * np.sqrt((alone**2).mean())


@synths
def test_progress_goes_up_to_all(synth):
    shares = []
    audio.render(score(note(0, 480 * 60)), RATE, synth=synth, progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 2
    assert shares[-1] == 1


def test_half_the_speed_takes_twice_as_long():
    assert len(audio.render(audio.at_speed(score(note(0, 1920)), 0.5), RATE)) == 6 * RATE


@synths
def test_a_file_that_is_no_soundfont(synth, tmp_path):
    (tmp_path / "no.sf2").write_bytes(b"RIFF")
    for name in ("no.sf2", "missing.sf2"):
        with pytest.raises(BadFile, match=f"{name}.*no soundfont"):
            audio.render(score(note()), RATE, tmp_path / name, synth)


def test_what_cannot_be_rendered_is_refused():
    with pytest.raises(BadInput, match="minutes; at most 60"):
        audio.render(score(note(0, 2**40)))
    with pytest.raises(BadInput, match="no synthesiser"):
        audio.render(score(note()), synth="theremin")


def test_reverb_fades_and_does_not_depend_on_the_pieces_it_is_given():
    click = np.zeros((3 * 44100, 2), np.float32)
    click[0] = 1
    whole, pieces = click.copy(), click.copy()
    Reverb(44100).add_to(whole)
    room = Reverb(44100)
    for start in range(0, len(pieces), 20_000):
        room.add_to(pieces[start : start + 20_000])
    assert np.allclose(whole, pieces, atol=1e-6)
    energy = [
        float((whole[int(a * 44100) : int(b * 44100)] ** 2).sum()) for a, b in ((0.02, 0.2), (0.4, 0.6), (1, 1.2))
    ]
    assert energy[0] > 4 * energy[1] > 16 * energy[2] > 0
    assert abs(np.asarray(np.corrcoef(whole[1000:40_000].T))[0, 1]) < 0.2


def test_limiter_turns_down_only_around_the_peak():
    samples = (np.sin(np.arange(88200) / 10)[:, None] * [0.1, 0.1]).astype(np.float32)
    samples[44100:44110] = 0.8
    before = samples.copy()
    normalise(samples, 44100)
    assert np.abs(samples).max() <= 10 ** (-1 / 20) + 1e-4
    rows = np.flatnonzero(np.abs(before[:40000, 0]) > 0.05)
    gain = samples[rows, 0] / before[rows, 0]
    assert gain.std() < 1e-5
    assert samples[44105, 0] / before[44105, 0] < 0.7 * gain.mean()


def test_ctrl_c_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(soundfile.SoundFile, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        audio.save_audio(np.zeros((100, 2), np.float32), tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", audio.FORMATS)
def test_files_read_back_and_are_the_same_twice(tmp_path, suffix):
    seconds = np.arange(3 * 44100) / 44100
    samples = np.repeat(np.sin(2 * np.pi * 440 * seconds)[:, None], 2, 1).astype(np.float32) * 0.5
    for name in ("a", "b"):
        audio.save_audio(samples, tmp_path / (name + suffix))
    read, rate = soundfile.read(tmp_path / ("a" + suffix))
    assert rate == 44100
    assert abs(len(read) - len(samples)) < 5000
    assert np.sqrt((read[44100:88200] ** 2).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    if suffix != ".ogg":
        assert (tmp_path / ("a" + suffix)).read_bytes() == (tmp_path / ("b" + suffix)).read_bytes()


def test_long_ogg_is_written_in_blocks(tmp_path):
    audio.save_audio(np.zeros((2_100_000, 2), np.float32), tmp_path / "long.ogg")
    assert soundfile.info(tmp_path / "long.ogg").frames == 2_100_000


def test_a_path_that_cannot_be_written_leaves_nothing(tmp_path):
    samples = np.zeros((100, 2), np.float32)
    with pytest.raises(BadFile, match=r"\.wav, \.flac"):
        audio.save_audio(samples, tmp_path / "a.aiff")
    with pytest.raises(BadFile, match="cannot be written"):
        audio.save_audio(samples, tmp_path / "no folder" / "a.wav")
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(BadFile, match="cannot be written"):
        audio.save_audio(samples, tmp_path / "folder.wav")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.wav"]


def test_without_a_synthesiser_it_says_how_to_get_one(monkeypatch):
    for name in audio.SYNTHS:
        monkeypatch.setitem(sys.modules, name, None)  # how Python marks what cannot be imported
    synths_module._module.cache_clear()
    with pytest.raises(PartimentoError, match=r"pip install --no-deps tinysoundfont==0\.3\.7"):
        audio.render(score(note()))
    synths_module._module.cache_clear()


def test_default_soundfont_is_there():
    assert Path(synths_module.default_soundfont()).stat().st_size > 5_000_000

"""What instruments are called."""

from partimento.theory.instrument import find_instrument


def test_a_bass_beside_a_tenor_sings_and_one_beside_drums_does_not():
    assert find_instrument("Bass", ["Soprano", "Alto", "Tenor", "Bass"]) == 53
    assert find_instrument("Bass", ["Piano", "Bass", "Drums"]) == 33
    assert find_instrument("Bass") == 33

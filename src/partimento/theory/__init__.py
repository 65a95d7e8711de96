"""Pitches, intervals, keys, chords, meters, tempi and instruments, without any score."""

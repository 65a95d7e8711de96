"""New notes as the piece has its notes: on paper with voices, staves and ties, played with a loudness."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.notation import engrave
from partimento.score import NO_NOTE, Records, Score, Tuplet
from partimento.theory.pitch import UNSPELLED


def with_written(score: Score, removed: Records, new: Records) -> Score:
    """A piece with new notes in place of some.

    Args:
        score: the piece, bars included; its other notes stay as they are.
        removed: notes that go.
        new: what comes, without voices, in the piece's ticks, with ids above all others.
    """
    kept = score.notes[~np.isin(score.notes["note_id"], removed["note_id"])]
    new = _clear(kept, _as_loud(score, new))
    anchored = replace(_anchored(score, removed, new), tuplets=_filled_tuplets(score, kept))
    if not score.notes["voice"].any():
        new["voice"] = new["staff"] = 0
        new["spelling"] = UNSPELLED if (score.notes["spelling"] == UNSPELLED).all() else new["spelling"]
        return anchored.with_notes(np.concatenate([kept, new]))
    return _engraved(anchored, kept, new)


def _engraved(score: Score, kept: Records, new: Records) -> Score:
    """The piece with its new notes as an engraver writes them, apart from the others."""
    if not len(new):
        return score.with_notes(kept)
    alone = replace(score, notes=new, tuplets=(), lyrics=(), marks=(), spanners=())
    page = engrave(alone, as_barred=True)
    whole = score.with_resolution(page.ticks_per_quarter)
    scale = page.ticks_per_quarter // score.ticks_per_quarter
    old = kept.copy()
    old["onset_tick"] *= scale
    old["duration_tick"] *= scale
    is_new = ~np.isin(np.arange(len(score.parts)), kept["part"])
    parts = tuple(
        replace(part, staves=paper.staves) if new_part else part
        for part, paper, new_part in zip(score.parts, page.parts, is_new, strict=True)
    )
    clefs = np.concatenate([whole.clefs, page.clefs[is_new[page.clefs["part"]] & ~_is_stated(page, whole)]])
    whole = replace(whole, parts=parts, clefs=clefs, tuplets=whole.tuplets + page.tuplets)
    written = _in_own_voices(old, page.notes.copy())
    written["staff"] = np.minimum(written["staff"], np.array([part.staves for part in parts])[written["part"]])
    return _coarsest(whole.with_notes(np.concatenate([old, written])), score.ticks_per_quarter)


def _is_stated(page: Score, whole: Score) -> NDArray[np.bool_]:
    """Which clefs of a page the piece has."""
    return np.isin(page.clefs, whole.clefs)


def _filled_tuplets(score: Score, kept: Records) -> tuple[Tuplet, ...]:
    """Tuplets in which a note that stays begins."""
    places = zip(*(kept[name].tolist() for name in ("part", "voice", "onset_tick")), strict=True)
    onsets = defaultdict[tuple[int, int], list[int]](list)
    for part, voice, onset in places:
        onsets[part, voice].append(onset)

    def is_filled(tuplet: Tuplet) -> bool:
        own = onsets[tuplet.part, tuplet.voice]
        at = bisect_left(own, tuplet.onset_tick)
        return at < len(own) and own[at] < tuplet.onset_tick + tuplet.duration_tick

    return tuple(tuplet for tuplet in score.tuplets if is_filled(tuplet))


def _in_own_voices(old: Records, new: Records) -> Records:
    """New notes, those in a voice in which an old one still sounds in the next one that is free."""
    for part in np.unique(new["part"]).tolist():
        mine, theirs = np.flatnonzero(new["part"] == part), old[old["part"] == part]
        end = theirs["onset_tick"] + theirs["duration_tick"]
        for voice in np.unique(new["voice"][mine]).tolist():
            its = mine[new["voice"][mine] == voice]
            first, last = new["onset_tick"][its].min(), (new["onset_tick"] + new["duration_tick"])[its].max()
            rivals = theirs[(theirs["onset_tick"] < last) & (end > first) & (theirs["grace"] == 0)]
            if (rivals["voice"] == voice).any():
                taken = {*rivals["voice"].tolist(), *new["voice"][mine].tolist()}
                new["voice"][its] = next(v for v in range(voice + 1, voice + len(taken) + 2) if v not in taken)
    return new


def _coarsest(score: Score, at_least: int) -> Score:
    """The piece at the lowest resolution that holds it exactly, and is a multiple of another."""
    ratio = score.ticks_per_quarter // at_least
    for times in (times for times in range(1, ratio) if ratio % times == 0):
        try:
            return score.with_resolution(times * at_least)
        except ValueError:
            continue
    return score


def _as_loud(score: Score, new: Records) -> Records:
    """New notes as loud as those of their part mostly are, or of all parts; 0 where the source says nothing."""
    new = new.copy()
    for part in np.unique(new["part"]).tolist():
        own = score.notes["velocity"][score.notes["part"] == part]
        stated = own if own.any() else score.notes["velocity"]
        stated = stated[stated > 0]
        is_bare = (new["part"] == part) & (new["velocity"] == 0)
        new["velocity"][is_bare] = int(np.median(stated)) if len(stated) else 0
    return new


def _clear(kept: Records, new: Records) -> Records:
    """New notes that do not touch a key that a note which stays holds down, or will strike: shorter, or not at all."""
    sounding = kept[(kept["grace"] == 0) & ~kept["cue"]]
    length = new["duration_tick"].copy()
    is_free = np.ones(len(new), bool)
    for key in np.unique(new[["part", "pitch"]]):
        its = np.flatnonzero(new[["part", "pitch"]] == key)
        old = sounding[sounding[["part", "pitch"]] == key]
        for index in its.tolist() if len(old) else ():
            onset = new["onset_tick"][index]
            is_free[index] = not (
                (old["onset_tick"] <= onset) & (old["onset_tick"] + old["duration_tick"] > onset)
            ).any()
            later = old["onset_tick"][old["onset_tick"] > onset]
            length[index] = min(length[index], int(later.min()) - onset) if len(later) else length[index]
    cleared = new.copy()
    cleared["duration_tick"] = length
    return cleared[is_free]


def _anchored(score: Score, removed: Records, new: Records) -> Score:
    """The piece with slurs and lines that ended in notes which go, at the new notes that come nearest."""
    gone = {int(row["note_id"]): row for row in removed}

    def end(note_id: int) -> int:
        if note_id not in gone:
            return note_id
        own = new[new["part"] == gone[note_id]["part"]]
        if not len(own):
            return NO_NOTE
        return int(own["note_id"][np.abs(own["onset_tick"] - gone[note_id]["onset_tick"]).argmin()])

    spanners = [s for s in score.spanners if not (s.start_id in gone and s.end_id in gone)]
    moved = [replace(s, start_id=end(s.start_id), end_id=end(s.end_id)) for s in spanners]
    hung = tuple(s for old, s in zip(spanners, moved, strict=True) if old == s or NO_NOTE not in (s.start_id, s.end_id))
    return replace(score, spanners=hung)

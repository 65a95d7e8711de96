"""amt: notes as time, duration and instrument with pitch, in steps of 10 ms; ids of the Anticipatory Music Transformer.

Sequences can be exchanged with anticipation (Thickstun et al., arXiv:2306.08620) and, shifted, with MIDI-LLM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from partimento.plan import Compose, Infill, Task
from partimento.representations.amt import codec, grammar, midi_llm, vocabulary
from partimento.representations.amt.grammar import State
from partimento.representations.amt.infill import fits, gap
from partimento.representations.amt.quantise import as_score, performed, quantise
from partimento.representations.base import Encoded, Grid, Ints, Losses, Special
from partimento.representations.cutting import Window, midway
from partimento.representations.grammar import Grammar, Guided
from partimento.representations.infilling import excerpts
from partimento.representations.timed import RESOLUTION
from partimento.score import Score


class Amt(Guided[State, Grammar[State]]):
    """Tokens of the Anticipatory Music Transformer; times count from the start of each sequence, up to 100 s."""

    name = "amt"
    canonical = False
    _grammar = grammar
    grid = Grid("second", RESOLUTION)
    enforces = frozenset({"instruments", "budget", "infill"})
    special = Special(vocabulary.SEPARATOR, vocabulary.AUTOREGRESS, vocabulary.SEPARATOR)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary in order."""
        return vocabulary.tokens()

    @property
    def config(self) -> dict[str, Any]:
        """No options: the ids are those of published models."""
        return {}

    def quantise(self, score: Score) -> tuple[Score, Losses]:
        """The first 100 s of the score, without its beat; see `quantise.performed`."""
        return quantise(score)

    def events(self, score: Score) -> Ints:
        """Events of a whole piece, shape (3n,), as `operations` and `anticipation` take them: no flag, no rests."""
        return codec.events(performed(score)[0])

    def encode(self, score: Score, task: Task) -> Encoded:
        """The flag as prompt, events as target, then three separators unless the piece goes on.

        Bars that are to be filled in are the target among all that is given, which stands five seconds ahead of its
        time; the prompt holds all before the first choice.

        Raises:
            NeedsBeats, BadPlan, InfeasibleTask: the score has not the bars that are to be filled in.
        """
        if isinstance(task, Infill):
            hole = gap(score, task)
            ids, prompt = hole.filled(), len(hole.opening()[0])
        else:
            notes, _ = performed(score)
            ids, prompt = codec.encode(notes.take(notes.onset < vocabulary.MAX_TIME), not task.ends_midway), 1
        return Encoded(ids[:prompt], ids[prompt:])

    def windows(self, score: Score, task: Task, budget: int) -> Iterator[tuple[Score, Task]]:
        """Sections of up to 100 s and `budget` tokens, cut between any two notes; rests at cuts are left out.

        Of bars that are to be filled in, with as many bars around them as fit.
        """
        if isinstance(task, Infill):
            yield from excerpts(score, task, lambda piece, part: fits(piece, part, budget))
            return
        notes, _ = performed(score)
        sections = codec.cuts(notes, budget, task.ends_midway)
        inside, section = sections.of(notes)
        count = len(sections.first)
        for index in range(count):
            yield as_score(inside.take(section == index)), midway(task, index > 0, index < count - 1)

    def encoded_windows(self, score: Score, task: Compose, budget: int) -> Iterator[Window]:
        """What encoding each of the windows gives, several times as fast."""
        notes, _ = performed(score)
        sections = codec.cuts(notes, budget, task.ends_midway)
        counts = (sections.last - sections.first).tolist()
        for ids, count in zip(codec.encode_sections(notes, sections, not task.ends_midway), counts, strict=True):
            yield Window(Encoded(ids[:1], ids[1:]), count)

    def decode(self, ids: Ints, task: Task) -> Score:
        """The score of any ids, see `repaired`; of several pieces, each follows where the one before has ended."""
        return codec.decode(self.repaired(ids)[0])

    def repaired(self, ids: Ints) -> tuple[Ints, int]:
        """What can be read of ids of AMT or MIDI-LLM, as triples of AMT, and how many tokens of music were dropped.

        A model that nothing keeps in step, as MIDI-LLM's, may leave a token out: what is no triple of one kind is
        dropped, and reading goes on behind it. Words and flags are no music; one separator is as good as three.
        """
        return codec.repaired(midi_llm.from_midi_llm(ids) if midi_llm.is_shifted(ids) else ids)

    def start(self, task: Task) -> State:
        """The grammar before the flag; see `grammar.start`."""
        return grammar.start(task)

    def transposition(self, semitones: int) -> Ints:
        """Id of each token's counterpart a number of semitones higher."""
        return vocabulary.transposition(semitones)

    def exchange(self, programs: Mapping[int, int]) -> Ints:
        """Id of each token's counterpart when programs are played by others."""
        return vocabulary.exchange(programs)

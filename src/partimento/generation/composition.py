"""One piece in the making: passage by passage, each of them written, or brought back and adapted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from partimento.generation.contrast import contrast
from partimento.generation.degenerate import TRIES, Draft, faults, stream_seed, write_sound
from partimento.generation.drafts import fullness, keeps_key, too_alike, tune_of
from partimento.generation.form import Passage, passages, theme
from partimento.generation.forms import ONCE
from partimento.generation.sampling import Sampling, subseed
from partimento.generation.windows import (
    HEARD_BARS,
    TOKENS_PER_BAR_AND_PART,
    Span,
    Window,
    heard,
    heard_tokens,
    joined,
    memory,
    plan_of,
    spans,
)
from partimento.generation.writer import Job, Writer, never
from partimento.plan import Compose, Infill, Plan
from partimento.representations import Representation
from partimento.score import Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.key import MINOR_MODES, Key

CADENCE_BARS = 2
"""Bars of a cadence: the dominant and the tonic."""
KEY_WORTH = 0.6
"""What it is worth that a draft is heard in its key, in shares of the time for which its parts sound."""
SPARE_TOKENS = 48
"""Room that is left for a header."""


@dataclass
class Composition:
    """A piece in the making."""

    writer: Writer
    plan: Plan
    """Laid out."""
    task: Callable[..., Compose]
    """What the plan of a window stands for; see `Composer.task`."""
    seed: int
    sampling: Sampling
    drafts: int
    """How many versions of each window are written, of which the best stays; 0: one, that is given out bar by bar."""
    text: str = ""
    stop: Callable[[], bool] = never
    in_one: bool = False
    """Whether it is written in one go, whatever its length."""
    score: Score | None = field(default=None, init=False)
    """As far as it goes."""
    _themes: dict[str, Span] = field(default_factory=lambda: dict[str, Span](), init=False)

    def grow(self) -> Iterator[Score]:
        """The piece each time there is more of it.

        Without drafts that is after each bar that is written; a window that turns out degenerate is taken back to its
        beginning and written again. What comes back comes back at once.
        """
        write = self._chosen if self.drafts else self._streamed
        for passage in passages(self.plan):
            if passage.source is not None and passage.kept:
                yield self._returned(passage, passage.source)
            for window in self._windows(passage):
                yield from write(window, passage)
            self._themes.setdefault(theme(passage.label), (passage.first, passage.last))

    # What comes back

    def _returned(self, passage: Passage, source: int) -> Score:
        """The piece with the bars that a passage takes from an earlier one."""
        assert self.score is not None
        self.score = joined(self.score, self.score.slice_bars(source, source + passage.kept))
        asks_more = self.plan.chords or self.plan.controls  # infilling would not see to these
        if passage.varied and not asks_more and "infill" in self._representation.enforces:
            self.score = self._varied(passage.first, *passage.varied)
        return self.score

    def _varied(self, start: int, first: int, last: int) -> Score:
        """The piece with some of the bars that came back varied, in the part that has the tune."""
        from partimento.generation.verbs.filling import filled  # the verbs write with composers, too
        from partimento.generation.verbs.pen import Pen

        assert self.score is not None
        task = Infill(start + first, start + last, (tune_of(self.score),))
        pen = Pen(self.writer, subseed(self.seed, 1, start), self.sampling, self.stop)
        return filled(self.score, task, pen)

    # What is written

    def _windows(self, passage: Passage) -> Iterator[Window]:
        """The windows in which those bars of a passage are written that do not come back."""
        if self._is_whole:
            yield Window(0, 0)
            return
        first, cost = passage.first + passage.kept, self._bar_tokens()
        cadence = passage.last - CADENCE_BARS if self._cadences(passage) else passage.last
        runs = [*spans(first, cadence, cost, self.writer.context), *spans(max(first, cadence), passage.last, cost, 1)]
        for start, stop in runs:
            room = self.writer.context - SPARE_TOKENS - cost * (stop - start)
            yield Window(start, stop, self._memory(passage, start, room))

    def _cadences(self, passage: Passage) -> bool:
        """Whether a passage ends with a cadence of its own: where it closes, parts agree on chords, none are asked."""
        parts = self.plan.instruments if self.score is None else [part.instrument for part in self.score.parts]
        many = sum(program != DRUMS for program in parts or ()) > 1
        says = "chords" in self._representation.enforces and self.plan.chords is None
        return passage.closes and many and says and passage.bars > CADENCE_BARS

    def _memory(self, passage: Passage, first: int, room: float) -> tuple[Span, ...]:
        """Bars that are heard before one: as many as there is room for."""
        if self.score is None:
            return ()
        main = next((span for name, span in self._themes.items() if name not in ONCE), None)
        for bars in range(HEARD_BARS, 0, -1):
            window = Window(first, first + 1, memory(None if passage.kept else main, first, bars))
            if self._tokens(heard(self.score, window)) <= room:
                return window.heard
        return ()

    def _bar_tokens(self) -> float:
        """What a bar costs: what it usually does, or did of late."""
        if self.score is None:
            return 1 + len(self.plan.instruments or (0, 0)) * TOKENS_PER_BAR_AND_PART
        bars = len(self.score.measures)
        late = self.score.slice_bars(max(bars - HEARD_BARS, 0), bars)
        return max(1 + len(late.parts) * TOKENS_PER_BAR_AND_PART, self._tokens(late) / len(late.measures))

    def _tokens(self, score: Score) -> int:
        return len(self._representation.encode(score, Compose()).ids)

    def _job(self, window: Window, passage: Passage, seed: int) -> Job:
        """To write the bars of a window behind those that it hears."""
        plan = self.plan if self._is_whole else self._contrasting(window, passage)
        wishes = plan if self._is_whole else plan_of(window, plan, self.score)
        closes = self._is_whole or (passage.closes and window.last == passage.last)
        opens = window.first > 0 and (not window.heard or window.heard[0][0] > 0)
        task = self.task(wishes, opens_midway=opens, ends_midway=not closes)
        if self.score and closes and window.last - window.first == CADENCE_BARS and self._cadences(passage):
            chords = cadence(self.score.key_at(0) or Key(0))
            task = replace(task, plan=replace(wishes, chords=((),) * (window.bars - len(chords)) + chords))
        if self.score is None or not window.heard:
            return Job(task, seed, text=self.text)
        home, stands = self.score.key_at(0), heard(self.score, window)
        wanted = relative(home) if passage.leaves_key else home
        key = wanted if wanted != stands.key_at(stands.end_tick) else None
        tokens = heard_tokens(self._representation, stands, window.last - window.first, task, key)
        return Job(task, seed, tokens, self.text)

    def _contrasting(self, window: Window, passage: Passage) -> Plan:
        """The plan, and for a section with music of its own, that its tune lies elsewhere than that of the theme."""
        earlier, last = [name for name in self._themes if name not in ONCE], passage.last - CADENCE_BARS
        is_theme = not earlier or theme(passage.label) in (*earlier, *ONCE)
        if self.score is None or passage.kept or is_theme or window.first >= last:
            return self.plan
        control = contrast(self.score.slice_bars(*self._themes[earlier[0]]), lower=len(earlier) % 2 == 0)
        if control is None:
            return self.plan
        return replace(self.plan, controls=(replace(control, bars=(window.first, last)), *self.plan.controls))

    def _chosen(self, window: Window, passage: Passage) -> Iterator[Score]:
        """The piece with the best of some drafts of a window."""

        def write(seeds: Sequence[int]) -> list[Score]:
            jobs = [self._job(window, passage, seed) for seed in seeds]
            return [_behind(piece, window) for piece in self.writer.write(jobs, self.sampling, stop=self.stop)]

        drafts = write_sound(write, [subseed(self.seed, draft, window.first) for draft in range(self.drafts)])
        self.score = joined(self.score, max(drafts, key=lambda draft: self._worth(draft, passage)).score)
        yield self.score

    def _worth(self, draft: Draft, passage: Passage) -> tuple[int, float]:
        """How good a draft is: without faults, in its key, full, and unlike sections that it is to contrast with."""
        others = [span for name, span in self._themes.items() if name != theme(passage.label)]
        assert self.score is not None or not others
        alike = [too_alike(self.score.slice_bars(*span), draft.score) for span in others] if self.score else []
        good = fullness(draft.score) + KEY_WORTH * keeps_key(draft.score) - max(alike, default=0.0)
        return -len(draft.faults), good

    def _streamed(self, window: Window, passage: Passage) -> Iterator[Score]:
        """The piece after each bar of a window, which is written again as long as it is degenerate."""
        before, seed = self.score, subseed(self.seed, 0, window.first)
        for stream in range(TRIES + 1):
            self.score, written = before, before
            job = self._job(window, passage, stream_seed(seed, stream))
            for piece in self.writer.stream(job, self.sampling):
                if len(piece.measures) > window.heard_bars:
                    written = _behind(piece, window)
                    self.score = joined(before, written)
                    yield self.score
            if written is None or not faults(written):
                return

    @property
    def _is_whole(self) -> bool:
        """Whether the piece is one window: the model chooses its length, too."""
        return self.in_one or self.plan.bars is None

    @property
    def _representation(self) -> Representation[object]:
        assert isinstance(self.writer.representation, Representation)
        return self.writer.representation


def cadence(key: Key) -> tuple[tuple[ChordSymbol, ...], ...]:
    """Dominant and tonic, a bar each."""
    tonic = ChordSymbol(key.tonic, "minor" if key.mode in MINOR_MODES else "major")
    return (ChordSymbol(key.tonic + 1, "dominant"),), (tonic,)


def relative(key: Key | None) -> Key | None:
    """The minor key of a major one's signature, and the other way round."""
    return key and Key(key.fifths, "major" if key.mode in MINOR_MODES else "minor")


def _behind(piece: Score, window: Window) -> Score:
    """What a piece has behind the bars that were heard."""
    return piece.slice_bars(window.heard_bars, len(piece.measures)) if window.heard else piece

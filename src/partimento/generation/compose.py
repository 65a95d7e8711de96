"""Plan in, piece out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from partimento.generation.sampling import Sampling, subseed
from partimento.generation.windows import Window, joined, plan_of, windows
from partimento.generation.writer import DEFAULT_SAMPLING, Job, Writer
from partimento.notation import engrave
from partimento.plan import Compose, Constraints, Plan
from partimento.plan.plan import MAX_BARS
from partimento.representations import Representation
from partimento.score import TEMPO, Part, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.pitch import pitch_class

DEFAULT_TEMPO_BPM = 108.0
NEAREST_STYLES = {"pop": "game", "piano": "song", "orchestra": "quartet"}
"""Styles that the vocabulary has and free music to learn from has not ▶ what comes nearest."""
DANCES = ("folk", "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air")
KEYBOARDS = range(8)
STYLES_WITH_CHORDS = ("lead sheet", "pop")
"""Styles whose readers expect chord symbols, asked for or not."""
MAX_CHROMATIC_SHARE = 0.05
DRAFTS = 3
"""Pieces written for one wish, of which the fullest is kept."""


class Composer:
    """A loaded model that writes pieces."""

    def __init__(self, model: Path | Writer | None = None) -> None:
        """Load a model folder or a GGUF file, by default the model that comes with the package, or take a loaded one.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        self.writer = model if isinstance(model, Writer) else Writer(model)
        """The model; what else is to be written with it need not load it again."""

    def task(self, plan: Plan, *, opens_midway: bool = False, ends_midway: bool = False) -> Compose:
        """The task that a plan stands for, with everything that makes a piece playable and whole."""
        # several parts agree on chords, which are shown only where readers expect them
        many = sum(program != DRUMS for program in plan.instruments or (0, 0)) > 1
        constraints = Constraints(
            steady=True,
            playable=True,
            max_rest_bars=_longest_rest(plan),
            max_chromatic_share=MAX_CHROMATIC_SHARE,
            chord_tones=plan.chords is not None or many,
            ends_on_tonic=plan.chords is None,
            chord_symbols="must" if many or plan.style in STYLES_WITH_CHORDS else "must not",
            budget=self.writer.context,
        )
        return Compose(plan, constraints, opens_midway, ends_midway)

    def compose(self, plan: Plan, *, text: str = "", seed: int = 0, sampling: Sampling = DEFAULT_SAMPLING) -> Score:
        """A piece; the same plan, text, seed and model give the same piece.

        Args:
            plan: what is to be written.
            text: the user's words, for models that read them.
            seed: of the choices.
            sampling: how tokens are drawn.

        Raises:
            BadPlan: the model writes to chords and there are none.
            InfeasibleTask: the model's context cannot hold such a piece.
        """
        drafts = self._drafts(completed(plan), text, seed, sampling)
        score = finished(max(drafts, key=fullness), plan)
        return score if self.writer.is_notation else engrave(score, as_barred=True)

    def _drafts(self, plan: Plan, text: str, seed: int, sampling: Sampling) -> list[Score]:
        """Pieces for one wish, written side by side, window by window."""
        if self.writer.writes_text:
            return self.writer.write([Job(Compose(plan, Constraints(steady=True)), seed, text=text)], sampling)
        parts = len(plan.instruments or (0, 0))
        whole = [Window(0, 0, 0, True)]
        drafts: list[Score | None] = [None] * DRAFTS
        for window in whole if plan.bars is None else windows(plan.bars, parts, self.writer.context):
            jobs = [
                self._job(draft, window, plan, text, subseed(seed, index, window.first))
                for index, draft in enumerate(drafts)
            ]
            pieces = self.writer.write(jobs, sampling)
            drafts = [
                piece if draft is None else joined(draft, piece, window.heard)
                for draft, piece in zip(drafts, pieces, strict=True)
            ]
        return [draft for draft in drafts if draft is not None]

    def _job(self, draft: Score | None, window: Window, plan: Plan, text: str, seed: int) -> Job:
        """To write the window that comes behind a draft."""
        wishes = plan_of(window, plan, draft) if window.bars else plan
        task = self.task(wishes, opens_midway=window.first > 0, ends_midway=not window.is_last)
        return Job(task, seed, tuple(self._heard(draft, window, task)), text)

    def _heard(self, score: Score | None, window: Window, task: Compose) -> Sequence[int]:
        """Tokens of the bars of a window that stand already."""
        if score is None or not window.heard:
            return ()
        lead = score.slice_bars(window.first, window.first + window.heard)
        # the header must speak of the whole window, the countdown too: pad with the bars to come
        missing = np.repeat(lead.measures[-1:], window.bars - window.heard)
        missing["onset_tick"] += lead.measures["duration_tick"][-1] * np.arange(1, len(missing) + 1)
        padded = replace(lead, measures=np.concatenate([lead.measures, missing]))
        # each empty bar to come is one token, and so is the end
        assert isinstance(self.writer.representation, Representation)
        return self.writer.representation.encode(padded, task).ids.tolist()[: -len(missing) - 1]


def compose(
    plan: Plan,
    *,
    model: Path | None = None,
    text: str = "",
    seed: int = 0,
    sampling: Sampling = DEFAULT_SAMPLING,
) -> Score:
    """A piece from a plan; see `Composer`, which keeps the model loaded."""
    return Composer(model).compose(plan, text=text, seed=seed, sampling=sampling)


def fullness(score: Score) -> float:
    """Share of the time for which parts sound, on average over the parts; what exceeds nine tenths does not count.

    A model that loses the thread leaves bars nearly empty, so the fullest of several drafts is kept.
    """
    steps = np.zeros((len(score.parts), score.end_tick + 1), np.int64)
    notes = score.notes
    np.add.at(steps, (notes["part"], notes["onset_tick"]), 1)
    np.add.at(steps, (notes["part"], notes["onset_tick"] + notes["duration_tick"]), -1)
    return float(np.minimum((np.cumsum(steps, axis=1) > 0).mean(axis=1), 0.9).mean())


def _longest_rest(plan: Plan) -> int:
    """Bars that a part may rest: none in ensembles of chamber size, one in larger ones."""
    return min(0 if len(plan.instruments or ()) <= 6 else 1, (plan.bars or MAX_BARS) - 1)


def completed(plan: Plan) -> Plan:
    """The plan with a key, where only chords say it, and with a style that the starter model has learnt."""
    if plan.key is None and plan.chords:
        plan = replace(plan, key=key_of_chords(plan.chords))
    return replace(plan, style=_learnt_style(plan))


def _learnt_style(plan: Plan) -> str | None:
    """The style itself, or the nearest that the starter model has learnt for such instruments.

    Dances were learnt as tunes alone, and songs with a keyboard that accompanies.
    """
    instruments = plan.instruments or ()
    if plan.style in DANCES and len(instruments) > 1 and any(program in KEYBOARDS for program in instruments):
        return "song"
    return NEAREST_STYLES.get(plan.style or "", plan.style)


def key_of_chords(chords: tuple[tuple[ChordSymbol, ...], ...]) -> Key:
    """The key whose scale holds most of the chords' tones; first and last chord speak for the tonic."""
    flat = [chord for bar in chords for chord in bar]
    tones = [tone for chord in flat for tone in chord.pitch_classes]

    def fit(key: Key) -> float:
        inside = sum(tone in key.pitch_classes for tone in tones) / len(tones)
        is_minor = key.mode == "minor"
        home = [
            pitch_class(c.root) == pitch_class(key.tonic) and (3 in _thirds(c)) == is_minor for c in (flat[0], flat[-1])
        ]
        return inside + 0.15 * home[0] + 0.1 * home[1] - 0.001 * abs(key.fifths)

    return max((Key(fifths, mode) for mode in ("major", "minor") for fifths in range(-6, 7)), key=fit)


def _thirds(chord: ChordSymbol) -> set[int]:
    return {(tone - pitch_class(chord.root)) % 12 for tone in chord.pitch_classes} & {3, 4}


def finished(score: Score, plan: Plan) -> Score:
    """A decoded piece with what tokens do not say: exact tempo, title, names that tell like parts apart."""
    tempo_bpm = plan.tempo_bpm
    if tempo_bpm is None:
        tempo_bpm = float(score.tempos["tempo_bpm"][0]) if len(score.tempos) else DEFAULT_TEMPO_BPM
    shows_chords = plan.chords is not None or plan.style in STYLES_WITH_CHORDS
    return replace(
        score,
        chords=score.chords if shows_chords else (),
        tempos=np.array([(0, tempo_bpm)], TEMPO),
        title=plan.title or _title(score, plan),
        composer="partimento",
        parts=_named(score.parts),
    )


def _title(score: Score, plan: Plan) -> str:
    key, style = score.key_at(0), plan.style or (score.tags[0] if score.tags else "piece")
    name = style.capitalize()
    return f"{name} in {key}" if key and key.mode else name


def _named(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts of one instrument are numbered."""
    total, seen = Counter(part.name for part in parts), Counter[str]()
    named: list[Part] = []
    for part in parts:
        seen[part.name] += 1
        named.append(replace(part, name=f"{part.name} {seen[part.name]}") if total[part.name] > 1 else part)
    return tuple(named)

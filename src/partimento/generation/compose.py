"""Plan in, piece out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from partimento.generation.barring import barred
from partimento.generation.composition import Composition
from partimento.generation.ending import with_held_end
from partimento.generation.finishing import STYLES_WITH_CHORDS, finished, with_sections
from partimento.generation.form import passages
from partimento.generation.layout import laid_out
from partimento.generation.sampling import Sampling
from partimento.generation.writer import DEFAULT_SAMPLING, Job, Writer, never
from partimento.notation import engrave
from partimento.plan import Compose, Constraints, Plan
from partimento.plan.complexity import boldness, chromatic_share
from partimento.plan.plan import MAX_BARS
from partimento.representations import Representation
from partimento.score import Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.pitch import pitch_class

NEAREST_STYLES = {"pop": "game", "piano": "song", "orchestra": "quartet"}
"""Styles that the vocabulary has and free music to learn from has not ▶ what comes nearest."""
DANCES = ("folk", "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air")
KEYBOARDS = range(8)
MAX_CHROMATIC_SHARE = 0.05
MIN_CHORD_SHARE = 0.65
"""Of each bar; a little more than a check asks for, since the last bar is held."""
DRAFTS = 4
"""Versions written of all that is new, of which the best is kept."""


class Composer:
    """A loaded model that writes pieces."""

    def __init__(self, model: Path | Writer | None = None) -> None:
        """Load a model folder or a GGUF file, by default the model that comes with the package, or take a loaded one.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        self.writer = model if isinstance(model, Writer) else Writer(model)
        """The model; what else is to be written with it need not load it again."""

    def task(
        self, plan: Plan, *, opens_midway: bool = False, ends_midway: bool = False, enforce: bool = True
    ) -> Compose:
        """The task that a plan stands for, with everything that makes a piece playable and whole."""
        # several parts agree on chords, which are shown only where readers expect them
        many = sum(program != DRUMS for program in plan.instruments or (0, 0)) > 1
        harmony = plan.harmony or ("beats" if plan.chords is not None or many else "hint")
        constraints = Constraints(
            steady=True,
            playable=True,
            max_rest_bars=_longest_rest(plan),
            max_chromatic_share=chromatic_share(plan.controls, MAX_CHROMATIC_SHARE),
            harmony=harmony,
            min_chord_share=None if plan.chords is None or harmony == "hint" else MIN_CHORD_SHARE,
            ends_on_tonic=plan.chords is None,
            chord_symbols="must" if many or plan.style in STYLES_WITH_CHORDS else "must not",
            budget=self.writer.context,
            enforced=enforce,
        )
        return Compose(plan, constraints, opens_midway, ends_midway)

    def compose(
        self,
        plan: Plan,
        *,
        text: str = "",
        seed: int = 0,
        sampling: Sampling = DEFAULT_SAMPLING,
        drafts: int = DRAFTS,
        enforce: bool = True,
        stop: Callable[[], bool] = never,
    ) -> Score:
        """A piece; the same plan, text, seed and model give the same piece.

        Args:
            plan: what is to be written; `laid_out` says of which sections a long piece will be made.
            text: the user's words, for models that read them.
            seed: of the choices.
            sampling: how tokens are drawn.
            drafts: versions that are written of all that is new, of which the best stays.
            enforce: whether the wishes are kept; otherwise the model reads them, and writes the piece in one go.
            stop: asked before every step of the model.

        Raises:
            BadPlan: the model writes to chords and there are none, or the form cannot have the bars asked for.
            InfeasibleTask: the model's context cannot hold such a piece.
            Cancelled: `stop` says so.
        """
        if self.writer.writes_text:
            task = Compose(completed(plan.with_bars()), Constraints(steady=True))
            return finished(self.writer.write([Job(task, seed, text=text)], sampling, stop=stop)[0], plan)
        task = partial(self.task, enforce=enforce)
        composition = self._composition(plan, task, text, seed, sampling, max(drafts, 1), stop)
        for _ in composition.grow():
            pass
        return _ended(composition, plan)

    def stream(
        self, plan: Plan, *, text: str = "", seed: int = 0, sampling: Sampling = DEFAULT_SAMPLING
    ) -> Iterator[Score]:
        """The piece so far, each time that a bar has been written or a section has come back; the whole piece last.

        Nothing is chosen among drafts. A stretch that turns out degenerate is taken back and written again, after
        which the piece may be shorter for a while. Only the last score has its ending and is set as notation. Closing
        the iterator ends the writing.

        Args:
            plan, text, seed, sampling: as for `compose`.

        Raises:
            BadPlan, InfeasibleTask: as `compose` does.
        """
        if self.writer.writes_text:
            yield self.compose(plan, text=text, seed=seed, sampling=sampling)
            return
        composition = self._composition(plan, self.task, text, seed, sampling, 0, never)
        sections = passages(composition.plan)
        for score in composition.grow():
            yield with_sections(finished(score, _shown(composition, plan)), sections)
        yield _ended(composition, plan)

    def _composition(
        self, plan: Plan, task: Callable[..., Compose], text: str, seed: int, sampling: Sampling, drafts: int,
        stop: Callable[[], bool],
    ) -> Composition:  # fmt: skip
        """A piece of which nothing stands yet. Models that know no bars write it in one go."""
        assert isinstance(self.writer.representation, Representation)
        keeps_bars = task(Plan()).constraints.enforced and "bars" in self.writer.representation.enforces
        whole = completed(laid_out(plan) if keeps_bars else replace(plan.with_bars(), form=None))
        sampling = replace(sampling, temperature=min(sampling.temperature * boldness(plan.controls), 5))
        return Composition(self.writer, whole, task, seed, sampling, drafts, text, stop, in_one=not keeps_bars)


def _shown(composition: Composition, plan: Plan) -> Plan:
    """The plan as it was carried out, but with the style that was asked for."""
    return replace(composition.plan, style=plan.style)


def _ended(composition: Composition, plan: Plan) -> Score:
    """A piece that stands, with all that makes it whole."""
    assert composition.score is not None
    score = composition.score if composition.in_one else with_held_end(composition.score)
    score = finished(barred(score, composition.plan), _shown(composition, plan))
    return with_sections(engrave(score, as_barred=True), passages(composition.plan))


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

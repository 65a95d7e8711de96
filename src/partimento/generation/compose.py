"""Plan in, piece out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partimento.errors import BadPlan, BadRecipe
from partimento.generation.conditioning import condition_of
from partimento.generation.engines import Engine, LlamaCppEngine, load_engine
from partimento.generation.sampling import sample
from partimento.generation.windows import Window, joined, plan_of, windows
from partimento.notation import engrave
from partimento.plan import Compose, Constraints, Plan
from partimento.plan.plan import MAX_BARS
from partimento.representations import Representation, create
from partimento.score import TEMPO, Part, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.key import Key
from partimento.theory.pitch import pitch_class

if TYPE_CHECKING:
    from partimento.generation.text_compose import TextComposer

STARTER = Path(__file__).parent.parent / "models" / "starter"
"""The model that comes with the package."""
DEFAULT_TEMPO_BPM = 108.0
DEFAULT_TEMPERATURE, DEFAULT_TOP_P = 0.85, 0.92
NEAREST_STYLES = {"pop": "game", "piano": "song", "orchestra": "quartet"}
"""Styles that the vocabulary has and free music to learn from has not ▶ what comes nearest."""
DANCES = ("folk", "jig", "slip jig", "reel", "hornpipe", "polka", "strathspey", "waltz", "march", "air")
KEYBOARDS = range(8)
STYLES_WITH_CHORDS = ("lead sheet", "pop")
"""Styles whose readers expect chord symbols, asked for or not."""
MAX_CHROMATIC_SHARE = 0.05
DRAFTS = 3
"""Pieces written for one wish, of which the fullest is kept."""


@dataclass(frozen=True, slots=True)
class _How:
    """How a piece is drawn."""

    text: str
    rng: np.random.Generator
    temperature: float
    top_p: float


class Composer:
    """A loaded model that writes pieces."""

    def __init__(self, model: Path | None = None) -> None:
        """Load a model folder or a GGUF file, by default the model that comes with the package.

        Raises:
            BadRecipe: it is no model folder, or a damaged one.
        """
        folder = Path(model or STARTER)
        self.engine: Engine = load_engine(folder)
        self._writer: TextComposer | None = None
        if getattr(self.engine, "writes_text", False):
            self._writer = _text_composer(self.engine)
            return
        self.representation = _representation(folder, self.engine)
        if len(self.representation.tokens) != self.engine.vocabulary_size:
            raise BadRecipe(
                f"{folder}: the model knows {self.engine.vocabulary_size} tokens, its representation "
                f"{len(self.representation.tokens)}; one of the two files is from another model"
            )

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
            budget=self.engine.context,
        )
        return Compose(plan, constraints, opens_midway, ends_midway)

    def compose(
        self,
        plan: Plan,
        *,
        text: str = "",
        seed: int = 0,
        temperature: float = DEFAULT_TEMPERATURE,
        top_p: float = DEFAULT_TOP_P,
    ) -> Score:
        """A piece; the same plan, text, seed and model give the same piece.

        Args:
            plan: what is to be written.
            text: the user's words, for models that read them.
            seed: of the choices.
            temperature: below 1 more predictable, above 1 bolder.
            top_p: share of the likeliest continuations to choose from.

        Raises:
            BadPlan: temperature or top-p are out of range, or the model writes to chords and there are none.
            InfeasibleTask: the model's context cannot hold such a piece.
        """
        if not 0 <= temperature <= 5:
            raise BadPlan(f"temperature {temperature:g}: choose between 0 and 5, usually 0.7 to 1.2")
        if not 0 < top_p <= 1:
            raise BadPlan(f"top-p {top_p:g}: choose above 0 and up to 1, usually 0.9 to 1")
        rng = np.random.Generator(np.random.Philox(seed))
        if self._writer is not None:
            return finished(self._writer.compose(completed(plan), text, rng, temperature, top_p), plan)
        how = _How(text, rng, temperature, top_p)
        drafts = [self._draft(completed(plan), how) for _ in range(DRAFTS)]
        return engrave(finished(max(drafts, key=fullness), plan), as_barred=True)

    def _draft(self, plan: Plan, how: _How) -> Score:
        parts = len(plan.instruments or (0, 0))
        whole = [Window(0, 0, 0, True)]
        spans = whole if plan.bars is None else windows(plan.bars, parts, self.engine.context)
        score: Score | None = None
        for window in spans:
            score = self._extended(score, window, plan, how)
        assert score is not None
        return score

    def _extended(self, score: Score | None, window: Window, plan: Plan, how: _How) -> Score:
        """The score with a window more."""
        wishes = plan_of(window, plan, score) if window.bars else plan
        task = self.task(wishes, opens_midway=window.first > 0, ends_midway=not window.is_last)
        heard = self._heard(score, window, task)
        ids = list(
            sample(
                self.engine,
                self.representation,
                task,
                rng=how.rng,
                temperature=how.temperature,
                top_p=how.top_p,
                heard=heard,
                condition=condition_of(self.engine, wishes, how.text),
            )
        )
        piece = self.representation.decode(np.array(ids, np.int32), task)
        return piece if score is None else joined(score, piece, window.heard)

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
        return self.representation.encode(padded, task).ids.tolist()[: -len(missing) - 1]


def compose(
    plan: Plan,
    *,
    model: Path | None = None,
    text: str = "",
    seed: int = 0,
    temperature: float = DEFAULT_TEMPERATURE,
    top_p: float = DEFAULT_TOP_P,
) -> Score:
    """A piece from a plan; see `Composer`, which keeps the model loaded."""
    return Composer(model).compose(plan, text=text, seed=seed, temperature=temperature, top_p=top_p)


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


def _text_composer(engine: Any) -> TextComposer:
    from partimento.generation.text_compose import TextComposer  # takes seconds to import, and few models need it

    return TextComposer(engine)


def _representation(folder: Path, engine: Engine) -> Representation[object]:
    if isinstance(engine, LlamaCppEngine):
        return create(**engine.representation)
    try:
        config = json.loads((folder / "representation.json").read_text("utf-8"))
        return create(**config["representation"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadRecipe(f"{folder / 'representation.json'}: missing or damaged") from error

"""Text from a language model in its own tokens: a grammar while it writes, a checker behind it, and another try.

The grammar (llguidance) admits only what the syntax allows; what syntax cannot count, such as bars that are not full,
the representation's checker finds. What it finds is thrown away and drawn again, the whole text or bar by bar. Both
rates are reported: how much of what is drawn is right by the syntax alone, and how much of what was asked for is
right in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partimento.errors import BadRecipe, Cancelled
from partimento.generation.batching import never
from partimento.generation.engines import Engine
from partimento.generation.gguf_tokenizer import GgufTokenizer
from partimento.generation.sampling import PLAIN, Sampling, draw
from partimento.plan import Task
from partimento.representations import TextRepresentation

DEFAULT_TRIES = 8
_ONE_BY_ONE = '%llguidance {"no_forcing": true}\n'
"""No tokens are forced, however clear it is what follows: cut from such a text alone, they would not be those that the
model has learnt to read, which reach into what comes next."""
NO_END = "the context is full before the text ends"


@runtime_checkable
class InBars(TextRepresentation, Protocol):
    """What a text representation has besides, if its texts can be checked bar by bar."""

    @property
    def has_bars(self) -> bool:
        """Whether they can with the options that it has."""
        ...

    def finished(self, text: str) -> int:
        """How many characters of a text that is being written belong to bars that are complete."""
        ...

    def faults_so_far(self, text: str, task: Task) -> tuple[str, ...]:
        """Faults of a text cut behind a complete bar that nothing behind it mends."""
        ...


@dataclass(frozen=True, slots=True)
class Rates:
    """How often texts, or bars, were right."""

    unit: str
    """`text` or `bar`."""
    drawn: int = 0
    """How many were drawn under the syntax."""
    right: int = 0
    """How many of these had no fault."""
    wanted: int = 0
    """How many were asked for."""
    kept: int = 0
    """How many of these are right in the end."""

    @property
    def by_syntax(self) -> float:
        """Share that the syntax alone makes right."""
        return self.right / self.drawn if self.drawn else float("nan")

    @property
    def after_check(self) -> float:
        """Share that is right once faulty ones have been drawn again."""
        return self.kept / self.wanted if self.wanted else float("nan")

    def __add__(self, other: Rates) -> Rates:
        if self.unit != other.unit:
            raise ValueError(f"rates of {self.unit}s and of {other.unit}s do not add up")
        counts = ("drawn", "right", "wanted", "kept")
        return Rates(self.unit, *(getattr(self, name) + getattr(other, name) for name in counts))


@dataclass(frozen=True, slots=True)
class Take:
    """A text that a model has written."""

    text: str
    faults: tuple[str, ...]
    """What is still wrong with it after the last try."""
    rates: Rates


class TextSampler:
    """A language model that writes texts of one representation."""

    def __init__(self, engine: Engine, tokenizer: Any, representation: TextRepresentation) -> None:
        """`tokenizer`: the model's own, with an end-of-text token: a fast one of transformers, or a `GgufTokenizer`.

        Raises:
            BadRecipe: llguidance is not installed, or the tokenizer is of another kind.
        """
        self.engine, self.tokenizer, self.representation = engine, tokenizer, representation
        self._guide = _Guide(tokenizer, engine.vocabulary_size)

    def sample(
        self,
        task: Task,
        *,
        rng: np.random.Generator,
        prompt: str | Sequence[int] = "",
        by_bars: bool = False,
        tries: int = DEFAULT_TRIES,
        sampling: Sampling = PLAIN,
        stop: Callable[[], bool] = never,
    ) -> Take:
        """A text without faults, or the last one drawn where all tries fail.

        Args:
            task: its plan goes into the grammar, and is checked.
            rng: the only source of randomness.
            prompt: what stands before the text; as ids, if the tokenizer would add signs of its own.
            by_bars: whether each bar is checked as soon as it is complete, and only it is drawn again.
            tries: most draws of a text (by bars: of a bar, and of the text as a whole one).
            sampling: how tokens are drawn; without temperature every try is the same.
            stop: asked before every token.

        Raises:
            BadRecipe: the representation cannot be checked by bars, or its grammar is none.
            Cancelled: `stop` says so.
        """
        if tries < 1:
            raise BadRecipe(f"{tries} tries: at least one")
        rep = self.representation
        if by_bars and not (isinstance(rep, InBars) and rep.has_bars):
            raise BadRecipe(f"{rep.name} text cannot be checked bar by bar")
        ids: Sequence[int] = self.tokenizer(prompt)["input_ids"] if isinstance(prompt, str) else prompt
        begun = ids or [self._guide.end]
        grammar = self._guide.grammar(rep.syntax(task))
        text = _Text(self.engine, self._guide, grammar, begun, _Dice(rng, sampling), stop)
        if by_bars and isinstance(rep, InBars):
            rates = _write_bars(text, rep, task, tries)
            return Take(text.said, _faults(text, rep, task), rates)
        return _write_whole(text, rep, task, tries)


def _write_whole(text: _Text, rep: TextRepresentation, task: Task, tries: int) -> Take:
    """Texts drawn one after the other, until one has no fault."""
    drawn, faults = 0, ("",)
    while faults and drawn < tries:
        text.cut()
        while text.go_on():
            pass
        drawn, faults = drawn + 1, _faults(text, rep, task)
    right = int(not faults)
    return Take(text.said, faults, Rates("text", drawn, right, 1, right))


def _write_bars(text: _Text, rep: InBars, task: Task, tries: int) -> Rates:
    """A text whose bars are drawn again, each until it has no fault that was not there before."""
    rates, known = Rates("bar"), set[str]()
    done = failed = 0
    goes_on = True
    while goes_on:
        goes_on = text.go_on()
        until = rep.finished(text.said) if goes_on else len(text.said)
        if until <= done and goes_on:
            continue
        found = rep.faults(text.said, task) if text.has_ended else rep.faults_so_far(text.said[:until], task)
        found = set(found) - known
        found |= set() if goes_on or text.has_ended else {NO_END}
        failed = failed + 1 if found else 0
        is_settled = not found or failed == tries
        rates += Rates("bar", 1, not found, is_settled, not found)
        if is_settled:
            text.mark()
            known, done, failed = known | found, until, 0
        else:
            text.cut()
            goes_on = True
    return rates


def _faults(text: _Text, rep: TextRepresentation, task: Task) -> tuple[str, ...]:
    return rep.faults(text.said, task) if text.has_ended else (NO_END,)


@dataclass(frozen=True)
class _Dice:
    """How tokens are drawn."""

    rng: np.random.Generator
    sampling: Sampling

    def throw(self, logits: NDArray[np.float32], allowed: NDArray[np.int64]) -> int:
        among = draw(logits[allowed], ((0, len(allowed)),), self.rng, self.sampling)
        return int(allowed[among])


class _Text:
    """A text that is being written, and can go back to where it was marked."""

    def __init__(
        self, engine: Engine, guide: _Guide, grammar: str, begun: Sequence[int], dice: _Dice, stop: Callable[[], bool]
    ) -> None:
        self._engine, self._guide, self._begun, self._dice, self._stop = engine, guide, begun, dice, stop
        self._matcher = guide.matcher(grammar)
        self._tokens: list[int] = []
        self._bytes = b""
        self.has_ended = False
        self.mark()
        self.cut()

    @property
    def said(self) -> str:
        """The text so far."""
        return self._bytes.decode("utf-8", "replace")

    def mark(self) -> None:
        """What stands so far stays."""
        self._mark = len(self._tokens), self._bytes, self._matcher.deep_copy()

    def cut(self) -> None:
        """Back to the mark."""
        count, self._bytes, matcher = self._mark
        self._matcher, self.has_ended = matcher.deep_copy(), False
        self._tokens = self._tokens[:count]
        self._session, self._pending = self._engine.session(), [*self._begun, *self._tokens]

    def go_on(self) -> bool:
        """Write a token; False once the text or the context has ended."""
        if self._stop():
            raise Cancelled("stopped before the text was whole")
        if self._matcher.is_stopped() or len(self._begun) + len(self._tokens) >= self._engine.context:
            self.has_ended = self._matcher.is_stopped() and not self._matcher.is_error()
            return False
        logits, self._pending = self._session.feed(self._pending), []
        if self._ends_here(logits):
            return False
        token = self._dice.throw(logits, self._allowed())
        if token == self._guide.end:
            self.has_ended = True
            return False
        self._matcher.consume_token(token)
        self._tokens.append(token)
        self._pending.append(token)
        self._bytes += self._guide.tokens.decode_bytes([token])
        return True

    def _ends_here(self, logits: NDArray[np.float32]) -> bool:
        """End where the model most wants to and only the last line's end is missing: chat templates strip it."""
        if int(logits.argmax()) != self._guide.end or self._matcher.is_accepting():
            return False
        closed = self._matcher.deep_copy()
        self.has_ended = closed.try_consume_tokens(self._guide.newline) > 0 and closed.is_accepting()
        self._bytes += b"\n" if self.has_ended else b""
        return self.has_ended

    def _allowed(self) -> NDArray[np.int64]:
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        return np.flatnonzero(bits[: self._engine.vocabulary_size])


class _Guide:
    """A tokenizer as llguidance knows it."""

    def __init__(self, tokenizer: Any, vocabulary_size: int) -> None:
        try:
            from llguidance import LLMatcher
            from llguidance.hf import from_tokenizer as of_transformers
        except ImportError as error:
            raise BadRecipe("text under a grammar needs llguidance: pip install 'partimento[llm]'") from error
        try:
            is_gguf = isinstance(tokenizer, GgufTokenizer)
            self.tokens = tokenizer.for_llguidance() if is_gguf else of_transformers(tokenizer, n_vocab=vocabulary_size)
        except ValueError as error:
            raise BadRecipe(f"this tokenizer cannot be used: {error}") from error
        self._matcher = LLMatcher
        self.end = int(self.tokens.eos_token)
        self.newline: list[int] = self.tokens.tokenize_str("\n")

    def grammar(self, syntax: str) -> str:
        """The grammar, checked."""
        grammar = self._matcher.grammar_from_lark(_ONE_BY_ONE + syntax)
        is_error, messages = self._matcher.validate_grammar_with_warnings(grammar, self.tokens)
        if is_error:
            raise BadRecipe(f"no grammar for llguidance: {' '.join(messages[0].split())}")
        return grammar

    def matcher(self, grammar: str) -> Any:
        """The grammar before its first token."""
        return self._matcher(self.tokens, grammar, log_level=0)

"""Form, feel and duration in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from partimento.plan import words
from partimento.plan.sentence import NUMBER_WORDS, SAID, TIMES, Wish, any_of, plain, times_of
from partimento.plan.wishes import MAX_BARS, MAX_SECTIONS, Section

_NAMES = (
    "pre-chorus|prechorus|post-chorus|intro(?:duction)?|verse|chorus|refrain|bridge|outro|coda|interlude|theme|solo|"
    "breakdown|build-?up|drop|hook|middle eight|instrumental|head|strophe|couplet|ending|development|exposition|"
    "recapitulation|trio|episode|vamp|break|turnaround"
)
_NUMBER = rf"\d{{1,3}}|{NUMBER_WORDS}"
_SECTION = re.compile(
    rf"(?:\b(?P<before>{_NUMBER})[\s-]+(?:bars?|measures?)[\s-]+(?:of\s+)?)?(?:\b(?:an?|the|then)\s+)?"
    rf"\b(?P<name>{_NAMES})(?:\s*\d(?!\d*[\s-]*(?:bars?|measures?)\b))?(?![\w'’])s?"
    rf"(?:\s*[(:]?\s*(?P<after>{_NUMBER})[\s-]*(?:bars?|measures?)\b\)?)?",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\s*(?:,|;|/|-+>?|–|→|\+|>|\||,?\s*\b(?:and|then|followed by|into|to|plus|und)\b)*"
    r"\s*(?:then\s+)?(?:an?\s+|the\s+)?",
    re.IGNORECASE,
)
_LETTERS = re.compile(
    r"(?P<said>\b(?:form|structure)(?:\s+(?:is|of)|:)?\s+)?(?<![\w#♯♭/|-])"
    r"(?P<letters>A(?:(?:\s?[-–]\s?|\s)?[A-E]['’]?){1,15})(?![\w#♯♭/|'’])(?P<called>[\s-]+(?:song\s+)?form\b)?"
)
_ALONE = re.compile(
    rf"\bwith\s+(?:an?\s+)?(?:(?P<bars>{_NUMBER})[\s-]+(?:bars?|measures?)[\s-]+)?(?:(?:short|long|slow|brief)\s+)?"
    r"(?P<name>intro(?:duction)?|outro|coda)\b",
    re.IGNORECASE,
)
NAMED_FORMS = {
    "rondo": "ABACA", "rondo form": "ABACA", "ternary form": "ABA", "ternary": "ABA", "da capo": "ABA",
    "sonata form": "exposition development recapitulation",
    "verse-chorus form": "verse chorus verse chorus bridge chorus", "binary form": "AB",
    "rounded binary": "ABA", "binary": "AB", "thirty-two-bar form": "AABA", "32-bar form": "AABA",
    "american songbook form": "AABA", "song form": "AABA", "bar form": "AAB", "barform": "AAB",
}  # fmt: skip
_SAME = {"introduction": "intro", "prechorus": "pre-chorus", "refrain": "chorus", "buildup": "build-up"}


def find_forms(text: str) -> Iterator[Wish]:
    """The form: letters, sections that follow each other, or its name; with what is said to come before and behind."""
    found = list(_letters(text)) or list(_sequence(text)) or list(_named(text))
    yield from found[:1]
    around = [match for match in _ALONE.finditer(text) if not found or not _overlaps(match, found[0])]
    for match in around:
        yield Wish("form around", _section(match["name"], match["bars"]), *match.span())


def form_of(stated: tuple[Section, ...] | None, around: list[Section]) -> tuple[Section, ...]:
    """The form with an introduction before it and an ending behind it, where they are asked for."""
    middle = stated or (Section("A"),)
    openings = [section for section in around if section.label == "intro" and section.label != middle[0].label]
    endings = [section for section in around if section.label != "intro" and section.label != middle[-1].label]
    return (*openings[:1], *middle, *endings[:1])


def _letters(text: str) -> Iterator[Wish]:
    for match in _LETTERS.finditer(text):
        joined = re.sub(r"[^A-E]", "", match["letters"])
        is_tight = re.fullmatch(r"[A-E'’]+", match["letters"]) is not None
        is_form = match["said"] or match["called"] or (is_tight and (len(joined) > 2 or joined == "AB"))
        if is_form and _grows(joined):
            yield Wish("form", tuple(map(Section, joined)), *match.span())


def _grows(letters: str) -> bool:
    """Whether each letter has been there, or is the next one: ABACA is a form, ADE is none."""
    return all(
        letter in letters[:index] or ord(letter) - ord("A") == len(set(letters[:index]))
        for index, letter in enumerate(letters)
    )


def _sequence(text: str) -> Iterator[Wish]:
    runs: list[list[re.Match[str]]] = []
    for match in _SECTION.finditer(text):
        if runs and _BETWEEN.fullmatch(text, runs[-1][-1].end(), match.start()):
            runs[-1].append(match)
        else:
            runs.append([match])
    for run in runs:
        if 2 <= len(run) <= MAX_SECTIONS:
            form = tuple(_section(match["name"], match["before"] or match["after"]) for match in run)
            end, times = run[-1].end(), TIMES.match(text, run[-1].end())
            if times:
                end, form = times.end(), (form * times_of(times))[:MAX_SECTIONS]
            yield Wish("form", form, run[0].start(), end)


def _section(name: str, bars: str | None) -> Section:
    label = name.lower()
    number = None if bars is None else int(bars) if bars.isdecimal() else words.NUMBERS[bars.lower()]
    return Section(_SAME.get(label, label), number if number and number <= MAX_BARS else None)


def _named(text: str) -> Iterator[Wish]:
    for match in any_of(NAMED_FORMS).finditer(text):
        labels = NAMED_FORMS[plain(match[0])]
        yield Wish("form", tuple(map(Section, labels.split() if " " in labels else labels)), *match.span(), SAID)


def _overlaps(match: re.Match[str], wish: Wish) -> bool:
    return match.start() < wish.end and wish.start < match.end()


_FEELS = {
    "straight": r"straight[\s-]+(?:eighths?|8ths?|sixteenths?|feel|time|rhythm)",
    "swing": r"swing(?:ing)?|swung",
    "shuffle": r"shuffl(?:e|ed|ing)",
    "waltz": r"waltz(?:es)?|valse|walzer|valzer|vals",
    "bossa nova": r"bossa(?:[\s-]+nova)?",
    "samba": r"samba",
    "latin": r"latin[\s-]+(?:feel|groove|rhythm|beat)|afro-cuban|salsa|cha[\s-]?cha(?:[\s-]?cha)?|mambo|rumba",
    "reggae": r"reggae|dub",
    "ska": r"ska",
    "funk": r"funky?[\s-]+(?:feel|groove|rhythm|beat)",
    "half-time": r"half[\s-]?time",
    "double-time": r"double[\s-]?time",
    "march": r"march(?:ing|[\s-]like)?[\s-]+(?:feel|rhythm|beat)|alla marcia",
    "rubato": r"rubato|free(?:ly)?[\s-]+(?:in\s+)?time|ad libitum",
}
_FEEL = {feel: re.compile(rf"(?<![\w-])(?:{pattern})(?![\w])", re.IGNORECASE) for feel, pattern in _FEELS.items()}


def find_feels(text: str) -> Iterator[Wish]:
    """How time is felt; a word for a rhythm says more than one for a dance."""
    for feel, pattern in _FEEL.items():
        for match in pattern.finditer(text):
            yield Wish("feel", feel, *match.span(), SAID)


_UNITS = {
    "second": r"(?:seconds?|secs?\.?|sekunden?|secondes?|secondi|segundos?)",
    "minute": r"(?:minutes?|mins?\.?|minuten?|minuti|minutos?)",
}
_FIGURE = rf"(?:\d{{1,4}}(?:[.,]\d+)?|half an?|an?|one and a half|two and a half|{_NUMBER})"
_DURATION = re.compile(
    rf"(?<![\w.:-])(?P<count>{_FIGURE})[\s-]*(?:(?P<minutes>{_UNITS['minute']}|m(?=\s*\d))|(?P<seconds>{_UNITS['second']}|\ss))(?!\w)"
    rf"(?P<half>\s+and\s+a\s+half)?(?:\s*(?:and|,)?\s*(?P<more>\d{{1,2}}|{_NUMBER})[\s-]*(?:{_UNITS['second']}|s)(?!\w))?"
    rf"|(?<![\d:])(?P<clock>\d{{1,2}}:[0-5]\d)(?![\d:])(?=\s*(?:min|long|m\b|minutes)|\s*$|\s*[,;.])",
    re.IGNORECASE,
)
_NO_DURATION = re.compile(r"\b(?:per|every|each)\s+$|(?:\d|\bbeats?|\btimes?|\bbpm)\s+$", re.IGNORECASE)
_HALVES = {"half a": 0.5, "half an": 0.5, "a": 1.0, "an": 1.0, "one and a half": 1.5, "two and a half": 2.5}


def find_durations(text: str) -> Iterator[Wish]:
    """How long the piece is to last, in seconds."""
    for match in _DURATION.finditer(text):
        if match["clock"]:
            minutes, seconds = map(int, match["clock"].split(":"))
            yield Wish("duration_seconds", float(60 * minutes + seconds), *match.span())
        elif not _NO_DURATION.search(text[max(match.start() - 20, 0) : match.start()]):
            count = _count(match["count"]) + (0.5 if match["half"] else 0.0)
            more = _count(match["more"]) if match["more"] else 0.0
            yield Wish("duration_seconds", count * (60.0 if match["minutes"] else 1.0) + more, *match.span())


def _count(figure: str) -> float:
    word = plain(figure)
    if word in _HALVES:
        return _HALVES[word]
    return float(words.NUMBERS[word]) if word in words.NUMBERS else float(word.replace(",", "."))

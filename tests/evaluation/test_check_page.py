"""The page of a report stands alone, and shows what it is given without carrying it out."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

from partimento.evaluation.check_page import Pictures, check_page
from partimento.evaluation.checking import CheckReport, Phrase, report
from partimento.plan import Plan
from partimento.plan.parse import parse_prompt
from partimento.plan.verdict import Verdict
from partimento.score import Score

MakeScore = Callable[..., Score]
EVIL = "<script>alert(1)</script>\" onmouseover='x'"


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = list[tuple[str, dict[str, str | None]]]()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_phrases_are_coloured_and_rows_told(make_score: MakeScore) -> None:
    text = "in D major, 1 bar"
    understood = parse_prompt(text)
    found = report(understood.plan, understood, make_score([(60, 4), (62, 4), (64, 4), (65, 4)]))
    page = check_page(found, "A tune", Pictures(("<svg/>",), b"png", "a b#.wav"))
    spans = re.findall(r'<span class="(\w+)" title="[^"]*">([^<]*)</span>', page)
    assert ("yes", "1 bar") in spans
    assert any(name == "no" and "D major" in words for name, words in spans)
    assert "1 followed, 1 violated" in page
    seen = Tags(page).tags
    assert [attrs["src"] for tag, attrs in seen if tag == "audio"] == ["a%20b%23.wav"]
    assert [(attrs["src"] or "").partition(",")[0] for tag, attrs in seen if tag == "img"] == [
        "data:image/svg+xml;base64", "data:image/png;base64",
    ]  # fmt: skip


def test_nothing_given_is_carried_out(make_score: MakeScore) -> None:
    phrases = (Phrase(0, len(EVIL), False, EVIL),)
    found = CheckReport(EVIL, phrases, (Verdict(EVIL, EVIL, EVIL, None, "key"),), (EVIL,))
    seen = Tags(check_page(found, EVIL, Pictures((EVIL,), b"", EVIL), [("head",), (EVIL,)])).tags
    assert {tag for tag, _ in seen} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "span", "table", "tr", "th", "td",
        "audio", "img",
    }  # fmt: skip
    assert not [attrs for _, attrs in seen if any(name.startswith("on") for name in attrs)]
    addresses = [value for _, attrs in seen for name in ("src", "href") if (value := attrs.get(name))]
    assert all(value.startswith("data:") or "%3C" in value for value in addresses)
    assert any("default-src 'none'" in (attrs.get("content") or "") for _, attrs in seen)


def test_without_prompt_or_pictures() -> None:
    page = check_page(report(Plan(bars=2), None, Score(4, ())), "", Pictures())
    assert "Untitled" in page
    assert not {"audio", "img"} & {tag for tag, _ in Tags(page).tags}

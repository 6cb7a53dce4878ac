"""The page: it needs nothing else, it escapes, and it shows what happened."""

import re
from html.parser import HTMLParser

import pytest

from tests.watcher.demo.plays import START, USUAL, a_bad_act, a_good_act, a_record, a_story, merged
from watcher.demo.claims import claims
from watcher.demo.picture.report import page, render, write
from watcher.demo.record import Record
from watcher.demo.story import Act, Said

VOID = {"meta", "link", "br", "img"}


class Nesting(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def rendered(*acts: Act) -> str:
    record = merged(*(a_record(act, 0.06 if act.is_bad else USUAL) for act in acts))
    found = [claim for act in acts for claim in claims(act, record)]
    return render(page(a_story(*acts), record, found))


def test_the_page_needs_nothing_else():
    html = rendered(a_good_act(), a_bad_act())

    assert not re.search(r'(src|href|@import|url\()\s*=?\s*["\']?https?:', html)
    assert "<script" not in html


def test_the_page_is_whole():
    nesting = Nesting()
    nesting.feed(rendered(a_good_act(), a_bad_act()))

    assert nesting.open == []


def test_the_page_shows_the_incident():
    html = rendered(a_bad_act())

    for words in ("deployed", "found out", "kill -9", "daemon back", "v44 alone again", "no daemon"):
        assert words in html
    assert "Going back to v44 at 10:00:11 unless held" in html
    assert "Hold 15 min" in html
    assert html.count('class="held"') == len(re.findall("✓", html))


def test_the_page_says_what_did_not_happen():
    html = rendered(a_bad_act(state="stuck", calls=[], served=None))

    assert "✗" in html
    assert 'class="broken"' in html


def test_what_others_wrote_is_escaped():
    act = a_bad_act(said=[Said(START, "<script>alert(1)</script>", ("<b>&",), ("<i>",), loud=True)])

    html = rendered(act)

    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("kind", ["good", "errors", "slow", "dead", "flaky"])
@pytest.mark.parametrize("mode", ["auto", "shadow"])
def test_a_play_that_went_nowhere_has_a_page_too(kind, mode):
    at = START
    act = Act(kind, mode, "v1", "v2", start=at, deployed=at, end=at + 1)

    assert "<svg" in render(page(a_story(act), Record(), []))


def test_it_is_written_where_it_should_be(tmp_path):
    act = a_bad_act()

    write(tmp_path / "report.html", a_story(act), a_record(act, 0.06), [])

    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")

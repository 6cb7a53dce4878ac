"""What is told at the end fits a screen, and is what the acts say."""

import re
from pathlib import Path

from tests.watcher.demo.plays import USUAL, a_bad_act, a_good_act, a_record, a_story, merged
from watcher.demo.claims import claims
from watcher.demo.play.ending import ending
from watcher.demo.story import Act

MOST_LINES = 50


def told(*acts: Act) -> str:
    record = merged(*(a_record(act, 0.06 if act.is_bad else USUAL) for act in acts))
    found = [claim for act in acts for claim in claims(act, record)]
    return "\n".join(ending(a_story(*acts), record, found, Path("/tmp/report.html")))  # noqa: S108


def test_it_tells_the_figures_the_peers_the_message_and_the_claims():
    said = told(a_good_act(), a_bad_act())

    assert "found out after 8.0 s" in said
    assert "back after 17.0 s" in said
    assert "calls made: 1" in said
    assert re.search(
        r"CloudWatch alarm +above 1 %, 3 of 3 points +would have acted after 5 of its minutes", said
    )
    assert "about five minutes" in said
    assert "[Roll back now]" in said
    assert "✗" not in said
    assert len(said.splitlines()) <= MOST_LINES


def test_what_did_not_happen_is_marked():
    assert "✗ v44 was put back" in told(a_bad_act(state="stuck"))


def test_a_good_release_alone_is_told_too():
    said = told(a_good_act())

    assert "requests of v44 compared with" in said
    assert "WOULD HAVE ROLLED IT BACK" in said

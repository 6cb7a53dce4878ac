"""The screen: plain lines for a log; on a terminal one screen, from which nothing that matters scrolls away."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tests.watcher.demo.plays import START, a_bad_act, a_record
from watcher.demo.main import first_of
from watcher.demo.picture import screen
from watcher.demo.picture.screen import Backstage, Plain, Spectacle, state, told
from watcher.demo.play.waiting import DidNotHappen, until

ROWS, COLUMNS = 24, 80


def lines(*words: str, style: str = "") -> list[tuple[float, str, str]]:
    return [(float(number), each, style) for number, each in enumerate(words)]


@pytest.fixture
def at(monkeypatch):
    """Sets the time."""

    def set_to(seconds: float) -> None:
        monkeypatch.setattr(screen, "now", lambda: datetime.fromtimestamp(seconds, UTC))

    return set_to


def shown(act, at_seconds: float, said: int = 3) -> str:
    backstage = Backstage(
        a_record(act, 0.06), lambda: "dead", lambda: [(act.new, False), (act.new, True), (act.old, True)]
    )
    spectacle = Spectacle(START - 5, backstage)
    spectacle.say("Act 1 of 3", "head")
    for number in range(said):
        spectacle.say(f"line {number} {'word ' * 20}")
    spectacle.turn_to(act)
    console = Console(file=io.StringIO(), width=COLUMNS, height=ROWS, record=True)
    console.print(spectacle)
    return console.export_text()


def test_all_is_to_be_seen(at):
    at(START + 9)

    text = shown(a_bad_act(countdown=START + 11, states=[(START + 8, "counting_down")]), START + 9)

    for words in (
        "v44 serves",
        "v45 is new",
        "% failed",
        "□ ■ ■",
        "log₁₀ E 3.1 of 3",
        "counting down: 2 s",
        "dead",
        "mode auto",
    ):
        assert words in text


@pytest.mark.parametrize("said", [0, 3, 40])
def test_it_fits_a_small_terminal_and_keeps_the_headings(at, said):
    at(START + 9)

    text = shown(a_bad_act(), START + 9, said)

    assert len(text.splitlines()) <= ROWS
    assert "Act 1 of 3" in text


def test_the_last_lines_are_kept_below_the_headings():
    story = [(0.0, "Act 1", "head"), *lines("a", "b")[:2], (5.0, "Act 2", "head"), (6.0, "c", "")]

    assert [words for _, words, _ in told(story, rows=3, columns=10)] == ["Act 1", "Act 2", "c"]


def test_a_long_line_needs_its_rows():
    assert told(lines("a" * 25, "b"), rows=3, columns=10) == lines("", "b")[1:]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"states": []}, "not opened yet"),
        ({"states": [(START, "rolling_back")]}, "rolling back"),
        ({"states": [(START, "watching")], "would_have": START}, "watching, would have gone back"),
        ({"states": [(START, "counting_down")], "countdown": START + 3}, "counting down: 3 s"),
    ],
)
def test_the_state_is_told_in_words(changes, words):
    assert state(a_bad_act(**changes), START) == words


def test_plain_lines_tell_the_time(at, capsys):
    at(START + 2.5)

    Plain(START).say("it begins")
    Plain(START).say("Act 1", "head")

    assert capsys.readouterr().out == "[  2.5 s] it begins\n\n[  2.5 s] Act 1\n"


async def test_what_does_not_happen_is_said_with_what_to_do():
    with pytest.raises(DidNotHappen, match="the sun rises: not within 0 s") as raised:
        await until(lambda: None, 0.01, "the sun rises")

    assert raised.value.remedy


def test_an_error_is_found_in_the_groups_that_it_came_through():
    error = DidNotHappen("this", 1, "that")

    assert first_of(ExceptionGroup("a", [ExceptionGroup("b", [error])])) is error


def test_a_bug_stays_a_bug():
    group = ExceptionGroup("a", [KeyError("b")])

    with pytest.raises(ExceptionGroup):
        first_of(group)

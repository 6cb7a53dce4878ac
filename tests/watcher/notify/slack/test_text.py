"""How a notice looks: within Slack's limits whatever is in it, and disturbing nobody but those who are configured."""

import shlex
from dataclasses import replace
from datetime import timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON
from tests.fakes.slack import limits, shown
from tests.watcher.notify.slack.scene import told
from watcher.cli import Commands
from watcher.core.watch import Button, Link, Message, Notice, OrderKind, Tone
from watcher.core.wording import Event
from watcher.notify.commands import commands
from watcher.notify.slack import text

EVIL = "<!channel> <!here|x> <@U0BOB> <!subteam^S0ALL> @channel @here <https://evil.example|v42> &lt;!everyone&gt;"


def whole(notice, *, buttons: bool | None = True, mentions=()):
    """The text and the blocks of *notice*."""
    message = Message("w_1.3.0", "show", "slack:C0ROOM", notice)
    return text.fallback(notice), text.blocks(message, mentions, buttons=buttons)


@pytest.mark.parametrize(
    "where",
    ["headline", "line", "label", "service", "watch", "author", "by"],
    ids=lambda where: f"in {where}",
)
@pytest.mark.parametrize("buttons", [True, False, None])
def test_nothing_that_comes_from_outside_mentions_anybody_or_hides_a_link(where, buttons):
    notice = told().notice
    changed = {
        "headline": replace(notice, headline=f"checkout: {EVIL}"),
        "line": replace(notice, lines=(*notice.lines, EVIL)),
        "label": replace(notice, buttons=(Button(f"Roll back to {EVIL}", OrderKind.ROLL_BACK, to=EVIL),)),
        "service": replace(notice, service=EVIL, environment=EVIL),
        "watch": replace(notice, watch=EVIL),
        "author": replace(notice, facts={**notice.facts, "author": EVIL}),
        "by": replace(notice, lines=(f"held by {EVIL}: {EVIL}",)),
    }[where]

    content, blocks = whole(changed, buttons=buttons)

    assert shown.mentions(content, blocks) == set()
    assert shown.mentions(text.plain(changed, ()), []) == set()
    assert limits.refusal(content, blocks, None) is None
    assert "<http" not in content + "".join(str(each["text"]) for each in shown.texts(blocks))


def test_a_link_to_another_system_says_where_it_leads_and_hides_nothing():
    links = (
        Link("errors at a.example", "https://a.example/d?x=1&y=<b>|c"),
        Link(EVIL, "https://b.example/" + "x" * 2500),
    )
    content, blocks = whole(replace(told().notice, links=links))
    [context] = [each for each in blocks if each["type"] == "context" and "a.example" in str(each)]
    shows = context["elements"][0]["text"]

    assert shows.startswith("<https://a.example/d?x=1&amp;y=&lt;b&gt;%7Cc|errors at a.example> · ")
    assert "b.example" not in shows
    assert shown.mentions(content, blocks) == set()
    assert limits.refusal(content, blocks, None) is None


def test_an_address_that_would_be_cut_off_once_it_is_escaped_is_no_link_to_somewhere_else():
    long = "https://a.example/d?" + "&".join(f"p{number}=1" for number in range(290))
    content, blocks = whole(replace(told().notice, links=(Link("errors at a.example", long),)))

    assert len(long) < text.MOST_URL
    assert "errors at a.example" in str(blocks)
    assert "<https://a.example" not in str(blocks)
    assert limits.refusal(content, blocks, None) is None


def test_what_people_wrote_is_read_as_they_wrote_it():
    notice = replace(
        told().notice, headline="checkout · production: a < b && c > d ß 漢 🚀", lines=("<b>x</b> & y",)
    )

    _, blocks = whole(notice)

    assert shown.words(blocks).splitlines()[:2] == [
        "*checkout · production: a < b && c > d ß 漢 🚀*",
        "<b>x</b> & y",
    ]


def test_what_cannot_be_seen_is_left_out():
    notice = replace(told().notice, headline="a\u202eb\x00c\ud800d\x1b[31m", lines=("x\u2066y",))

    content, blocks = whole(notice)

    assert shown.words(blocks).splitlines()[:2] == ["*a b c d [31m*", "x y"]
    assert content.splitlines()[0] == "a b c d [31m"


@pytest.mark.parametrize("headline", ["", " ", "\ud800", "\n\n"])
def test_a_headline_of_nothing_is_still_a_message(headline):
    content, blocks = whole(replace(told().notice, headline=headline, lines=()))

    assert content == "rollbackd"
    assert limits.refusal(content, blocks, None) is None


def test_a_very_long_message_is_cut_and_says_so():
    notice = replace(told().notice, lines=tuple(f"line {number}: " + "<&>" * 300 for number in range(200)))

    content, blocks = whole(notice)

    assert limits.refusal(content, blocks, None) is None
    assert "more lines are left out: `rollbackd show w_1`" in shown.words(blocks)
    assert [each.label for each in shown.buttons(blocks)] == [
        "Roll back now to v42",
        "Hold 15 min",
        "Keep v43",
    ]


def test_a_cut_never_ends_in_half_an_escape():
    for most in range(1, 30):
        cut = text.escaped("a<b>c&d" * 5, most)

        assert len(cut) <= most
        assert "&" not in cut.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "")


NAMES = st.text(max_size=400)
BUTTONS = st.builds(
    Button,
    NAMES,
    st.none() | st.sampled_from(OrderKind),
    st.none() | NAMES,
    st.none() | st.just(timedelta(minutes=15)),
    st.sampled_from([None, "right", "wrong"]),
)
NOTICES = st.builds(
    Notice,
    headline=st.text(max_size=5000),
    lines=st.lists(st.text(max_size=4000), max_size=12).map(tuple),
    buttons=st.lists(BUTTONS, max_size=8).map(tuple),
    tone=st.sampled_from(Tone),
    event=st.sampled_from(Event).map(str),
    watch=NAMES,
    service=NAMES,
    environment=NAMES,
    at=st.none() | st.just(NOON),
    facts=st.dictionaries(st.sampled_from(["fingerprint", "author"]), NAMES),
)


@given(NOTICES, st.sampled_from([True, False, None]))
def test_whatever_a_notice_holds_slack_takes_it(notice, buttons):
    content, blocks = whole(notice, buttons=buttons, mentions=["<@U0ADA>"])

    assert limits.refusal(content, blocks, None) is None, list(limits.wrongs(blocks))
    assert shown.mentions(content, blocks) == {"U0ADA"}


# ------------------------------------------------------------------------------------------------------------- the commands

ORDERS = [
    Button("Roll back", OrderKind.ROLL_BACK),
    Button("Try v41", OrderKind.ROLL_BACK, to="v41"),
    Button("Hold", OrderKind.HOLD, lasting=timedelta(minutes=15)),
    Button("Resume", OrderKind.RESUME),
    Button("Keep", OrderKind.KEEP),
    Button("Accept", OrderKind.PASS),
    Button("Allow", OrderKind.ALLOW),
    Button("Right call", call="right"),
]


@pytest.mark.parametrize("button", ORDERS, ids=lambda button: button.label)
def test_each_command_that_is_printed_is_one_that_there_is(button):
    notice = replace(told().notice, buttons=(button,))

    (line,) = commands(notice)

    program, name, *arguments = shlex.split(line.partition("`")[2].rstrip("`"))
    assert program == "rollbackd"
    command = Commands().get_command(click.Context(Commands()), name)
    assert command is not None
    assert command.make_context(name, arguments) is not None


def test_what_is_pasted_into_a_shell_is_one_word_whatever_it_is_called():
    notice = replace(told().notice, buttons=(Button("Try", OrderKind.ROLL_BACK, to="v1; rm -rf / #"),))

    (line,) = commands(notice)

    assert shlex.split(line.partition("`")[2].rstrip("`"))[-1] == "v1; rm -rf / #"


def test_what_orders_nothing_is_noted():
    notice = replace(told().notice, buttons=(Button("Stay on v42"), Button("Wrong call", call="wrong")))

    assert commands(notice) == [
        "Stay on v42: `rollbackd note w_1 note 'Stay on v42'`",
        "Wrong call: `rollbackd note w_1 wrong`",
    ]


def test_for_asking_again_there_is_no_command():
    notice = replace(told().notice, buttons=(Button("Ask again", OrderKind.ASK_AGAIN),))

    assert commands(notice) == []


def test_what_cannot_be_taken_back_asks_for_confirmation_and_looks_dangerous():
    _, blocks = whole(told().notice)

    back, hold, keep = (each.element for each in shown.buttons(blocks))
    assert (back["style"], "confirm" in back, "confirm" in hold, "confirm" in keep) == (
        "danger",
        True,
        False,
        True,
    )


def test_a_quiet_message_is_not_bold():
    _, quiet = whole(told(Event.OPENED).notice)
    _, loud = whole(told().notice)

    assert [each[0]["text"]["text"].startswith("*") for each in (quiet, loud)] == [False, True]

"""Boards are shown how every watch stands, whatever people want to hear; and an id under which somebody asks is answered."""

from dataclasses import replace

from tests.builders import CHANNEL, NOON, a_live, a_service, a_watch, an_announcement, some_facts
from tests.watcher.core.test_intake import a_part, joined
from watcher.core.lifecycle import called, messages_of, shown_to_boards
from watcher.core.lifecycle.news import MOST_IDS
from watcher.core.service import Team
from watcher.core.watch import State
from watcher.core.wording import Event

ID = "github:acme/shop#42"
FACTS = some_facts(channels=(CHANNEL, "github"), boards=frozenset({"github"}))
BY_GITHUB = replace(a_service(), team=Team("shop", (CHANNEL, "github"), boards=frozenset({"github"})))


def told(event, watch=None):
    return [(each.kind, each.channel) for each in messages_of(watch or a_watch(), event, NOON, FACTS)]


def test_a_board_is_shown_what_nobody_is_told():
    assert told(Event.OPENED) == [("show", "github")]


def test_a_board_is_told_nothing_one_by_one():
    assert told(Event.BREACHED) == [("show", CHANNEL), ("append", CHANNEL), ("show", "github")]


def test_an_id_of_somebody_else_is_kept_and_boards_are_shown_how_it_stands():
    said = an_announcement(source="github", platform_ids=(ID,))

    meaning = joined(said, a_part(live=a_live()), living=a_watch(), service=BY_GITHUB)

    assert meaning.step is not None
    assert meaning.step.watch.deployment.platform_ids[-1] == ID
    assert meaning.step.watch.spoken is False
    [message] = meaning.step.messages
    assert (message.kind, message.channel) == ("show", "github")
    assert ID in message.notice.facts["platform_ids"]


def test_an_id_that_is_known_changes_nothing():
    known = called(a_watch(), (ID,))

    meaning = joined(an_announcement(source="github", platform_ids=(ID,)), living=known, service=BY_GITHUB)

    assert meaning.step is None


def test_what_we_read_ourselves_gives_no_ids():
    assert joined(an_announcement(source="live", platform_ids=("key",)), living=a_watch()).step is None


def test_a_watch_that_does_more_than_observe_tells_it_with_its_next_message():
    asking = called(a_watch(State.HELD), (ID,))

    step = shown_to_boards(asking, None, NOON, FACTS)

    assert step.messages == ()
    assert step.watch.deployment.platform_ids[-1] == ID


def test_no_more_ids_are_kept_than_are_told():
    full = called(a_watch(), [f"id-{number}" for number in range(MOST_IDS + 5)])

    assert len(full.deployment.platform_ids) == MOST_IDS
    assert called(full, ("another",)) is full

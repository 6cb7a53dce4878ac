"""Alerts that are pushed: the newest word of each stands, and the watches that it concerns are due."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.store.build import NOON, a_watch, minutes, opened, saved, step_of
from watcher.core.alerts import Mood, Pushed, Remembered
from watcher.core.watch import State
from watcher.store.sql.alerts import MOST
from watcher.store.store import Heard, Store

DAY = 24 * 60
CHECKOUT = ("checkout", "production")


def an_alert(key: str = "errors", mood: Mood = Mood.FIRING, at: float = 0, **changes: Any) -> Pushed:
    """One that is told at *at* minutes after noon, and began then."""
    said = {"name": key, "since": NOON + minutes(at), "sent_at": NOON + minutes(at), "words": f"{key} {mood}"}
    return Pushed(**{"key": key, "mood": mood, "dedup_key": f"{key} {mood} {at}", **said, **changes})


async def tell(store: Store, *pushed: Pushed, at: float = 10, sender: str = "am", **more: Any) -> Heard:
    return await store.hear_alerts(sender, pushed, NOON + minutes(at), more.pop("concerned", {}), **more)


async def moods(store: Store, sender: str = "am") -> dict[str, tuple[Mood, datetime | None]]:
    return {each.alert.key: (each.mood, each.since) for each in (await store.alerts(sender)).alerts}


class AlertsContract:
    async def test_of_a_sender_that_was_never_heard_nothing_is_remembered(self, store: Store):
        assert await store.alerts("am") == Remembered()
        assert await store.alert_senders() == {}

    async def test_an_alert_is_remembered_as_it_was_told(self, store: Store):
        told = an_alert(labels={"service": "checkout", "words": "über 5 %"}, link="https://a.example/1")

        heard = await tell(store, told)

        assert heard == Heard(changed=1, repeated=0, outdated=0)
        (found,) = (await store.alerts("am")).alerts
        assert (found.alert, found.since, found.told_at) == (told, NOON, NOON)
        assert (found.heard_at, found.well_at, found.fired_since) == (NOON + minutes(10), None, NOON)

    async def test_of_one_alert_the_newest_word_stands_in_whatever_order_they_come(self, store: Store):
        await tell(store, an_alert(mood=Mood.WELL, at=5))

        late = await tell(store, an_alert(mood=Mood.FIRING, at=3))

        assert late == Heard(changed=0, repeated=0, outdated=1)
        assert await moods(store) == {"errors": (Mood.WELL, NOON + minutes(5))}

    async def test_in_one_message_too(self, store: Store):
        await tell(store, an_alert(mood=Mood.WELL, at=5), an_alert(mood=Mood.FIRING, at=3))

        assert await moods(store) == {"errors": (Mood.WELL, NOON + minutes(5))}

    async def test_what_is_told_twice_changes_nothing_but_that_it_was_heard(self, store: Store):
        await tell(store, an_alert(), at=1)

        again = await tell(store, an_alert(), at=60)

        assert again == Heard(changed=0, repeated=1, outdated=0)
        (found,) = (await store.alerts("am")).alerts
        assert (found.told_at, found.heard_at) == (NOON, NOON + minutes(60))

    async def test_moods_of_two_senders_are_two(self, store: Store):
        await tell(store, an_alert(), sender="am")
        await tell(store, an_alert(mood=Mood.WELL), sender="grafana")

        assert (await moods(store, "am"))["errors"][0] is Mood.FIRING
        assert (await moods(store, "grafana"))["errors"][0] is Mood.WELL

    async def test_a_sender_is_heard_also_when_it_tells_of_no_alert(self, store: Store):
        await tell(store, at=3)
        await tell(store, at=1)

        assert await store.alert_senders() == {"am": Remembered(NOON + minutes(3), revision=2)}

    async def test_what_is_known_already_is_not_read_again_until_something_is_told(self, store: Store):
        await tell(store, an_alert(), at=1)
        first = await store.alerts("am")

        assert await store.alerts("am", first) is first
        await tell(store, an_alert(), at=2)
        second = await store.alerts("am", first)
        assert second.heard_at == NOON + minutes(2)
        assert await store.alerts("other", first) == Remembered()

    async def test_that_it_left_some_out_is_remembered(self, store: Store):
        await tell(store, an_alert(), at=1, incomplete=True)
        await tell(store, an_alert(at=1), at=2)

        found = (await store.alert_senders())["am"]
        assert (found.heard_at, found.lacking_at) == (NOON + minutes(2), NOON + minutes(1))

    async def test_the_watches_that_it_concerns_are_due_and_the_audit_says_why(self, store: Store):
        await opened(store, a_watch("w_1", due_at=NOON + minutes(60)))
        await opened(store, a_watch("w_2", service="site", due_at=NOON + minutes(60)))

        heard = await tell(store, an_alert(), concerned={"errors": [CHECKOUT]})

        assert heard.hurried == ("w_1",)
        claimed = await store.claim_due(NOON + minutes(10), 10, "me", timedelta(seconds=15))
        assert [each.watch.id for each in claimed] == ["w_1"]
        line = (await store.audit(subject="w_1"))[-1]
        assert (line.by, line.what, line.why) == ("alerts:am", "watch.hurried", "errors firing")
        assert line.facts == {"alert": "errors", "mood": "firing"}

    async def test_a_watch_that_rests_with_another_replica_is_due_there_at_once(self, store: Store):
        await opened(store, a_watch(due_at=NOON))
        lease, grace = timedelta(seconds=15), timedelta(seconds=5)
        (leased,) = await store.claim_due(NOON, 10, "b", lease)
        resting = step_of(leased.watch, due_at=NOON + minutes(60))
        await store.save(resting, NOON)
        await store.rest({"w_1": leased.fence}, "b")

        await tell(store, an_alert(), concerned={"errors": [CHECKOUT]})

        assert not await store.claim_due(NOON + minutes(10), 10, "a", lease, grace)
        assert await store.claim_due(NOON + minutes(10), 10, "b", lease, grace)

    async def test_what_changes_nothing_hurries_nobody(self, store: Store):
        await opened(store, a_watch(due_at=NOON + minutes(60)))
        concerned = {"errors": [CHECKOUT]}
        await tell(store, an_alert(at=5))

        again = await tell(store, an_alert(at=5), concerned=concerned)
        late = await tell(store, an_alert(mood=Mood.WELL, at=3), concerned=concerned)

        assert again.hurried == late.hurried == ()
        assert not await store.claim_due(NOON + minutes(20), 10, "me", timedelta(seconds=15))

    async def test_a_watch_that_ended_is_not_hurried(self, store: Store):
        watch = await opened(store, a_watch(due_at=NOON + minutes(60)))
        await saved(store, step_of(watch, State.PASSED))

        assert (await tell(store, an_alert(), concerned={"errors": [CHECKOUT]})).hurried == ()

    async def test_what_two_replicas_hear_at_once_is_not_lost(self, store: Store):
        told = [(an_alert(f"a{number}"), an_alert(at=number / 2)) for number in range(20)]

        await asyncio.gather(*(tell(store, *each) for each in reversed(told)))

        found = await moods(store)
        assert len(found) == 21
        assert found["errors"] == (Mood.FIRING, NOON + minutes(9.5))

    async def test_beyond_two_thousand_the_well_ones_heard_longest_ago_are_forgotten(self, store: Store):
        await tell(store, *(an_alert(f"w{number:04}", Mood.WELL) for number in range(10)), at=1)
        await tell(store, *(an_alert(f"f{number:04}") for number in range(MOST - 10)), at=2)

        heard = await tell(store, *(an_alert(f"n{number}", Mood.WELL, at=2) for number in range(4)), at=3)

        assert heard.dropped == 4
        found = await moods(store)
        assert len(found) == MOST
        assert [key for key in found if key.startswith("w")] == [f"w{number:04}" for number in range(4, 10)]
        assert (await store.alerts("am")).lacking_at is None

    @pytest.mark.parametrize("mood", [Mood.FIRING, Mood.UNKNOWN])
    async def test_where_one_that_is_not_well_is_forgotten_the_sender_is_lacking(
        self, store: Store, mood: Mood
    ):
        await tell(store, *(an_alert(f"f{number:04}", mood) for number in range(MOST)), at=1)

        heard = await tell(store, an_alert("one-more", at=2), at=2)

        assert heard.dropped == 1
        found = await store.alerts("am")
        assert found.lacking_at == NOON + minutes(2)
        assert "one-more" in {each.alert.key for each in found.alerts}

    async def test_an_alert_is_forgotten_a_year_after_it_was_last_heard(self, store: Store):
        await tell(store, an_alert(), at=0)

        assert await store.prune(NOON + minutes(364 * DAY)) == 0
        assert await store.prune(NOON + minutes(366 * DAY)) == 1
        assert await moods(store) == {}
        assert (await store.alerts("am")).heard_at == NOON

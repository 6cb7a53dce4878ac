"""The ledger: releases, when they served, how their watches ended, and what was laid on them."""

from deploy.model import Recalled, Release
from deploy.tags import Ending, Grade, Mark, Span, grade
from tests.contract.store.build import (
    ENVIRONMENT,
    NOON,
    PART,
    PLACE,
    SERVICE,
    a_release,
    a_watch,
    minutes,
    opened,
    saved,
    step_of,
)
from watcher.core.watch import Ending as WatchEnding
from watcher.core.watch import Quarantine, Serves, State
from watcher.store.store import Store

ONE, TWO = a_release(1), a_release(2)


async def spans(store: Store) -> tuple[Span, ...]:
    return (await store.ledger(*PLACE)).spans


class LedgerContract:
    async def test_of_what_nobody_knows_the_ledger_is_empty(self, store: Store):
        ledger = await store.ledger("nobody", ENVIRONMENT, PART)

        assert (ledger.service, ledger.entries, ledger.spans, ledger.endings) == ("nobody", (), (), ())

    async def test_the_releases_of_a_deployment_are_known_from_its_opening_on(self, store: Store):
        await opened(store)

        entries = (await store.ledger(*PLACE)).entries

        assert [(entry.release, entry.first_seen) for entry in entries] == [(ONE, NOON), (TWO, NOON)]

    async def test_what_is_found_live_by_a_daemon_that_arrives_is_adopted(self, store: Store):
        await store.adopt(*PLACE, ONE, NOON, adopted=True)

        assert await spans(store) == (Span(ONE.fingerprint, NOON, adopted=True),)

    async def test_adopting_twice_is_harmless(self, store: Store):
        await store.adopt(*PLACE, ONE, NOON, adopted=True)
        await store.adopt(*PLACE, ONE, NOON + minutes(1), adopted=True)

        assert await spans(store) == (Span(ONE.fingerprint, NOON, adopted=True),)

    async def test_what_is_known_to_serve_is_not_adopted_over(self, store: Store):
        await store.adopt(*PLACE, ONE, NOON, adopted=True)

        await store.adopt(*PLACE, TWO, NOON + minutes(1), adopted=True)

        assert await spans(store) == (Span(ONE.fingerprint, NOON, adopted=True),)

    async def test_what_is_found_live_later_follows_what_served(self, store: Store):
        await store.adopt(*PLACE, ONE, NOON, adopted=True)

        await store.adopt(*PLACE, TWO, NOON + minutes(1), adopted=False)

        assert await spans(store) == (
            Span(ONE.fingerprint, NOON, NOON + minutes(1), adopted=True),
            Span(TWO.fingerprint, NOON + minutes(1)),
        )

    async def test_what_the_platform_remembers_is_known_with_its_marks_and_its_times(self, store: Store):
        proven, bad = NOON - minutes(900), NOON - minutes(300)
        recalled = Recalled(
            served=((ONE, NOON - minutes(1000)), (TWO, NOON - minutes(500)), (ONE, bad)),
            proven={ONE.fingerprint: proven},
            quarantined={TWO.fingerprint: (bad, "errors are up"), "tag:checkout:3": (bad, "slow")},
        )

        assert await store.recall(*PLACE, recalled, NOON)

        ledger = await store.ledger(*PLACE)
        assert ledger.spans == (
            Span(ONE.fingerprint, NOON - minutes(1000), NOON - minutes(500)),
            Span(TWO.fingerprint, NOON - minutes(500), bad),
            Span(ONE.fingerprint, bad, adopted=True),
        )
        one, two, three = ledger.entries
        assert (one.release, two.release, three.release) == (ONE, TWO, Release.of_tag("checkout:3"))
        assert one.first_seen == NOON - minutes(1000)
        assert one.proven == Mark(proven, "rollbackd", "says its mark on the platform")
        assert two.quarantined == Mark(bad, "rollbackd", "errors are up")
        assert three.quarantined == Mark(bad, "rollbackd", "slow")
        assert grade(ledger, ONE.fingerprint, minutes(2000), NOON) is Grade.PROVEN

    async def test_what_is_remembered_of_a_marked_release_is_its_tag_too(self, store: Store):
        bad = {a_release(7).fingerprint: (NOON, "slow")}

        await store.recall(*PLACE, Recalled(quarantined=bad, others=(a_release(7),)), NOON)

        (entry,) = (await store.ledger(*PLACE)).entries
        assert (entry.release, entry.quarantined) == (a_release(7), Mark(NOON, "rollbackd", "slow"))

    async def test_what_is_known_is_not_recalled_over(self, store: Store):
        await store.adopt(*PLACE, ONE, NOON, adopted=True)

        assert not await store.recall(*PLACE, Recalled(((TWO, NOON),), {ONE.fingerprint: NOON}), NOON)

        ledger = await store.ledger(*PLACE)
        assert [entry.release for entry in ledger.entries] == [ONE]
        assert ledger.entries[0].proven is None

    async def test_the_audit_says_that_a_ledger_was_recalled(self, store: Store):
        await store.recall(*PLACE, Recalled(((ONE, NOON - minutes(9)),)), NOON)

        rows = await store.audit(subject=f"{SERVICE}/{ENVIRONMENT}")

        assert [(row.what, row.at, row.facts) for row in rows] == [
            ("ledger.recalled", NOON, {"part": PART, "releases": 1})
        ]

    async def test_a_step_says_what_serves_from_when_on(self, store: Store):
        await store.adopt(*PLACE, ONE, NOON, adopted=True)
        watch = await opened(store, serves=(Serves(PART, TWO, NOON + minutes(1)),))

        await saved(store, step_of(watch, causes={"serves": (Serves(PART, ONE, NOON + minutes(9)),)}))

        assert await spans(store) == (
            Span(ONE.fingerprint, NOON, NOON + minutes(1), adopted=True),
            Span(TWO.fingerprint, NOON + minutes(1), NOON + minutes(9)),
            Span(ONE.fingerprint, NOON + minutes(9)),
        )

    async def test_what_serves_already_opens_no_second_span(self, store: Store):
        await opened(store, serves=(Serves(PART, TWO, NOON), Serves(PART, TWO, NOON + minutes(1))))

        assert await spans(store) == (Span(TWO.fingerprint, NOON),)

    async def test_spans_do_not_overlap_though_the_news_came_late(self, store: Store):
        await opened(store, serves=(Serves(PART, ONE, NOON), Serves(PART, TWO, NOON - minutes(5))))

        assert await spans(store) == (Span(ONE.fingerprint, NOON, NOON), Span(TWO.fingerprint, NOON))

    async def test_parts_have_ledgers_of_their_own(self, store: Store):
        await store.adopt(SERVICE, ENVIRONMENT, "web", ONE, NOON, adopted=True)

        assert await spans(store) == ()

    async def test_the_end_of_a_watch_is_remembered_of_its_release(self, store: Store):
        watch = await opened(store)
        ending = WatchEnding("kept by ann", by="ann")

        await saved(
            store, step_of(watch, State.KEPT, would_have=NOON, ended_at=NOON + minutes(9), ending=ending)
        )

        assert (await store.ledger(*PLACE)).endings == (
            Ending(TWO.fingerprint, NOON + minutes(9), "kept", breached=True, by_person=True),
        )

    async def test_a_watch_that_passed_by_itself_says_so(self, store: Store):
        await saved(store, step_of(await opened(store), State.PASSED))

        assert (await store.ledger(*PLACE)).endings == (
            Ending(TWO.fingerprint, NOON, "passed", breached=False, by_person=False),
        )

    async def test_a_release_goes_by_its_newest_tag_and_names(self, store: Store):
        await store.adopt(
            *PLACE, Release("sha256:1", "checkout:1", {"sentry": "a", "digest": "d"}), NOON, adopted=True
        )

        newer = Release("sha256:1", "checkout:7", {"sentry": "b"})
        await store.adopt(*PLACE, newer, NOON + minutes(1), adopted=True)

        (entry,) = (await store.ledger(*PLACE)).entries
        assert entry.release == Release("sha256:1", "checkout:7", {"sentry": "b", "digest": "d"})
        assert entry.first_seen == NOON

    async def test_a_floor_stays_one_though_the_release_is_seen_without_the_word(self, store: Store):
        await store.adopt(*PLACE, Release("sha256:1", "checkout:1", reversible=False), NOON, adopted=True)
        await store.adopt(*PLACE, Release("sha256:1", "checkout:1"), NOON, adopted=True)

        (entry,) = (await store.ledger(*PLACE)).entries
        assert not entry.release.reversible

    async def test_a_step_quarantines_a_release_and_lifts_it(self, store: Store):
        bad = Quarantine(PART, TWO.fingerprint, "errors are up")
        watch = await saved(store, step_of(await opened(store), causes={"quarantines": (bad,)}))

        entry = (await store.ledger(*PLACE)).entries[1]
        assert entry.quarantined == Mark(NOON, "rollbackd", "errors are up")

        lifted = Quarantine(PART, TWO.fingerprint, "not recovered", lift=True)
        await saved(store, step_of(watch, causes={"quarantines": (lifted,)}))
        assert (await store.ledger(*PLACE)).entries[1].quarantined is None

    async def test_a_person_distrusts_a_release_and_allows_it(self, store: Store):
        await opened(store)

        assert await store.mark_release(*PLACE, ONE.fingerprint, "distrust", "ann", "leaks", NOON)
        distrusted = (await store.ledger(*PLACE)).entries[0]
        assert await store.mark_release(
            *PLACE, ONE.fingerprint, "allow", "bob", "it did not", NOON + minutes(1)
        )
        allowed = (await store.ledger(*PLACE)).entries[0]

        assert (distrusted.distrusted, distrusted.allowed) == (Mark(NOON, "ann", "leaks"), None)
        assert (allowed.distrusted, allowed.allowed) == (None, Mark(NOON + minutes(1), "bob", "it did not"))

    async def test_allowing_lifts_a_quarantine(self, store: Store):
        bad = Quarantine(PART, TWO.fingerprint, "errors are up")
        await opened(store, quarantines=(bad,))

        await store.mark_release(*PLACE, TWO.fingerprint, "allow", "ann", "it was the database", NOON)

        assert (await store.ledger(*PLACE)).entries[1].quarantined is None

    async def test_the_newest_allowance_counts(self, store: Store):
        await opened(store)
        for minute in (1, 5):
            await store.mark_release(*PLACE, ONE.fingerprint, "allow", "ann", "fine", NOON + minutes(minute))

        allowed = (await store.ledger(*PLACE)).entries[0].allowed
        assert allowed is not None
        assert allowed.at == NOON + minutes(5)

    async def test_nobody_marks_a_release_that_nobody_knows(self, store: Store):
        assert not await store.mark_release(*PLACE, "sha256:9", "allow", "ann", "", NOON)

    async def test_of_many_releases_those_seen_last_are_told_and_all_that_are_marked(self, store: Store):
        await opened(store, a_watch(), quarantines=(Quarantine(PART, ONE.fingerprint, "bad"),))
        for number in range(3, 303):
            await store.adopt(*PLACE, a_release(number), NOON + minutes(number), adopted=False)

        ledger = await store.ledger(*PLACE)

        assert ledger.entries[0].release == ONE
        assert [entry.release for entry in ledger.entries[1:]] == [
            a_release(number) for number in range(103, 303)
        ]
        assert ledger.spans[-1] == Span(a_release(302).fingerprint, NOON + minutes(302))

    async def test_the_audit_says_what_became_of_a_release_by_whom_and_why(self, store: Store):
        await opened(store, quarantines=(Quarantine(PART, TWO.fingerprint, "errors are up"),))
        await store.mark_release(*PLACE, TWO.fingerprint, "allow", "ann", "it was the database", NOON)

        rows = await store.audit(subject=TWO.fingerprint)

        assert [(row.by, row.what, row.why) for row in rows] == [
            ("rollbackd", "release.quarantined", "errors are up"),
            ("ann", "release.allowed", "it was the database"),
        ]
        assert rows[0].facts == {"service": SERVICE, "environment": ENVIRONMENT, "part": PART}

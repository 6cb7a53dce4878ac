"""The gate: freezes, what asks to pass and who was first, what is told once."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

from tests.contract.store.build import ENVIRONMENT, NOON, SERVICE, appended, minutes
from watcher.core.freeze import Freeze
from watcher.core.gate import Answer, Because, Candidate, Decision, Passage, PassageStep, Passing
from watcher.store.store import Answered, Replayed, Store

SALE = Freeze("f_1", SERVICE, ENVIRONMENT, "ann", "the sale", NOON, NOON + minutes(60))
DAYS = 24 * 60


def a_passage(id: str = "g_1", **changes: Any) -> Passage:
    candidate = Candidate("v43", names={"digest": "sha256:4"})
    passage = Passage(id, 1, SERVICE, ENVIRONMENT, candidate, "ci", NOON, asked=candidate)
    return replace(passage, **changes)


def step_to(after: Passage, before: int, **causes: Any) -> PassageStep:
    return PassageStep(after, before, "gate.asked", "ci", **causes)


async def asked(store: Store, passage: Passage | None = None) -> Passage:
    passage = passage or a_passage()
    assert await store.save_passage(step_to(passage, 0), NOON)
    return passage


class GatesContract:
    async def test_a_freeze_is_told_until_it_is_over(self, store: Store):
        later = replace(SALE, id="f_2", service="*", start=NOON + minutes(30), end=NOON + minutes(90))
        await store.freeze(later, NOON)
        await store.freeze(SALE, NOON)

        assert await store.freezes(NOON) == [SALE, later]
        assert await store.freezes(NOON + minutes(60)) == [later]

    async def test_a_freeze_is_ordered_once_and_announced_once(self, store: Store):
        await store.freeze(SALE, NOON, [appended("m_1.0", "frozen")])
        await store.freeze(SALE, NOON, [appended("m_2.0", "frozen")])

        told = await store.claim_messages(NOON, 10, "me", minutes(1))
        assert [each.message.id for each in told] == ["m_1.0"]
        assert len(await store.freezes(NOON)) == 1

    async def test_thawing_says_whether_it_was_to_go_on(self, store: Store):
        await store.freeze(SALE, NOON)

        assert await store.thaw("f_1", "bob", "done", NOON, [appended("m_1.0", "thawed")])
        assert not await store.thaw("f_1", "bob", "done", NOON, [appended("m_2.0", "thawed")])
        assert not await store.thaw("f_9", "bob", "", NOON)
        assert await store.freezes(NOON) == []
        assert len(await store.claim_messages(NOON, 10, "me", minutes(1))) == 1
        rows = await store.audit(subject=f"{SERVICE}/{ENVIRONMENT}")
        assert [(row.by, row.what, row.why) for row in rows] == [
            ("ann", "service.frozen", "the sale"),
            ("bob", "service.thawed", "done"),
        ]

    async def test_a_freeze_that_is_over_is_not_thawed(self, store: Store):
        await store.freeze(SALE, NOON)

        assert not await store.thaw("f_1", "bob", "", NOON + minutes(60))

    async def test_what_asks_is_kept_whole_with_what_people_are_told(self, store: Store):
        decision = Decision(
            Candidate("v43"), approved=True, by="olga", at=NOON, covers=frozenset({Because.UNPROVEN})
        )
        passage = a_passage(
            answer=Answer.ASK, question_at=NOON, expires_at=NOON + minutes(9), decision=decision
        )

        saved = await store.save_passage(step_to(passage, 0, messages=(appended("g_1.1.0"),)), NOON)

        assert saved
        assert await store.passage("g_1") == passage
        assert await store.passage("g_2") is None
        assert [each.message.id for each in await store.claim_messages(NOON, 9, "me", minutes(1))] == [
            "g_1.1.0"
        ]
        (row,) = await store.audit(subject=f"{SERVICE}/{ENVIRONMENT}")
        assert (row.what, row.by, row.facts["gate"], row.facts["answer"]) == (
            "gate.asked",
            "ci",
            "g_1",
            "ask",
        )

    async def test_the_same_asks_once_at_a_time(self, store: Store):
        first = await asked(store)

        assert not await store.save_passage(step_to(a_passage("g_2"), 0), NOON)
        assert await store.save_passage(step_to(a_passage("g_3", asked=Candidate("v44")), 0), NOON)
        ended = replace(first, revision=2, state=Passing.PASSED)
        assert await store.save_passage(step_to(ended, 1), NOON)
        assert await store.save_passage(step_to(a_passage("g_4"), 0), NOON)

    async def test_one_that_is_called_by_many_long_names_is_kept_too(self, store: Store):
        names = {f"system{each}": hashlib.sha512(bytes([each])).hexdigest() for each in range(32)}
        candidate = Candidate("v43", names=names)

        await asked(store, a_passage("g_5", candidate=candidate, asked=candidate))
        assert await store.passages(candidate=candidate.key)

    async def test_of_two_who_write_at_once_one_is_first(self, store: Store):
        passage = await asked(store)
        steps = [
            step_to(replace(passage, revision=2, words=words), 1, messages=(appended(f"m_{words}"),))
            for words in ("one", "other")
        ]

        saved = await asyncio.gather(*(store.save_passage(step, NOON) for step in steps))

        assert sorted(saved) == [False, True]
        found = await store.passage("g_1")
        assert found is not None
        told = await store.claim_messages(NOON, 9, "me", minutes(1))
        assert [each.message.id for each in told] == [f"m_{found.words}"]

    async def test_what_a_person_is_answered_is_remembered_with_it(self, store: Store):
        passage = await asked(store)
        answered = Answered("ann", "k1", b"digest", 202, b"{}")

        assert await store.save_passage(step_to(replace(passage, revision=2), 1), NOON, answered)
        assert not await store.save_passage(
            step_to(replace(passage, revision=2), 1), NOON, replace(answered, key="k2")
        )

        assert await store.once("ann", "k1", b"digest", NOON) == Replayed(202, b"{}")
        assert await store.once("ann", "k2", b"digest", NOON) is None

    async def test_they_are_listed_newest_first_by_what_is_wanted(self, store: Store):
        said = Decision(Candidate("v42"), approved=False, by="olga", at=NOON)
        await asked(store, a_passage("g_1", state=Passing.REFUSED, decision=said))
        await asked(store, a_passage("g_2"))
        await asked(store, a_passage("g_3", service="cart"))
        await asked(store, a_passage("g_4", asked=Candidate("v44"), environment="staging"))

        async def ids(**wanted: Any) -> list[str]:
            return [each.id for each in await store.passages(**wanted)]

        assert await ids() == ["g_4", "g_3", "g_2", "g_1"]
        assert await ids(limit=1, after="g_3") == ["g_2"]
        assert await ids(state=Passing.OPEN) == ["g_4", "g_3", "g_2"]
        assert await ids(state=Passing.OPEN, after="g_4", limit=1) == ["g_3"]
        assert await ids(service=SERVICE, environment=ENVIRONMENT) == ["g_2", "g_1"]
        assert await ids(service=SERVICE, environment=ENVIRONMENT, answered=True) == ["g_1"]
        assert await ids(state=Passing.OPEN, candidate=Candidate("v44").key) == ["g_4"]

    async def test_a_tiding_is_told_once_whoever_is_first(self, store: Store):
        told = await asyncio.gather(
            *(store.tell_once("the weekend", [appended(f"m_{each}")], NOON) for each in range(2))
        )

        assert sorted(told) == [False, True]
        assert len(await store.claim_messages(NOON, 9, "me", minutes(1))) == 1

    async def test_what_is_over_is_forgotten_after_a_quarter_and_what_asks_is_not(self, store: Store):
        await store.freeze(SALE, NOON)
        await store.tell_once("the weekend", [], NOON)
        await asked(store, a_passage("g_1", state=Passing.PASSED))
        await asked(store, a_passage("g_2"))

        assert await store.prune(NOON + minutes(89 * DAYS)) == 0
        assert await store.prune(NOON + minutes(91 * DAYS)) == 3
        assert [each.id for each in await store.passages()] == ["g_2"]
        counted = (await store.counts(NOON + minutes(2)))["gates"]
        assert counted == {"open": 1, "oldest_seconds": 120.0}

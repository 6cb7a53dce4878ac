"""The gate, as whoever drives asks it: the API for pipelines, the gatekeeper by time, a protection rule for its platform.

Every asking is a *passage*, kept in the store: `ask` opens it (or joins the one that asks the same), `again` looks at it anew,
`order` says what a person says of it. All three may be done by any replica, at any time, twice: who comes second sees what
was saved first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from watcher.core import disarm
from watcher.core.gate import (
    Before,
    Candidate,
    Decision,
    Gate,
    GateFacts,
    Passage,
    PassageStep,
    Passing,
    gate,
    looked,
    ordered,
    unconfigured,
)
from watcher.core.gate.wording import notices
from watcher.core.service import Service
from watcher.core.watch import Message, Notice, Order, OrderKind
from watcher.errors import NoSuchPassage, OrderIncomplete, StoreUnavailable
from watcher.store.store import Answered, Store

PREFIX = "g"  # of ids
MACHINE = "rollbackd"
WORDS_OF = 200  # decisions of persons that are looked at: more than anybody takes in 90 days
MOST_OPEN = 50  # at one gate: more is a pipeline that has run wild
TRIES = 10  # as in `stepping`
_ORDERED = {
    OrderKind.APPROVE: "gate.approved",
    OrderKind.REFUSE: "gate.declined",
    OrderKind.HOTFIX: "gate.hotfix_asked",
}


def _nobody(_passage: Passage) -> None:
    """Nobody waits for an answer that must not be forgotten."""


@dataclass(frozen=True, slots=True)
class Gates:
    """All gates.

    Attributes:
        services: Those that are configured now.
        new_id: Draws an id.
    """

    store: Store
    services: Callable[[], Mapping[tuple[str, str], Service]]
    new_id: Callable[[str, datetime], str]

    async def look(
        self,
        service: Service,
        candidate: Candidate,
        now: datetime,
        hotfix: str = "",
        asked_at: datetime | None = None,
    ) -> Gate:
        """What the gate would say. Nothing is kept, and nobody is asked."""
        facts = await self._facts(service, now, asked_at)
        return gate(*service.key, service.gate, candidate, facts, now, hotfix)

    async def ask(
        self, service: Service, candidate: Candidate, by: str, now: datetime, hotfix: str = ""
    ) -> Passage:
        """Ask to pass, for *by*; what came of it so far. The same that asks already goes on asking.

        Args:
            service: Which is to be deployed.
            candidate: What is to be deployed.
            by: Who asks.
            now: When.
            hotfix: Why it passes a freeze and what comes before; whether *by* may say so is the caller's to know.

        Raises:
            OrderIncomplete: Too much asks already.
        """
        for _ in range(TRIES):
            before = await self._open(service, candidate)
            if before is not None and (not hotfix or before.hotfix):
                return await self.again(before, now)
            if before is None:
                await self._must_have_room(service)
            begun = (
                replace(before, hotfix=hotfix, hotfix_by=by)
                if before is not None
                else Passage(
                    id=self.new_id(PREFIX, now),
                    revision=0,
                    service=service.name,
                    environment=service.environment,
                    candidate=candidate,
                    by=by,
                    asked_at=now,
                    hotfix=hotfix,
                    hotfix_by=by if hotfix else "",
                    asked=candidate,
                )
            )
            after = await self._looked(service, begun, now)
            after = replace(after, revision=begun.revision + 1)
            what = "gate.hotfix_asked" if hotfix else "gate.asked"
            if await self._save(service, before, after, now, what, by, hotfix):
                return after
        raise _contested(f"{service.name}/{service.environment}")

    async def again(self, passage: Passage, now: datetime) -> Passage:
        """Look at *passage* anew, and save what changed: that a person is asked, that it is over."""
        for _ in range(TRIES):
            if passage.is_decided:
                return passage
            service = self.services().get(passage.key)
            after = await self._looked(service, passage, now) if service else unconfigured(passage, now)
            if after is passage or _is_only_later(passage, after):
                return after
            if await self._save(service, passage, after, now, f"gate.{_what(after)}", MACHINE, ""):
                return after
            passage = await self.get(passage.id)
        raise _contested(passage.id)

    async def order(
        self,
        id: str,
        order: Order,
        now: datetime,
        answer: Callable[[Passage], Answered | None] = _nobody,
        is_seen: Callable[[Passage], None] = _nobody,
    ) -> Passage:
        """What a person says of what is at the gate; what came of it.

        Args:
            id: Of the passage.
            order: To approve, to refuse, or that it is a hotfix.
            now: When.
            answer: Makes the answer that is to be remembered with what came of it.
            is_seen: Raises where it is not any more as whoever orders it has seen it.

        Raises:
            NoSuchPassage: There is none.
            OrderRefused: Nobody was asked, or that was said before.
        """
        for _ in range(TRIES):
            before = await self.get(id)
            is_seen(before)
            service = self.services().get(before.key)
            after = ordered(before, order, now)
            if service is not None and not after.is_decided:
                after = await self._looked(service, after, now)
            what = _ORDERED[order.kind]
            if await self._save(service, before, after, now, what, order.by, order.reason, answer(after)):
                return after
        raise _contested(id)

    async def get(self, id: str) -> Passage:
        """One passage.

        Raises:
            NoSuchPassage: There is none.
        """
        found = await self.store.passage(id)
        if found is None:
            raise NoSuchPassage(id)
        return found

    async def _open(self, service: Service, candidate: Candidate) -> Passage | None:
        found = await self.store.passages(
            service=service.name,
            environment=service.environment,
            state=Passing.OPEN,
            candidate=candidate.key,
            limit=1,
        )
        return found[0] if found else None

    async def _must_have_room(self, service: Service) -> None:
        waiting = await self.store.passages(
            service=service.name, environment=service.environment, state=Passing.OPEN, limit=MOST_OPEN
        )
        if len(waiting) == MOST_OPEN:
            raise OrderIncomplete(
                f"{MOST_OPEN} releases of {service.name} ask to pass in {service.environment} already",
                remedy="`rollbackd gates` lists them; refuse what is not to be deployed any more",
            )

    async def _looked(self, service: Service, passage: Passage, now: datetime) -> Passage:
        facts = await self._facts(service, now, passage.asked_at)
        if passage.decision is not None:  # it may not be saved yet
            facts = replace(facts, decisions=(*facts.decisions, passage.decision))
        told = gate(*service.key, service.gate, passage.named, facts, now, passage.hotfix)
        return looked(passage, told, service.gate, now)

    async def _facts(self, service: Service, now: datetime, asked_at: datetime | None) -> GateFacts:
        store = self.store
        switch = disarm.in_force(await store.disarmed(now), *service.key, now)
        return GateFacts(
            ledgers=tuple([await store.ledger(*service.key, part) for part in service.parts]),
            before=tuple([await self._before(service.name, each) for each in service.gate.after]),
            living=await store.living(*service.key),
            freezes=tuple(await store.freezes(now)),
            decisions=await self._decisions(service),
            asked_at=asked_at,
            disarmed=disarm.words(switch, now),
        )

    async def _before(self, name: str, environment: str) -> Before:
        service = self.services().get((name, environment))
        if service is None:
            return Before(environment, ())
        ledgers = [await self.store.ledger(*service.key, part) for part in service.parts]
        living = await self.store.living(*service.key)
        return Before(environment, tuple(ledgers), living, service.policy.known_good.served_after)

    async def _decisions(self, service: Service) -> tuple[Decision, ...]:
        said = await self.store.passages(
            service=service.name, environment=service.environment, answered=True, limit=WORDS_OF
        )
        return tuple(each.decision for each in reversed(said) if each.decision is not None)

    async def _save(
        self,
        service: Service | None,
        before: Passage | None,
        after: Passage,
        now: datetime,
        what: str,
        by: str,
        why: str,
        answered: Answered | None = None,
    ) -> bool:
        news = [
            message
            for number, notice in enumerate(notices(before, after, now))
            for message in to_channels(service, notice, f"{after.id}.{after.revision}.{number}")
        ]
        revision = before.revision if before is not None else 0
        step = PassageStep(after, revision, what, by, why, tuple(news))
        return await self.store.save_passage(step, now, answered)


def to_channels(service: Service | None, notice: Notice, first: str) -> Sequence[Message]:
    """*notice*, once for each channel of the service's team."""
    channels = told_one_by_one(service) if service is not None else ()
    return [Message(f"{first}.{place}", "append", channel, notice) for place, channel in enumerate(channels)]


def told_one_by_one(service: Service) -> Sequence[str]:
    """Where its people are told; boards show watches, and nothing else."""
    return [each for each in service.team.tell if each not in service.team.boards]


def _is_only_later(before: Passage, after: Passage) -> bool:
    """Only the words say how long it still takes: that is told to whoever asks, and not written down each time."""
    same = replace(
        after, revision=before.revision, words=before.words, until=before.until, notes=before.notes
    )
    return same == before


def _what(passage: Passage) -> str:
    if passage.is_decided:
        return passage.state.value
    return "question" if passage.question_at is not None else "waits"


def _contested(what: str) -> StoreUnavailable:
    return StoreUnavailable(f"{what}: others were always first, {TRIES} times", remedy="try again")

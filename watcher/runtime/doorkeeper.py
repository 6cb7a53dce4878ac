"""The doorkeeper: answers deployments that their platform holds at its own gate until it is said whether they may begin.

What waits is read from the platform in each round, and what the answer is from the gate; so nothing is remembered here that a
restart could lose. Replicas do this side by side: they come to the same answer, and a platform takes it once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from deploy.errors import DeployError
from deploy.rollback import keys
from deploy.source import Barrier, Review, Waiting
from watcher.core.gate import Answer, Candidate, Passage, Passing
from watcher.core.service import Service
from watcher.core.watch import GOING_BACK
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.rounds import Boundary
from watcher.store.gates import Gates
from watcher.store.store import Store

OURS = "the daemon's own way back passes its gate at once"
# After which an answer is given again to what is still held: by somebody else, for another job of the same run that came while
# nobody looked, or because the answer was lost. GitHub refuses what it has.
AGAIN = timedelta(minutes=5)
_REVIEWS: Mapping[Passing, Review] = {
    Passing.OPEN: Review.COMMENT,
    Passing.PASSED: Review.APPROVED,
    Passing.REFUSED: Review.REJECTED,
}
log = structlog.stdlib.get_logger("rollbackd.doorkeeper")


@dataclass(frozen=True, slots=True)
class _Word:
    """What the platform is told, in words for people, and why, as a word that does not change while they do."""

    review: Review
    words: str
    because: str


@dataclass
class Doorkeeper:
    """The loop. *barriers*: by the name of the source; a reload may swap them."""

    store: Store
    current: Current
    barriers: Callable[[], Mapping[str, Barrier]]
    bells: Bells
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    # What this process has answered, and when, by what it is about; as long as it is still held there.
    _answered: dict[str, dict[str, datetime]] = field(default_factory=dict, init=False)
    _refusing: dict[str, set[str]] = field(
        default_factory=dict, init=False
    )  # what could not be answered, once said
    _silent: set[str] = field(default_factory=set, init=False)

    async def go_round(self) -> bool:
        """Look at each place once."""
        works = {
            f"{name} {place}": self._look(name, barrier, place)
            for name, barrier in self.barriers().items()
            for place in barrier.places
        }
        await self.boundary.each(works)
        return False

    async def _look(self, name: str, barrier: Barrier, place: str) -> None:
        subject = f"{name} {place}"
        try:
            waiting = await barrier.waiting(place)
        except DeployError as error:
            if subject not in self._silent:
                log.warning(
                    "barrier.unreadable", source=name, place=place, words=str(error), remedy=error.remedy
                )
            self._silent.add(subject)
            return
        if subject in self._silent:
            self._silent.discard(subject)
            log.info("barrier.recovered", source=name, place=place)
        held = {each.id for each in waiting}
        known = {each: at for each, at in self._answered.get(subject, {}).items() if each in held}
        self._answered[subject] = known
        refusing = self._refusing.setdefault(subject, set())
        refusing &= held
        due = [each for each in waiting if each.id not in known or self.now() >= known[each.id] + AGAIN]
        await self.boundary.each({each.id: self._answer(barrier, each, known, refusing) for each in due})

    async def _answer(
        self, barrier: Barrier, waiting: Waiting, known: dict[str, datetime], refusing: set[str]
    ) -> None:
        """Say what the gate says; where that is not said yet, that it waits, and why."""
        service = self.current.services.get((waiting.whose.service, waiting.whose.environment))
        if service is None:
            return
        word = await self._word(service, waiting)
        if word.review is Review.COMMENT and not await self._is_news(waiting, word):
            return
        try:
            reviewed = await barrier.say(waiting, word.review, word.words)
        except DeployError as error:
            if waiting.id not in refusing:
                log.warning("barrier.unanswered", by=waiting.by, words=str(error), remedy=error.remedy)
            refusing.add(waiting.id)
            return
        refusing.discard(waiting.id)
        if word.review is Review.COMMENT:
            return
        if waiting.id not in known:
            review, words = word.review.value, reviewed.words
            log.info("barrier.answered", by=waiting.by, review=review, because=word.because, words=words)
        known[waiting.id] = self.now()

    async def _word(self, service: Service, waiting: Waiting) -> _Word:
        if waiting.barred:
            return _Word(Review.REJECTED, waiting.barred, "barred")
        if await self._is_our_own(service, waiting):
            return _Word(Review.APPROVED, OURS, "ours")
        if waiting.untold:
            return _Word(Review.REJECTED, waiting.untold, "untold")
        passage = await self._passage(service, waiting)
        review = _REVIEWS[passage.state]
        return _Word(review, passage.words, f"{passage.answer.value} {passage.because.value}")

    async def _is_our_own(self, service: Service, waiting: Waiting) -> bool:
        """It says that it is a move of ours, and the watch that lives on the service has ordered just that."""
        watch = await self.store.living(*service.key) if waiting.mark is not None else None
        if watch is None or watch.plan is None or watch.action is None or watch.state not in GOING_BACK:
            return False
        key_of = keys(watch.plan, watch.action)
        return waiting.mark in {(key_of[move.part], move.to.tag) for move in watch.plan.moves}

    async def _passage(self, service: Service, waiting: Waiting) -> Passage:
        """What the gate says of it: what it said before to the same run, else asked now."""
        names = {} if waiting.commit is None else {"commit": waiting.commit}
        candidate = Candidate(tag=waiting.tag, names=names)
        before = await self.store.passages(
            service=service.name, environment=service.environment, candidate=candidate.key, limit=1
        )
        gates = Gates(self.store, lambda: self.current.services, self.new_id)
        if before and before[0].by == waiting.by and await self._stands(gates, service, before[0]):
            passage = await gates.again(before[0], self.now())
        else:
            passage = await gates.ask(service, candidate, waiting.by, self.now())
        self.bells.after_step()
        return passage

    async def _stands(self, gates: Gates, service: Service, passage: Passage) -> bool:
        """What was said may still be told: what passed may not any more, where a freeze began before it could be told."""
        if passage.state is not Passing.PASSED:
            return True
        return (await gates.look(service, passage.candidate, self.now())).answer is Answer.PASS

    async def _is_news(self, waiting: Waiting, word: _Word) -> bool:
        """Nobody has told it there yet; whichever replica comes first does. Ten comments are all that is taken."""
        return await self.store.tell_once(f"barrier {waiting.id} {word.because}", (), self.now())

"""Platforms on which a rollout has stages: one that stops at hooks, and one whose traffic is shared out at a word."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from deploy.model import (
    AlreadyThere,
    Beginning,
    Begun,
    Live,
    Move,
    Moving,
    Pause,
    Progress,
    Refused,
    Release,
    Serving,
    Shift,
    Unclear,
    Unreadable,
    Word,
    is_about,
)
from tests.scenarios.platforms import Hangs, LosesTheAnswer, Mood, Platform, Refuses
from tests.scenarios.stage import EPOCH, Stage
from tests.scenarios.world import USUAL, Act, a_release, at
from watcher.runtime.crew import Pace

OLD = "v1"
# Bakes of minutes need no look every other second.
UNHURRIED = Pace(
    listener=10,
    lookout=15,
    patrol=10,
    performer=3,
    courier=30,
    janitor=600,
    onlooker=600,
    keeper=600,
    feeder=600,
)


def _moved(platform: Platform, shares: dict[str, float], key: str | None) -> None:
    now = replace(platform.now, at=platform.time(), shares=shares, key=key, in_flight=None)
    newest = max(shares, key=list(platform.releases).index)
    platform._stand(replace(now, live=platform.releases[newest]))


@dataclass
class Sharing(Platform):
    """Its traffic is shared out at one word, and at once."""

    async def observe(self) -> Live | Unreadable:
        live = await super().observe()
        if isinstance(live, Unreadable):
            return live
        shared = [self.releases[tag] for tag, share in self.now.shares.items() if share > 0]
        if len(shared) == 1:
            return replace(live, release=shared[0], in_flight=None)
        older, newer = sorted(shared, key=lambda each: list(self.releases).index(each.tag))
        return replace(live, release=older, in_flight=newer)

    def _share(self, tag: str) -> float:
        return self.now.shares.get(tag, 0.0)

    async def shift(self, shift: Shift, key: str) -> Beginning:
        mood = self.moods.pop(0) if self.moods else None
        self.calls.append(f"shift {shift.after.tag} to {shift.share:g}")
        answer = self._shared(
            shift, key, mood
        )  # at once: whoever is killed while it waits for the answer has moved it
        await self._answer()
        if isinstance(mood, Hangs):
            await asyncio.Event().wait()
        return answer

    def _shared(self, shift: Shift, key: str, mood: Mood | None) -> Beginning:
        match mood:
            case Refuses(words, again_in):
                return Refused(words, again_in=again_in)
            case LosesTheAnswer(happens=False):
                return Unclear("the connection was reset")
            case _:
                pass
        if not is_about(self._share(shift.after.tag), shift.expect):
            return Refused(f"{shift.after.tag} has {self._share(shift.after.tag):g}", shift.after.tag)
        rest = {} if shift.share >= 1 else {shift.before.tag: 1 - shift.share}
        self.knows(shift.after)
        _moved(self, {**rest, shift.after.tag: shift.share}, key)
        return Unclear("the connection was reset") if isinstance(mood, LosesTheAnswer) else Begun(key)

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        await self._answer()
        if self.unreadable:
            return Unreadable(self.unreadable)
        return Serving() if is_about(self._share(shift.after.tag), shift.share) else Moving()

    def _begun(self, move: Move, key: str) -> Beginning:
        if self.now.shares == {move.to.tag: 1.0}:
            return AlreadyThere()
        if self._share(move.expect.tag) <= 0:
            return Refused(f"{self.now.live.tag} runs, not {move.expect.tag}", third_tag=self.now.live.tag)
        _moved(self, {move.to.tag: 1.0}, key)
        return Begun(key)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        await self._answer()
        return Serving() if self.now.shares == {move.to.tag: 1.0} else Moving()


@dataclass
class Warming(Sharing):
    """A release that has no traffic is known by its name, and is ready when it says so.

    Attributes:
        cold: Why what stands beside is not ready; empty: it is.
    """

    cold: str = ""

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable:
        return await self.resolve(hints)

    async def unready(self, _release: Release) -> str:
        await self._answer()
        return self.cold


@dataclass
class Hooking(Platform):
    """A rollout of its own, that stops at hooks: each is a stage, with the share that the new release has there.

    Attributes:
        hooks: The stages at which it stops, in order.
        patience: Seconds that it waits at each; then it rolls back by itself.
        deaf: It takes an answer, and stays where it is, so many times.
    """

    hooks: Sequence[tuple[str, float]] = (("AFTER_A_TENTH", 0.1), ("AFTER_HALF", 0.5))
    patience: float = 86400.0
    deaf: int = 0
    _rolls: Release | None = None
    _old: Release | None = None
    _at: int = 0
    _since: float = 0.0
    _waits: bool = field(default=False)

    def rolls_out(self, release: Release) -> None:
        """Somebody deploys *release*."""
        self._rolls, self._old, self._at = self.knows(release), self.now.live, -1
        self._goes_on(None)

    def _goes_on(self, key: str | None) -> None:
        assert self._rolls is not None
        assert self._old is not None
        self._at += 1
        if self._at == len(self.hooks):
            release, self._rolls = self._rolls, None
            _moved(self, {release.tag: 1.0}, key)
            return
        share, self._since = self.hooks[self._at][1], self.time()
        shares = {self._old.tag: 1 - share, self._rolls.tag: share}
        self._stand(replace(self.now, at=self._since, live=self._old, in_flight=self._rolls, shares=shares))

    def goes_on_by_hand(self) -> None:
        """A person answers the hook."""
        self._goes_on(None)

    def _goes_back(self, key: str | None) -> None:
        assert self._old is not None
        self._rolls = None
        self._stand(
            replace(
                self.now,
                at=self.time(),
                live=self._old,
                in_flight=None,
                shares={self._old.tag: 1.0},
                key=key,
            )
        )

    def _tires(self) -> None:
        if self._rolls is not None and self.time() >= self._since + self.patience:
            self.calls.append("it rolled back by itself")
            self._goes_back(None)

    @property
    def pause(self) -> Pause | None:
        if self._rolls is None:
            return None
        until = EPOCH + timedelta(seconds=self._since + self.patience)
        return Pause(f"hook-{self._rolls.tag}-{self._at}", self.hooks[self._at][0], until, "it rolls back")

    async def observe(self) -> Live | Unreadable:
        self._tires()
        live = await super().observe()
        return live if isinstance(live, Unreadable) else replace(live, pause=self.pause)

    async def answer(self, pause: Pause, word: Word, key: str) -> Beginning:
        mood = self.moods.pop(0) if self.moods else None
        self.calls.append(f"answer {pause.stage}: {word.value}")
        answer = self._told(pause, key, mood)
        await self._answer()
        return answer

    def _told(self, pause: Pause, key: str, mood: Mood | None) -> Beginning:
        if isinstance(mood, Refuses):
            return Refused(mood.words, again_in=mood.again_in)
        if isinstance(mood, LosesTheAnswer) and not mood.happens:
            return Unclear("the connection was reset")
        if self.pause is None or not self.pause.is_same_as(pause):
            return AlreadyThere()
        if self.deaf:
            self.deaf -= 1
            return Begun(key)
        self._goes_on(key)
        return Unclear("the connection was reset") if isinstance(mood, LosesTheAnswer) else Begun(key)

    def _begun(self, move: Move, key: str) -> Beginning:
        if self._rolls is not None and self._rolls.is_same_as(move.expect):
            self._goes_back(key)
            return Begun(key)
        return super()._begun(move, key)


def rolled_out(tag: str, *, when: timedelta, fails: float = USUAL, share: float = 0.0) -> Act:
    """*tag* is deployed by hand: to the first hook; or, where the traffic is shared out, with *share* of it."""

    async def deploy(stage: Stage) -> None:
        stage.traffic["checkout"].usual[tag] = fails
        platform = stage.platforms["checkout", "service"]
        if isinstance(platform, Hooking):
            platform.rolls_out(a_release(tag))
            return
        platform.knows(a_release(tag))
        _moved(platform, {OLD: 1 - share, tag: share}, None)

    return at(when, deploy)


def stands_by(tag: str, *, when: timedelta, fails: float = USUAL) -> Act:
    """*tag* is put beside what serves, by a pipeline, without traffic."""

    async def deploy(stage: Stage) -> None:
        stage.traffic["checkout"].usual[tag] = fails
        stage.platforms["checkout", "service"].knows(a_release(tag))

    return at(when, deploy)


def begins(tag: str, *, when: timedelta, **said: Any) -> Act:
    """A pipeline orders that its rollout begins."""
    return at(when, lambda stage: stage.starts(tag, **said))


def shares_out(tag: str, share: float, *, when: timedelta) -> Act:
    """Another hand gives *tag* that share."""

    async def do(stage: Stage) -> None:
        _moved(stage.platforms["checkout", "service"], {OLD: 1 - share, tag: share}, None)

    return at(when, do)

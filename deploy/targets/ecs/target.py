"""A service of ECS as a target: what it runs is read together with other services, and it is moved alone."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    AlreadyThere,
    Beginning,
    Begun,
    Finding,
    Foretold,
    Gone,
    Level,
    Live,
    Move,
    Pause,
    Progress,
    Recalled,
    Refused,
    Release,
    Standing,
    Unclear,
    Unreadable,
    Word,
)
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place, Waits
from deploy.targets.aws.acting import forbidden, kept_from, marked
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of, value_of
from deploy.targets.aws.timing import BEGINS, EXAMINES, LOOKS, MOVES, READS, RECALLS, ends, within
from deploy.targets.aws.wording import refusal
from deploy.targets.ecs.beforehand import belonging
from deploy.targets.ecs.examining import examine, waits_of
from deploy.targets.ecs.foretelling import foretell, unseen
from deploy.targets.ecs.looking import View, look
from deploy.targets.ecs.moving import answered, decide, leave_trace
from deploy.targets.ecs.observing import live
from deploy.targets.ecs.ordering import SOON, Order, update
from deploy.targets.ecs.pausing import decide as answer
from deploy.targets.ecs.progressing import progress
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.recalling import recall
from deploy.targets.ecs.resolving import Seen, resolve
from deploy.targets.ecs.settings import Settings
from deploy.targets.ecs.trace import Trace, trace_by

KEPT_MARKS = 256
KEPT_HOOKS = 64
KEPT_MOVES = 64


class EcsTarget:
    """A service of ECS. See `deploy.target.Target`, and `Keeper`, `Examined`, `Waiting`, `Owning` and `Hooked` there."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._aws: Aws = world.aws
        self._now = world.now
        self._key = key_of(place.service, place.environment)
        self._seen = Seen()
        self._marked: Kept[str, str] = Kept(KEPT_MARKS)
        self._meant: Kept[str, Trace] = Kept(KEPT_MOVES)  # by key, for a trace that could not be left
        self._unheard: Kept[str, bool] = Kept(KEPT_HOOKS)  # hooks that would not take our answer
        name, read = self._account.name, self._aws.read
        self._reader: Reader = world.shared(("ecs", self._account), lambda: Reader(name, read, world.now))

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        return resolve(view, hints, self._seen, self._now())

    async def observe(self) -> Live | Unreadable:
        """What runs now. In steady state its share of one DescribeServices, and nothing else."""
        return await within(READS, self._observe())

    async def _observe(self) -> Live | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return await live(self._reader, self._noted(view), self._account.region)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        trace = self._trace(view, key)
        return await progress(self._reader, self._noted(view), move, trace, self._by_hand(view, move))

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        return (
            unseen(self._settings, move, self._account, found.words)
            if isinstance(found, Unreadable)
            else found
        )

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return await foretell(self._reader, view, move, self._account, self._settings.container)

    async def _look(self, most: timedelta) -> View | Unreadable:
        view = await within(most, look(self._reader, self._settings))
        return view if isinstance(view, Unreadable) else self._noted(view)

    def _noted(self, view: View) -> View:
        self._seen.note(view)
        return view

    def _by_hand(self, view: View, move: Move) -> str:
        return update(view.service, move.to).by_hand(self._account.region)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace, and send at most one call that moves. See `moving`."""
        if refused := forbidden(self._account):
            return refused
        until = ends(BEGINS)
        found = await within(LOOKS, self._decided(move, key))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        view, order = found
        if not isinstance(order, Order):
            return order
        trace = Trace(key, self._now(), move.expect.tag, move.to.tag, order.native)
        untraced = await self._leave(view, trace, order, until)
        answer = await self._send(order, untraced, until)
        if order.hook and order.native and isinstance(answer, Refused):
            self._unheard.keep(order.hook, True)
        if not order.goes_on and not isinstance(answer, Refused):
            self._meant.keep(key, trace)
        return answer

    async def _decided(self, move: Move, key: str) -> tuple[View, Order | Beginning] | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return self._noted(view), await decide(
            self._reader, view, move, self._trace(view, key), self._unheard
        )

    def _trace(self, view: View, key: str) -> Trace | None:
        return trace_by(view.service, key, self._meant.get(key))

    async def _leave(self, view: View, trace: Trace, order: Order, until: float) -> str:
        """What kept the trace from being left; never what keeps the rollback from being made."""
        if order.goes_on:
            return ""  # its trace, by which it is known as ours, is there
        told = leave_trace(view.service, trace)
        if told is None:
            return "it fits in no tag"
        leaving = self._aws.act(self._account.name, "ecs", "tag_resource", **told)
        return await kept_from(leaving, until - MOVES.total_seconds(), "TagResource")

    async def _send(self, order: Order, untraced: str, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until):
                await self._aws.act(self._account.name, "ecs", order.operation, **order.parameters)
        except AwsRefused as refused:
            return answered(order, refused)
        except TimeoutError:
            return Unclear(f"{order.told()} was not answered in time")
        without = f"; its trace could not be left on the service: {untraced}" if untraced else ""
        return Begun(order.id, f"{order.told()}{without}")

    async def answer(self, pause: Pause, word: Word, key: str) -> Beginning:
        """Say *word* at the hook of *pause*, if the deployment still waits there. See `pausing`."""
        if refused := forbidden(self._account):
            return refused
        until = ends(BEGINS)
        found = await within(LOOKS, self._answer(pause, word))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        if isinstance(found, AlreadyThere):
            return found
        view, (order, expect, to) = found
        trace = Trace(key, self._now(), expect, to, order.native)
        untraced = await self._leave(view, trace, order, until)
        return await self._send(order, untraced, until)

    async def _answer(
        self, pause: Pause, word: Word
    ) -> tuple[View, tuple[Order, str, str]] | AlreadyThere | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        order = await answer(self._reader, self._noted(view), pause, word)
        return order if isinstance(order, AlreadyThere) else (view, order)

    # ----------------------------------------------------------------------------------------------------- beforehand

    async def examine(self) -> Sequence[Finding]:
        """How it is deployed, where that waits, and whether what belongs to it fits. Reads only."""
        found = await within(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            return [
                Finding(
                    Level.WARN,
                    f"how it is deployed cannot be seen: {found.words}",
                    "may it be read?",
                    untold=True,
                    about=About.DEPLOYING,
                )
            ]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return [*examine(view.service), *await belonging(self._reader, self._noted(view), self._account)]

    async def waits(self) -> Waits | Unreadable:
        """For how long ECS waits at its hooks, and keeps what served. Reads only."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else waits_of(view.service.strategy)

    async def owns(self) -> Sequence[str] | Unreadable:
        """The rules by which ECS moves the service's traffic, where it does. Reads only."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        return view.service.rules if view.service.is_ours and view.service.strategy.shifts else ()

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What ECS remembers, and what our marks say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return await recall(self._reader, view, self._key, self._settings.container, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto their task definitions, where that differs. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        wanted = {standing.release.tag: value_of(standing) for standing in standings}
        new = {tag: value for tag, value in wanted.items() if self._marked.get(tag) != value}
        return await marked(self._write(new), "task definitions", "ECS")

    async def _write(self, new: Mapping[str, str]) -> str:
        said = [await self._mark(tag, value) for tag, value in new.items()]
        return "; ".join(words for words in said if words)

    async def _mark(self, tag: str, value: str) -> str:
        try:
            registered = await self._reader.registered(tag)
            if registered.tags.get(self._key) != value:
                await self._aws.act(
                    self._account.name,
                    "ecs",
                    "tag_resource",
                    resourceArn=registered.definition.arn,
                    tags=[{"key": self._key, "value": value}],
                )
        except AwsRefused as refused:
            return f"{tag} could not be marked: {refusal(refused)}"
        self._marked.keep(tag, value)
        return ""

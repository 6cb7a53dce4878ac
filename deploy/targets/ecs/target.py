"""A service of ECS as a target: what it runs is read together with other services, and it is moved alone."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import (
    Beginning,
    Begun,
    Foretold,
    Gone,
    Live,
    Move,
    Progress,
    Recalled,
    Refused,
    Release,
    Standing,
    Unclear,
    Unreadable,
)
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of, value_of
from deploy.targets.aws.timing import within
from deploy.targets.aws.wording import refusal
from deploy.targets.ecs.foretelling import by_hand, foretell, unseen
from deploy.targets.ecs.looking import View, look
from deploy.targets.ecs.moving import SOON, Order, answered, decide, leave_trace, update
from deploy.targets.ecs.observing import live
from deploy.targets.ecs.progressing import progress
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.recalling import recall
from deploy.targets.ecs.resolving import Seen, resolve
from deploy.targets.ecs.settings import Settings

# An operation takes at most 7 s. A move first looks, then leaves its trace; what remains is for the one call that counts.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
MOVES = timedelta(seconds=3.4)  # at least
RECALLS = timedelta(seconds=60)
MARKS = timedelta(seconds=30)
KEPT_MARKS = 256


class EcsTarget:
    """A service of ECS. See `deploy.target.Target` and `deploy.target.Keeper`."""

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
        return view if isinstance(view, Unreadable) else await live(self._reader, self._noted(view))

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return await progress(self._reader, self._noted(view), move, key, self._by_hand(view, move))

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
        return by_hand(update(view.service, move.to), self._account)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace, and send at most one call that moves. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        found = await within(LOOKS, self._decided(move))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        view, order = found
        if not isinstance(order, Order):
            return order
        trace = leave_trace(view.service, move, key, order, self._now())
        untraced = await self._leave(trace, ends - MOVES.total_seconds())
        return await self._send(order, untraced, ends)

    async def _decided(self, move: Move) -> tuple[View, Order | Beginning] | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        try:
            return self._noted(view), await decide(self._reader, view, move)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def _leave(self, trace: Mapping[str, Any] | None, until: float) -> str:
        """What kept the trace from being left; never what keeps the rollback from being made."""
        if trace is None:
            return "it fits in no tag"
        try:
            async with asyncio.timeout_at(until):
                await self._aws.act(self._account.name, "ecs", "tag_resource", **trace)
        except AwsRefused as refused:
            return refusal(refused)
        except TimeoutError:
            return "TagResource was not answered in time"
        return ""

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

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What ECS remembers, and what our marks say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        try:
            return await recall(self._reader, view, self._key, self._settings.container, now)
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto their task definitions, where that differs. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        wanted = {standing.release.tag: value_of(standing) for standing in standings}
        new = {tag: value for tag, value in wanted.items() if self._marked.get(tag) != value}
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                said = [await self._mark(tag, value) for tag, value in new.items()]
        except TimeoutError:
            return "not all marks were written: ECS did not answer in time"
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

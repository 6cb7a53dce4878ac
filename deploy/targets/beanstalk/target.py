"""Environments of Beanstalk as a target: what they run is read together with others, and they are moved alone."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    Beginning,
    Finding,
    Foretold,
    Gone,
    Level,
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
from deploy.targets.aws.acting import forbidden, kept_from, marked
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of, value_of
from deploy.targets.aws.timing import BEGINS, EXAMINES, LOOKS, MOVES, READS, RECALLS, ends, within
from deploy.targets.aws.wording import refusal
from deploy.targets.beanstalk.keeping import recall
from deploy.targets.beanstalk.looking import View, live_of
from deploy.targets.beanstalk.moving import SOON, Asked, Order, answered, taken
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.resolving import resolve
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.swap.way import Swap
from deploy.targets.beanstalk.trace import Trace, tag_key, trace_of
from deploy.targets.beanstalk.way import InPlace, Way

KEPT = 256  # moves of one environment, and marks
LAST_LOOK = timedelta(
    seconds=1
)  # right before a call that a second one would undo: of the time that is the call's


class BeanstalkTarget:
    """An environment of Beanstalk, or two that swap a name. See `deploy.target.Target`, `Keeper` and `Examined` there."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._aws: Aws = world.aws
        self._now = world.now
        self._key = key_of(place.service, place.environment)
        self._ordered: Kept[str, datetime] = Kept(KEPT)
        self._refused: Kept[str, bool] = Kept(KEPT)
        self._supposed: Kept[str, datetime] = Kept(KEPT)
        self._marked: Kept[str, str] = Kept(KEPT)
        name, read = self._account.name, self._aws.read
        self._reader: Reader = world.shared(("beanstalk", self._account), lambda: Reader(name, read))
        self._way: Way = (
            InPlace(self._reader, settings, self._account)
            if settings.environments is None
            else Swap(self._reader, settings, self._account, world.now)
        )

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else resolve(view, hints)

    async def observe(self) -> Live | Unreadable:
        """What runs now. In steady state its share of one DescribeEnvironments, and nothing else."""
        view = await self._look(READS)
        if isinstance(view, Unreadable):
            return view
        return replace(live_of(view), undoes=self._settings.environments is not None)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await self._way.look()
        if isinstance(view, Unreadable):
            return view
        ordered = None if view.is_whole(move.to) else await self._when_sent(move, key)
        return await self._way.progress(view, move, Asked(self._now(), ordered))

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return self._way.unseen(move, found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await self._way.look()
        return view if isinstance(view, Unreadable) else await self._way.foretell(view, move, self._now())

    async def examine(self) -> Sequence[Finding]:
        """Whether old versions will be there when they are needed. Reads only."""
        found = await within(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            words = f"whether old versions are kept cannot be known: {found.words}"
            return [Finding(Level.WARN, words, "may it be read?", untold=True, about=About.KEPT)]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await self._way.look()
        return view if isinstance(view, Unreadable) else await self._way.examine(view)

    async def _look(self, most: timedelta) -> View | Unreadable:
        return await within(most, self._way.look())

    async def _when_ordered(self, move: Move, key: str) -> datetime | None:
        """When the wanted label was set for this move: as this process knows, else as its trace says. May raise `AwsRefused`."""
        known = self._ordered.get(key)
        if known is not None or self._refused.get(key):
            return known
        application, label = self._settings.application, move.to.tag
        version = (await self._reader.versions(application, [label])).get(label)
        tags = await self._reader.tags(version.arn) if version is not None else {}
        trace = trace_of(tags, self._settings.moved)
        return trace.at if trace is not None and trace.key == key else self._supposed.get(key)

    async def _when_sent(self, move: Move, key: str) -> datetime | None:
        """The same, of a move that was sent, or may have been: nobody asks how far another one is.

        A swap that was made by an earlier life, or by another replica, leaves a trace that may not be to be read yet, or was not
        left at all. It is as if it had been ordered when it is first asked about, for made twice it would be undone.
        """
        ordered = await self._when_ordered(move, key)
        if ordered is not None or self._settings.environments is None or self._refused.get(key):
            return ordered
        return self._supposed.keep(key, self._now())

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace, and send at most one call that moves. See `moving`."""
        if refused := forbidden(self._account):
            return refused
        until = ends(BEGINS)
        order = await within(LOOKS, self._decided(move, key))
        if isinstance(order, Unreadable):
            return Refused(f"nothing was sent: {order.words}", again_in=SOON)
        if not isinstance(order, Order):
            return order
        untraced = await self._leave(order, Trace(key, self._now(), move.expect.tag), until)
        if words := await self._late(order, until):
            self._refused.keep(key, True)  # its trace says what was not done
            return Refused(f"nothing was sent: {words}", again_in=SOON)
        return await self._send(order, key, untraced, until)

    async def _decided(self, move: Move, key: str) -> Order | Beginning | Unreadable:
        # Side by side: Beanstalk answers slowly, and there is little time.
        view, ordered = await asyncio.gather(self._way.look(), self._when_ordered(move, key))
        if isinstance(view, Unreadable):
            return view
        return await self._way.decide(view, move, Asked(self._now(), ordered))

    async def _leave(self, order: Order, trace: Trace, until: float) -> str:
        """What kept the trace from being left; never what keeps the rollback from being made."""
        if not order.moves:
            return ""
        value = trace.written()
        if value is None:
            return "it fits in no tag"
        if not order.version:
            return "the role to read may not see that version"
        leaving = self._tag(order.version, tag_key(self._settings.moved), value)
        return await kept_from(leaving, until - MOVES.total_seconds(), "UpdateTagsForResource")

    async def _late(self, order: Order, until: float) -> str:
        """Why it is too late to send *order*; empty: it is not."""
        if not order.moves:
            return ""
        try:
            async with asyncio.timeout_at(until - MOVES.total_seconds() + LAST_LOOK.total_seconds()):
                return await self._way.changed(order)
        except AwsRefused as refused:
            return refusal(refused)
        except TimeoutError:
            return "what it was decided by could not be read once more in time"

    async def _send(self, order: Order, key: str, untraced: str, until: float) -> Beginning:
        answer = await self._sending(order, untraced, until)
        if order.moves and isinstance(answer, Refused):
            self._refused.keep(key, True)  # its trace says what was not done
        elif order.moves:
            self._ordered.keep(key, self._now())
        return answer

    async def _sending(self, order: Order, untraced: str, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until):
                await self._aws.act(
                    self._account.name, "elasticbeanstalk", order.operation, **order.parameters
                )
        except AwsRefused as refused:
            return answered(order, refused)
        except TimeoutError:
            words = f"{order.told()} was not answered in time"
            return Unclear(words) if order.moves else Refused(words, again_in=SOON)
        return taken(order, untraced)

    async def _tag(self, arn: str, key: str, value: str) -> None:
        tags = [{"Key": key, "Value": value}]
        await self._aws.act(
            self._account.name,
            "elasticbeanstalk",
            "update_tags_for_resource",
            ResourceArn=arn,
            TagsToAdd=tags,
        )

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What our marks say, and what serves. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await self._way.look()
        return view if isinstance(view, Unreadable) else await recall(self._reader, view, self._key, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto their versions, where that differs. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        wanted = {standing.release.tag: value_of(standing) for standing in standings}
        new = {label: value for label, value in wanted.items() if self._marked.get(label) != value}
        if not new:
            return ""
        return await marked(self._mark(new), "versions", "Beanstalk")

    async def _mark(self, new: Mapping[str, str]) -> str:
        versions = await self._reader.versions(self._settings.application, list(new))
        for label, value in new.items():
            version = versions.get(label)
            if version is None:
                continue  # what is deleted has no mark
            if (await self._reader.tags(version.arn)).get(self._key) != value:
                await self._tag(version.arn, self._key, value)
            self._marked.keep(label, value)
        return ""

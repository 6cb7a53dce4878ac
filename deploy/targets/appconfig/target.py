"""A configuration profile in one environment as a target."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
    Beginning,
    Begun,
    Failed,
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
from deploy.targets.appconfig import foretelling
from deploy.targets.appconfig.examining import examine
from deploy.targets.appconfig.keeping import recall, writing
from deploy.targets.appconfig.looking import Tagged, View, live_of, look
from deploy.targets.appconfig.moving import REFUSED, SOON, Order, answered, decide, with_key_of
from deploy.targets.appconfig.progressing import progress, why
from deploy.targets.appconfig.reading import Reader
from deploy.targets.appconfig.resolving import resolve
from deploy.targets.appconfig.settings import Settings, deployment_arn
from deploy.targets.appconfig.trace import TAG_KEY
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of, value_of
from deploy.targets.aws.timing import within
from deploy.targets.aws.wording import refusal

# An operation takes at most 7 s. A move first looks, and leaves its trace; what remains is for the call.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
TRAILS = timedelta(seconds=1.5)
BEGINS = timedelta(seconds=6.9)
EXAMINES = timedelta(seconds=15)
RECALLS = timedelta(seconds=60)
MARKS = timedelta(seconds=30)
KEPT = 64


class AppConfigTarget:
    """A profile in its environment. See `deploy.target.Target`, `Keeper` and `Examined` there."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._aws: Aws = world.aws
        self._now = world.now
        self._key = key_of(place.service, place.environment)
        self._tagged: Tagged = Kept(KEPT)
        self._ordered: Kept[str, datetime] = Kept(KEPT)
        self._marked: Kept[str, str] = Kept(KEPT)
        self._unstopped: int | None = None
        name, read = self._account.name, self._aws.read
        self._reader: Reader = world.shared(("appconfig", self._account), lambda: Reader(name, read))

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else resolve(view, self._settings, hints)

    async def observe(self) -> Live | Unreadable:
        """What is deployed now. In steady state its share of one ListDeployments for the environment, and nothing else."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else live_of(view)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        now = self._now()
        ordered = self._ordered.get(key) or self._ordered.keep(key, now)
        line = foretelling.line(view, move, self._settings, self._account, now)
        found = progress(view, move, key, ordered, now, line)
        if isinstance(found, Failed) and view.last is not None:
            by = why(await self._reader.deployment(self._settings, view.last.deployment.number))
            return replace(found, words=f"{found.words} {by}".strip())
        return found

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return foretelling.unseen(self._settings, move, self._account, self._now(), found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        return await foretelling.foretell(
            self._reader, view, move, self._settings, self._account, self._now()
        )

    async def examine(self) -> Sequence[Finding]:
        """Whether old versions are there, and how they would be deployed. Reads only."""
        found = await within(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            return [
                Finding(
                    Level.WARN,
                    f"old versions cannot be looked at: {found.words}",
                    "may it be read?",
                    untold=True,
                    about=About.KEPT,
                )
            ]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await self._view(deep=True)
        return view if isinstance(view, Unreadable) else await examine(self._reader, view, self._settings)

    async def _look(self, most: timedelta, *, deep: bool = False) -> View | Unreadable:
        return await within(most, self._view(deep=deep))

    async def _view(self, *, deep: bool) -> View | Unreadable:
        return await look(self._reader, self._settings, self._account, self._tagged, deep=deep)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace where the call has no room for it, and send at most one call that moves. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        order = await within(LOOKS, self._decided(move, key))
        if isinstance(order, Unreadable):
            return Refused(f"nothing was sent: {order.words}", again_in=SOON)
        if not isinstance(order, Order):
            return order
        untraced = await self._leave(order, ends)
        return await self._send(order, move, key, untraced, ends)

    async def _decided(self, move: Move, key: str) -> Order | Beginning | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        order = decide(view, self._settings, move, key, self._now(), unstopped=self._unstopped)
        if not isinstance(order, Order) or order.stops is not None:
            return order
        return with_key_of(order, await foretelling.before(self._reader, view, move, self._settings))

    async def _leave(self, order: Order, ends: float) -> str:
        """What kept the trace from being left on the deployment that is taken back; never what keeps that from being done."""
        if order.stops is None:
            return ""
        arn = deployment_arn(self._settings, self._account, order.stops)
        if arn is None or order.trace is None:
            return "nobody tells whose account it is in" if arn is None else "it fits in no tag"
        until = min(ends, asyncio.get_running_loop().time() + TRAILS.total_seconds())
        try:
            async with asyncio.timeout_at(until):
                await self._tag(arn, TAG_KEY, order.trace)
        except AwsRefused as refused:
            return refusal(refused)
        except TimeoutError:
            return "TagResource was not answered in time"
        return ""

    async def _send(self, order: Order, move: Move, key: str, untraced: str, until: float) -> Beginning:
        self._ordered.keep(key, self._now())
        try:
            async with asyncio.timeout_at(until):
                told = await self._aws.act(
                    self._account.name, order.service, order.operation, **order.parameters
                )
        except AwsRefused as refused:
            if refused.code == REFUSED and order.reverts:
                self._unstopped = order.stops
            return answered(move, order, refused)
        except TimeoutError:
            return Unclear(f"{order.told()} was not answered in time")
        without = f"; its trace could not be left on the deployment: {untraced}" if untraced else ""
        number = told.get("DeploymentNumber", order.stops)
        return Begun(f"{'/'.join(self._settings.place)}/{number}", f"{order.told()}{without}")

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What AppConfig remembers, and what our marks say. Reads only."""
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await self._view(deep=True)
        if isinstance(view, Unreadable):
            return view
        return await recall(self._reader, view, self._settings, self._account, self._key, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the deployments that brought them. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        view = await self._look(READS, deep=True)
        if isinstance(view, Unreadable):
            return f"the deployments could not be marked: {view.words}"
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                for arn, standing in writing(view, standings, self._settings, self._account).items():
                    await self._mark(arn, value_of(standing))
        except AwsRefused as refused:
            return f"the deployments could not be marked: {refusal(refused)}"
        except TimeoutError:
            return "not all marks were written: AppConfig did not answer in time"
        return ""

    async def _mark(self, arn: str, value: str) -> None:
        if self._marked.get(arn) == value:
            return
        if (await self._reader.tags(arn)).get(self._key) != value:
            await self._tag(arn, self._key, value)
        self._marked.keep(arn, value)

    async def _tag(self, arn: str, key: str, value: str) -> None:
        await self._aws.act(
            self._account.name, "appconfig", "tag_resource", ResourceArn=arn, Tags={key: value}
        )

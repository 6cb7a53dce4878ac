"""A deployment group as a target: what it runs is read together with other groups, and it is moved alone."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
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
from deploy.targets.aws.timing import readable
from deploy.targets.aws.wording import refusal
from deploy.targets.codedeploy.foretelling import KEY, by_hand, foretell, unseen
from deploy.targets.codedeploy.keeping import examine
from deploy.targets.codedeploy.looking import View, look
from deploy.targets.codedeploy.marking import prefix_of, too_many, wanted
from deploy.targets.codedeploy.moving import (
    SOON,
    Order,
    answered,
    create,
    decide,
    instead,
    source_of,
    taken,
)
from deploy.targets.codedeploy.observing import live_of
from deploy.targets.codedeploy.progressing import Looked, progress
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.recalling import recall
from deploy.targets.codedeploy.resolving import resolve
from deploy.targets.codedeploy.sending import Moment, Sent
from deploy.targets.codedeploy.settings import Settings
from deploy.targets.codedeploy.trace import TAG_KEY, Trace

# An operation takes at most 7 s. A move first looks, then may leave its trace; what remains is for the one call that counts.
READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
MOVES = timedelta(seconds=3.4)  # at least
RECALLS = timedelta(seconds=60)
MARKS = timedelta(seconds=30)
EXAMINES = timedelta(seconds=15)


class CodeDeployTarget:
    """A deployment group of CodeDeploy. See `deploy.target.Target`, `Keeper` and `Examined` there."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a target on AWS is opened with an account: its kind says `on_aws`")
        self.part = place.part
        self._settings = settings
        self._account: AwsAccount = place.account
        self._aws: Aws = world.aws
        self._now = world.now
        self._prefix = prefix_of(place.service, place.environment)
        self._sent = Sent()
        account, read = self._account, self._aws.read
        self._reader: Reader = world.shared(("codedeploy", account), lambda: Reader(account, read))

    # ------------------------------------------------------------------------------------------------------- looking

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``deployment``, ``tag``, ``fingerprint``, ``version``) mean. See `resolving`."""
        return await readable(READS, self._resolve(hints))

    async def _resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        view = await look(self._reader, self._settings)
        return view if isinstance(view, Unreadable) else await resolve(self._reader, view, hints)

    async def observe(self) -> Live | Unreadable:
        """What runs now. In steady state its share of one BatchGetDeploymentGroups, and nothing else."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else live_of(view)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await readable(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        looked = Looked(move, key, await self._by_hand(view, move))
        return await progress(self._reader, view, looked, self._moment(view, key))

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await readable(READS, self._foretell(move))
        if isinstance(found, Unreadable):
            return unseen(self._settings, move, self._account, found.words)
        return found

    async def _foretell(self, move: Move) -> Foretold | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return await foretell(self._reader, view, move, self._account, self._moment(view, KEY))

    async def examine(self) -> Sequence[Finding]:
        """Whether old releases can still be deployed, and how. Reads only."""
        found = await readable(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            return [
                Finding(Level.WARN, f"old releases cannot be looked at: {found.words}", "may it be read?")
            ]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await look(self._reader, self._settings)
        return view if isinstance(view, Unreadable) else await examine(self._reader, view.group)

    async def _look(self, within: timedelta) -> View | Unreadable:
        return await readable(within, look(self._reader, self._settings))

    def _moment(self, view: View, key: str) -> Moment:
        return self._sent.moment(key, view.last.id if view.last else None, self._now())

    async def _by_hand(self, view: View, move: Move) -> str:
        source = await source_of(self._reader, view, move.to)
        words = f"rollbackd by hand: back to {move.to.tag}"
        return by_hand(create(view.group, source, words) if source else None, move, self._account)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace where the call has no room for it, and send at most one call that moves. See `moving`."""
        if not self._account.may_act:
            return Refused(
                f"the account {self._account.name} has no role to act: nothing was tried; configure `act:`"
            )
        ends = asyncio.get_running_loop().time() + BEGINS.total_seconds()
        found = await readable(LOOKS, self._decided(move, key))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        view, order = found
        if not isinstance(order, Order):
            return order
        if order.trace is not None and await self._leave(view, order.trace, ends):
            order = instead(order)
        return await self._send(order, key, ends)

    async def _decided(self, move: Move, key: str) -> tuple[View, Order | Beginning] | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        try:
            return view, await decide(self._reader, view, move, key, self._moment(view, key))
        except AwsRefused as refused:
            return Unreadable(refusal(refused))

    async def _leave(self, view: View, trace: Trace, ends: float) -> str:
        """What kept the trace from being left on the group."""
        arn = self._reader.arn_of(view.group)
        if arn is None:
            return "nobody tells whose account it is in"
        try:
            async with asyncio.timeout_at(ends - MOVES.total_seconds()):
                await self._tag(arn, {TAG_KEY: trace.tag()})
        except AwsRefused as refused:
            return refusal(refused)
        except TimeoutError:
            return "TagResource was not answered in time"
        return ""

    async def _send(self, order: Order, key: str, ends: float) -> Beginning:
        answer = await self._sending(order, ends)
        if order.operation == "create_deployment" and not isinstance(answer, Refused):
            self._sent.create(key, self._now())
        if not order.moves and not isinstance(answer, Refused):
            self._sent.stop(str(order.parameters["deploymentId"]))
        return answer

    async def _sending(self, order: Order, ends: float) -> Beginning:
        try:
            async with asyncio.timeout_at(ends):
                answer = await self._aws.act(
                    self._account.name, "codedeploy", order.operation, **order.parameters
                )
        except AwsRefused as refused:
            return answered(order, refused)
        except TimeoutError:
            words = f"{order.told()} was not answered in time"
            return Unclear(words) if order.moves else Refused(words, again_in=SOON)
        return taken(order, answer)

    async def _tag(self, arn: str, tags: Mapping[str, str]) -> None:
        told = [{"Key": name, "Value": value} for name, value in tags.items()]
        account = self._account.name
        await self._aws.act(account, "codedeploy", "tag_resource", ResourceArn=arn, Tags=told)

    # ------------------------------------------------------------------------------------------------------- keeping

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What CodeDeploy remembers, and what our marks say. Reads only."""
        return await readable(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await look(self._reader, self._settings)
        return view if isinstance(view, Unreadable) else await recall(self._reader, view, self._prefix, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the group, where that differs. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                return await self._mark(standings)
        except AwsRefused as refused:
            return f"the group could not be marked: {refusal(refused)}"
        except TimeoutError:
            return "not all marks were written: CodeDeploy did not answer in time"

    async def _mark(self, standings: Sequence[Standing]) -> str:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view.words
        arn = self._reader.arn_of(view.group)
        if arn is None:
            return "the group could not be marked: nobody tells whose account it is in"
        has = await self._reader.tags(arn)
        new = {
            name: value for name, value in wanted(self._prefix, standings).items() if has.get(name) != value
        }
        if new:
            await self._tag(arn, new)
        if gone := too_many({**has, **new}, self._prefix):
            account, keys = self._account.name, list(gone)
            await self._aws.act(account, "codedeploy", "untag_resource", ResourceArn=arn, TagKeys=keys)
        return ""

"""A deployment group as a target: what it runs is read together with other groups, and it is moved alone."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import (
    About,
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
from deploy.targets.aws.timing import BEGINS, EXAMINES, LOOKS, MOVES, READS, RECALLS, ends, within
from deploy.targets.aws.wording import plain
from deploy.targets.codedeploy import pausing
from deploy.targets.codedeploy.foretelling import KEY, by_hand, foretell, unseen
from deploy.targets.codedeploy.keeping import examine
from deploy.targets.codedeploy.looking import View, look
from deploy.targets.codedeploy.marking import prefix_of, too_many, wanted
from deploy.targets.codedeploy.moving import answered, decide, source_of, taken
from deploy.targets.codedeploy.observing import live_of
from deploy.targets.codedeploy.ordering import ANSWER, SOON, Order, create, instead, stopped_instead
from deploy.targets.codedeploy.progressing import Looked, progress
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.recalling import recall
from deploy.targets.codedeploy.resolving import resolve
from deploy.targets.codedeploy.sending import Moment, Sent
from deploy.targets.codedeploy.settings import Settings
from deploy.targets.codedeploy.trace import TAG_KEY, Trace
from deploy.targets.codedeploy.waiting import unread, waits_of


class CodeDeployTarget:
    """A deployment group of CodeDeploy. See `deploy.target.Target`, and `Keeper`, `Examined`, `Waiting` and `Hooked` there."""

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
        return await within(READS, self._resolve(hints))

    async def _resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        view = await look(self._reader, self._settings)
        return view if isinstance(view, Unreadable) else await resolve(self._reader, view, hints)

    async def observe(self) -> Live | Unreadable:
        """What runs now. In steady state its share of one BatchGetDeploymentGroups, and nothing else."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else live_of(view, self._account.region)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""
        return await within(READS, self._progress(move, key))

    async def _progress(self, move: Move, key: str) -> Progress | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        looked = Looked(move, key, await self._by_hand(view, move))
        return await progress(self._reader, view, looked, self._moment(view, key))

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do now. Reads only."""
        found = await within(READS, self._foretell(move))
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
        found = await within(EXAMINES, self._examine())
        if isinstance(found, Unreadable):
            return [
                Finding(
                    Level.WARN,
                    f"old releases cannot be looked at: {found.words}",
                    "may it be read?",
                    untold=True,
                    about=About.KEPT,
                )
            ]
        return found

    async def _examine(self) -> Sequence[Finding] | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return [*await examine(self._reader, view.group), *await unread(self._reader, self._settings)]

    async def waits(self) -> Waits | Unreadable:
        """For how long CodeDeploy waits for a word, and keeps what served. Reads only."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else waits_of(view.group, self._settings)

    async def owns(self) -> Sequence[str] | Unreadable:
        """The listeners whose traffic CodeDeploy moves, of ECS. Reads only."""
        view = await self._look(READS)
        return view if isinstance(view, Unreadable) else view.group.listeners

    async def _look(self, most: timedelta) -> View | Unreadable:
        return await within(most, look(self._reader, self._settings))

    def _moment(self, view: View, key: str) -> Moment:
        return self._sent.moment(key, view.last.id if view.last else None, self._now())

    async def _by_hand(self, view: View, move: Move) -> str:
        source = await source_of(self._reader, view, move.to)
        words = f"rollbackd by hand: back to {move.to.tag}"
        return by_hand(create(view.group, source, words) if source else None, move, self._account)

    # -------------------------------------------------------------------------------------------------------- moving

    async def begin(self, move: Move, key: str) -> Beginning:
        """Look, decide, leave a trace where the call has no room for it, and send at most one call that moves. See `moving`."""
        if refused := forbidden(self._account):
            return refused
        until = ends(BEGINS)
        found = await within(LOOKS, self._decided(move, key))
        if isinstance(found, Unreadable):
            return Refused(f"nothing was sent: {found.words}", again_in=SOON)
        view, order = found
        if not isinstance(order, Order):
            return order
        if order.trace is not None and await self._leave(view, order.trace, until):
            order = instead(order)
        return await self._send(order, key, until)

    async def answer(self, pause: Pause, word: Word, key: str) -> Beginning:
        """Say *word* to the deployment that waits at *pause*, if it still does. See `pausing`."""
        if refused := forbidden(self._account):
            return refused
        until = ends(BEGINS)
        view = await self._look(LOOKS)
        if isinstance(view, Unreadable):
            return Refused(f"nothing was sent: {view.words}", again_in=SOON)
        order = pausing.decide(view.last, view.waits, pause, word, key)
        if not isinstance(order, Order):
            return order
        if order.trace is not None:
            await self._leave(
                view, order.trace, until
            )  # without it the way back is taken for CodeDeploy's own
        return await self._say(order, until)

    async def _say(self, order: Order, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until):
                await self._aws.act(self._account.name, "codedeploy", order.operation, **order.parameters)
        except AwsRefused as refused:
            return pausing.unanswered(refused)
        except TimeoutError:
            return Unclear(f"{order.told()} was not answered in time")
        return Begun(str(order.parameters["deploymentId"]), plain(order.told(), 300))

    async def _decided(self, move: Move, key: str) -> tuple[View, Order | Beginning] | Unreadable:
        view = await look(self._reader, self._settings)
        if isinstance(view, Unreadable):
            return view
        return view, await decide(self._reader, view, move, key, self._moment(view, key))

    async def _leave(self, view: View, trace: Trace, until: float) -> str:
        """What kept the trace from being left on the group."""
        arn = self._reader.arn_of(view.group)
        if arn is None:
            return "nobody tells whose account it is in"
        leaving = self._tag(arn, {TAG_KEY: trace.tag()})
        return await kept_from(leaving, until - MOVES.total_seconds(), "TagResource")

    async def _send(self, order: Order, key: str, until: float) -> Beginning:
        answer = await self._sending(order, until)
        if order.operation == ANSWER and isinstance(answer, Refused):
            order = stopped_instead(order)
            answer = await self._sending(order, until)
        if order.trace is not None and not isinstance(answer, Refused):
            self._sent.tell(key, self._now())
        if order.operation == "create_deployment" and not isinstance(answer, Refused):
            self._sent.create(key, self._now())
        if order.operation == "stop_deployment" and not order.moves and not isinstance(answer, Refused):
            self._sent.stop(str(order.parameters["deploymentId"]))
        return answer

    async def _sending(self, order: Order, until: float) -> Beginning:
        try:
            async with asyncio.timeout_at(until):
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
        return await within(RECALLS, self._recall(now))

    async def _recall(self, now: datetime) -> Recalled | Unreadable:
        view = await look(self._reader, self._settings)
        return view if isinstance(view, Unreadable) else await recall(self._reader, view, self._prefix, now)

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the group, where that differs. Without a role to act it writes nothing."""
        if not self._account.may_act:
            return ""
        return await marked(self._mark(standings), "the group", "CodeDeploy")

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

"""What every target on AppConfig has and does alike: its account, its settings, and how a call is sent and its trace left."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Beginning, Begun, Failed, Move, Progress, Standing, Unclear
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.appconfig.looking import Tagged
from deploy.targets.appconfig.moving import REFUSED, Order, answered
from deploy.targets.appconfig.progressing import why
from deploy.targets.appconfig.reading import Reader
from deploy.targets.appconfig.settings import Settings, deployment_arn
from deploy.targets.appconfig.trace import TAG_KEY
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.marking import key_of, value_of
from deploy.targets.aws.wording import refusal

# An operation takes at most 7 s. A move first looks, and leaves its trace; what remains is for the call.
TRAILS = timedelta(seconds=1.5)
MARKS = timedelta(seconds=30)
KEPT = 64


class OnAppConfig:
    """What looks at a profile in its environment, and acts there.

    Attributes:
        part: Of the service.
    """

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

    async def _with_reason(self, found: Progress, last: int | None) -> Progress:
        """*found*; where the newest deployment, number *last*, was taken back, with by whom. May raise `AwsRefused`."""
        if not isinstance(found, Failed) or last is None:
            return found
        by = why(await self._reader.deployment(self._settings, last))
        return replace(found, words=f"{found.words} {by}".strip())

    async def _mark_all(self, wanted: Mapping[str, Standing]) -> str:
        """Write each standing onto the deployment with that ARN; what could not be written, or nothing."""
        try:
            async with asyncio.timeout(MARKS.total_seconds()):
                for arn, standing in wanted.items():
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

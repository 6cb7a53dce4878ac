"""The pagers, by the contract of the notifiers: PagerDuty over a socket, SNS by the world of AWS that all its tests share."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import BaseModel, SecretStr

from deploy.errors import AwsRefused
from tests.contract.notifier_contract import NotifierContract, Received, Spoken, a_message
from tests.fakes.aws import AwsError, AwsWorld, Direct
from tests.fakes.pagerduty import ROUTING_KEY, PagerDutyWorld
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.aws.codes import UNREADABLE
from watcher.core.watch import Message, Tone
from watcher.core.wording import Event
from watcher.notify.notifier import Later, Notifier, Opening, Told
from watcher.notify.pagerduty.settings import Settings as PagerDutySettings
from watcher.notify.registry import NOTIFIERS
from watcher.notify.sns.settings import Settings as SnsSettings
from watcher.notify.sns.topic import SOON, Topic


class TestPagerDuty(NotifierContract):
    """It looks at what is shown, and pages for what a person is needed for."""

    kind = "pagerduty"

    def settings(self, base: str, secret: str) -> BaseModel:
        key = secret if len(secret) == len(ROUTING_KEY) else ROUTING_KEY
        return PagerDutySettings(routing_key=SecretStr(key), url=base, timeout=timedelta(seconds=0.4))

    def message(self, **changes: Any) -> Message:
        message = a_message(**{"kind": "show", **changes})
        needed = replace(message.notice, watch="w_1", tone=Tone.ALARM, event=Event.ASKED)
        return replace(message, notice=needed)

    def delivery(self, received: Received) -> str:
        return str(received.json["payload"]["custom_details"]["message"])

    def says(self, received: Received) -> str:
        return str(received.json["payload"]["summary"])

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = ROUTING_KEY) -> AsyncIterator[Spoken]:
        """What PagerDuty got, without the one field that is there to carry the key."""
        world = PagerDutyWorld(lambda: START, secret, repeats="")
        holder: list[Spoken] = []

        async def enqueue(request: web.Request) -> web.Response:
            told, body = holder[0], await request.read()
            said = json.loads(body)
            assert said.pop("routing_key") == secret
            told.received.append(Received(dict(request.headers), json.dumps(said).encode()))
            due = told.answers.pop(0) if told.answers else None
            # What is sent is repeated where it could leak; where the words are compared it is not.
            world.repeats = "" if due is not None and "X-Echo" in due[1] else None
            world.once = [None if due is None or due[0] == 200 else due]
            status, headers, answer = world.enqueue(body)
            return web.Response(status=status, headers=headers, body=answer)

        app = web.Application()
        app.router.add_post("/v2/enqueue", enqueue)
        async with serving_app(app) as port, self.opened(f"http://127.0.0.1:{port}", secret) as notifier:
            holder.append(Spoken(notifier))
            yield holder[0]


# A status, as SNS calls what it answers with it.
CODES = {
    302: "InvalidParameter",
    400: "InvalidParameter",
    401: "AuthorizationError",
    403: "AuthorizationError",
    404: "NotFound",
    408: "ServiceUnavailable",
    410: "EndpointDisabled",
    413: "InvalidParameterValue",
    422: "ValidationException",
    425: "KMSThrottling",
    429: "Throttling",
    500: "InternalError",
}


class SpokenToSns(Spoken):
    """What was published, whether or not it was taken; and the answers that are due."""

    def __init__(self, notifier: Notifier, world: AwsWorld) -> None:
        self.world = world
        super().__init__(notifier)

    @property
    def received(self) -> list[Received]:
        calls = [call for call in self.world.calls if call.operation == "Publish"]
        return [Received({}, json.dumps(call.parameters).encode()) for call in calls]

    @received.setter
    def received(self, _nothing: list[Received]) -> None:
        """It is what AWS got, and nothing else."""

    @property
    def answers(self) -> list[tuple[int, dict[str, str]]]:
        return []

    @answers.setter
    def answers(self, due: list[tuple[int, dict[str, str]]]) -> None:
        for status, _ in due:
            if status != 200:
                code = CODES.get(status, "ServiceUnavailable")
                self.world.faults.fail("sns", error=AwsError(code, "as the test says", status))


class _Unreadable(Direct):
    """What answers in the place of AWS is a page."""

    def __init__(self) -> None:
        super().__init__(AwsWorld(lambda: START))

    async def poll(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        raise AwsRefused(
            f"{service}.{operation} in {scope}", UNREADABLE, "no answer of AWS's", may_have_happened=True
        )


class TestSns(NotifierContract):
    """It publishes what is told. How the way to AWS fails is shown where that way is: ``tests/watcher/aws``."""

    kind = "sns"
    topic = "arn:aws:sns:eu-central-1:123456789012:releases"

    def settings(self, base: str, secret: str) -> BaseModel:
        return SnsSettings(account="shop", topic=self.topic)

    def message(self, **changes: Any) -> Message:
        return a_message(**changes)

    def delivery(self, received: Received) -> str:
        return str(received.json["MessageAttributes"]["message"]["StringValue"])

    def says(self, received: Received) -> str:
        return str(json.loads(received.json["Message"])["sms"])

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        """*base*: how AWS is; as it is usually, where there is none."""
        world = AwsWorld(lambda: START)
        assert world.sns.create_topic("releases", "email") == self.topic
        if base.endswith(":1"):
            world.faults.fail("sns", times=None)
        async with self.on(world) as notifier:
            yield notifier

    @contextlib.asynccontextmanager
    async def on(self, world: AwsWorld) -> AsyncIterator[Notifier]:
        async with http_to_loopback(lambda: START) as http:
            opening = Opening(http, lambda: START, aws=Direct(world))
            async with NOTIFIERS[self.kind].open(self.settings("", ""), opening) as notifier:
                yield notifier

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = "") -> AsyncIterator[Spoken]:
        world = AwsWorld(lambda: START)
        assert world.sns.create_topic("releases", "email") == self.topic
        async with self.on(world) as notifier:
            yield SpokenToSns(notifier, world)

    @pytest.mark.parametrize("fault", ["lost"])
    async def test_a_system_that_is_ill_is_told_later_and_in_time(self, fault: str):
        """The message may have been published: it is told again, with its id."""
        async with self.telling() as told:
            assert isinstance(told, SpokenToSns)
            told.world.faults.lose_answer("sns")
            telling = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(telling, Later)
            assert [each.attributes["message"] for each in told.world.sns.log] == ["w_1.3.0"]

    async def test_a_page_with_status_200_is_not_taken_for_its_answer(self):
        """The way to AWS finds that it is none of AWS's (tests/watcher/aws): it may have been published all the same."""
        topic = Topic(SnsSettings(account="shop", topic=self.topic), _Unreadable())
        telling = await topic.tell(self.message(), self.narrowing, None)

        assert isinstance(telling, Later)
        assert UNREADABLE in telling.words

    @pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException"])
    async def test_with_a_key_that_expired_it_tells_nobody_says_so_and_tells_again_once_that_is_mended(
        self, code: str
    ):
        async with self.telling() as told:
            assert isinstance(told, SpokenToSns)
            told.world.faults.fail("sns", error=AwsError(code, "the token is expired", 403))
            refused = await told.notifier.tell(self.message(), self.narrowing, None)
            again = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(refused, Later)
            assert code in refused.words
            assert isinstance(again, Told)

    @pytest.mark.parametrize("code", ["RequestExpired", "SignatureDoesNotMatch"])
    async def test_a_far_clock_that_is_ten_minutes_off_changes_no_wait(self, code: str):
        """AWS refuses what is signed by a clock that is off; once that is mended the message is told."""
        async with self.telling() as told:
            assert isinstance(told, SpokenToSns)
            told.world.faults.fail("sns", error=AwsError(code, "Signature expired", 403))
            refused = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(refused, Later)
            assert refused.after == SOON
            assert isinstance(await told.notifier.tell(self.message(), self.narrowing, None), Told)

    async def test_a_message_that_is_cancelled_leaves_nothing_behind_and_is_in_the_way_of_no_other(self):
        """That the call ends with it is shown where the way to AWS is; here, that the topic keeps nothing."""
        async with self.telling() as told:
            telling = asyncio.ensure_future(told.notifier.tell(self.message(), self.narrowing, None))
            telling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await telling

            assert told.received == []
            assert isinstance(await told.notifier.tell(self.message(), self.narrowing, None), Told)

    async def test_a_system_that_says_when_is_asked_then(self):
        """AWS says never when: a while is waited."""
        async with self.telling() as told:
            told.answers = [(429, {"Retry-After": "42"})]
            telling = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(telling, Later)
            assert telling.words.endswith("publish: Throttling: as the test says")

    async def test_an_address_that_is_not_allowed_is_never_told(self):
        """It has no address but AWS's: what is no topic is not taken as one."""
        with pytest.raises(ValueError, match="string_pattern_mismatch"):
            SnsSettings(account="shop", topic="http://169.254.169.254/")

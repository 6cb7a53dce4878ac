"""One topic. What is told is published; what is only shown is not, for nothing that was published can be changed.

It is published by ``aws.poll``: like taking a message out of a queue it changes no service, so it needs no more than the role to
read, and is done in shadow too. One attempt a call: after an answer that was lost the courier publishes once more, with the same
id in the attribute ``message``.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.ports import Aws
from watcher.aws.codes import Result, result_of
from watcher.core.watch import Message
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.sns.publication import publication
from watcher.notify.sns.settings import Settings

SOON = timedelta(seconds=5)
# What the same call will always get, without the "Exception" that some end in. Anything else may pass, and is tried again.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
_HOPELESS = frozenset(
    {
        "AuthorizationError",
        "EndpointDisabled",
        "InvalidParameter",
        "InvalidParameterValue",
        "InvalidSecurity",
        "KMSAccessDenied",
        "KMSDisabled",
        "KMSInvalidState",
        "KMSNotFound",
        "KMSOptInRequired",
        "NotFound",
        "ParameterValueInvalid",
        "PlatformApplicationDisabled",
        "Validation",
    }
)
_PUBLISH = "allow sns:Publish on the topic to the account's role to read, and kms:GenerateDataKey* and kms:Decrypt on its key"
_LOOK = "allow sns:GetTopicAttributes on the topic to the account's role to read"
_THERE = "correct `topic`: it must be in the account's region"
_WAY = "is the way to Amazon SNS open: network, proxy, VPC endpoint?"
_LOST = frozenset({Result.TIMEOUT, Result.UNREACHABLE})


class _Attributes(BaseModel):
    """Amazon tells numbers as text."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    confirmed: int = Field(alias="SubscriptionsConfirmed", ge=0)
    pending: int = Field(default=0, alias="SubscriptionsPending", ge=0)


class Topic:
    """A topic that is told."""

    def __init__(self, settings: Settings, aws: Aws) -> None:
        self._settings = settings
        self._aws = aws

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:  # noqa: ARG002 - nothing is changed afterwards
        """Publish *message*, once. *narrowing* goes along as ``channel``, for machines."""
        if message.kind == "show":
            return Told()  # what matters by itself is told by the ``append`` of the same step
        content = publication(message, narrowing, self._settings)
        try:
            await self._aws.poll(self._settings.account, "sns", "publish", **content)
        except AwsRefused as refused:
            return self._refused(refused)
        return Told(message.id)

    def _refused(self, refused: AwsRefused) -> Later | Never:
        words = f"{self._settings.topic}: {refused}"
        if result_of(refused.code) is Result.DENIED:
            return Never(f"{words}; {_PUBLISH}")
        return Never(words) if _name(refused) in _HOPELESS else Later(SOON, words)

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:  # noqa: ARG002 - machines are told it
        """Whether it is there, and who listens. Nothing is published, so whether that is allowed is not told."""
        topic = self._settings.topic
        try:
            told = await self._aws.read(self._settings.account, "sns", "get_topic_attributes", TopicArn=topic)
            found = _Attributes.model_validate(told.get("Attributes", {}))
        except AwsRefused as refused:
            return [self._unseen(refused)]
        except ValidationError:
            return [Finding(Level.FAIL, f"{topic}: not an answer of Amazon SNS", _THERE, about=About.TELLING)]
        pending = f", {found.pending} not confirmed yet" if found.pending else ""
        if not found.confirmed:
            words = f"{topic} is there, and nobody is subscribed to it{pending}"
            return [
                Finding(
                    Level.WARN,
                    words,
                    "subscribe whoever is to be told, and confirm it",
                    about=About.SUBSCRIBERS,
                )
            ]
        words = f"{topic} is there, with {found.confirmed} subscriptions{pending}; whether it may be published to was not tried"
        return [Finding(Level.OK, words, about=About.TELLING)]

    def _unseen(self, refused: AwsRefused) -> Finding:
        words = f"{self._settings.topic}: {refused}"
        if result_of(refused.code) is Result.DENIED:
            return Finding(
                Level.WARN, f"{words}; it may be published to all the same", _LOOK, about=About.TELLING
            )
        if result_of(refused.code) in _LOST:
            return Finding(Level.FAIL, words, _WAY, about=About.TELLING)
        return Finding(
            Level.FAIL, words, _THERE if _name(refused) in _HOPELESS else refused.remedy, about=About.TELLING
        )


def _name(refused: AwsRefused) -> str:
    return refused.code.removesuffix("Exception")

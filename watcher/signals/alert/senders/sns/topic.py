"""The sender: topics of SNS that come over HTTPS."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from deploy.model import About, Finding, Level
from deploy.source import Event, Ignored, Received, Rejected
from deploy.sources.sqs.envelope import Announced, Triggered, moment
from deploy.sources.sqs.envelope import opened as contents_of
from deploy.sources.sqs.others import aside
from watcher.core.alerts import TOPIC as TOPIC_LABEL
from watcher.core.alerts import way
from watcher.http import Http, HttpRefused, Request
from watcher.signals.alert.pushed import LONGEST_KEY, LONGEST_NAME, Meaning, Mood, Pushed, Told
from watcher.signals.alert.senders import cloudwatch
from watcher.signals.alert.senders.clean import believed, labels, line, short
from watcher.signals.alert.senders.sender import Unproven
from watcher.signals.alert.senders.sns.certificates import SYSTEM, TIMEOUT, Certificates
from watcher.signals.alert.senders.sns.letter import (
    NOTIFICATION,
    SUBSCRIBED,
    UNSUBSCRIBED,
    Letter,
    canonical,
    doubt,
    opened,
    signature_of,
)
from watcher.signals.alert.senders.sns.settings import Settings, names_of

TOPIC, TYPE = "x-amz-sns-topic-arn", "x-amz-sns-message-type"
_TYPES = frozenset({NOTIFICATION, SUBSCRIBED, UNSUBSCRIBED})
LARGEST = 64 * 1024  # bytes of what SNS answers to a confirmation


class Topics:
    """The guard and the parser."""

    def __init__(self, settings: Settings) -> None:
        self._topics = frozenset(settings.topics)
        self._certificates = Certificates()

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:  # noqa: ARG002  (`verify` looks into them)
        """It says that it is of one of the topics; whether it is, `verify` finds out."""
        return headers.get(TOPIC, "") in self._topics and headers.get(TYPE, "") in _TYPES

    async def verify(self, http: Http, body: bytes, now: datetime) -> Unproven | None:
        """SNS has signed *body* for one of the topics; and if it asks whether to send to us, it was told yes.

        A confirmation that gets lost is sent again, so confirming twice is harmless.
        """
        letter = opened(body)
        if isinstance(letter, Rejected):
            return Unproven(f"{letter.why}; {letter.remedy}")
        why = doubt(letter, self._topics, now)
        if why is not None:
            return Unproven(why)
        unproven = await self._is_signed(http, letter, now)
        if unproven is not None or letter.type != SUBSCRIBED:
            return unproven
        return await _confirm(http, letter)

    def read(self, received: Received) -> Meaning:
        """What the notification carries: an alarm, an event that is none, or nothing for us."""
        letter = opened(received.body)
        if isinstance(letter, Rejected):
            return letter
        if letter.type in {SUBSCRIBED, UNSUBSCRIBED}:
            return Told((_way(letter, received.at),))
        match contents_of(received.body):
            case Event() as event:
                return _alarm(event, letter, received.at) if cloudwatch.is_alarm(event) else _aside(event)
            case Announced() | Triggered():
                return Ignored("news of a deployment: send it to a queue, or to POST /v1/deployments")
            case Ignored() | Rejected() as meaning:
                return meaning

    def examine(self) -> Sequence[Finding]:
        """Which topics are believed."""
        return [Finding(Level.OK, f"believes {topic}", about=About.SECRET) for topic in sorted(self._topics)]

    async def _is_signed(self, http: Http, letter: Letter, now: datetime) -> Unproven | None:
        signature = signature_of(letter)
        if signature is None:
            return Unproven("a signature that is not base64")
        names = names_of(letter.topic)
        certificate = await self._certificates.at(http, letter.certificate_url, names, now)
        if isinstance(certificate, Unproven):
            return certificate
        return None if certificate.signs(signature, canonical(letter)) else Unproven("a wrong signature")


async def _confirm(http: Http, letter: Letter) -> Unproven | None:
    try:
        await http.fetch(Request(SYSTEM, letter.subscribe_url or "", timeout=TIMEOUT, most=LARGEST))
    except HttpRefused as refused:
        return Unproven(f"the subscription could not be confirmed: {refused.words}", later=True)
    return None


def _way(letter: Letter, arrived: datetime) -> Pushed:
    """Whether alarms come by this topic: they do, or somebody has taken the subscription back. Nothing is followed for that."""
    at = believed(moment(letter.timestamp), arrived) or arrived
    key, topic = short(letter.topic, LONGEST_KEY // 2 + LONGEST_KEY // 4), line(letter.topic, LONGEST_NAME)
    return way(key, topic, Mood.WELL if letter.type == SUBSCRIBED else Mood.UNKNOWN, at, letter.id)


def _alarm(event: Event, letter: Letter, arrived: datetime) -> Meaning:
    """With the topic that it came by: it shows that this way is open."""
    said = cloudwatch.read(event, arrived)
    if not isinstance(said, Told):
        return said
    return replace(
        said,
        alerts=tuple(
            replace(each, labels=labels(each.labels, {TOPIC_LABEL: line(letter.topic, LONGEST_NAME)}))
            for each in said.alerts
        ),
    )


def _aside(event: Event) -> Told:
    return Told(aside=aside(event))

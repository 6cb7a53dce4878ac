"""One simulated AWS: the log of what happened, on a clock that is given to it; and the one door for every call."""

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tests.fakes.aws import models, site_concerns
from tests.fakes.aws.application_signals import ApplicationSignals
from tests.fakes.aws.balancing.service import Balancing
from tests.fakes.aws.beanstalk.service import Beanstalk
from tests.fakes.aws.calls import Asked, Call
from tests.fakes.aws.cloudfront.service import CloudFront
from tests.fakes.aws.cloudwatch.service import CloudWatch
from tests.fakes.aws.codedeploy.service import CodeDeploy
from tests.fakes.aws.concerns import request
from tests.fakes.aws.configurations.service import AppConfig
from tests.fakes.aws.ecr import Ecr
from tests.fakes.aws.ecs.service import Ecs
from tests.fakes.aws.events import Event, Events
from tests.fakes.aws.faults import Fault, Faults
from tests.fakes.aws.functions.service import Lambda
from tests.fakes.aws.identity import Identities, Identity, own_credentials, refused
from tests.fakes.aws.limits import Limits
from tests.fakes.aws.logs.service import Logs
from tests.fakes.aws.s3.service import S3
from tests.fakes.aws.s3.state import Bucket
from tests.fakes.aws.sns import Sns
from tests.fakes.aws.sqs import Sqs
from tests.fakes.aws.ssm import Ssm
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.trouble import AwsError, FakeBug

ACCOUNT = "123456789012"
REGION = "eu-central-1"
Handler = Callable[[Asked], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call.

    Attributes:
        content: The answer, as boto3 gives it, without ``ResponseMetadata``.
        error: AWS said no.
        delay: Seconds until it is sent.
        lost: It is never sent: the connection drops.
        spoilt: How it is sent, where that is another way than AWS's.
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    error: AwsError | None = None
    delay: float = 0.0
    lost: bool = False
    spoilt: str = ""


class Place:
    """All services of one account in one region."""

    def __init__(self, account: str, region: str, events: Events, ids: Callable[[str], str]) -> None:
        self.account = account
        self.region = region
        self.tagging = Tagging()
        self.ecr = Ecr(account, region)
        self.ecs = Ecs(account, region, self.tagging, self.ecr, events, ids)
        self.cloudwatch = CloudWatch(account, region, events)
        self.codedeploy = CodeDeploy(account, region, self.tagging, events, ids)
        self.balancing = Balancing(account, region, self.tagging, events, ids)
        self.functions = Lambda(account, region, self.tagging, events, ids)
        self.s3 = S3(account, region, events, ids)
        self.beanstalk = Beanstalk(account, region, self.tagging, events, self.s3)
        self.appconfig = AppConfig(account, region, self.tagging, events)
        self.sqs = Sqs(account, region, ids)
        self.logs = Logs(account, region, ids)
        self.slos = ApplicationSignals(account, region)
        self.sns = Sns(account, region, ids)
        self.ssm = Ssm(account, region)

    def advance(self, to: datetime) -> None:
        """Let happen what was to happen until *to*."""
        self.ecs.advance(to)
        self.functions.advance(to)
        self.balancing.advance(to)
        self.codedeploy.advance(to)
        self.beanstalk.advance(to)
        self.appconfig.advance(to)

    def handlers(self) -> Mapping[str, Mapping[str, Handler]]:
        """What this place answers to, by service and operation."""
        return {
            "appconfig": self.appconfig.operations(),
            "ecs": self.ecs.operations(),
            "cloudwatch": self.cloudwatch.operations(),
            "codedeploy": self.codedeploy.operations(),
            "ecr": self.ecr.operations(),
            "elasticbeanstalk": self.beanstalk.operations(),
            "elbv2": self.balancing.operations(),
            "lambda": self.functions.operations(),
            "logs": self.logs.operations(),
            "application-signals": self.slos.operations(),
            "s3": self.s3.operations(),
            "sns": self.sns.operations(),
            "resourcegroupstaggingapi": self.tagging.operations(),
            "sqs": self.sqs.operations(),
            "ssm": self.ssm.operations(),
        }


class AwsWorld:
    """AWS, as far as rollbackd speaks with it. Safe to be used by several threads.

    Attributes:
        now: The clock of AWS.
        calls: Every call that arrived, oldest first.
        bugs: What the fake itself did wrong. A test's fixture sees that there are none.
        events: What EventBridge was told.
        fates: After how long each copy of an event arrives in a queue; no copy: it is lost. EventBridge promises neither an
            order nor that an event comes once.
    """

    def __init__(self, now: Callable[[], datetime], account: str = ACCOUNT, region: str = REGION) -> None:
        self.now = now
        self.account = account
        self.region = region
        self.calls: list[Call] = []
        self.bugs: list[FakeBug] = []
        self.faults = Faults()
        self.limits = Limits()
        self.identities = Identities(own_credentials(account))
        self._lock = threading.RLock()
        self._drawn = itertools.count(1)
        self.events = Events(self.draw)
        self._listeners: list[Callable[[Event], None]] = []
        self.fates: Callable[[Event], Sequence[timedelta]] = lambda _: (timedelta(0),)
        self._late: list[tuple[datetime, str, Event]] = []
        self._places: dict[tuple[str, str], Place] = {}
        self.home = self.place(account, region)
        self.cloudfront = CloudFront(account, self.draw, self._bucket)  # in no region

    def draw(self, purpose: str) -> str:
        """An id, as long hexadecimal digits: the same in every run."""
        return hashlib.sha256(f"{purpose} {next(self._drawn)}".encode()).hexdigest()

    def place(self, account: str, region: str) -> Place:
        """An account's services in a region."""
        with self._lock:
            if (account, region) not in self._places:
                self._places[account, region] = Place(account, region, self.events, self.draw)
            return self._places[account, region]

    def _bucket(self, name: str) -> Bucket:
        """The bucket of this name, at home: of two regions one is enough."""
        return self.home.s3.find(name)

    @property
    def s3(self) -> S3:
        """S3, at home."""
        return self.home.s3

    @property
    def ecs(self) -> Ecs:
        """ECS, at home."""
        return self.home.ecs

    @property
    def cloudwatch(self) -> CloudWatch:
        """CloudWatch, at home."""
        return self.home.cloudwatch

    @property
    def codedeploy(self) -> CodeDeploy:
        """CodeDeploy, at home."""
        return self.home.codedeploy

    @property
    def balancing(self) -> Balancing:
        """Elastic Load Balancing, at home."""
        return self.home.balancing

    @property
    def beanstalk(self) -> Beanstalk:
        """Elastic Beanstalk, at home."""
        return self.home.beanstalk

    @property
    def appconfig(self) -> AppConfig:
        """AppConfig, at home."""
        return self.home.appconfig

    @property
    def functions(self) -> Lambda:
        """Lambda, at home."""
        return self.home.functions

    @property
    def ecr(self) -> Ecr:
        """ECR, at home."""
        return self.home.ecr

    @property
    def slos(self) -> ApplicationSignals:
        """Application Signals, at home."""
        return self.home.slos

    @property
    def logs(self) -> Logs:
        """CloudWatch Logs, at home."""
        return self.home.logs

    @property
    def ssm(self) -> Ssm:
        """Of home."""
        return self.home.ssm

    @property
    def sns(self) -> Sns:
        """SNS, at home."""
        return self.home.sns

    @property
    def sqs(self) -> Sqs:
        """SQS, at home."""
        return self.home.sqs

    def advance(self) -> list[Event]:
        """Let happen what was to happen until now. Gives all events so far, oldest first."""
        with self._lock:
            self._go_on()
            return self.events.told(self.now())

    def _go_on(self) -> None:
        for place in list(self._places.values()):
            place.advance(self.now())
        for event in self.events.unheard():
            for hear in self._listeners:
                hear(event)
        due = [each for each in self._late if each[0] <= self.now()]
        self._late = [each for each in self._late if each not in due]
        for _, queue, event in sorted(due, key=lambda each: each[0]):
            self.sqs.send(queue, event, self.now())

    def locked(self) -> AbstractContextManager[Any]:
        """Nobody else does anything meanwhile."""
        return self._lock

    def carry(
        self, queue: str, kinds: Iterable[str] = ("ECS Deployment State Change", "ECS Hook State Change")
    ) -> None:
        """A rule of EventBridge: events of these detail types go to the SQS queue of this name, at home, from now on.

        Each arrives once and at once, unless `fates` says otherwise.
        """
        wanted = frozenset(kinds)

        def deliver(event: Event) -> None:
            if event["detail-type"] in wanted:
                self._late += [(self.now() + after, queue, event) for after in self.fates(event)]

        self.listen(deliver)

    def listen(self, hear: Callable[[Event], None]) -> None:
        """*hear* is told every event from now on, when time has come to it."""
        with self._lock:
            self._go_on()
            self._listeners.append(hear)

    def note_unsent(
        self, service: str, operation: str, parameters: Mapping[str, Any], region: str, code: str
    ) -> None:
        """Somebody tried to call, and was held back before AWS."""
        with self._lock:
            own = self.identities.own
            self.calls.append(
                Call(self.now(), service, operation, parameters, own.arn, own.account, region, code)
            )

    def has_message(self, url: str, account: str, region: str) -> bool:
        """A receive from this queue would be answered at once: so a long poll is one call."""
        with self._lock:
            self._go_on()
            return self.place(account, region).sqs.has_something(url, self.now())

    def mutating_calls(self) -> list[Call]:
        """The calls that could have changed something, also those that were refused."""
        with self._lock:
            return [call for call in self.calls if call.mutates]

    def count(self, service: str, operation: str) -> int:
        """How often *operation* was asked for."""
        with self._lock:
            return sum(call.service == service and call.operation == operation for call in self.calls)

    def ask(
        self, service: str, operation: str, parameters: Mapping[str, Any], who: Identity, region: str
    ) -> Answer:
        """One call, by either way in.

        Args:
            service: As botocore names it.
            operation: As AWS names it: ``DescribeServices``.
            parameters: Times may be datetimes or seconds.
            who: From `Identities`.
            region: Where it was sent to.

        Raises:
            FakeBug: The answer is none that AWS could give, or this is not faked.
        """
        with self._lock:
            try:
                return self._ask(service, operation, parameters, who, region)
            except FakeBug as bug:
                self.bugs.append(bug)
                raise

    def _ask(
        self, service: str, operation: str, parameters: Mapping[str, Any], who: Identity, region: str
    ) -> Answer:
        now = self.now()
        self.place(who.account, region)
        self._go_on()
        call = Call(now, service, operation, parameters, who.arn, who.account, region)
        faults = list(self.faults.striking(service, operation, now))
        lost = any(fault.lost for fault in faults)
        delay = sum(fault.delay for fault in faults)
        spoilt = next((fault.spoilt for fault in faults if fault.spoilt), "")
        try:
            content = self._done(call, who, faults)
        except AwsError as told:
            error = models.as_told(service, operation, told)
            models.vouch_for_error(service, operation, error)
            self.calls.append(replace(call, refused=error.code, answered=not lost))
            return Answer(error=error, delay=delay, lost=lost)
        self.calls.append(replace(call, answered=not lost))
        return Answer(content, delay=delay, lost=lost, spoilt=spoilt)

    def _done(self, call: Call, who: Identity, faults: list[Fault]) -> Mapping[str, Any]:
        service, operation = call.service, call.operation
        for error in [fault.error for fault in faults if fault.error]:
            raise error
        self.limits.count(service, operation, call.at)
        parameters = models.accepted(service, operation, call.parameters)
        self._permit(call, who, parameters)
        stale = max((fault.stale for fault in faults), default=timedelta(0))
        asked = Asked(parameters, call.at, call.at - stale, who.arn)
        return models.vouched(service, operation, self._handler(call, who)(asked))

    def _permit(self, call: Call, who: Identity, parameters: Mapping[str, Any]) -> None:
        """Raises `AwsError` where *who* may not. Nobody needs a permission to ask who they are [D]."""
        if call.service in site_concerns.SERVICES:
            wanted = site_concerns.requests(call.service, call.operation, parameters, who.account)
        else:
            wanted = [request(call.service, call.operation, parameters, f"{call.region}:{who.account}")]
        if call.action == "ecs:UpdateService":
            wanted += self.place(who.account, call.region).ecs.roles_passed(parameters)
        for each in wanted:
            if call.operation != "GetCallerIdentity" and not who.may(each):
                code = models.in_its_words(call.service, "AccessDeniedException")
                status = 403 if call.service in {"sts", "iam", *site_concerns.SERVICES} else 400
                raise AwsError(code, refused(who, each), status)

    def _handler(self, call: Call, who: Identity) -> Handler:
        handlers = {
            "sts": self.identities.sts(),
            "iam": self.identities.iam(),
            **self.place(who.account, call.region).handlers(),
            "cloudfront": self.cloudfront.operations(),
            "cloudfront-keyvaluestore": self.cloudfront.stores.operations(),
        }
        tagging = self.place(who.account, call.region).tagging
        tags = partial(tagging.tag_resources, may=who.may)
        handlers["resourcegroupstaggingapi"] = {**tagging.operations(), "TagResources": tags}
        models.operation(call.service, call.operation)
        try:
            return handlers[call.service][call.operation]
        except KeyError as missing:
            raise FakeBug(f"{call.service}.{call.operation} is not faked") from missing

"""What may stand in `rollbackd.yaml`: the doors. What has kinds, or refers to a name, is read apart."""

import ipaddress
import re
from datetime import UTC, timedelta, tzinfo
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    Strict,
    StringConstraints,
    model_validator,
)

from deploy.model import SERVICE, SERVICE_WORDS
from rules.document import quoted
from rules.document.early import Early
from rules.document.version import Version
from rules.duration import Duration, Share
from rules.errors import Malformed
from rules.model import RuleSet
from watcher.config.configuration import Listen, Network, account_id
from watcher.core.service import (
    Approval,
    Asking,
    Bake,
    Ceilings,
    Gating,
    KnownGood,
    Look,
    Mode,
    Policy,
    Returning,
    Speak,
    Then,
)

NAME = re.compile(SERVICE)  # of whatever is referred to
USUAL = Policy(RuleSet((), ()))  # what is in force where nothing is said; the reasons are in DESIGN, 2 and 9
NAME_REMEDY = f"begin with {SERVICE_WORDS}"

Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


def _lasting(value: timedelta) -> timedelta:
    if not value:
        raise Malformed("must last longer than 0 s", remedy="write a duration, such as 30m")
    return value


def _at_most(limit: timedelta, words: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value > limit:
            raise Malformed(f"longer than {words}", remedy=f"write at most {words}")
        return value

    return AfterValidator(check)


def _listen(value: object) -> Listen:
    host, separator, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not (host and separator and port.isascii() and port.isdigit() and int(port) <= 65535):  # noqa: PLR2004 - TCP's
        raise Malformed(
            "expected an address and a port", remedy="write 127.0.0.1:8080, or 0.0.0.0:8080 for all"
        )
    return Listen(host.removeprefix("[").removesuffix("]"), int(port))


def _network(value: object) -> Network:
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise Malformed(
            "not a network", remedy="write 10.0.0.0/8, or one address such as 10.0.0.11"
        ) from None


def url(value: str) -> str:
    """*value*, an address of HTTP without anything secret in it, and without a slash at its end."""
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Malformed("expected an http(s) URL", remedy="write https://rollbackd.example.com")
    if parts.username is not None or parts.query:
        raise Malformed("a URL with a user, a password or a query", remedy="write the address alone")
    return value.rstrip("/")


def _probability(value: float) -> float:
    if not 1e-6 <= value <= 0.1:  # noqa: PLR2004 - said in the message
        raise Malformed(
            "must lie between 0.0001% and 10%", remedy="0.1% is usual: one good release in a thousand"
        )
    return value


def is_loopback(host: str) -> bool:
    """Nobody but this machine reaches *host*."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Lasting = Annotated[Duration, AfterValidator(_lasting), _at_most(timedelta(days=31), "31d")]


class Strictly(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RootModel(Strictly):
    """The keys of the file; each is read apart."""

    version: Version
    daemon: dict[str, Any] = {}
    accounts: dict[str, Any] = {}
    connections: dict[str, Any] = {}
    teams: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    alerts: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    environments: dict[str, Any] = {}
    freezes: Annotated[list[Any], Field(max_length=100)] = []
    services: dict[str, dict[str, dict[str, Any]]] = {}


class ServicesModel(Strictly):
    """The keys of a file in services.d."""

    version: Version = 1
    services: dict[str, dict[str, dict[str, Any]]]


class TlsModel(Strictly):
    """See `Tls`."""

    certificate: str
    key: str


class HttpModel(Strictly):
    """``daemon.http``."""

    listen: Annotated[Listen, BeforeValidator(_listen)] = Listen()
    public_url: Annotated[str, AfterValidator(url)] | None = None
    tls: TlsModel | None = None


class TokenModel(Strictly):
    """See `Token`."""

    name: Annotated[str, StringConstraints(pattern=f"^{SERVICE}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    may: Annotated[list[Literal["announce", "read", "order", "relay"]], Field(min_length=1)]
    services: Annotated[list[str], Field(min_length=1)] = ["*"]


class CeilingsModel(Strictly):
    """See `Ceilings`."""

    service_per_day: Annotated[Whole, Field(ge=0, le=100)] = Ceilings().service_per_day
    fleet_per_hour: Annotated[Whole, Field(ge=0, le=1000)] = Ceilings().fleet_per_hour


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; UTC also where the machine has no list of them."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _zone(value: str) -> str:
    try:
        zone_of(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # no file, a step out of the data, a folder
        raise Malformed(
            f"{quoted(value)} is no time zone that this machine knows",
            remedy="write its name as the IANA gives it, such as Europe/Berlin; or UTC",
        ) from error
    return value


def _file(value: str) -> str:
    if not value.startswith("/") or "\0" in value:
        raise Malformed(
            f"{quoted(value)} is not the path of a file",
            remedy="write it from the root: /etc/rollbackd/disarmed",
        )
    return value


class ParameterModel(Strictly):
    """A parameter of Systems Manager, and the account that it is in."""

    account: str
    parameter: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,1011}$")]


class LeverModel(Strictly):
    """One of ``daemon.disarmed_by``: what holds the daemon off from outside, for as long as it says so."""

    file: Annotated[str, AfterValidator(_file)] | None = None
    ssm: ParameterModel | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.file is None) == (self.ssm is None):
            raise Malformed(
                "exactly one thing holds off",
                remedy="write {file: /etc/rollbackd/disarmed}, or {ssm: {account: NAME, parameter: /rollbackd/disarmed}}",
            )
        return self


class ReadyModel(Strictly):
    """``daemon.ready``: when it is looked at each day whether every service could be put back."""

    at: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "07:00"
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    enabled: Flag = True


class DaemonModel(Strictly):
    """``daemon``; its store has kinds, its heartbeat and its relay have secrets: they are read apart."""

    store: Any = None
    http: HttpModel = HttpModel()
    tokens: list[TokenModel] = []
    reach: list[Annotated[Network, BeforeValidator(_network)]] = []
    ceilings: CeilingsModel = CeilingsModel()
    alone: Flag = False
    heartbeat: Any = None
    relay: Any = None
    disarmed_by: Annotated[list[LeverModel], Field(max_length=8)] = []
    ready: ReadyModel = ReadyModel()


class HeartbeatModel(Strictly):
    """``daemon.heartbeat``. Whoever knows the URL can keep the monitor quiet, so it is a secret."""

    url: SecretStr
    every: Annotated[Lasting, _at_most(timedelta(hours=1), "1h")] = timedelta(minutes=1)


def _region(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", value):
        raise Malformed(
            f"{quoted(value)} is no region of AWS", remedy="write its short name, such as eu-central-1"
        )
    return value


def _role(value: str) -> str:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}", value):
        raise Malformed(
            f"{quoted(value)} is not the ARN of a role", remedy="write arn:aws:iam::123456789012:role/NAME"
        )
    return value


Role = Annotated[str, AfterValidator(_role)]


class AccountModel(Strictly):
    """See `Account`."""

    region: Annotated[str, AfterValidator(_region)]
    read: Role | None = None
    act: Role | None = None

    @model_validator(mode="after")
    def _is_one_account(self) -> Self:
        if self.read and self.act and account_id(self.read) != account_id(self.act):
            raise Malformed(
                "the two roles are of different accounts", remedy="give each account an entry of its own"
            )
        return self


class EscalateModel(Strictly):
    """See `Escalation`; its references are read apart."""

    after: Annotated[Lasting, _at_most(timedelta(hours=12), "12h")]
    to: Annotated[list[Any], Field(min_length=1)]


class TeamModel(Strictly):
    """See `Team`; its references are read apart."""

    tell: list[Any] = []
    may_order: list[str] = []
    escalate: EscalateModel | None = None


class BakeModel(Strictly):
    """See `Bake`."""

    at_least: Lasting = Bake().at_least
    at_most: Lasting = Bake().at_most
    runs: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    pass_early: Early = None

    @model_validator(mode="after")
    def _has_a_time_to_shorten(self) -> Self:
        if self.runs is not None and self.pass_early is not None:
            raise Malformed(
                "a bake of runs has no shortest time to pass before", remedy="remove `runs`, or `pass_early`"
            )
        return self

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.at_least > self.at_most:
            raise Malformed(
                "at_least is longer than at_most", remedy="write at_most: 24h, or a shorter at_least"
            )
        return self


class AskingModel(Strictly):
    """See `Asking`."""

    lasting: Annotated[Lasting, Field(alias="for")] = Asking().lasting
    then: Then = Asking().then
    stuck: Annotated[Lasting, _at_most(timedelta(days=7), "7d")] = Asking().stuck


class KnownGoodModel(Strictly):
    """See `KnownGood`."""

    served_after: Annotated[Duration, _at_most(timedelta(days=90), "90d")] = KnownGood().served_after
    may_cross: Annotated[Whole, Field(ge=0, le=100)] = KnownGood().may_cross


class GateModel(Strictly):
    """See `Gating`; whether the environments are there is looked at apart."""

    after: Annotated[
        list[Annotated[str, StringConstraints(pattern=f"^{SERVICE}$")]], Field(max_length=8)
    ] = []
    approval: Approval = Gating().approval
    passed_by: Annotated[list[Look], Field(max_length=len(Look))] = list(Gating().passed_by)
    quarantined: Returning = Gating().quarantined
    asking: Annotated[Lasting, _at_most(timedelta(days=7), "7d")] = Gating().asking
    seen_within: Annotated[Duration, _at_most(timedelta(days=1), "1d")] = Gating().seen_within
    waits: Annotated[Lasting, _at_most(timedelta(days=7), "7d")] = Gating().waits


class ChangesModel(Strictly):
    """See `Around`; whether its sources are there is looked at apart."""

    told_by: list[str] = []
    own: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=256)]], Field(max_length=100)
    ] = []


class Layer(Strictly):
    """Any key of a service; the defaults, an environment and a service are each one of these.

    ``runs_on``, ``heard_from``, ``rules`` and ``names`` have kinds or references, and are read apart; so is ``rollout``.
    """

    account: str | None = None
    runs_on: Any = None
    heard_from: list[Any] = []
    names: dict[str, str] = {}
    rules: list[Any] = []
    mode: Mode = USUAL.mode
    false_rollback_probability: Annotated[Share, AfterValidator(_probability)] = (
        USUAL.false_rollback_probability
    )
    bake: BakeModel = BakeModel()
    rollout_timeout: Lasting = USUAL.rollout_timeout
    move_timeout: Lasting = USUAL.move_timeout
    countdown: Annotated[Duration, _at_most(timedelta(hours=1), "1h")] = USUAL.countdown
    asking: AskingModel = AskingModel()
    speak: Speak = USUAL.speak
    known_good: KnownGoodModel = KnownGoodModel()
    team: str | None = None
    reads_live: Annotated[Lasting, _at_most(timedelta(minutes=10), "10m")] = timedelta(seconds=30)
    changes: ChangesModel = ChangesModel()
    rollout: Any = None
    gate: GateModel = GateModel()
    mirror: Annotated[list[Any], Field(max_length=8)] = []


class RulesModel(Strictly):
    """One entry of ``rules:``."""

    file: str | None = None
    pack: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")] | None = None
    given: Annotated[dict[str, Any], Field(alias="with")] = {}

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.file is None) == (self.pack is None):
            raise Malformed("expected one of `file` and `pack`", remedy="write {file: rules/NAME.yaml}")
        return self

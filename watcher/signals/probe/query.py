"""What a query of `http` may say."""

import functools
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from rules.duration import Duration, Share
from rules.errors import Malformed
from watcher.signals.limits import Addressed
from watcher.signals.probe.health import Health

USUAL_TIMEOUT = timedelta(seconds=2)
MOST_ASKED = 1000  # probes of a beat that a quorum counts
USUAL_GRACE = timedelta(minutes=1)  # a guess: most services are up by then, and one that is not says its own
LONGEST_GRACE = timedelta(
    minutes=10
)  # what was seen is remembered for a quarter of an hour: when a start began must be known
_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_PATH = re.compile(r"[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+|\[[0-9]{1,4}\])*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
Scalar = StrictBool | StrictInt | float | str | None


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _ranges(value: Any) -> Any:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(_range(item) for item in items)


def _range(item: Any) -> tuple[int, int]:
    found = _STATUS.fullmatch(str(item)) if not isinstance(item, bool) else None
    if found is None or int(found[2] or found[1]) < int(found[1]):
        raise Malformed("not a status", remedy="write 200, [200, 204] or 200-299")
    return int(found[1]), int(found[2] or found[1])


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise Malformed("not a path into JSON", remedy="write entries.db[0].status")
    return value


def _headers(value: Mapping[str, str]) -> Mapping[str, str]:
    for name, content in value.items():
        if not _HEADER.fullmatch(name) or not content.isprintable():
            raise Malformed("not a header", remedy="a name, and a value on one line")
    return value


Path = Annotated[str, AfterValidator(_path), StringConstraints(max_length=200)]
Headers = Annotated[Mapping[str, str], AfterValidator(_headers)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Statuses = Annotated[tuple[tuple[int, int], ...], BeforeValidator(_ranges)]


class InJson(_Model):
    """A value in the answer's JSON, and what it must be."""

    path: Path
    equals: Scalar


class Version(_Model):
    """Where the answer says which release it is of, and what the releases are called there."""

    header: Annotated[str, StringConstraints(pattern=_HEADER.pattern)] | None = None
    json_: Path | None = Field(default=None, alias="json")
    equals: Text  # written out, `${arm.version}`: a reader of the rule file sees that arms are told apart

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if (self.header is None) == (self.json_ is None):
            raise Malformed("where does the answer say its version?", remedy="write `header: …` or `json: …`")
        return self


class Expect(_Model):
    """What a good answer is.

    Attributes:
        status: One, several, or ranges; by default 200-299.
        text: Must stand somewhere in the body.
        not_text: One text or several, none of which may stand in it: what says that it is not well, with a good status.
        header: Headers and their values.
        json_: Values in the body.
        health: The body is a health document, and what it says has to be well.
    """

    status: Statuses = ((200, 299),)
    text: Text | None = None
    not_text: Annotated[list[Text], BeforeValidator(_texts), Field(max_length=20)] = []
    header: Headers = {}
    json_: Annotated[list[InJson], Field(alias="json", max_length=50)] = []
    health: Health | None = None
    version: Version | None = None

    @property
    def reads_the_body(self) -> bool:
        """It can only be weighed of an answer that has one."""
        return bool(self.text or self.not_text or self.json_ or self.health)


class Starting(_Model):
    """How an address says that a release is just being put there, or warms up.

    Attributes:
        status: One, several, or ranges; by default 503.
        text: Stands somewhere in the body, and nowhere in the answers of a service that fails: a bare status would hide failures.
    """

    status: Statuses = ((503, 503),)
    text: Text


class Tls(_Model):
    """How the certificate is checked.

    Attributes:
        verify: False only where there is no other way: anybody on the network can answer then.
        min_days: It is bad if the certificate ends sooner.
        ca: A file with the authorities that are trusted instead of the system's.
    """

    verify: StrictBool = True
    min_days: Annotated[StrictInt, Field(ge=0, le=3650)] | None = None
    ca: str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.verify and (self.min_days is not None or self.ca is not None):
            raise Malformed(
                "a certificate that is not verified tells nothing", remedy="leave `verify: false` out"
            )
        return self


def _quorum(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, int) and not 1 <= value <= MOST_ASKED):
        raise Malformed("not a quorum", remedy="write how many must be well, 2, or which share of them, 60%")
    return value


def _some(value: float) -> float:
    if value <= 0:
        raise Malformed("a quorum of nobody", remedy="write how many must be well, 2, or which share, 60%")
    return value


Quorum = Annotated[StrictInt | Annotated[Share, AfterValidator(_some)], BeforeValidator(_quorum)]


class Probes(Addressed):
    """What all kinds of probes may say of whom they ask.

    Attributes:
        times: How often each address is asked in a beat, each time on a connection of its own: through a balancer another
            instance may answer.
        quorum: All probes of a beat are counted as one, which is good if so many of them are (2), or such a share (60%).
            Of fewer than so many probes of a release nothing is counted.
        grace: How long a task that was found may take from its start until it answers well for the first time, and an address
            that said that it starts; 1 minute, if nothing else is said.
    """

    times: Annotated[StrictInt, Field(ge=1, le=10)] = 1
    quorum: Quorum | None = None
    grace: Duration | None = None

    @model_validator(mode="after")
    def _has_grace_where_it_finds(self) -> Self:
        if self.grace is not None and self.discover is None and not self.hears_starts:
            raise Malformed(
                "`grace` is for tasks that are found, and for addresses that say that they start",
                remedy="leave `grace` out, or write `discover: …`, or `starting: …` where the kind has it",
            )
        return self

    @property
    def hears_starts(self) -> bool:
        """An address may say that a release is just being put there."""
        return False

    @property
    def start_takes(self) -> timedelta:
        """How long a start may take."""
        return USUAL_GRACE if self.grace is None else self.grace

    @model_validator(mode="after")
    def _has_a_quorum_of_several(self) -> Self:
        asked = self.times * len(self.addresses)
        if self.quorum is None or self.discover is not None:
            return self
        if asked == 1 or (isinstance(self.quorum, int) and self.quorum > asked):
            raise Malformed(
                f"a quorum of {self.quorum}, where {asked} are asked",
                remedy="name the instances under `urls:`, or ask a balancer several `times:`",
            )
        return self


class Query(Probes):
    """``{http: {url, every, timeout, expect: {status, text, health, version}, slower_than, times, quorum}}``.

    Attributes:
        timeout: Of one probe; by default 2 s, or half of a shorter beat.
        headers: That are sent: to be routed to the canary, for example. No secrets.
        slower_than: A good answer is bad if its last byte came later.
        starting: Of an address that answers so, nothing is counted from then on until it answers well, for at most `grace`: its
            silence is not held against the release, and not for it either.
    """

    timeout: Duration | None = None
    method: Literal["GET", "HEAD"] = "GET"
    headers: Headers = Field(default_factory=dict)
    expect: Expect = Expect()
    slower_than: Duration | None = None
    tls: Tls = Tls()
    starting: Starting | None = None

    @model_validator(mode="after")
    def _remembers_a_start(self) -> Self:
        if self.grace is not None and self.starting is not None and self.grace > LONGEST_GRACE:
            raise Malformed(
                "nobody would remember when so long a start began", remedy="make `grace` at most 10m"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_beat(self) -> Self:
        if self.timeout is not None and not timedelta(0) < self.timeout <= self.every * 0.8:
            raise Malformed(
                "the timeout does not fit the beat", remedy="make `timeout` at most 80 % of `every`"
            )
        if self.method == "HEAD" and (self.expect.reads_the_body or self.starting):
            raise Malformed("the answer to HEAD has no body", remedy="use GET")
        return self

    @property
    def patience(self) -> timedelta:
        """How long one probe may take."""
        return self.timeout or min(USUAL_TIMEOUT, self.every / 2)

    @property
    def hears_starts(self) -> bool:
        """Its answers may say so."""
        return self.starting is not None


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)

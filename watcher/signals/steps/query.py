"""What a query of `steps` may say, and what a connection of that kind has: secrets, and where they may be sent."""

import functools
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StringConstraints,
    model_validator,
)

from rules.duration import Duration
from rules.errors import Malformed
from rules.model import Indicator
from watcher.signals.arms import filled_with
from watcher.signals.limits import LONGEST_URL, Every
from watcher.signals.probe.following import origin_of
from watcher.signals.probe.query import Expect, Headers, Probes, Tls
from watcher.signals.steps.carry import TEMPLATE, names_in
from watcher.signals.steps.linear import check

USUAL_DEADLINE = timedelta(seconds=10)
USUAL_TIMEOUT = timedelta(seconds=5)
MOST_STEPS = 20
SHORTEST_SECRET = 4  # characters: a shorter one would be hidden wherever its letters stand, and is none
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*){1,20}")
_ORIGIN = re.compile(r"https?://[^/?#]+")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
_A_VALUE = "v"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _pointer(value: str) -> str:
    if not _POINTER.fullmatch(value):
        raise Malformed("not a JSON pointer", remedy="write /items/0/id")
    return value


def _address(value: str) -> str:
    """An absolute or relative address, or one value that was carried."""
    whole = TEMPLATE.fullmatch(value)
    if whole and whole[1] == "step":
        return value
    if "secret" in {kind for kind, _ in TEMPLATE.findall(value)}:
        raise Malformed(
            "a secret in an address is written into every log", remedy="send it in a header or body"
        )
    filling = TEMPLATE.sub(_A_VALUE, filled_with(value, _A_VALUE))
    origin = _ORIGIN.match(value)
    is_absolute = origin is not None and origin_of(filling) is not None and not TEMPLATE.search(origin[0])
    if not (is_absolute or value.startswith("/")) or value.startswith("//") or len(value) > LONGEST_URL:
        raise Malformed("expected an address", remedy="write /path, https://host/path or ${step.NAME}")
    if "#" in value or not value.isprintable() or " " in value:
        raise Malformed("an address with a blank or a #", remedy="write /path or https://host/path")
    return value


def _sendable(value: Mapping[str, str]) -> Mapping[str, str]:
    for name in value:
        if name.lower() in _FRAMING:
            raise Malformed(f"{name} is said by the connection itself", remedy="leave it out")
    return value


class Capture(_Model):
    """What is taken out of an answer, in one way.

    Attributes:
        json_: A JSON pointer (RFC 6901) to a single value in the body.
        header: The name of a header.
        regex: A pattern with one pair of parentheses around what is taken; it searches the first 256 KiB. Of regular
            expressions what can be searched in linear time: no `|`, no repeat of `.` or of a group.
    """

    json_: Annotated[str, AfterValidator(_pointer)] | None = Field(default=None, alias="json")
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")] | None = None
    regex: Annotated[str, AfterValidator(check)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.json_, self.header, self.regex)) != 1:
            raise Malformed(
                "where is it taken from?", remedy="write one of `json: /a/b`, `header: Name`, `regex: …`"
            )
        return self


class Step(_Model):
    """One request, and what its answer has to be.

    Attributes:
        name: What messages call it; by default its number.
        url: Absolute, or a path at the suite's `url`, or `${step.NAME}` alone for an address that was carried.
        method: By default GET, or POST where something is sent.
        headers: That are sent. `${step.NAME}` and `${secret.NAME}` may stand in headers and bodies.
        body: Text that is sent; or `json`; or `form`.
        json_: Sent as JSON. A `${step.NAME}` alone keeps its type.
        form: Sent as a form.
        expect: What a good answer is, as for `http`; `${step.NAME}` may stand in it.
        capture: What later steps say as `${step.NAME}`.
        follow: Redirects are followed, at the same origin; by default one is an answer.
        timeout: Of this step; by default 5 s, and never longer than what the deadline leaves.
        slower_than: A good answer is bad if its last byte came later.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")] | None = None
    url: Annotated[str, AfterValidator(_address)]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] | None = None
    headers: Annotated[Headers, AfterValidator(_sendable)] = Field(default_factory=dict)
    body: Annotated[str, StringConstraints(max_length=65536)] | None = None
    json_: Any = Field(default=None, alias="json")
    form: Annotated[Mapping[str, str], Field(max_length=100)] | None = None
    expect: Expect = Expect()
    capture: Annotated[Mapping[Name, Capture], Field(max_length=20)] = Field(default_factory=dict)
    follow: StrictBool = False
    timeout: Annotated[Duration, Field(gt=timedelta(0))] = USUAL_TIMEOUT
    slower_than: Duration | None = None

    @model_validator(mode="after")
    def _sends_one_thing(self) -> Self:
        if sum(each is not None for each in (self.body, self.json_, self.form)) > 1:
            raise Malformed("several bodies", remedy="write one of `body`, `json` and `form`")
        if self.sends and self.method in {"GET", "HEAD"}:
            raise Malformed(f"{self.method} sends no body", remedy="write `method: POST`, or leave it out")
        if self.method == "HEAD" and self.expect.reads_the_body:
            raise Malformed("the answer to HEAD has no body", remedy="use GET")
        return self

    @property
    def sends(self) -> bool:
        """It has a body."""
        return self.body is not None or self.json_ is not None or self.form is not None

    @property
    def said(self) -> list[Any]:
        """All in which names may stand, in the order in which it is sent and then expected."""
        expect = self.expect
        return [
            self.url,
            dict(self.headers),
            self.body,
            self.json_,
            self.form,
            expect.text,
            dict(expect.header),
            [each.equals for each in expect.json_],
            expect.not_text,
        ]


class Query(Probes):
    """``{steps: {url, every, deadline, steps: [{name, url, method, json, expect, capture}]}}``, or the list alone.

    Attributes:
        url: Where paths lead; by default the origin of the first step.
        every: How often the suite runs; by default every 30 s. Each run leaves what it leaves: orders, sessions.
        steps: One after the other. The run ends with the first that fails.
        deadline: Of the whole run; by default 10 s, or half of a shorter beat.
        tls: How certificates are checked.
    """

    every: Every = timedelta(seconds=30)
    steps: Annotated[list[Step], Field(min_length=1, max_length=MOST_STEPS)]
    deadline: Duration | None = None
    tls: Tls = Tls()

    @model_validator(mode="before")
    @classmethod
    def _has_an_address(cls, written: Any) -> Any:
        """Without an address of its own, the suite lives at the origin of its first step."""
        if not isinstance(written, dict) or {"url", "urls", "discover"} & written.keys():
            return written
        steps = written.get("steps")
        first = (
            steps[0].get("url") if isinstance(steps, list) and steps and isinstance(steps[0], dict) else None
        )
        origin = _ORIGIN.match(first) if isinstance(first, str) else None
        return {**written, "url": f"{origin[0]}/"} if origin else written

    @model_validator(mode="after")
    def _carries_what_was_taken(self) -> Self:
        taken: set[str] = set()
        for number, step in enumerate(self.steps, 1):
            strange = names_in(step.said, "step") - taken
            if strange:
                raise Malformed(
                    f"step {number} says ${{step.{min(strange)}}}, which no step before it captures",
                    remedy=f"add `capture: {{{min(strange)}: …}}` to one",
                )
            if names_in(step.said[5:], "secret"):
                raise Malformed(f"step {number} expects a secret", remedy="expect what is no secret")
            taken |= step.capture.keys()
        return self

    @model_validator(mode="after")
    def _is_of_one_release(self) -> Self:
        names = [step.name for step in self.steps if step.name]
        if len(names) != len(set(names)):
            raise Malformed("two steps of one name", remedy="give each a name of its own")
        if any(TEMPLATE.search(each) for each in self._releases()):
            raise Malformed("what a release is called is no matter of steps", remedy="write ${arm.version}")
        if len(set(self._releases())) > 1:
            raise Malformed(
                "the steps call one release by several names", remedy="write the same `equals` in each"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_beat(self) -> Self:
        if self.deadline is not None and not timedelta(0) < self.deadline <= self.every * 0.8:
            raise Malformed(
                "the deadline does not fit the beat", remedy="make `deadline` at most 80 % of `every`"
            )
        return self

    @property
    def patience(self) -> timedelta:
        """How long a run may take."""
        return self.deadline or min(USUAL_DEADLINE, self.every / 2)

    @property
    def release(self) -> str | None:
        """What the answers call a release; ``None`` where no step asks."""
        return next(self._releases(), None)

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that are sent."""
        return frozenset().union(*(names_in(step.said, "secret") for step in self.steps))

    @property
    def origins(self) -> frozenset[tuple[str, str, int]]:
        """Where its requests go by what it says itself, beside the address that it lives at."""
        found = (origin_of(step.url) for step in self.steps if step.url.startswith("http"))
        return frozenset(each for each in found if each is not None)

    def _releases(self) -> Iterator[str]:
        return (step.expect.version.equals for step in self.steps if step.expect.version)


def anonymous(written: dict[str, Any]) -> dict[str, Any]:
    """The query as it is written, for whichever release answers."""
    for step in written["steps"]:
        if "version" in step.get("expect", {}):
            step["expect"]["version"]["equals"] = "-"
    return written


Network = IPv4Network | IPv6Network
Place = tuple[str, str, int] | Network


def _place(value: str) -> str:
    place_of(value)
    return value


def place_of(text: str) -> Place:
    """An origin, or a network of addresses.

    Raises:
        Malformed: It is neither.
    """
    origin = origin_of(text)
    if origin is not None and _ORIGIN.fullmatch(text.rstrip("/")):
        return origin
    try:
        return ip_network(text)
    except ValueError:
        raise Malformed(
            "neither an origin nor a network", remedy="write https://shop.example.com, or 10.0.0.0/16"
        ) from None


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_SECRET:
        raise Malformed(f"a secret of fewer than {SHORTEST_SECRET} characters", remedy="give a longer one")
    return value


class Settings(_Model):
    """``connections: {NAME: {steps: {secrets: {NAME: reference}, to: [ORIGIN]}}}``; only suites with secrets need one.

    Attributes:
        secrets: Each by its name; rule files say `${secret.NAME}`.
        to: Where they may be sent, and nowhere else: origins, or networks where each task is asked at its own address.
    """

    secrets: Annotated[
        Mapping[Name, Annotated[SecretStr, AfterValidator(_long)]], Field(min_length=1, max_length=50)
    ]
    to: Annotated[list[Annotated[str, AfterValidator(_place)]], Field(min_length=1, max_length=50)]

    def may_go_to(self, url: str) -> bool:
        """Secrets may be sent to *url*."""
        origin = origin_of(url)
        return origin is not None and any(_is_at(origin, place_of(text)) for text in self.to)


def _is_at(origin: tuple[str, str, int], place: Place) -> bool:
    if isinstance(place, tuple):
        return origin == place
    try:
        address = ip_address(origin[1])
    except ValueError:
        return False
    return address.version == place.version and address in place


@functools.lru_cache(maxsize=256)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


def misfit(indicator: Indicator, settings: BaseModel) -> tuple[str, str] | None:
    """A secret that the suite sends and the connection does not have, or may not send there; as far as it can be told."""
    query = parsed(indicator.query)
    if not isinstance(settings, Settings):
        return None
    missing = sorted(query.secrets - settings.secrets.keys())
    if missing:
        known = ", ".join(sorted(settings.secrets))
        return (
            f"the connection has no secret `{missing[0]}`",
            f"it has {known}; add it there, or correct the name",
        )
    for step in query.steps:
        for base in query.addresses if names_in(step.said, "secret") else ():
            url = step.url if step.url.startswith("http") else base
            if "${" not in (_ORIGIN.match(url) or [url])[0] and not settings.may_go_to(url):
                return (
                    f"no secret of the connection may be sent to {url[:100]}",
                    "add its origin to `to:`, if it is yours",
                )
    return None

"""What a query of `page` may say."""

import functools
import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rules.duration import Duration
from rules.errors import Malformed
from watcher.signals.limits import LONGEST_URL, Every
from watcher.signals.probe.following import origin_of
from watcher.signals.probe.query import Headers, Path, Probes, Statuses, Text, Tls

USUAL_DEADLINE = timedelta(seconds=10)
_ORIGIN = re.compile(r"https?://[^/?#@\s]+/?")
_FILE = re.compile(r"(?:https?://[^/?#@\s]+)?/[A-Za-z0-9._~/?%&=+-]*")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _file(value: str) -> str:
    if not _FILE.fullmatch(value) or value.startswith("//") or len(value) > LONGEST_URL:
        raise Malformed("expected the address of a file", remedy="write /version.json")
    return value


def _origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value) or origin_of(value) is None:
        raise Malformed("expected an origin", remedy="write https://cdn.example.com")
    return value


class InFile(_Model):
    """A JSON file beside the page, and the path in it."""

    url: Annotated[str, AfterValidator(_file)]
    path: Path


class Marker(_Model):
    """Where the page says which release it is of, and what the releases are called there.

    Attributes:
        meta: The name of a ``<meta>`` in the page itself. The only one that an old page in a cache cannot get wrong.
        json_: `{url, path}`: a file beside it.
        global_: A variable that a script sets to a text: `__RELEASE__`, `app.release`.
        equals: `${arm.version}`.
    """

    meta: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._-]{1,100}$")] | None = None
    json_: InFile | None = Field(default=None, alias="json")
    global_: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^[A-Za-z_$][A-Za-z0-9_$]*(?:\.[A-Za-z_$][A-Za-z0-9_$]*){0,3}$", max_length=128
            ),
        ]
        | None
    ) = Field(default=None, alias="global")
    equals: Text

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if sum(each is not None for each in (self.meta, self.json_, self.global_)) != 1:
            raise Malformed(
                "where does the page say its release?",
                remedy="write `meta: …`, `json: {url: /version.json, path: …}` or `global: …`",
            )
        return self


class Expect(_Model):
    """What a good page is.

    Attributes:
        status: Of the page; by default 200-299.
        assets: `own`: every file that the page names at its own origin, and at `origins`, has to be there; `all`: those of
            strangers too.
        release: Whose page it is.
    """

    status: Statuses = ((200, 299),)
    assets: Literal["own", "all"] = "own"
    release: Marker | None = None


class Query(Probes):
    """``{page: {url, every, expect: {assets, release}}}``.

    Attributes:
        url: Of the page, as people open it.
        every: How often it is opened; by default every 30 s.
        deadline: Of the page with all its files; by default 10 s, or half of a shorter beat.
        headers: That are sent to the page's own origin: to be routed to the canary, for example. No secrets.
        origins: Where its files are, beside the page's own origin.
        tls: How certificates are checked.
    """

    every: Every = timedelta(seconds=30)
    deadline: Duration | None = None
    headers: Headers = Field(default_factory=dict)
    origins: Annotated[list[Annotated[str, AfterValidator(_origin)]], Field(max_length=20)] = Field(
        default_factory=list
    )
    expect: Expect = Expect()
    tls: Tls = Tls()

    @model_validator(mode="after")
    def _fits_the_beat(self) -> Self:
        if self.deadline is not None and not timedelta(0) < self.deadline <= self.every * 0.8:
            raise Malformed(
                "the deadline does not fit the beat", remedy="make `deadline` at most 80 % of `every`"
            )
        return self

    @property
    def patience(self) -> timedelta:
        """How long a page may take, with all its files."""
        return self.deadline or min(USUAL_DEADLINE, self.every / 2)

    @property
    def release(self) -> str | None:
        """What the pages call a release; ``None`` where nobody asks."""
        return None if self.expect.release is None else self.expect.release.equals


def anonymous(written: dict[str, Any]) -> dict[str, Any]:
    """The query as it is written, for whichever release answers."""
    if "release" in written.get("expect", {}):
        written["expect"]["release"]["equals"] = "-"
    return written


@functools.lru_cache(maxsize=256)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)

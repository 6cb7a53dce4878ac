"""What a query of `sentry` may say: sessions, requests, errors, or new issues, of one project and by the release."""

import functools
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.arms import names_in
from watcher.signals.exposed import listed

MINUTE = timedelta(minutes=1)
USUAL = MINUTE
# Those that every endpoint takes: another one is replaced by a default without a word.
BUCKETS = tuple(minutes * MINUTE for minutes in (1, 5, 10, 15, 30, 60))
# Sentry itself calls a bucket incomplete up to 90 s after its end; ten more for clocks that differ.
LEAST_SETTLE = timedelta(seconds=100)
# A session begins at once, and its crash is told when it happens: what crashes later than this is not counted.
SESSIONS_SETTLE = timedelta(minutes=5)
LONGEST_SETTLE = timedelta(hours=1)
_RELEASE_SIGNS = re.compile(r"[A-Za-z0-9._:/@+-]{1,250}")
_KEYS = re.compile(r"(?:^|[\s(!])(release|project|project\.id|environment)\s*:", re.IGNORECASE)


def _bucket(value: timedelta) -> timedelta:
    if value not in BUCKETS:
        allowed = ", ".join(map(duration_text, BUCKETS))
        raise Malformed("Sentry has no buckets of this length", remedy=f"write one of {allowed}")
    return value


def _settle(value: timedelta) -> timedelta:
    if not LEAST_SETTLE <= value <= LONGEST_SETTLE:
        limits = f"{duration_text(LEAST_SETTLE)} to {duration_text(LONGEST_SETTLE)}"
        raise Malformed(
            f"must lie within {limits}: Sentry calls a bucket incomplete for 90 s", remedy="write 5m"
        )
    return value


def _release(value: str) -> str:
    if not names_in(value):
        raise Malformed(
            "it names no release, so that the new one cannot be told from the old one",
            remedy='write release: "${arm.sentry}", and `sentry:` under `names:` of the service',
        )
    if not _RELEASE_SIGNS.fullmatch(re.sub(r"\$\{arm\.[a-z0-9_]+\}", "v", value)):
        raise Malformed("signs that no release has", remedy='write release: "${arm.sentry}"')
    return value


def _search(value: str) -> str:
    if not value.isprintable() or not value.strip():
        raise Malformed("a search of Sentry in one line", remedy='write where: "http.method:POST"')
    if _KEYS.search(value):
        raise Malformed(
            "release, project and environment have keys of their own", remedy="take them out of `where`"
        )
    depth = 0
    for sign in re.sub(r'"[^"]*"', "", value):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            break
    if depth or value.count('"') % 2:
        raise Malformed("parentheses or quotes that do not match", remedy="close what is open")
    return value


Status = Literal["crashed", "abnormal", "unhandled"]


class _Strictly(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewIssues(_Strictly):
    """Issues that were first seen in the release.

    Attributes:
        unhandled: Only those that no code caught.
        events: With at least so many events.
    """

    unhandled: bool = True
    events: Annotated[int, Field(ge=1, le=1_000_000)] = 5


class Query(_Strictly):
    """``{sentry: {sessions, …}}``, or `requests`, or `errors` and `of`, or `new_issues`.

    Attributes:
        sessions: Ends of a session that are bad, of all sessions: `crashed`, or a list with `abnormal` and `unhandled`.
        requests: `failed`: transactions that failed, of all that Sentry kept.
        errors: Events of the kind error, `all` or `unhandled`, beside what `of` counts.
        of: What errors are set against: `sessions` or `requests` of the same release.
        new_issues: `{unhandled, events}`: bad once the release has an issue that is new with it.
        where: More of a search, as Sentry's own: of requests, or of errors.
        project: Its slug, or its number.
        environment: As Sentry has it.
        release: What the release is called there: `${arm.sentry}`.
        bucket: Its length.
        settle: How long after its end a bucket is final: by default 5m for sessions, 100s for what else there is.
    """

    sessions: Annotated[list[Status], BeforeValidator(listed), Field(min_length=1, max_length=3)] | None = (
        None
    )
    requests: Literal["failed"] | None = None
    errors: Literal["all", "unhandled"] | None = None
    of: Literal["sessions", "requests"] | None = None
    new_issues: NewIssues | None = None
    where: Annotated[str, Field(max_length=500), AfterValidator(_search)] | None = None
    project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$"), BeforeValidator(str)]
    environment: Annotated[str, Field(pattern=r"^[^\s/\"]{1,64}$")] | None = None
    release: Annotated[str, AfterValidator(_release)]
    bucket: Annotated[Duration, AfterValidator(_bucket)] = USUAL
    settle: Annotated[Duration, AfterValidator(_settle)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        named = [
            name
            for name in ("sessions", "requests", "errors", "new_issues")
            if getattr(self, name) is not None
        ]
        if len(named) != 1:
            raise Malformed(
                "exactly one thing is read", remedy="write one of sessions, requests, errors or new_issues"
            )
        if (self.errors is None) != (self.of is None):
            raise Malformed(
                "errors alone say nothing: busy hours have more of them",
                remedy="write `errors: all` with `of: sessions` or `of: requests`",
            )
        if self.where is not None and named[0] not in {"requests", "errors"}:
            raise Malformed(f"`where` cannot narrow {named[0]}", remedy="leave `where` out")
        return self

    @property
    def reads_sessions(self) -> bool:
        """Sessions are a part of it."""
        return self.sessions is not None or self.of == "sessions"

    @property
    def settles(self) -> timedelta:
        """How long after its end a bucket is final."""
        return self.settle or (SESSIONS_SETTLE if self.sessions is not None else LEAST_SETTLE)


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


_NEEDS: Mapping[Kind, tuple[str, Callable[[Query], bool]]] = {
    Kind.RATIO: ("sessions or requests", lambda query: bool(query.sessions or query.requests)),
    Kind.EVENTS: ("errors and of", lambda query: query.errors is not None),
    Kind.STATE: ("new_issues", lambda query: query.new_issues is not None),
}
FITS = frozenset(_NEEDS)


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    needs, fits = _NEEDS[indicator.kind]
    if fits(parsed(indicator.query)):
        return None
    return f"{indicator.kind} cannot be read with this query", f"it needs {needs}"


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket."""
    return parsed(indicator.query).bucket


def settle(indicator: Indicator) -> timedelta:
    """How long after its end a bucket is final."""
    return parsed(indicator.query).settles

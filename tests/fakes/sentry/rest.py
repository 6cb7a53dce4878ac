"""The REST API, as far as reading goes: doors, limits, pages, and the answers of each endpoint.

Source:
    https://docs.sentry.io/api/; getsentry/sentry: snuba/sessions_v2, api/endpoints/organization_events_timeseries
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.sentry import shapes
from tests.fakes.sentry.shop import ORGANIZATION, TOKEN, Shop
from tests.fakes.world import Happened
from tests.schemas.book import book
from tests.schemas.door import heard

JSON = "application/json"
NEEDS = {"issues": "event:read", "releases": "project:releases"}
INCOMPLETE = timedelta(seconds=90)
MOST_POINTS, MOST_ROWS, MOST_FIELDS, MOST_TOP, SNUBA_LIMIT = 10_000, 100, 20, 10, 5000
INTERVALS = {"1m": 60, "5m": 300, "10m": 600, "15m": 900, "30m": 1800, "60m": 3600, "1h": 3600}
Given = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    def __init__(self, status: int, detail: object) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail


@dataclass
class Asked:
    """One request, taken apart."""

    shop: Shop
    params: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.params if key == name]

    def one(self, name: str, usual: str = "") -> str:
        return next(iter(self.all(name)), usual)

    @property
    def span(self) -> tuple[datetime, datetime]:
        if not self.one("start"):
            return self.shop.now - timedelta(days=14), self.shop.now
        start, end = (datetime.fromisoformat(self.one(name)).replace(tzinfo=UTC) for name in ("start", "end"))
        return start, end

    @cached_property
    def projects(self) -> dict[int, str]:
        wanted = [int(each) for each in self.all("project")]
        by_number = {number: slug for slug, number in self.shop.projects.items()}
        if not all(number in by_number for number in wanted):
            raise Refused(403, "You do not have permission to perform this action.")
        if len(set(wanted)) > 1 and not self.shop.global_views:
            raise Refused(400, "You cannot view events from multiple projects.")
        return {number: by_number[number] for number in wanted or by_number}

    def releases(self, key: str = "release") -> set[str] | None:
        found = re.search(rf'(?:^|\s){key}:(?:\[([^\]]*)\]|"([^"]*)")', self.one("query"))
        return None if found is None else {name.strip('"') for name in (found[1] or found[2]).split(",")}

    @cached_property
    def named(self) -> set[str] | None:
        return self.releases()

    def wants(self, each: Happened) -> tuple[int, str] | None:
        """The project and release of *each*, if it is asked about."""
        slug, release = self.shop.project_of(each), self.shop.named(each.version)
        number, wanted = self.shop.projects[slug], self.named
        environments = self.all("environment")
        if environments and self.shop.environment not in environments:
            return None
        good = number in self.projects and (wanted is None or release in wanted)
        return (number, release) if good else None


def respond(shop: Shop, method: str, url: str, authorization: str) -> Given:
    """What Sentry says."""
    parts = urlsplit(url)
    path = parts.path.partition("/api/0/")[2]
    if not path.endswith("/"):
        return 301, {"content-type": "text/html", "location": f"{parts.path}/"}, b""
    asked = Asked(shop, parse_qsl(parts.query, keep_blank_values=True))
    place = path.removeprefix("organizations/")
    organization, _, rest = place.partition("/")
    endpoint = rest.partition("/")[0]
    shop.asked.append((rest, asked.params))
    if shop.down:
        shop.down -= 1
        return 502, {"content-type": "text/html"}, b"<html>bad gateway</html>"
    headers = {"date": format_datetime(shop.clock, usegmt=True)}
    late = _limited(shop, endpoint, headers)
    if late is not None:
        body = json.dumps({"detail": late}).encode()
        return 429, {**headers, "content-type": "text/html; charset=utf-8"}, body
    try:
        assert method == "GET"
        _door(shop, organization, endpoint, authorization)
        told, more = _ENDPOINTS[endpoint](asked, rest)
    except Refused as refused:
        detail = refused.detail if isinstance(refused.detail, Mapping) else {"detail": refused.detail}
        return refused.status, {**headers, "content-type": JSON}, json.dumps(detail).encode()
    answer = json.dumps(told).encode()
    heard(book("sentry"), f"{method} {parts.path}?{parts.query}", b"", 200, JSON, answer)
    return 200, {**headers, **more, "content-type": JSON}, answer


def _limited(shop: Shop, endpoint: str, headers: dict[str, str]) -> str | None:
    """Counts the call, and says in *headers* how many are left; why it is refused, if so."""
    if shop.limit is None:
        return None
    second = int(shop.clock.timestamp())
    at, many = shop.counted.get(endpoint, (second, 0))
    many = many + 1 if at == second else 1
    shop.counted[endpoint] = second, many
    crowded = shop.open.get(endpoint, 0) > shop.concurrent
    headers |= {
        "x-sentry-rate-limit-limit": str(shop.limit),
        "x-sentry-rate-limit-remaining": str(max(shop.limit - many, 0)),
        "x-sentry-rate-limit-reset": str(second + 1),
        "x-sentry-rate-limit-concurrentlimit": str(shop.concurrent),
        "x-sentry-rate-limit-concurrentremaining": str(max(shop.concurrent - shop.open.get(endpoint, 0), 0)),
    }
    if many > shop.limit:
        return f"You are attempting to use this endpoint too frequently. Limit is {shop.limit} requests in 1 seconds"
    if crowded:
        return f"You are attempting to go above the allowed concurrency for this endpoint. Concurrency limit is {shop.concurrent}"
    return None


def _door(shop: Shop, organization: str, endpoint: str, authorization: str) -> None:
    if authorization != f"Bearer {TOKEN}":
        raise Refused(401, "Invalid token")
    if NEEDS.get(endpoint, "org:read") not in shop.scopes:
        raise Refused(403, "You do not have permission to perform this action.")
    if organization != ORGANIZATION or endpoint not in _ENDPOINTS:
        raise Refused(404, "The requested resource does not exist")


# -------------------------------------------------------------------------------------------------------------- sessions


@dataclass
class Session:
    begun: datetime
    project: int
    release: str
    worst: int


def _sessions_of(asked: Asked, start: datetime, end: datetime) -> list[Session]:
    """By the requests that have come by now: one that crashes later is healthy until then."""
    found: dict[object, Session] = {}
    for number, each in enumerate(asked.shop.told(datetime.min.replace(tzinfo=UTC), asked.shop.now)):
        key = asked.wants(each)
        if key is not None:
            session = found.setdefault(each.session or number, Session(each.at, *key, 0))
            session.worst = max(session.worst, each.status)
    return [each for each in found.values() if start <= each.begun < end]


def _ends(shop: Shop, sessions: Sequence[Session]) -> dict[str, int]:
    crashed = sum(each.worst >= 500 for each in sessions)
    errored = sum(each.worst >= 400 for each in sessions)
    ends = {
        "healthy": len(sessions) - errored,
        "errored": errored if shop.older else errored - crashed,
        "crashed": crashed,
        "abnormal": 0,
    }
    return {**ends, **({"unhandled": 0} if shop.unhandled else {})}


def _interval(asked: Asked) -> int:
    text = asked.one("interval", "1h")
    seconds = int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]
    least = int(asked.shop.least.total_seconds())
    if seconds % least or seconds < least:
        words = "1h" if least == 3600 else "ten seconds"
        raise Refused(400, f"The interval has to be a multiple of the minimum interval of {words}.")
    if 86400 % seconds:
        raise Refused(400, "The interval should divide one day without a remainder.")
    return seconds


def sessions(asked: Asked, _: str) -> tuple[Any, dict[str, str]]:
    step = max(_interval(asked), asked.shop.coarsest)
    start, end = asked.span
    first = int(start.timestamp()) // step * step
    last = -(-(int(end.timestamp()) + 1) // step) * step  # an end that is given is part of it
    begins = list(range(first, last, step))
    if len(begins) > MOST_POINTS:
        raise Refused(
            400,
            "Your interval and date range would create too many results. Use a larger interval, or a smaller date range.",
        )
    by: dict[tuple[int, str], list[Session]] = {}
    for each in _sessions_of(asked, _at(first), _at(last)):
        by.setdefault((each.project, each.release), []).append(each)
    top = sorted(by, key=lambda key: (-len(by[key]), key))[: SNUBA_LIMIT // len(begins)]
    groups = []
    for project, release in top:
        mine = [
            [each for each in by[project, release] if _at(at) <= each.begun < _at(at + step)] for at in begins
        ]
        told = {"project": project, "release": release}
        named = {name: told[name] for name in asked.all("groupBy") if name in told}
        if "session.status" in asked.all("groupBy"):
            ended = [_ends(asked.shop, each) for each in mine]
            groups += [
                {"by": {**named, "session.status": status}, **_numbers([each[status] for each in ended])}
                for status in ended[0]
            ]
        else:
            groups.append({"by": named, **_numbers([len(each) for each in mine])})
    told = {
        "groups": groups,
        "intervals": [_at(at).strftime("%Y-%m-%dT%H:%M:%SZ") for at in begins],
        "start": _at(first).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "end": _at(last).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "query": asked.one("query"),
    }
    return told, _link(0, SNUBA_LIMIT, more=False)


def _numbers(series: list[int]) -> dict[str, Any]:
    return {"totals": {"sum(session)": sum(series)}, "series": {"sum(session)": series}}


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# ---------------------------------------------------------------------------------------------------------------- events


def _counted(
    asked: Asked, start: datetime, end: datetime, step: int
) -> dict[tuple[int, str], dict[int, Counter[str]]]:
    """By project and release, and by the beginning of the bucket: how many of each axis, as they were kept."""
    dataset, query = asked.one("dataset"), asked.one("query")
    if dataset not in {"spans", "transactions", "errors"}:
        raise Refused(400, {"dataset": ["dataset must be one of: errors, spans, transactions"]})
    if "bad:search" in query:
        raise Refused(400, "Invalid query. Parse error at 'bad:search'")
    log: Iterable[Happened] = (
        asked.shop.told(start, end) if dataset == "errors" else asked.shop.kept(start, end)
    )
    if dataset == "errors":
        unhandled = "error.unhandled:true" in query
        log = (each for each in log if each.status == 500 or (each.status > 500 and not unhandled))
    found: dict[tuple[int, str], dict[int, Counter[str]]] = {}
    for each in log:
        key = asked.wants(each)
        if key is not None:
            at = int(each.at.timestamp()) // step * step
            counts = found.setdefault(key, {}).setdefault(at, Counter())
            # Spans that are no transactions are its children.
            counts["count()"] += 1 if "is_transaction:1" in query or dataset != "spans" else 4
            counts["failure_count()"] += each.status >= 500
    return found


def _all(counted: dict[int, Counter[str]]) -> int:
    return sum(each["count()"] for each in counted.values())


def _weight(asked: Asked) -> float:
    """What one of those that were kept stands for."""
    if asked.one("dataset") == "errors" or asked.one("disableAggregateExtrapolation") == "1":
        return 1
    return 1 / asked.shop.sample_rate


def table(asked: Asked, _: str) -> tuple[Any, dict[str, str]]:
    fields = asked.all("field")
    if len(fields) > MOST_FIELDS:
        raise Refused(400, "You can view up to 20 fields at a time. Please delete some and try again.")
    many = int(asked.one("per_page", "50"))
    if many > MOST_ROWS:
        raise Refused(400, "Invalid per_page value. Must be between 1 and 100.")
    counted = {
        key: sum(by_begin.values(), Counter[str]())
        for key, by_begin in _counted(asked, *asked.span, 86400).items()
    }
    weight = _weight(asked)
    rows = [
        {
            name: value
            for name, value in {
                "project.id": project,
                "release": release,
                **{axis: counts[axis] * weight for axis in ("count()", "failure_count()")},
            }.items()
            if name in fields
        }
        for (project, release), counts in sorted(
            counted.items(), key=lambda each: (-each[1]["count()"], each[0])
        )
    ]
    offset = int(asked.one("cursor", "0:0:0").split(":")[1])
    told = {
        "data": rows[offset : offset + many],
        "meta": {"fields": dict.fromkeys(fields, "integer"), "dataScanned": asked.shop.scanned},
    }
    return told, _link(offset, many, more=len(rows) > offset + many)


def _link(offset: int, many: int, *, more: bool) -> dict[str, str]:
    """Both ways, always; whether there is anything is said beside."""
    before = f'<https://sentry/>; rel="previous"; results="{str(offset > 0).lower()}"; cursor="0:{max(offset - many, 0)}:1"'
    after = f'<https://sentry/>; rel="next"; results="{str(more).lower()}"; cursor="0:{offset + many}:0"'
    return {"link": f"{before}, {after}"}


def series(asked: Asked, _: str) -> tuple[Any, dict[str, str]]:
    top = int(asked.one("topEvents", "0"))
    if not 0 < top <= MOST_TOP:
        raise Refused(400, f"Can only get up to {MOST_TOP} top events")
    if not asked.all("groupBy"):
        raise Refused(400, "groupBy is a required parameter when doing topEvents")
    start, end = asked.span
    step = INTERVALS.get(asked.one("interval"), 300)  # another is chosen without a word
    step = max(step, asked.shop.coarsest)
    counted = _counted(asked, start, end, step)
    best = sorted(counted, key=lambda key: (-_all(counted[key]), key))[:top]
    begins = range(int(start.timestamp()) // step * step, int(end.timestamp()), step)
    lines = [
        {
            "yAxis": axis,
            "groupBy": [
                {"key": name, "value": {"project.id": str(key[0]), "release": key[1]}[name]}
                for name in asked.all("groupBy")
            ],
            "meta": {
                "interval": step * 1000,
                "valueType": "integer",
                "valueUnit": None,
                "isOther": False,
                "order": order,
                "dataScanned": asked.shop.scanned,
            },
            "values": [_point(asked, at, step, counted[key].get(at, Counter())[axis]) for at in begins],
        }
        for order, key in enumerate(best)
        for axis in asked.all("yAxis")
    ]
    span = {"start": begins.start * 1000, "end": begins.stop * 1000}
    return {"timeSeries": lines, "meta": {"dataset": asked.one("dataset"), **span}}, {}


def _point(asked: Asked, at: int, step: int, many: int) -> dict[str, Any]:
    point: dict[str, Any] = {
        "timestamp": at * 1000,
        "value": many * _weight(asked),
        "incomplete": False,
        "sampleCount": many,
        "sampleRate": (asked.shop.sample_rate if asked.one("dataset") != "errors" else 1.0) if many else None,
        "confidence": "high",
    }
    if _at(at + step) >= asked.shop.clock - INCOMPLETE:
        point |= {"incomplete": True, "incompleteReason": "INCOMPLETE_BUCKET"}
    return point


# ----------------------------------------------------------------------------------------------------- names and issues


def projects(asked: Asked, _: str) -> tuple[Any, dict[str, str]]:
    many, offset = int(asked.one("per_page", "100")), int(asked.one("cursor", "0:0:0").split(":")[1])
    listed = [shapes.project(slug, number) for slug, number in asked.shop.projects.items()]
    return listed[offset : offset + many], _link(offset, many, more=len(listed) > offset + many)


def releases(asked: Asked, rest: str) -> tuple[Any, dict[str, str]]:
    known = asked.shop.releases()
    name = unquote(rest.removeprefix("releases/").removesuffix("/"))
    if name:
        if name not in known:
            raise Refused(404, "The requested resource does not exist")
        return shapes.release(name, {slug: asked.shop.projects[slug] for slug in sorted(known[name])}), {}
    wanted = set(asked.projects.values())
    listed = [
        shapes.listed_release(each, sorted(slugs))
        for each, slugs in reversed(known.items())
        if slugs & wanted
    ]
    return listed[: int(asked.one("per_page", "50"))], _link(0, 100, more=False)


def issues(asked: Asked, _: str) -> tuple[Any, dict[str, str]]:
    """One a status and project. It is new with the release that had it first."""
    if "firstRelease:[" in asked.one("query") and not asked.shop.lists:
        raise Refused(400, "Error parsing search query: firstRelease takes one value")
    groups: dict[tuple[str, int], list[Happened]] = {}
    for each in asked.shop.told(datetime.min.replace(tzinfo=UTC), asked.shop.now):
        if each.status >= 500:
            groups.setdefault((asked.shop.project_of(each), each.status), []).append(each)
    first, numbers = asked.releases("firstRelease"), {slug: number for number, slug in asked.projects.items()}
    told = [
        shapes.issue(number, slug, numbers[slug], status, [each.at for each in events])
        for number, ((slug, status), events) in enumerate(groups.items(), start=1)
        if slug in numbers
        and (first is None or asked.shop.named(min(events).version) in first)
        and ("error.unhandled:true" not in asked.one("query") or status == 500)
        and (not asked.all("environment") or asked.shop.environment in asked.all("environment"))
    ]
    told.sort(key=lambda each: -int(str(each["count"])))
    return told[: int(asked.one("limit", "100"))], _link(0, 100, more=False)


def organization(asked: Asked, _: str) -> tuple[Any, dict[str, str]]:
    return shapes.organization(ORGANIZATION), {}


_ENDPOINTS: Mapping[str, Callable[[Asked, str], tuple[Any, dict[str, str]]]] = {
    "": organization,
    "projects": projects,
    "releases": releases,
    "sessions": sessions,
    "events": table,
    "events-timeseries": series,
    "issues": issues,
}

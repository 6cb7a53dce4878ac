"""The central daemon, as a sidecar tells it what it counted: one request, and what came of it as a value.

Source:
    docs/sidecar.md; the other side is ``watcher.api.handlers.samples``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from watcher.core.relayed import MOST_TROUBLES, Sample, Trouble
from watcher.http import Answer, Http, HttpRefused, Request
from watcher.http.answer import refusal
from watcher.runtime.untold import Key, Marked

SYSTEM = "relay"
PATH = "/v1/samples"
TIMEOUT = timedelta(
    seconds=4
)  # below what two clocks may differ by: an answer that is late must not look like a clock
MOST_ANSWER = 64 * 1024  # bytes
# What sending the same again would not help against.
FOR_GOOD = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a sidecar is: its instance, the run of its process, and what its release is called, by system."""

    instance: str
    run: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """It is not known yet who this sidecar is, and why."""

    words: str


class Accepted(BaseModel):
    """What became of what was told, as the central daemon says it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    new: int
    known: int
    late: int = 0
    unasked: list[str] = []


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not taken.

    Attributes:
        words: Why, without any secret.
        for_good: Sending the same again would not help.
        retry_at: Not before, where the far end said so.
    """

    words: str
    for_good: bool = False
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Central:
    """Where it is, and by which token it is told."""

    url: str
    token: SecretStr
    http: Http

    async def tell(
        self,
        key: Key,
        who: Identity,
        samples: Sequence[Marked],
        troubles: Mapping[str, Trouble],
        now: datetime,
        *,
        leaves: bool = False,
    ) -> Accepted | Refused:
        """Send *samples* of one service, in one request. Telling the same twice is harmless."""
        body = _body(key, who, samples, troubles, now, leaves=leaves)
        request = Request(
            SYSTEM,
            f"{self.url}{PATH}",
            "POST",
            headers={"Content-Type": "application/json"},
            secrets={"Authorization": SecretStr(f"Bearer {self.token.get_secret_value()}")},
            body=json.dumps(body, allow_nan=False).encode(),
            timeout=TIMEOUT,
            most=MOST_ANSWER,
        )
        try:
            answer = await self.http.send(request)
        except HttpRefused as refused:
            return Refused(refused.words)
        no = refusal(request, answer, now)
        if no is None:
            return _accepted(request, answer)
        said = _said(answer)
        words = f"{request.origin}: HTTP {answer.status}: {said}" if said else no.words
        return Refused(words, answer.status in FOR_GOOD, no.retry_at)


def _body(
    key: Key,
    who: Identity,
    samples: Sequence[Marked],
    troubles: Mapping[str, Trouble],
    now: datetime,
    *,
    leaves: bool,
) -> Mapping[str, Any]:
    return {
        "service": key[0],
        "environment": key[1],
        "instance": who.instance,
        "run": who.run,
        "sent_at": now.isoformat(),
        "names": dict(who.names),
        "samples": [{**_written(each.sample), "mark": each.mark} for each in samples],
        "troubles": {
            name: {"fault": each.fault, "who": each.who, "words": each.words}
            for name, each in islice(troubles.items(), MOST_TROUBLES)  # more is refused, and tells no more
        },
        "leaves": leaves,
    }


def _written(sample: Sample) -> Mapping[str, Any]:
    counts = [
        {"bad": each.bad, "total": each.total} | ({} if each.bound is None else {"bound": each.bound})
        for each in sample.counts
    ]
    return {
        "indicator": sample.indicator,
        "start": sample.start.isoformat(),
        "end": sample.end.isoformat(),
        "counts": counts,
    }


def _accepted(request: Request, answer: Answer) -> Accepted | Refused:
    try:
        return Accepted.model_validate_json(answer.body)
    except ValidationError:
        return Refused(f"{request.origin}: what answers there is no rollbackd that takes samples")


class _Problem(BaseModel):
    """A refusal of ours, as RFC 9457 has it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str
    detail: str
    remedy: str


def _said(answer: Answer) -> str:
    """The central daemon's own words, which hold nothing that was sent; empty where somebody else answered."""
    try:
        problem = _Problem.model_validate_json(answer.body)
    except ValidationError:
        return ""
    if not problem.type.startswith("urn:rollbackd:"):
        return ""
    return f"{problem.detail[:300]} (try: {problem.remedy[:200]})"

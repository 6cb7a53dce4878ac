"""One service of PagerDuty, by its integration key.

Of what is told, only what is *shown* is looked at: how the watch stands now. So a page that could not be sent while somebody
was needed is not sent afterwards, and what could not be resolved is resolved by whatever is shown next. To trigger twice with
one key pages once, and to resolve what is not open changes nothing: everything may be sent again.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.model import About, Finding, Level
from watcher.core.watch import Message
from watcher.http import Answer, Fault, HttpRefused, Request, refusal
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.pagerduty.event import event
from watcher.notify.pagerduty.settings import Settings
from watcher.notify.pagerduty.wanted import Wanted, wanted

SOON = timedelta(seconds=5)
THROTTLED = timedelta(minutes=1)  # PagerDuty asks for minutes, and does not say how many
MOST_ANSWER = 64 * 1024  # bytes
MOST_WORDS = 120  # characters of PagerDuty's own
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
_KEY = (
    "is `routing_key` the integration key of an Events API v2 integration, and `region` that of the account?"
)


class Sends(Protocol):
    """What is needed of `watcher.http.Http`."""

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises `HttpRefused` where there was none."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    message: str = ""
    errors: tuple[str, ...] = ()


class Pager:
    """Pages whoever is on call."""

    def __init__(
        self, settings: Settings, http: Sends, now: Callable[[], datetime], public_url: str | None = None
    ) -> None:
        self._settings = settings
        self._http = http
        self._now = now
        self._public_url = public_url

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:  # noqa: ARG002 - the key says whom, and the watch which
        """Open, update or resolve the incident of its watch, as *message* says that it stands; or do nothing."""
        what = wanted(message.notice) if message.kind == "show" else Wanted.LEAVE
        if what is Wanted.LEAVE:
            return Told()
        request = self._request(event(message, what, self._public_url))
        try:
            answer = await self._http.send(request)
        except HttpRefused as refused:
            never = refused.fault in {Fault.BAD_URL, Fault.BLOCKED}
            return Never(refused.words) if never else Later(SOON, refused.words)
        return self._heard(message, request, answer)

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:
        """Nothing is sent: PagerDuty tells of a key only by what it does with an event."""
        found = [
            Finding(
                Level.OK,
                f"incidents go to {self._settings.endpoint}; the key has the right shape. Whether PagerDuty knows it is told "
                "nowhere, and was not tried",
                about=About.KEY,
            )
        ]
        if narrowings:
            words = f"nothing is narrowed by {', '.join(map(repr, narrowings))[:200]}: the key says which service is paged"
            found.append(
                Finding(
                    Level.WARN,
                    words,
                    "write one connection for each service of PagerDuty",
                    about=About.TELLING,
                )
            )
        return found

    def _request(self, sent: dict[str, Any]) -> Request:
        """The key is in the body, which is logged nowhere: no header carries it."""
        whole = {"routing_key": self._settings.routing_key.get_secret_value(), **sent}
        return Request(
            "pagerduty",
            self._settings.endpoint,
            "POST",
            {"Content-Type": "application/json"},
            body=json.dumps(whole).encode(),
            timeout=self._settings.timeout,
            most=MOST_ANSWER,
        )

    def _heard(self, message: Message, request: Request, answer: Answer) -> Telling:
        if answer.status == HTTPStatus.ACCEPTED:
            return Told(message.id)
        now = self._now()
        refused = refusal(request, answer, now)
        if refused is None:
            return Later(
                THROTTLED, f"{request.origin}: HTTP {answer.status}, which is no answer of PagerDuty's"
            )
        words = f"{request.origin}: HTTP {answer.status}{self._said(answer)}"
        if refused.retry_at is not None:
            return Later(max(refused.retry_at - now, timedelta(0)), words)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Later(THROTTLED, words)
        if answer.status in _LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Later(SOON, words)
        return Never(f"{words}; {_KEY}")

    def _said(self, answer: Answer) -> str:
        """PagerDuty's own words, without the key: whoever answers may repeat what was sent. It is cut after, so no part is left."""
        try:
            said = _Said.model_validate_json(answer.body)
        except ValidationError:
            return ""
        told = " ".join("; ".join([said.message, *said.errors]).split())
        words = told.replace(self._settings.routing_key.get_secret_value(), "***")[:MOST_WORDS]
        return f" ({words})" if words and words.isprintable() else ""

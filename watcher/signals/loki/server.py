"""One server, or what stands before it: asks by POST with a form, as whoever the settings say."""

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from pydantic import SecretStr

from rules.sample import Unavailable
from watcher.http import Answer, Fault, Http, HttpRefused, Request
from watcher.signals import clocks
from watcher.signals.gate import ServerGate
from watcher.signals.loki import answer as answers
from watcher.signals.loki.settings import Settings
from watcher.signals.prometheus.server import FORM, SHORTEST, basic
from watcher.signals.rows import Failed, Next, Rows


class Server:
    """Where is asked.

    Attributes:
        settings: Of the connection.
        gate: Shared with whoever asks there as the same tenant; a new one, if nobody does.
    """

    def __init__(
        self, settings: Settings, http: Http, now: Callable[[], datetime], gate: ServerGate | None = None
    ) -> None:
        self.settings = settings
        self._http = http
        self._now = now
        self._tls: ssl.SSLContext | None = None
        self._gate = gate or ServerGate(self.where, now)
        self.skew: timedelta | None = None  # how far our clock was ahead of theirs at the last answer

    def load(self) -> str | None:
        """Read the files of the settings; in words, what is wrong with them."""
        try:
            self._tls = self.settings.tls.context() if self.settings.tls else None
        except (OSError, ValueError) as error:
            return f"the files of `tls` cannot be used: {type(error).__name__}"
        return None

    @property
    def where(self) -> str:
        """For people."""
        return Request("loki", self.settings.url).origin

    async def ask(self, path: str, form: Mapping[str, str], timeout: timedelta) -> Rows | Failed:
        """The rows that the server has for *form* at *path*. A fault is a value."""
        told = await self._said(path, form, timeout)
        return told if isinstance(told, Failed) else answers.read(*told, self.where, self._now())

    async def get(
        self, path: str, parameters: Mapping[str, str], timeout: timedelta
    ) -> tuple[Request, Answer] | Failed:
        """The bare answer to a GET, with any status."""
        question = f"?{urlencode(parameters)}" if parameters else ""
        return await self._said(f"{path}{question}", None, timeout)

    async def _said(
        self, path: str, form: Mapping[str, str] | None, timeout: timedelta
    ) -> tuple[Request, Answer] | Failed:
        async with self._gate.turn(max(timeout, SHORTEST)) as left:
            if isinstance(left, Unavailable):
                return Failed(left)
            request = self._request(path, form, max(left, SHORTEST))
            try:
                answer = await self._http.send(request)
            except HttpRefused as refused:
                trouble = Unavailable(refused.who, f"Loki: {refused.words}", refused.retry_at, refused.way)
                return Failed(trouble, Next.SIZE if refused.fault is Fault.TOO_LARGE else Next.NOTHING)
            patience = self._gate.heard(request, answer)
        self.skew = clocks.ahead(answer.headers, self._now())
        return (request, answer) if patience is None else Failed(patience)

    def _request(self, path: str, form: Mapping[str, str] | None, timeout: timedelta) -> Request:
        headers = dict(FORM) if form is not None else {}
        if self.settings.tenant is not None:
            headers["X-Scope-OrgID"] = self.settings.tenant
        return Request(
            "loki",
            self.settings.at(path),
            "GET" if form is None else "POST",
            headers,
            self._secrets(),
            None if form is None else urlencode(form).encode(),
            timeout,
            tls=self._tls,
        )

    def _secrets(self) -> dict[str, SecretStr]:
        if self.settings.bearer is not None:
            return {"Authorization": SecretStr(f"Bearer {self.settings.bearer.get_secret_value()}")}
        if self.settings.basic is not None:
            return {"Authorization": SecretStr(basic(self.settings.basic.user, self.settings.basic.password))}
        return {}

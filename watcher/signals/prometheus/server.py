"""One server, or what stands before it: asks by POST with a form, as whoever the settings say."""

import base64
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from pydantic import SecretStr

from deploy.errors import AwsRefused
from rules.sample import Unavailable, Who
from watcher.aws import Signs
from watcher.http import Answer, Http, HttpRefused, Request
from watcher.signals import clocks
from watcher.signals.gate import ServerGate
from watcher.signals.prometheus import answer as answers
from watcher.signals.prometheus.settings import Settings
from watcher.signals.rows import Failed, Rows

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SERVICE = "aps"  # Amazon Managed Prometheus, in a signature
SHORTEST = timedelta(milliseconds=100)


class Server:
    """Where is asked.

    Attributes:
        settings: Of the connection.
        gate: Shared with whoever asks there as the same tenant; a new one, if nobody does.
    """

    def __init__(
        self,
        settings: Settings,
        http: Http,
        now: Callable[[], datetime],
        signs: Signs | None,
        gate: ServerGate | None = None,
    ) -> None:
        self.settings = settings
        self._http = http
        self._now = now
        self._signs = signs
        self._tls: ssl.SSLContext | None = None
        self._gate = gate or ServerGate(self.where, now)
        self.skew: timedelta | None = None  # how far our clock was ahead of theirs at the last answer

    def load(self) -> str | None:
        """Read the files of the settings; in words, what is wrong with them."""
        try:
            self._tls = self.settings.tls.context() if self.settings.tls else None
        except (OSError, ValueError) as error:
            return f"the files of `tls` cannot be used: {type(error).__name__}: {error.strerror if isinstance(error, OSError) else 'not a certificate'}"
        return None

    @property
    def where(self) -> str:
        """For people."""
        return Request("prometheus", self.settings.url).origin

    async def ask(self, path: str, form: Mapping[str, str], timeout: timedelta) -> Rows | Failed:
        """What the server says to *form* at *path*. A fault is a value."""
        told = await self._said(path, form, timeout)
        return told if isinstance(told, Failed) else answers.read(*told, self.where, self._now())

    async def get(self, path: str, timeout: timedelta) -> Answer | Failed:
        """The bare answer to a GET without parameters."""
        told = await self._said(path, None, timeout)
        return told if isinstance(told, Failed) else told[1]

    async def _said(
        self, path: str, form: Mapping[str, str] | None, timeout: timedelta
    ) -> tuple[Request, Answer] | Failed:
        async with self._gate.turn(max(timeout, SHORTEST)) as left:
            if isinstance(left, Unavailable):
                return Failed(left)
            try:
                request = await self._request(path, form, max(left, SHORTEST))
                answer = await self._http.send(request)
            except AwsRefused as refused:
                words = f"requests to {self.where} cannot be signed: {refused}"
                return Failed(Unavailable(Who.OPERATOR, words))
            except HttpRefused as refused:
                return answers.refused(refused, "Prometheus")
            patience = self._gate.heard(request, answer)
        self.skew = clocks.ahead(answer.headers, self._now())
        return (request, answer) if patience is None else Failed(patience)

    async def _request(self, path: str, form: Mapping[str, str] | None, timeout: timedelta) -> Request:
        more = {"partial_response": "false", "dedup": "true"} if self.settings.thanos else {}
        url = self.settings.at(path)
        body = None if form is None else urlencode({**form, **more}).encode()
        method = "GET" if form is None else "POST"
        headers = dict(FORM) if form is not None else {}
        if self.settings.tenant is not None:
            headers["X-Scope-OrgID"] = self.settings.tenant
        secrets = self._secrets()
        if self.settings.sigv4 is not None:
            if self._signs is None:
                raise AwsRefused(
                    "sign", "NoAccount", "no account of AWS is configured", may_have_happened=False
                )
            signed = await self._signs.sign(
                self.settings.sigv4.account, SERVICE, method, url, headers, body or b""
            )
            secrets = {name: SecretStr(value) for name, value in signed.items()}
        return Request("prometheus", url, method, headers, secrets, body, timeout, tls=self._tls)

    def _secrets(self) -> dict[str, SecretStr]:
        if self.settings.bearer is not None:
            return {"Authorization": SecretStr(f"Bearer {self.settings.bearer.get_secret_value()}")}
        if self.settings.basic is not None:
            return {"Authorization": SecretStr(basic(self.settings.basic.user, self.settings.basic.password))}
        return {}


def basic(user: str, password: SecretStr) -> str:
    """The value of the header ``Authorization``."""
    return "Basic " + base64.b64encode(f"{user}:{password.get_secret_value()}".encode()).decode()

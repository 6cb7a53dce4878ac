"""Grafana: the webhook of a contact point, in version 1. Who sends shows a secret, or signs, or both.

A rule without data, or whose query fails, becomes an alert of its own (`DatasourceNoData`, `DatasourceError`), unless the rule
says otherwise: nobody knows how it stands. A series that went away is told as resolved, and counts as Grafana has it.

Source:
    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
    https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/nodata-and-error-states/
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from pydantic import model_validator

from deploy.model import Finding
from deploy.source import Received
from deploy.sources.proof import (
    Authorization,
    HeaderName,
    Secrets,
    Strictly,
    examined,
    signs,
)
from watcher.signals.alert.pushed import LONGEST_NAME, Meaning, Mood, Pushed
from watcher.signals.alert.senders import groups
from watcher.signals.alert.senders.sender import Kind

VERSION = "1"
WINDOW = timedelta(minutes=5)  # that a signed time may be old or ahead; as Slack's
BLIND = frozenset({"DatasourceNoData", "DatasourceError"})
_DIGITS = 12


class Signature(Secrets):
    """``hmac: {secret: {env: NAME}}``: what is signed with it.

    Attributes:
        header: Which carries the signature; as it is set in Grafana.
        timestamp_header: Which carries the time that is signed along. Without it an old message can be sent again.
    """

    header: HeaderName = "X-Grafana-Alerting-Signature"
    timestamp_header: HeaderName | None = None


class Settings(Strictly):
    """``{grafana: {authorization: {secret: {env: NAME}}}}``, or ``{grafana: {hmac: {secret: {env: NAME}}}}``.

    Attributes:
        authorization: What messages carry in ``Authorization``.
        hmac: How messages are signed. With both, both must be good.
    """

    authorization: Authorization | None = None
    hmac: Signature | None = None

    @model_validator(mode="after")
    def _proves(self) -> Self:
        if self.authorization is None and self.hmac is None:
            raise ValueError("neither `authorization` nor `hmac`: anybody could send")
        return self


class Grafana:
    """The guard and the parser."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """It shows the secret, and the signature is good, as far as they are configured."""
        authorization, hmac = self._settings.authorization, self._settings.hmac
        shows = authorization is None or authorization.admits(headers)
        signed = hmac is None or _is_signed(hmac, headers, body, now)
        return shows and signed

    def read(self, received: Received) -> Meaning:
        """Each alert of the group for itself."""
        return groups.read(received.body, received.at, VERSION, "Grafana", _pushed)

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secrets."""
        both = (self._settings.authorization, self._settings.hmac)
        return [finding for each in both if each is not None for finding in examined(each)]


def _is_signed(hmac: Signature, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    given = headers.get(hmac.header.lower(), "")
    if hmac.timestamp_header is None:
        return signs(hmac.secrets, given, body)
    written = headers.get(hmac.timestamp_header.lower(), "")
    signed = signs(hmac.secrets, given, written.encode("utf-8", "surrogatepass") + b":" + body)
    return signed and _is_recent(written, now)


def _is_recent(written: str, now: datetime) -> bool:
    if not (written.isascii() and written.isdigit() and len(written) <= _DIGITS):
        return False
    return abs(now.timestamp() - int(written)) <= WINDOW.total_seconds()


def _pushed(one: groups.One, arrived: datetime) -> Pushed | str:
    found = groups.pushed(one, arrived)
    if isinstance(found, str) or found.labels.get("alertname") not in BLIND:
        return found
    name = found.labels.get("rulename", found.name)[:LONGEST_NAME]
    mood = Mood.UNKNOWN if found.mood is Mood.FIRING else found.mood
    return replace(found, name=name, mood=mood)


KIND = Kind(settings=Settings, open=Grafana, repeats=True)

"""Alertmanager: a webhook of its own, in version 4. Who sends shows a bearer's token, or a user and a password.

Alertmanager tells of what fires and of what ended, if its receiver has `send_resolved: true` (the default for webhooks), and
repeats what still fires every `repeat_interval`. Of an alert that never fired it says nothing.

Source:
    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from deploy.model import Finding
from deploy.source import Received
from deploy.sources.proof import Authorization, examined
from watcher.signals.alert.pushed import Meaning
from watcher.signals.alert.senders import groups
from watcher.signals.alert.senders.sender import Kind

VERSION = "4"


class Settings(Authorization):
    """``{alertmanager: {secret: {env: NAME}}}``: what its `http_config` says under `authorization`, or `basic_auth`."""


class Alertmanager:
    """The guard and the parser."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:  # noqa: ARG002  (nothing is signed)
        """It shows the secret."""
        return self._settings.admits(headers)

    def read(self, received: Received) -> Meaning:
        """Each alert of the group for itself: how the group as a whole stands is not looked at."""
        return groups.read(received.body, received.at, VERSION, "Alertmanager", groups.pushed)

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret."""
        return examined(self._settings)


KIND = Kind(settings=Settings, open=Alertmanager, repeats=True)

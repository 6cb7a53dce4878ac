"""A sidecar: who it is, and whether the central daemon answers and knows its token. Nothing is told: that would count.

What sidecars told is known to the daemon that they tell it, and to nobody else.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from http import HTTPStatus

from pydantic import SecretStr

from deploy.model import About, Finding, Level
from watcher.app.relaying import Naming
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened
from watcher.config.relaying import RelayModel
from watcher.http import Http, HttpRefused, Request
from watcher.runtime.central import Unnamed
from watcher.telemetry.metrics import Metrics

SUBJECT = "relay"


def checks(opened: Opened) -> Iterator[Check]:
    """Two checks, in a sidecar."""
    configured = opened.configuration.daemon.relay
    if configured is not None and isinstance(configured.settings, RelayModel):
        naming = Naming(configured.settings, opened.ports, Metrics(), os.environ, "doctor")
        yield Check(SUBJECT, "who this is", partial(_named, naming))
        yield Check(SUBJECT, "central daemon", partial(_answers, opened.http, configured.settings))


async def _named(naming: Naming) -> Sequence[Finding]:
    who = await naming.identify()
    if isinstance(who, Unnamed):
        return [
            Finding(
                Level.FAIL,
                who.words,
                "correct `daemon.relay`, or run this where the sidecar runs",
                about=About.RELAY,
            )
        ]
    names = ", ".join(f"{system} {name}" for system, name in sorted(who.names.items())) or "no name"
    return [Finding(Level.OK, f"instance {who.instance}; its release goes by {names}", about=About.RELAY)]


async def _answers(http: Http, settings: RelayModel) -> Sequence[Finding]:
    """A token that may only relay is known, and refused here: 401 and 403 are two answers."""
    bearer = {"Authorization": SecretStr(f"Bearer {settings.token.get_secret_value()}")}
    request = Request(SUBJECT, f"{settings.to}/v1/services", secrets=bearer, most=1024 * 1024)
    try:
        answer = await http.send(request)
    except HttpRefused as refused:
        return [Finding(Level.FAIL, refused.words, refused.remedy, about=About.DAEMON)]
    if answer.status == HTTPStatus.UNAUTHORIZED:
        words = f"{request.origin} does not know the token"
        return [
            Finding(
                Level.FAIL,
                words,
                "add its line there: `rollbackd token NAME --may relay`",
                about=About.DAEMON,
            )
        ]
    if answer.status not in {HTTPStatus.OK, HTTPStatus.FORBIDDEN}:
        words = f"{request.origin} answers HTTP {answer.status}: is it the central daemon?"
        return [Finding(Level.FAIL, words, "correct `daemon.relay.to`", about=About.DAEMON)]
    words = f"{request.origin} knows the token; nothing was told, so whether it may relay was not tried"
    return [Finding(Level.OK, words, about=About.DAEMON)]

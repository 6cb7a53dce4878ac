"""The monitor outside: does it answer. No beat is sent, for it would keep the monitor quiet."""

from collections.abc import Iterator, Sequence
from functools import partial

from deploy.model import About, Finding, Level
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened
from watcher.config.models import HeartbeatModel
from watcher.http import Http, HttpRefused, Request


def checks(opened: Opened) -> Iterator[Check]:
    """One check, where a monitor is set."""
    configured = opened.configuration.daemon.heartbeat
    if configured is not None and isinstance(configured.settings, HeartbeatModel):
        yield Check("daemon", "heartbeat", partial(_answers, opened.http, configured.settings))


async def _answers(http: Http, settings: HeartbeatModel) -> Sequence[Finding]:
    origin = Request("heartbeat", settings.url.get_secret_value()).origin
    try:
        answer = await http.send(Request("heartbeat", f"{origin}/", most=1024 * 1024))
    except HttpRefused as refused:
        return [Finding(Level.FAIL, refused.words, refused.remedy, about=About.HEARTBEAT)]
    words = f"{origin} answers (HTTP {answer.status} at its root); no beat was sent, so the rest of its URL was not tried"
    return [Finding(Level.OK, words, about=About.HEARTBEAT)]

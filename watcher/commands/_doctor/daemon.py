"""The daemon itself: who may call it, who hears when it is dead, and who is told of a release that is bad. Asks nobody."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from deploy.model import About, Finding, Level
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened
from watcher.config import Configuration
from watcher.config.models import is_loopback
from watcher.core.service import Mode, Team

SUBJECT = "daemon"
LISTED = 3
_SECOND = "add a second under `tell`, by another way: what is given up by the first is not sent again"


def checks(opened: Opened) -> Iterator[Check]:
    """Of the daemon, and of each team that answers for a service; of a sidecar none: it undoes nothing, and tells nobody."""
    configuration = opened.configuration
    if configuration.daemon.relay is not None:
        return
    yield Check(SUBJECT, "callers", partial(_callers, configuration))
    if configuration.daemon.heartbeat is None:
        yield Check(SUBJECT, "heartbeat", _no_heartbeat)
    for team, services in _answering(configuration).items():
        yield Check(f"team {team.name}", "told", partial(_told, team, services))


async def _callers(configuration: Configuration) -> Sequence[Finding]:
    """That whoever can be reached has tokens is checked with the configuration."""
    daemon = configuration.daemon
    where = f"{daemon.listen.host}:{daemon.listen.port}"
    if not daemon.tokens:
        words = (
            f"no token is configured: only this machine is heard, at {where}, and whoever is on it may order"
        )
        return [Finding(Level.OK, words, about=About.CALLERS)]
    in_the_open = daemon.tls is None and not (daemon.public_url or "").startswith("https://")
    if in_the_open and not is_loopback(daemon.listen.host):
        words = f"tokens travel in the open to {where}: neither `daemon.http.tls` is set, nor an https `public_url`"
        return [
            Finding(
                Level.WARN,
                words,
                "let something in front end TLS, and write its address there",
                about=About.CALLERS,
            )
        ]
    return [Finding(Level.OK, f"{len(daemon.tokens)} tokens are known at {where}", about=About.CALLERS)]


async def _no_heartbeat() -> Sequence[Finding]:
    words = "no heartbeat is set: nobody hears when the daemon is dead, and nothing is rolled back then"
    remedy = "set `daemon.heartbeat: {url: ...}` to a monitor outside, or alert on RollbackdDown elsewhere"
    return [Finding(Level.WARN, words, remedy, about=About.HEARTBEAT)]


def _answering(configuration: Configuration) -> Mapping[Team, Sequence[str]]:
    """The teams, each with its services in which a person may be needed: in shadow nobody is."""
    found: dict[Team, list[str]] = {}
    for key, service in configuration.services.items():
        if service.policy.mode is not Mode.SHADOW:
            found.setdefault(service.team, []).append("/".join(key))
    return found


async def _told(team: Team, services: Sequence[str]) -> Sequence[Finding]:
    """Boards show how a watch stands, and call nobody."""
    ways = sorted({each.partition(":")[0] for each in team.tell if each not in team.boards})
    more = f" and {len(services) - LISTED} more" if len(services) > LISTED else ""
    whose = ", ".join(services[:LISTED]) + more
    if not ways:
        words = f"nobody is told when a person is needed for {whose}"
        return [
            Finding(
                Level.WARN, words, "write `team:` in the service, and `tell:` in its team", about=About.TOLD
            )
        ]
    if len(ways) == 1:
        return [
            Finding(
                Level.WARN,
                f"only {ways[0]} tells of {whose}: while it is down, nobody hears",
                _SECOND,
                about=About.TOLD,
            )
        ]
    return [Finding(Level.OK, f"{' and '.join(ways)} tell of {whose}", about=About.TOLD)]

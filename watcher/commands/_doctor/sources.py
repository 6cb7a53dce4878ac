"""Sources: is the queue there, is it read, may its messages be taken; where is the webhook to call, and is its secret good."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from deploy.model import About, Finding, Level
from deploy.source import Hooked
from deploy.sources.registry import SOURCES
from watcher.app.opening import barriers_of, feeds_of
from watcher.commands._doctor.accounts import Identities, allowed
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened
from watcher.config import Configuration


@runtime_checkable
class Examined(Protocol):
    """A source of whose settings there is something to say."""

    def examine(self) -> Sequence[Finding]:
        """What is wrong with them, or may become so. Pure."""


@runtime_checkable
class Read(Protocol):
    """A feed that can be looked at before it is asked."""

    async def examine(self) -> Sequence[Finding]:
        """Can all be read that it is to read? Takes nothing."""


def looking(opened: Opened) -> Iterator[Check]:
    """The feeds themselves."""
    aws = opened.aws
    for name, configured in opened.configuration.sources.items():
        examine = SOURCES[configured.kind].examine
        if aws is not None and examine is not None:
            yield Check(
                f"source {name}",
                "queue",
                partial(examine, configured.settings, aws, opened.ports.now()),
                by=f"account {configured.account}",
            )


def hooks(opened: Opened) -> Iterator[Check]:
    """Those whose system comes to us: where to, signed how, and for whom."""
    for name, source in opened.sources.items():
        if isinstance(source, Hooked):
            yield Check(f"source {name}", "address", partial(_address, opened.configuration, name))
            yield Check(f"source {name}", "heard", partial(_heard, opened.configuration, name))
        if isinstance(source, Examined):
            yield Check(f"source {name}", "secret", partial(_examined, source))


def reading(opened: Opened) -> Iterator[Check]:
    """Those that are read over HTTP, and those whose gate is kept."""
    for name, feed in feeds_of(opened.configuration, opened.ports, None, opened.http).items():
        if isinstance(feed, Read):
            yield Check(f"source {name}", "reads", feed.examine)
    for name, barrier in barriers_of(opened.configuration, opened.ports, opened.http).items():
        if isinstance(barrier, Read):
            yield Check(f"source {name}", "gate", barrier.examine)


async def _address(configuration: Configuration, name: str) -> Sequence[Finding]:
    daemon, path = configuration.daemon, f"/v1/hooks/{name}"
    if daemon.public_url is None:
        words = f"it is to call {path}, and `daemon.http.public_url` does not say under which address it reaches us"
        return [
            Finding(
                Level.WARN, words, "write it; it has to be let through to the daemon", about=About.ADDRESS
            )
        ]
    return [Finding(Level.OK, f"it is to call {daemon.public_url}{path}", about=About.ADDRESS)]


async def _heard(configuration: Configuration, name: str) -> Sequence[Finding]:
    if SOURCES[configuration.sources[name].kind].moves_alone:
        return _tells(configuration, name)
    heard = [
        "/".join(key) for key, every in configuration.heard.items() if name in {each.source for each in every}
    ]
    if not heard:
        words = "no service is heard from it: whatever it tells is passed over"
        return [
            Finding(
                Level.WARN, words, f"write `heard_from: [{{{name}: ...}}]` in a service", about=About.HEARD
            )
        ]
    return [Finding(Level.OK, f"{len(heard)} services are heard from it", about=About.HEARD)]


def _tells(configuration: Configuration, name: str) -> Sequence[Finding]:
    told = [key for key, each in configuration.services.items() if name in each.around.told_by]
    if not told:
        words = "no service is told by it: what it tells is kept, and nobody is said to have been told of all that moves"
        return [
            Finding(
                Level.WARN,
                words,
                f"write `changes: {{told_by: [{name}]}}` for a service, or in `defaults`",
                about=About.TOLD,
            )
        ]
    return [Finding(Level.OK, f"{len(told)} services are told by it what else moved", about=About.TOLD)]


async def _examined(source: Examined) -> Sequence[Finding]:
    return source.examine()


def permissions(opened: Opened, known: Identities) -> Iterator[Check]:
    """What can only be known by a dry run: to try it would take messages."""
    aws = opened.aws
    for name, configured in opened.configuration.sources.items():
        account = opened.configuration.accounts.get(configured.account or "")
        if aws is None or account is None:
            continue
        reader = account.read or known.readers.get(account.name)
        if reader is None:
            continue  # nobody answered who we are: that is told already
        needs = SOURCES[configured.kind].needs(configured.settings, account.aws)
        if needs:
            yield Check(
                f"source {name}",
                "to read",
                partial(allowed, aws, account, reader, needs),
                by=f"account {account.name}",
            )

"""Sources that are asked in a loop: is the queue there, is it read, may its messages be taken."""

from collections.abc import Iterator
from functools import partial

from deploy.sources.registry import SOURCES
from watcher.commands._doctor.accounts import Identities, allowed
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened


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
            )


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
            )

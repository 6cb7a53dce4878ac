"""Rules and listeners of a balancer that two would move: a target of the daemon's, and the platform of another. Reads only."""

from collections.abc import Iterator, Sequence
from functools import partial

from deploy.model import About, Finding, Level, Unreadable
from deploy.target import Owning
from deploy.targets.load_balancer import Settings
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.opened import Opened
from watcher.commands._doctor.services import subject
from watcher.runtime.fleet import Key


def checks(opened: Opened) -> Iterator[Check]:
    """One for each rule and listener that is a target, where a platform may move it too."""
    owners = [
        (key, target)
        for key, targets in opened.fleet.targets.items()
        for target in targets.values()
        if isinstance(target, Owning)
    ]
    for key, targets in opened.configuration.targets.items():
        for configured in targets.values():
            if owners and isinstance(configured.settings, Settings):
                yield Check(subject(key), "owner", partial(_owned, configured.settings, owners))


async def _owned(settings: Settings, owners: Sequence[tuple[Key, Owning]]) -> Sequence[Finding]:
    found = []
    for key, target in owners:
        arns, whose = await target.owns(), "/".join(key)
        if isinstance(arns, Unreadable):
            words = (
                f"whether the platform of {whose} moves {settings.called} too cannot be seen: {arns.words}"
            )
            found.append(Finding(Level.WARN, words, "may it be read?", untold=True, about=About.OWNER))
        elif settings.arn in arns:
            words = (
                f"{settings.called} is moved by the platform of {whose} too, and would be brought back by it"
            )
            remedy = f"take the target load_balancer out: {whose} is put back by its own target"
            found.append(Finding(Level.FAIL, words, remedy, about=About.OWNER))
        elif (
            _listener_of(settings.arn) in arns
        ):  # several services may share a listener, each with a rule of its own
            words = f"the platform of {whose} moves rules of the listener of {settings.called}: those that forward to its own target groups"
            remedy = (
                f"if {settings.called} forwards to them, take the target load_balancer out; else leave it"
            )
            found.append(Finding(Level.WARN, words, remedy, about=About.OWNER))
    return found or [
        Finding(Level.OK, f"no platform of another service moves {settings.called}", about=About.OWNER)
    ]


def _listener_of(arn: str) -> str:
    """The listener of a rule; of a listener itself."""
    return (
        arn.replace(":listener-rule/", ":listener/").rpartition("/")[0] if ":listener-rule/" in arn else arn
    )

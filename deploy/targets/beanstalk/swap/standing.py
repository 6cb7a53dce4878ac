"""Whether the other environment could have the name: it is there, runs the wanted release alone, is Ready and Green. Pure."""

from dataclasses import dataclass

from deploy.model import Release
from deploy.targets.beanstalk.environment import ENDED, MOVING, READY
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.settings import Settings

GREEN = "Green"


@dataclass(frozen=True, slots=True)
class Against:
    """What is against it.

    Attributes:
        gone: The wanted release runs there no more.
        passes: It is only awaited.
    """

    words: str
    gone: bool = False
    passes: bool = False


def other_of(view: View, settings: Settings) -> str:
    """The name of the one that has not the name by which people come."""
    return next(name for name in settings.names if name != view.environment.name)


def against(view: View, settings: Settings, to: Release) -> Against | None:  # noqa: PLR0911 - a table
    """What is against giving the name of *view* to the other environment, so that *to* serves; ``None``: nothing."""
    beside = view.beside
    if beside is None:
        return Against(
            f"the other environment {other_of(view, settings)} is not there: it was terminated, or the role to read may not see it; {to.tag} is to be"
            f" deployed to an environment of that name before the name {settings.cname} can be swapped",
            gone=True,
        )
    environment, name = beside.environment, beside.environment.name
    if environment.status in ENDED:
        return Against(
            f"the other environment {name} is {environment.status}: {to.tag} is to be deployed anew",
            gone=True,
        )
    told, serves = beside.told, beside.of(beside.serving)
    if environment.status in MOVING and told is not None and not told.is_same_as(to):
        return Against(
            f"the other environment {name} is {environment.status} to {told.tag}: somebody deploys there",
            gone=True,
        )
    if environment.status != READY:
        return Against(
            f"the other environment {name} is {environment.status}: that it is Ready is awaited", passes=True
        )
    if serves is None or not serves.is_same_as(to):
        runs = serves.tag if serves is not None else "nothing"
        return Against(
            f"the other environment {name} runs {runs}, not {to.tag}: deploy {to.tag} there, and swap then",
            gone=True,
        )
    if not beside.is_whole(to):
        return Against(f"the other environment {name} does not run {to.tag} alone: {beside.counts()}")
    if environment.color != GREEN:
        health = f"{environment.color or 'unknown'}{f' ({environment.health})' if environment.health else ''}"
        return Against(
            f"the health of the other environment {name} is {health}, not {GREEN}: people would be sent to what is not well; mend"
            " it, or swap by hand"
        )
    return None

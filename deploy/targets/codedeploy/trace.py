"""The trace of our last move, by which it is recognised as ours, also after the store was lost.

A deployment of ours carries it in its description. One that CodeDeploy makes, told to stop and to go back, has no room for
it: then it is a tag of the group, written just *before*, that names the deployment which was stopped. A rollback is ours
only if it takes back that very one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.targets.codedeploy.deployment import BY_ITSELF, Deployment

TAG_KEY = "rollbackd:move"
_KEY = r"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})"
_ID = r"(?P<undoes>d-[A-Za-z0-9]{1,32})"
_DESCRIPTION = re.compile(rf"rollbackd {_KEY}: back from {_ID}")
_TAG = re.compile(rf"{_KEY} stop {_ID}")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours was to do.

    Attributes:
        key: The action's.
        undoes: The id of the deployment that was to be undone.
    """

    key: str
    undoes: str

    def description(self) -> str:
        """Of the deployment that we create: at most 256 characters."""
        return f"rollbackd {self.key}: back from {self.undoes}"

    def tag(self) -> str:
        """The value of the tag, in AWS's grammar."""
        return f"{self.key} stop {self.undoes}"


def of_description(deployment: Deployment) -> Trace | None:
    """The trace in its description. Anybody may write there: what does not fit is none."""
    return _trace(_DESCRIPTION.fullmatch(deployment.description))


def of_tags(tags: Mapping[str, str]) -> Trace | None:
    """The trace among the tags of the group."""
    return _trace(_TAG.fullmatch(tags.get(TAG_KEY, "")))


def of_move(deployment: Deployment | None, tags: Mapping[str, str]) -> Trace | None:
    """Our own move, if *deployment* is one."""
    if deployment is None:
        return None
    if deployment.creator != BY_ITSELF:
        return of_description(deployment)
    trace = of_tags(tags)
    return trace if trace is not None and trace.undoes == deployment.undoes else None


def _trace(found: "re.Match[str] | None") -> Trace | None:
    return Trace(found["key"], found["undoes"]) if found else None

"""LaunchDarkly: a webhook carries an entry of its audit log, and signs the raw body (HMAC-SHA256, hex, ``X-LD-Signature``).

Neither the time of the delivery nor its id is signed apart, so an old delivery can be sent again: it is known by the id of its
entry, and changes nothing. Deliveries come in any order; ``date`` is when it happened.

Source:
    https://launchdarkly.com/docs/home/infrastructure/webhooks
    https://launchdarkly.com/docs/api/audit-log/get-audit-log-entry
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from deploy.model import Finding
from deploy.source import Aside, Event, Ignored, Kind, Opening, Received, Rejected
from deploy.sources.flags.settings import Settings, Written, believed, flipped, opened, unfit
from deploy.sources.proof import examined, signs
from deploy.sources.sqs.envelope import shown

SYSTEM = "launchdarkly"
SIGNATURE = "x-ld-signature"
FLAG, SEGMENT = "flag", "segment"
_EVERY = "*"
_MOST = 1000  # resources of one entry
_TAGS = r"(?:;[^:]*)?"  # what follows a key are tags, and `{key: value}` of a policy
_KEY = r"[^:;/\x00-\x1f\x7f]{1,256}"
_RESOURCE = re.compile(
    rf"proj/(?P<project>{_KEY}){_TAGS}:env/(?P<environment>{_KEY}){_TAGS}:(?P<kind>{FLAG}|{SEGMENT})/(?P<key>{_KEY}){_TAGS}"
)
_LATEST = 10**13  # milliseconds; the year 2286

_Resource = Annotated[str, StringConstraints(max_length=4096)]


class _Target(Written):
    resources: Annotated[list[_Resource], Field(max_length=_MOST)] = Field(default_factory=list)


class _Entry(Written):
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}\Z")] = Field(alias="_id")
    date: Annotated[int, Field(gt=0, lt=_LATEST)]
    kind: Annotated[str, StringConstraints(max_length=256)]
    target: _Target | None = None


class LaunchDarkly:
    """The guard and the parser of what comes to ``POST /v1/hooks/NAME``."""

    keeps_nothing = True  # see `deploy.source.Discreet`

    def __init__(self, settings: Settings, opening: Opening) -> None:
        self.name = opening.name
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes) -> bool:
        """It is signed with the webhook's secret."""
        return signs(self._settings.secrets, headers.get(SIGNATURE, ""), body)

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret."""
        return examined(self._settings)

    def read(self, received: Received) -> Aside | Ignored | Rejected:
        """What moved, and in which environment: one flag or one segment."""
        found = opened(received.body, _Entry, "LaunchDarkly")
        if isinstance(found, Rejected):
            return found
        entry, said = found
        place = place_of(entry.target.resources if entry.target else ())
        if place is None:
            return Ignored(f"LaunchDarkly: {shown(entry.kind)} is neither a flag nor a segment")
        environment = None if place["environment"] == _EVERY else place["environment"]
        ours = self._settings.whose(place["project"], environment)
        if isinstance(ours, Ignored):
            return ours
        return flipped(
            Event(
                id=f"{self.name}:{entry.id}",
                kind=place["kind"],
                source=SYSTEM,
                account="",
                region="",
                at=believed(datetime.fromtimestamp(entry.date / 1000, UTC), received.at),
                resources=(place[0],),
                detail=said,
                environment=ours,
            )
        )


def place_of(resources: Sequence[str]) -> re.Match[str] | None:
    """Project, environment (``*``: all), kind and key of the first of *resources* that is a flag or a segment."""
    return next((found for each in resources if (found := _RESOURCE.fullmatch(each))), None)


KIND = Kind(settings=Settings, open=LaunchDarkly, unfit=unfit, moves_alone=True)

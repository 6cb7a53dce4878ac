"""Unleash: its webhook posts an event as it stands in its log. It signs nothing: who sends shows a secret in a header.

The event is sent as Unleash writes it where the integration has no template of its own. A delivery that fails is tried once more,
and some come twice: an event is known by its id.

Source:
    https://docs.getunleash.io/integrate/webhook
    https://docs.getunleash.io/reference/events
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from deploy.model import Finding
from deploy.source import Aside, Event, Ignored, Kind, Opening, Received, Rejected
from deploy.sources.flags import settings as common
from deploy.sources.flags.settings import Written, believed, flipped, opened, unfit
from deploy.sources.proof import InHeader, examined
from deploy.sources.sqs.envelope import moment, shown

SYSTEM = "unleash"
FLAG, SEGMENT = "flag", "segment"

_Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,256}\Z")]


class Settings(common.Settings, InHeader):
    """``{unleash: {secret: {env: NAME}}}``: what stands in the integration's custom header; see `InHeader` and `common.Settings`."""


class _Event(Written):
    id: Annotated[int, Field(ge=0, lt=2**63)]
    type: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_-]{1,128}\Z")]
    created_at: Any = Field(default=None, alias="createdAt")
    project: _Name | None = None
    environment: _Name | None = None
    feature: _Name | None = Field(default=None, alias="featureName")


class Unleash:
    """The guard and the parser of what comes to ``POST /v1/hooks/NAME``."""

    keeps_nothing = True  # see `deploy.source.Discreet`

    def __init__(self, settings: Settings, opening: Opening) -> None:
        self.name = opening.name
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes) -> bool:  # noqa: ARG002  (nothing is signed)
        """It shows the secret."""
        return self._settings.admits(headers)

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret."""
        return examined(self._settings)

    def read(self, received: Received) -> Aside | Ignored | Rejected:
        """What moved, and in which environment: one flag or one segment."""
        found = opened(received.body, _Event, "Unleash")
        if isinstance(found, Rejected):
            return found
        event, said = found
        kind = SEGMENT if event.type.startswith(SEGMENT) else FLAG
        if event.feature is None and kind is FLAG:
            return Ignored(f"Unleash: {shown(event.type)} is about no flag")
        ours = self._settings.whose(event.project or "", event.environment)
        if isinstance(ours, Ignored):
            return ours
        return flipped(
            Event(
                id=f"{self.name}:{event.id}",
                kind=kind,
                source=SYSTEM,
                account="",
                region="",
                at=believed(moment(event.created_at), received.at),
                resources=(event.feature,) if event.feature else (),
                detail=said,
                environment=ours,
            )
        )


KIND = Kind(settings=Settings, open=Unleash, unfit=unfit, moves_alone=True)

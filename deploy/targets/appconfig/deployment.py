"""A deployment as ListDeployments tells it.

Source:
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_DeploymentSummary.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

COMPLETE, BAKING, ROLLING_BACK = "COMPLETE", "BAKING", "ROLLING_BACK"
COMING = frozenset({"VALIDATING", "DEPLOYING"})
UNDONE = frozenset({"ROLLED_BACK", "REVERTED"})
REVERTED_WITHIN = timedelta(hours=72)  # after it was complete: AppConfig's bound
_IN_TIME = timedelta(minutes=5)  # our clock against AWS's


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of a version to an environment.

    Attributes:
        number: Counted in its environment, whatever the profile.
        profile: The id of the configuration profile; empty where AppConfig does not list it.
        share: Of the targets that may have the version (0..1).
        is_managed: AppConfig itself made it, for an experiment: that is ended there, and nothing of it is taken back here.
    """

    number: int
    profile: str
    version: str
    state: str
    share: float
    started: datetime | None = None
    completed: datetime | None = None
    label: str = ""
    is_managed: bool = False

    @property
    def is_coming(self) -> bool:
        """It goes forward, and not all targets have it."""
        return self.state in COMING

    @property
    def serves(self) -> bool:
        """All targets have it: what is left of `BAKING` is that AppConfig minds its alarms."""
        return self.state in {COMPLETE, BAKING}

    @property
    def is_undone(self) -> bool:
        """It was taken back."""
        return self.state in UNDONE

    @property
    def goes_back(self) -> bool:
        """It is being taken back."""
        return self.state == ROLLING_BACK

    @property
    def is_under_way(self) -> bool:
        """As long as this one is, AppConfig starts no other in the environment."""
        return self.is_coming or self.goes_back or self.state == BAKING

    def can_be_undone(self, now: datetime) -> bool:
        """AppConfig takes it back at one word."""
        if self.is_managed:
            return False
        if self.state != COMPLETE:
            return self.is_coming or self.state == BAKING
        return self.completed is not None and now < self.completed + REVERTED_WITHIN - _IN_TIME


def deployment_of(told: Mapping[str, Any]) -> Deployment:
    """One of the items of ListDeployments, or the answer of GetDeployment."""
    state = str(told.get("State", ""))
    share = min(max(float(told.get("PercentageComplete", 0.0)) / 100, 0.0), 1.0)
    return Deployment(
        number=int(told.get("DeploymentNumber", 0)),
        profile=str(told.get("ConfigurationProfileId", "")),
        version=str(told.get("ConfigurationVersion", "")),
        state=state,
        share=0.0 if state == "VALIDATING" else share,
        started=told.get("StartedAt"),
        completed=told.get("CompletedAt"),
        label=str(told.get("VersionLabel", "")),
        is_managed=told.get("Type") == "MANAGED",
    )

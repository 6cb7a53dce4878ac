"""Parameters of Systems Manager, of one account and region.

Source:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html [D]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.trouble import AwsError

STANDARD = 4096  # bytes of a parameter of the standard tier [D]


@dataclass
class Ssm:
    """The parameters that there are, each with its versions."""

    account: str
    region: str
    versions: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    def put(self, name: str, value: str, at: datetime) -> None:
        """Another version of a parameter, or its first."""
        self.versions.setdefault(name, []).append((at, value))

    def delete(self, name: str) -> None:
        """It is gone, with all its versions."""
        del self.versions[name]

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """By name."""
        return {"GetParameter": self._get, "PutParameter": self._put}

    def _get(self, asked: Asked) -> Mapping[str, Any]:
        name = str(asked["Name"])
        if name not in self.versions:
            raise AwsError("ParameterNotFound", "")
        at, value = self.versions[name][-1]
        arn = f"arn:aws:ssm:{self.region}:{self.account}:parameter/{name.lstrip('/')}"
        parameter = {"Name": name, "Type": "String", "Value": value, "Version": len(self.versions[name])}
        return {"Parameter": parameter | {"LastModifiedDate": at, "ARN": arn, "DataType": "text"}}

    def _put(self, asked: Asked) -> Mapping[str, Any]:
        name = str(asked["Name"])
        if name in self.versions and not asked.get("Overwrite"):
            raise AwsError("ParameterAlreadyExists", "The parameter already exists.")
        if len(str(asked["Value"]).encode()) > STANDARD:
            raise AwsError(
                "ValidationException", "Standard tier parameters support a maximum value of 4096 characters."
            )
        self.put(name, str(asked["Value"]), asked.now)
        return {"Version": len(self.versions[name]), "Tier": "Standard"}

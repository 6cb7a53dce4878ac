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
        return {"GetParameter": self._get}

    def _get(self, asked: Asked) -> Mapping[str, Any]:
        name = str(asked["Name"])
        if name not in self.versions:
            raise AwsError("ParameterNotFound", "")
        at, value = self.versions[name][-1]
        arn = f"arn:aws:ssm:{self.region}:{self.account}:parameter/{name.lstrip('/')}"
        parameter = {"Name": name, "Type": "String", "Value": value, "Version": len(self.versions[name])}
        return {"Parameter": parameter | {"LastModifiedDate": at, "ARN": arn, "DataType": "text"}}

"""What holds feature flags, as far as it tells of them: each delivery is derived from how its flags stand, before and after.

Source:
    https://launchdarkly.com/docs/api/webhooks
    https://docs.getunleash.io/integrate/webhook
"""

import copy
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.alerts.log import Delivery

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECRET = "0123456789abcdef-of-the-flags-0123456789"
HIDDEN = "a-value-that-nobody-is-to-read"
_JSON = "application/json; charset=utf-8"


def _written(said: Any) -> bytes:
    return json.dumps(said).encode()


@dataclass
class LaunchDarkly:
    """Flags of one project: the variation that is served when off, the weights when on, in thousandths of a percent."""

    project: str = "shop"
    environment: str = "production"
    secret: str = SECRET
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: int = 0

    def has(self, key: str, variations: Sequence[tuple[str, Any]] = (("", True), ("", False))) -> None:
        """A flag is made; it is off, and serves its last variation."""
        named = [{"_id": f"v{n}", "value": value, "name": name} for n, (name, value) in enumerate(variations)]
        last = len(variations) - 1
        setting = {"on": False, "offVariation": last, "fallthrough": {"variation": last}, "rules": []}
        self.flags[key] = {"key": key, "name": key.title(), "kind": "boolean", "variations": named} | {
            "environments": {self.environment: setting}
        }

    def does(self, key: str, action: str, at: datetime = NOON, **setting: Any) -> Delivery:
        """Somebody changes how *key* is set, and LaunchDarkly tells."""
        before = copy.deepcopy(self.flags[key])
        self.flags[key]["environments"][self.environment] |= setting
        return self.tells(
            f"proj/{self.project}:env/{self.environment}:flag/{key};checkout,web",
            action,
            at,
            kind="flag",
            previousVersion=before,
            currentVersion=copy.deepcopy(self.flags[key]),
        )

    def rolls(self, key: str, at: datetime = NOON, on: bool = True, **percent: float) -> Delivery:
        """The default rule serves each variation (``v0=…``) so much."""
        weights = [
            {"variation": int(name[1:]), "weight": int(share * 1000)} for name, share in percent.items()
        ]
        return self.does(
            key, "updateFallthrough", at, on=on, fallthrough={"rollout": {"variations": weights}}
        )

    def tells(self, resource: str, action: str, at: datetime = NOON, **more: Any) -> Delivery:
        self.told += 1
        said = {
            "_links": {"self": {"href": f"/api/v2/auditlog/{self.told}", "type": "application/json"}},
            "_id": f"{self.told:024x}",
            "date": int(at.timestamp() * 1000),
            "accesses": [{"action": action, "resource": resource}],
            "name": "A flag",
            "description": f"served {HIDDEN}",
            "member": {"email": "ada@shop.example", "firstName": "Ada", "lastName": "L"},
            "titleVerb": "changed",
            "title": "Ada changed the flag",
            "target": {"name": "A flag", "resources": [resource]},
        } | more
        return self.signed(at, _written(said))

    def signed(self, at: datetime, body: bytes) -> Delivery:
        mac = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return Delivery(at, body, {"Content-Type": "application/json", "X-LD-Signature": mac})


@dataclass
class Unleash:
    """Flags with one gradual rollout each."""

    project: str = "default"
    environment: str = "production"
    secret: str = SECRET
    shares: dict[str, int] = field(default_factory=dict)
    told: int = 0

    def switches(self, key: str, *, on: bool, at: datetime = NOON) -> Delivery:
        return self.tells(f"feature-environment-{'enabled' if on else 'disabled'}", at, featureName=key)

    def rolls(self, key: str, percent: int, at: datetime = NOON) -> Delivery:
        before, self.shares[key] = self.shares.get(key), percent
        happened = "feature-strategy-add" if before is None else "feature-strategy-update"
        return self.tells(
            happened,
            at,
            featureName=key,
            preData=None if before is None else self._strategy(key, before),
            data=self._strategy(key, percent),
        )

    def _strategy(self, key: str, percent: int) -> dict[str, Any]:
        return {
            "id": "9f1e",
            "name": "flexibleRollout",
            "disabled": False,
            "constraints": [{"contextName": "userId", "operator": "IN", "values": [HIDDEN]}],
            "parameters": {"groupId": key, "rollout": str(percent), "stickiness": "default"},
        }

    def tells(self, happened: str, at: datetime = NOON, **more: Any) -> Delivery:
        self.told += 1
        said = {
            "id": self.told,
            "type": happened,
            "createdBy": "ada@shop.example",
            "createdAt": at.isoformat().replace("+00:00", "Z"),
            "data": None,
            "preData": None,
            "tags": [],
            "project": self.project,
            "environment": self.environment,
        } | more
        return Delivery(at, _written(said), {"Content-Type": _JSON, "X-Rollbackd-Token": self.secret})

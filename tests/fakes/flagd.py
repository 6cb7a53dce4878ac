"""flagd, as far as its clients see it: it reads a document in a bucket now and then, and says by OFREP what its flags give.

As its documents say; no flagd was looked at. What it would not take it passes over, and gives what it had.

Source:
    https://flagd.dev/concepts/syncs/
    https://openfeature.dev/specification/appendix-c
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import Unanswered
from deploy.ports import Got
from tests.fakes.aws import AwsWorld

BUCKET, KEY = "shop-flags", "production/flags.json"
URL = "http://flagd.internal:8016"
AT = "/ofrep/v1/evaluate/flags"


def flag(gives: str = "off", state: str = "ENABLED", **more: Any) -> dict[str, Any]:
    """A flag that is true or false."""
    return {"state": state, "variants": {"on": True, "off": False}, "defaultVariant": gives, **more}


def document(**flags: dict[str, Any]) -> str:
    """A document of *flags*, by the names ``new_checkout`` for ``new-checkout``."""
    return json.dumps({"flags": {name.replace("_", "-"): each for name, each in flags.items()}}, indent=2)


@dataclass
class Flagd:
    """One flagd. *every*: it reads the bucket so often; *away*: it does not answer."""

    world: AwsWorld
    every: timedelta = timedelta(seconds=5)
    away: bool = False
    garbled: Got | None = None
    asked: list[str] = field(default_factory=list)

    def gives(self, name: str) -> str | None:
        """The variant that a flag gives to whom no targeting concerns; ``None``: it is off."""
        told = self._flags().get(name)
        return None if told is None or told["state"] == "DISABLED" else str(told["defaultVariant"])

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        secrets: Mapping[str, str],
        body: bytes | None = None,
    ) -> Got:
        """As `deploy.ports.Send`."""
        assert (method, dict(secrets), json.loads(body or b"")) == ("POST", {}, {"context": {}})
        self.asked.append(url)
        if self.away:
            raise Unanswered("nobody answers", remedy="start it", may_have_happened=True)
        if self.garbled is not None:
            return self.garbled
        path = url.removeprefix(URL)
        if path == AT:
            told = [each for name in self._flags() if "errorCode" not in (each := self._evaluated(name))]
            return _got(200, {"flags": told})
        found = self._evaluated(path.removeprefix(f"{AT}/"))
        return _got(404 if "errorCode" in found else 200, found)

    def _evaluated(self, name: str) -> dict[str, Any]:
        variant = self.gives(name)
        if variant is None:
            return {
                "key": name,
                "errorCode": "FLAG_NOT_FOUND",
                "errorDetails": f"flag: {name} is disabled or not there",
            }
        value = self._flags()[name]["variants"][variant]
        return {"key": name, "reason": "STATIC", "variant": variant, "value": value}

    def _flags(self) -> Mapping[str, Any]:
        now = self.world.now()
        read_at = datetime.fromtimestamp(
            now.timestamp() // self.every.total_seconds() * self.every.total_seconds(), now.tzinfo
        )
        written = self.world.s3.find(BUCKET).at(KEY, read_at)
        found: Mapping[str, Any] = json.loads(written.body)["flags"] if written else {}
        return found


def _got(status: int, body: Mapping[str, Any]) -> Got:
    return Got(status, {"content-type": "application/json"}, json.dumps(body).encode())

"""What may stand under ``connections: {name: {pagerduty: …}}``."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rules.duration import Duration

# https://developer.pagerduty.com/docs/ZG9jOjExMDI5NTgx-send-an-alert-event, and the service region of an account
ENDPOINTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
LONGEST = timedelta(seconds=15)  # of a request: the courier gives a message 20 s


class Settings(BaseModel):
    """``{pagerduty: {routing_key: {env: NAME}}}``.

    Attributes:
        routing_key: The integration key of an Events API v2 integration of a service, 32 characters.
        region: Where the account is: ``us`` or ``eu``.
        url: Of the Events API, without a path; for a proxy. By default the region's.
        timeout: Of one request; 15 s at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    routing_key: SecretStr
    region: Literal["us", "eu"] = "us"
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+$", max_length=2048)] | None = None
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=LONGEST)] = timedelta(seconds=10)

    @property
    def endpoint(self) -> str:
        """Where events are sent."""
        return f"{self.url or ENDPOINTS[self.region]}/v2/enqueue"

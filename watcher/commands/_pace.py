"""How often a service is deployed: asked of a running daemon, which remembers every watch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from watcher.commands._client import Client, at

LOOKS_BACK = timedelta(days=90)
YEAR = timedelta(days=365)
WEEK = timedelta(days=7)
A_PAGE = 200
SECONDS = 3.0  # for an answer: the page is not worth a longer wait


@dataclass(frozen=True, slots=True)
class Pace:
    """So many *deployments* in a *span*, and where that is known from."""

    deployments: float
    span: timedelta
    words: str

    @property
    def a_year(self) -> float:
        """Deployments in a year, if it goes on like this."""
        return self.deployments * (YEAR / self.span)


def of_a_week(deployments: float) -> Pace:
    """As somebody says."""
    return Pace(deployments, WEEK, f"{deployments:g} deployments a week")


def seen(client: Client, service: str, environment: str, now: datetime) -> Pace | None:
    """What the daemon has watched of the last 90 days; of a shorter time, if it has watched for no longer.

    Returns:
        ``None`` if it watched fewer than two deployments, which are no pace.

    Raises:
        Failed: Nobody answers, or the daemon says no.
    """
    opened: list[datetime] = []
    span = LOOKS_BACK
    for moment in _opened(replace(client, seconds=SECONDS, tries=1), service, environment):
        if now - moment > LOOKS_BACK:
            break
        opened.append(moment)
    else:
        span = now - opened[-1] if opened else span
    if len(opened) <= 1 or not span:
        return None
    days = max(round(span / timedelta(days=1)), 1)
    return Pace(len(opened), span, f"{len(opened)} deployments in {days} days, as the daemon saw")


def _opened(client: Client, service: str, environment: str) -> Iterator[datetime]:
    """When each watch was opened, the newest first."""
    after: str | None = None
    while True:
        page: Mapping[str, Any] = client.get(
            at("v1", "watches"), service=service, environment=environment, limit=A_PAGE, after=after
        )
        yield from (datetime.fromisoformat(each["times"]["opened_at"]) for each in page["watches"])
        after = page["after"]
        if after is None:
            return

"""Notices of one watch, as they come; for all systems that markers are put into."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.fakes.world import START
from watcher.clock import new_id
from watcher.core.watch import Message, Notice

WATCH = new_id("w", START)
ACTION = f"{WATCH}.7.0"
PUBLIC_URL = "https://rollbackd.acme.example"
QUICK = timedelta(seconds=0.4)


def shown(
    state: str = "watching",
    at: datetime = START,
    facts: Mapping[str, str] | None = None,
    headline: str = "",
    service: str = "checkout",
) -> Message:
    """How the watch stands; of a rollback from the state on in which there is one."""
    action = {"action": ACTION} if state in {"rolling_back", "recovering", "rolled_back", "stuck"} else {}
    told = {"state": state, "tag": "v43", "goes_to": "v42", **action, **(facts or {})}
    notice = Notice(
        headline or f"checkout · production: {state}",
        watch=WATCH,
        service=service,
        environment="production",
        at=at,
        facts=told,
    )
    return Message(f"{WATCH}.3.0", "show", "charts", notice)

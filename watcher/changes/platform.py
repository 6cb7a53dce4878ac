"""What the cloud says of itself: AWS Health.

An event is told again with every update; it is one change when it begins, and one more when it is over. What is planned is a
change at the time for which it is planned.

Source:
    https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from deploy.source import Event
from watcher.changes.told import Told, named
from watcher.core.change import ChangeKind

_CATEGORIES = {"issue": "issue", "investigation": "investigation", "scheduledChange": "planned change"}
_GLOBAL = "global"


def health(event: Event) -> Told | None:
    """An issue, or a planned change. What only notifies the account's owner (a bill, a certificate) moves nothing."""
    category = _CATEGORIES.get(named(event.detail, "eventTypeCategory"))
    code, arn = named(event.detail, "eventTypeCode"), named(event.detail, "eventArn")
    if category is None or not code or not arn:
        return None
    service = named(event.detail, "service") or "AWS"
    is_over = named(event.detail, "statusCode") == "closed"
    return Told(
        ChangeKind.PLATFORM,
        f"AWS Health: {category} of {service} ({code}){', over' if is_over else ''}",
        code,
        at=_moment(event.detail.get("endTime" if is_over else "startTime")),
        region=_region(event),
        once=f"{arn}:{'over' if is_over else 'begun'}",
    )


def _region(event: Event) -> str:
    """The region that is affected, which is not always the one that is told."""
    region = named(event.detail, "eventRegion") or event.region
    return "" if region == _GLOBAL else region


def _moment(written: object) -> datetime | None:
    """Such as ``Thu, 26 Jan 2023 13:19:03 GMT``; ``None`` where it is not one."""
    try:
        at = parsedate_to_datetime(written) if isinstance(written, str) and len(written) < 64 else None  # noqa: PLR2004
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None

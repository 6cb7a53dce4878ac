"""ECS's own messages about a service, made fit for a screen."""

from datetime import datetime

from deploy.targets.aws.wording import plain
from deploy.targets.ecs.service import Service


def events(service: Service, since: datetime, most: int = 2) -> str:
    """What ECS reported of the service since then, the newest first; empty if nothing."""
    said = (message for at, message in service.events if at >= since and "steady state" not in message)
    found = [plain(message, 200) for message, _ in zip(dict.fromkeys(said), range(most), strict=False)]
    return "; ".join(found)

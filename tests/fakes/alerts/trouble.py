"""What can happen to deliveries on their way, and what somebody may send who is not the system."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from tests.fakes.alerts.log import Delivery

Order = Callable[[Sequence[Delivery]], Sequence[Delivery]]


def twice(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Each comes twice at once."""
    return [each for each in deliveries for _ in range(2)]


def again(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """All of them come once more at the end, as they were: somebody has listened."""
    return [*deliveries, *(replace(each, at=deliveries[-1].at) for each in deliveries)]


def overtaken(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """Neighbours change places: the end comes before the beginning."""
    found: list[Delivery] = []
    for first in range(0, len(deliveries), 2):
        pair = deliveries[first : first + 2]
        found += [replace(each, at=pair[-1].at) for each in reversed(pair)]
    return found


def backwards(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """The last comes first."""
    return [replace(each, at=deliveries[-1].at) for each in reversed(deliveries)]


ORDERS: Mapping[str, Order] = {
    "in order": lambda deliveries: deliveries,
    "twice": twice,
    "again": again,
    "overtaken": overtaken,
    "backwards": backwards,
}


# ------------------------------------------------------------------------------------------------------- nobody's words


def truncated(delivery: Delivery) -> Delivery:
    return replace(delivery, body=delivery.body[: len(delivery.body) // 2])


def tampered(delivery: Delivery) -> Delivery:
    """One byte is another, in the middle, and it is still JSON."""
    return replace(delivery, body=delivery.body.replace(b"checkout", b"chequout", 1))


def huge(delivery: Delivery) -> Delivery:
    """More than 256 KiB, and still JSON."""
    said = json.loads(delivery.body)
    return replace(delivery, body=json.dumps({**said, "padding": "x" * 256 * 1024}).encode())


def stale(delivery: Delivery, by: timedelta = timedelta(hours=1, seconds=1)) -> Delivery:
    """It comes so much later than it was sent."""
    return replace(delivery, at=delivery.at + by)


def without_secrets(delivery: Delivery) -> Iterable[Delivery]:
    """Without each of the headers that may prove something, and with others in their place."""
    for name, value in delivery.headers.items():
        if name not in {"Content-Type", "User-Agent"}:
            kept = {other: content for other, content in delivery.headers.items() if other != name}
            yield replace(delivery, headers=kept)
            for wrong in (
                "",
                value[:-1],
                f"{value}0",
                f"{value}, {value}",
                value.swapcase(),
                value[::-1],
                "é\udc80",
            ):
                if wrong != value:
                    yield replace(delivery, headers=kept | {name: wrong})

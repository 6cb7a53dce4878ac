"""What holds at the end, whatever befell the replicas; and where in a rollback a trap can lie."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.replicas.house import House

# The statements of the store, as they are said on a link.
THE_INTENT = ("SET state = 'begun'", "COMMIT")  # is durable: the call comes next
THE_OUTCOME = ("moves_sent = CASE WHEN",)  # of a call that was made
A_SAVE = ("SELECT state FROM watches WHERE id",)  # of a step, in the middle of a round

LEASE, GRACE = 15.0, 5.0  # seconds: see ``watcher.runtime.timing``
POLL = 1.0  # until somebody looks whether a lease ran out
JUDGES = 6.0  # seconds from the first bad request to the call, where nothing is in the way
BUSY = (
    20.0  # more, on a machine that is busy with other tests: programs and daemons wait for a processor there
)


async def rolled_back(house: House, services: Sequence[str]) -> list[str]:
    """Which promises were broken to *services*, whose v2 was bad, in words; none, if all is well."""
    wrong = [words for service in services for words in _of_service(house, service)]
    states = await house.states()
    wrong += [f"{name}: {states[name]}" for name in services if states[name] != ["rolled_back"]]
    wrong += await _of_audit(house, services)
    wrong += [
        f"{replica.name} said {event}"
        for replica in house.replicas
        for event in replica.events()
        if event["level"] == "error"
    ]
    return wrong


def _of_service(house: House, service: str) -> list[str]:
    moves = house.town.calls("move", service)
    wrong = [] if [move.tag for move in moves] == ["v1"] else [f"{service} was moved by {moves}"]
    if house.town.serves(service) != "v1":
        wrong.append(f"{service} serves {house.town.serves(service)}")
    told = [message for message in house.town.told if message["service"] == service]
    by_id: dict[str, Any] = {}
    wrong += [
        f"two messages are called {each['id']}" for each in told if by_id.setdefault(each["id"], each) != each
    ]
    apart = [each["event"] for each in by_id.values() if each["kind"] == "append"]
    if sorted(apart) != ["watch.rolled_back", "watch.rolling_back"]:
        wrong.append(f"{service}: people were told {apart}")
    return wrong


async def _of_audit(house: House, services: Sequence[str]) -> list[str]:
    """Each thing once, whoever did it; an intent may be written again. Every announcement is closed."""
    rows = await house.say("SELECT w.service, a.what FROM audit a JOIN watches w ON w.id = a.subject")
    many = Counter(rows)
    once = (
        "watch.opened",
        "watch.rolling_back",
        "action.queued",
        "watch.recovering",
        "action.done",
        "watch.rolled_back",
    )
    wrong = [
        f"{service}: {what} happened {many[service, what]} times"
        for service in services
        for what in once
        if many[service, what] != 1
    ]
    open_ = await house.say("SELECT id, why FROM inbox WHERE closed_at IS NULL")
    return wrong + [f"announcement {each} is open: {why}" for each, why in open_]

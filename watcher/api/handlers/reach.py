"""What the caller may see and order. What is out of reach of a token does not exist for it, unless it named it itself."""

from watcher.api.problems import Declined, forbidden, not_found
from watcher.api.route import AnyCall
from watcher.core.service import Service
from watcher.core.watch import Watch
from watcher.errors import NoSuchWatch

MOST_NAMES = 10  # as many as one reads


async def watch_in_reach(call: AnyCall, id: str) -> Watch:
    """The watch.

    Raises:
        NoSuchWatch: Nobody knows it, or the token is not good for its service: the answer is the same.
    """
    watch = await call.deps.store.get(id)
    if watch is None or not call.who.covers(*watch.key):
        raise NoSuchWatch(id)
    return watch


def must_reach(call: AnyCall, service: str, environment: str) -> None:
    """See that the token is good for the service; whether there is such a service is not told.

    Raises:
        Declined: It is not.
    """
    if not call.who.covers(service, environment):
        raise forbidden(
            f"{call.who.name} is not for {service} in {environment}", "take a token whose `services` name it"
        )


def known_service(call: AnyCall, service: str, environment: str) -> Service:
    """The service.

    Raises:
        Declined: The token is not good for it, or the configuration does not know it.
    """
    must_reach(call, service, environment)
    found = call.deps.services().get((service, environment))
    if found is None:
        raise no_such_service(call, service, environment)
    return found


def must_order(call: AnyCall, service: Service | None) -> None:
    """See that the service's team lets the caller order. One that is not configured any more is left to the tokens.

    Raises:
        Declined: It does not.
    """
    if service is not None and not call.who.may_order(service):
        raise forbidden(
            f"{call.who.name} may not order anything of {service.name} in {service.environment}",
            f"may_order of the team {service.team.name} names who may: {', '.join(service.team.may_order)}",
        )


def no_such_service(call: AnyCall, service: str, environment: str) -> Declined:
    """The configuration does not know it; those that the caller may see are named."""
    known = [
        f"{name}/{place}" for name, place in sorted(call.deps.services()) if call.who.covers(name, place)
    ]
    shown = ", ".join(known[:MOST_NAMES]) + (", …" if len(known) > MOST_NAMES else "")
    return not_found(
        f"no service {service} in {environment} is configured", f"known: {shown}" if known else "configure it"
    )

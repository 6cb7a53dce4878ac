"""What a person reads before they agree, and afterwards."""

from collections.abc import Iterator, Mapping

from deploy.model import Foretold, RollbackPlan

WARNINGS = (
    "if a daemon runs, it sees somebody's deployment, and watches it like any other",
    "nobody who is asked through the daemon's API, or in Slack, was asked",
)


def lines_of(plan: RollbackPlan, foretold: Mapping[str, Foretold]) -> Iterator[str]:
    """The moves in order: their calls, how long, at what capacity, what is not undone, what stands in the way; for what is *foretold*."""
    yield f"{plan.service} in {plan.environment}:"
    for move in plan.moves:
        yield f"{move.part}: {move.expect.tag} → {move.to.tag}"
        told = foretold.get(move.part, Foretold(calls=()))
        for number, call in enumerate(told.calls, start=1):
            yield f"  {number}. {call}"
        for name, words in (
            ("takes", told.takes),
            ("capacity", told.capacity),
            ("sessions", told.sessions),
            ("not undone", told.not_undone),
            ("by hand", told.by_hand),
        ):
            if words:
                yield f"  {name}: {words}"
        for obstacle in told.obstacles:
            yield f"  in the way: {obstacle}"


def afterwards(plan: RollbackPlan) -> Iterator[str]:
    """What the daemon has to be told once it runs again: it may know the release that was left as a good one."""
    for move in plan.moves:
        if not move.expect.is_same_as(move.to):
            yield (
                f"when the daemon runs again: rollbackd distrust {move.expect.tag} --service {plan.service}"
                f" --environment {plan.environment} --reason …"
            )

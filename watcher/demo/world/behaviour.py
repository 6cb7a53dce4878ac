"""What the releases of the small service are like: how often they fail, how often they are slow."""

import random
from dataclasses import dataclass

FAST = 0.012  # seconds; the median of an answer that is not slow
SPREAD = 0.35  # sigma of its lognormal distribution
SLOWEST = (
    0.35,
    0.9,
)  # seconds; a slow answer lies between them, beyond the bound of 300 ms that the rules look at


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One release. *failing* and *slow* are shares of its requests (0..1); a *dead* one answers nothing but 503."""

    failing: float = 0.002
    slow: float = 0.004
    dead: bool = False

    def worse_by(self, other: "Behaviour") -> "Behaviour":
        """This one, while *other* is added: what a broken dependency does to whoever needs it."""
        return Behaviour(
            min(1.0, self.failing + other.failing), min(1.0, self.slow + other.slow), self.dead or other.dead
        )


USUAL = Behaviour()
NOTHING = Behaviour(failing=0.0, slow=0.0)

# The margin of the demo's rule is 1.5 × the old release + 1 point: 1.3 % for a usual one.
KINDS: dict[str, Behaviour] = {
    "good": USUAL,
    "errors": Behaviour(failing=0.06),
    "slow": Behaviour(slow=0.15),
    "dead": Behaviour(dead=True),
    "flaky": Behaviour(failing=0.01),  # five times the usual, and yet within the margin
}
HICCUP = Behaviour(failing=0.08, slow=0.0)  # a dependency that both releases share


def draw(behaviour: Behaviour, chance: random.Random) -> tuple[int, float]:
    """One answer: its HTTP status, and how long it takes in seconds."""
    if behaviour.dead:
        return 503, 0.001
    status = 500 if chance.random() < behaviour.failing else 200
    if chance.random() < behaviour.slow:
        return status, chance.uniform(*SLOWEST)
    return status, FAST * chance.lognormvariate(0.0, SPREAD)

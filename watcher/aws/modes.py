"""How calls are made: one mode for each capability, and one for assuming roles."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """How calls of one kind are made.

    Attributes:
        name: In the metrics.
        attempts: Sent at most so often (botocore's standard retries: throttling, 5xx, connections that break).
        connect: Seconds until a connection stands.
        answer: Seconds until an answer comes, once it was sent.
        whole: Seconds for everything together: waiting for a thread, assuming the role, all attempts.
        threads: Calls at one time; as many connections are kept.
        changes: It may change something, so a lost answer means that it may have happened.
    """

    name: str
    attempts: int
    connect: float
    answer: float
    whole: float
    threads: int
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Modes:
    """One for each capability, and one for assuming roles."""

    read: Mode
    act: Mode
    poll: Mode
    assume: Mode


WAITS = 10  # seconds that a long poll may ask AWS to wait: a thread in it cannot be stopped (aws.md, 13)

# An operation of a target has 7 s and a round of a provider 6 s, both less than a lease: so one attempt that hangs is over
# before it (2 + 3.5 s), and a second one is made only where the first was quickly refused.
USUAL = Modes(
    read=Mode("read", attempts=3, connect=2.0, answer=3.5, whole=6.0, threads=16),
    act=Mode("act", attempts=1, connect=2.0, answer=3.5, whole=6.0, threads=4, changes=True),
    poll=Mode("poll", attempts=1, connect=2.0, answer=WAITS + 1.0, whole=WAITS + 3.0, threads=1),
    assume=Mode("assume", attempts=3, connect=2.0, answer=3.5, whole=6.0, threads=4),
)

"""What happened in the demo, act by act, as facts: the screen, the figures, the claims and the report are all made of these.

All times are Unix times in seconds; ``None`` means that it did not happen.
"""

from dataclasses import dataclass, field

BAD = frozenset(
    {"errors", "slow", "dead"}
)  # kinds of releases that should be rolled back; the others should not


@dataclass(frozen=True, slots=True)
class Said:
    """A message as the daemon told it to its channel."""

    at: float
    headline: str
    lines: tuple[str, ...] = ()
    buttons: tuple[str, ...] = ()
    loud: bool = False  # people are mentioned
    event: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The evidence against the release at one time: log10 E of the group of rules."""

    at: float
    log10_e: float


@dataclass(frozen=True, slots=True)
class Began:
    """When it began, as the daemon reckons: most probable, and the interval."""

    at: float
    low: float
    high: float


@dataclass(slots=True)
class Act:
    """One deployment and what came of it. Filled in while it happens.

    Attributes:
        kind: What the release is like (``good``, ``errors``, ...).
        calm: When nothing was deployed and nothing wrong: what is usual.
        killed, restarted: When the daemon was, and when it was ready again.
        states: Each state that was seen, with when.
        calls: When ``move`` was taken; *asked* counts those that were not, too.
        began, breached, would_have, countdown, ended: As the daemon tells.
        served: When the users were served by the old release alone again, as the client saw it.
        exit: What ``rollbackd wait`` ended with.
    """

    kind: str
    mode: str
    old: str
    new: str
    start: float
    calm: tuple[float, float] = (0.0, 0.0)
    deployed: float = 0.0
    end: float = 0.0
    watch: str = ""
    state: str = ""
    threshold: float = 3.0
    states: list[tuple[float, str]] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    asked: int = 0
    began: Began | None = None
    breached: float | None = None
    would_have: float | None = None
    countdown: float | None = None
    hiccup: tuple[float, float] | None = None
    killed: float | None = None
    restarted: float | None = None
    served: float | None = None
    recovered: bool | None = None
    ended: float | None = None
    exit: int | None = None
    estimate: float | None = None
    baseline: float | None = None
    trail: list[Weighed] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def saw(self, state: str) -> float | None:
        """When *state* was first seen."""
        return next((at for at, seen in self.states if seen == state), None)

    @property
    def late(self) -> bool:
        """What is wrong with it is that it is slow, so late answers count as failures do."""
        return self.kind == "slow"

    @property
    def wrong(self) -> str:
        """What happens to a request that goes wrong."""
        return "failed or came too late" if self.late else "failed"

    @property
    def is_bad(self) -> bool:
        """The release should be rolled back."""
        return self.kind in BAD


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that the demo says, and whether it was so."""

    words: str
    held: bool
    found: str


@dataclass(slots=True)
class Story:
    """The whole play."""

    seed: int
    started: float
    rate: float
    acts: list[Act] = field(default_factory=list)
    configuration: str = ""
    rules: str = ""
    ended: float = 0.0

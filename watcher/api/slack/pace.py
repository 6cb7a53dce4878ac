"""How long everything takes that waits here. No setting: Slack's own limits are behind most of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Times, all in seconds.

    Attributes:
        patience: Until a click is acknowledged though its order is not done. Slack waits for 3 s.
        longest: For one order; whoever clicked is told that nobody knows.
        finishing: In which what was taken is finished, when the daemon ends.
        goodbye: In which the others are told that it was not.
        beat: Between two pings of a connection; one that does not answer within half of it is given up.
        hello: For Slack's first word on a new connection.
        first: Between two attempts to connect; doubled with each that fails.
        last: The longest of these pauses.
        hopeless: The pause where an operator must act.
        steady: A connection that lasted so long was a good one: the next pause is the first again.
        beside: How long the old connection is heard beside the new one.
    """

    patience: float = 2.0
    longest: float = 30.0
    finishing: float = 4.0
    goodbye: float = 2.0
    beat: float = 20.0
    hello: float = 8.0
    first: float = 1.0
    last: float = 60.0
    hopeless: float = 300.0
    steady: float = 30.0
    beside: float = 30.0


PACE = Pace()

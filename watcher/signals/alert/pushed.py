"""What a system told of its alerts: values, that everyone in this room shares.

Everything is bounded and clean by the time it stands here: a sender is somebody else's system, and what it writes is
somebody else's text.
"""

from dataclasses import dataclass

from deploy.source import Aside, Ignored, Rejected
from watcher.core.alerts import Mood, Pushed  # there, because the store remembers them too

__all__ = ["Meaning", "Mood", "Pushed", "Told"]

MOST_ALERTS = 1000  # in one message; a group of Alertmanager with more is called incomplete
MOST_LABELS = 64  # of one alert
LONGEST_KEY = 512  # characters; an ARN of an alarm has at most some 350
LONGEST_NAME = 256
LONGEST_LABEL = 512  # characters of the value of a label; its name has at most 128
LONGEST_WORDS = 300
LONGEST_LINK = 2048


@dataclass(frozen=True, slots=True)
class Told:
    """What one message says.

    Attributes:
        alerts: In the order of the message; none of them twice.
        incomplete: The message says, or its size makes, that there are more alerts than stand in it.
        aside: An event that is no alert and may be a change, where the message carried one.
    """

    alerts: tuple[Pushed, ...] = ()
    incomplete: bool = False
    aside: Aside | None = None


Meaning = Told | Ignored | Rejected

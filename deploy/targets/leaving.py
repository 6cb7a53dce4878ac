"""What a way back leaves as it is, and what it does to those who are there, in words that several kinds of targets share.

Whatever is read by reference (a parameter, a secret, a flag) has a past of its own, which no deployment knows.
"""

from collections.abc import Callable

from pydantic import BaseModel

from deploy.target import BY_REFERENCE, WRITTEN

NONE_AWAY = "none is taken away: no process is stopped or started"
BEGUN_IS_FINISHED = (
    "who is in the middle of something gets the old setting with the client's next look: what was begun under the new one is finished"
    " under the old"
)


def of_a_flag(_settings: BaseModel) -> str:
    """Of what is switched inside a release that runs on."""
    return f"the release that reads it, other flags, parameters and secrets, {WRITTEN}"


def besides(own: str) -> Callable[[BaseModel], str]:
    """What no deployment puts back, and what is said of this kind alone: what else stays, or what does come back."""
    words = f"{BY_REFERENCE}, {WRITTEN}; {own}"
    return lambda _settings: words

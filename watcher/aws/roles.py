"""Where calls go, and as whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsRoles:
    """An account of AWS in one region, and the ARNs of two roles in it.

    Attributes:
        name: As the configuration calls it: the scope of every call.
        read: ``None``: the daemon's own credentials.
        act: ``None``: nothing that changes anything is ever tried.
        own_acts: But with one's own credentials, where there is no role to act: for a person, who has asked for it.
    """

    name: str
    region: str
    read: str | None = None
    act: str | None = None
    own_acts: bool = False

"""Where calls go, and as whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsRoles:
    """An account of AWS in one region, and the ARNs of two roles in it.

    Attributes:
        name: As the configuration calls it: the scope of every call.
        read: ``None``: the daemon's own credentials.
        act: ``None``: nothing that changes anything is ever tried.
    """

    name: str
    region: str
    read: str | None = None
    act: str | None = None

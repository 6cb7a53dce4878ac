"""How a key shares a site out between two releases, and which viewers get which. Pure.

    1.4.1                    everybody gets 1.4.1
    1.4.1|1.4.2|25           a quarter of the viewers get 1.4.2, the others 1.4.1

Each viewer is in one of ten thousand buckets, by a cookie, or by address and browser before it has one; those below the weight get the
newer release (examples/aws/site-by-weight.js). So who has it keeps it while its share grows, and with the weight at nothing nobody has it.
"""

import re
from dataclasses import dataclass

from deploy.targets.s3_cloudfront.settings import is_name

BUCKETS = 10_000
ASKED = "rollbackd-bucket"  # in the query of an address: the page that the viewers of this bucket get
_SHARED = re.compile(r"(?P<old>[^|]{1,128})\|(?P<new>[^|]{1,128})\|(?P<percent>[0-9]{1,3}(?:\.[0-9]{1,2})?)")


@dataclass(frozen=True, slots=True)
class Shares:
    """Who has what of the site. *old*: ``None``, where *new* has everything; *share*: that of *new* (0 to 1)."""

    old: str | None
    new: str
    share: float = 1.0


def read_shares(value: str) -> Shares | None:
    """What *value* says; ``None``: no two releases and a weight. Weights at their ends are of one release alone."""
    found = _SHARED.fullmatch(value)
    if found is None or not is_name(found["old"]) or not is_name(found["new"]):
        return None
    buckets = buckets_of(float(found["percent"]) / 100)
    if buckets > BUCKETS:
        return None
    if buckets in {0, BUCKETS} or found["old"] == found["new"]:
        return Shares(None, found["new"] if buckets else found["old"])
    return Shares(found["old"], found["new"], buckets / BUCKETS)


def written(old: str, new: str, share: float) -> str:
    """The value that gives *new* its *share*; the name alone, where that is everything, or nothing."""
    buckets = buckets_of(share)
    if buckets in {0, BUCKETS}:
        return new if buckets else old
    return f"{old}|{new}|{buckets / 100:g}"


def buckets_of(share: float) -> int:
    """So many of the buckets get the newer release."""
    return round(share * BUCKETS)


def asks_for(site: str, bucket: int) -> str:
    """The address of the page that the viewers of *bucket* get."""
    return f"{site}/?{ASKED}={bucket}"

"""Which topics are believed; and where the certificates of a topic's region lie, which follows from its name."""

import re
from typing import Annotated

from pydantic import Field

from deploy.sources.proof import Strictly

MOST_TOPICS = 100
TOPIC = r"^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?\Z"
_TOPIC = re.compile(TOPIC)


class Settings(Strictly):
    """``{sns: {topics: ["arn:aws:sns:eu-central-1:123456789012:alarms"]}}``.

    Attributes:
        topics: Whose messages are believed, and whose subscriptions are confirmed. No other topic can make the daemon send
            a request.
    """

    topics: Annotated[list[Annotated[str, Field(pattern=TOPIC)]], Field(min_length=1, max_length=MOST_TOPICS)]


def domain_of(topic: str) -> tuple[str, str]:
    """The region of *topic*, which is one, and the domain of its partition."""
    found = _TOPIC.match(topic)
    assert found is not None, topic  # noqa: S101 - the settings let nothing else through
    return found[2], "amazonaws.com.cn" if found[1] == "aws-cn" else "amazonaws.com"


def host_of(topic: str) -> str:
    """Where SNS answers for *topic*: its certificate, and the confirmation of a subscription."""
    region, domain = domain_of(topic)
    return f"sns.{region}.{domain}"


def names_of(topic: str) -> frozenset[str]:
    """What a certificate that signs for *topic* may be called.

    Regions differ: most share one name, younger ones and those of other partitions have their own.
    """
    region, domain = domain_of(topic)
    own = {f"sns.{region}.{domain}", f"sns-signing.{region}.{domain}", f"sns-{region}.{domain}"}
    shared = {"sns-us-gov-west-1.amazonaws.com"} if region.startswith("us-gov-") else {f"sns.{domain}"}
    return frozenset(own | shared)

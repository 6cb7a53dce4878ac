"""What may stand under ``connections: {name: {sns: …}}``."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TOPIC = r"^arn:aws[a-z-]*:sns:[a-z0-9-]{4,32}:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$"


class Settings(BaseModel):
    """``{sns: {account: shop, topic: "arn:aws:sns:…"}}``.

    Attributes:
        account: Of `accounts`: its role to read publishes, and the topic is in its region.
        topic: The ARN of the topic; one whose name ends in ``.fifo`` is told each watch in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Annotated[str, Field(min_length=1, max_length=64)]
    topic: Annotated[str, Field(pattern=TOPIC, max_length=400)]

    @property
    def is_fifo(self) -> bool:
        """It keeps the order of a group, and takes one id once within 5 min."""
        return self.topic.endswith(".fifo")

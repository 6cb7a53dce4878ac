"""What may stand under ``runs_on: [{load_balancer: …}]``, and by which addresses news of it are recognised.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html for the ARNs;
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html (dimensions)
    for what a balancer is called.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from deploy.ports import AwsAccount

_WHERE = (
    r"arn:(?P<partition>aws[a-z-]*):elasticloadbalancing:(?P<region>[a-z0-9-]{1,32}):(?P<account>\d{12}):"
)
_BALANCER = r"app/(?P<balancer>[A-Za-z0-9-]{1,32}/[0-9a-f]{16})"
_RULE = re.compile(rf"{_WHERE}listener-rule/{_BALANCER}/[0-9a-f]{{16}}/[0-9a-f]{{16}}")
_LISTENER = re.compile(rf"{_WHERE}listener/{_BALANCER}/[0-9a-f]{{16}}")
_TAG_KEY = r"^[A-Za-z0-9 _.:/=+@-]{1,128}\Z"
_REMEDY = "name the account that the balancer is in, in its region"
RELEASE_TAG = "rollbackd:release"


def _fits(pattern: re.Pattern[str], words: str) -> AfterValidator:
    def check(written: str) -> str:
        if not pattern.fullmatch(written):
            raise ValueError(f"{written[:160]!r} is not the ARN of {words} of an application load balancer")
        return written

    return AfterValidator(check)


class Settings(BaseModel):
    """A rule, or the default action of a listener, that forwards to target groups with weights.

    Attributes:
        rule: Its ARN; or `listener`.
        listener: Its ARN: its default action is what is moved; or `rule`.
        release_tag: The key of the tag on each target group that says which release it serves.
        traffic: How a deployment moves it: by_weight (a share first) or at_once. Whoever names no rules is watched accordingly.
        sessions: What a rollback does with sticky sessions: move them at once, or let them stay until their cookie ends.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    rule: Annotated[str, _fits(_RULE, "a rule (…:listener-rule/app/NAME/ID/ID/ID)")] | None = None
    listener: Annotated[str, _fits(_LISTENER, "a listener (…:listener/app/NAME/ID/ID)")] | None = None
    release_tag: Annotated[str, StringConstraints(pattern=_TAG_KEY)] = RELEASE_TAG
    traffic: Literal["by_weight", "at_once"] | None = None
    sessions: Literal["move", "stay"] = "move"

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.rule is None) == (self.listener is None):
            raise ValueError("either `rule` or `listener` says what is moved")
        return self

    @property
    def arn(self) -> str:
        """Of what is moved."""
        return self.rule or self.listener or ""

    @property
    def called(self) -> str:
        """What is moved, for people."""
        return (
            f"the rule {self.arn.rpartition('/')[2]}"
            if self.rule
            else f"the listener {self.arn.rpartition('/')[2]}"
        )

    @property
    def load_balancer_name(self) -> str:
        """The balancer as CloudWatch calls it: app/NAME/ID."""
        return f"app/{self._match()['balancer']}"

    @property
    def account_id(self) -> str:
        """Twelve digits."""
        return self._match()["account"]

    @property
    def region(self) -> str:
        """Of the balancer."""
        return self._match()["region"]

    def arn_of(self, name: str) -> str:
        """Of a target group in the same place; *name*: targetgroup/NAME/ID."""
        place = self._match()
        return f"arn:{place['partition']}:elasticloadbalancing:{place['region']}:{place['account']}:{name}"

    def _match(self) -> re.Match[str]:
        found = _RULE.fullmatch(self.arn) or _LISTENER.fullmatch(self.arn)
        if found is None:
            raise AssertionError("the ARN was checked when the settings were read")
        return found


def misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    """The ARN is of another account or region than *account*: no call would find it."""
    if settings.region != account.region:
        words = f"the ARN is of {settings.region}, and the account {account.name} of {account.region}"
        return words, _REMEDY
    if account.id is not None and settings.account_id != account.id:
        words = f"the ARN is of {settings.account_id}, and the account {account.name} is {account.id}"
        return words, _REMEDY
    return None


def addresses(settings: Settings, _account: AwsAccount | None) -> tuple[str, ...]:
    """By which its events are recognised: ``load_balancer:{ARN}``."""
    return (f"load_balancer:{settings.arn}",)

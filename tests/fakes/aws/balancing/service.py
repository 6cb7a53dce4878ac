"""Load balancing, as others use it: they make groups and rules, change weights, and come as guests."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.balancing.answering import Answering
from tests.fakes.aws.balancing.state import Actions, Group, Target, cookie_of, forwarding, weights_of
from tests.fakes.aws.calls import Asked
from tests.fakes.aws.events import Events, in_seconds
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import FakeBug

TRAIL_AFTER = timedelta(minutes=2)  # [D] CloudTrail is minutes late
_LISTENER = "app/shop/0123456789abcdef/00112233445566aa"
_USUAL = {"slow_start.duration_seconds": "0", "deregistration_delay.timeout_seconds": "300"}


class Balancing:
    """The balancer ``shop`` of one account in one region: its listener, its rules, its groups."""

    def __init__(
        self, account: str, region: str, tagging: Tagging, events: Events, draw: Callable[[str], str]
    ) -> None:
        self._account = account
        self._region = region
        self._tagging = tagging
        self._events = events
        self._draw = draw
        self.groups: dict[str, Group] = {}
        self.rules: dict[str, Timeline[Actions | None]] = {}
        self._trail: list[tuple[datetime, Mapping[str, Any]]] = []
        self._bound: dict[str, dict[str, tuple[str, datetime]]] = {}
        self._answering = Answering(self, tagging)

    # ------------------------------------------------------------------------------------------------- what others do

    def create_group(self, name: str, at: datetime, targets: int = 3, **attributes: str) -> str:
        """A target group with healthy targets; gives its ARN. ``__`` in an attribute's name is a dot."""
        arn = f"{self._arn()}:targetgroup/{name}/{self._draw(name)[:16]}"
        found = tuple(Target(f"i-{name}-{number}") for number in range(targets))
        told = {key.replace("__", "."): value for key, value in attributes.items()}
        self.groups[arn] = Group(name, arn, Timeline([at], [found]), {**_USUAL, **told})
        return arn

    def create_rule(
        self, at: datetime, actions: Actions, *, listener: bool = False, named: str | None = None
    ) -> str:
        """A rule, or a listener with these default actions; gives its ARN, which ends in *named*."""
        end = "" if listener else f"/{named or self._draw('rule')[:16]}"
        kind = "listener" if listener else "listener-rule"
        arn = f"{self._arn()}:{kind}/{_LISTENER}{end}"
        self.rules[arn] = Timeline([at], [list(actions)])
        return arn

    def weigh(self, rule: str, weights: Mapping[str, int], at: datetime, sticky: int = 0) -> None:
        """Another hand changes weights (by the names of groups); the other actions stay."""
        named = {self.group(name).arn: weight for name, weight in weights.items()}
        before = self.actions(rule)
        after = [
            forwarding(named, sticky=sticky, order=each.get("Order", 1))
            if each["Type"] == "forward"
            else each
            for each in before
        ]
        self.put_actions(rule, after, at)

    def put_actions(self, rule: str, actions: Actions, at: datetime) -> None:
        """The rule does so from now on, and the trail tells of it."""
        self.rules[rule].put(at, list(actions))
        name, key = ("ModifyListener", "listenerArn") if ":listener/" in rule else ("ModifyRule", "ruleArn")
        told = [{"targetGroupArn": arn, "weight": weight} for arn, weight in weights_of(actions).items()]
        given = [{"type": "forward", "forwardConfig": {"targetGroups": told}}]
        self._write_trail(at, name, {key: rule, "actions" if key == "ruleArn" else "defaultActions": given})

    def delete_rule(self, rule: str, at: datetime) -> None:
        """It is there no more."""
        self.rules[rule].put(at, None)

    def tag(self, name: str, at: datetime, **tags: str) -> None:
        """Lay tags on the group; ``__`` in a key is a colon."""
        told = {key.replace("__", ":"): value for key, value in tags.items()}
        self._tagging.put(self.group(name).arn, told, at)

    def release(self, name: str, tag: str, at: datetime) -> None:
        """Somebody deploys into the group, and writes so on it."""
        self.tag(name, at, rollbackd__release=tag, rollbackd__since=in_seconds(at))

    def have(self, name: str, at: datetime, *states: str, reason: str = "", description: str = "") -> None:
        """The targets of the group are so from now on."""
        found = tuple(
            Target(f"i-{name}-{number}", state, reason if state != "healthy" else "", description)
            for number, state in enumerate(states)
        )
        self.group(name).targets.put(at, found)

    # ----------------------------------------------------------------------------------------------------- what is so

    def group(self, name: str) -> Group:
        """A group by its name. It must be there."""
        found = next((each for each in self.groups.values() if each.name == name), None)
        if found is None:
            raise FakeBug(f"there is no target group {name}")
        return found

    def actions(self, rule: str) -> Actions:
        """Of a rule. It must be there."""
        found = self.rules[rule].latest
        if found is None:
            raise FakeBug(f"there is no rule {rule}")
        return found

    def weights(self, rule: str) -> dict[str, int]:
        """By the names of groups."""
        return {self.groups[arn].name: weight for arn, weight in weights_of(self.actions(rule)).items()}

    def shares(self, rule: str) -> dict[str, float]:
        """Of those that no cookie has bound, by the names of groups."""
        weights = self.weights(rule)
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items() if weight}

    def tags(self, arn: str, at: datetime) -> Mapping[str, str]:
        """Of whatever has them."""
        return self._tagging.of(arn, at)

    def guest(self, rule: str, who: str, at: datetime) -> str:
        """Which group *who* comes to. [D] A cookie goes before a weight, also before one of zero, while stickiness is on."""
        actions = self.actions(rule)
        cookie, bound = cookie_of(actions), self._bound.setdefault(rule, {})
        group, until = bound.get(who, ("", at))
        if not (cookie and at < until and group in self.weights(rule)):
            group = max(self.shares(rule).items(), key=lambda each: each[1])[0]
        if cookie:
            bound[who] = (group, at + timedelta(seconds=cookie))
        return group

    def bind(self, rule: str, who: str, group: str, at: datetime) -> None:
        """*who* was sent to *group*, and has a cookie that says so."""
        until = at + timedelta(seconds=cookie_of(self.actions(rule)))
        self._bound.setdefault(rule, {})[who] = (group, until)

    # ------------------------------------------------------------------------------------------- what the operations do

    def advance(self, to: datetime) -> None:
        """What the trail tells by now."""
        due = [each for each in self._trail if each[0] <= to]
        self._trail = [each for each in self._trail if each[0] > to]
        for at, detail in due:
            kind = ("aws.elasticloadbalancing", "AWS API Call via CloudTrail")
            self._events.tell(at, kind, (self._account, self._region), [], detail)

    def _write_trail(self, at: datetime, name: str, asked: Mapping[str, Any]) -> None:
        drawn = self._draw("trail")
        detail = {
            "eventVersion": "1.09",
            "eventTime": in_seconds(at),
            "eventSource": "elasticloadbalancing.amazonaws.com",
            "eventName": name,
            "awsRegion": self._region,
            "requestParameters": dict(asked),
            "responseElements": None,
            "eventID": f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:32]}",
            "eventType": "AwsApiCall",
        }
        self._trail.append((at + TRAIL_AFTER, detail))

    def _arn(self) -> str:
        return f"arn:aws:elasticloadbalancing:{self._region}:{self._account}"

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What load balancing answers to."""
        return self._answering.operations()

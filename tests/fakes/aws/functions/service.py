"""Lambda, as others use it: they make functions, publish versions, and point aliases to them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.events import Events, in_seconds
from tests.fakes.aws.functions.answering import Answering
from tests.fakes.aws.functions.state import LATEST, Alias, Function, Warm, configuration
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import FakeBug

TRAIL_AFTER = timedelta(minutes=2)  # [D] CloudTrail is minutes late


class Lambda:
    """The functions of one account in one region.

    Attributes:
        lists_qualified: Whether mappings that call an alias are listed by the plain name of the function: AWS does not say.
    """

    def __init__(
        self, account: str, region: str, tagging: Tagging, events: Events, draw: Callable[[str], str]
    ) -> None:
        self.lists_qualified = False
        self._account = account
        self._region = region
        self._tagging = tagging
        self._events = events
        self._draw = draw
        self._functions: dict[str, Function] = {}
        self._trail: list[tuple[datetime, Mapping[str, Any]]] = []
        self._answering = Answering(self._functions, tagging, self)

    # ------------------------------------------------------------------------------------------------- what others do

    def create(self, name: str, code: str, at: datetime, **content: Any) -> str:
        """A new function, none of it published; gives its ARN."""
        arn = f"arn:aws:lambda:{self._region}:{self._account}:function:{name}"
        self._functions[name] = Function(name, arn)
        self.update(name, code, at, **content)
        return arn

    def update(self, name: str, code: str, at: datetime, **content: Any) -> None:
        """Change `LATEST`, and have the trail say so."""
        function = self.find(name)
        told = configuration(name, function.arn, code, at, content) | {"RevisionId": self.revision()}
        function.versions.setdefault(LATEST, Timeline()).put(at, told)
        self.write_trail(at, "UpdateFunctionCode20150331v2", {"functionName": function.arn})

    def publish(self, name: str, at: datetime, description: str = "") -> str:
        """A version of what `LATEST` is; gives its number, which no other will ever have [D]."""
        function = self.find(name)
        function.last += 1
        number = str(function.last)
        content = dict(function.versions[LATEST].latest)
        content |= {
            "Version": number,
            "FunctionArn": f"{function.arn}:{number}",
            "Description": description,
            "RevisionId": self.revision(),
        }
        function.versions[number] = Timeline()
        function.versions[number].put(at, content)
        return number

    def deploy(self, name: str, code: str, at: datetime, description: str = "", **content: Any) -> str:
        """Change `LATEST`, and publish it."""
        self.update(name, code, at, **content)
        return self.publish(name, at, description)

    def delete_version(self, name: str, number: str) -> None:
        """It is gone, and its number is not given again."""
        del self.find(name).versions[number]

    def becomes(self, name: str, number: str, at: datetime, **state: Any) -> None:
        """What changes on a version by itself: its state."""
        timeline = self.find(name).versions[number]
        timeline.put(at, {**timeline.latest, **state})

    def point(
        self,
        name: str,
        alias: str,
        version: str,
        at: datetime,
        weights: Mapping[str, float] | None = None,
        description: str | None = None,
    ) -> None:
        """Another hand points the alias to *version*, and gives others a share; it is made if it is not there."""
        function = self.find(name)
        timeline = function.aliases.setdefault(alias, Timeline())
        before = timeline.latest if timeline.values else None
        kept = before.description if before else ""
        words = kept if description is None else description
        self.put_alias(function, alias, Alias(version, dict(weights or {}), words, self.revision()), at)

    def delete_alias(self, name: str, alias: str, at: datetime) -> None:
        """It is there no more."""
        self.find(name).aliases[alias].put(at, None)

    def keep_warm(self, name: str, qualifier: str, count: int, at: datetime, fails: str = "") -> None:
        """Environments for an alias or a version."""
        self.find(name).warm[qualifier] = Warm(count, at, fails)

    def map(self, name: str, qualifier: str, source: str, at: datetime) -> str:
        """A queue or stream calls the function; gives the mapping's id."""
        function, named = self.find(name), self.revision()
        arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
        told = {
            "UUID": named,
            "EventSourceArn": source,
            "FunctionArn": arn,
            "State": "Enabled",
            "LastModified": at,
        }
        function.mappings.append(told)
        return named

    def tag(self, name: str, at: datetime, **tags: str) -> None:
        """Lay tags on the function; ``__`` in a key is a colon."""
        self._tagging.put(
            self.find(name).arn, {key.replace("__", ":"): value for key, value in tags.items()}, at
        )

    # ----------------------------------------------------------------------------------------------------- what is so

    def find(self, name: str) -> Function:
        """The function. It must be there."""
        try:
            return self._functions[name]
        except KeyError as missing:
            raise FakeBug(f"there is no function {name}") from missing

    def alias(self, name: str, alias: str) -> Alias:
        """Where it points to. It must be there."""
        found = self.find(name).aliases[alias].latest
        if found is None:
            raise FakeBug(f"{name} has no alias {alias}")
        return found

    def shares(self, name: str, alias: str) -> dict[str, float]:
        """Which versions have how much of the calls."""
        found = self.alias(name, alias)
        shares = {found.version: 1 - sum(found.weights.values()), **found.weights}
        return {version: share for version, share in shares.items() if share > 0}

    def tags(self, name: str, at: datetime) -> Mapping[str, str]:
        """The tags of a function."""
        return self._tagging.of(self.find(name).arn, at)

    # ------------------------------------------------------------------------------------------- what the operations do

    def revision(self) -> str:
        """A new one."""
        drawn = self._draw("revision")
        return f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:32]}"

    def put_alias(self, function: Function, name: str, alias: Alias, at: datetime) -> None:
        """The alias is so from now on: what it keeps warm is prepared anew [D], and the trail tells of it."""
        timeline = function.aliases.setdefault(name, Timeline())
        before = timeline.latest if timeline.values else None
        timeline.put(at, alias)
        if name in function.warm and before is not None and before.version != alias.version:
            function.warm[name] = Warm(function.warm[name].requested, at)
        asked: dict[str, Any] = {
            "functionName": function.name,
            "name": name,
            "functionVersion": alias.version,
        }
        asked["routingConfig"] = {"additionalVersionWeights": dict(alias.weights)}
        self.write_trail(at, "UpdateAlias20150331" if before else "CreateAlias20150331", asked)

    def write_trail(self, at: datetime, name: str, asked: Mapping[str, Any]) -> None:
        """CloudTrail will tell of a call."""
        detail = {
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "AssumedRole",
                "arn": "arn:aws:sts::123456789012:assumed-role/deployer/ci",
            },
            "eventTime": in_seconds(at),
            "eventSource": "lambda.amazonaws.com",
            "eventName": name,
            "awsRegion": self._region,
            "requestParameters": dict(asked),
            "responseElements": None,
            "eventID": self.revision(),
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "readOnly": False,
        }
        self._trail.append((at + TRAIL_AFTER, detail))

    def advance(self, to: datetime) -> None:
        """What the trail tells by now."""
        due = [each for each in self._trail if each[0] <= to]
        self._trail = [each for each in self._trail if each[0] > to]
        for at, detail in due:
            kind = ("aws.lambda", "AWS API Call via CloudTrail")
            self._events.tell(at, kind, (self._account, self._region), [], detail)

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What Lambda answers to."""
        return self._answering.operations()

"""One project with one flag in two environments: people and calls change it, each change is an event, and all answers follow from both.

Source:
    https://docs.getunleash.io/reference/api/unleash/features
    https://docs.getunleash.io/reference/events
"""

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.launchdarkly.world import Told, Trouble

PROJECT, FLAG, ENVIRONMENT, OTHER = "default", "new-checkout", "production", "development"
WRITER, READER = "user:writer-0123456789", "user:reader-0123456789"
AT = f"/api/admin/projects/{PROJECT}/features/{FLAG}"
HERE = f"{AT}/environments/{ENVIRONMENT}"
APPROVALS = f"/api/admin/projects/{PROJECT}/change-requests/config"
TOGGLES, UPDATES, SKIPS = "UPDATE_FEATURE_ENVIRONMENT", "UPDATE_FEATURE_STRATEGY", "SKIP_CHANGE_REQUEST"


def strategy(rollout: int | str = 100, **members: Any) -> dict[str, Any]:
    """A gradual rollout, as one posts it."""
    parameters = {"rollout": str(rollout), "stickiness": "default", "groupId": FLAG}
    return {"name": "flexibleRollout", "parameters": parameters | members.pop("parameters", {}), **members}


@dataclass
class Unleash:
    """The instance.

    Attributes:
        states: How the environments were set, and since when; the newest last.
        log: Events, the oldest first.
        changes: What was changed by the API: whether the flag was on after it, and the shares of its active strategies.
        late: How late reads are.
        may: What tokens may do in the project and in production.
        moved_to: The project that it was moved to, if it was.
        requests: Changes in production are to be requested.
    """

    now: Callable[[], datetime]
    states: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    changes: list[tuple[bool, list[str]]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    late: timedelta = timedelta(0)
    archived: bool = False
    moved_to: str = ""
    requests: bool = False
    dependencies: list[dict[str, Any]] = field(default_factory=list)
    may: dict[str, list[str]] = field(default_factory=lambda: {WRITER: [TOGGLES, UPDATES], READER: []})
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        before = self.now() - timedelta(days=30)
        both: dict[str, Any] = {
            each: {"enabled": False, "strategies": [], "variants": []} for each in (OTHER, ENVIRONMENT)
        }
        self.states.append((before, both))
        self._event("feature-created", before, environment=None, data={"name": FLAG, "project": PROJECT})

    # ------------------------------------------------------------------------------------------------- what people do

    def turns(self, *, on: bool, by: str = "ada", environment: str = ENVIRONMENT) -> None:
        """Somebody turns the flag on or off."""
        with_it = self._copied()
        self._turn(with_it[environment], environment, by, on=on)
        self._put(with_it)

    def adds(self, told: Mapping[str, Any], by: str = "ada") -> str:
        """Somebody adds a strategy; its id."""
        with_it = self._copied()
        added = self._add(with_it[ENVIRONMENT], told, by)
        self._put(with_it)
        return added

    def changes_strategy(self, of: str = "", by: str = "ada", **members: Any) -> None:
        """Somebody changes the strategy *of*, or the first one: ``parameters``, ``disabled``, ``constraints``."""
        with_it = self._copied()
        strategies = with_it[ENVIRONMENT]["strategies"]
        found = next(each for each in strategies if each["id"] == (of or strategies[0]["id"]))
        parameters = found["parameters"] | members.pop("parameters", {})
        self._change(with_it[ENVIRONMENT], found, found | {"parameters": parameters} | members, by)
        self._put(with_it)

    def removes(self, of: str, by: str = "ada") -> None:
        """Somebody removes the strategy *of*."""
        with_it = self._copied()
        here = with_it[ENVIRONMENT]
        (gone,) = [each for each in here["strategies"] if each["id"] == of]
        here["strategies"] = [each for each in here["strategies"] if each["id"] != of]
        self._event("feature-strategy-remove", self.now(), by=by, before=gone)
        self._put(with_it)

    def gives_variants(
        self, *variants: Mapping[str, Any], environment: str = ENVIRONMENT, by: str = "ada"
    ) -> None:
        """Somebody sets the variants of the flag itself in an environment."""
        with_it = self._copied()
        before = with_it[environment]["variants"]
        with_it[environment]["variants"] = list(variants)
        told = {"variants": list(variants)}
        kind = "feature-environment-variants-updated"
        self._event(kind, self.now(), by, environment, data=told, before={"variants": before})
        self._put(with_it)

    def depends_on(self, parent: str) -> None:
        """Somebody makes it depend on another flag."""
        self.dependencies = [{"feature": parent, "enabled": True, "variants": []}]
        self._event(
            "feature-dependency-added",
            self.now(),
            environment=None,
            data={"feature": parent, "enabled": True},
        )

    def befalls(self, method: str, told: Told, *, before: bool = True, times: int | None = None) -> None:
        """From now on this is what requests of *method* get."""
        self.troubles.append(Trouble(method, told, before, times))

    # ----------------------------------------------------------------------------------------------------- what is so

    @property
    def production(self) -> dict[str, Any]:
        """How the flag is set there now."""
        found: dict[str, Any] = self.states[-1][1][ENVIRONMENT]
        return found

    def share(self) -> float:
        """Which share of all people gets the new version, if no constraint keeps anybody from it."""
        active = [each for each in self.production["strategies"] if not each["disabled"]]
        shares = [int(each["parameters"]["rollout"]) / 100 for each in active]
        return max(shares, default=0.0) if self.production["enabled"] else 0.0

    def answer(self, method: str, path: str, query: str, token: str, body: bytes) -> Told:
        """What the API answers."""
        self.asked.append((method, path, token))
        struck = next((each for each in self.troubles if each.strikes(method)), None)
        if struck is not None and struck.before:
            return struck.told
        told = self._answered(method, path, parse_qs(query), token, body)
        return told if struck is None else struck.told

    def _answered(
        self, method: str, path: str, query: Mapping[str, list[str]], token: str, body: bytes
    ) -> Told:
        if token not in self.may:
            return _refused(401, "UnauthorizedError", "You must log in to use Unleash.")
        if method == "GET":
            told = self._read(path, query, token)
        elif path in {f"{HERE}/on", f"{HERE}/off"}:
            told = self._toggled(token, on=path.endswith("/on"))
        else:
            below, _, of = path.rpartition("/")
            told = (
                self._patched(token, of, body) if (method, below) == ("PATCH", f"{HERE}/strategies") else None
            )
        return told or _nowhere(path)

    def _read(self, path: str, query: Mapping[str, list[str]], token: str) -> Told | None:
        permissions = [
            {"project": PROJECT, "environment": ENVIRONMENT, "permission": each} for each in self.may[token]
        ]
        asked = {"environment": ENVIRONMENT, "type": ENVIRONMENT, "changeRequestEnabled": True}
        readers: Mapping[str, Callable[[], Told | None]] = {
            AT: lambda: self._feature(query),
            HERE: lambda: Told(200, {"name": FLAG, "environment": ENVIRONMENT, **self._seen()[ENVIRONMENT]}),
            "/api/admin/user": lambda: Told(200, {"user": {"id": 1}, "permissions": permissions}),
            "/api/admin/search/events": lambda: self._events(query),
            APPROVALS: lambda: Told(200, [asked]) if self.requests else None,
        }
        return readers.get(path, lambda: None)()

    def _seen(self) -> dict[str, Any]:
        seen_at = self.now() - self.late
        return next(each for at, each in reversed(self.states) if at <= seen_at)

    def _feature(self, query: Mapping[str, list[str]]) -> Told:
        if self.moved_to:
            words = f'There\'s no feature named "{FLAG}" in project "{PROJECT}", but there\'s a feature with that name in project'
            return _refused(404, "NotFoundError", f'{words} "{self.moved_to}"')
        if self.archived:
            return _refused(404, "NotFoundError", f"Could not find feature flag with name {FLAG}")
        environments = [
            {"name": name, "lastSeenAt": None, "yes": 0, "no": 0, "type": name, "sortOrder": 1, **each}
            for name, each in self._seen().items()
        ]
        mixed = {one["name"]: one for each in environments for one in each["variants"]}
        if query.get("variantEnvironments") != ["true"]:
            environments = [
                {name: told for name, told in each.items() if name != "variants"} for each in environments
            ]
        return Told(
            200,
            {
                "environments": environments,
                "name": FLAG,
                "favorite": False,
                "impressionData": False,
                "description": None,
                "project": PROJECT,
                "stale": False,
                "type": "release",
                "variants": list(mixed.values()),
                "archived": False,
                "dependencies": self.dependencies,
                "children": [],
                "links": [],
            },
        )

    def _events(self, query: Mapping[str, list[str]]) -> Told:
        assert query["feature"] == [f"IS:{FLAG}"]
        newest = list(reversed(self.log))
        return Told(200, {"events": newest[: int(query["limit"][0])], "total": len(newest)})

    # ------------------------------------------------------------------------------------------------- what calls do

    def _toggled(self, token: str, *, on: bool) -> Told:
        refused = self._forbidden(token, TOGGLES)
        if refused is not None:
            return refused
        if self.archived:
            words = "Cannot perform this operation on archived features"
            return _refused(400, "ArchivedFeatureError", words)
        with_it = self._copied()
        here = with_it[ENVIRONMENT]
        if on and all(each["disabled"] for each in here["strategies"]):
            self._add(here, strategy(), "rollbackd")
        if self._turn(here, ENVIRONMENT, "rollbackd", on=on):
            self._put(with_it, by_a_call=True)
        return Told(200, b"")

    def _patched(self, token: str, of: str, body: bytes) -> Told:
        refused = self._forbidden(token, UPDATES)
        if refused is not None:
            return refused
        with_it = self._copied()
        here = with_it[ENVIRONMENT]
        found = next((each for each in here["strategies"] if each["id"] == of), None)
        if found is None:
            return _refused(404, "NotFoundError", f"Could not find strategy with id: {of}")
        told = copy.deepcopy(found)
        told["parameters"] = {name: _text(each) for name, each in (told["parameters"] or {}).items()}
        for operation in json.loads(body):
            member, _, name = operation["path"].removeprefix("/").partition("/")
            assert member == "parameters", "nothing else is ours"
            if operation["op"] == "test":
                at = told["parameters"] if not name else told["parameters"].get(name)
                if at != operation["value"]:
                    words = f"Test operation failed\nname: TEST_OPERATION_FAILED\ntree: {json.dumps(told)}"
                    return _refused(500, "UnknownError", words)
                continue
            assert operation["op"] == "add"
            told["parameters"][name] = operation["value"]
        self._change(here, found, told, "rollbackd")
        self._put(with_it, by_a_call=True)
        return Told(200, told)

    def _forbidden(self, token: str, needed: str) -> Told | None:
        lacks = next(
            (each for each in (needed, *([SKIPS] * self.requests)) if each not in self.may[token]), None
        )
        if lacks is None:
            return None
        words = f'You don\'t have the required permissions to perform this operation. To perform this action, you need the "{lacks}"'
        return _refused(403, "PermissionError", f"{words} permission.", permissions=[lacks])

    # ----------------------------------------------------------------------------------------------------- in between

    def _copied(self) -> dict[str, Any]:
        return copy.deepcopy(self.states[-1][1])

    def _put(self, state: dict[str, Any], *, by_a_call: bool = False) -> None:
        self.states.append((self.now(), state))
        if by_a_call:
            here = state[ENVIRONMENT]
            active = [each["parameters"] for each in here["strategies"] if not each["disabled"]]
            self.changes.append((here["enabled"], [each["rollout"] for each in active if "rollout" in each]))

    def _turn(self, here: dict[str, Any], environment: str, by: str, *, on: bool) -> bool:
        if here["enabled"] == on:
            return False
        here["enabled"] = on
        self._event(f"feature-environment-{'enabled' if on else 'disabled'}", self.now(), by, environment)
        return True

    def _add(self, here: dict[str, Any], told: Mapping[str, Any], by: str) -> str:
        number = next(self._numbers)
        usual: dict[str, Any] = {
            "title": None,
            "disabled": False,
            "constraints": [],
            "variants": [],
            "segments": [],
        }
        added = {
            **usual,
            "id": f"00000000-0000-4000-8000-{number:012}",
            "sortOrder": len(here["strategies"]),
            **told,
        }
        here["strategies"].append(added)
        self._event("feature-strategy-add", self.now(), by, data=added)
        return str(added["id"])

    def _change(self, here: dict[str, Any], found: dict[str, Any], told: dict[str, Any], by: str) -> None:
        before = copy.deepcopy(found)
        found.update(told)
        self._event("feature-strategy-update", self.now(), by, data=found, before=before)
        if here["enabled"] and all(each["disabled"] for each in here["strategies"]):
            self._turn(here, ENVIRONMENT, by, on=False)

    def _event(
        self,
        kind: str,
        at: datetime,
        by: str = "ada",
        environment: str | None = ENVIRONMENT,
        *,
        data: Mapping[str, Any] | None = None,
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self.log.append(
            {
                "id": len(self.log) + 1,
                "type": kind,
                "createdBy": by,
                "createdAt": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
                "createdByUserId": 1,
                "data": copy.deepcopy(data),
                "preData": copy.deepcopy(before),
                "tags": [],
                "featureName": FLAG,
                "project": PROJECT,
                "environment": environment,
            }
        )


def _text(told: Any) -> str:
    """As it is patched and told to SDKs; the answer about a flag has it as it was once written."""
    return "" if told is None else told if isinstance(told, str) else json.dumps(told)


def _nowhere(path: str) -> Told:
    _, *steps = path.split("/")
    if steps[2:3] == ["projects"] and steps[4:5] == ["features"]:
        words = f'There\'s no feature named "{steps[5]}" in project "{steps[3]}".'
    else:
        words = f"The path you were looking for ({path}) is not available."
    return _refused(404, "NotFoundError", words)


def _refused(status: int, name: str, message: str, **more: Any) -> Told:
    return Told(status, {"name": name, "message": message, "details": [{"message": message}], **more})

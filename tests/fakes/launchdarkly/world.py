"""One project with one flag, and what the API says of it: from its state, which changes by patches and by people.

Source:
    https://launchdarkly.com/docs/api/feature-flags/get-feature-flag
    https://launchdarkly.com/docs/api/feature-flags/patch-feature-flag
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

PROJECT, FLAG, ENVIRONMENT, OTHER = "shop", "new-checkout", "production", "staging"
WRITER, READER = "api-writer-0123456789", "api-reader-0123456789"
FLAG_AT = f"/api/v2/flags/{PROJECT}/{FLAG}"
ENVIRONMENT_AT = f"/api/v2/projects/{PROJECT}/environments/{ENVIRONMENT}"
LOG_AT = "/api/v2/auditlog"
CALLER_AT, TOKENS_AT = "/api/v2/caller-identity", "/api/v2/tokens/"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer. *hangs*: it comes too late; *lost*: the connection drops."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    lost: bool = False


@dataclass
class Trouble:
    """What befalls requests of a method, until it is lifted: *before* anything is done, or after."""

    method: str
    told: Told
    before: bool = True
    times: int | None = None

    def strikes(self, method: str) -> bool:
        """It befalls this one."""
        if self.method not in {method, "*"} or self.times == 0:
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass
class LaunchDarkly:
    """The account.

    Attributes:
        states: How the environments were configured, and since when; the newest last.
        log: The audit log of the flag in production, oldest first.
        changes: What was changed by the API: the state of production after it.
        late: How late reads are.
        logged_after: How late the audit log is.
        mismatch: How a test of a patch that fails is answered: the documents do not say.
        approvals: The environment requires them; a token of `bypassing` does not need one.
    """

    now: Callable[[], datetime]
    states: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    archived: bool = False
    log: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    late: timedelta = timedelta(0)
    logged_after: timedelta = timedelta(0)
    mismatch: int = 400
    approvals: bool = False
    bypassing: frozenset[str] = frozenset()
    scheduled: bool = False
    troubles: list[Trouble] = field(default_factory=list)
    variations: list[Any] = field(default_factory=lambda: [True, False, "third"])

    def __post_init__(self) -> None:
        both = {each: self._configured() for each in (ENVIRONMENT, OTHER)}
        self.states.append((self.now() - timedelta(days=30), both))

    # ------------------------------------------------------------------------------------------------- what people do

    def sets(self, comment: str = "", environment: str = ENVIRONMENT, **change: Any) -> None:
        """A person changes the flag: ``on``, ``fallthrough``, ``rules``, or what else there is."""
        configured = copy.deepcopy(self.states[-1][1])
        configured[environment] |= change
        self._put(configured, environment, comment)

    def _put(self, configured: dict[str, Any], environment: str, comment: str) -> None:
        now = self.now()
        configured[environment]["version"] += 1
        configured[environment]["lastModified"] = int(now.timestamp() * 1000)
        self.states.append((now, configured))
        if environment == ENVIRONMENT:
            self.log.append({"date": configured[environment]["lastModified"], "comment": comment})

    def befalls(self, method: str, told: Told, *, before: bool = True, times: int | None = None) -> None:
        """From now on this is what requests of *method* get."""
        self.troubles.append(Trouble(method, told, before, times))

    # ----------------------------------------------------------------------------------------------------- what is so

    @property
    def production(self) -> dict[str, Any]:
        """How the flag is configured there now."""
        found: dict[str, Any] = self.states[-1][1][ENVIRONMENT]
        return found

    def shares(self) -> dict[int | None, float]:
        """Which variation which share of the people gets whom no rule concerns."""
        if not self.production["on"]:
            return {self.production["offVariation"]: 1.0}
        served = self.production["fallthrough"]
        if "variation" in served:
            return {served["variation"]: 1.0}
        weights = {each["variation"]: each["weight"] / 100_000 for each in served["rollout"]["variations"]}
        return {variation: share for variation, share in weights.items() if share > 0}

    def answer(self, method: str, path: str, query: str, token: str, body: bytes) -> Told:
        """What the API answers."""
        self.asked.append((method, path, token))
        struck = next((each for each in self.troubles if each.strikes(method)), None)
        if struck is not None and struck.before:
            return struck.told
        told = self._of_the_token(method, path, token) or self._answered(
            method, path, parse_qs(query), token, body
        )
        return told if struck is None else struck.told

    def _answered(
        self, method: str, path: str, query: Mapping[str, list[str]], token: str, body: bytes
    ) -> Told:
        if token not in {WRITER, READER, *self.bypassing}:
            return _refused(401, "unauthorized", "invalid access token")
        match method, path:
            case "GET", _ if path == FLAG_AT:
                return self._flag(query)
            case "PATCH", _ if path == FLAG_AT:
                return self._patched(token, body)
            case "GET", _ if path == ENVIRONMENT_AT:
                return Told(200, {"key": ENVIRONMENT, "approvalSettings": {"required": self.approvals}})
            case "GET", _ if path == LOG_AT:
                place = f"proj/{PROJECT}:env/{ENVIRONMENT}:flag/{FLAG}"
                until = (self.now() - self.logged_after).timestamp() * 1000
                logged = [each for each in self.log if each["date"] <= until]
                newest = logged[-int(query["limit"][0]) :] if query["spec"] == [place] else []
                return Told(200, {"items": list(reversed(newest)), "_links": {}})
        return _refused(404, "not_found", "Unknown resource")

    def _of_the_token(self, method: str, path: str, token: str) -> Told | None:
        """Who asks, and with what role: a base role, or one of the account."""
        known = token.encode().hex()[:24]  # as the account knows a token, whose value it shows to nobody
        if method != "GET" or token not in {WRITER, READER, *self.bypassing}:
            return None
        if path == CALLER_AT:
            return Told(200, {"accountId": "57be", "tokenId": known, "tokenName": "rollbackd"})
        is_own = {"customRoleIds": ["5f3c"]} if token in self.bypassing else {}
        role = {"_id": known, "role": "reader" if token == READER else "writer", **is_own}
        return Told(200, role) if path == f"{TOKENS_AT}{known}" else None

    def _flag(self, query: Mapping[str, list[str]]) -> Told:
        seen_at = self.now() - self.late
        configured = next(each for at, each in reversed(self.states) if at <= seen_at)
        wanted = query.get("env", [ENVIRONMENT, OTHER])
        return Told(200, self._told(configured, wanted))

    def _told(self, configured: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
        return {
            "name": "The new checkout",
            "kind": "multivariate",
            "key": FLAG,
            "_version": 3,
            "creationDate": 1_700_000_000_000,
            "variations": [
                {"_id": f"id-{number}", "value": value} for number, value in enumerate(self.variations)
            ],
            "temporary": True,
            "tags": [],
            "_links": {"self": {"href": FLAG_AT, "type": "application/json"}},
            "experiments": {"baselineIdx": 0, "items": []},
            "customProperties": {},
            "archived": self.archived,
            "environments": {name: each for name, each in configured.items() if name in wanted},
        }

    def _patched(self, token: str, body: bytes) -> Told:
        if token == READER:
            return _refused(403, "forbidden", "Access to the requested resource was denied")
        said = json.loads(body)
        if self.approvals and token not in self.bypassing:
            return _refused(405, "approval_required", "Approval is required for this environment")
        if self.scheduled:
            return _refused(400, "invalid_request", "This change conflicts with a pending scheduled change")
        configured = copy.deepcopy(self.states[-1][1])
        touched: set[str] = set()
        for operation in said["patch"]:
            _, environments, name, key = operation["path"].split("/")
            assert environments == "environments"
            if operation["op"] == "test":
                if configured[name][key] != operation["value"]:
                    return _refused(
                        self.mismatch, "invalid_request", f"testing path {operation['path']} failed"
                    )
                continue
            assert operation["op"] == "replace"
            assert key in {"on", "fallthrough"}, "nothing else is ours"
            configured[name][key] = operation["value"]
            touched.add(name)
        for name in touched:
            self._put(configured, name, said.get("comment", ""))
            self.changes.append(copy.deepcopy(self.production))
        return Told(200, self._told(self.states[-1][1], [ENVIRONMENT, OTHER]))

    def _configured(self) -> dict[str, Any]:
        return {
            "on": False,
            "archived": False,
            "salt": "s",
            "sel": "s",
            "lastModified": int((self.now() - timedelta(days=30)).timestamp() * 1000),
            "version": 7,
            "targets": [],
            "contextTargets": [],
            "rules": [],
            "fallthrough": {"variation": 0},
            "offVariation": 1,
            "prerequisites": [],
            "_site": {"href": "/x", "type": "text/html"},
            "_environmentName": "Production",
            "trackEvents": False,
            "trackEventsFallthrough": False,
        }


def weighted(**weights: float) -> dict[str, Any]:
    """A rollout: ``v0=95, v1=5``, in percent."""
    variations = [
        {"variation": int(name[1:]), "weight": round(each * 1000)} for name, each in weights.items()
    ]
    return {"rollout": {"variations": variations, "contextKind": "user"}}


def _refused(status: int, code: str, message: str) -> Told:
    return Told(status, {"code": code, "message": message})

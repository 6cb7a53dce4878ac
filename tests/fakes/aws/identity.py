"""Who asks: keys, roles, sessions, and what each may do (STS and IAM)."""

import fnmatch
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.policies import Document, Request, allows
from tests.fakes.aws.trouble import AwsError

EVERYTHING = frozenset({"*"})
_SESSION_KEY = "ASIA"  # [D] keys of a session begin so, those of a user with AKIA


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody with credentials.

    Attributes:
        arn: Of the role, also while a session of it is used: so a test can say which role did what.
        caller: The ARN that STS tells (``assumed-role/...`` for a session).
        allowed: Patterns of actions, for whatever resource: ``ecs:Describe*``.
        policies: Documents of IAM, which allow besides.
        expires: Of a session.
    """

    arn: str
    caller: str
    account: str
    allowed: frozenset[str]
    expires: datetime | None = None
    policies: tuple[Document, ...] = ()

    def may(self, request: Request) -> bool:
        """A policy allows it. Names of actions are not case-sensitive [D]."""
        action = request.action.lower()
        if any(fnmatch.fnmatchcase(action, pattern.lower()) for pattern in self.allowed):
            return True
        return allows(self.policies, request)


@dataclass
class Identities:
    """All who may come.

    Attributes:
        own: Whoever comes with a key that no session has: the daemon's own credentials.
    """

    own: Identity
    roles: dict[str, Identity] = field(default_factory=dict)
    sessions: dict[str, Identity] = field(default_factory=dict)
    _drawn: int = 0

    def role(
        self, arn: str, allowed: Iterable[str] = EVERYTHING, *, policies: Sequence[Document] | None = None
    ) -> str:
        """A role that may be assumed, and the actions that it may do; or, instead, what *policies* say. Gives *arn* back."""
        actions = frozenset(() if policies is not None else allowed)
        self.roles[arn] = Identity(arn, arn, arn.split(":")[4], actions, policies=tuple(policies or ()))
        return arn

    def grant_own(self, allowed: Iterable[str] = (), *, policies: Sequence[Document] = ()) -> None:
        """The daemon's own credentials may do these actions and what *policies* say, and nothing else."""
        self.own = replace(self.own, allowed=frozenset(allowed), policies=tuple(policies))

    def of(self, key_id: str, now: datetime) -> Identity:
        """Who has the access key *key_id*. Raises `AwsError` where a session is over or never was."""
        if not key_id.startswith(_SESSION_KEY):
            return self.own
        session = self.sessions.get(key_id)
        if session is None:
            raise AwsError(
                "UnrecognizedClientException", "The security token included in the request is invalid"
            )
        if session.expires is not None and session.expires <= now:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired")
        return session

    def named(self, role: str | None) -> Identity:
        """The role with this ARN, as whoever has assumed it; the daemon's own credentials for none."""
        if role is None:
            return self.own
        if role not in self.roles:
            raise AwsError("AccessDenied", _not_allowed(self.own, "sts:AssumeRole", role), 403)
        return self.roles[role]

    def open_session(self, asked: Asked) -> Mapping[str, Any]:
        """``AssumeRole``. [D] No such role is answered like a role that may not be assumed."""
        role = self.roles.get(asked["RoleArn"])
        if role is None:
            raise AwsError("AccessDenied", _not_allowed(self.own, "sts:AssumeRole", asked["RoleArn"]), 403)
        self._drawn += 1
        key_id = _SESSION_KEY + hashlib.sha256(f"{self._drawn}".encode()).hexdigest()[:16].upper()
        name = asked["RoleSessionName"]
        caller = f"arn:aws:sts::{role.account}:assumed-role/{role.arn.rsplit('/', 1)[-1]}/{name}"
        expires = asked.now + timedelta(seconds=asked.get("DurationSeconds", 3600))
        self.sessions[key_id] = replace(role, caller=caller, expires=expires)
        return {
            "Credentials": {
                "AccessKeyId": key_id,
                "SecretAccessKey": "of-a-session",
                "SessionToken": f"token-{key_id}",
                "Expiration": expires,
            },
            "AssumedRoleUser": {"AssumedRoleId": f"AROAFAKEFAKEFAKEFAKE:{name}", "Arn": caller},
        }

    def who(self, asked: Asked) -> Mapping[str, Any]:
        """``GetCallerIdentity``. [D] Nobody needs a permission for it."""
        found = next(
            (
                each
                for each in (*self.sessions.values(), *self.roles.values(), self.own)
                if asked.by == each.arn
            ),
            self.own,
        )
        return {"UserId": "AROAFAKEFAKEFAKEFAKE:rollbackd", "Account": found.account, "Arn": found.caller}

    def simulate(self, asked: Asked) -> Mapping[str, Any]:
        """``SimulatePrincipalPolicy``, for roles and for the daemon's own credentials."""
        arn = asked["PolicySourceArn"]
        found = self.own if arn == self.own.arn else self.roles.get(arn)
        if found is None:
            raise AwsError("NoSuchEntity", f"The principal {arn} cannot be found.", 404)
        about = tuple(asked.get("ResourceArns") or ["*"])
        context = {
            each["ContextKeyName"]: tuple(each.get("ContextKeyValues", ()))
            for each in asked.get("ContextEntries", [])
        }
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": about[0],
                "EvalDecision": "allowed" if found.may(Request(action, about, context)) else "implicitDeny",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in asked["ActionNames"]
        ]
        return {"EvaluationResults": results, "IsTruncated": False}

    def sts(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """The operations of STS."""
        return {"AssumeRole": self.open_session, "GetCallerIdentity": self.who}

    def iam(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """The operations of IAM."""
        return {"SimulatePrincipalPolicy": self.simulate}


def own_credentials(account: str) -> Identity:
    """The daemon's own: a task role that may do everything, until a test says otherwise."""
    arn = f"arn:aws:iam::{account}:role/rollbackd"
    return Identity(arn, f"arn:aws:sts::{account}:assumed-role/rollbackd/task", account, EVERYTHING)


def refused(who: Identity, request: Request) -> str:
    """What AWS says to somebody who may not do this [D]."""
    return _not_allowed(who, request.action, request.resources[0] if request.resources else "*")


def _not_allowed(who: Identity, action: str, resource: str) -> str:
    return (
        f"User: {who.caller} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )

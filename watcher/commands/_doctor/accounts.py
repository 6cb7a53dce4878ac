"""Accounts: who we are there, whether the role to act can be had, what it may do, and whose clock is right.

To assume a role changes nothing; where none to act is configured, none is tried.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.ports import Aws, Need
from watcher.aws import Dated
from watcher.commands._doctor.checks import Check
from watcher.config import Account, Configuration

NOTICED, REFUSED = (
    timedelta(seconds=5),
    timedelta(seconds=30),
)  # by which a bucket is judged early, or wrongly
_KINDS = {"aws:TagKeys": "stringList"}  # keys of conditions that have several values
_SESSION = re.compile(r"arn:(?P<partition>[a-z-]+):sts::(?P<id>\d{12}):assumed-role/(?P<role>[^/]+)/.*")


@dataclass
class Identities:
    """Who we turned out to be: by account, the number of the account and our ARN when we read."""

    ids: dict[str, str] = field(default_factory=dict)
    readers: dict[str, str] = field(default_factory=dict)


def checks(configuration: Configuration, aws: Aws, known: Identities) -> Iterator[Check]:
    """Of all accounts. What is learned of who we are is noted in *known*."""
    for account in configuration.accounts.values():
        subject = f"account {account.name}"
        yield Check(subject, "to read", partial(_reads, aws, account, known))
        yield Check(subject, "to act", partial(_acts, aws, account))


async def _reads(aws: Aws, account: Account, known: Identities) -> Sequence[Finding]:
    who = await aws.read(account.name, "sts", "get_caller_identity")
    known.ids[account.name], known.readers[account.name] = who["Account"], who["Arn"]
    if account.aws.id not in {None, who["Account"]}:
        words = f"we are {who['Arn']}, in another account than the roles of {account.name} ({account.aws.id})"
        return [Finding(Level.FAIL, words, f"correct `accounts.{account.name}`", about=About.READING)]
    return [Finding(Level.OK, f"we are {who['Arn']}, in {account.region}", about=About.READING)]


async def _acts(aws: Aws, account: Account) -> Sequence[Finding]:
    if account.act is None:
        # What is more than shadow needs the role: a configuration without it is refused before anything starts.
        return [
            Finding(
                Level.OK, "no role to act: everything here is in shadow, which needs none", about=About.ACTING
            )
        ]
    who = await aws.act(account.name, "sts", "get_caller_identity")
    return [Finding(Level.OK, f"we can be {who['Arn']}", about=About.ACTING)]


# -------------------------------------------------------------------------------------------------------------- the clock


def clock(system: object, whose: str = "AWS") -> Finding | None:
    """Our clock against the dates of a system's answers; ``None`` where there was none."""
    skew = system.skew if isinstance(system, Dated) else None
    if skew is None:
        return None
    seconds = skew.total_seconds()
    words = f"our clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} that of {whose}"
    remedy = "set it by NTP (chrony, timesyncd): what is measured is judged by our clock"
    if abs(skew) > REFUSED:
        return Finding(
            Level.FAIL,
            f"{words}; a system that checks signatures refuses us beyond some minutes",
            remedy,
            about=About.CLOCK,
        )
    if abs(skew) > NOTICED:
        return Finding(Level.WARN, words, remedy, about=About.CLOCK)
    return Finding(
        Level.OK,
        f"our clock agrees with that of {whose}, within {NOTICED.total_seconds():.0f} s",
        about=About.CLOCK,
    )


# -------------------------------------------------------------------------------------------------------------- permissions


async def allowed(
    aws: Aws, account: Account, role: str, needs: Sequence[Need], *, answers: bool = True
) -> Sequence[Finding]:
    """Whether *role* may do all of *needs*, by IAM's own dry run of its policies: one call each. *answers*: it is to answer hooks."""
    denied: list[Need] = []
    for need in needs:
        try:
            decision = await decision_of(aws, account, role_arn(role), need)
        except AwsRefused as refused:
            return [_unknown(refused, role_arn(role), needs)]
        if decision != "allowed":
            denied.append(need)
    if denied:
        return [_denied(role_arn(role), need, answers=answers) for need in denied]
    return [Finding(Level.OK, f"{role_arn(role)} may {_actions(needs)}", about=About.ACTING)]


def _denied(role: str, need: Need, *, answers: bool) -> Finding:
    words = f"{role} may not {need.action} on {need.resource}"
    remedy = (
        "allow it: `rollbackd init ecs` writes the policies of ECS, the page of any other target has its own"
    )
    if not need.answers or answers:
        return Finding(Level.FAIL, words, remedy, about=About.ACTING)
    return Finding(
        Level.WARN,
        f"{words}: what is under way is stopped without it, but a later way back that meets a hook would wait there for a person",
        remedy,
        about=About.ACTING,
    )


async def decision_of(aws: Aws, account: Account, role: str, need: Need) -> str:
    """What IAM's dry run says of *need*: ``allowed``, or how it is denied. May raise `AwsRefused`."""
    answer = await aws.read(
        account.name,
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=role,
        ActionNames=[need.action],
        ResourceArns=[need.resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": _KINDS.get(key, "string")}
            for key, value in need.context.items()
        ],
    )
    results = answer.get("EvaluationResults", ())
    return str(results[0]["EvalDecision"]) if results else "not told"


def _unknown(refused: AwsRefused, role: str, needs: Sequence[Need]) -> Finding:
    words = f"whether {role} may {_actions(needs)} cannot be known before it is tried: {refused}"
    remedy = f"allow iam:SimulatePrincipalPolicy on {role} to whoever reads, or see it in a drill in staging"
    return Finding(Level.WARN, words, remedy, untold=True, about=About.ACTING)


def _actions(needs: Sequence[Need]) -> str:
    return ", ".join(dict.fromkeys(need.action for need in needs))


def role_arn(arn: str) -> str:
    """The role behind a session; IAM does not tell its path, so a role that has one is not found by this."""
    session = _SESSION.fullmatch(arn)
    return f"arn:{session['partition']}:iam::{session['id']}:role/{session['role']}" if session else arn

"""Builders that show only what matters to a test of the gate."""

from dataclasses import replace
from datetime import timedelta

from deploy.model import Release
from deploy.tags import Ending, Entry, Ledger, Mark
from tests.builders import NOON, hours, minutes
from watcher.core.freeze import Freeze
from watcher.core.gate import Before, Candidate, Decision, Gate, GateFacts, Passage, gate
from watcher.core.gate.deciding import Because
from watcher.core.service import Gating

AN_HOUR_AGO, LATELY, JUST_NOW, IN_TWO_HOURS = -hours(1), -minutes(10), -minutes(5), hours(2)
DIGEST = "sha256:" + "4" * 64
AFTER_STAGING = Gating(after=("staging",))
V43 = Candidate("v43", names={"digest": DIGEST})


def a_release(tag="v43", fingerprint=None, *, digest=DIGEST, **names) -> Release:
    """In production, and in staging under settings of its own: another fingerprint, the same image."""
    return Release(
        fingerprint or f"sha256:{tag}-here", tag, {**({"digest": digest} if digest else {}), **names}
    )


def an_entry(release=None, *, seen=AN_HOUR_AGO, **marks) -> Entry:
    return Entry(
        release or a_release(),
        NOON + seen,
        **{name: mark for name, mark in marks.items() if mark is not None},
    )


def a_mark(at=AN_HOUR_AGO, why="it failed 5 % of requests") -> Mark:
    return Mark(NOON + at, "rollbackd", why)


def an_ending(release, state="passed", *, at=LATELY, breached=False, by_person=False) -> Ending:
    return Ending(release.fingerprint, NOON + at, state, breached, by_person)


def a_ledger(*entries, endings=(), spans=(), environment="production", part="service") -> Ledger:
    return Ledger("checkout", environment, part, tuple(entries), tuple(spans), tuple(endings))


STAGED = a_release(fingerprint="sha256:v43-staging")


def staging(*endings, entries=None, living=None) -> Before:
    """Staging, where v43 was deployed."""
    of = entries if entries is not None else (an_entry(STAGED),)
    return Before("staging", (a_ledger(*of, endings=endings, environment="staging"),), living)


PASSED = staging(an_ending(STAGED))


def a_freeze(
    service="checkout", environment="production", start=AN_HOUR_AGO, end=IN_TWO_HOURS, **changes
) -> Freeze:
    freeze = Freeze("f_1", service, environment, "olga", "the sale", NOON + start, NOON + end)
    return replace(freeze, **changes)


def a_decision(approved=True, *, candidate=V43, covers=frozenset(), at=JUST_NOW, **changes) -> Decision:
    return replace(Decision(candidate, approved, "olga", NOON + at, covers=frozenset(covers)), **changes)


def says(asked=V43, policy=None, now=NOON, hotfix="", **facts) -> Gate:
    """What the gate of checkout in production says."""
    facts.setdefault("before", ())
    policy = policy or Gating(after=tuple(each.environment for each in facts["before"]))
    return gate("checkout", "production", policy, asked, GateFacts(**facts), now, hotfix)


def a_passage(**changes) -> Passage:
    return replace(Passage("g_1", 1, "checkout", "production", V43, "token:ci", NOON), **changes)


QUESTIONS = frozenset({Because.UNPROVEN, Because.APPROVAL, Because.QUARANTINED})
LONG = timedelta(days=3650)

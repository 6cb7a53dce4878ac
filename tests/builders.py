"""Builders of what the tests speak of. Each takes only what matters to a test; the rest is a plain day.

On that day it is noon, and ``checkout`` in ``production`` went from v42, which is proven, to v43 ten minutes ago.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.model import Announcement, Deployment, Live, Move, PartChange, Phase, Release, RollbackPlan
from deploy.tags import Back, Ending, Entry, Grade, Ledger, Mark, Span
from rules.model import CanaryVsBaseline, Consequence, Indicator, Kind, Rule, RuleSet, Threshold
from rules.verdict import Because, Estimate, Judgement, Onset, Outcome, Seen, Verdict
from watcher.core.facts import Facts
from watcher.core.service import Mode, Policy, Service, Team
from watcher.core.watch import Arms, Breach, Doubtful, Hold, Order, OrderKind, Question, State, Watch

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
CHANNEL = "slack:C0RELEASES"

ERRORS = Rule(
    id="errors",
    name="no more errors than the old version",
    on_breach=Consequence.ROLLBACK,
    indicator="errors",
    judge=CanaryVsBaseline(),
)
READY = Rule(
    id="ready", name="ready", on_breach=Consequence.ROLLBACK, indicator="health", judge=Threshold(bad=3, of=5)
)
RULES = RuleSet(
    indicators=(
        Indicator("errors", Kind.RATIO, "scrape", '{"bad":"${arm.version}"}', compares_arms=True),
        Indicator("health", Kind.PROBE, "http", '{"url":"http://checkout"}'),
    ),
    rules=(ERRORS, READY),
)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


# ------------------------------------------------------------------------------------------------------------- releases


def a_release(tag: str = "v43", **changes: Any) -> Release:
    """A release whose fingerprint is ``sha256:TAG``."""
    return replace(Release(f"sha256:{tag}", tag, names={"version": tag}), **changes)


def a_back(tag: str = "v42", **changes: Any) -> Back:
    """A way back to a proven release that crosses nothing."""
    return replace(Back(a_release(tag), Grade.PROVEN, crosses=0, floor=False), **changes)


def a_deployment(after: str = "v43", before: str | None = "v42", **changes: Any) -> Deployment:
    """A deployment of one part."""
    part = PartChange("service", a_release(before) if before else None, a_release(after))
    plain = Deployment(
        "checkout", "production", (part,), heard_at=NOON - minutes(10), source="queue", author="ada"
    )
    return replace(plain, **changes)


def a_ledger(
    *tags: str,
    part: str = "service",
    serving: str | None = None,
    passed: Sequence[str] = (),
    quarantined: Mapping[str, str] | None = None,
    since: datetime = NOON - timedelta(days=10),
) -> Ledger:
    """A ledger in which *tags* served one after the other, a day each; the last still does, or *serving* does again."""
    marks = {tag: Mark(NOON - hours(2), "rollbackd", why) for tag, why in (quarantined or {}).items()}
    order = [*tags, serving] if serving else list(tags)
    starts = [since + timedelta(days=day) for day in range(len(order))]
    ends = [*starts[1:], None][: len(order)]
    return Ledger(
        "checkout",
        "production",
        part,
        entries=tuple(
            Entry(a_release(tag), since + timedelta(days=day), quarantined=marks.get(tag))
            for day, tag in enumerate(tags)
        ),
        spans=tuple(
            Span(f"sha256:{tag}", start, end) for tag, start, end in zip(order, starts, ends, strict=True)
        ),
        endings=tuple(Ending(f"sha256:{tag}", since + hours(1), "passed", breached=False) for tag in passed),
    )


def a_live(tag: str | None = "v43", **changes: Any) -> Live:
    """What the platform says runs."""
    return replace(Live(a_release(tag) if tag else None), **changes)


def an_announcement(phase: Phase = Phase.COMPLETE, **changes: Any) -> Announcement:
    """News of a deployment, from the queue, of now."""
    plain = Announcement("queue", "1", "checkout", "production", phase, at=NOON, hints={"author": "ada"})
    return replace(plain, **changes)


# ------------------------------------------------------------------------------------------------------------- services


def a_policy(mode: Mode = Mode.AUTO, **changes: Any) -> Policy:
    """What is promised: two rules, armed."""
    return replace(Policy(rules=RULES, mode=mode), **changes)


def a_service(policy: Policy | None = None, **changes: Any) -> Service:
    """Checkout in production."""
    team = Team("shop", tell=(CHANNEL,))
    plain = Service(
        "checkout", "production", policy or a_policy(), ("service",), team, heard_from=("queue", "github")
    )
    return replace(plain, **changes)


def some_facts(way_back: Back | None = a_back(), **changes: Any) -> Facts:  # noqa: B008  (a value, never changed)
    """Armed, one channel, a proven way back."""
    return replace(Facts(channels=(CHANNEL,), way_back=way_back), **changes)


# ------------------------------------------------------------------------------------------------------------ judgements


def a_verdict(
    outcome: Outcome = Outcome.HEALTHY,
    rule: Rule = ERRORS,
    *,
    value: float = 0.0011,
    usual: float | None = 0.0011,
    requests: float = 7930,
    onset: Onset | None = None,
    log10_e: float | None = 0.2,
    **changes: Any,
) -> Verdict:
    """What one rule says."""
    bad = round(value * requests)
    plain = Verdict(
        rule=rule.id,
        name=rule.name,
        consequence=rule.on_breach,
        outcome=outcome,
        because=Because.WITHIN,
        words=f"{bad} of {requests:,.0f} requests failed",
        seen=Seen(10, requests, bad, NOON),
        log10_e=log10_e,
        threshold=None if log10_e is None else 3.0,
        estimate=Estimate(value, baseline=usual),
        onset=onset,
    )
    return replace(plain, **changes)


def a_judgement(*verdicts: Verdict, at: datetime = NOON, **changes: Any) -> Judgement:
    """A round: healthy, if nothing else is said."""
    verdicts = verdicts or (a_verdict(),)
    worst = max((verdict.outcome for verdict in verdicts if not verdict.spent), key=list(Outcome).index)
    return replace(Judgement(at, worst, verdicts, compared=True), **changes)


def a_breach(at: datetime = NOON, *, value: float = 0.052, **changes: Any) -> Judgement:
    """A round in which the release fails more requests than the old version: since the switch, beyond doubt."""
    onset = changes.pop("onset", Onset(at - minutes(9), at - minutes(10), at - minutes(8)))
    verdict = a_verdict(Outcome.BREACHED, value=value, onset=onset, log10_e=3.85)
    return replace(
        a_judgement(verdict, at=at, breached_by=("errors",), log10_e=3.85, threshold=3.0), **changes
    )


def a_blind_judgement(at: datetime = NOON, *, asks: bool = False, **changes: Any) -> Judgement:
    """A round in which nothing could be seen."""
    verdict = a_verdict(Outcome.BLIND, rule=READY, because=Because.NO_DATA, asks_when_blind=asks)
    return a_judgement(replace(verdict, words="no data since 11:50"), at=at, **changes)


# --------------------------------------------------------------------------------------------------------------- watches


def a_watch(state: State = State.WATCHING, **changes: Any) -> Watch:
    """A watch of v43, which has all the traffic since ten minutes before noon."""
    policy = changes.pop("policy", a_policy())
    plain = Watch(
        id="w_1",
        revision=7,
        service="checkout",
        environment="production",
        deployment=a_deployment(),
        policy=policy,
        arms=Arms({"version": "v43"}, {"version": "v42"}),
        state=state,
        opened_at=NOON - minutes(10),
        since=NOON - minutes(1),
        due_at=NOON,
        traffic_at=NOON - minutes(10),
        complete_at=NOON - minutes(10),
        brief="brief",
        evidence="evidence",
        judgement=a_judgement(at=NOON - minutes(1)),
        way_back=a_back(),
        **_of_the_state(state),
    )
    return replace(plain, **changes)


def _of_the_state(state: State) -> dict[str, Any]:
    breached = {"breach": Breach(NOON - minutes(1), a_breach(NOON - minutes(1))), "spoken": True}
    acted = {**breached, "action": "w_1.6.0", "plan": a_plan(), "decided_at": NOON - minutes(1)}
    match state:
        case State.COUNTING_DOWN:
            return {**breached, "countdown_until": NOON + seconds(30)}
        case State.ASKING:
            return {**breached, "question": a_question()}
        case State.HELD:
            return {
                "hold": Hold("olga", "deploying the database", NOON - minutes(1), NOON + minutes(14)),
                "spoken": True,
            }
        case State.ROLLING_BACK | State.STUCK:
            return acted
        case State.RECOVERING | State.ROLLED_BACK:
            return {**acted, "back_at": NOON - minutes(1)}
        case _:
            return {}


def a_question(**changes: Any) -> Question:
    """Asked a minute ago, because of the mode."""
    plain = Question(
        (Doubtful.MODE,), "the mode of this service is to ask", NOON - minutes(1), NOON + minutes(59)
    )
    return replace(plain, **changes)


def a_plan(to: str = "v42", expect: str = "v43") -> RollbackPlan:
    """Back to v42."""
    return RollbackPlan("checkout", "production", (Move("service", a_release(expect), a_release(to)),))


def an_order(kind: OrderKind, **changes: Any) -> Order:
    """Olga says so."""
    return replace(Order(kind, "olga", "I looked"), **changes)

"""What systems promise themselves of what a service's rules read, beside what the rules promise: two objectives of one thing."""

from collections.abc import Iterator, Sequence
from math import isclose

from deploy.model import About, Finding, Level
from rules.duration import share_text
from rules.model import Indicator, Rule, Slo
from watcher.runtime.inquiry import Inquiry, connection_of
from watcher.signals.provider import Promise, Promising


async def findings(
    inquiry: Inquiry, rules: Sequence[Rule], indicators: Sequence[Indicator]
) -> Sequence[Finding]:
    """A finding for each of *indicators* of which its system promises something, and for each rule that promises otherwise.

    Args:
        inquiry: How indicators are sampled.
        rules: Of the service.
        indicators: Those that can be asked.
    """
    found: list[Finding] = []
    for indicator in indicators:
        connected = inquiry.providers.get(connection_of(indicator))
        if connected is not None and isinstance(connected.provider, Promising):
            promise = await connected.provider.promise(indicator)
            if promise is not None:
                found += _told(indicator, rules, promise)
    return found


def _told(indicator: Indicator, rules: Sequence[Rule], promise: Promise) -> Iterator[Finding]:
    theirs = " and ".join(f"{share_text(share)} over {of}" for of, share in promise.objectives.items())
    yield Finding(
        Level.OK, f"{indicator.id}: {promise.words}; it promises {theirs or 'nothing'}", about=About.PROMISE
    )
    for rule in rules:
        judge = rule.judge
        if rule.indicator != indicator.id or not isinstance(judge, Slo) or not promise.objectives:
            continue
        if not any(isclose(judge.objective, share, abs_tol=1e-9) for share in promise.objectives.values()):
            strictest = share_text(max(promise.objectives.values()))
            yield Finding(
                Level.WARN,
                f"“{rule.name}” promises {share_text(judge.objective)}, and {promise.words.partition(':')[0]} {theirs}",
                f"write `objective: {strictest}`, or change the SLO; if both are meant, let it be",
                about=About.PROMISE,
            )

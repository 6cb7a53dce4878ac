"""What a watch could see now: by each service's rules, at the traffic of the last minutes, before anything is deployed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from deploy.model import About, Finding, Level
from rules.brief import Brief, Setting
from rules.evaluate import prepare
from rules.foresight import Foresight, acting, by_the_past, foresee, rates
from rules.sample import Reading
from watcher.commands._doctor import looks
from watcher.core.service import Service
from watcher.core.wording import in_words, is_blunt
from watcher.runtime.inquiry import Inquiry

_REMEDY = "more traffic to a new release, a longer bake (`bake: {at_most: …}`), or a coarser `must_have_seen`"
_WORSE = "look at the service before you deploy to it"


def findings(
    service: Service, inquiry: Inquiry, readings: Mapping[str, Reading], now: datetime
) -> Sequence[Finding]:
    """A finding for each rule that acts and whose traffic is known.

    Args:
        service: Whose rules.
        inquiry: How its indicators are sampled.
        readings: What came in the last minutes of what is live, by indicator.
        now: When, UTC.
    """
    brief = brief_of(service, inquiry, readings, now)
    flows = by_the_past(brief, None, rates(brief, readings))
    sights = foresee(brief, flows, now, brief.at_least, brief.at_most)
    # Of a probe that compares, the share of the traffic says nothing: see `looks`.
    told = [sight for sight in sights if not looks.compares(brief, sight.rule)]
    return [*_worse(brief), *(_finding(sight) for sight in told)]


def brief_of(service: Service, inquiry: Inquiry, readings: Mapping[str, Reading], now: datetime) -> Brief:
    """As that of a watch that opens now, with the last minutes for its history."""
    rules, policy = service.policy.rules, service.policy
    beats = {indicator.id: inquiry.beat(indicator) for indicator in rules.indicators}
    setting = Setting(
        false_rollback_probability=policy.false_rollback_probability,
        opened_at=now,
        at_least=policy.bake.at_least,
        at_most=policy.bake.at_most,
        buckets={name: bucket for name, (bucket, _) in beats.items()},
        settles={name: settle for name, (_, settle) in beats.items()},
    )
    return prepare(rules, setting, readings)


def _worse(brief: Brief) -> Iterator[Finding]:
    """What is worse than acceptable already: it would be asked about, whatever is deployed."""
    for case in acting(brief):
        if case.only_asks:
            yield Finding(
                Level.WARN,
                f"“{case.rule.name}” does not hold now, and would only ask: {case.only_asks}",
                _WORSE,
                about=About.SIGHT,
            )


def _finding(sight: Foresight) -> Finding:
    (*_, words) = in_words([sight])
    if is_blunt(sight):
        return Finding(Level.WARN, words.partition(" What helps:")[0], _REMEDY, about=About.SIGHT)
    return Finding(Level.OK, words, about=About.SIGHT)

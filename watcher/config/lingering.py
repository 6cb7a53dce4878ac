"""By what it would be judged whether a rollback helped, where people keep the bad release for long after the traffic has moved.

A page that is open, and a session that stays, go on failing for hours after a good rollback. What tells releases apart leaves them out then
(`rules.recovery`); a rate of all of them does not, and would call the rollback one that did not help.
"""

from collections.abc import Iterator, Mapping

from rules.document import quoted
from rules.model import Kind, RuleSet
from watcher.config.configuration import Key
from watcher.config.proving import acted_on
from watcher.core.service import Service

REMEDY = (
    "name the release in its query (`${arm.version}`; of a balancer `${arm.target_group}`), as the pack sentry-releases does with Sentry's sessions (docs/sentry.md); "
    "or use a probe of the page instead, which gets what a new visitor gets; or write `on_breach: tell`, which judges nothing"
)
MOST = 5  # rules in one line
NOT_OF_PEOPLE = frozenset({"changes"})  # providers of what nobody meets


def judged_by_all(services: Mapping[Key, Service]) -> Iterator[tuple[Key, str, str]]:
    """Of each service whose recovery what lingers would hide: which it is, why, and the remedy."""
    for key, service in services.items():
        names = list(_of_all(service.policy.rules)) if service.policy.lingers else []
        if names:
            more = [f"{len(names) - MOST} more"] if len(names) > MOST else []
            which = ", ".join([*map(quoted, names[:MOST]), *more])
            words = (
                "who has the bad release keeps it for long after a rollback (pages that are open, sessions that stay), and is counted "
                f"when it is judged whether that helped, by rules that do not tell releases apart: {which}"
            )
            yield key, words, REMEDY


def _of_all(rules: RuleSet) -> Iterator[str]:
    """The names of those that judge recovery by all that people meet. A probe meets what is given now."""
    for rule, indicator in acted_on(rules):
        exempt = indicator.kind is Kind.PROBE or indicator.provider in NOT_OF_PEOPLE
        if not exempt and not indicator.compares_arms:
            yield rule.name

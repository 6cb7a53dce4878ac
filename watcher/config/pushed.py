"""Alerts that are pushed: who tells them, and what a rule may make of them."""

from collections.abc import Collection, Mapping

from rules.document import Mistakes, Node
from rules.model import Consequence, Indicator, Rule
from rules.rulefile import RuleFile
from watcher.config.configuration import Configured
from watcher.config.kinds import Kinds
from watcher.config.references import refer
from watcher.signals.provider import Pushing

# Who tells of alerts, by name, and whether they repeat themselves; None: a mistake in one is told at its own place.
Tellers = Mapping[str, bool | None]


def tellers(
    alerts: Mapping[str, Configured], named: Collection[str], sources: Mapping[str, Configured], kinds: Kinds
) -> Tellers:
    """Whom a rule may name: who stands under ``alerts``, and queues, by which alarms come too."""
    queues = {name: False for name, each in sources.items() if kinds.sources[each.kind].feed is not None}
    told = {name: kinds.senders[each.kind].repeats for name, each in alerts.items()}
    return {**dict.fromkeys(named), **queues, **told}


def told_by(
    pushed: Pushing, indicator: Indicator, query: Node, known: Tellers, mistakes: Mistakes
) -> Indicator:
    """*indicator*, with what the silence of its source means; that there is such a source is looked at."""
    source = refer(query.get("source"), "sender of alerts", known, mistakes)
    repeats = known.get(source) if source is not None else None
    return indicator if repeats is None else pushed.placed(indicator, repeats)


def refuse_hints(file: RuleFile, kinds: Kinds, mistakes: Mistakes) -> None:
    """What only hints rolls nothing back by itself: neither a rule alone, nor one that is made of nothing else."""
    hints = {indicator.id for indicator in file.rules.indicators if _hints(indicator, file, kinds)}
    of = {rule.id: rule for rule in file.rules.rules}
    spoken_for = {name for rule in file.rules.rules for name in rule.all_of}
    for rule in file.rules.rules:
        members = [of[name] for name in rule.all_of if name in of]
        acts = rule.on_breach is Consequence.ROLLBACK and rule.id not in spoken_for
        if acts and _is_made_of(rule, members, hints):
            node = file.promises[rule.id]
            mistakes.add(
                node.get("on_breach") or node,
                "an alert that is pushed may not roll back by itself, unless its query says so",
                "add `decides: true` to the query, or write on_breach: ask",
            )


def _hints(indicator: Indicator, file: RuleFile, kinds: Kinds) -> bool:
    pushed = kinds.providers[indicator.provider].pushed
    query = file.queries.get(indicator.id)
    if pushed is None or query is None:
        return False
    readable = query.without("connection").read_as(kinds.providers[indicator.provider].query)
    return not isinstance(readable, tuple) and not pushed.decides(indicator)


def _is_made_of(rule: Rule, members: Collection[Rule], hints: Collection[str]) -> bool:
    """*rule* hears nothing but *hints*."""
    if rule.all_of:
        return bool(members) and all(member.indicator in hints for member in members)
    return rule.indicator in hints

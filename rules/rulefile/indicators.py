"""Indicators: ``{kind: {provider: query}}``. The query is the provider's; only what `rules` needs of it is looked at."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rules.document import Chosen, Entry, Mistakes, Node, quoted, unknown
from rules.duration import parse_duration
from rules.errors import Malformed
from rules.model import Indicator, Kind
from rules.rulefile.catalogue import Catalogue
from rules.rulefile.templates import NAME, NAME_REMEDY

ARM = "${arm."
_KINDS = frozenset(kind.value for kind in Kind)
_OF_STEPS = re.compile(r"\$\{(?:step|secret)\.[a-z][a-z0-9_]*\}")
_RATE = re.compile(r"\bi?rate\s*\(")


def read_indicators(
    section: Node, catalogue: Catalogue, mistakes: Mistakes
) -> tuple[dict[str, Indicator | None], dict[str, Node]]:
    """Indicators by id, ``None`` for those that could not be read; and the queries of the others."""
    indicators: dict[str, Indicator | None] = {}
    queries: dict[str, Node] = {}
    for name, entry in section.entries():
        if not NAME.fullmatch(name):
            mistakes.add(entry.key, f"{quoted(name)} cannot name an indicator", NAME_REMEDY)
        indicators[name] = None
        kind = mistakes.kind(entry.node, "kind of indicator", _KINDS)
        provider = kind and mistakes.kind(kind.settings, "provider", catalogue.providers, catalogue.later)
        if kind and provider:
            provider = _spelt_out(provider, catalogue)
            queries[name] = provider.settings
            indicators[name] = _indicator(name, Kind(kind.kind), provider, catalogue, mistakes)
    _refuse_foreign_exposures(indicators, queries, mistakes)
    return indicators, queries


def _indicator(
    name: str, kind: Kind, provider: Chosen, catalogue: Catalogue, mistakes: Mistakes
) -> Indicator:
    measured = catalogue.providers[provider.kind]
    if kind not in measured:
        mistakes.add(
            provider.at,
            f"{provider.kind} cannot measure {kind}",
            f"it measures {', '.join(sorted(measured))}",
        )
    query = provider.settings
    if not query.is_mapping:
        mistakes.add(query, "expected a query", f"write {{{provider.kind}: {{…}}}}")
        return Indicator(name, kind, provider.kind, "{}")
    _refuse_rates(query, mistakes)
    if provider.kind not in catalogue.suites:
        _refuse_steps(query, mistakes)
    return Indicator(
        name,
        kind,
        provider.kind,
        json.dumps(
            query.without("connection").plain(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ),
        _connection(query, mistakes),
        compares_arms=provider.kind in catalogue.own_arms or names_arms(query),
        bounds=_bounds(query, mistakes) if kind is Kind.LATENCY else (),
    )


def _spelt_out(provider: Chosen, catalogue: Catalogue) -> Chosen:
    """*provider* with its query as a mapping, where a list of steps stands alone."""
    steps = provider.settings
    if not steps.is_list or provider.kind not in catalogue.suites:
        return provider
    return replace(provider, settings=Node(steps.at, {provider.kind: Entry(steps.at, steps)}))


def _refuse_steps(query: Node, mistakes: Mistakes) -> None:
    """What one step gives to the next is known in suites alone."""
    for scalar in query.scalars():
        found = _OF_STEPS.search(scalar.content) if isinstance(scalar.content, str) else None
        if found:
            mistakes.add(
                scalar, f"{found[0]} outside of a suite", "steps are known in a query of `steps` alone"
            )


def names_arms(query: Node) -> bool:
    """It says ``${arm.…}`` somewhere, so that the new and the old release are told apart."""
    return any(isinstance(scalar.content, str) and ARM in scalar.content for scalar in query.scalars())


def _connection(query: Node, mistakes: Mistakes) -> str | None:
    connection = query.get("connection")
    if connection is None:
        return None
    if not (isinstance(connection.content, str) and NAME.fullmatch(connection.content)):
        mistakes.add(
            connection, "expected the name of a connection", "write a name that stands under `connections:`"
        )
        return None
    return connection.content


def _bounds(query: Node, mistakes: Mistakes) -> tuple[float, ...]:
    """The bounds of a latency, in seconds, ascending."""
    over = query.get("over")
    if over is None:
        mistakes.add(
            query,
            "a latency counts what is slower than a bound, and none is given",
            "add `over: 300ms`, or several",
        )
        return ()
    nodes = over.items() if over.is_list else (over,)
    bounds = [bound for node in nodes for bound in _bound(node, mistakes)]
    if len(set(bounds)) < len(bounds) or not nodes:
        mistakes.add(over, "expected bounds that differ", "write each bound once: [300ms, 1s]")
    return tuple(sorted(bounds))


def _bound(node: Node, mistakes: Mistakes) -> Iterator[float]:
    try:
        seconds = parse_duration(node.content if isinstance(node.content, str) else "").total_seconds()
    except Malformed as malformed:
        mistakes.add(node, str(malformed), malformed.remedy)
        return
    if seconds == 0:
        mistakes.add(node, "everything is slower than 0 s", "write a bound above 0, such as 300ms")
    yield seconds


def _refuse_rates(query: Node, mistakes: Mistakes) -> None:
    for key, entry in query.entries():
        if key.endswith("_expr") and isinstance(entry.node.content, str) and _RATE.search(entry.node.content):
            mistakes.add(
                entry.node,
                "rate() gives a speed; here counts are wanted",
                "write increase(…[${bucket}]), of log lines count_over_time(…[${bucket}]): the daemon fills in the span of a bucket",
            )


def _refuse_foreign_exposures(
    indicators: Mapping[str, Indicator | None], queries: Mapping[str, Node], mistakes: Mistakes
) -> None:
    """``exposure:`` of events names an indicator of requests in the same file."""
    read = [indicator for indicator in indicators.values() if indicator]
    requests = {indicator.id for indicator in read if indicator.kind is Kind.REQUESTS}
    for indicator in read:
        exposure = queries[indicator.id].get("exposure") if indicator.kind is Kind.EVENTS else None
        if exposure is not None and exposure.content not in requests:
            mistakes.add(exposure, *unknown("indicator of requests", exposure.text or "", requests))

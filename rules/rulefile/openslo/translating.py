"""OpenSLO where a rule file is expected: documents of ``openslo/v1`` → the same promises, written as our own file would.

An SLO with its SLI becomes an indicator of the kind ``ratio`` and, for each objective, a rule with the judge ``slo``.
The nodes keep their places, so that whatever is wrong with them is told in the lines of the OpenSLO file.

Nothing is dropped in silence. What says how a release is to be judged, and cannot be, is a mistake with a remedy: budgets of
time slices, thresholds of single numbers, ratios of ratios, calendars, alert policies, data sources. What only describes
(descriptions, labels, ``service``, the length of a rolling window: a watch promises the rate, whatever the window) is read over.

Two annotations are ours: ``rollbackd/on_breach`` (else ``ask``) and ``rollbackd/burn_rate``.

Source:
    https://github.com/OpenSLO/OpenSLO/blob/main/README.md
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rules.document import Entry, Mistakes, Node, Place, quoted, unknown
from rules.duration import share_text
from rules.model import Consequence, Rule
from rules.rulefile.catalogue import Catalogue
from rules.rulefile.openslo.counting import BUCKET, of_a_bucket, rest
from rules.rulefile.openslo.objects import (
    VERSION,
    Indicator,
    Metadata,
    Metric,
    Object,
    Objective,
    Query,
    Ratio,
    SliSpec,
    SloSpec,
    Source,
    Window,
)
from rules.rulefile.promises import slug

_OURS = "rollbackd/"
_ANNOTATIONS = ("on_breach", "burn_rate")
_PROVIDER = "prometheus"  # the one whose queries are read here
_SEEN = Rule("", "", Consequence.TELL).must_have_seen
_ALL = 100  # per cent

_OTHER_KINDS: Mapping[str, tuple[str, str]] = {
    "DataSource": (
        "a data source is not read from a rule file",
        "write it under `connections:` of the configuration, under the name that `metricSourceRef` gives",
    ),
    "AlertPolicy": ("alert policies are not read", "remove it; people are told as `teams:` says"),
    "AlertCondition": ("alert conditions are not read", "write a rule with the judge burn_rate"),
    "AlertNotificationTarget": (
        "notification targets are not read",
        "remove it; people are told as `teams:` says",
    ),
}
_POLICIES = (
    "alert policies are not read: a breach leads to what the rule says",
    f"remove them; annotate `{_OURS}on_breach: ask`, and write burn rates as rules with the judge burn_rate",
)
_CALENDAR = (
    "a calendar window cannot be judged: a watch looks at one release, and knows no months",
    "write `isRolling: true`, or remove timeWindow",
)
_SLICES = (
    "a budget of time slices cannot be judged: requests are counted, and not minutes",
    "write `budgetingMethod: Occurrences`",
)
_THRESHOLD = (
    "a threshold metric is one number, of which nothing can be promised",
    "write a ratioMetric of how many were too slow; or a rule file with `value:` and the judge threshold",
)
_RAW = (
    "a ratio that is computed already cannot be added up over time",
    "write good or bad, with total, as counters",
)
_GAUGES = ("counts of counters are needed", "add `counter: true`, with queries of counters")
_OF_A_NUMBER = ("belongs to a threshold metric, which is not judged", "remove it")
_COMPOSITE = ("an objective with an indicator of its own is not read", "write an SLO of its own for it")


def is_openslo(root: Node) -> bool:
    """It is an object of OpenSLO, or a list of them; ours have no ``apiVersion``."""
    return any(item.get("apiVersion") is not None for item in (root, *root.items()))


def translated(documents: Sequence[Node], catalogue: Catalogue, mistakes: Mistakes) -> Node | None:
    """What the objects promise, as our own file would say it; ``None`` where something is wrong, which is told.

    Args:
        documents: Of one file; each an object, or a list of objects.
        catalogue: Which providers there are.
        mistakes: Gets what is wrong.
    """
    before = len(mistakes.problems)
    file = _File(catalogue, mistakes)
    file.read([item for each in documents for item in (each.items() or (each,)) if item.content is not None])
    if len(mistakes.problems) == before and not file.promises:
        mistakes.add(documents[0], "nothing is promised here", "add an SLO with its objectives")
    return file.node(documents[0].at) if len(mistakes.problems) == before else None


@dataclass(frozen=True, slots=True)
class _Sli:
    """An indicator as it is written: by name, and where its name and its ``spec`` stand."""

    name: str
    at: Place
    spec: Node


class _File:
    """Reads the objects of one file, and gathers what they come to."""

    def __init__(self, catalogue: Catalogue, mistakes: Mistakes) -> None:
        self._catalogue = catalogue
        self._mistakes = mistakes
        self._indicators: dict[str, Entry] = {}  # by name, where the SLI stands
        self._rules: list[Node] = []
        self._slis: dict[str, _Sli] = {}
        self._used: set[str] = set()
        self._all_read = True

    @property
    def promises(self) -> bool:
        """There is a rule in it."""
        return bool(self._rules)

    def node(self, at: Place) -> Node:
        """All of it, as our own file."""
        return _mapping(
            at,
            version=Node(at, 1, "1"),
            indicators=Node(at, self._indicators),
            rules=Node(at, tuple(self._rules)),
        )

    def read(self, objects: Sequence[Node]) -> None:
        """All objects: indicators first, for they are referred to from before and behind."""
        slos = [found for each in objects if (found := self._read_object(each)) is not None]
        for slo, metadata in slos:
            self._read_slo(slo, metadata)
        if self._mistakes.problems:  # which may be why nothing refers to it
            return
        for sli in self._slis.values():
            if sli.name not in self._used:
                self._mistakes.add(
                    sli.at, f"no SLO of this file refers to {quoted(sli.name)}", "add the SLO, or remove it"
                )

    def _read_object(self, node: Node) -> tuple[Node, Metadata] | None:
        """An SLO; an SLI is put aside until one refers to it."""
        written = self._mistakes.read(node, Object)
        if written is None:
            self._all_read = False
            return None
        name, kind = written.metadata.name, written.kind
        if written.api_version != VERSION:
            why = f"{quoted(written.api_version)} is not read here"
            self._mistakes.add(_at(node, "apiVersion"), why, f"write {VERSION}")
        elif kind == "SLO":
            return node, written.metadata
        elif kind == "SLI" and name in self._slis:
            self._mistakes.add(node, f"there are two SLIs {quoted(name)}", "keep one of them")
        elif kind == "SLI":
            self._slis[name] = _sli(node, name)
        elif kind != "Service":  # which only describes
            self._mistakes.add(_at(node, "kind"), *_other(kind))
        return None

    def _read_slo(self, slo: Node, metadata: Metadata) -> None:
        node = slo.get("spec") or slo
        spec = self._mistakes.read(node, SloSpec)
        if spec is None:
            return
        if spec.budgeting_method != "Occurrences":
            self._mistakes.add(_at(node, "budgetingMethod"), *_SLICES)
        if spec.alert_policies:
            self._mistakes.add(_at(node, "alertPolicies"), *_POLICIES)
        for window in _items(node, "timeWindow"):
            self._read_window(window)
        sli = self._sli_of(node, spec, metadata)
        indicator = None if sli is None else self._read_sli(sli)
        how = self._annotated(slo)
        for number, objective in enumerate(_items(node, "objectives"), start=1):
            target = self._read_objective(objective)
            if target is None or indicator is None:
                continue
            ending = f"-{number}" if len(spec.objectives) > 1 else ""
            name = objective.get("displayName") or _text(slo.at, metadata.display_name or metadata.name)
            self._rules.append(
                _mapping(
                    objective.at,
                    id=_text(slo.at, f"{slug(metadata.name)[: 64 - len(ending)]}{ending}"),
                    name=name,
                    indicator=indicator,
                    on_breach=how.get("on_breach") or _text(slo.at, Consequence.ASK.value),
                    **_judged(*target, how.get("burn_rate")),
                )
            )

    def _read_window(self, node: Node) -> None:
        window = self._mistakes.read(node, Window)
        if window is not None and (window.calendar is not None or not window.is_rolling):
            self._mistakes.add(node, *_CALENDAR)

    def _sli_of(self, node: Node, spec: SloSpec, metadata: Metadata) -> _Sli | None:
        """The indicator that stands inside, or that is referred to."""
        inside, reference = node.get("indicator"), node.get("indicatorRef")
        if (spec.indicator is None) == (spec.indicator_ref is None) or (inside or reference) is None:
            self._mistakes.add(
                node,
                "exactly one indicator is needed",
                "write `indicator:`, or `indicatorRef:` with its name",
            )
            return None
        if inside is not None and spec.indicator is not None:
            written = self._mistakes.read(inside, Indicator)
            if written is None:
                return None
            return _sli(inside, written.metadata.name if written.metadata else metadata.name)
        name = spec.indicator_ref or ""
        self._used.add(name)
        if name not in self._slis and self._all_read:  # else it may be the one that is wrong
            self._mistakes.add(_at(node, "indicatorRef"), *unknown("SLI of this file", name, self._slis))
        return self._slis.get(name)

    def _annotated(self, slo: Node) -> dict[str, Node]:
        """What our annotations say of each rule."""
        where = (slo.get("metadata") or slo).get("annotations") or slo
        found = {key: entry.node for key, entry in where.entries() if key.startswith(_OURS)}
        for key, node in found.items():
            if key.removeprefix(_OURS) not in _ANNOTATIONS:
                known = [f"{_OURS}{each}" for each in _ANNOTATIONS]
                self._mistakes.add(node, *unknown("annotation", key, known))
        return {key.removeprefix(_OURS): node for key, node in found.items()}

    def _read_objective(self, node: Node) -> tuple[Place, float] | None:
        """The share that has to be good, and where it is written."""
        for key in ("indicator", "indicatorRef", "compositeWeight"):
            if node.get(key) is not None:
                self._mistakes.add(_at(node, key), *_COMPOSITE)
                return None
        written = self._mistakes.read(node, Objective)
        if written is None:
            return None
        for keys, why in ((("op", "value"), _OF_A_NUMBER), (("timeSliceTarget", "timeSliceWindow"), _SLICES)):
            for key in keys:
                if node.get(key) is not None:
                    self._mistakes.add(_at(node, key), *why)
        target, percent = written.target, written.target_percent
        if (target is None) == (percent is None):
            self._mistakes.add(
                node, "exactly one target is needed", "write `target: 0.999`, or `targetPercent: 99.9`"
            )
            return None
        at = node.get("targetPercent" if target is None else "target") or node
        # As it is written: 99.9 is no float, and a hundredth of the nearest is not the nearest to 0.999.
        share = float(Decimal(repr(percent)) / _ALL) if target is None else target
        return at.at, share

    def _read_sli(self, sli: _Sli) -> Node | None:
        """The name of the indicator that *sli* becomes; it is read once."""
        name = slug(sli.name)
        taken = self._indicators.get(name)
        if taken is not None:
            if taken.key != sli.at:
                why = f"the name {quoted(name)} is taken by the indicator in line {taken.key.line}"
                self._mistakes.add(
                    sli.at, why, "name each indicator once, and refer to it with `indicatorRef`"
                )
            return _text(sli.at, name)
        spec = self._mistakes.read(sli.spec, SliSpec)
        if spec is None:
            return None
        if spec.threshold_metric is not None:
            self._mistakes.add(_at(sli.spec, "thresholdMetric"), *_THRESHOLD)
            return None
        ratio = sli.spec.get("ratioMetric")
        query = ratio and self._read_ratio(ratio)
        if query is None:
            if ratio is None:
                self._mistakes.add(
                    sli.spec, "no metric is named", "write `ratioMetric: {counter: true, bad: …, total: …}`"
                )
            return None
        chosen = _mapping(query.at, ratio=_mapping(query.at, **{_PROVIDER: query}))
        self._indicators[name] = Entry(sli.at, chosen)
        return _text(sli.at, name)

    def _read_ratio(self, node: Node) -> Node | None:
        """The query of Prometheus that counts the same."""
        ratio = self._mistakes.read(node, Ratio)
        if ratio is None:
            return None
        if ratio.raw is not None or ratio.raw_type is not None:
            self._mistakes.add(_at(node, "raw" if ratio.raw is not None else "rawType"), *_RAW)
            return None
        if not ratio.counter:
            self._mistakes.add(_at(node, "counter"), *_GAUGES)
        if ratio.total is None or (ratio.good is None) == (ratio.bad is None):
            self._mistakes.add(node, "expected `total`, and either `good` or `bad`", "write bad and total")
            return None
        total = self._read_metric(node, "total")
        some = self._read_metric(node, "bad" if ratio.good is None else "good")
        if total is None or some is None:
            return None
        if total.connection != some.connection:
            self._mistakes.add(
                some.at, "both are to be read in one place", "write one `metricSourceRef` for both"
            )
        bad = some.expression if ratio.good is None else rest(total.expression, some.expression)
        connection = {} if total.reference is None else {"connection": total.reference}
        return _mapping(
            node.at,
            bad_expr=_text(some.at, bad),
            total_expr=_text(total.at, total.expression),
            **connection,
        )

    def _read_metric(self, ratio: Node, key: str) -> "_Counted | None":
        metric = ratio.get(key) or ratio
        if self._mistakes.read(metric, Metric) is None:
            return None
        node = metric.get("metricSource") or metric
        source = self._mistakes.read(node, Source)
        if source is None or not self._is_ours(node, source):
            return None
        where = node.get("spec") or node
        query = self._mistakes.read(where, Query)
        if query is None:
            return None
        at = where.get("query") or where
        expression = of_a_bucket(query.query)
        if expression is None:
            self._mistakes.add(
                at,
                "it cannot be told how many that are in a bucket",
                f"write a counter, as x_total{{…}} or sum(x_total{{…}}); or sum(increase(x_total{{…}}[{BUCKET}]))",
            )
            return None
        return _Counted(at.at, expression, node.get("metricSourceRef"))

    def _is_ours(self, node: Node, source: Source) -> bool:
        """Its queries are read here; where not, that is told."""
        if source.type is None:
            self._mistakes.add(node, '"type" is missing: data sources are not read', "add `type: Prometheus`")
            return False
        kind, at = source.type.lower(), _at(node, "type")
        if kind == _PROVIDER and kind in self._catalogue.providers:
            return True
        if kind in self._catalogue.later:
            self._mistakes.add(
                at, f"the provider {quoted(kind)} is not in this version", "in this version: Prometheus"
            )
        elif kind in self._catalogue.providers:
            self._mistakes.add(
                at,
                f"queries of {kind} are not read from OpenSLO",
                "write them in a rule file of rollbackd's own",
            )
        else:
            self._mistakes.add(at, *unknown("type of metric source", source.type, ["Prometheus"]))
        return False


@dataclass(frozen=True, slots=True)
class _Counted:
    """One expression that counts in a bucket, and where it is read."""

    at: Place
    expression: str
    reference: Node | None

    @property
    def connection(self) -> object:
        """The name that it is read by."""
        return self.reference.content if self.reference else None


def _other(kind: str) -> tuple[str, str]:
    return _OTHER_KINDS.get(kind) or unknown("kind of object", kind, ["SLO", "SLI", "Service"])


def _sli(node: Node, name: str) -> _Sli:
    return _Sli(name, node.at, node.get("spec") or node)


def _judged(at: Place, share: float, burn_rate: Node | None) -> dict[str, Node]:
    """The judge of a rule; and what it must have seen, where the objective is so coarse that the default would be acceptable."""
    burns = {} if burn_rate is None else {"burn_rate": _number(burn_rate)}
    judge = _mapping(at, slo=_mapping(at, objective=Node(at, share, str(share)), **burns))
    rate = 1.0 if burn_rate is None else burns["burn_rate"].content
    acceptable = rate * (1 - share) if isinstance(rate, float) else 0.0
    if not _SEEN <= acceptable < 1:
        return {"judge": judge}
    seen = share_text(round(min(2 * acceptable, (1 + acceptable) / 2), 6))
    return {"judge": judge, "must_have_seen": _text(at, seen)}


def _at(node: Node, key: str) -> Node | Place:
    """Where *key* stands, or where it is lacking."""
    entry = node.entry(key)
    return entry.key if entry else node


def _items(node: Node, key: str) -> Iterator[Node]:
    found = node.get(key)
    yield from found.items() if found else ()


def _text(at: Place, text: str) -> Node:
    return Node(at, text, text)


def _number(node: Node) -> Node:
    """Annotations are text; a number in one is meant as such."""
    try:
        return Node(node.at, float(node.text or ""), node.text)
    except ValueError:
        return node


def _mapping(at: Place, **entries: Node) -> Node:
    return Node(at, {key: Entry(node.at, node) for key, node in entries.items()})

"""The text of a test file → `Trial` values, or all that is wrong with it, each at its place.

The rules themselves are read before: a series is read by the kind of its indicator.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from rules.document import Mistakes, Node, Place, read_document, unknown
from rules.duration import parse_duration
from rules.errors import InvalidRules, Malformed
from rules.model import Indicator, Kind, RuleSet
from rules.sample import Bucket, Counts, Measure, Series, State, Value
from rules.trial.doors import ExpectedModel, FileModel, Says, TestModel
from rules.trial.notation import Named, numbers, shares, states
from rules.trial.values import DEPLOYED, Expectation, Trial

MINUTE = timedelta(minutes=1)
_T = TypeVar("_T")
_ARMS = ("canary", "baseline")
_NO_NUMBERS: tuple[float | None, ...] = ()
_NO_SHARES: tuple[float, ...] = ()
_NO_STATES: tuple[Named | None, ...] = ()


def rules_named(text: str, file: str) -> tuple[str | None, Node]:
    """The rule file that the test file *text* names, relative to itself, and the parameters that it gives (``with:``).

    Raises:
        InvalidRules: The text is no YAML document, or its keys are not those of a test file.
    """
    root, mistakes = read_document(text, file), Mistakes()
    whole = mistakes.read(root, FileModel)
    if whole is None:
        raise InvalidRules(mistakes.problems)
    return whole.rules, root.get("with") or Node(root.at, {})


def read_trials(text: str, file: str, rules: RuleSet) -> tuple[Trial, ...]:
    """The tests in *text*.

    Args:
        text: YAML.
        file: Its name, as messages give it.
        rules: What is tested.

    Raises:
        InvalidRules: With all problems. Nothing else, whatever the text.
    """
    root, mistakes = read_document(text, file), Mistakes()
    mistakes.read(root, FileModel)
    reader = _Reader(rules, mistakes)
    tests = [reader.test(item) for item in (root.get("tests") or Node(root.at, ())).items()]
    if mistakes.problems:
        raise InvalidRules(mistakes.problems)
    return tuple(test for test in tests if test is not None)


class _Reader:
    """Reads what depends on the rules that are tested."""

    def __init__(self, rules: RuleSet, mistakes: Mistakes) -> None:
        self._rules = rules
        self._mistakes = mistakes
        self._indicators = {indicator.id: indicator for indicator in rules.indicators}

    def test(self, node: Node) -> Trial | None:
        """One test; ``None`` if its keys are wrong."""
        written = self._mistakes.read(node, TestModel)
        if written is None:
            return None
        buckets = self._buckets(node.get("bucket"))
        expectations = [self._expectation(item) for item in (node.get("expect") or node).items()]
        return Trial(
            name=written.name,
            place=node.at,
            buckets=buckets,
            settle=written.settle,
            at_least=written.bake.at_least,
            at_most=written.bake.at_most,
            early=written.bake.pass_early.value() if written.bake.pass_early else None,
            false_rollback_probability=written.false_rollback_probability,
            traffic=written.traffic,
            complete=written.complete if written.complete is not None else written.traffic,
            history=self._all_series(node.get("history"), buckets, past=True),
            series=self._all_series(node.get("series"), buckets, past=False),
            expectations=tuple(each for each in expectations if each is not None),
        )

    def _buckets(self, node: Node | None) -> dict[str, timedelta]:
        """A length for all, or by indicator."""
        usual = MINUTE
        given: dict[str, timedelta] = {}
        if node is not None and node.is_mapping:
            for name, entry in node.entries():
                self._known(name, entry.key)
                given[name] = self._length(entry.node)
        elif node is not None:
            usual = self._length(node)
        return {name: given.get(name, usual) for name in self._indicators}

    def _length(self, node: Node) -> timedelta:
        length = self._parsed(node, parse_duration, MINUTE)
        if not length:
            self._mistakes.add(node, "a bucket lasts longer than 0 s", "write 1m")
            return MINUTE
        return length

    def _known(self, name: str, place: Place) -> Indicator | None:
        if name not in self._indicators:
            self._mistakes.add(place, *unknown("indicator", name, self._indicators))
        return self._indicators.get(name)

    def _parsed(self, node: Node, parse: Callable[[str], _T], fallback: _T) -> _T:
        if not node.is_scalar or node.text is None:
            self._mistakes.add(node, "expected text", "write it on one line, such as 600x5")
            return fallback
        try:
            return parse(node.text)
        except Malformed as malformed:
            self._mistakes.add(node, str(malformed), malformed.remedy)
            return fallback

    # ------------------------------------------------------------------------------------------------------- series

    def _all_series(
        self, node: Node | None, buckets: Mapping[str, timedelta], *, past: bool
    ) -> dict[str, tuple[Series, ...]]:
        found = {}
        for name, entry in node.entries() if node else ():
            indicator = self._known(name, entry.key)
            if indicator is not None:
                found[name] = self._series(indicator, entry.node, buckets[name], past=past)
        return found

    def _series(
        self, indicator: Indicator, node: Node, bucket: timedelta, *, past: bool
    ) -> tuple[Series, ...]:
        """One series a bound; both arms, or one alone, which is then the release under watch."""
        arms = {name: node.get(name) for name in _ARMS} if self._tells_arms(node) else {"canary": node}
        bounds: tuple[float | None, ...] = indicator.bounds or (None,)
        weights = self._parsed(share, shares, _NO_SHARES) if (share := node.get("share")) else ()
        found = []
        for bound in bounds:
            measures = {
                name: self._arm(indicator, arm, bound, bucket)
                for name, arm in arms.items()
                if arm is not None
            }
            found.append(Series(indicator.id, _in_time(measures, weights, bucket, past=past), bound))
        return tuple(found)

    def _tells_arms(self, node: Node) -> bool:
        if not any(node.get(name) for name in _ARMS):
            return False
        for name, entry in node.entries():
            if name not in (*_ARMS, "share"):
                self._mistakes.add(entry.key, *unknown("key", name, (*_ARMS, "share")))
        return True

    def _arm(
        self, indicator: Indicator, node: Node, bound: float | None, bucket: timedelta
    ) -> tuple[Measure | None, ...]:
        match indicator.kind:
            case Kind.STATE:
                return _stated(self._parsed(node, states, _NO_STATES), bucket)
            case Kind.VALUE:
                values = self._parsed(node, lambda text: numbers(text, negative=True), _NO_NUMBERS)
                return tuple(None if x is None else Value(x) for x in values)
            case Kind.REQUESTS:
                totals = self._parsed(self._key(node, "total"), numbers, _NO_NUMBERS)
                return tuple(None if x is None else Counts(0.0, x) for x in totals)
            case _:
                return self._counts(node, bound, indicator.bounds)

    def _counts(
        self, node: Node, bound: float | None, bounds: tuple[float, ...]
    ) -> tuple[Counts | None, ...]:
        totals = self._parsed(self._key(node, "total"), numbers, _NO_NUMBERS)
        bad = self._parsed(self._bad(self._key(node, "bad"), bound, bounds), numbers, _NO_NUMBERS)
        if totals and bad and len(totals) != len(bad):  # what cannot be read has been told
            self._mistakes.add(
                node,
                f"{len(totals)} buckets of `total`, and {len(bad)} of `bad`",
                "write as many of one as of the other; `_` where a bucket never came",
            )
        counts: list[Counts | None] = []
        for place, (of, wrong) in enumerate(zip(totals, bad, strict=False)):
            if of is not None and wrong is not None and wrong > of:
                self._mistakes.add(
                    node,
                    f"bucket {place + 1} has {wrong:g} bad of {of:g}",
                    "no more can be bad than there were",
                )
            counts.append(None if of is None or wrong is None else Counts(wrong, of))
        return tuple(counts)

    def _key(self, node: Node, name: str) -> Node:
        allowed = ("total", "bad")
        for key, entry in node.entries():
            if key not in allowed:
                self._mistakes.add(entry.key, *unknown("key", key, allowed))
        found = node.get(name)
        if found is None:
            self._mistakes.add(node, f"`{name}` is missing", "write {total: 600x20, bad: 1x20}")
        return found or Node(node.at, "_", "_")

    def _bad(self, node: Node, bound: float | None, bounds: tuple[float, ...]) -> Node:
        """Those slower than *bound*, where a latency has several."""
        if bound is None or not node.is_mapping:
            return node
        said = {
            self._parsed(Node(entry.key, key, key), parse_duration, timedelta()).total_seconds(): entry
            for key, entry in node.entries()
        }
        for found, entry in said.items():
            if found and found not in bounds:
                known = ", ".join(f"{each * 1000:g}ms" for each in bounds)
                self._mistakes.add(
                    entry.key, "a bound that the rules do not ask for", f"they ask for {known}"
                )
        if bound in said:
            return said[bound].node
        self._mistakes.add(
            node, f"nothing is said of the bound {bound:g} s", f"write bad: {{{bound * 1000:g}ms: 1x20}}"
        )
        return Node(node.at, "_", "_")

    # -------------------------------------------------------------------------------------------------- expectations

    def _expectation(self, node: Node) -> Expectation | None:
        written = self._mistakes.read(node, ExpectedModel)
        if written is None:
            return None
        times = [time for time in (written.at, written.by) if time is not None]
        says = written.never or written.says
        forms = "write {at: 5m, says: healthy}, {by: 5m, says: breached}, or {never: breached}"
        if says is None or (written.never is None) != (len(times) == 1) or (written.never and written.says):
            self._mistakes.add(node, "an expectation says when, and what", forms)
            return None
        if says is Says.PASSED and written.rule is not None:
            self._mistakes.add(node, "a watch passes, and no rule alone", "leave `rule` out")
        if written.then is not None and written.says is not Says.BREACHED:
            self._mistakes.add(node, "`then` is of a breach", "write it beside `says: breached`")
        return Expectation(
            node.at, says.meant, written.at, written.by, self._rule(node.get("rule")), written.then
        )

    def _rule(self, node: Node | None) -> str | None:
        """The id of the rule that is meant, by its id or its name."""
        if node is None:
            return None
        known = {word: rule.id for rule in self._rules.rules for word in (rule.name, rule.id)}
        if node.text not in known:
            self._mistakes.add(node, *unknown("rule", node.text or "", known))
            return None
        return known[node.text]


def _in_time(
    arms: Mapping[str, tuple[Measure | None, ...]],
    weights: tuple[float, ...],
    bucket: timedelta,
    *,
    past: bool,
) -> tuple[Bucket, ...]:
    """Buckets from the deployment on, or up to it."""
    length = max((len(arm) for arm in arms.values()), default=0)
    first = DEPLOYED - length * bucket if past else DEPLOYED
    rows = []
    for place in range(length):
        canary, baseline = (
            arms[name][place] if name in arms and place < len(arms[name]) else None for name in _ARMS
        )
        if canary is not None or baseline is not None:
            start = first + place * bucket
            share = weights[place] if place < len(weights) else None
            rows.append(Bucket(start, start + bucket, canary, baseline, share))
    return tuple(rows)


def _stated(found: tuple[Named | None, ...], bucket: timedelta) -> tuple[State | None, ...]:
    """Each state since its first bucket."""
    rows: list[State | None] = []
    since, before = DEPLOYED, None
    for place, named in enumerate(found):
        if named is not None and named != before:
            since, before = DEPLOYED + place * bucket, named
        rows.append(None if named is None else State(named.word, since, named.bad))
    return tuple(rows)

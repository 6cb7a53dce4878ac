"""A metric query as people copy it from a dashboard, taken apart. Pure.

Tags that must have one value are kept apart from all other conditions: those are what can be asked of many services, and
of both releases, in one query. What would make silence look like zero, or a count like a mean, is refused here.

Source:
    https://docs.datadoghq.com/metrics/advanced-filtering/
    https://docs.datadoghq.com/metrics/custom_metrics/type_modifiers/
    https://docs.datadoghq.com/getting_started/tagging/#define-tags
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.errors import Malformed
from watcher.signals.arms import filled

LONGEST = 2000  # characters
LONGEST_TAG = 200  # characters that Datadog keeps of a tag
_ARM = r"\$\{arm\.[a-z][a-z0-9_]{0,63}\}"
_TAG = r"[A-Za-z][A-Za-z0-9_.\-/]{0,199}"
_VALUE = rf"(?:{_ARM}|[^\s,(){{}}!\"'$])+"
_QUERY = re.compile(
    rf"\s*(?:(?P<space>[a-z0-9.]+)\s*:\s*)?(?P<metric>[A-Za-z][A-Za-z0-9_.]{{0,199}})"
    rf"\{{(?P<filter>(?:{_ARM}|[^{{}}])*)\}}(?P<by>\s*by\s*\{{[^{{}}]*\}})?(?P<functions>(?:\s*\.[a-z_]+\([^()]*\))*)\s*"
)
_FUNCTION = re.compile(r"\.([a-z_]+)\(([^()]*)\)")
_TERM = re.compile(
    rf"\s*(?:(?P<not>!|NOT\s+)?(?P<tag>{_TAG}):(?P<value>{_VALUE})"
    rf"|(?P<of>{_TAG})\s+(?P<out>NOT\s+)?IN\s*\((?P<values>(?:\s*{_VALUE}\s*,)*\s*{_VALUE}\s*)\)|(?P<all>\*))"
    r"\s*(?P<end>,|\bAND\b|$)",
    re.IGNORECASE,
)
_PERCENTILE = re.compile(r"p[0-9]{1,2}(\.[0-9]{1,2})?")
_PLAIN = ("sum", "avg", "min", "max", "count")
_HIDING = {"default_zero", "fill", "autosmooth"}


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """What is asked.

    Attributes:
        space: How series are put together: ``sum``, ``p99``; empty where nothing is said.
        exact: Tags that must have one value, in their order.
        fixed: All other conditions, in Datadog's words.
        functions: Behind it, each with its arguments.
    """

    space: str
    metric: str
    exact: tuple[tuple[str, str], ...]
    fixed: tuple[str, ...]
    functions: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of the functions."""
        return tuple(name for name, _ in self.functions)

    @property
    def rollups(self) -> tuple[tuple[str, ...], ...]:
        """The arguments of each ``rollup``."""
        return tuple(arguments for name, arguments in self.functions if name == "rollup")


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> MetricQuery:
    """*text*, taken apart.

    Raises:
        Malformed: It is no query of one metric, or one that is not read here.
    """
    found = _QUERY.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise Malformed(
            "not a query of one metric",
            remedy="write sum:METRIC{tag:value,version:${arm.version}}.as_count()",
        )
    if found["metric"].startswith("aws."):
        raise Malformed(
            f"{found['metric']} is fetched from CloudWatch by Datadog, and comes 10 to 20 minutes late",
            remedy="ask CloudWatch itself: {cloudwatch: {namespace: …}}",
        )
    if found["by"]:
        raise Malformed(
            "`by` gives several series where one is read; releases are grouped here by themselves",
            remedy="leave `by {…}` out, and name the release in the filter: version:${arm.version}",
        )
    exact, fixed = _filter(found["filter"])
    functions = tuple(
        (name, tuple(argument.strip() for argument in arguments.split(",") if argument.strip()))
        for name, arguments in _FUNCTION.findall(found["functions"])
    )
    return MetricQuery(found["space"] or "", found["metric"], exact, fixed, functions)


def _filter(text: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    exact: dict[str, str] = {}
    fixed: list[str] = []
    place = 0
    while place < len(text.rstrip()):
        term = _TERM.match(text, place)
        is_last = term is not None and not term["end"]
        if term is None or (is_last != (term.end() == len(text))):
            raise Malformed(
                f"the filter cannot be read from {text[place:].strip()[:40]!r} on",
                remedy="write tag:value, !tag:value or tag IN (a, b), with commas or AND between them; for OR write IN",
            )
        place = term.end()
        if term["of"]:
            values = ", ".join(value.strip() for value in term["values"].split(","))
            fixed.append(f"{term['of']} {'NOT ' if term['out'] else ''}IN ({values})")
        elif term["tag"]:
            if term["not"] or "*" in term["value"] or term["tag"] in exact:
                fixed.append(f"{'NOT ' if term['not'] else ''}{term['tag']}:{term['value']}")
            else:
                exact[term["tag"]] = term["value"]
    return tuple(exact.items()), tuple(fixed)


def as_tag(value: str) -> str:
    """*value* as Datadog keeps it: in lower case, other signs than its own as ``_``, of limited length."""
    return re.sub(r"[^\w\-:./]", "_", value.lower())[:LONGEST_TAG]


def value_of(text: str, names: Mapping[str, str]) -> str:
    """The value of a tag for the release that goes by *names*, as Datadog keeps it.

    Raises:
        ArmUnnamed: The release lacks a name that it asks for.
    """
    return as_tag(filled(text, names))


def condition_of(text: str, names: Mapping[str, str]) -> str:
    """A condition for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that it asks for.
    """
    return filled(text, names, as_tag)


# ------------------------------------------------------------------------------------------------------------ the checks


def check_count(text: str) -> str:
    """*text*, if it counts.

    Raises:
        Malformed: It does not: by default Datadog takes the mean over time, and fills what is not there.
    """
    query = parsed(text)
    right = f"write sum:{query.metric}{{…}}.as_count()"
    if _PERCENTILE.fullmatch(query.space):
        raise Malformed(
            f"{query.space} is no count: it can be neither added up nor divided",
            remedy="write it as a `value`, or count what is slow: `distribution:` with `over`",
        )
    _refuse_hiding(query)
    wrong = [name for name in query.calls if name not in {"as_count", "rollup"}]
    if wrong:
        raise Malformed(f"{wrong[0]}() is no count", remedy=right)
    if query.space not in {"sum", "count"} or any(arguments[:1] != ("sum",) for arguments in query.rollups):
        raise Malformed("a mean, a minimum or a maximum is no count", remedy=right)
    if not query.functions or (query.space == "count" and "as_count" not in query.calls):
        raise Malformed(
            "without .as_count() or .rollup(sum) Datadog takes the mean over time, and fills what is not there",
            remedy=right,
        )
    return text


def check_value(text: str) -> str:
    """*text*, if it gives one value.

    Raises:
        Malformed: It does not, or silence would look like a value.
    """
    query = parsed(text)
    if query.space not in _PLAIN and not _PERCENTILE.fullmatch(query.space):
        raise Malformed(
            "expected how series are put together",
            remedy=f"write avg:{query.metric}{{…}}, max:, sum: or p99:",
        )
    _refuse_hiding(query)
    wrong = [name for name in query.calls if name not in {"as_count", "as_rate", "rollup"}]
    if wrong:
        raise Malformed(f"{wrong[0]}() is not read here", remedy="leave it out")
    if any(not arguments or arguments[0] not in _PLAIN for arguments in query.rollups):
        raise Malformed("expected how points are put together", remedy="write .rollup(max)")
    return text


def check_distribution(text: str) -> str:
    """*text*, if it names a distribution alone.

    Raises:
        Malformed: It says more.
    """
    query = parsed(text)
    if query.space or query.functions:
        raise Malformed(
            "a distribution is counted here by itself",
            remedy=f"write {query.metric}{{…}}, with `over: 300ms`",
        )
    return text


def _refuse_hiding(query: MetricQuery) -> None:
    hiding = [name for name in query.calls if name in _HIDING]
    if hiding:
        raise Malformed(
            f"{hiding[0]}() makes silence look like a value",
            remedy="leave it out: where requests are there, errors that are not are 0 here by themselves",
        )
    if len(query.rollups) > 1 or len(set(query.calls)) < len(query.calls):
        raise Malformed("the same function twice", remedy="write it once")

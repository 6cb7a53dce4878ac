"""Does CloudWatch know what is asked for? A wrong name looks like silence, so silence is looked into.

Only what an indicator cannot do without is looked up, the total or the metric itself: an error count that was never
published is as it should be. Values that come from a release (``${arm.x}``) are true by themselves, and a release without
traffic has published nothing: of them only the dimension's name is looked up.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.model import About
from deploy.ports import Aws, AwsAccount
from rules.model import Indicator
from watcher.signals.arms import names_in
from watcher.signals.cloudwatch.query import parsed
from watcher.signals.cloudwatch.refusals import place
from watcher.signals.unknown import Unknown

MOST_PAGES = 4  # of 500 metrics each
_LISTED = 5
_NEAR = 0.6  # as difflib measures it

Known = Mapping[str, str]  # dimensions


@dataclass(frozen=True, slots=True)
class Wanted:
    """One metric that must be there.

    Attributes:
        dimensions: Name and value; ``None`` where the value comes from a release.
        owner: The id of the account that it is in; empty: of the one that is asked.
    """

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str | None], ...]
    owner: str = ""

    @property
    def request(self) -> dict[str, Any]:
        """What of its namespace is asked for: without saying so, linked accounts are left out in silence."""
        of = {"IncludeLinkedAccounts": True, "OwningAccount": self.owner} if self.owner else {}
        return {"Namespace": self.namespace, **of}


def wanted(indicator: Indicator) -> tuple[Wanted, ...]:
    """The metrics that *indicator* cannot do without: one of them must be there. None for alarms."""
    query = parsed(indicator.query)
    dimensions = tuple(
        (name, None if names_in(value) else value) for name, value in sorted(query.dimensions.items())
    )
    names = [query.metric] if query.metric else [name for name, _ in query.total.terms] if query.total else []
    return tuple(
        Wanted(query.namespace or "", name, dimensions, query.owner or "") for name in dict.fromkeys(names)
    )


async def unknown(aws: Aws, account: AwsAccount, indicator: Indicator) -> Unknown | None:
    """What CloudWatch does not know of what *indicator* asks for, and what it may have meant; ``None``: all is there.

    A metric that was first published less than 15 minutes ago may not be listed yet, and one without data for two weeks
    is not listed any more.

    Args:
        aws: Who asks.
        account: Where.
        indicator: Of the kind `cloudwatch`; its query is right.

    Raises:
        AwsRefused: AWS does not say.
    """
    query = parsed(indicator.query)
    if query.alarms is not None:
        return await _unknown_alarms(aws, account, [name for name in query.alarms if not names_in(name)])
    found = [await unknown_metric(aws, account, each) for each in wanted(indicator)]
    return next(iter(found), None) if all(found) else None


async def unknown_metric(aws: Aws, account: AwsAccount, of: Wanted) -> Unknown | None:
    """The same for one metric."""
    filters = [{"Name": name, **({"Value": value} if value else {})} for name, value in of.dimensions]
    exact = await _listed(aws, account, **of.request, MetricName=of.metric, Dimensions=filters)
    names = {name for name, _ in of.dimensions}
    if any(known.keys() == names for _, known in exact):
        return None
    found = await _listed(aws, account, **of.request, MetricName=of.metric)
    if found:
        words = f"in {place(account)} {_dimensions_words(of, [known for _, known in found])}"
        return Unknown(About.TAG, words)
    metrics = {metric for metric, _ in await _listed(aws, account, **of.request)}
    knows = f"in {place(account)} CloudWatch knows"
    if metrics:
        words = f"{knows} no metric {of.metric} in {of.namespace}{_meant(of.metric, metrics)}"
        return Unknown(About.METRIC, words)
    return Unknown(About.METRIC, f"{knows} nothing in the namespace {of.namespace}")


async def _listed(aws: Aws, account: AwsAccount, **request: Any) -> list[tuple[str, Known]]:
    """Metrics, as name and dimensions."""
    found: list[tuple[str, Known]] = []
    for _ in range(MOST_PAGES):
        answer = await aws.read(account.name, "cloudwatch", "list_metrics", **request)
        found += [
            (
                each["MetricName"],
                {one.get("Name", ""): one.get("Value", "") for one in each.get("Dimensions", ())},
            )
            for each in answer.get("Metrics", ())
            if "MetricName" in each
        ]
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]
    return found


def _dimensions_words(of: Wanted, known: Iterable[Known]) -> str:
    """Which dimension is wrong: first their names, then their values."""
    known = list(known)
    names = {name for name, _ in of.dimensions}
    alike = [each for each in known if each.keys() == names]
    if not alike:
        sets = sorted({", ".join(sorted(each)) or "none" for each in known}, key=lambda one: (len(one), one))
        has = " or ".join(sets[:_LISTED])
        asked = ", ".join(sorted(names)) or "none"
        return f"{of.metric} in {of.namespace} has the dimensions {has}, all of which must be told, and not {asked}"
    for name, value in of.dimensions:
        values = {each[name] for each in alike}
        if value is not None and value not in values:
            return f"CloudWatch knows no {of.metric} with {name}={value}{_meant(value, values)}"
    return f"CloudWatch knows no {of.metric} with these dimensions together"


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1, _NEAR)
    return f": did you mean {near[0]}?" if near else ""


# ---------------------------------------------------------------------------------------------------------------- alarms


async def _unknown_alarms(aws: Aws, account: AwsAccount, names: list[str]) -> Unknown | None:
    answer: Mapping[str, Any] = {}
    if names:
        answer = await aws.read(account.name, "cloudwatch", "describe_alarms", **describing(AlarmNames=names))
    missing = sorted(set(names) - {each["AlarmName"] for each in alarms_in(answer)})
    return await unknown_alarm(aws, account, missing[0]) if missing else None


async def unknown_alarm(aws: Aws, account: AwsAccount, name: str) -> Unknown:
    """An alarm that is not there, with the nearest of those that begin alike."""
    answer = await aws.read(
        account.name, "cloudwatch", "describe_alarms", **describing(AlarmNamePrefix=name[:_PREFIX])
    )
    near = _meant(name, (each["AlarmName"] for each in alarms_in(answer)))
    return Unknown(About.MONITOR, f"{no_alarm(account, name)}{near}")


_PREFIX = 3  # letters that even a misspelt name begins with


def no_alarm(account: AwsAccount, name: str) -> str:
    """Words for an alarm that is not there."""
    return f"no alarm is called {name} in {place(account)}"


def describing(**request: Any) -> dict[str, Any]:
    """A request for alarms of both types: without saying so, composite ones are left out in silence."""
    return {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100, **request}


def alarms_in(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alarms of both types; none without a name."""
    both = (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ()))
    return [each for each in both if "AlarmName" in each]

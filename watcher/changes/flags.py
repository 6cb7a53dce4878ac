"""Flags that are flipped: what LaunchDarkly and Unleash tell, in words of ours.

Whose share gets what is said in percent, before and after. What a variation *is* is never said, but where it is true or false:
it may be anything, a secret too.

Source:
    https://launchdarkly.com/docs/api/audit-log/get-audit-log-entry
    https://launchdarkly.com/docs/api/feature-flags/get-feature-flag
    https://docs.getunleash.io/reference/events
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from deploy.source import Event
from deploy.sources.flags.launchdarkly import place_of
from watcher.changes.told import Told, clean, named
from watcher.core.change import ChangeKind

MOST_SHOWN = 3  # variations whose shares changed
MOST_CALLED = 40  # characters of what a variation is called
WHOLE = 100_000  # of the weights of LaunchDarkly: thousandths of a percent
_PAIR = 2

# ------------------------------------------------------------------------------------------------------------ LaunchDarkly

# What moves something that is served, by the action of its policies; all else (names, tags, maintainers, what is only scheduled
# or waits for approval) moves nothing.
_ACTIONS: Mapping[str, str] = {
    "updateOn": "turned on or off",
    "updateFallthrough": "default rule changed",
    "updateFallthroughWithMeasuredRollout": "guarded rollout on the default rule",
    "updateRules": "targeting rules changed",
    "updateRulesWithMeasuredRollout": "guarded rollout on a rule",
    "stopMeasuredRolloutOnFlagFallthrough": "guarded rollout on the default rule stopped",
    "stopMeasuredRolloutOnFlagRule": "guarded rollout on a rule stopped",
    "updateTargets": "targets changed",
    "updateOffVariation": "what is served when it is off changed",
    "updatePrerequisites": "prerequisites changed",
    "updateFlagVariations": "variations changed",
    "updateGlobalArchived": "archived or restored",
    "deleteFlag": "deleted",
    "updateIncluded": "members changed",
    "updateExcluded": "members changed",
    "deleteSegment": "deleted",
}
Shares = Mapping[int, float]  # percent, by the number of the variation


def launchdarkly(event: Event) -> Told | None:
    """A flag or a segment that somebody changed."""
    place = place_of(event.resources)
    told = event.detail.get("accesses")
    actions = (
        [named(each, "action") for each in told if isinstance(each, Mapping)]
        if isinstance(told, list)
        else []
    )
    done = next((_ACTIONS[each] for each in actions if each in _ACTIONS), None)
    if place is None or done is None:
        return None
    name = clean(place["key"])
    before, after = (
        _configured(event.detail.get(each), place["environment"])
        for each in ("previousVersion", "currentVersion")
    )
    moved = _moved(before, after, _variations(event.detail.get("currentVersion")))
    return _told(place["kind"], name, moved or f", {done}")


def _told(kind: str, name: str, done: str) -> Told | None:
    return Told(ChangeKind.FLAG, f"{kind} `{name}`{done}", name) if name else None


def _configured(version: object, environment: str) -> Mapping[str, Any]:
    """How a flag is set in *environment*; nothing where that is not told."""
    environments = version.get("environments") if isinstance(version, Mapping) else None
    found = environments.get(environment) if isinstance(environments, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _variations(version: object) -> Sequence[Mapping[str, Any]]:
    told = version.get("variations") if isinstance(version, Mapping) else None
    return [each if isinstance(each, Mapping) else {} for each in told] if isinstance(told, list) else []


def _moved(
    before: Mapping[str, Any], after: Mapping[str, Any], variations: Sequence[Mapping[str, Any]]
) -> str:
    """Which shares changed, and whether it was turned on or off by that; empty: neither."""
    was_on, is_on = before.get("on"), after.get("on")
    switched = (
        "" if was_on == is_on or not isinstance(is_on, bool) else f", turned {'on' if is_on else 'off'}"
    )
    old, new = _shares(before), _shares(after)
    shown = _compared(old, new, variations) if old is not None and new is not None else ""
    return f"{shown}{switched}"


def _shares(setting: Mapping[str, Any]) -> Shares | None:
    """Whom no rule and no target names is served so; ``None``: nobody knows."""
    is_on = setting.get("on")
    if is_on is False:
        return _alone(setting.get("offVariation"))
    served = setting.get("fallthrough")
    if is_on is not True or not isinstance(served, Mapping):
        return None
    rollout = served.get("rollout")
    return (
        _weighted(rollout.get("variations"))
        if isinstance(rollout, Mapping)
        else _alone(served.get("variation"))
    )


def _alone(variation: object) -> Shares | None:
    return {variation: 100.0} if _is_number(variation) else None


def _weighted(told: object) -> Shares | None:
    found: dict[int, float] = {}
    for each in told if isinstance(told, list) else ():
        number, weight = (
            (each.get("variation"), each.get("weight")) if isinstance(each, Mapping) else (None, None)
        )
        if not _is_number(number) or not _is_number(weight):
            return None
        found[number] = found.get(number, 0.0) + weight * 100 / WHOLE
    return found or None


def _is_number(told: object) -> TypeGuard[int]:
    return isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= WHOLE


def _compared(old: Shares, new: Shares, variations: Sequence[Mapping[str, Any]]) -> str:
    """Of a flag that is true or false, the share of true; of any other, of each variation whose share changed."""
    values = [each.get("value") for each in variations]
    changed = [each for each in sorted({*old, *new}) if old.get(each, 0) != new.get(each, 0)]
    if (
        len(values) == _PAIR
        and any(each is True for each in values)
        and any(each is False for each in values)
    ):
        changed = [each for each in changed if each < _PAIR and values[each] is True]
        return "".join(f" {_step(old, new, each)}" for each in changed)
    shown = [f"{_called(each, variations)} {_step(old, new, each)}" for each in changed[:MOST_SHOWN]]
    return f": {', '.join(shown)}" if shown else ""


def _step(old: Shares, new: Shares, variation: int) -> str:
    return f"{_number(old.get(variation, 0))} → {_number(new.get(variation, 0))} %"


def _number(percent: float) -> str:
    return f"{round(percent, 3):g}"


def _called(variation: int, variations: Sequence[Mapping[str, Any]]) -> str:
    name = clean(variations[variation].get("name"), MOST_CALLED) if variation < len(variations) else ""
    return name or f"variation {variation + 1}"


# ----------------------------------------------------------------------------------------------------------------- Unleash

_STRATEGY = "feature-strategy-"
_EVENTS: Mapping[str, str] = {
    "feature-environment-enabled": "turned on",
    "feature-environment-disabled": "turned off",
    "feature-strategy-add": "a strategy added",
    "feature-strategy-remove": "a strategy removed",
    "feature-strategy-update": "a strategy changed",
    "strategy-order-changed": "the order of its strategies changed",
    "feature-variants-updated": "variants changed",
    "feature-environment-variants-updated": "variants changed",
    "feature-dependency-added": "a flag that it depends on added",
    "feature-dependency-removed": "a flag that it depends on removed",
    "feature-dependencies-removed": "the flags that it depends on removed",
    "feature-archived": "archived",
    "feature-revived": "revived",
    "feature-deleted": "deleted",
    "segment-updated": "changed",
    "segment-deleted": "deleted",
}
_ROLLOUTS = ("rollout", "percentage")  # as `flexibleRollout` calls it, and the older ones
_PERCENT = re.compile(r"[0-9]{1,3}")


def unleash(event: Event) -> Told | None:
    """A flag or a segment that somebody changed. What is only created, named, tagged or asked for moves nothing."""
    happened = named(event.detail, "type")
    done = _EVENTS.get(happened)
    name = named(event.detail, "featureName") if event.kind == "flag" else named(event.detail, "data", "name")
    if done is None:
        return None
    return _told(event.kind, name, _rolled(happened, event.detail) or f", {done}")


def _rolled(happened: str, detail: Mapping[str, Any]) -> str:
    """What became of one strategy's share; empty where that is not what changed, or is not told."""
    if not happened.startswith(_STRATEGY):
        return ""
    before, after = _strategy(detail.get("preData")), _strategy(detail.get("data"))
    old, new = _rollout(before), _rollout(after)
    if happened.endswith("update"):
        if bool(before.get("disabled")) != bool(after.get("disabled")):
            return f", a strategy switched {'off' if after.get('disabled') else 'on'}"
        return f" {old} → {new} %" if old and new and old != new else ""
    share = new or old
    return f", {_EVENTS[happened]} ({share} %)" if share else ""


def _strategy(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _rollout(strategy: Mapping[str, Any]) -> str:
    """Its percentage, as Unleash writes it (a text, mostly); empty where it has none."""
    parameters = strategy.get("parameters")
    told = (
        next((parameters[each] for each in _ROLLOUTS if each in parameters), "")
        if isinstance(parameters, Mapping)
        else ""
    )
    text = str(told) if isinstance(told, int) and not isinstance(told, bool) else told
    return text if isinstance(text, str) and _PERCENT.fullmatch(text) else ""

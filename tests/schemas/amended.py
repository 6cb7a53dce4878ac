"""Where a vendor's service is known to do otherwise than what it publishes: each with how that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Amendment:
    """One.

    Attributes:
        document: A file of ``published``.
        place: The names that lead to it.
        value: What stands there instead.
        known: How it is known.
    """

    document: str
    place: Sequence[str]
    value: Any
    known: str

    def make(self, content: Any) -> None:
        """Put it into *content*. Raises where there is no such place, or it says so already."""
        *way, last = self.place
        for name in way:
            content = content[name]
        assert content.get(last) != self.value, f"published by now: {self}"
        content[last] = self.value


_STRING = {"type": "string"}
_RECORDED = "recorded in the cassettes of DataDog/datadog-api-client-python, which the package of the schemas has with it"
_EMPTY = "a status without an address has an empty one: octokit/webhooks-examples, deployment_status"
_PAGES = "https://docs.sentry.io/api/pagination/; getsentry/sentry: sentry/api/base.py, get_per_page"
_SERIES = "getsentry/sentry: organization_events_timeseries reads yAxis as a list, and the interval as a period (1m, 1h)"
_DATASETS = (
    "getsentry/sentry: sentry/snuba/utils.py, DATASET_OPTIONS; the interface of its own pages asks for them"
)
_THREAD = "https://docs.slack.dev/reference/events/message/thread_broadcast; @slack/types, ThreadBroadcastMessageEvent"
_ORGANIZATION = "/api/0/organizations/{organization}"
_NARROWED = (
    "getsentry/sentry: organization_releases.py narrows by project as all that is of an organisation does"
)
_TABLE = "getsentry/sentry: organization_events.py reads it as organization_events_timeseries.py does"
_ALT = "https://docs.slack.dev/reference/methods/files.getUploadURLExternal; slack_sdk sends it by this name"
_TABLE_ANSWER = ("operations", f"GET {_ORGANIZATION}/events/", "answers", "200")


def _of_sentry(path: str, *place: str) -> Sequence[str]:
    return ("operations", f"GET {_ORGANIZATION}/{path}", "query", "properties", *place)


def _addresses(document: str, *place: str, names: Sequence[str]) -> Sequence[Amendment]:
    return [Amendment(document, (*place, "properties", name), _STRING, _EMPTY) for name in names]


_SETS = {
    "enum": ["errors", "transactions", "spans", "logs", "profile_functions", "uptime_results"],
    **_STRING,
}

AMENDMENTS: Sequence[Amendment] = (
    Amendment("datadog-v2", ("$defs", "TimeseriesResponse", "properties", "id"), _STRING, _RECORDED),
    Amendment(
        "datadog-v1",
        ("$defs", "Monitor", "properties", "overall_state_modified"),
        {"type": ["string", "integer", "null"]},
        _RECORDED,
    ),
    *(
        Amendment(
            "datadog-v1",
            ("$defs", "MonitorStateGroup", "properties", name),
            {"type": ["integer", "null"]},
            _RECORDED,
        )
        for name in ("last_triggered_ts", "last_resolved_ts", "last_nodata_ts")
    ),
    *_addresses("github", "$defs", "deployment-status", names=("target_url", "log_url", "environment_url")),
    *_addresses(
        "github-webhooks",
        *("$defs", "webhook-deployment-status-created", "properties", "deployment_status"),
        names=("log_url", "environment_url"),
    ),
    Amendment("sentry", _of_sentry("projects/", "per_page"), {"type": "number"}, _PAGES),
    Amendment("sentry", _of_sentry("releases/", "per_page"), {"type": "number"}, _PAGES),
    Amendment(
        "sentry",
        _of_sentry("releases/", "project"),
        {"type": "array", "items": {"type": "number"}},
        _NARROWED,
    ),
    Amendment("sentry", _of_sentry("events/", "cursor"), _STRING, _PAGES),
    Amendment("sentry", _of_sentry("events/", "disableAggregateExtrapolation"), {"enum": ["0", "1"]}, _TABLE),
    Amendment(
        "sentry",
        (*_TABLE_ANSWER, "properties", "meta", "properties", "dataScanned"),
        {"enum": ["partial", "full"]},
        "the time series of the same data says so, as it is published; getsentry/sentry: sentry/api/bases/organization_events.py",
    ),
    Amendment(
        "sentry",
        ("operations", f"POST {_ORGANIZATION}/releases/", "answers", "208"),
        {},
        "getsentry/sentry: organization_releases.py answers 208 where the release was there before",
    ),
    Amendment("sentry", _of_sentry("events-timeseries/", "interval"), _STRING, _SERIES),
    Amendment(
        "sentry", _of_sentry("events-timeseries/", "yAxis"), {"type": "array", "items": _STRING}, _SERIES
    ),
    Amendment("sentry", _of_sentry("events-timeseries/", "dataset"), _SETS, _DATASETS),
    Amendment("sentry", _of_sentry("events/", "dataset"), _SETS, _DATASETS),
    Amendment(
        "slack",
        ("operations", "POST /api/files.getUploadURLExternal", "body", "properties", "alt_txt"),
        _STRING,
        _ALT,
    ),
    Amendment(
        "slack", ("$defs", "ConversationsReplies.MessageElement", "properties", "subtype"), _STRING, _THREAD
    ),
)

"""What the daemon counts about itself, in one object that is passed to whoever counts.

Names begin with ``rollbackd_``, units are base units, counters end in ``_total``. No label names a service, a watch or a
URL: each label's values are few and known, so that the page stays small however many services are watched. What is not
here is counted nowhere else: there is no global registry.

Source:
    https://prometheus.io/docs/practices/naming/
"""

import platform
from collections.abc import Iterable
from itertools import product

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

PREFIX = "rollbackd"
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Seconds. Guesses that bracket what was measured: a query 10 ms to 10 s, a rollback seconds to half an hour.
CALLS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MOVES = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

# What a counter that alerts look at may be labelled with: its series are there from the start, at 0. One that is born with 1
# shows no increase, and the first rollback that fails would alarm nobody.
TRIGGERS = ("auto", "person")
RESULTS = ("done", "failed", "refused", "unknown")
GUARDS = ("armed", "below", "notquarantined", "noopenaction")
WORK = ("watch", "action")
CLICKS = ("obeyed", "repeated", "refused", "ignored", "failed", "crowded")
WAYS = ("http", "socket")
TELLINGS = ("told", "later", "never")
SAMPLES = ("new", "known", "late", "unasked")
RELAYED = ("told", "dropped", "refused")


class Metrics:
    """All metrics of one daemon, in a registry of their own.

    Attributes are the metrics; `render` is the page. Safe from any thread.
    """

    def __init__(self, version: str = "0") -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

        self.build = self._gauge("build_info", "Always 1; which build this is", "version", "python")
        self.build.labels(version, platform.python_version()).set(1)
        self.config = self._gauge("config_info", "Always 1; the hash of the configuration in force", "hash")
        self.config_reloaded = self._gauge(
            "config_last_reload_success", "1 if the configuration was last read without a mistake"
        )

        self._hearing()
        self._relaying()
        self._judging()
        self._acting()
        self._sharing()
        self._talking()
        self._on_aws()
        self._itself()

    def render(self) -> bytes:
        """The page, in the text format 0.0.4 (see `CONTENT_TYPE`). Some milliseconds of work."""
        return generate_latest(self.registry)

    def will_tell(self, notifiers: Iterable[str]) -> None:
        """Show what is told by each of *notifiers* from the start, at 0."""
        for notifier, result in product(notifiers, TELLINGS):
            self.messages.labels(notifier, result)

    def will_hear(self, connection: str, *, by_socket: bool) -> None:
        """Show what is counted of the clicks in *connection* from the start, at 0."""
        for result in CLICKS:
            self.clicks.labels(connection, result)
        for way in WAYS:
            self.unbelieved.labels(connection, way)
        if by_socket:
            self.socket_connected.labels(connection).set(0)
            self.socket_failures.labels(connection)

    def _hearing(self) -> None:
        self.events = self._counter(
            "events_received_total", "Announcements of deployments", "source", "result"
        )
        self.event_seconds = self._histogram(
            "event_ingest_duration_seconds", "From an announcement to its row in the inbox", CALLS
        )
        self.source_last_event = self._gauge(
            "source_last_event_timestamp_seconds", "When a source was last heard", "source"
        )
        self.feed_failures = self._counter(
            "feed_failures_total", "Times that a feed could not be asked, or not be answered", "source"
        )
        self.inbox_pending = self._gauge("inbox_pending", "Announcements that wait to be resolved")

        self.samples = self._counter(
            "samples_received_total", "Samples that sidecars told, by what became of them", "result"
        )
        for result in SAMPLES:
            self.samples.labels(result)

    def _relaying(self) -> None:
        self.relay_samples = self._counter(
            "relay_samples_total", "Samples of this sidecar, by what became of them", "result"
        )
        for result in RELAYED:
            self.relay_samples.labels(result)
        self.relay_waiting = self._gauge("relay_pending", "Samples that the central daemon has not taken yet")
        self.relay_told_at = self._gauge(
            "relay_last_told_timestamp_seconds", "When the central daemon last took what this sidecar tells"
        )

    def _judging(self) -> None:
        self.watches = self._gauge("watches", "Watches that are not final", "state")
        self.overdue = self._gauge(
            "watches_overdue", "Watches that have been due for more than a minute, and were not judged"
        )
        self.asking_age = self._gauge(
            "asking_oldest_age_seconds", "Age of the oldest question that nobody has answered"
        )
        self.verdicts = self._counter("verdicts_total", "Verdicts of rules, one a round", "judge", "outcome")
        self.alerts = self._counter(
            "alerts_received_total",
            "Alerts that were pushed: changed, repeated, outdated, dropped; and deliveries: ignored, rejected",
            "sender",
            "outcome",
        )
        self.alerts_unsubscribed = self._gauge(
            "alerts_unsubscribed", "1: the subscription of a topic to this sender was taken back", "sender"
        )
        self.alerts_last_heard = self._gauge(
            "alerts_last_heard_timestamp_seconds", "When a sender of alerts was last heard", "sender"
        )
        self.queries = self._counter("signal_queries_total", "Readings of indicators", "provider", "result")
        self.query_seconds = self._histogram(
            "signal_query_duration_seconds", "One batch of questions to a provider", CALLS, "provider"
        )
        self.data_age = self._gauge("signal_data_age_seconds", "Age of the newest settled bucket", "provider")
        self.limit_remaining = self._gauge(
            "signal_limit_remaining_requests",
            "Requests left of a provider's limit (named, or of an endpoint) until it begins anew, as it last said to a connection",
            "provider",
            "connection",
            "limit",
        )
        self.limit_allowed = self._gauge(
            "signal_limit_allowed_requests",
            "Requests that a provider's limit allows in its time",
            "provider",
            "connection",
            "limit",
        )
        self.probe_failures = self._counter(
            "probe_failures_total", "Probes that failed, by what failed", "reason"
        )

    def _acting(self) -> None:
        self.rollbacks = self._counter(
            "rollbacks_total", "Rollbacks that came to an end", "trigger", "result"
        )
        for trigger, result in product(TRIGGERS, RESULTS):
            self.rollbacks.labels(trigger, result)
        self.rollout_moves = self._counter(
            "rollout_moves_total",
            "Stages that a rollout was moved on from, or was to be",
            "kind",
            "trigger",
            "result",
        )
        for kind, trigger, result in product(("move_to_stage", "answer_hook"), TRIGGERS, RESULTS):
            self.rollout_moves.labels(kind, trigger, result)
        self.decision_seconds = self._histogram(
            "rollback_decision_seconds", "From the breach to the first call that changes something", CALLS
        )
        self.rollback_seconds = self._histogram(
            "rollback_duration_seconds", "From the decision until the known-good release serves", MOVES
        )
        self.actions_refused = self._counter(
            "actions_refused_total", "Rollbacks that a guard stopped", "reason"
        )
        for guard in GUARDS:
            self.actions_refused.labels(guard)
        self.action_age = self._gauge(
            "action_oldest_open_age_seconds", "Age of the oldest action that is not done"
        )
        self.obstructed = self._gauge(
            "parts_obstructed",
            "Parts of services that may not be moved by themselves, as their platform is set up",
        )
        self.unready = self._gauge(
            "unready", "Services that could not be put back when that was last looked at"
        )
        self.disarmed = self._gauge("disarmed", "Disarms in force; of one service, or of all as one")
        self.freezes = self._gauge(
            "freezes", "Freezes in force that somebody ordered; windows are not counted"
        )
        self.gates_open = self._gauge(
            "gates_open", "Deployments that wait at a gate, or for a person's word there"
        )
        self.gates_age = self._gauge(
            "gates_oldest_age_seconds", "How long the oldest of them has been waiting"
        )

    def _sharing(self) -> None:
        self.leases = self._gauge("leases_held", "Watches that this replica holds")
        self.lease_seconds = self._histogram("lease_renew_duration_seconds", "One renewal", CALLS)
        self.leases_lost = self._counter("leases_lost_total", "Leases that ran out under this replica")
        self.takeovers = self._counter(
            "takeovers_total", "Work taken over from a replica that did not leave it", "work"
        )
        for work in WORK:
            self.takeovers.labels(work)
        self.fenced = self._counter("fenced_writes_total", "Writes refused because another replica was newer")
        self.store_errors = self._counter(
            "store_errors_total", "Operations of the store that failed", "operation"
        )
        self.store_checked = self._gauge(
            "store_last_check_timestamp_seconds", "When the store was last seen to write and to read"
        )

    def _talking(self) -> None:
        self.outgoing = self._counter(
            "outgoing_requests_total", "HTTP requests that we sent", "system", "result"
        )
        self.outgoing_seconds = self._histogram(
            "outgoing_request_duration_seconds", "One HTTP request that we sent", CALLS, "system"
        )
        self.outbox_pending = self._gauge("outbox_pending", "Messages that wait to be told", "channel")
        self.outbox_age = self._gauge(
            "outbox_oldest_age_seconds", "Age of the oldest message that waits", "channel"
        )
        self.messages = self._counter(
            "messages_total", "Messages, by what became of them", "notifier", "result"
        )
        self.clicks = self._counter(
            "slack_clicks_total", "Clicks in Slack, by what became of them", "connection", "result"
        )
        self.unbelieved = self._counter(
            "slack_unbelieved_total",
            "What came for Slack that it has not signed, or not now, or that says nothing",
            "connection",
            "way",
        )
        self.socket_connected = self._gauge(
            "slack_socket_connected", "1 while clicks are heard by Socket Mode", "connection"
        )
        self.socket_failures = self._counter(
            "slack_socket_failures_total",
            "Times that Socket Mode could not be connected, or broke off",
            "connection",
        )
        self.requests = self._counter(
            "http_requests_total", "HTTP requests that we answered", "route", "method", "code"
        )
        self.request_seconds = self._histogram(
            "http_request_duration_seconds", "One HTTP request that we answered", CALLS, "route"
        )

    def _on_aws(self) -> None:
        self.aws_calls = self._counter(
            "aws_calls_total", "Calls of AWS, by what came of them", "service", "operation", "mode", "result"
        )
        self.aws_throttles = self._counter(
            "aws_throttles_total",
            "Requests that AWS throttled; a read is tried again",
            "service",
            "operation",
        )
        self.aws_seconds = self._histogram(
            "aws_call_duration_seconds", "One call of AWS, with all its attempts", CALLS, "service", "mode"
        )
        self.aws_metrics = self._counter(
            "aws_metrics_requested_total",
            "Metrics that CloudWatch was asked for, which is what it charges for",
        )
        self.aws_cost = self._counter(
            "aws_cost_usd_total",
            "An estimate: 0.01 USD for 1,000 metrics that CloudWatch was asked for, 5 USD for 1 TB of log that was scanned",
        )
        self.aws_skew = self._gauge(
            "aws_clock_skew_seconds", "How far our clock is ahead of AWS's; beyond 5 min it refuses us"
        )

    def _itself(self) -> None:
        self.loop_lag = self._histogram(
            "event_loop_lag_seconds", "How late a timer of the event loop fires", LAGS
        )
        self.loop_failures = self._counter(
            "loop_failures_total", "Rounds of a loop that ended in a bug", "loop"
        )
        self.log_dropped = self._counter("log_dropped_total", "Log lines not written", "reason")
        self.crashes = self._counter(
            "crashes_total", "Bugs that were reported, or dropped as too many", "result"
        )
        self.heartbeats = self._counter(
            "heartbeats_total", "Heartbeats: sent, failed, or withheld as the daemon is not well", "result"
        )
        self.heartbeat_at = self._gauge(
            "heartbeat_last_success_timestamp_seconds", "When a heartbeat was last taken; 0: never"
        )

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help, labels, registry=self.registry)

    def _gauge(self, name: str, help: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", help, labels, registry=self.registry, buckets=buckets)

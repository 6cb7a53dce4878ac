"""All routes: a reader sees what there is on one screen. A new one is its handler, its models, and its lines here."""

import json
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from importlib.metadata import version

from watcher.api.asked import (
    AtGate,
    Nothing,
    OneAnnouncement,
    OneConnection,
    OneFreeze,
    OneHook,
    OnePassage,
    OneRelease,
    OneSender,
    OneService,
    OneServiceOrAll,
    OneVerdict,
    OneWatch,
    SomeAudit,
    SomeChanges,
    SomePassages,
    SomeWatches,
    WayBack,
)
from watcher.api.auth import Scope
from watcher.api.bodies import (
    AskToPass,
    Delivery,
    NewChange,
    NewDeployment,
    NewFreeze,
    NewNote,
    NewRollout,
    NoBody,
    ThawOrder,
    ToPassage,
    ToRelease,
    ToService,
    ToWatch,
)
from watcher.api.handlers import (
    alerts,
    changes,
    deployments,
    freezes,
    gates,
    health,
    hooks,
    orders,
    plans,
    rollouts,
    samples,
    services,
    watches,
)
from watcher.api.openapi import document
from watcher.api.route import AnyRoute, Call, Raw, Route
from watcher.api.sampled import NewSamples
from watcher.api.slack.click import FORM
from watcher.api.slack.door import slack
from watcher.api.told import (
    AlertSenders,
    AlertsHeard,
    AlertsKnown,
    Announced,
    AnnouncementTold,
    Audit,
    ChangeKept,
    Changes,
    Freezes,
    FreezeTold,
    GateTold,
    Health,
    Noted,
    Ordered,
    Passages,
    PassageTold,
    Plan,
    Recorded,
    ReleaseStands,
    RolloutTold,
    SamplesTold,
    Services,
    Tags,
    VerdictTold,
    Watches,
    WatchTold,
)

ACCEPTED = HTTPStatus.ACCEPTED
UNKNOWN = frozenset({HTTPStatus.NOT_FOUND})
REFUSED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
SAMPLES_REFUSED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})
NOT_BELIEVED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})
FEW = "let the system send only the events that its source reads (see the page of docs of the source)"
SMALLER = "let the system send fewer alerts at once (`max_alerts`, a grouping by more labels)"
TEXT = "text/plain"  # as SNS calls its JSON
SERVICE = "/v1/services/{service}/{environment}"
S = Scope


async def openapi(_call: Call[Nothing, NoBody]) -> Raw:
    """This document."""
    return Raw("application/json", _written())


# fmt: off
ROUTES: Sequence[AnyRoute] = (
    Route("POST", "/v1/deployments", S.ANNOUNCE, "Tell of a deployment", deployments.announce, Nothing, NewDeployment, Announced, ACCEPTED, refuses=NOT_BELIEVED, reads_raw=True),
    Route("GET", "/v1/announcements/{id}", S.READ, "What became of an announcement", deployments.announcement, OneAnnouncement, NoBody, AnnouncementTold, waits=True, refuses=UNKNOWN),
    Route("POST", "/v1/hooks/{source}", S.SIGNED, "Tell of a deployment, as the system does that has it", hooks.hook, OneHook, Delivery, Announced, ACCEPTED, refuses=UNKNOWN, reads_raw=True, send_less=FEW),

    Route("POST", "/v1/alerts/{sender}", S.SIGNED, "Tell of alerts, as the system does that has them", alerts.push, OneSender, Delivery, AlertsHeard, ACCEPTED, refuses=UNKNOWN, reads_raw=True, send_less=SMALLER, also_takes=TEXT),
    Route("GET", "/v1/alerts", S.READ, "Who tells of alerts, and when each was last heard", alerts.senders, Nothing, NoBody, AlertSenders),
    Route("GET", "/v1/alerts/{sender}", S.READ, "What is known of a sender's alerts, and which rules mean them", alerts.sender, OneSender, NoBody, AlertsKnown, refuses=UNKNOWN),

    Route("POST", "/v1/slack/{connection}", S.SIGNED, "What somebody clicked in Slack", slack, OneConnection, Delivery, "text/plain", refuses=UNKNOWN, reads_raw=True, takes=FORM),

    Route("GET", "/v1/watches", S.READ, "Watches, newest first", watches.watches, SomeWatches, NoBody, Watches),
    Route("GET", "/v1/watches/{id}", S.READ, "A watch, whole", watches.watch, OneWatch, NoBody, WatchTold, refuses=UNKNOWN),
    Route("GET", "/v1/watches/{id}/verdict", S.READ, "The verdict; waits for it, if asked to", watches.verdict, OneVerdict, NoBody, VerdictTold, waits=True, refuses=UNKNOWN),
    Route("GET", "/v1/watches/{id}/record", S.READ, "All that a watch was judged by", watches.record, OneWatch, NoBody, Recorded, refuses=REFUSED),
    Route("POST", "/v1/watches/{id}/notes", S.ORDER, "Say of a watch whether it was right", watches.note, OneWatch, NewNote, Noted, HTTPStatus.CREATED, refuses=REFUSED, replays=True),

    Route("POST", "/v1/watches/{id}/orders", S.ORDER, "Order something of a watch", orders.to_watch, OneWatch, ToWatch, Ordered, ACCEPTED, refuses=REFUSED, replays=True),
    Route("POST", f"{SERVICE}/orders", S.ORDER, "Order something of a service, or of all (`*`, `*`)", orders.to_service, OneServiceOrAll, ToService, Ordered, ACCEPTED, refuses=REFUSED, replays=True),
    Route("POST", f"{SERVICE}/rollout", S.ORDER, "Begin a rollout: give the first stage to what stands beside", rollouts.start, OneService, NewRollout, RolloutTold, ACCEPTED, refuses=REFUSED, replays=True),
    Route("POST", "/v1/releases/{fingerprint}/orders", S.ORDER, "Allow or distrust a release", orders.to_release, OneRelease, ToRelease, Ordered, ACCEPTED, refuses=REFUSED, replays=True),

    Route("GET", "/v1/releases/{fingerprint}", S.READ, "Where a release passed", gates.release, OneRelease, NoBody, ReleaseStands, refuses=UNKNOWN),

    Route("POST", f"{SERVICE}/gate", S.ANNOUNCE, "Ask whether something may be deployed", gates.ask, OneService, AskToPass, PassageTold, ACCEPTED, refuses=REFUSED),
    Route("GET", f"{SERVICE}/gate", S.READ, "What the gate would say; nobody is asked", gates.look, AtGate, NoBody, GateTold, refuses=REFUSED),
    Route("GET", "/v1/gates", S.READ, "What asked to pass, newest first", gates.passages, SomePassages, NoBody, Passages),
    Route("GET", "/v1/gates/{id}", S.READ, "What asked to pass; waits until it is decided, if asked to", gates.passage, OnePassage, NoBody, PassageTold, waits=True, refuses=UNKNOWN),
    Route("POST", "/v1/gates/{id}/orders", S.ORDER, "Let what is at a gate pass, or refuse it", gates.to_passage, OnePassage, ToPassage, PassageTold, ACCEPTED, refuses=REFUSED, replays=True),

    Route("POST", "/v1/freezes", S.ORDER, "Let nothing be deployed for a while", freezes.freeze, Nothing, NewFreeze, FreezeTold, HTTPStatus.CREATED, refuses=REFUSED, replays=True),
    Route("GET", "/v1/freezes", S.READ, "What keeps deployments out, now and next", freezes.freezes, Nothing, NoBody, Freezes),
    Route("POST", "/v1/freezes/{id}/orders", S.ORDER, "End a freeze before its time", freezes.thaw, OneFreeze, ThawOrder, FreezeTold, ACCEPTED, refuses=REFUSED, replays=True),

    Route("POST", "/v1/samples", S.RELAY, "Tell what a sidecar counted", samples.samples, Nothing, NewSamples, SamplesTold, refuses=SAMPLES_REFUSED),

    Route("POST", "/v1/changes", S.ANNOUNCE, "Tell of something else that moved", changes.tell_of_change, Nothing, NewChange, ChangeKept, HTTPStatus.CREATED, refuses=NOT_BELIEVED | UNKNOWN, replays=True),
    Route("GET", "/v1/changes", S.READ, "What else moved", changes.changes, SomeChanges, NoBody, Changes, refuses=UNKNOWN),

    Route("GET", "/v1/services", S.READ, "How every service stands", services.services, Nothing, NoBody, Services),
    Route("GET", "/v1/tags/{service}/{environment}", S.READ, "The ledger of a service", services.tags, OneService, NoBody, Tags, refuses=UNKNOWN),
    Route("GET", "/v1/plan/{service}/{environment}", S.READ, "What a rollback would do", plans.plan, WayBack, NoBody, Plan, refuses=REFUSED),
    Route("GET", "/v1/audit", S.READ, "Who did what, when, and why", services.audit, SomeAudit, NoBody, Audit),

    Route("GET", "/livez", S.PUBLIC, "Alive", health.livez, Nothing, NoBody, Health),
    Route("GET", "/readyz", S.PUBLIC, "Ready to take work", health.readyz, Nothing, NoBody, Health),
    Route("GET", "/metrics", S.READ, "Metrics, as Prometheus reads them", health.metrics, Nothing, NoBody, "text/plain"),
    Route("GET", "/openapi.json", S.PUBLIC, "This document", openapi, Nothing, NoBody, "application/json"),
)
# fmt: on


@cache
def _written() -> bytes:
    """Made once, when it is first asked for: it costs some 50 ms."""
    return json.dumps(document(ROUTES, version("rollbackd"))).encode()

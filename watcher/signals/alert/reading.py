"""How the alerts that are meant stand together: the worst of them, and of those the newest. Pure.

Worse than before the deployment is what began after it: one more that fires, or one that was well in between. So the newest
that fires speaks for all, and where it was well since it was last read, that is told too, as a reading of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rules.duration import duration_text
from rules.sample import Bucket, NoData, Reading, Series, State
from watcher.core.alerts import Alert, Mood, Remembered, closed
from watcher.signals.alert.query import MINUTE, REPEATS, Query, fits

_NOW = timedelta(minutes=2)  # a window that ends before this asks of the past
_MOST_MINUTES = 24 * 60
# What is read between two minutes is of a moment: so it may be read as soon as the release has its traffic.
_MOMENT = timedelta(seconds=1)
_SHOWN = 60  # characters of a name, and of a label that tells two of one name apart
_EVER = datetime.min.replace(tzinfo=UTC)
_EPOCH = datetime.fromtimestamp(0, UTC)


def reading(
    indicator: str,
    query: Query,
    match: Mapping[str, str],
    remembered: Remembered,
    after: datetime,
    end: datetime,
    now: datetime,
) -> Reading:
    """What is known of the alerts with the labels *match*.

    Args:
        indicator: Whose.
        query: Says what silence means.
        match: Its labels, with the names of the release filled in.
        remembered: Of the sender.
        after: What ended at or before it is known.
        end: Until when.
        now: The time.
    """
    meant = [alert for alert in remembered.alerts if fits(alert, match)]
    stale = [alert for alert in meant if _is_over(alert, query, now)]
    standing = [alert for alert in meant if not _is_over(alert, query, now)]
    firing = firing_of(standing, query, now)
    if not firing:
        why = _unknown(query, remembered, standing, stale, now)
        if why is not None:
            return NoData(why)
    worst = max(firing or standing, key=_began, default=None)
    state = State("silence", of=query.source) if worst is None else _state(worst, meant)
    news = max((alert.changed_at for alert in meant), default=_EVER)
    before = _before(worst, firing, meant, after)
    buckets = _buckets(state, before, news, after, end, now)
    past = end <= now - _NOW and not buckets
    return (
        NoData("alerts tell how they are, and not how they were") if past else (Series(indicator, buckets),)
    )


def firing_of(meant: Iterable[Alert], query: Query, now: datetime) -> list[Alert]:
    """Those of *meant* that fire, as far as their sender is still believed."""
    return [alert for alert in meant if alert.mood is Mood.FIRING and not _is_over(alert, query, now)]


def _is_over(alert: Alert, query: Query, now: datetime) -> bool:
    """Its sender repeats what is not well, and has not repeated this."""
    return query.repeats is not None and alert.mood is not Mood.WELL and now - alert.heard_at > query.repeats


def _began(alert: Alert) -> datetime:
    return alert.since or _EVER


def _state(alert: Alert, meant: Sequence[Alert]) -> State:
    bad = alert.mood is Mood.FIRING
    return State("alarm" if bad else "OK", alert.since, bad=bad, of=called(alert, meant))


def called(alert: Alert, among: Sequence[Alert]) -> str:
    """What *alert* is called; where others of its name are there too, with the label that tells it from them."""
    name = alert.alert.name[:_SHOWN]
    others = [
        each.alert.labels for each in among if each is not alert and each.alert.name == alert.alert.name
    ]
    for label, value in sorted(alert.alert.labels.items() if others else ()):
        if all(labels.get(label) != value for labels in others):
            return f"{name} ({label}: {value[:_SHOWN]})"
    return f"{name} ({alert.alert.key[:_SHOWN]})" if others else name


def _unknown(
    query: Query, remembered: Remembered, standing: Sequence[Alert], stale: Sequence[Alert], now: datetime
) -> str | None:
    """Why nobody knows that all is well, where nothing fires; ``None``: it is."""
    source = query.source
    why = _unheard(query, remembered, now)
    if why is not None:
        return why
    heard_at = remembered.heard_at
    meant = [*standing, *stale]
    if stale and query.repeats and heard_at is not None and now - heard_at > query.repeats:
        was = "fired" if stale[0].mood is Mood.FIRING else "had no data"
        return f"{called(stale[0], meant)} {was}, and {source} was not heard since {_moment(heard_at)}"
    unsure = [alert for alert in standing if alert.mood is Mood.UNKNOWN]
    if unsure:
        return f"{called(unsure[0], meant)} has no data at its own system, which is neither bad nor well"
    if not meant and query.silent != "well":
        return (
            f"{source} never told of an alert with {_labels(query.match)}; where it tells only of what fires, and silence is "
            "well, add `silent: well`"
        )
    return None


def _unheard(query: Query, remembered: Remembered, now: datetime) -> str | None:
    """Why its sender's silence says nothing."""
    source, heard_at, lacking_at = query.source, remembered.heard_at, remembered.lacking_at
    if heard_at is None:
        return f"{source} was never heard: let it send to /v1/alerts/{source}, and send a test from there"
    if remembered.is_deaf:
        return f"{source} does not answer: nobody hears what it would tell"
    ways = closed(remembered.alerts)
    if ways:
        return (
            f"{source} hears nothing more of {ways[0].alert.name}: its subscription was taken back at "
            f"{_moment(ways[0].changed_at)}. Subscribe /v1/alerts/{source} to it again"
        )
    if query.heard_within and now - heard_at > query.heard_within:
        return (
            f"{source} was not heard for {_span(now - heard_at)}: let it send an alert that always fires, or write a longer "
            "`heard_within`"
        )
    if lacking_at is not None and now - lacking_at <= (query.heard_within or REPEATS):
        return f"{source} told of more alerts than it named, or than are kept, at {_moment(lacking_at)}"
    return None


def _before(
    worst: Alert | None, firing: Sequence[Alert], meant: Sequence[Alert], after: datetime
) -> Bucket | None:
    """How they stood just before the newest began to fire, where it was told to be well since *after*: else it would seem to go on."""
    if worst is None or worst.since is None or worst.well_at is None or worst.mood is not Mood.FIRING:
        return None
    if not after < worst.well_at <= worst.since:
        return None
    others = [alert for alert in firing if alert is not worst and _began(alert) < worst.since]
    well = State("OK", worst.well_at, of=called(worst, meant))
    state = _state(max(others, key=_began), meant) if others else well
    return Bucket(max(after, worst.since - _MOMENT), worst.since, canary=state)


def _buckets(
    state: State, before: Bucket | None, news: datetime, after: datetime, end: datetime, now: datetime
) -> tuple[Bucket, ...]:
    """Whole minutes that the state is known of, and the last moment where something was heard since the last of them."""
    spans = [(at - MINUTE, at) for at in _minutes(after, end) if _is_known(state, at, now)]
    if max(after, _floor(end)) < news <= end:
        spans.append((end - _MOMENT, end))
    found = [before] if before is not None else []
    for begin, at in spans:
        start = max(begin, found[-1].end if found else after)
        if start < at:
            found.append(Bucket(start, at, canary=state))
    return tuple(found)


def _is_known(state: State, at: datetime, now: datetime) -> bool:
    return (state.since is not None and state.since <= at) or at > now - _NOW


def _minutes(after: datetime, end: datetime) -> list[datetime]:
    """The ends of the whole minutes in ``(after, end]``, oldest first; at most a day of them."""
    last = _floor(end)
    many = min(max(-((after - last) // MINUTE), 0), _MOST_MINUTES)
    return [last - place * MINUTE for place in range(many)][::-1]


def _floor(moment: datetime) -> datetime:
    return _EPOCH + (moment - _EPOCH) // MINUTE * MINUTE


def _span(lasting: timedelta) -> str:
    return duration_text(timedelta(seconds=int(lasting.total_seconds())))


def _moment(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"


def _labels(match: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value[:_SHOWN]}" for name, value in sorted(match.items()))

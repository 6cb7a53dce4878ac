"""What an announcement means, decided: not heard, news of what is known, or a new deployment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from deploy.model import Announcement, Phase, is_about
from watcher.core.intake.arms import named
from watcher.core.intake.meaning import (
    READING,
    Joined,
    Known,
    Meaning,
    News,
    Opened,
    Part,
    Recorded,
    Rejected,
)
from watcher.core.intake.opening import opened
from watcher.core.intake.pausing import waiting
from watcher.core.lifecycle import (
    broken_off,
    called,
    complete_too,
    progressed,
    seen_live,
    shown_to_boards,
    standing,
)
from watcher.core.service import Service
from watcher.core.watch import GOING_BACK, Closing, Serves, State, Step, Watch

STALE = timedelta(hours=24)
SKEW = timedelta(minutes=5)  # a guess: clocks of pipelines are off by seconds, by minutes where nobody looks
_BEGUN = frozenset({Phase.STARTED, Phase.PAUSED})  # of which nothing need be seen yet
DOOR = "http"  # announced with a token that names the service: always believed


def intake(
    announcement: Announcement,
    parts: Sequence[Part],
    known: Known,
    now: datetime,
    new_id: str,
    item: str | None = None,
) -> Meaning:
    """What *announcement* means.

    Args:
        announcement: As it was received.
        parts: What it means and what runs, part by part; only of those that it speaks of.
        known: The service, and its watches.
        now: The time.
        new_id: For the watch, if one is opened.
        item: The inbox's id of the announcement, to be closed with the step; ``None`` for what we read ourselves.
    """
    service = known.service
    if service is None:
        return _closing(
            Rejected(f"no service {announcement.service} is configured for {announcement.environment}"), item
        )
    meaning = _not_heard(announcement, service, now)
    if meaning is None:
        news = News(announcement, tuple(named(part, service) for part in parts), service, known, now)
        meaning = _of_the_living(news) or _of_the_past(news) or opened(news, new_id)
    return _closing(meaning, item)


def _not_heard(announcement: Announcement, service: Service, now: datetime) -> Meaning | None:
    """Why it is not looked at: nobody listens to that source; or it is too old, or to come."""
    if announcement.source not in {*service.heard_from, READING, DOOR}:
        return Rejected(f"{announcement.service} is not heard from {announcement.source}: see `heard_from`")
    if announcement.at < now - STALE:
        hours = (now - announcement.at) // timedelta(hours=1)
        return Recorded(f"it happened {hours} h ago: too old to be acted on")
    if announcement.at > now + SKEW:
        return Recorded("it lies in the future: one of the clocks is wrong")
    return None


# ------------------------------------------------------------------------------------------------- news of what is known


def _of_the_living(news: News) -> Meaning | None:
    """News of the watch that lives, or of its rollback."""
    living = news.known.living
    if living is None:
        return None
    if living.state in GOING_BACK and news.is_way_back_of(living.plan):
        return Joined(living, waiting(living, seen_live(living, news.live, news.now, news.facts), news))
    if news.is_of(living) and not _comes_back(news, living):
        return _joined(living, news)
    return None


def _joined(living: Watch, news: News) -> Joined:
    """News of its deployment. Whoever calls it by an id of their own is answered by that."""
    ids = () if news.announcement.source == READING else news.announcement.platform_ids
    known = called(living, ids)
    step = _progress(known, news)
    if known.state not in GOING_BACK:
        step = standing(known, step, news.live, news.now, news.facts)
        step = waiting(known, step, news)
    if known is not living:
        step = shown_to_boards(known, step, news.now, news.facts)
    return Joined(known, step)


def _comes_back(news: News, living: Watch) -> bool:
    """It was rolled back, and now somebody deploys it once more: it serves, or is on its way, after the way back served."""
    return living.state is State.RECOVERING and news.runs and bool(news.live)


def _progress(living: Watch, news: News) -> Step | None:
    """What we read ourselves is so now; since when its deployment has been under way is another question."""
    at = news.now if news.announcement.source == READING else news.announcement.at
    told = progressed(living, news.phase, at, news.now, news.facts)
    if living.state in GOING_BACK:
        return told
    told = told or _later_than_others(living, news, at)
    step = told or seen_live(living, news.live, news.now, news.facts)
    failed = news.announcement.phase is Phase.FAILED
    return broken_off(living, step, news.now, news.facts) if failed else step


def _later_than_others(living: Watch, news: News, at: datetime) -> Step | None:
    """A part of several is complete after others were, by whose news its watch is complete: the ledger is told of it all the same."""
    is_alone = len(living.deployment.parts) == 1
    if is_alone or news.phase is not Phase.COMPLETE or living.complete_at is None:
        return None
    since = min(at, news.now)
    serves = tuple(
        Serves(part.name, part.release, since)
        for part in news.parts
        if part.runs_alone and not part.is_no_change
    )
    return complete_too(living, serves, news.now, news.facts) if serves else None


def _of_the_past(news: News) -> Meaning | None:
    """News that change nothing: what serves already, what failed, what is over, our own rollback that comes late."""
    if news.is_our_own:
        return _arrived_late(news)
    if all(part.is_no_change for part in news.parts) and not news.takes_back:
        return _watched_before(news) or Recorded(
            "the same release serves already: a restart", serves=_adopted(news)
        )
    if news.serve_still and _is_older(news):
        return _watched_before(news) or Recorded("older news: it serves, and another release is on its way")
    if news.announcement.phase is Phase.FAILED:
        return Recorded("the deployment failed, by its source; what is live is read anyway")
    if not news.runs and (news.announcement.phase not in _BEGUN or _is_older(news)):
        return _watched_before(news) or Recorded("older news: it does not run, and is not on its way")
    return Recorded("its rollout stands where its watch left it") if _stays_where_it_was_left(news) else None


def _stays_where_it_was_left(news: News) -> bool:
    """Its watch ended at a stage, and nobody has moved it since: our reading of that is no new deployment, which would go on."""
    last = news.known.last
    if news.announcement.source != READING or news.known.living is not None or last is None:
        return False
    live = news.live.get(last.at.part) if last.at else None
    if last.at is None or live is None or live.in_flight is None or not news.is_of(last):
        return False
    if last.at.pause is not None:
        return live.pause is not None and live.pause.is_same_as(last.at.pause)
    return is_about(live.share_of(live.in_flight), last.at.share)


def _watched_before(news: News) -> Joined | None:
    """News that waited until the watch of that very deployment was over: whoever sent it is led to how it ended."""
    last = news.known.last
    if last is None or last.ended_at is None or not news.is_of(last):
        return None
    return Joined(last) if news.announcement.at <= last.ended_at else None


def _arrived_late(news: News) -> Meaning | None:
    """Where nothing lives it is what serves from now on. Where something lives it is watched, but the machine leaves it alone."""
    if news.known.living is not None:
        return None
    serves = tuple(Serves(part.name, part.release, news.now) for part in news.parts)
    return Recorded("our own rollback, which arrived late", serves=serves)


def _adopted(news: News) -> tuple[Serves, ...]:
    """What runs, where the ledger knew of nothing."""
    return tuple(
        Serves(part.name, part.release, news.now, adopted=True) for part in news.parts if part.served is None
    )


def _is_older(news: News) -> bool:
    """Older than the last that we know of the service."""
    living, last = news.known.living, news.known.last
    newest = living.opened_at if living else (last.ended_at if last else None)
    return newest is not None and news.announcement.at <= newest


# --------------------------------------------------------------------------------------------------------------- closing


def _closing(meaning: Meaning, item: str | None) -> Meaning:
    """The same, with what becomes of the announcement in the inbox: in the step, where there is one."""
    if item is None:
        return meaning
    match meaning:
        case Opened(step):
            closing = Closing(item, "watching", watch=step.watch.id)
            return replace(meaning, step=replace(step, closes=(closing,)))
        case Joined(watch, step):
            closing = Closing(item, "joined", watch=watch.id)
            return replace(
                meaning, step=step and replace(step, closes=(closing,)), closing=None if step else closing
            )
        case Recorded(why):
            return replace(meaning, closing=Closing(item, "recorded", why))
        case Rejected(why):
            return replace(meaning, closing=Closing(item, "rejected", why))
        case _:
            assert_never(meaning)

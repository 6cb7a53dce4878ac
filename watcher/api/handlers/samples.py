"""``POST /v1/samples``: what sidecars counted of their own instances. Kept, and summed when a rule asks; nothing is judged here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import structlog

from rules.model import Indicator, Kind
from rules.sample import Who
from watcher.api.asked import Nothing
from watcher.api.handlers.reach import known_service
from watcher.api.problems import Declined, conflict
from watcher.api.route import Call
from watcher.api.sampled import NewSample, NewSamples
from watcher.api.told import SamplesTold
from watcher.core.relayed import KEPT, SKEW, Counted, Fault, NotTaken, Sample, Taken, Telling, Trouble
from watcher.core.service import Service
from watcher.signals.relay.provider import bucket
from watcher.signals.relay.query import mark

RELAY = "relay"  # the kind of provider that sums what is told here
LISTED = 16  # reasons that an answer lists
_EPOCH = datetime.fromtimestamp(0, UTC)
log = structlog.stdlib.get_logger("rollbackd.api")


async def samples(call: Call[Nothing, NewSamples]) -> SamplesTold:
    """Take what one sidecar tells; each sample once."""
    body, now = call.body, call.deps.now()
    service = known_service(call, body.service, body.environment)
    apart = body.sent_at - now
    if abs(apart) > SKEW:
        raise await _of_another_time(call, service, apart, now)
    sifted = _sifted(body, service, now)
    troubles = {name: Trouble(each.fault, each.words, each.who) for name, each in body.troubles.items()}
    outcome = await _kept(call, _telling(body, sifted.samples, troubles), now)
    call.deps.relayed(
        {
            "new": outcome.new,
            "known": outcome.known,
            "late": sifted.late,
            "unasked": len(body.samples) - len(sifted.samples) - sifted.late,
        }
    )
    return SamplesTold(
        new=outcome.new, known=outcome.known, late=sifted.late, unasked=sifted.unasked[:LISTED]
    )


async def _kept(call: Call[Nothing, NewSamples], telling: Telling, now: datetime) -> Taken:
    outcome = await call.deps.store.relay(telling, call.who.name, now)
    if isinstance(outcome, NotTaken):
        service = f"{telling.service}/{telling.environment}"
        log.warning("samples.refused", service=service, instance=telling.instance, words=outcome.words)
        raise conflict("not-taken", outcome.words, outcome.remedy)
    return outcome


async def _of_another_time(
    call: Call[Nothing, NewSamples], service: Service, apart: timedelta, now: datetime
) -> Declined:
    """Buckets of a clock that is wrong would lie at other times than what happened in them. That it lives is known all the same."""
    words = f"the sidecar's clock is {_apart(apart)}: its buckets would lie at other times"
    troubles = dict.fromkeys(_asked(service), Trouble(Fault.UNAVAILABLE, words, Who.OPERATOR))
    await _kept(call, _telling(call.body, (), troubles), now)
    return Declined(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "clock",
        words,
        remedy="set the clock (NTP) of the machine that it runs on",
    )


def _apart(apart: timedelta) -> str:
    return f"{abs(apart).total_seconds():.0f} s {'ahead' if apart > timedelta(0) else 'behind'}"


@dataclass(frozen=True, slots=True)
class _Sifted:
    """What is to be kept; how many are too old; and why the others are not asked for, each reason once."""

    samples: tuple[Sample, ...]
    late: int
    unasked: tuple[str, ...]


def _sifted(body: NewSamples, service: Service, now: datetime) -> _Sifted:
    asked = _asked(service)
    why = {id(each): _unasked(each, asked, now) for each in body.samples}
    wanted = [each for each in body.samples if not why[id(each)]]
    kept = [each for each in wanted if each.end > now - KEPT]
    reasons = dict.fromkeys(reason for reason in why.values() if reason)
    return _Sifted(tuple(map(_sample, kept)), len(wanted) - len(kept), tuple(reasons))


def _asked(service: Service) -> Mapping[str, Indicator]:
    """What sidecars of *service* are asked for."""
    return {each.id: each for each in service.policy.rules.indicators if each.provider == RELAY}


def _unasked(sample: NewSample, asked: Mapping[str, Indicator], now: datetime) -> str:
    """Why *sample* is of no use; empty: it is."""
    indicator = asked.get(sample.indicator)
    if indicator is None:
        return f"{sample.indicator}: no rule of this service asks sidecars for it"
    if sample.mark != mark(indicator) or {each.bound for each in sample.counts} != set(_bounds(indicator)):
        return f"{sample.indicator}: it is measured otherwise here; give both sides the same rule file"
    if len(sample.counts) != len(set(_bounds(indicator))) or (sample.end - _EPOCH) % bucket(indicator):
        return f"{sample.indicator}: it does not lie on the grid of the indicator"
    if sample.end > now + SKEW or not timedelta(0) < sample.end - sample.start <= KEPT:
        return f"{sample.indicator}: it is of a time that is to come, or of none"
    if any(each.bad > each.total for each in sample.counts):
        return f"{sample.indicator}: more are bad than there are"
    return ""


def _bounds(indicator: Indicator) -> Iterator[float | None]:
    if indicator.kind is Kind.LATENCY:
        yield from indicator.bounds
    else:
        yield None


def _sample(told: NewSample) -> Sample:
    counts = tuple(Counted(each.bad, each.total, each.bound) for each in told.counts)
    return Sample(told.indicator, told.start, told.end, counts)


def _telling(body: NewSamples, samples: tuple[Sample, ...], troubles: Mapping[str, Trouble]) -> Telling:
    return Telling(
        body.service,
        body.environment,
        body.instance,
        body.run,
        body.names,
        samples,
        troubles,
        body.leaves,
    )

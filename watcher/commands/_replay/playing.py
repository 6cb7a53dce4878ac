"""One deployment, replayed: how its watch would have ended, when, and by which rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from rules.bake import may_end, passes
from rules.duration import duration_text
from rules.evaluate import Setting, prepare
from rules.model import Consequence, Indicator, RuleSet
from rules.replay import ASKED, Recording, Round, asks, is_outgrown, rounds
from rules.sample import Bucket, Counts, Measure, Reading, Series
from rules.verdict import Judgement, Outcome
from watcher.commands._replay.deployments import Deployment
from watcher.commands._replay.samples import SERVICE, Samples
from watcher.core.service import Bake

MINUTE = timedelta(minutes=1)  # a bucket of what was not recorded
_ACTING = frozenset({Consequence.ROLLBACK, Consequence.ASK})


class Ended(StrEnum):
    """How a watch would have ended, in the mode `auto`, with nobody there."""

    ROLLED_BACK = "rolled_back"
    ASKED = "asked"
    PASSED = "passed"
    UNPROVEN = "unproven"
    SUPERSEDED = "superseded"  # the next deployment came before it was decided
    CUT_OFF = "cut_off"  # the recording ends before the watch does


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one deployment.

    Attributes:
        after: From when it took traffic to the end of its watch.
        why: In words; empty where nothing has to be said.
        blamed: Ids of the rules that breached, the most to blame first.
        log10_e: Of the group at the end; ``None`` if no rule has a promise.
        held_up: Ids of the rules that could act and were not healthy at the end: they kept it from passing.
        otherwise: It passed early, proven well: how it would have ended without that.
    """

    deployment: Deployment
    ended: Ended
    after: timedelta
    why: str = ""
    blamed: tuple[str, ...] = ()
    log10_e: float | None = None
    held_up: tuple[str, ...] = ()
    otherwise: "Replayed | None" = None

    @property
    def sooner(self) -> timedelta | None:
        """So much sooner it passed for being proven well; ``None`` where it did not, or would not have passed without."""
        late = self.otherwise
        return late.after - self.after if late is not None and late.ended is Ended.PASSED else None

    @property
    def is_wrong(self) -> bool:
        """A good release would have been rolled back."""
        return self.ended is Ended.ROLLED_BACK and self.deployment.bad is False

    @property
    def is_missed(self) -> bool:
        """A bad release would have passed, or nobody would have been told."""
        return self.deployment.bad is True and self.ended in {
            Ended.PASSED,
            Ended.UNPROVEN,
            Ended.SUPERSEDED,
        }


@dataclass(frozen=True, slots=True)
class Terms:
    """By what is replayed.

    Attributes:
        settles: After its end a bucket was final so much later, by indicator.
        histories: So much of the past is looked at, by indicator.
        spoilt: From the deployment on this share (0..1) of what went well fails instead: how soon would it be found?
    """

    rules: RuleSet
    bake: Bake
    false_rollback_probability: float
    settles: Mapping[str, timedelta]
    histories: Mapping[str, timedelta]
    spoilt: float = 0.0


def replay(
    deployment: Deployment, samples: Samples, terms: Terms, superseded: datetime | None = None
) -> Replayed:
    """How the watch of *deployment* would have ended. *superseded*: when the next one came."""
    indicators = [each for each in terms.rules.indicators if each.id in samples.buckets]
    lengths = {each.id: samples.buckets.get(each.id, MINUTE) for each in terms.rules.indicators}
    setting = Setting(
        false_rollback_probability=terms.false_rollback_probability,
        opened_at=deployment.at,
        at_least=terms.bake.at_least,
        at_most=terms.bake.at_most,
        buckets=lengths,
        settles=terms.settles,
        early=terms.bake.pass_early,
    )
    past: dict[str, Reading] = {
        each.id: _series(
            each, samples, deployment, deployment.at - terms.histories[each.id], deployment.at, past=True
        )
        for each in indicators
    }
    until = min(samples.last, deployment.at + terms.bake.at_most)
    is_superseded = superseded is not None and superseded <= until
    if superseded is not None and is_superseded:
        until = superseded
    recordings = {
        each.id: Recording(_spoilt(_series(each, samples, deployment, deployment.at, until), terms.spoilt))
        for each in indicators
    }
    brief = prepare(terms.rules, setting, past)
    moments = _moments(deployment.at, until, samples, terms)
    played = rounds(brief, recordings, moments, deployment.at, deployment.at)
    ended = Ended.SUPERSEDED if is_superseded else Ended.CUT_OFF
    return _ended(deployment, played, terms.bake, ended, until)


def _ended(
    deployment: Deployment, played: Iterator[Round], bake: Bake, unfinished: Ended, until: datetime
) -> Replayed:
    """How the watch ends; one that passes early is watched on, to tell what that saved, and what it missed."""
    judgement, early = None, None
    for round_ in played:
        judgement, after = round_.judgement, round_.now - deployment.at
        usual = _over(deployment, judgement, after, bake)
        if usual is not None:
            if usual.ended is Ended.ASKED:
                usual = _answered(deployment, usual, asks(judgement, deployment.at), played)
            return usual if early is None else _proven(early, usual)
        if early is None and may_end(judgement, bake.at_least, deployment.at, round_.now):
            early = Replayed(deployment, Ended.PASSED, after, log10_e=judgement.log10_e)
    if judgement is None:
        return Replayed(deployment, unfinished, until - deployment.at, "no bucket of it became final")
    last = _open(deployment, unfinished, judgement, until - deployment.at)
    return last if early is None else _proven(early, last)


def _answered(deployment: Deployment, asked: Replayed, why: str, later: Iterator[Round]) -> Replayed:
    """Nobody answers here; but a rule that rolls back may breach while the question stands."""
    for round_ in later:
        after = round_.now - deployment.at
        if after > asked.after + ASKED:
            break
        if is_outgrown(why, round_.judgement):
            return _breached(deployment, round_.judgement, after)
    return asked


def _over(deployment: Deployment, judgement: Judgement, after: timedelta, bake: Bake) -> Replayed | None:
    """How it ends now, without passing early; ``None``: it goes on."""
    if judgement.outcome is Outcome.BREACHED:
        return _breached(deployment, judgement, after)
    if after >= bake.at_least and passes(judgement):
        return Replayed(deployment, Ended.PASSED, after, log10_e=judgement.log10_e)
    return _open(deployment, Ended.UNPROVEN, judgement, after) if after >= bake.at_most else None


def _proven(early: Replayed, usual: Replayed) -> Replayed:
    """*early*, and what it would have come to."""
    late = duration_text(usual.after)
    if usual.ended is Ended.PASSED:
        words = f"proven well, {duration_text(usual.after - early.after)} sooner than without `pass_early`"
    else:
        why = f": {usual.why}" if usual.why else ""
        words = f"proven well; without `pass_early` {usual.ended.value.replace('_', ' ')} after {late}{why}"
    return replace(early, why=words, otherwise=usual)


def _breached(deployment: Deployment, judgement: Judgement, after: timedelta) -> Replayed:
    blamed = judgement.breached_by
    why = asks(judgement, deployment.at)
    words = "; ".join(
        f"{verdict.rule}: {verdict.words}" for verdict in judgement.verdicts if verdict.rule in blamed
    )
    ended = Ended.ASKED if why else Ended.ROLLED_BACK
    return Replayed(deployment, ended, after, f"{words} ({why})" if why else words, blamed, judgement.log10_e)


def _open(deployment: Deployment, ended: Ended, judgement: Judgement, after: timedelta) -> Replayed:
    """Not decided: which rules kept it from passing."""
    held = [
        verdict
        for verdict in judgement.verdicts
        if verdict.consequence in _ACTING and not verdict.spent and verdict.outcome is not Outcome.HEALTHY
    ]
    why = "; ".join(f"{verdict.rule}: {verdict.words}" for verdict in held)
    return Replayed(deployment, ended, after, why, (), judgement.log10_e, tuple(each.rule for each in held))


def _moments(at: datetime, until: datetime, samples: Samples, terms: Terms) -> list[datetime]:
    """Whenever a bucket that was recorded, or should have been, becomes final; and when the bake may end."""
    found = {at + terms.bake.at_least, at + terms.bake.at_most}
    for name, settle in terms.settles.items():
        length = samples.buckets.get(name, MINUTE)
        first = at + (samples.grid(name) - at) % length  # the first end that is not before it
        found |= {first + place * length + settle for place in range((until - first) // length + 1)}
    return [moment for moment in sorted(found) if at < moment <= until]


def _series(
    indicator: Indicator,
    samples: Samples,
    deployment: Deployment,
    since: datetime,
    until: datetime,
    *,
    past: bool = False,
) -> tuple[Series, ...]:
    """What was recorded in ``(since, until]``; of the past the old release, or the service, alone."""
    releases = samples.releases(indicator.id)
    told_apart = deployment.to in releases
    new = deployment.to if told_apart else SERVICE
    old = deployment.before if told_apart and deployment.before in releases - {new} else None
    arms = ((old or SERVICE) if past else new, None if past else old)
    length = samples.buckets[indicator.id]
    return tuple(
        Series(
            indicator.id,
            tuple(
                Bucket(end - length, end, canary, baseline)
                for end, canary, baseline in _paired(samples, (indicator.id, bound), arms, since, until)
            ),
            bound,
        )
        for bound in indicator.bounds or (None,)
    )


def _paired(
    samples: Samples,
    what: tuple[str, float | None],
    arms: tuple[str, str | None],
    since: datetime,
    until: datetime,
) -> Iterator[tuple[datetime, Measure | None, Measure | None]]:
    keys = [(*what, arm) for arm in arms if arm is not None]
    canary, baseline = (samples.measures.get((*what, arm), {}) if arm is not None else {} for arm in arms)
    for end in sorted({end for key in keys for end in samples.ends_within(key, since, until)}):
        yield end, canary.get(end), baseline.get(end)


def _spoilt(series: tuple[Series, ...], share: float) -> tuple[Series, ...]:
    """*series*, with *share* of what went well failing: so many in the long run, and whole numbers of them."""
    if not share:
        return series
    return tuple(
        Series(each.indicator, tuple(_worse(each.buckets, share)), each.bound, each.cumulative)
        for each in series
    )


def _worse(buckets: tuple[Bucket, ...], share: float) -> Iterator[Bucket]:
    owed = 0.0
    for bucket in buckets:
        canary = bucket.canary
        if isinstance(canary, Counts):
            good = max(canary.total - canary.bad, 0.0)  # of events more may be bad than there were requests
            owed += good * share
            more = float(int(min(owed, good)))
            owed -= more
            canary = Counts(canary.bad + more, canary.total)
        yield Bucket(bucket.start, bucket.end, canary, bucket.baseline, bucket.share)

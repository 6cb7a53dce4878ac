"""Rules over recorded samples: what would have been said, and when. Pure, and the same for the same samples.

The rounds are those of a daemon that looks whenever a bucket becomes final: looking more often gives the same evidence
(``rules.evaluate``), and a verdict changes between two buckets only because data grow old.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rules.brief import Brief
from rules.evaluate import Timing, evaluate, start, wanted_since
from rules.onset import Came, came, with_onset
from rules.sample import NoData, Reading, Series
from rules.verdict import Judgement, Onset, Outcome

NOTHING = NoData("nothing was recorded of it")


@dataclass(frozen=True, slots=True)
class Round:
    """What was said at one time. A round that breaches knows its onset."""

    now: datetime
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Recording:
    """What a provider would have answered.

    Attributes:
        series: Of one indicator, whole.
        ends: Of the buckets of each series, in the same order: what was there at a time is found without a search.
    """

    series: tuple[Series, ...]
    ends: tuple[tuple[datetime, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        ends = tuple(tuple(bucket.end for bucket in series.buckets) for series in self.series)
        object.__setattr__(self, "ends", ends)

    def read(self, after: datetime, until: datetime) -> Reading:
        """The buckets that end in ``(after, until]``; no data if there is none."""
        found = tuple(
            Series(series.indicator, buckets, series.bound, series.cumulative)
            for series, ends in zip(self.series, self.ends, strict=True)
            if (buckets := series.buckets[bisect_right(ends, after) : bisect_right(ends, until)])
        )
        return found or NOTHING


def rounds(
    brief: Brief,
    recordings: Mapping[str, Recording],
    moments: Iterable[datetime],
    traffic_at: datetime,
    complete_at: datetime,
) -> Iterator[Round]:
    """One round at each of *moments*, in their order.

    Args:
        brief: Fixed when the watch opened.
        recordings: By indicator; one that is not there never answers.
        moments: When one looks, UTC, ascending.
        traffic_at: From when the new release takes traffic.
        complete_at: From when it has all of it.
    """
    evidence, judged, asked = start(brief), list[Series](), dict[str, datetime]()
    onsets: dict[str, Onset | None] = {}
    for now in moments:
        timing = Timing(now, *(at if at <= now else None for at in (traffic_at, complete_at)))
        readings: dict[str, Reading] = {}
        for name, beat in brief.beats.items():
            since = wanted_since(brief, evidence, name, timing.traffic_at)
            if since is not None and now - beat.settle - beat.bucket >= asked.get(name, traffic_at):
                readings[name] = recordings[name].read(since, now) if name in recordings else NOTHING
                asked[name] = now - beat.settle
        round_ = evaluate(brief, evidence, readings, timing)
        evidence = round_.evidence
        judged += round_.buckets
        said = round_.judgement
        if said.outcome is Outcome.BREACHED:
            bad = {verdict.rule for verdict in said.verdicts if verdict.outcome is Outcome.BREACHED}
            if bad - onsets.keys():
                # Once a breach, as the daemon does it: all buckets are read for it.
                dated = with_onset(said, brief, judged)
                onsets = {**{each.rule: each.onset for each in dated.verdicts if each.rule in bad}, **onsets}
            said = _dated(said, onsets)
        yield Round(now, said)


def _dated(said: Judgement, onsets: Mapping[str, Onset | None]) -> Judgement:
    verdicts = (
        replace(each, onset=onsets[each.rule]) if each.outcome is Outcome.BREACHED else each
        for each in said.verdicts
    )
    return replace(said, verdicts=tuple(verdicts))


def asks(judgement: Judgement, switched: datetime) -> str:
    """Why the breach in *judgement* only asks, whatever the mode; empty if it starts the rollback.

    By what the rules say alone. The daemon decides by the same, and by the ways back; a test holds the two together.
    """
    if judgement.doubts:
        return f"something else is worse too ({', '.join(judgement.doubts)})"
    if judgement.alike:
        return "what serves beside the release fails alike"
    began = came(judgement, switched)
    if began is Came.LATE or (began is Came.SOON and not judgement.controls):
        return f"it began {'minutes' if began is Came.SOON else 'long'} after the switch, and nothing was compared at the same time"
    return _RULES_ASK if judgement.asks else ""


_RULES_ASK = "the rules that breached ask"
ASKED = timedelta(hours=1)  # so long a question stands, where the service does not say otherwise


def is_outgrown(why: str, later: Judgement) -> bool:
    """A question asked because of *why* gives way to *later*: only the rules asked, and now one has breached that rolls back.

    The daemon goes by the same (``watcher.core.lifecycle``).
    """
    return why == _RULES_ASK and later.outcome is Outcome.BREACHED and not later.asks

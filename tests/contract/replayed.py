"""A watch over one indicator of a provider: judged as its readings come, recorded as the store does it, and judged again from that.

Apart, since each contract of providers has this sentence.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from rules.evaluate import Timing, evaluate, prepare, start, wanted_since
from rules.evidence import encode_brief, encode_evidence
from rules.model import Indicator, InState, Kind, RuleSet, Slo
from rules.sample import Reading, Series
from tests.rules.building import a_rule, a_setting
from watcher.commands._replay.stored import judged_again
from watcher.store.documents import encode_buckets


class Recorded:
    """The watch. The release takes all the traffic from *since* on.

    Args:
        indicator: What it is judged by: a state that must not last, else a share of one in a hundred.
        beat: The length of a bucket, and how long after its end it is final.
    """

    def __init__(self, indicator: Indicator, beat: tuple[timedelta, timedelta], since: datetime) -> None:
        self._name, self._switched = indicator.id, since
        judge = InState(beat[0]) if indicator.kind is Kind.STATE else Slo(0.99)
        rules = RuleSet((indicator,), (a_rule(judge, indicator.id),))
        setting = a_setting(rules, bucket=beat[0], settle=beat[1])
        self._brief = prepare(rules, replace(setting, opened_at=since), {})
        self._evidence = start(self._brief)
        self._series: list[Series] = []

    @property
    def since(self) -> datetime:
        """From when on it wants to know."""
        since = wanted_since(self._brief, self._evidence, self._name, self._switched)
        assert since is not None
        return since

    def takes(self, now: datetime, reading: Reading) -> None:
        """One round at *now*."""
        timing = Timing(now, self._switched, self._switched)
        round_ = evaluate(self._brief, self._evidence, {self._name: reading}, timing)
        self._evidence = round_.evidence
        self._series += round_.buckets

    def is_judged_alike_again(self) -> bool:
        """What was recorded gives the same evidence and the same verdict, bit for bit; and there was something to judge."""
        again = judged_again(
            {
                "watch": "w_1",
                "brief": encode_brief(self._brief),
                "evidence": encode_evidence(self._evidence),
                "series": [
                    {
                        "indicator": each.indicator,
                        "bound": each.bound,
                        "buckets": encode_buckets(each.buckets),
                    }
                    for each in self._series
                ],
            }
        )
        return again.is_same and any(rule.buckets for rule in again.rules)

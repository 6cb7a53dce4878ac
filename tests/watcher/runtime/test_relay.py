"""A sidecar's loop: what it reads waits until it was taken; what goes wrong is said once, and tried again."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from structlog.testing import capture_logs

from rules.model import Indicator, Kind, RuleSet
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Series, Who
from tests.fakes.world import SECOND, START
from tests.watcher.api.daemon import a_service
from watcher.core.relayed import KEPT, MOST_SAMPLES, Counted, Fault, Sample, Trouble
from watcher.core.service import Policy
from watcher.runtime.central import Accepted, Identity, Refused, Unnamed
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.relay import LONGEST_PAUSE, Relay
from watcher.runtime.rounds import Boundary
from watcher.runtime.untold import Key, Marked
from watcher.signals import scrape
from watcher.signals.provider import Question, Window
from watcher.signals.relay.query import mark
from watcher.telemetry.metrics import Metrics

BEAT = SECOND * 10
QUERY = {"url": "http://127.0.0.1:9102/metrics", "counter": "c", "bad": {"code": "5.."}}
ERRORS = Indicator("errors", Kind.RATIO, "relay", json.dumps({"scrape": QUERY}))
ME = Identity("task-1", "r_1", {"version": "v43"})
GOOD = Accepted(new=1, known=0)


@dataclass
class Page:
    """What stands on the page, bucket by bucket; or why it cannot be read."""

    trouble: NoData | Invalid | None = None
    incomplete: bool = False
    asked: list[Question] = field(default_factory=list)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        self.asked += questions
        return {each.id: self.trouble or _counted(each, window, self.incomplete) for each in questions}


def _counted(question: Question, window: Window, incomplete: bool) -> Reading:
    """One request each second, all of them good."""
    after = max(question.since or window.start, START)
    first = START + -(-(after - START) // BEAT) * BEAT
    ends = [first + (n + 1) * BEAT for n in range(max((window.end - first) // BEAT, 0))]
    buckets = [Bucket(end - BEAT, end, Counts(0, 10), incomplete=incomplete) for end in ends]
    return (Series("errors", tuple(buckets)),)


@dataclass
class Far:
    """The central daemon: what it was told, and what it answers next."""

    answers: list[Accepted | Refused] = field(default_factory=list)
    told: list[tuple[list[int], Mapping[str, Trouble], bool]] = field(default_factory=list)

    async def tell(
        self,
        key: Key,
        who: Identity,
        samples: Sequence[Marked],
        troubles: Mapping[str, Trouble],
        now: datetime,
        *,
        leaves: bool = False,
    ) -> Accepted | Refused:
        assert key == ("checkout", "production")
        assert who == ME
        assert {each.mark for each in samples} <= {mark(ERRORS)}
        ends = [round((each.sample.end - START).total_seconds()) for each in samples]
        self.told.append((ends, dict(troubles), leaves))
        return self.answers.pop(0) if self.answers else Accepted(new=len(samples), known=0)


KEYS = (("shop", "production"), ("checkout", "production"))


@dataclass
class Picky:
    """A central daemon that takes nothing of one service."""

    refuses: Key
    asked: Counter[Key] = field(default_factory=Counter)
    taken: dict[Key, list[int]] = field(default_factory=dict)

    async def tell(self, key, who, samples, troubles, now, *, leaves=False):
        self.asked[key] += 1
        if key == self.refuses:
            return Refused("HTTP 403")
        ends = [round((each.sample.end - START).total_seconds()) for each in samples]
        self.taken.setdefault(key, []).extend(ends)
        return Accepted(new=len(samples), known=0)


@dataclass
class Sidecar:
    """The loop, in a time that the test sets."""

    now: datetime = START
    page: Page = field(default_factory=Page)
    far: Far = field(default_factory=Far)
    who: list[Identity | Unnamed] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        service = a_service(policy=Policy(RuleSet((ERRORS,), ())))
        self.relay = Relay(
            services=lambda: {service.key: service},
            inquiry=Inquiry({"scrape": Connected(scrape.KIND, self.page)}, self.metrics),
            central=self.far,
            identify=self._identify,
            metrics=self.metrics,
            boundary=Boundary("relay"),
            now=lambda: self.now,
            monotonic=self._monotonic,
        )

    def _monotonic(self) -> float:
        return (self.now - START).total_seconds()

    async def _identify(self) -> Identity | Unnamed:
        return self.who.pop(0) if self.who else ME

    async def go_on(self, until: float) -> None:
        """Go round each second."""
        while self.now < START + SECOND * until:
            self.now += SECOND
            await self.relay.go_round()

    def counted(self, result: str) -> float:
        labels = {"result": result}
        return self.metrics.registry.get_sample_value("rollbackd_relay_samples_total", labels) or 0.0

    @property
    def ends(self) -> list[int]:
        """Of all that was told, in the order in which it was."""
        return [end for ends, _, _ in self.far.told for end in ends]


async def test_it_begins_to_look_in_its_first_round():
    sidecar = Sidecar()
    await sidecar.go_on(until=1)

    assert [question.indicator.provider for question in sidecar.page.asked] == ["scrape"]


async def test_each_bucket_is_told_once_a_second_after_it_ended():
    sidecar = Sidecar()
    await sidecar.go_on(until=45)

    assert sidecar.ends == [10, 20, 30, 40]
    assert sidecar.counted("told") == 4


async def test_a_bucket_that_is_not_whole_is_not_told():
    sidecar = Sidecar(page=Page(incomplete=True))
    await sidecar.go_on(until=45)

    assert sidecar.ends == []


async def test_it_says_that_it_lives_though_it_has_nothing_to_tell():
    sidecar = Sidecar(page=Page(NoData("counting begins")))
    await sidecar.go_on(until=31)

    assert [ends for ends, _, _ in sidecar.far.told] == [[], [], [], []]
    assert sidecar.far.told[-1][1] == {"errors": Trouble(Fault.NO_DATA, "counting begins")}


async def test_why_it_cannot_read_is_told_in_one_clean_line_until_it_can():
    sidecar = Sidecar(page=Page(Invalid(Who.AUTHOR, "no\x1b[31m page\nhas it" + "!" * 300)))
    await sidecar.go_on(until=11)
    sidecar.page.trouble = None
    await sidecar.go_on(until=31)

    trouble = sidecar.far.told[0][1]["errors"]
    assert (trouble.fault, trouble.who) == (Fault.INVALID, Who.AUTHOR)
    assert trouble.words.startswith("no [31m page has it!")
    assert len(trouble.words) == 200
    assert sidecar.far.told[-1][1] == {}


async def test_what_is_not_taken_is_told_again_later_and_in_order():
    sidecar = Sidecar(far=Far([GOOD, Refused("away"), Refused("away")]))
    with capture_logs() as logs:
        await sidecar.go_on(until=60)

    assert sidecar.ends[:2] == [10, 10]
    assert list(dict.fromkeys(sidecar.ends)) == [10, 20, 30, 40, 50]
    said = [(each["event"], each.get("words")) for each in logs if each["event"].startswith("relay.")]
    assert said == [("relay.named", None), ("relay.failed", "away"), ("relay.recovered", None)]


async def test_tries_become_rare_and_never_rarer_than_half_a_minute():
    sidecar = Sidecar(far=Far([Refused("away")] * 1000))
    await sidecar.go_on(until=600)

    assert 600 / LONGEST_PAUSE <= len(sidecar.far.told) <= 60


async def test_the_central_daemon_may_ask_for_patience_but_not_for_ever():
    sidecar = Sidecar(far=Far([Refused("crowded", retry_at=START + SECOND * 40), GOOD]))
    await sidecar.go_on(until=39)
    assert len(sidecar.far.told) == 1
    await sidecar.go_on(until=40)
    assert len(sidecar.far.told) == 2

    forever = Sidecar(far=Far([Refused("crowded", retry_at=START + timedelta(days=1)), GOOD]))
    await forever.go_on(until=65)
    assert len(forever.far.told) >= 2


async def test_what_will_never_be_taken_is_dropped_and_the_rest_goes_on():
    sidecar = Sidecar(far=Far([GOOD, Refused("malformed", for_good=True)]))
    await sidecar.go_on(until=45)

    assert sidecar.ends == [10, 20, 30, 40]
    assert sidecar.counted("refused") == 1
    assert sidecar.counted("told") == 4


async def test_what_is_refused_of_one_service_keeps_no_other_back():
    sidecar = Sidecar()
    sidecar.relay.services = lambda: {key: a_service(policy=Policy(RuleSet((ERRORS,), ()))) for key in KEYS}
    sidecar.relay.central = far = Picky(refuses=KEYS[0])
    with capture_logs() as logs:
        await sidecar.go_on(until=60)

    assert far.taken == {KEYS[1]: [10, 20, 30, 40, 50]}
    assert far.asked[KEYS[0]] < 10
    assert [each["event"] for each in logs if each["event"].startswith("relay.")] == [
        "relay.named",
        "relay.failed",
    ]


async def test_what_waits_for_too_long_is_dropped_and_that_is_said_once():
    sidecar = Sidecar(far=Far([Refused("away")] * 1000))
    with capture_logs() as logs:
        await sidecar.go_on(until=KEPT.total_seconds() + 100)

    assert [each["event"] for each in logs].count("samples.dropped") == 1
    assert sidecar.counted("dropped") > 5
    sidecar.far.answers, sidecar.far.told = [], []
    await sidecar.go_on(until=KEPT.total_seconds() + 140)
    assert sidecar.ends == list(range(sidecar.ends[0], 1031, 10))
    assert sidecar.ends[0] > 100


async def test_what_was_missed_is_told_in_several_parts_at_once():
    sidecar = Sidecar(far=Far([GOOD]))
    await sidecar.go_on(until=1)
    service = ("checkout", "production")
    sample = [Marked(each, mark(ERRORS)) for each in _samples(MOST_SAMPLES + 50)]
    sidecar.relay.untold.add(service, sample)
    await sidecar.go_on(until=2)

    assert [len(ends) for ends, _, _ in sidecar.far.told] == [0, MOST_SAMPLES, 50]


def _samples(many: int) -> list[Sample]:
    every = timedelta(seconds=1)
    return [
        Sample("errors", START + n * every, START + (n + 1) * every, (Counted(0, 1),)) for n in range(many)
    ]


async def test_what_nobody_asks_for_is_said_once():
    unasked = Accepted(new=0, known=0, unasked=["errors: it is measured otherwise here"])
    sidecar = Sidecar(far=Far([unasked] * 9))
    with capture_logs() as logs:
        await sidecar.go_on(until=65)

    assert [each["why"] for each in logs if each["event"] == "samples.unasked"] == [unasked.unasked]
    assert sidecar.counted("refused") > 3
    assert sidecar.counted("told") == 0


async def test_nothing_is_told_until_it_is_known_who_tells():
    sidecar = Sidecar(who=[Unnamed("no metadata"), Unnamed("no metadata")])
    with capture_logs() as logs:
        await sidecar.go_on(until=30)

    assert [each.get("words") for each in logs if each["event"] == "relay.failed"] == ["no metadata"]
    assert sidecar.ends[:2] == [10, 20]


async def test_at_its_end_it_tells_what_is_left_and_that_it_leaves():
    sidecar = Sidecar(far=Far([GOOD, Refused("away")]))
    await sidecar.go_on(until=11)
    await sidecar.relay.leave()

    assert sidecar.far.told[-1] == ([10], {}, True)
    assert len(sidecar.relay.untold) == 0


async def test_at_its_end_it_tells_all_that_waits_and_says_with_the_last_that_it_leaves():
    sidecar = Sidecar(far=Far([GOOD]))
    await sidecar.go_on(until=1)
    service = ("checkout", "production")
    sidecar.relay.untold.add(service, [Marked(each, mark(ERRORS)) for each in _samples(MOST_SAMPLES + 50)])
    await sidecar.relay.leave()

    assert [(len(ends), leaves) for ends, _, leaves in sidecar.far.told[1:]] == [
        (MOST_SAMPLES, False),
        (50, True),
    ]
    assert len(sidecar.relay.untold) == 0


async def test_one_that_nobody_knows_has_nothing_to_say_at_its_end():
    sidecar = Sidecar(who=[Unnamed("no metadata")] * 9)
    await sidecar.go_on(until=2)
    await sidecar.relay.leave()

    assert sidecar.far.told == []


async def test_an_end_that_nobody_hears_is_said_and_holds_up_nothing():
    sidecar = Sidecar(far=Far([GOOD, Refused("away"), Refused("away")]))
    await sidecar.go_on(until=11)
    with capture_logs() as logs:
        await sidecar.relay.leave()

    assert [(each["event"], each["samples"]) for each in logs] == [("relay.left_untold", 1)]

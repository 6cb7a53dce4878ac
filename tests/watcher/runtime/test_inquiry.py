"""How providers are asked: all together, once each, and none is waited for for ever."""

import asyncio
from dataclasses import replace

from structlog.testing import capture_logs

from rules.model import Indicator, Kind
from rules.sample import NoData, Unavailable, Who
from tests.builders import NOON, minutes, seconds
from tests.watcher.runtime.at_work import TEN, AProvider, a_kind, blunder, hang, virtual
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.rounds import Boundary
from watcher.signals.provider import Pushing, Question
from watcher.telemetry.metrics import Metrics

ERRORS = Indicator("errors", Kind.RATIO, "scrape", "{}")
NAMES = {"version": "v43"}
AFTER_35_S = seconds(35)


def a_question(id="w_1/errors", indicator=ERRORS, since=NOON):
    return Question(id, indicator, NAMES, None, since)


def an_inquiry(metrics=None, **providers):
    connected = {name: Connected(a_kind(), provider) for name, provider in providers.items()}
    return Inquiry(connected, metrics or Metrics())


async def answers(inquiry, *questions, at=AFTER_35_S, boundary=None):
    """The readings by the ids of the questions."""
    asked = inquiry.ask(questions, NOON + at)
    await (boundary or Boundary("patrol")).each(asked.reads)
    return {each.id: (await asked.to([each])).get(each.indicator.id) for each in questions}


@virtual
async def test_a_provider_is_asked_once_for_all_that_is_due():
    provider = AProvider()

    readings = await answers(
        an_inquiry(scrape=provider), *(a_question(f"w_{number}/errors") for number in range(50))
    )

    assert len(provider.calls) == 1
    assert len(readings) == 50


@virtual
async def test_it_is_asked_for_whole_buckets_that_are_final():
    provider = AProvider()

    await answers(an_inquiry(scrape=provider), a_question(since=NOON + TEN), a_question("w_2/errors"))

    (_, window), *_ = provider.calls
    assert (window.start, window.end) == (NOON, NOON + seconds(30))


@virtual
async def test_what_is_final_sooner_is_asked_apart_and_sooner():
    provider = AProvider()
    at_once = replace(ERRORS, id="alarm", query="{}  ")
    kind = replace(a_kind(), settles=lambda each: seconds(0 if each is at_once else 20))
    inquiry = Inquiry({"scrape": Connected(kind, provider)}, Metrics())

    readings = await answers(inquiry, a_question(), a_question("w_1/alarm", at_once), at=seconds(45))

    ends = {question: window.end for questions, window in provider.calls for question in questions}
    assert ends == {"w_1/errors": NOON + seconds(20), "w_1/alarm": NOON + seconds(40)}
    assert len(readings) == 2


@virtual
async def test_who_is_told_is_asked_at_every_look_and_until_what_is_final_now():
    provider = AProvider()
    pushed = Pushing(lambda _: "am", lambda _: True, lambda each, _: each)
    inquiry = Inquiry({"scrape": Connected(replace(a_kind(), pushed=pushed), provider)}, Metrics())

    await answers(inquiry, a_question(since=NOON + seconds(31)))

    (_, window), *_ = provider.calls
    assert (window.start, window.end) == (NOON + seconds(30), NOON + seconds(34))


@virtual
async def test_what_is_not_due_is_not_asked():
    provider = AProvider()

    readings = await answers(an_inquiry(scrape=provider), a_question(since=NOON + seconds(30)))

    assert provider.calls == []
    assert readings == {"w_1/errors": None}


@virtual
async def test_where_nothing_is_known_yet_the_newest_bucket_is_asked_for():
    provider = AProvider()

    await answers(an_inquiry(scrape=provider), a_question(since=None))

    assert provider.calls[0][1].start == NOON + seconds(20)


@virtual
async def test_other_connections_and_other_grids_are_other_calls():
    one, other = AProvider(), AProvider()
    inquiry = Inquiry(
        {
            "scrape": Connected(
                replace(a_kind(), bucket=lambda each: TEN if each.id == "errors" else minutes(1)), one
            ),
            "eu": Connected(a_kind(), other),
        },
        Metrics(),
    )
    questions = [
        a_question(),
        a_question("w_1/slow", replace(ERRORS, id="slow")),
        a_question("w_1/far", replace(ERRORS, id="far", connection="eu")),
    ]

    await answers(inquiry, *questions, at=minutes(2))

    assert sorted(ids for ids, _ in one.calls) == [["w_1/errors"], ["w_1/slow"]]
    assert [ids for ids, _ in other.calls] == [["w_1/far"]]


@virtual
async def test_who_does_not_answer_in_time_is_unavailable_and_delays_nobody_else():
    metrics = Metrics()
    inquiry = an_inquiry(metrics, scrape=AProvider(), http=AProvider(does=hang))
    quick, slow = a_question(), a_question("w_1/ready", Indicator("ready", Kind.PROBE, "http", "{}"))
    at: dict[str, tuple[float, object]] = {}

    async def waits(question):
        reading = (await asked.to([question]))[question.indicator.id]
        at[question.id] = (asyncio.get_running_loop().time(), reading)

    asked = inquiry.ask([quick, slow], NOON + seconds(35))
    await Boundary("patrol").each({**asked.reads, "quick": waits(quick), "slow": waits(slow)})

    assert at[quick.id][0] == 0
    assert at[slow.id] == (6, Unavailable(Who.PROVIDER, "http gave no answer within 6 s"))
    counted = metrics.registry.get_sample_value
    assert counted("rollbackd_signal_queries_total", {"provider": "http", "result": "unavailable"}) == 1
    assert counted("rollbackd_signal_queries_total", {"provider": "scrape", "result": "counts"}) == 1


@virtual
async def test_a_bug_of_a_provider_is_reported_and_is_an_answer_all_the_same():
    bugs: list[Exception] = []
    inquiry = an_inquiry(scrape=AProvider(does=blunder))

    readings = await answers(
        inquiry, a_question(), boundary=Boundary("patrol", lambda _, bug: bugs.append(bug))
    )

    assert readings["w_1/errors"] == Unavailable(Who.PROVIDER, "scrape could not be asked; the log says why")
    assert len(bugs) == 1


@virtual
async def test_a_connection_that_is_not_there_any_more_is_an_answer_too():
    gone = replace(ERRORS, connection="prometheus-old")
    inquiry = an_inquiry(scrape=AProvider())

    readings = await answers(inquiry, a_question(indicator=gone))

    assert readings["w_1/errors"] == Unavailable(
        Who.OPERATOR, "no connection is called prometheus-old any more"
    )
    assert inquiry.beat(gone) == (minutes(1), seconds(0))
    assert inquiry.looks_itself(gone) is False


@virtual
async def test_a_history_is_asked_for_from_its_beginning():
    provider = AProvider()
    asked = an_inquiry(scrape=provider).recall(
        [a_question(since=None)], NOON - minutes(2), NOON + seconds(3), NOON
    )

    await Boundary("patrol").each(asked.reads)

    (series,) = (await asked.to([a_question()]))["errors"]
    assert (series.buckets[0].start, series.buckets[-1].end) == (NOON - minutes(2), NOON)


@virtual
async def test_other_answers_are_counted_as_what_they_are():
    class Empty(AProvider):
        async def read(self, questions, window):
            return {question.id: NoData("no series") for question in questions}

    metrics = Metrics()

    await answers(an_inquiry(metrics, scrape=Empty()), a_question())

    labels = {"provider": "scrape", "result": "nodata"}
    assert metrics.registry.get_sample_value("rollbackd_signal_queries_total", labels) == 1


@virtual
async def test_how_old_the_newest_bucket_is_is_measured():
    metrics = Metrics()

    await answers(an_inquiry(metrics, scrape=AProvider()), a_question())

    assert (
        metrics.registry.get_sample_value("rollbackd_signal_data_age_seconds", {"provider": "scrape"}) == 5.0
    )


class Silent(AProvider):
    """Cannot be asked for the questions in *away*."""

    def __init__(self, *away):
        super().__init__()
        self.away = away

    async def read(self, questions, window):
        told = await super().read(questions, window)
        away = {each: Unavailable(Who.OPERATOR, "HTTP 403") for each in self.away if each in told}
        return {**told, **away}


@virtual
async def test_that_a_provider_cannot_be_asked_is_said_once_and_that_it_answers_again():
    provider = Silent("w_1/errors")
    inquiry = an_inquiry(scrape=provider)

    with capture_logs() as lines:
        for _ in range(3):
            await answers(inquiry, a_question())
        provider.away = ()
        await answers(inquiry, a_question())
        await answers(inquiry, a_question())

    said = {"connection": "scrape", "who": "operator", "words": "HTTP 403"}
    assert lines == [
        {"event": "signal.unavailable", "log_level": "warning", **said},
        {"event": "signal.recovered", "log_level": "info", "connection": "scrape", "reads": 3},
    ]


@virtual
async def test_where_one_question_is_answered_the_provider_is_not_away():
    with capture_logs() as lines:
        await answers(an_inquiry(scrape=Silent("w_1/errors")), a_question(), a_question("w_2/errors"))

    assert lines == []


@virtual
async def test_what_cannot_be_asked_is_said_once_though_the_same_provider_answers_what_has_another_grid():
    slow = replace(ERRORS, id="slow")
    kind = replace(a_kind(), bucket=lambda each: TEN if each.id == "errors" else minutes(1))
    inquiry = Inquiry({"scrape": Connected(kind, Silent("w_1/slow"))}, Metrics())

    with capture_logs() as lines:
        for _ in range(3):
            await answers(inquiry, a_question(), a_question("w_1/slow", slow), at=minutes(2))

    assert [line["event"] for line in lines] == ["signal.unavailable"]

"""What goes wrong between us and the numbers: each touches what it is of alone, says who must act, and is never counts."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.model import About, Finding, Level
from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.newrelic import KEY, Account
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.newrelic.asking import (
    BASE,
    MINUTE,
    NEW,
    RATIO,
    SLOW,
    a_log,
    an_account,
    arms,
    asking,
    indicator,
    read_one,
)
from watcher.http import Answer, Request
from watcher.signals.provider import Examined
from watcher.signals.unknown import Unknown

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key": "NRAK-ANOTHER"}, "correct `key` or `region`"),
        ({"account": 4712}, "correct `account`, `region`, or whose `key` it is"),
    ],
)
def test_who_asks_wrongly_is_told_what_to_correct(settings, words):
    async def story() -> Reading:
        async with asking(an_account(), **settings) as ask:
            return await ask.one(RATIO)

    reading = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert words in reading.words


def test_a_condition_that_new_relic_refuses_is_the_authors_and_nobody_elses():
    async def story() -> Mapping[str, Reading]:
        async with asking(an_account()) as ask:
            wrong = indicator({**BASE, "bad": "nonsense IS true"}, name="wrong")
            return await ask.all(indicator(RATIO), wrong, indicator(SLOW, name="slow"))

    readings = in_virtual_time(story())

    wrong = readings["wrong"]
    assert isinstance(wrong, Invalid)
    assert (wrong.who, "unexpected 'nonsense'" in wrong.words) == (Who.AUTHOR, True)
    assert len(arms(readings["errors"])) == len(arms(readings["slow"])) == 10


def test_what_a_refusal_quotes_of_the_query_is_no_ground_to_ask_for_less():
    account = an_account()

    reading = read_one(account, {**BASE, "bad": "rateLimited IS"})

    assert isinstance(reading, Invalid)
    assert (reading.who, "rateLimited" in reading.words, account.requests) == (Who.AUTHOR, True, 1)


def test_a_date_that_is_none_is_no_clock():
    async def story() -> Reading:
        async with asking(an_account()) as ask:
            await ask.one(RATIO)
            said, wrong = ask.line.said, {**JSON, "date": f"Mon, {'9' * 20} Jan 2020 00:00:00 GMT"}
            ask.line.instead = lambda request: replace(said[request.body or b""], headers=wrong)
            return await ask.one(RATIO)

    assert len(arms(in_virtual_time(story()))) == 10


def test_what_is_known_is_not_told_again():
    reading = read_one(an_account(), RATIO, since=START + timedelta(minutes=7))

    assert [minute for minute, _, _ in arms(reading)] == [8, 9, 10]


def test_one_bad_answer_is_the_providers_and_the_next_is_read():
    async def story() -> tuple[Reading, Reading]:
        async with asking(an_account(down=1)) as ask:
            return await ask.one(RATIO), await ask.one(RATIO)

    down, up = in_virtual_time(story())

    assert isinstance(down, Unavailable)
    assert (down.who, "HTTP 502" in down.words) == (Who.PROVIDER, True)
    assert len(arms(up)) == 10


def test_who_is_refused_asks_nobody_for_a_while():
    """25 requests of one user at once, of which others make all."""
    account = an_account()

    async def story() -> tuple[Reading, Reading, int, Reading]:
        async with asking(account) as ask:
            account.open = 25
            first = await ask.one(RATIO)
            account.open = 0
            second, requests = await ask.one(RATIO), account.requests
            await asyncio.sleep(6)
            return first, second, requests, await ask.one(RATIO)

    first, second, requests, third = in_virtual_time(story())

    assert isinstance(first, Unavailable)
    assert first.retry_at is not None
    assert isinstance(second, Unavailable)
    assert (second.retry_at, requests) == (first.retry_at, 1)
    assert len(arms(third)) == 10


def test_a_minute_of_rounds_repeats_no_query_too_often():
    account = an_account(a_log(10))

    async def story() -> list[Reading]:
        async with asking(account) as ask:
            return [
                await ask.one(RATIO, start=ask.account.world.now - 25 * MINUTE, minutes=1) for _ in range(20)
            ]

    assert not any(isinstance(each, Unavailable) for each in in_virtual_time(story()))
    assert max(account.repeated.values()) <= 120


@pytest.mark.parametrize("minutes", [10, -10])
def test_clocks_that_differ_by_minutes_are_no_ground_to_count_on(minutes):
    reading = read_one(an_account(ahead=timedelta(minutes=minutes)), RATIO)

    assert isinstance(reading, Unavailable)
    assert (reading.who, "clock is 600 s" in reading.words) == (Who.OPERATOR, True)


def test_a_remark_of_new_relic_is_never_overlooked():
    reading = read_one(an_account(messages=["Results were truncated"]), RATIO)

    assert isinstance(reading, Unavailable)
    assert "Results were truncated" in reading.words


def test_who_does_not_answer_is_given_up_before_the_deadline_and_leaves_no_task():
    async def story() -> tuple[Reading, float, int]:
        before = len(asyncio.all_tasks())
        async with asking(an_account()) as ask:
            ask.line.cut = True
            reading = await ask.one(RATIO)
            return reading, asyncio.get_running_loop().time(), len(asyncio.all_tasks()) - before

    reading, seconds, tasks = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert seconds <= 6
    assert tasks == 0


def test_the_same_answers_make_the_same_reading_to_the_byte():
    async def read(
        account: Account, said: Mapping[bytes, Answer] | None
    ) -> tuple[str, Mapping[bytes, Answer]]:
        async with asking(account) as ask:
            if said is not None:
                ask.line.instead = lambda request: said[request.body or b""]
            return repr(await ask.one(SLOW)), ask.line.said

    first, said = in_virtual_time(read(an_account(), None))
    again, _ = in_virtual_time(read(an_account([]), said))

    assert again == first
    assert "NoData" not in first


STRANGE = {
    "null": b"null",
    "a list": b"[]",
    "nothing": b'{"data": null}',
    "no rows": b'{"data": {"actor": {"account": {"q0": {"results": null}}}}}',
    "no alias": b'{"data": {"actor": {"account": {}}}}',
    "text": b'{"data": {"actor": {"account": {"q0": {"results": [{"facet": "x", "total": "many"}], "metadata": {"timeWindow": {"begin": 1795521600000, "end": 1795522200000}}}}}}}',
    "infinite": b'{"data": {"actor": {"account": {"q0": {"results": [{"facet": ["checkout", "2"], "total": Infinity}], "metadata": {"timeWindow": {"begin": 1795521600000, "end": 1795522200000}}}}}}}',
    "beyond a float": b'{"data": {"actor": {"account": {"q0": {"results": [{"facet": ["checkout", "2"], "total": 1%s}], "metadata": {"timeWindow": {"begin": 1795521600000, "end": 1795522200000}}}}}}}'
    % (b"0" * 400),
    "more bad than all": b'{"data": {"actor": {"account": {"q0": {"results": [{"facet": ["checkout", "2"], "beginTimeSeconds": 1795521600, "total": 1, "bad": 2}], "metadata": {"timeWindow": {"begin": 1795521600000, "end": 1795522200000}}}}}}}',
    "deep": b"[" * 100_000,
    "a page": b"<html>Log in</html>",
}


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_what_is_no_answer_of_new_relic_is_never_counts(body):
    async def story() -> Reading:
        async with asking(an_account()) as ask:
            ask.line.instead = lambda _: Answer(200, JSON, body, 0.0)
            return await ask.one(RATIO)

    assert isinstance(in_virtual_time(story()), Unavailable | Invalid)


def echo(request: Request) -> Answer:
    said = request.secrets["API-Key"].get_secret_value()
    return Answer(200, JSON, f'{{"errors": [{{"message": "not {said}"}}]}}'.encode(), 0.0)


def test_the_key_is_in_no_word():
    async def story() -> str:
        words = ""
        async with asking(an_account()) as ask:
            words += repr(await ask.one(RATIO)) + repr(ask.provider)
            ask.line.instead = echo
            words += repr(await ask.one(RATIO))
        return words

    words = in_virtual_time(story())

    assert "not ***" in words
    assert KEY not in words


# --------------------------------------------------------------------------------------------------------------- names


def other_version() -> Account:
    return an_account([replace(each, version="2+ab12") for each in a_log() if each.version == "2"])


def test_a_version_that_is_silent_for_five_minutes_is_looked_up_and_the_nearest_is_told():
    async def story() -> list[Reading]:
        found = []
        async with asking(other_version()) as ask:
            for _ in range(7):
                found.append(await ask.one(RATIO, baseline=None))
                ask.account.world.now += MINUTE
        return found

    found = in_virtual_time(story())

    assert [type(each) for each in found[:5]] == [NoData] * 5
    assert isinstance(found[-1], Invalid)
    assert "no Transaction has tags.version = 2: it is 2+ab12" in found[-1].words


def test_that_new_relic_fails_now_and_then_does_not_clear_a_name_that_is_silent():
    async def story() -> list[Reading]:
        found = []
        async with asking(other_version()) as ask:
            for down in (0, 0, 0, 1, 0, 0, 0):
                ask.account.down = down
                found.append(await ask.one(RATIO, baseline=None))
                ask.account.world.now += MINUTE
        return found

    found = in_virtual_time(story())

    assert isinstance(found[3], Unavailable)
    assert isinstance(found[-1], Invalid)


def test_the_doctor_names_what_is_not_known():
    async def story() -> list[Unknown | None]:
        async with asking(an_account()) as ask:
            assert isinstance(ask.provider, Examined)
            where = RATIO["where"]
            return [
                await ask.provider.unknown(indicator(RATIO), NEW),
                await ask.provider.unknown(
                    indicator({**RATIO, "where": {**where, "appName": "chekout"}}), NEW
                ),
                await ask.provider.unknown(indicator({**RATIO, "where": {"app": "checkout"}}), NEW),
                await ask.provider.unknown(
                    indicator({**RATIO, "where": {"appName": "checkout", "release": "${arm.version}"}}), NEW
                ),
                await ask.provider.unknown(indicator(RATIO), {"version": "v22"}),
                await ask.provider.unknown(indicator(RATIO), {}),
            ]

    known, app, attribute, tag, release, unnamed = in_virtual_time(story())

    assert known is None
    for unknown, about, words in (
        (app, About.TAG, "did you mean checkout?"),
        (attribute, About.TAG, "no Transaction has an attribute app"),
        (tag, About.VERSION_TAG, "has an attribute release"),
        (release, About.RELEASE, " = v22: "),
        (unnamed, About.RELEASE, "names:"),
    ):
        assert unknown is not None
        assert (unknown.about, words in unknown.words) == (about, True)


def examined(account: Account, /, **settings: object) -> list[Finding]:
    async def story() -> list[Finding]:
        async with asking(account, **settings) as ask:
            assert isinstance(ask.provider, Examined)
            return list(await ask.provider.examine())

    return in_virtual_time(story())


def test_the_doctor_says_whether_the_account_is_seen_and_holds_anything():
    well, empty = examined(an_account()), examined(an_account([]))
    skewed, refused = examined(an_account(ahead=-MINUTE / 6)), examined(an_account(), key="NRAK-B")

    assert [(each.about, each.level) for each in well] == [
        (About.SITE, Level.OK),
        (About.KEY, Level.OK),
        (About.CLOCK, Level.OK),
    ]
    assert well[0].words == "https://api.newrelic.com, account 4711 answers: the key is of the region us"
    assert (empty[2].about, empty[2].level) == (About.ACCOUNT, Level.WARN)
    assert "neither transactions nor spans" in empty[2].words
    assert (skewed[-1].level, skewed[-1].words) == (
        Level.WARN,
        "this machine's clock is 10 s ahead of New Relic's",
    )
    assert [(each.about, each.level, each.untold) for each in refused] == [
        (About.KEY, Level.FAIL, False),
        (About.SITE, Level.WARN, True),
    ]

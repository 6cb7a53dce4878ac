"""A wrong name looks like silence: it is looked into, once it has lasted; and by the doctor at once."""

from typing import Any

import pytest

from deploy.model import About, Finding, Level
from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.sentry import Shop
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.sentry.asking import (
    ISSUES,
    MINUTE,
    NEW,
    REQUESTS,
    SESSIONS,
    Asking,
    a_log,
    a_shop,
    asking,
    indicator,
    read_one,
)
from watcher.signals.provider import Examined
from watcher.signals.sentry import site
from watcher.signals.sentry.names import Names
from watcher.signals.sentry.provider import Sentry
from watcher.signals.unknown import Unknown


def built() -> Shop:
    """Its SDK puts the build behind the version, which the pipeline does not know of."""
    log = [each for each in a_log() if each.version == "2"]
    return a_shop(log, named=lambda version: f"checkout@{version}+ab12", created={"catalog@7"})


def test_a_project_that_is_not_there_is_the_authors_with_the_nearest():
    found = read_one(a_shop(), {**REQUESTS, "project": "chekout"})

    assert isinstance(found, Invalid)
    assert found.who is Who.AUTHOR
    assert "no project chekout: did you mean checkout?" in found.words


def test_projects_are_listed_once_and_again_only_after_a_while():
    async def story() -> list[str]:
        async with asking(a_shop()) as ask:
            for query in (
                REQUESTS,
                REQUESTS,
                {**REQUESTS, "project": "new-one"},
                {**REQUESTS, "project": "new-one"},
            ):
                await ask.one(query)
            ask.shop.projects["new-one"] = 2
            ask.shop.world.now += 11 * MINUTE
            assert not isinstance(await ask.one({**REQUESTS, "project": "new-one"}), Invalid)
            return ask.asked

    assert in_virtual_time(story()).count("projects/") == 2


async def after_a_while(ask: Asking, query: Any, minutes: int = 6) -> list[Reading]:
    found = []
    for _ in range(minutes + 1):
        found.append(await ask.one(query))
        ask.shop.world.now += MINUTE
    return found


def test_a_release_that_is_silent_for_five_minutes_is_looked_up_and_its_name_is_told():
    async def story() -> list[Reading]:
        async with asking(built()) as ask:
            return await after_a_while(ask, SESSIONS)

    found = in_virtual_time(story())

    assert [type(each) for each in found[:5]] == [NoData] * 5
    assert isinstance(found[-1], Invalid)
    assert "no release checkout@2; nearest: checkout@2+ab12" in found[-1].words


def test_that_sentry_fails_now_and_then_does_not_clear_a_name_that_is_silent():
    async def story() -> list[Reading]:
        async with asking(built()) as ask:
            before = await after_a_while(ask, SESSIONS, minutes=3)
            ask.shop.down = 2
            return [*before, *await after_a_while(ask, SESSIONS, minutes=3)]

    found = in_virtual_time(story())

    assert [type(each) for each in found[3:5]] == [NoData, Unavailable]
    assert isinstance(found[-1], Invalid)


def test_the_same_of_its_issues():
    async def story() -> list[Reading]:
        async with asking(built()) as ask:
            return await after_a_while(ask, ISSUES)

    found = in_virtual_time(story())

    assert isinstance(found[0], NoData)
    assert isinstance(found[-1], Invalid)


def test_one_that_is_known_and_silent_has_no_traffic_and_no_wrong_name():
    shop = a_shop([each for each in a_log() if each.version == "1"], created={"checkout@2"})

    async def story() -> list[Reading]:
        async with asking(shop) as ask:
            return await after_a_while(ask, {**SESSIONS, "release": "${arm.sentry}"})

    found = in_virtual_time(story())

    assert all(isinstance(each, tuple | NoData) for each in found)


def test_it_is_looked_up_once_and_not_in_every_round():
    async def story() -> list[str]:
        async with asking(built()) as ask:
            await after_a_while(ask, SESSIONS, minutes=20)
            return [path for path in ask.asked if path.startswith("releases/")]

    assert len(in_virtual_time(story())) == 2  # itself, and the list


# ------------------------------------------------------------------------------------------------------------ the doctor


def examined(shop: Shop, **settings: Any) -> list[Finding]:
    async def story() -> list[Finding]:
        async with asking(shop, **settings) as ask:
            assert isinstance(ask.provider, Examined)
            return list(await ask.provider.examine())

    return in_virtual_time(story())


def test_the_doctor_says_where_all_is_well():
    found = examined(a_shop(), url="https://de.sentry.io")

    assert [each.about for each in found] == [About.SITE, About.KEY, About.SCOPE, About.CLOCK]
    assert {each.level for each in found} == {Level.OK}
    assert found[0].words == "https://de.sentry.io is where shop lives"


def test_the_doctor_says_that_another_site_is_asked_than_that_of_the_organisation():
    site, *others = examined(a_shop())

    assert (site.about, site.level) == (About.SITE, Level.WARN)
    assert site.words == "shop lives at https://de.sentry.io, and https://sentry.io is asked"
    assert "`url: https://de.sentry.io`" in site.remedy
    assert {each.level for each in others} == {Level.OK}


@pytest.mark.parametrize(
    ("asked", "told", "level", "words"),
    [
        ("https://sentry.acme.example", {"links": {"regionUrl": "https://de.sentry.io"}}, Level.OK, "of your own"),
        ("https://sentry.io", {}, Level.OK, "is where"),
        ("https://sentry.io", None, Level.OK, "is where"),
        ("https://sentry.io", {"links": {"regionUrl": "https://sentry.io.evil.example"}}, Level.OK, "is where"),
        ("https://sentry.io", {"links": {"regionUrl": "https://[x"}}, Level.OK, "is where"),
        ("https://sentry.io", {"links": {"regionUrl": f"https://{'a' * 32}.sentry.io"}}, Level.OK, "is where"),
        ("https://us.sentry.io", {"links": {"regionUrl": "https://de.sentry.io/x"}}, Level.WARN, "https://de.sentry.io,"),
    ],
)  # fmt: skip
def test_of_where_an_organisation_lives_sentrys_own_sites_alone_are_believed(asked, told, level, words):
    finding = site.finding(asked, "shop", told)

    assert (finding.level, words in finding.words) == (level, True)


def test_the_doctor_names_what_the_token_may_not():
    found = examined(a_shop(scopes=frozenset({"org:read"})))

    releases, issues = [each for each in found if each.level is Level.FAIL]
    assert (releases.about, issues.about) == (About.SCOPE, About.SCOPE)
    assert "names of releases" in releases.words
    assert "project:releases" in releases.words
    assert "new issues" in issues.words
    assert "event:read" in issues.words


def test_the_doctor_says_that_nobody_answers_or_that_the_clock_is_wrong():
    (refused,) = examined(a_shop(), token="another")
    (elsewhere,) = examined(a_shop(), organization="another")
    *_, skewed = examined(a_shop(ahead=-MINUTE / 6))
    (broken,) = examined(a_shop(ahead=MINUTE))

    assert (refused.about, refused.level) == (About.KEY, Level.FAIL)
    assert "the token is wrong" in refused.words
    assert (elsewhere.about, elsewhere.level) == (About.ORGANIZATION, Level.FAIL)
    assert (skewed.about, skewed.level) == (About.CLOCK, Level.WARN)
    assert skewed.words == "this machine's clock is 10 s ahead of Sentry's"
    assert (broken.about, broken.level) == (About.CLOCK, Level.FAIL)


def test_the_doctor_says_what_the_release_is_called_there():
    async def story() -> list[Unknown | None]:
        async with asking(built()) as ask:
            assert isinstance(ask.provider, Examined)
            wrong = indicator({**SESSIONS, "project": "chekout"})
            return [
                await ask.provider.unknown(indicator(SESSIONS), NEW),
                await ask.provider.unknown(indicator(SESSIONS), {"sentry": "checkout@2+ab12"}),
                await ask.provider.unknown(wrong, NEW),
                await ask.provider.unknown(indicator(SESSIONS), {}),
            ]

    release, known, project, unnamed = in_virtual_time(story())

    assert known is None
    for unknown, about, words in (
        (release, About.RELEASE, "nearest: checkout@2+ab12"),
        (project, About.PROJECT, "did you mean checkout"),
        (unnamed, About.RELEASE, "names:"),
    ):
        assert unknown is not None
        assert (unknown.about, words in unknown.words) == (about, True)


def test_a_file_that_is_no_authority_is_said_and_nothing_is_asked(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("nothing")

    async def story() -> tuple[Reading, list[Level], Unknown | None]:
        async with asking(a_shop(), authority=str(file)) as ask:
            assert isinstance(ask.provider, Examined)
            levels = [each.level for each in await ask.provider.examine()]
            return await ask.one(REQUESTS), levels, await ask.provider.unknown(indicator(REQUESTS), NEW)

    reading, levels, unknown = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert (levels, unknown) == ([Level.FAIL], None)


def test_of_too_many_releases_the_one_that_was_not_asked_about_for_longest_is_looked_up_again():
    shop = a_shop([], created={"a", "b", "c"})

    async def story() -> list[str]:
        async with asking(shop) as ask:
            assert isinstance(ask.provider, Sentry)
            names = Names(ask.provider._line, most_known=2)
            for name in ("a", "b", "a", "c", "a", "b", "b"):
                assert await names.release(1, name, ask.provider._line.monotonic() + 5) is True
            return [path.split("/")[1] for path in ask.asked]

    assert in_virtual_time(story()) == ["a", "b", "c", "b"]

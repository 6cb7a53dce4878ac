"""How a flag is set is a release: its tag can be set again, its fingerprint is all that decides who gets what."""

import json

import pytest

from deploy.model import Live, Release, Unreadable
from deploy.targets.unleash.flag import Flag, flag_of
from deploy.targets.unleash.state import release_of, set_to
from tests.fakes.launchdarkly.world import Told
from tests.fakes.unleash import FLAG, READER, WRITER, strategy
from tests.fakes.unleash.world import OTHER

BETA = {"contextName": "userId", "operator": "IN", "values": ["1"], "inverted": False}


def flag_now(stage) -> Flag:
    found = stage.run(stage.target()._client.flag())
    assert isinstance(found, Flag)
    return found


@pytest.mark.parametrize(
    ("told", "tag"),
    [
        (strategy(100), "on.100"),
        (strategy(0), "on.0"),
        (strategy(5), "on.5"),
        (strategy(5, parameters={"stickiness": "userId"}), "on.5/userId/new-checkout"),
        (strategy(5, parameters={"groupId": "checkout"}), "on.5/default/checkout"),
        ({"name": "default", "parameters": {}}, "on.default"),
    ],
)
def test_how_it_is_set_is_its_tag(stage, told, tag):
    stage.world.adds(told)
    stage.world.turns(on=True)

    assert stage.later().tag == tag


def test_a_flag_that_is_off_is_off_whatever_its_strategies_say(stage):
    before = stage.later()
    stage.world.adds(strategy(5))

    assert before.tag == "off"
    assert stage.later().is_same_as(before)


def test_two_strategies_are_told_in_their_order(stage):
    stage.world.adds(strategy(100, constraints=[BETA]))
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)

    assert stage.later().tag.startswith("on.100+5@")


def test_their_order_is_the_one_that_people_gave_them_and_not_that_of_their_ids(stage):
    stage.world.adds(strategy(100, constraints=[BETA], sortOrder=7))
    stage.world.adds(strategy(5, sortOrder=2))
    stage.world.turns(on=True)

    assert stage.later().tag.startswith("on.5+100@")


@pytest.mark.parametrize(
    "members",
    [
        {"constraints": [BETA]},
        {"segments": [1]},
        {"variants": [{"name": "blue", "weight": 1000, "payload": {"type": "string", "value": "hunter2"}}]},
        {"parameters": {"stickiness": "a name with blanks"}},
        {"parameters": {"groupId": "a/b"}},
        {"parameters": {"rollout": "150"}},
    ],
)
def test_what_a_tag_cannot_say_makes_another_release_of_it_and_is_not_shown(stage, members):
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    bare = stage.later()
    stage.world.changes_strategy(**members)

    found = stage.later()

    assert not found.is_same_as(bare)
    assert "@" in found.tag
    assert "hunter2" not in f"{found}"


def test_a_flag_that_it_depends_on_makes_another_release_of_it(stage):
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    bare = stage.later()
    stage.world.depends_on("payments")

    assert not stage.later().is_same_as(bare)
    assert stage.later().tag.startswith("on.5@")


@pytest.mark.parametrize(
    "members",
    [{"title": "everybody"}, {"variants": None}, {"constraints": []}, {"disabled": None}, {"sortOrder": 3}],
    ids=["a title", "no variants", "no constraints", "not said", "another place"],
)
def test_what_decides_nothing_is_no_content(stage, members):
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    before = stage.later()
    stage.world.changes_strategy(**members)

    assert stage.later().is_same_as(before)


def test_a_strategy_that_is_switched_off_is_no_content(stage):
    first = stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    before = stage.later()
    second = stage.world.adds(strategy(50))
    stage.world.changes_strategy(second, disabled=True)
    assert stage.later().is_same_as(before)

    stage.world.changes_strategy(first, disabled=True)

    assert stage.later().tag == "off"  # Unleash turns off what has no active strategy


def test_another_environment_is_none_of_ours(stage):
    before = stage.later()
    stage.world.turns(on=True, environment=OTHER)

    assert stage.later().is_same_as(before)


def test_each_tag_can_be_set_again_and_what_is_none_cannot(stage):
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    stage.later()
    flag = flag_now(stage)

    for tag in ("off", "on.0", "on.5", "on.100", "on.5/userId/new-checkout", "on.7/default/checkout"):
        after = set_to(flag, tag, FLAG)
        assert after is not None
        assert release_of(after, FLAG).tag == tag
    for tag in (
        "on",
        "on.101",
        "on.05",
        "on.5+5",
        "on.default",
        "on.many@12345678",
        "on.nothing",
        "v42",
        "on.5/x",
        "on.-5",
    ):
        assert set_to(flag, tag, FLAG) is None, tag


def test_what_unleash_left_out_is_what_it_takes_for_it(stage):
    """An old strategy without a group has that of its flag's name, and is not another release once it is written again."""
    of = stage.world.adds({"name": "flexibleRollout", "parameters": {"rollout": "5"}})
    stage.world.turns(on=True)
    five = stage.later()
    stage.world.changes_strategy(of, parameters={"rollout": "50"})
    stage.later()

    after = set_to(flag_now(stage), five.tag, FLAG)

    assert five.tag == "on.5"
    assert after is not None
    assert release_of(after, FLAG).is_same_as(five)


def test_without_an_active_strategy_it_says_so_and_many_are_told_by_their_content(stage):
    many = tuple(strategy(number) for number in range(60))
    for each in many:
        stage.world.adds(each)
    stage.world.turns(on=True)

    assert stage.later().tag.startswith("on.many@")
    assert release_of(Flag(on=True), FLAG).tag == "on.nothing"


def test_since_when_and_that_it_is_asked_once_as_long_as_it_is_set_so(stage):
    stage.world.adds(strategy(5))
    stage.clock.go_on(minutes=5)
    stage.world.turns(on=True)
    turned = stage.clock.time
    stage.clock.go_on(minutes=5)
    stage.world.changes_strategy(title="everybody")
    target = stage.target()

    found = [stage.run(target.observe()) for _ in range(3)]

    assert {each.since for each in found} == {turned}
    assert [path for _, path, _ in stage.world.asked if path.endswith("/events")] == [
        "/api/admin/search/events"
    ]


def test_where_events_cannot_be_read_all_else_is_told(stage):
    real, seen = stage.send, []

    async def without_events(method, url, *more, **words):
        seen.append(url)
        return await real(method, url.replace("search/events", "nothing"), *more, **words)

    stage.send = without_events
    live = stage.live()

    assert (live.release.tag, live.since) == ("off", None)
    assert any("search/events" in each for each in seen)


def test_an_archived_flag_gives_nothing_and_is_not_taken_for_one_that_is_unknown(stage):
    stage.world.archived = True
    gone = stage.run(stage.target().observe())
    unknown = stage.run(stage.target(flag="other").observe())

    assert isinstance(gone, Live)
    assert gone.release is None
    assert isinstance(stage.run(stage.target().resolve({})), Unreadable)
    assert isinstance(unknown, Unreadable)
    assert 'no feature named "other"' in unknown.words
    assert "look at `project` and `flag`" in unknown.words


@pytest.mark.parametrize("wanted", [{"tag": "on.5"}, {"tag": "on"}, {"version": "on.5"}, {}])
def test_what_is_hinted_at_is_found_if_it_is_set_so(stage, wanted):
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    stage.later()

    found = stage.run(stage.target().resolve(wanted))

    assert isinstance(found, Release)
    assert found.tag == "on.5"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "not an answer of Unleash"),
        (b"[]", "not an answer of Unleash"),
        (b'{"project": "default"}', "environments"),
        (
            b'{"project": "default", "environments": [{"name": "staging", "enabled": true}]}',
            "no environment production",
        ),
        (
            b'{"project": "default", "environments": [{"name": "production", "enabled": "no"}]}',
            "environments.0.enabled",
        ),
        (
            json.dumps(
                {
                    "project": "p",
                    "environments": [{"name": "production", "enabled": True, "strategies": [{}] * 201}],
                }
            ).encode(),
            "environments.0.strategies",
        ),
        (
            b'{"project": "p", "environments": [{"name": "production", "enabled": true, "strategies": [{"id": "../x", "name": "d"}]}]}',
            "environments.0.strategies.0.id",
        ),
    ],
    ids=[
        "no JSON",
        "a list",
        "nothing in it",
        "another environment",
        "another type",
        "too many",
        "an id that climbs",
    ],
)
def test_what_is_no_answer_is_unreadable_and_says_where(stage, body, words):
    stage.world.befalls("GET", Told(200, body))

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert words in found.words
    assert WRITER not in found.words


def test_a_token_that_is_not_accepted_is_said_and_never_shown(stage):
    found = stage.run(stage.target(token="user:wrong").observe())

    assert isinstance(found, Unreadable)
    assert "HTTP 401: UnauthorizedError: You must log in" in found.words
    assert "user:wrong" not in found.words


def test_a_readers_token_reads(stage):
    assert stage.live(token=READER).release.tag == "off"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("flag", "../x"),
        ("flag", ".."),
        ("flag", "a/b"),
        ("project", ""),
        ("environment", "a b"),
        ("url", "ftp://x"),
        ("url", "http://unleash.shop.example"),
        ("url", "https://unleash.shop.example:99999"),
        ("url", "https://unleash.shop.example:0"),
        ("url", "https://unleash.shop.example\n"),
        ("url", "https://user@x"),
        ("url", "https://x/"),
        ("url", "https://x/../y"),
        ("url", "https://x/a?b"),
        ("url", "https://x/api"),
        ("url", "https://x/api/admin"),
        ("url", "https://"),
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(stage, name, wrong):
    with pytest.raises(ValueError, match=name):
        stage.target(**{name: wrong})


@pytest.mark.parametrize(
    "url",
    ["https://eu.app.unleash-hosted.com/eubb1004", "http://localhost:4242", "https://u.example:8443/apis"],
)
def test_a_hosted_instance_has_its_name_as_a_path_and_this_machine_needs_no_tls(stage, url):
    assert stage.target(url=url)._settings.url == url


def test_variants_of_the_flag_itself_count_in_their_own_environment_and_in_no_other(stage):
    blue = {"name": "blue", "weight": 1000, "payload": {"type": "string", "value": "1"}}
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    stage.world.gives_variants(blue)
    before = stage.later()
    stage.world.gives_variants(blue | {"payload": {"type": "string", "value": "2"}}, environment=OTHER)
    stage.world.gives_variants({"name": "red", "weight": 1000}, blue, environment=OTHER)
    assert stage.later().is_same_as(before)

    stage.world.gives_variants(blue | {"payload": {"type": "string", "value": "3"}})

    assert before.tag.startswith("on.5@")
    assert not stage.later().is_same_as(before)


def test_one_that_was_moved_to_another_project_is_unreadable_and_not_archived(stage):
    stage.world.moved_to = "shop"

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert 'there\'s a feature with that name in project "shop"' in found.words
    assert "look at `project` and `flag`" in found.words


def test_what_an_sdk_takes_for_what_is_not_said_is_the_same_release_once_it_is_said(stage):
    of = stage.world.adds({"name": "flexibleRollout", "parameters": {"rollout": "5"}})
    stage.world.turns(on=True)
    before = stage.later()

    stage.world.changes_strategy(of, parameters={"stickiness": "default", "groupId": FLAG})

    assert stage.later().is_same_as(before)
    assert stage.later().tag == before.tag
    stage.world.changes_strategy(of, parameters={"stickiness": "userId"})
    assert not stage.later().is_same_as(before)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (50, "50"),
        (50.0, "50"),
        (12.5, "12.5"),
        (True, "true"),
        (None, ""),
        ("50", "50"),
        (["a", 1], '["a",1]'),
    ],
)
def test_a_parameter_is_the_text_that_unleash_makes_of_it(told, text):
    body = {
        "project": "p",
        "environments": [
            {
                "name": "production",
                "enabled": True,
                "strategies": [
                    {"id": "a", "name": "x", "parameters": {"y": told}},
                    {"id": "b", "name": "x", "parameters": None},
                ],
            }
        ],
    }

    found = flag_of(json.dumps(body).encode(), "production")

    assert isinstance(found, Flag), found
    assert [each.parameters for each in found.every] == [{"y": text}, {}]


def test_an_address_that_leads_elsewhere_is_said_with_what_to_do(stage):
    stage.world.befalls("GET", Told(301, b"", {"Location": "https://elsewhere.example/"}))

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert "HTTP 301; it leads elsewhere" in found.words
    assert WRITER not in found.words

"""``rollback --direct``: back without a daemon, once, by what the platform remembers; and every call is written down around it."""

import json
from datetime import timedelta

import pytest

from deploy.model import Standing
from tests.deploy.targets.ecs.stage import ACTOR, LONG_AGO
from tests.fakes.aws import Direct, Scope
from tests.fakes.aws.direct import ALL
from tests.watcher.commands.emergency import KEY, RULES, Deadly, Emergency, Killed
from watcher.commands._client import Misused, Refused, Unreachable
from watcher.commands._direct.diary import DiaryUnwritten
from watcher.commands._direct.opening import load


@pytest.fixture
def emergency(tmp_path):
    found = Emergency(tmp_path)
    found.stage.deployed("web:2")
    yield found
    assert found.stage.world.bugs == []


def test_it_goes_back_to_the_known_good_that_the_platform_remembers(emergency):
    ended = emergency.goes_back()

    assert (ended.status, ended.words) == (0, "serves again")
    assert emergency.stage.changed() == ["UpdateService"]
    assert emergency.stage.live().release.tag == "web:1"


def test_what_will_be_done_is_shown_before_it_is_asked_for_and_what_is_done_while_it_is(emergency):
    emergency.goes_back()

    told = "\n".join(emergency.told)
    assert "service: web:2 → web:1" in told
    assert "2. ecs:UpdateService cluster=prod service=web taskDefinition=web:1" in told
    assert "  sessions: a request that is under way ends on its old task" in told
    assert "  not undone: parameters and secrets that are read by reference, flags, migrations" in told
    assert "note: web:1 is known-good (served), by what the platform remembers" in told
    assert "note: if a daemon runs, it sees somebody's deployment" in told
    assert "was asked" in told
    assert told.index("service: web:2 → web:1: sent now") < told.index("2 of 4 tasks run web:1")
    assert (
        "when the daemon runs again: rollbackd distrust web:2 --service checkout --environment production"
        in told
    )
    assert emergency.asked == [False]


def test_who_says_no_has_sent_nothing_and_written_nothing(emergency):
    emergency.says = False

    with pytest.raises(Refused, match="nothing was sent") as refused:
        emergency.goes_back()

    assert refused.value.exit_code == 3
    assert emergency.stage.world.mutating_calls() == []
    assert not emergency.audit.exists()


def test_the_audit_says_who_did_what_and_why_around_the_call(emergency):
    ended = emergency.goes_back()

    agreed, begins, answered, end = emergency.lines()
    assert [each["event"] for each in (agreed, begins, answered, end)] == [
        "agreed",
        "begins",
        "answered",
        "ended",
    ]
    assert {(each["user"], each["host"], each["key"], each["reason"]) for each in emergency.lines()} == {
        ("ada", "laptop", ended.key, "checkout is down")
    }
    assert begins["words"] == "service: web:2 → web:1"
    assert answered["words"].startswith("ecs:UpdateService")
    assert (begins["sent"], answered["sent"]) == (0, 1)
    assert end["words"] == "serves again"
    assert emergency.audit.stat().st_mode & 0o777 == 0o600


def test_where_the_audit_cannot_be_kept_nothing_is_sent(emergency):
    emergency.audit.mkdir()

    with pytest.raises(DiaryUnwritten) as unwritten:
        emergency.goes_back()

    assert "--audit PATH" in unwritten.value.remedy
    assert emergency.stage.world.mutating_calls() == []


def test_no_secret_of_another_system_is_asked_for(emergency, monkeypatch):
    monkeypatch.delenv("NO_PERSON_HAS_THIS", raising=False)

    assert emergency.goes_back().status == 0


# ------------------------------------------------------------------------------------------------------------- as whom


def test_it_acts_as_the_role_to_act_and_says_so(emergency):
    emergency.goes_back()

    assert any(
        words.startswith("note: in the account shop (123456789012, eu-central-1) as ")
        for words in emergency.told
    )
    assert {call.by for call in emergency.stage.world.mutating_calls()} == {ACTOR}


def test_a_role_that_cannot_be_assumed_is_found_out_before_anybody_is_asked(emergency):
    del emergency.stage.world.identities.roles[ACTOR]

    with pytest.raises(Unreachable, match="nobody can act in the account shop") as unreachable:
        emergency.goes_back()
    assert "--own-credentials" in unreachable.value.remedy

    assert unreachable.value.exit_code == 4
    assert emergency.asked == []


def test_where_no_role_to_act_is_named_it_acts_as_whoever_asks(emergency):
    emergency.configuration = emergency.configuration.replace(f', act: "{ACTOR}"', "").replace(
        "auto", "shadow"
    )
    own = Direct(emergency.stage.world, {"shop": Scope("eu-central-1", act=ALL)})

    ended = emergency.goes_back(aws=own)

    assert ended.status == 0
    (mover,) = {call.by for call in emergency.stage.world.mutating_calls()}
    assert mover == emergency.stage.world.identities.own.arn


def test_without_the_roles_no_role_reads_and_none_acts(emergency):
    emergency.configuration = emergency.configuration.replace("act:", f'read: "{ACTOR}", act:')
    (emergency.folder / "web.yaml").write_text(RULES)
    path = emergency.folder / "rollbackd.yaml"
    path.write_text(emergency.configuration)

    loaded = load(path, KEY, lambda _: None, own_credentials=True)

    (account,) = loaded.configuration.accounts.values()
    assert (account.read, account.act, account.aws.may_act) == (None, None, True)
    assert [each.id for each in loaded.accounts] == ["123456789012"]


def test_credentials_of_another_account_move_nothing_there(emergency):
    read = "arn:aws:iam::999999999999:role/rb-read"
    emergency.configuration = emergency.configuration.replace(f'act: "{ACTOR}"', f'read: "{read}"').replace(
        "auto", "shadow"
    )
    own = Direct(emergency.stage.world, {"shop": Scope("eu-central-1", act=ALL)})

    for without_roles in (False, True):
        with pytest.raises(Refused, match="of the account 123456789012, and shop is 999999999999"):
            emergency.goes_back(aws=own, own_credentials=without_roles)

    assert emergency.stage.world.mutating_calls() == []


# ---------------------------------------------------------------------------------------------------------- said twice


@pytest.mark.parametrize("before", [True, False])
def test_killed_in_between_and_said_again_it_is_one_rollback_with_one_key(emergency, before):
    with pytest.raises(Killed):
        emergency.goes_back(aws=Deadly(emergency.stage.aws, before))
    emergency.stage.goes_on(seconds=5)

    ended = emergency.goes_back()

    assert ended.status == 0
    assert emergency.stage.changed() == ["UpdateService"]
    assert {line["key"] for line in emergency.lines()} == {ended.key}
    assert any(words.startswith("note: goes on with what ada began") for words in emergency.told)
    assert emergency.stage.live().release.tag == "web:1"


def test_killed_while_it_is_followed_nothing_is_sent_again(emergency):
    async def dies(_seconds):
        raise Killed

    with pytest.raises(Killed):
        emergency.goes_back(pause=dies)
    emergency.stage.goes_on(seconds=30)

    assert emergency.goes_back("web:1").status == 0
    assert emergency.stage.changed() == ["UpdateService"]


def test_from_another_machine_what_is_under_way_is_followed_and_not_gone_back_from(emergency):
    emergency.goes_back(timeout=timedelta(seconds=5))
    emergency.audit.unlink()
    emergency.stage.goes_on(seconds=5)

    ended = emergency.goes_back()

    assert ended.status == 0
    assert "note: a rollback to web:1 is under way already" in emergency.told
    assert emergency.asked == [False, False]
    assert emergency.stage.changed() == ["UpdateService"]


@pytest.mark.parametrize("to", [(), ("web:1",), ("service=web:1",)])
def test_said_again_once_it_is_done_it_is_done(emergency, to):
    emergency.stage.deployed("web:3")
    emergency.goes_back("web:1")

    ended = emergency.goes_back(*to)

    assert ended.status == 0
    assert "web:1 serves" in ended.words
    assert emergency.stage.changed() == ["UpdateService"]


def test_hours_after_a_rollback_it_can_be_gone_further_back(emergency):
    emergency.stage.goes_on(hours=30)
    emergency.stage.deployed("web:3")
    emergency.goes_back()
    assert emergency.stage.live().release.tag == "web:2"
    emergency.stage.goes_on(hours=2)

    ended = emergency.goes_back()

    assert ended.status == 0
    assert emergency.stage.live().release.tag == "web:1"


def test_a_rollback_that_failed_hours_ago_is_not_gone_on_with(emergency):
    emergency.goes_back(timeout=timedelta(0))
    emergency.stage.goes_on(minutes=10)
    emergency.stage.deployed("web:2")
    emergency.stage.goes_on(hours=2)

    ended = emergency.goes_back()

    assert ended.status == 0
    assert len({line["key"] for line in emergency.lines()}) == 2
    assert emergency.stage.live().release.tag == "web:1"


def test_another_release_that_is_named_is_another_rollback(emergency):
    emergency.stage.deployed("web:3")
    emergency.goes_back("web:2", timeout=timedelta(0))

    ended = emergency.goes_back("web:1")

    assert ended.status == 0
    assert emergency.stage.live().release.tag == "web:1"
    assert ended.key != emergency.lines()[0]["key"]


def test_what_is_not_known_yet_of_what_is_on_its_way_is_waited_for(emergency):
    emergency.stage.deploy("web:3")
    emergency.stage.goes_on(seconds=5)

    ended = emergency.goes_back("web:1")

    assert ended.status == 0
    assert sum("this is waited for" in words for words in emergency.told) == 1


def test_a_release_whose_images_cannot_be_pulled_is_gone_back_from_all_the_same(emergency):
    emergency.stage.behaves("web:3", fails_to_start="CannotPullContainerError: no such image")
    emergency.stage.deploy("web:3")
    emergency.stage.goes_on(seconds=5)

    ended = emergency.goes_back("web:1")

    assert ended.status == 0
    assert emergency.stage.live().release.tag == "web:1"


def test_what_stays_unknown_is_not_waited_for_for_ever(emergency):
    emergency.stage.deploy("web:3")
    emergency.stage.goes_on(seconds=5)
    waited: list[float] = []

    async def sees_nothing_new(seconds):
        waited.append(seconds)

    emergency.seconds = lambda: sum(waited)

    with pytest.raises(Unreachable, match="web:3 is on its way") as unreachable:
        emergency.goes_back("web:1", pause=sees_nothing_new)

    assert "stop that deployment on the platform itself" in unreachable.value.remedy
    assert 360 <= sum(waited) <= 370
    assert emergency.stage.changed() == []


# -------------------------------------------------------------------------------------------------------- several parts


@pytest.fixture
def two_parts(emergency):
    one = "[{ecs: {cluster: prod, service: web}}]"
    two = "{web: {ecs: {cluster: prod, service: web}}, worker: {ecs: {cluster: prod, service: worker}}}"
    emergency.configuration = emergency.configuration.replace(one, two)
    ecs, now = emergency.stage.world.ecs, emergency.stage.clock.time
    for image in ("work:1", "work:2"):
        ecs.register("worker", image, LONG_AGO)
    ecs.create_service("worker", "worker:1", LONG_AGO, desired=2)
    emergency.stage.goes_on(seconds=1)
    ecs.deploy("worker", "worker:2", now)
    emergency.stage.goes_on(minutes=10)
    return emergency


def worker(emergency):
    return emergency.stage.world.ecs.find("worker").task_definition.rpartition("/")[2]


def test_parts_go_back_one_after_the_other(two_parts):
    ended = two_parts.goes_back("worker=worker:1", "web=web:1")

    assert ended.status == 0
    assert [line["words"] for line in two_parts.lines() if line["event"] == "begins"] == [
        "web: web:2 → web:1",
        "worker: worker:2 → worker:1",
    ]
    assert (two_parts.stage.wanted(), worker(two_parts)) == ("web:1", "worker:1")


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("number", [1, 2])
def test_killed_between_two_parts_and_said_again_each_is_moved_once(two_parts, before, number):
    with pytest.raises(Killed):
        two_parts.goes_back("web=web:1", "worker=worker:1", aws=Deadly(two_parts.stage.aws, before, number))
    two_parts.stage.goes_on(seconds=5)

    ended = two_parts.goes_back("web=web:1", "worker=worker:1")

    assert ended.status == 0
    assert two_parts.stage.changed() == ["UpdateService", "UpdateService"]
    assert len({line["key"] for line in two_parts.lines()}) == 1


def test_a_part_that_serves_what_it_should_is_left_alone_and_not_to_be_distrusted(two_parts):
    two_parts.goes_back("web=web:1")

    ended = two_parts.goes_back("web=web:1", "worker=worker:1")

    assert ended.status == 0
    assert two_parts.stage.changed() == ["UpdateService", "UpdateService"]
    assert not any("distrust web:1" in words for words in two_parts.told)
    assert two_parts.goes_back("web=web:1", "worker=worker:1").words.endswith("nothing is in flight")


# ----------------------------------------------------------------------------------------------------- what stops it


def test_a_third_release_is_left_alone_and_the_next_try_begins_with_it(emergency):
    with pytest.raises(Killed):
        emergency.goes_back(aws=Deadly(emergency.stage.aws, before=True))
    emergency.stage.deployed("web:3")

    stopped = emergency.goes_back()
    changed = emergency.stage.changed()
    ended = emergency.goes_back("web:1")

    assert stopped.status == 3
    assert "web:3 serves, not web:2: somebody else has moved it" in stopped.words
    assert changed == []
    assert ended.status == 0


def test_a_release_that_comes_while_it_is_asked_is_left_alone(emergency):
    def deploys(_stands):
        emergency.stage.deployed("web:3")
        return True

    emergency._agrees = deploys

    ended = emergency.goes_back()

    assert ended.status == 3
    assert emergency.stage.changed() == []
    assert emergency.events() == ["agreed", "ended"]


def test_a_permission_that_is_refused_is_told_in_the_words_of_the_platform_with_what_can_be_run(emergency):
    emergency.stage.world.identities.role(ACTOR, {"ecs:TagResource", "ecs:Describe*"})

    ended = emergency.goes_back()

    assert ended.status == 3
    assert "AccessDenied" in ended.words
    assert "by hand: aws ecs update-service" in ended.words
    assert emergency.events() == ["agreed", "begins", "answered", "ended"]
    assert emergency.stage.live().release.tag == "web:2"


def test_a_move_that_was_taken_and_came_to_nothing_has_failed(emergency):
    emergency.goes_back(timeout=timedelta(0))
    emergency.stage.deployed("web:2")
    emergency.stage.goes_on(minutes=5)

    ended = emergency.goes_back()

    assert ended.status == 1
    assert emergency.events()[-1] == "ended"


def test_what_takes_longer_than_the_time_out_is_left_and_told_so(emergency):
    ended = emergency.goes_back(timeout=timedelta(seconds=20))

    assert ended.status == 7
    assert emergency.events() == ["agreed", "begins", "answered", "left"]


def test_what_cannot_be_read_is_unavailable(emergency):
    emergency.stage.world.faults.fail("ecs", times=None)

    with pytest.raises(Unreachable, match="what runs cannot be read") as unreachable:
        emergency.goes_back()

    assert unreachable.value.exit_code == 4
    assert emergency.stage.world.mutating_calls() == []


def quarantined(emergency, tag):
    release = emergency.stage.release(tag)
    standing = Standing(release, "quarantined", emergency.stage.clock.time, "errors of 5 percent")
    assert emergency.stage.run(emergency.stage.target().mark([standing])) == ""


def test_a_quarantined_release_is_refused_unless_it_is_asked_for(emergency):
    quarantined(emergency, "web:1")

    with pytest.raises(Refused, match="web:1 is quarantined: errors of 5 percent") as refused:
        emergency.goes_back("web:1")
    sent = emergency.stage.changed()
    ended = emergency.goes_back("web:1", even_quarantined=True)

    assert "--even-quarantined" in refused.value.remedy
    assert sent == []
    assert ended.status == 0


def test_where_nothing_is_known_to_be_good_it_says_what_there_is_and_asks_for_a_name(emergency):
    quarantined(emergency, "web:1")

    with pytest.raises(Refused, match="no known-good release but web:2") as refused:
        emergency.goes_back()

    assert "--to TAG" in refused.value.remedy
    assert "web:1 (quarantined)" in refused.value.remedy


def test_a_release_that_nobody_remembers_can_be_named_and_that_is_said(emergency):
    ended = emergency.goes_back("web:3")

    assert ended.status == 0
    assert any("does not remember web:3" in words for words in emergency.told)
    assert emergency.stage.live().release.tag == "web:3"


@pytest.mark.parametrize("to", [("-x",), ("web:1", "web:2"), ("a b",)])
def test_what_cannot_be_a_release_is_usage(emergency, to):
    with pytest.raises(Misused) as misused:
        emergency.goes_back(*to)

    assert misused.value.exit_code == 2


def test_a_service_that_is_not_configured_is_usage(emergency):
    emergency.configuration = emergency.configuration.replace("  checkout:", "  basket:")

    with pytest.raises(Misused) as misused:
        emergency.goes_back()

    assert misused.value.remedy == "known: basket/production"


def test_something_in_the_way_is_asked_about(emergency):
    emergency.stage.world.ecs.definitions.deregister("web:1")
    emergency.says = False

    with pytest.raises(Refused):
        emergency.goes_back()

    assert emergency.asked == [True]


def test_the_end_as_data(emergency):
    ended = emergency.goes_back()

    assert json.loads(json.dumps(ended.as_data())) == {
        "status": 0,
        "words": "serves again",
        "key": ended.key,
        "moves": [{"part": "service", "from": "web:2", "to": "web:1"}],
    }

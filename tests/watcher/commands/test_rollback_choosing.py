"""Where ``rollback --direct`` goes back to, by what is known; and what its audit file tells a second try."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Live, Move, Recalled, Release, RollbackPlan, Unreadable
from tests.builders import NOON
from tests.watcher.api.daemon import a_service
from watcher.commands._client import Misused, Refused, Unreachable
from watcher.commands._direct.choosing import Chosen, DoneAlready, Wish, choose
from watcher.commands._direct.diary import Begun, Diary, DiaryUnwritten, Event, Who
from watcher.commands._direct.remembering import Known, ledger_of
from watcher.commands._direct.running import _is_meant
from watcher.commands._direct.telling import afterwards

OLD, GOOD, BAD = (Release(f"sha256:{number}", f"v{number}") for number in (1, 2, 3))
SERVICE = a_service()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SERVED = ((OLD, NOON - 9 * DAY), (GOOD, NOON - 5 * DAY), (BAD, NOON - DAY))


def known(live=BAD, served=SERVED, in_flight=None, key=None, **recalled):
    ledger = ledger_of(SERVICE, "service", Recalled(served, **recalled), NOON)
    return Known(Live(live, in_flight, key=key, since=NOON - HOUR / 2), ledger)


def chosen(parts, *to, even_quarantined=False):
    return choose(SERVICE, parts, Wish(to, even_quarantined), NOON)


def moves(found):
    assert isinstance(found, Chosen)
    return [(move.part, move.expect.tag, move.to.tag) for move in found.plan.moves]


# ------------------------------------------------------------------------------------------------------- the known-good


def test_it_is_the_last_that_served_long_enough():
    found = chosen({"service": known()})

    assert moves(found) == [("service", "v3", "v2")]
    assert found.notes == ("v2 is known-good (served), by what the platform remembers",)


def test_what_was_proven_is_better_and_what_it_leaves_out_is_said():
    found = chosen({"service": known(proven={OLD.fingerprint: NOON - 8 * DAY})})

    assert moves(found) == [("service", "v3", "v1")]
    assert found.notes == (
        "v1 is known-good (proven), by what the platform remembers",
        "leaves out 1 releases between",
    )


def test_what_is_quarantined_is_left_out():
    found = chosen({"service": known(quarantined={GOOD.fingerprint: (NOON, "it failed")})})

    assert moves(found) == [("service", "v3", "v1")]


def test_what_served_too_shortly_is_not_known_to_be_good():
    shortly = ((GOOD, NOON - DAY - HOUR), (BAD, NOON - DAY))

    with pytest.raises(Refused) as refused:
        chosen({"service": known(served=shortly)})

    assert refused.value.remedy == "name one, --to TAG: v2 (unknown)"


def test_what_is_coming_is_what_is_undone():
    coming = known(live=GOOD, served=SERVED[:2], in_flight=BAD)

    assert moves(chosen({"service": coming})) == [("service", "v3", "v2")]
    assert moves(chosen({"service": coming}, "v2")) == [("service", "v3", "v2")]


def test_past_a_release_that_cannot_be_undone_is_said():
    floor = Release(BAD.fingerprint, BAD.tag, reversible=False)

    found = chosen({"service": known(live=floor)})

    assert "goes past a release that cannot be undone" in found.notes


def test_what_a_rollback_has_just_put_there_is_not_undone():
    ours = "w_" + "0" * 32 + ".3.0"

    assert isinstance(chosen({"service": known(key=ours)}), DoneAlready)
    assert moves(chosen({"service": known(key="by-hand")})) == [("service", "v3", "v2")]


def test_a_memory_that_cannot_be_read_now_is_not_an_empty_one():
    unread = Known(Live(BAD), Unreadable("throttled"))

    with pytest.raises(Unreachable, match="throttled"):
        chosen({"service": unread})
    found = chosen({"service": unread}, "v2")

    assert moves(found) == [("service", "v3", "v2")]
    assert "cannot be read: throttled; whether v2 was good nobody can say" in found.notes[0]


def test_where_nothing_runs_there_is_nothing_to_go_back_from():
    with pytest.raises(Refused, match="nothing runs"):
        chosen({"service": known(live=None)}, "v2")


# --------------------------------------------------------------------------------------------------------- what is named

PARTS = {"web": known(), "worker": known(live=GOOD)}


def test_what_is_on_its_way_already_undoes_what_serves_until_it_is_there():
    coming = {"service": known(live=BAD, in_flight=GOOD)}
    ours = {"service": known(live=BAD, in_flight=GOOD, key="direct_" + "0" * 32)}

    assert moves(chosen(coming, "v2")) == [("service", "v3", "v2")]
    assert moves(chosen(ours)) == [("service", "v3", "v2")]
    assert moves(chosen({"service": known(live=None, in_flight=GOOD)}, "v2")) == [("service", "v2", "v2")]


def test_what_serves_already_is_done_whatever_its_mark_says():
    parts = {"service": known(quarantined={BAD.fingerprint: (NOON, "it failed")})}

    assert isinstance(chosen(parts, "v3"), DoneAlready)


def test_what_was_left_is_to_be_distrusted_and_never_what_was_gone_to():
    plan = RollbackPlan("checkout", "production", (Move("web", BAD, GOOD), Move("worker", GOOD, GOOD)))

    assert list(afterwards(plan)) == [
        "when the daemon runs again: rollbackd distrust v3 --service checkout --environment production --reason …"
    ]


def test_of_several_parts_those_move_that_are_named_in_the_order_of_the_service():
    assert moves(chosen(PARTS, "worker=v1", "web=v2")) == [("web", "v3", "v2"), ("worker", "v2", "v1")]
    assert moves(chosen(PARTS, "worker=v1")) == [("worker", "v2", "v1")]
    assert isinstance(chosen(PARTS, "worker=v2"), DoneAlready)
    assert moves(chosen(PARTS, "web=v2", "worker=v2")) == [("web", "v3", "v2")]


@pytest.mark.parametrize("to", [(), ("v1",), ("api=v1",), ("web=v1", "web=v2")])
def test_of_several_parts_each_has_to_be_named_once(to):
    with pytest.raises(Misused) as misused:
        chosen(PARTS, *to)

    assert "--to" in misused.value.remedy


def test_a_name_of_two_releases_is_no_name():
    twice = ((Release("sha256:a", "v1"), NOON - 9 * DAY), (Release("sha256:b", "v1"), NOON - 8 * DAY))
    parts = {"service": known(served=(*twice, (BAD, NOON - DAY)))}

    with pytest.raises(Misused, match="several releases go by 'v1'"):
        chosen(parts, "v1")

    assert moves(chosen(parts, "sha256:a")) == [("service", "v3", "v1")]


# ------------------------------------------------------------------------------------------------------------- the audit

PLAN = RollbackPlan("checkout", "production", (Move("service", BAD, GOOD),))


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path / "audit", Who("ada", "laptop"), "it is down")


def begun(diary, service="checkout"):
    return diary.begun((service, "production"), HOUR, NOON)


def test_what_was_begun_and_has_not_ended_is_known_again(diary):
    diary.write(Event.AGREED, PLAN, "k1", NOON)
    agreed = begun(diary)
    diary.write(Event.BEGINS, PLAN, "k1", NOON)
    sending = begun(diary)
    diary.write(Event.ANSWERED, PLAN, "k1", NOON, sent=1)
    diary.write(Event.LEFT, PLAN, "k1", NOON, sent=1)
    left = begun(diary)
    diary.write(Event.ENDED, PLAN, "k1", NOON, sent=1)

    assert agreed is None
    assert (sending.key, sending.plan, sending.sent, sending.by) == ("k1", PLAN, 0, "ada")
    assert left.sent == 1
    assert (sending.unanswered, left.unanswered) == (True, False)
    assert begun(diary) is None


def test_the_last_rollback_of_a_service_counts_and_not_that_of_another(diary):
    diary.write(Event.BEGINS, PLAN, "k1", NOON)
    diary.write(Event.AGREED, RollbackPlan("basket", "production", PLAN.moves), "k2", NOON)

    assert begun(diary).key == "k1"
    assert begun(diary, "basket") is None


def test_what_was_not_heard_of_for_long_is_not_gone_on_with(diary):
    diary.write(Event.BEGINS, PLAN, "k1", NOON - HOUR - timedelta(seconds=1))

    assert begun(diary) is None


def test_a_line_that_was_torn_hides_no_other_and_swallows_none(diary):
    diary.write(Event.BEGINS, PLAN, "k1", NOON)
    with diary.path.open("a") as file:
        file.write('{"at": "2026-')
    diary.write(Event.ANSWERED, PLAN, "k1", NOON, sent=1)

    lines = diary.path.read_text().splitlines()
    assert [line.startswith("{") for line in lines] == [True] * 3
    assert json.loads(lines[-1])["event"] == "answered"
    assert begun(diary).sent == 1


def test_a_line_is_on_disk_when_it_is_written_and_so_is_the_name_of_the_file(tmp_path):
    synced: list[str] = []

    def sync(file):
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))

    diary = Diary(tmp_path / "audit", Who("ada", "laptop"), "it is down", sync=sync)
    diary.write(Event.AGREED, PLAN, "k1", NOON)
    diary.write(Event.BEGINS, PLAN, "k1", NOON)

    assert synced == [str(diary.path), str(tmp_path), str(diary.path)]


def test_no_secret_gets_into_it(tmp_path):
    diary = Diary(
        tmp_path / "audit", Who("ada", "laptop"), "hunter2", clean=lambda text: text.replace("hunter2", "***")
    )

    diary.write(Event.ENDED, PLAN, "k1", NOON, "it said hunter2")

    assert "hunter2" not in diary.path.read_text()


def test_an_audit_that_cannot_be_read_is_no_empty_one(diary):
    diary.path.mkdir()

    with pytest.raises(DiaryUnwritten):
        begun(diary)


@pytest.mark.parametrize(
    ("asked", "again", "meant"),
    [
        ((), (), True),
        ((), ("v2",), True),
        ((), ("service=v2",), True),
        ((), ("v1",), False),
        (("sha256:2",), ("sha256:2",), True),
        (("web=v2", "worker=v1"), ("worker=v1", "web=v2"), True),
        (("web=v2", "worker=v1"), (), True),
        (("service=v2",), ("service=v2", "worker=v1"), False),
    ],
)
def test_what_is_asked_for_again_is_known_by_its_names(asked, again, meant):
    assert _is_meant(Begun("k1", PLAN, 0, NOON, "ada", asked), Wish(again)) is meant

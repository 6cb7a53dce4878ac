"""Commands that tell and order: the words go to stderr, the data to stdout, the status says how it went."""

import json
from datetime import timedelta

import pytest

from rules.verdict import Judgement, Outcome
from tests.watcher.api.daemon import NOON, a_service, a_watch, an_api
from tests.watcher.commands.speaking import run, speak
from watcher.core.watch import Breach

BREACHED = Breach(NOON, Judgement(NOON, Outcome.BREACHED, ()))


async def test_deployed_prints_the_id_to_wait_for():
    async with an_api() as api:
        said = await speak(
            api,
            "deployed",
            "checkout",
            "production",
            "v44",
            "--name",
            "sentry=checkout@4.4",
            "--irreversible",
        )
        [item] = await api.daemon.store.take_inbox(10, NOON)

    assert (said.status, said.out) == (0, f"{item.id}\n")
    assert said.err == f"written down; the verdict: rollbackd wait {item.id}\n"
    assert item.announcement is not None
    assert item.announcement.hints == {"tag": "v44", "sentry": "checkout@4.4", "reversible": "false"}


async def test_deployed_twice_with_one_key_is_one_announcement():
    async with an_api() as api:
        words = ("deployed", "checkout", "production", "v44", "--key", "run-1")
        first, second = await speak(api, *words), await speak(api, *words)

    assert first.out == second.out
    assert second.err.startswith("it was announced before")


async def test_a_service_that_the_daemon_does_not_know_is_status_2():
    async with an_api() as api:
        said = await speak(api, "deployed", "chekout", "production", "v44")

    assert said.status == 2
    assert (
        said.err
        == "Error: no service chekout in production is configured\n    try: known: checkout/production\n"
    )


@pytest.mark.parametrize(
    "words", [("--at", "yesterday"), ("--at", "2026-11-24T12:00"), ("--name", "sentry"), ("--phase", "x")]
)
def test_what_cannot_be_meant_is_status_2_before_anybody_is_asked(words):
    said = run("deployed", "checkout", "production", "v44", *words, ROLLBACKD_URL="http://127.0.0.1:1")

    assert said.status == 2


@pytest.mark.parametrize(
    ("command", "err"),
    [
        ("hold", 'hold: w_1 is held now\nwhy? rollbackd note w_1 note "…"\n'),
        ("pass", "pass: w_1 is passed now\n"),
        ("keep", "keep: w_1 is kept now\n"),
        ("rollback", "roll back: w_1 is rolling back now\n"),
    ],
)
async def test_an_order_to_a_watch_says_what_came_of_it(command, err):
    async with an_api() as api:
        await api.daemon.has(a_watch(breach=BREACHED, judgement=BREACHED.judgement))
        said = await speak(api, command, "w_1")

    assert (said.status, said.out, said.err) == (0, "", err)


async def test_a_hold_may_have_a_length_and_a_reason_and_ends_by_resume():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        held = await speak(api, "hold", "w_1", "--for", "1h30m", "--reason", "looking at it", "--json")
        watch = await api.daemon.store.get("w_1")
        resumed = await speak(api, "resume", "w_1")

    assert held.json["state"] == "held"
    assert watch is not None
    assert watch.hold is not None
    assert watch.hold.until == NOON + timedelta(minutes=90)
    assert resumed.err == "resume: w_1 is watching now\n"


async def test_an_order_that_does_not_fit_is_status_3_with_those_that_do():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "resume", "w_1")

    assert said.status == 3
    assert said.err == (
        "Error: cannot resume a watch that is watching\n    try: allowed now: hold, pass, roll_back\n"
    )


async def test_an_order_of_what_was_seen_is_refused_when_it_changed():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "hold", "w_1", "--expect-revision", "7")

    assert said.status == 3
    assert "at revision 1 (watching), not at 7" in said.err


async def test_a_service_that_nobody_watches_is_rolled_back_all_the_same():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v41", "v42", "v43")
        said = await speak(
            api, "rollback", "checkout", "production", "--to", "v41", "--reason", "customers call"
        )
        [watch] = await api.daemon.store.list()

    assert said.status == 0
    assert said.err == f"roll back: {watch.id} is rolling back now\n"


@pytest.mark.parametrize("words", [(), ("a", "b", "c")])
def test_a_rollback_of_what_is_status_2(words):
    assert run("rollback", *words, ROLLBACKD_URL="http://127.0.0.1:1").status == 2


async def test_disarm_and_arm_say_what_is_in_force():
    async with an_api() as api:
        off = await speak(api, "disarm", "checkout", "production", "--for", "2h", "--reason", "an incident")
        services = await speak(api, "services")
        on = await speak(api, "arm", "checkout", "production")

    assert (
        off.err
        == "note: in force until 2026-11-24 14:00 UTC; people's orders pass all the same\ndisarm: done\n"
    )
    assert (
        "checkout/production: disarmed by token:ada until 2026-11-24 14:00:00 UTC: an incident"
        in services.err
    )
    assert on.err == "arm: done\n"


async def test_all_are_disarmed_only_by_that_word():
    async with an_api() as api:
        said = await speak(api, "disarm", "--all", "--reason", "an incident")
        [switch] = await api.daemon.store.disarmed(NOON)

    assert said.status == 0
    assert (switch.service, switch.environment) == ("*", "*")


@pytest.mark.parametrize(
    "words",
    [
        ("disarm", "--reason", "x"),
        ("disarm", "checkout", "--reason", "x"),
        ("disarm", "checkout", "production", "--all", "--reason", "x"),
        ("disarm", "checkout", "production"),
        ("disarm", "checkout", "production", "--reason", "x", "--for", "2"),
        ("allow", "v42"),
        ("distrust", "v42"),
        ("note", "w_1", "perhaps"),
    ],
)
def test_an_order_that_lacks_something_is_status_2_before_anybody_is_asked(words):
    assert run(*words, ROLLBACKD_URL="http://127.0.0.1:1").status == 2


async def test_a_release_is_distrusted_and_allowed_by_its_tag():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v42", "v43")
        distrusted = await speak(api, "distrust", "v42", "--reason", "it leaks")
        tags = await speak(api, "tags", "checkout", "production")
        allowed = await speak(api, "allow", "v42", "--reason", "it does not", "--service", "checkout")

    assert (distrusted.status, allowed.status) == (0, 0)
    assert "distrusted" in tags.out
    assert "a rollback would go to nowhere" in tags.err


async def test_a_note_is_kept_with_the_watch():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "note", "w_1", "wrong", "the database was")
        [note] = await api.daemon.store.notes("w_1")

    assert said.err == "kept with w_1\n"
    assert (note.call, note.words, note.by) == ("wrong", "the database was", "token:ada")


async def test_json_is_the_daemons_answer():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "note", "w_1", "right", "--json")

    assert json.loads(said.out) == {"watch": "w_1", "call": "right"}

"""Which status a notice is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.watch import Notice, State
from watcher.notify.github.saying import (
    FINAL,
    LONGEST,
    Deployment,
    Status,
    deployments_of,
    described,
    is_news,
    status_of,
)


def a_notice(state: str = "watching", **facts: str) -> Notice:
    known = {"state": state, "platform_ids": "ecs-svc/1 github:acme/shop#42", **facts}
    return Notice("checkout · production: watching v43", watch="w_1", facts=known)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("watching", "in_progress"),
        ("counting_down", "in_progress"),
        ("asking", "in_progress"),
        ("held", "in_progress"),
        ("rolling_back", "in_progress"),
        ("recovering", "in_progress"),
        ("stuck", "error"),
        ("passed", "success"),
        ("unproven", "error"),
        ("rolled_back", "failure"),
        ("kept", "error"),
        ("superseded", "inactive"),
    ],
)
def test_each_state_of_a_watch_is_a_status(state, shown):
    status = status_of(a_notice(state), None)

    assert status is not None
    assert status.state == shown


def test_every_state_has_one():
    assert all(status_of(a_notice(state.value), None) for state in State)


def test_only_what_passed_is_a_success():
    shown = {state: status_of(a_notice(state.value, rule="errors"), None) for state in State}

    assert [state for state, status in shown.items() if status and status.state == "success"] == [
        State.PASSED
    ]


def test_what_was_kept_although_it_breached_is_a_failure():
    status = status_of(a_notice("kept", rule="errors"), None)

    assert status is not None
    assert status.state == "failure"


def test_a_notice_that_does_not_say_how_the_watch_stands_is_none():
    assert status_of(Notice("x"), None) is None


def test_a_status_leads_to_its_watch_and_leaves_other_deployments_alone():
    status = status_of(a_notice(), "https://rollbackd.acme.example")

    assert status is not None
    assert status.content == {
        "state": "in_progress",
        "description": "rollbackd: checkout · production: watching v43",
        "auto_inactive": False,
        "log_url": "https://rollbackd.acme.example/v1/watches/w_1",
    }


def test_githubs_deployments_are_told_from_other_ids():
    words = "ecs-svc/1 github:acme/shop#42 github:acme/shop#x github:acme#1 github:a/b/c#1 github:acme/site#7"

    assert deployments_of(a_notice(platform_ids=words)) == [
        Deployment("acme/shop", 42),
        Deployment("acme/site", 7),
    ]


def test_where_one_repository_is_named_no_other_is_told():
    told = a_notice(platform_ids="github:acme/shop#1 github:evil/shop#2")

    assert [each.repository for each in deployments_of(told, "Acme/shop")] == ["acme/shop"]


@given(st.text())
def test_a_description_is_one_line_that_github_takes(headline):
    text = described(headline)

    assert len(text) <= LONGEST
    assert text.startswith("rollbackd: ")
    assert not any(ord(character) < 32 for character in text)


def test_what_ended_is_not_said_to_go_on():
    wanted = Status("in_progress", "rollbackd: watching")

    assert is_news(wanted, None)
    assert is_news(wanted, Status("queued", ""))
    assert not any(is_news(wanted, Status(state, "")) for state in FINAL)


def test_what_stands_there_already_is_no_news():
    wanted = Status("failure", "rollbackd: v42 serves again")

    assert not is_news(wanted, wanted)
    assert is_news(wanted, Status("failure", "the job failed"))
    assert not is_news(Status("inactive", "rollbackd: superseded"), Status("inactive", ""))

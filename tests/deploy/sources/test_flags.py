"""Webhooks of what holds flags: who is believed, of which project and environment, and that bad input leads nowhere."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from deploy.source import Aside, Discreet, Hooked, Ignored, Opening, Received, Rejected
from deploy.sources.registry import SOURCES
from tests.deploy.sources.sqs.test_parser import JSON
from tests.fakes.flags import NOON, SECRET, LaunchDarkly, Unleash

ANOTHER = "another secret of thirty-two signs"


def ld(**settings):
    system = LaunchDarkly(**settings)
    system.has("new-pricing")
    return system


def a_delivery(kind, **settings):
    if kind == "launchdarkly":
        system = ld(**settings)
        return system.rolls("new-pricing", v0=50, v1=50)
    return replace(Unleash(), **settings).rolls("new-pricing", 50)


def a_source(kind, **settings):
    known = SOURCES[kind]
    made = known.settings.model_validate({"secret": SecretStr(SECRET), **settings})
    return known.open(made, Opening("flags"))


def headers_of(delivery):
    return {name.lower(): value for name, value in delivery.headers.items()}


def meant(kind, delivery, **settings):
    return a_source(kind, **settings).read(
        Received(delivery.body, headers_of(delivery), delivery.at, "hook:flags")
    )


@pytest.fixture(params=["launchdarkly", "unleash"])
def kind(request):
    return request.param


def test_it_comes_by_itself_and_none_of_its_bytes_are_kept(kind):
    source = a_source(kind)

    assert isinstance(source, Hooked)
    assert isinstance(source, Discreet)


def test_what_its_system_has_sent_is_believed(kind):
    delivery = a_delivery(kind)

    assert a_source(kind).admits(headers_of(delivery), delivery.body)


def test_who_has_another_secret_or_none_is_not_believed(kind):
    source, delivery = a_source(kind), a_delivery(kind, secret=ANOTHER)

    assert not source.admits(headers_of(delivery), delivery.body)
    assert not source.admits({}, delivery.body)


def test_what_was_changed_on_its_way_is_not_launchdarklys():
    delivery = a_delivery("launchdarkly")

    assert not a_source("launchdarkly").admits(
        headers_of(delivery), delivery.body.replace(b"50000", b"60000")
    )


def test_while_a_secret_is_replaced_both_are_good(kind):
    source = a_source(kind, previous_secret=SecretStr(ANOTHER))
    old, new = a_delivery(kind, secret=ANOTHER), a_delivery(kind)

    assert source.admits(headers_of(old), old.body)
    assert source.admits(headers_of(new), new.body)


def test_unleash_may_show_it_in_the_header_of_its_authorization():
    source = a_source("unleash", header="Authorization")

    assert source.admits({"authorization": SECRET}, b"{}")
    assert not source.admits({"x-rollbackd-token": SECRET}, b"{}")


def test_a_short_secret_is_refused(kind):
    with pytest.raises(ValidationError, match="too short"):
        SOURCES[kind].settings.model_validate({"secret": SecretStr("short")})


# ----------------------------------------------------------------------------------------------------------- what it means


def test_what_moved_is_told_with_its_time_its_environment_and_an_id_of_this_connection(kind):
    said = meant(kind, a_delivery(kind))

    assert isinstance(said, Aside)
    assert (said.event.source, said.event.kind, said.event.at) == (kind, "flag", NOON)
    assert said.event.environment == "production"
    assert said.event.id.startswith("flags:")


def test_environments_are_called_as_they_are_called_here(kind):
    said = meant(kind, a_delivery(kind, environment="prd-eu"), environments={"prd-eu": "production"})

    assert isinstance(said, Aside)
    assert said.event.environment == "production"


def test_what_moves_in_an_environment_that_is_not_named_is_passed_over(kind):
    said = meant(kind, a_delivery(kind, environment="staging"), environments={"production": "production"})

    assert said == Ignored("a flag in 'staging', which is none of `environments`")


def test_what_moves_in_a_project_that_is_not_named_is_passed_over(kind):
    said = meant(kind, a_delivery(kind, project="games"), projects=["shop"])

    assert said == Ignored("a flag of the project 'games', which is none of `projects`")


def test_what_is_of_all_environments_is_of_all_of_ours():
    said = meant(
        "launchdarkly",
        ld().tells("proj/shop:env/*:flag/new-pricing", "updateGlobalArchived", kind="flag"),
        environments={"production": "production"},
    )

    assert isinstance(said, Aside)
    assert said.event.environment is None


def test_what_is_no_flag_is_passed_over():
    project = ld().tells("proj/shop", "updateProjectName", kind="project")

    assert meant("launchdarkly", project) == Ignored(
        "LaunchDarkly: 'project' is neither a flag nor a segment"
    )
    assert meant("unleash", Unleash().tells("project-created")) == Ignored(
        "Unleash: 'project-created' is about no flag"
    )


def test_what_is_told_to_be_in_the_future_is_of_now(kind):
    delivery = replace(a_delivery(kind), at=NOON - timedelta(hours=1))
    said = meant(kind, delivery)

    assert isinstance(said, Aside)
    assert said.event.at == NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"[" * 5000, b'{"a": NaN}', b"{}", b'{"id": "x"}']
)
def test_what_cannot_be_read_is_refused_with_a_remedy_and_nothing_of_it_is_repeated(kind, body):
    said = a_source(kind).read(Received(body, {}, NOON, "hook:flags"))

    assert isinstance(said, Rejected)
    assert "unchanged" in said.remedy


def test_words_of_a_mistake_repeat_no_value(kind):
    body = json.dumps(
        {"_id": "canary-value", "id": "canary-value", "type": 1, "date": "canary-value"}
    ).encode()
    said = a_source(kind).read(Received(body, {}, NOON, "hook:flags"))

    assert isinstance(said, Rejected)
    assert "canary-value" not in f"{said.why} {said.remedy}"


@given(
    JSON,
    st.dictionaries(st.sampled_from(["_id", "date", "kind", "target", "id", "type", "featureName"]), JSON),
)
def test_whatever_is_sent_raises_nothing(anything, members):
    for body in (json.dumps(anything), json.dumps(members)):
        for kind in ("launchdarkly", "unleash"):
            a_source(kind).read(Received(body.encode(), {}, NOON, "hook:flags"))


def test_no_service_can_be_heard_from_it(kind):
    found = SOURCES[kind].unfit(None, None)

    assert found is not None
    assert "of no deployment" in found[0]
    assert "told_by" in found[1]
    assert SOURCES[kind].moves_alone

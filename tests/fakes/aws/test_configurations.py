"""The AppConfig of the tests: what it takes for a version of feature flags, and who is given what of it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.deploy.targets.appconfig.flag_stage import (
    FLAG,
    FLAGS,
    NEW,
    OLD,
    PRICING,
    FlagStage,
    document,
    pricing,
)
from tests.deploy.targets.appconfig.stage import PLACE
from tests.fakes.aws.configurations.flags import given, shares, stamped, wrong_with
from tests.fakes.aws.fixtures import NOON
from tests.fakes.aws.world import Answer


def body(**flags: Any) -> bytes:
    return json.dumps(document(**flags)).encode()


def ask(stage: FlagStage, operation: str, **more: Any) -> Answer:
    asked = {"ApplicationId": PLACE[0], "ConfigurationProfileId": FLAGS, **more}
    return stage.world.ask("appconfig", operation, asked, stage.world.identities.own, "eu-central-1")


def create(stage: FlagStage, content: bytes = body(), **more: Any) -> Answer:
    return ask(
        stage,
        "CreateHostedConfigurationVersion",
        Content=content,
        ContentType="application/json",
        **more,
    )


def test_a_version_is_written_only_after_the_one_that_was_named_as_the_newest():
    stage = FlagStage()
    late, fine = create(stage, LatestVersionNumber=0), create(stage, LatestVersionNumber=1)
    blind = create(stage)

    assert late.error is not None
    assert late.error.code == "ConflictException"
    assert (fine.error, blind.error) == (None, None)
    assert stage.versions() == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"content": b"{"}, "BadRequestException"),
        ({"content": b'{"version": "2"}'}, "BadRequestException"),
        ({"VersionLabel": "12"}, "BadRequestException"),
        ({"Description": "Größe"}, "BadRequestException"),
        ({"content": b" " * (2 * 1024 * 1024) + body()}, "PayloadTooLargeException"),
    ],
)
def test_what_appconfig_does_not_take_is_refused_and_nothing_is_written(more, code):
    stage = FlagStage()
    answer = create(stage, **more)

    assert answer.error is not None
    assert answer.error.code == code
    assert stage.versions() == ["1"]


def test_a_label_stands_once_and_versions_are_found_by_it_or_how_it_begins():
    stage = FlagStage()
    create(stage, VersionLabel="v2.1")
    twice = create(stage, VersionLabel="v2.1")
    exactly, begins, none = (
        ask(stage, "ListHostedConfigurationVersions", VersionLabel=each) for each in ("v2.1", "v2*", "v2")
    )

    assert twice.error is not None
    assert [len(each.content["Items"]) for each in (exactly, begins, none)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (lambda told: told.update(more=1), "/more"),
        (lambda told: told["values"].update(Upper={"enabled": True}), "/values/Upper"),
        (lambda told: told["values"][FLAG].update(_other=1), f"/values/{FLAG}/_other"),
        (lambda told: told["values"][FLAG].update(enabled="yes"), f"/values/{FLAG}/enabled"),
        (lambda told: told["flags"][FLAG].update(enabled=True), f"/flags/{FLAG}/enabled"),
        (lambda told: told["values"][PRICING]["_variants"][0].pop("enabled"), "/_variants/0"),
        (lambda told: told["values"][PRICING]["_variants"][0].update(rule="(split"), "/_variants/0/rule"),
    ],
)
def test_a_document_that_its_schema_does_not_know_is_told_by_its_place(change, at):
    told = document()
    change(told)

    assert wrong_with(body()) == ""
    assert at in wrong_with(json.dumps(told).encode())


def test_when_a_flag_was_changed_is_written_by_appconfig_and_what_stays_keeps_its_time():
    first = stamped(body(), None, NOON)
    told = json.loads(stamped(body(checkout=True), first, NOON + timedelta(hours=1)))["values"]

    assert told[FLAG]["_createdAt"] == NOON.isoformat()
    assert told[FLAG]["_updatedAt"] == (NOON + timedelta(hours=1)).isoformat()
    assert told[PRICING]["_updatedAt"] == NOON.isoformat()


def test_who_is_given_a_variant_keeps_it_while_the_percentage_grows_and_it_is_about_so_many():
    few, many, everybody = (body(prices=pricing(each)) for each in (5, 50, 100))
    users = [f"user-{number}" for number in range(400)]
    had = {user for user in users if given(few, PRICING, user) == NEW}

    assert had <= {user for user in users if given(many, PRICING, user) == NEW}
    assert shares(few, PRICING)[NEW] == pytest.approx(0.05, abs=0.02)
    assert shares(many, PRICING)[OLD] == pytest.approx(0.5, abs=0.05)
    assert set(shares(everybody, PRICING)) == {NEW}


def test_the_first_variant_whose_rule_fits_is_given_and_one_that_is_not_enabled_is_off():
    variants = [
        {"name": "Ada", "enabled": True, "rule": '(or (eq $userId "ada") (eq $userId "eva"))'},
        {"name": "Half", "enabled": False, "rule": '(and (eq $userId "bob") (split pct::100 by::$userId))'},
        {"name": "All", "enabled": True},
    ]
    content = body(prices={"_variants": variants})

    assert [given(content, PRICING, each) for each in ("ada", "bob", "cy")] == ["Ada", "off", "All"]

"""A service that is down can be put back though the configuration has mistakes: all but those that decide where it goes, and as whom."""

import pytest

from tests.watcher.config.sample import KINDS, MAIN, changed, folder, problems, read
from watcher.config import InvalidConfiguration, read_to_go_back
from watcher.core.service import Mode

KEY = ("checkout", "production")
ROLE = "arn:aws:iam::123456789012:role/rb-read"
ON_ECS = changed(
    'command: {live: [/usr/bin/live, "${service}"], move: [/usr/bin/move, "${tag}", "${key}"]}',
    "ecs: {cluster: shop, service: checkout}",
)


def needed(tmp_path, main=MAIN, **more):
    found = read_to_go_back(folder(tmp_path, main, **more), KINDS, KEY)
    assert found is not None
    return found


def wrong(tmp_path, main):
    with pytest.raises(InvalidConfiguration) as invalid:
        needed(tmp_path, main)
    return [str(problem) for problem in invalid.value.problems]


@pytest.mark.parametrize("main", [MAIN, changed("mode: auto", "mode: shadow", ON_ECS)])
def test_of_files_without_mistakes_it_reads_what_is_read_anyway(tmp_path, main):
    whole = read(tmp_path, main)

    alone = needed(tmp_path, main)

    assert alone.targets == {KEY: whole.targets[KEY]}
    assert alone.accounts == {"shop": whole.accounts["shop"]}
    assert alone.services[KEY].parts == whole.services[KEY].parts
    assert alone.services[KEY].policy.known_good == whole.services[KEY].policy.known_good
    assert alone.services[KEY].policy.mode is Mode.SHADOW


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mode: auto", "mode: atuo"),
        ("store: {sqlite:", "store: {sqlit:"),
        ("listen: 0.0.0.0:8080", "listen: 0.0.0.0"),
        ("countdown: 30s", "countdown: 30"),
        ('file: rules/web.yaml, with: {host: "checkout:9100"}', "file: rules/nothing.yaml"),
        ("tell: [room, {room: releases}]", "tell: [rom]"),
        ("api: {command: {live: [/usr/bin/live], move", "api: {comand: {live: [/usr/bin/live], move"),
        (f'read: "{ROLE}"', "read: nobody"),  # a program needs no account
        ("heard_from: [http]", "heard_from: [htpp]"),
    ],
)  # fmt: skip
def test_a_mistake_that_decides_nothing_is_passed_over(tmp_path, old, new):
    main = changed(old, new)
    assert problems(tmp_path, main) != []

    assert needed(tmp_path, main).targets[KEY] == read(tmp_path).targets[KEY]


def test_another_file_that_is_half_written_is_passed_over(tmp_path):
    more = {"cart": "services: {cart: {production: {"}
    assert problems(tmp_path, **more) != []

    assert needed(tmp_path, **more).targets.keys() == {KEY}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ecs: {cluster: shop", "ecs: {clutser: shop", 'unknown key "clutser"'),
        ("ecs: {cluster", "esc: {cluster", 'unknown target "esc"'),
        (f'read: "{ROLE}"', "read: nobody", "accounts.shop.read"),
        ("account: shop", "account: shpo", 'did you mean "shop"?'),
        ("may_cross: 1", "may_crss: 1", 'unknown key "may_crss"'),
    ],
)
def test_a_mistake_in_where_it_goes_or_as_whom_is_told_alone(tmp_path, old, new, told):
    main = changed(old, new, changed("countdown: 30s", "countdown: 30", ON_ECS))

    found = wrong(tmp_path, main)

    assert any(told in problem for problem in found)
    assert not any("countdown" in problem for problem in found)


def test_a_service_that_says_nothing_of_what_it_runs_on_cannot_be_put_back(tmp_path):
    main = changed('      runs_on:\n        - command: {live: [/usr/bin/live, "${service}"], move: [/usr/bin/move, "${tag}", "${key}"]}\n', "")  # fmt: skip

    (problem,) = wrong(tmp_path, main)

    assert "does not say what the service runs on" in problem


def test_a_service_that_is_in_no_file_is_none(tmp_path):
    assert read_to_go_back(folder(tmp_path), KINDS, ("cart", "production")) is None

"""The gate of a service, and freezes that come again, as they are written."""

from datetime import date, time, timedelta

import pytest

from tests.watcher.config.sample import changed, problems, read
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.registries import all_kinds
from watcher.core.freeze import Weekly
from watcher.core.service import Approval, Gating, Returning

PRODUCTION = ("checkout", "production")
WEEKEND = "{name: weekend, weekly: {from: fri 16:00, to: monday 06:00}, time_zone: Europe/Berlin, reason: nobody is there}"


def gated(said: str) -> str:
    return changed("      mode: auto\n", f"      mode: auto\n      gate: {said}\n")


def frozen(*said: str) -> str:
    return changed("services:\n  checkout", f"freezes: [{', '.join(said)}]\nservices:\n  checkout")


def test_nothing_is_asked_for_where_nothing_is_said(tmp_path):
    assert read(tmp_path).services[PRODUCTION].gate == Gating()


def test_what_must_be_so_before_a_deployment_is_read(tmp_path):
    said = "{after: [staging], approval: person, quarantined: ask, asking: 2h, seen_within: 0s, waits: 3h}"
    gate = read(tmp_path, gated(said)).services[PRODUCTION].gate

    assert gate == Gating(
        ("staging",), Approval.PERSON, Returning.ASK, timedelta(hours=2), timedelta(0), timedelta(hours=3)
    )


def test_the_defaults_and_environments_may_say_it(tmp_path):
    text = changed("    countdown: 30s\n", "    countdown: 30s\n    gate: {after: [staging]}\n")

    assert read(tmp_path, text).services[PRODUCTION].gate.after == ("staging",)


def test_freezes_that_come_again_are_of_the_services_that_they_name(tmp_path):
    holidays = "{name: holidays, dates: [2026-12-24, 2026-12-31..2027-01-01], reason: Christmas, services: ['*/production']}"
    services = read(tmp_path, frozen(WEEKEND, holidays)).services

    weekend, days = services[PRODUCTION].gate.windows
    assert weekend.weekly == (Weekly(4, time(16), 0, time(6)),)
    assert str(weekend.zone) == "Europe/Berlin"
    assert days.dates == {date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1)}
    assert str(days.zone) == "UTC"
    assert [each.name for each in services["checkout", "staging"].gate.windows] == ["weekend"]


def test_a_change_of_them_is_a_change_of_the_configuration(tmp_path):
    assert read(tmp_path, frozen(WEEKEND)).digest != read(tmp_path).digest


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            "{after: [stagging]}",
            'unknown environment of checkout before production "stagging" | try: did you mean "staging"?',
        ),
        ("{after: [production]}", "production comes after itself"),
        ("{approval: nobody}", "gate.approval"),
        ("{quarantined: pass}", "gate.quarantined"),
        ("{asking: 8d}", "longer than 7d"),
        ("{before: [staging]}", 'unknown key "before"'),
    ],
)
def test_a_mistake_of_a_gate_is_told_at_its_place(tmp_path, said, says):
    found = problems(tmp_path, gated(said))

    assert len(found) == 1
    assert found[0].startswith("rollbackd.yaml:37:")
    assert says in found[0]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("{name: w, reason: why}", "it is at no time | try: write weekly: {from: fri 16:00, to: mon 06:00}"),
        ("{name: w, reason: why, weekly: {from: fri 16:00, to: fri 16:00}}", "it ends when it begins"),
        ("{name: w, reason: why, weekly: {from: friday, to: mon 06:00}}", '"friday" is no moment of a week'),
        ("{name: w, reason: why, weekly: {from: fri 25:00, to: mon 06:00}}", '"fri 25:00" is no moment'),
        ("{name: w, reason: why, weekly: {from: 5, to: mon 06:00}}", "is no moment of a week"),
        (
            "{name: w, reason: why, dates: [2026-12-24], time_zone: Europe/Berlni}",
            '"Europe/Berlni" is no time zone that is known here',
        ),
        ("{name: w, reason: why, dates: [2026-02-30]}", '"2026-02-30" is no date'),
        ("{name: w, reason: why, dates: [tomorrow]}", '"tomorrow" is no date'),
        ("{name: w, reason: why, dates: [2026-12-24..2026-12-23]}", "ends before it begins"),
        (
            "{name: w, reason: why, dates: [2026-01-01..2027-01-01, 2028-01-01..2029-01-01]}",
            "more than 400 days",
        ),
        ("{name: w, reason: why, dates: [2026-12-24], services: [card]}", 'no service fits "card"'),
        ("{name: W, reason: why, dates: [2026-12-24]}", "name"),
    ],
)
def test_a_mistake_of_a_freeze_is_told_at_its_place(tmp_path, said, says):
    found = problems(tmp_path, frozen(said))

    assert len(found) == 1
    assert found[0].startswith("rollbackd.yaml:")
    assert says in found[0]


def test_two_of_one_name_are_a_mistake(tmp_path):
    (found,) = problems(tmp_path, frozen(WEEKEND, WEEKEND))

    assert 'there are two called "weekend" | try: give one another name' in found


WHOLE = """\
version: 1
accounts: {shop: {region: eu-central-1, read: "arn:aws:iam::123456789012:role/read"ACT}}
connections: {verdicts: {ssm: {account: shop}}}
services: {}
"""


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (', act: "arn:aws:iam::123456789012:role/act"', []),
        ("", ['ssm writes with the role to act, and the account "shop" has none']),
    ],
)
def test_what_is_written_with_the_role_to_act_needs_one(tmp_path, act, says):
    (tmp_path / "rollbackd.yaml").write_text(WHOLE.replace("ACT", act), encoding="utf-8")
    try:
        read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
        found = []
    except InvalidConfiguration as invalid:
        found = [problem.message for problem in invalid.problems]

    assert found == says

"""``rollbackd explain``: what is in force, where it stands, and what it allows."""

import asyncio
import json
from datetime import UTC, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.watcher.api.daemon import ADA, NOON, a_service, a_watch, an_api
from tests.watcher.commands.speaking import speak
from tests.watcher.config.sample import changed, read
from watcher.clock import now
from watcher.commands import explain
from watcher.commands._client import Client, Failed
from watcher.commands._pace import A_PAGE, Pace, of_a_week, seen
from watcher.core.freeze import Window
from watcher.core.service import Gating
from watcher.core.watch import State

EXAMPLE = str(Path(__file__).parents[3] / "examples" / "rollbackd.yaml")


LINE = next(
    number
    for number, line in enumerate(Path(EXAMPLE).read_text(encoding="utf-8").splitlines(), start=1)
    if line.strip() == "mode: auto"
)


def run(*arguments: str):
    return CliRunner().invoke(explain.command, ["--config", EXAMPLE, *arguments])


def test_one_environment_is_shown_with_file_and_line_of_each_value():
    shown = run("web/production").stdout

    assert shown.startswith("web/production\n")
    assert "\nweb/staging\n" not in shown
    assert any(line.split() == ["mode", "auto", f"{EXAMPLE}:{LINE}"] for line in shown.splitlines())
    assert any(line.split() == ["speak", "problems", "built", "in"] for line in shown.splitlines())


def test_a_service_is_shown_in_all_its_environments():
    shown = run("web").stdout

    assert shown.startswith("web/production\n")
    assert "\n\nweb/staging\n" in shown


def test_the_wrong_rollbacks_that_the_setting_allows_are_told():
    shown = run("web/production").stdout

    assert "Wrong rollbacks: at most 1 in 1,000 deployments of good releases" in shown
    assert 'No promise holds for what these do: "ready".' in shown


def test_where_nothing_happens_by_itself_nothing_happens_wrongly():
    assert "Wrong rollbacks: none, for in the mode shadow" in run("web/staging").stdout


def test_rules_that_all_promise_something_need_no_remark(tmp_path):
    rules = """\
version: 1
indicators: {errors: {ratio: {scrape: {url: x}}}}
rules: [{name: it, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}]
"""
    text = changed('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{file: rules/one.yaml}")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yaml").write_text(rules, encoding="utf-8")

    service = read(tmp_path, text).services["checkout", "production"]

    assert len(explain.promise(service)) == 1


def test_when_a_bake_ends_early_and_what_keeps_it_from_that_is_told(tmp_path):
    on = changed("bake: {at_least: 1h}", "bake: {pass_early: {}}")
    service = read(tmp_path, on).services["checkout", "production"]

    assert explain.early(service) == [
        "Passes early: once every rule that acts is proven not to be 2 times as bad and 0.1% more; a release that is, passes so in at most 5% of its deployments.",
        'Not here: nothing can prove these well: "ready".',
    ]
    assert explain.early(read(tmp_path).services["checkout", "production"]) == []


def test_which_freezes_come_again_is_told():
    weekend = Window("weekend", "nobody is there", UTC)
    service = a_service(gate=Gating(windows=(weekend,)))

    assert explain.frozen_by(service) == [
        "Nothing passes its gate in: weekend (nobody is there). `rollbackd freezes` says when."
    ]
    assert explain.frozen_by(a_service()) == []


def test_programs_get_json():
    (data,) = json.loads(run("--json", "web/production").stdout)

    assert data["wrong_rollbacks_per_1000_deployments"] == 1.0
    assert data["rules_without_promise"] == ["ready"]
    assert {"key": "mode", "value": "auto", "where": f"{EXAMPLE}:{LINE}"} in data["values"]


def test_a_service_that_is_not_there_is_probably_a_slip_of_the_pen():
    result = run("wbe")

    assert 'unknown service "wbe". did you mean "web"?' in result.stderr
    assert result.exit_code == 2


def test_a_configuration_with_mistakes_is_not_explained(tmp_path):
    (tmp_path / "rollbackd.yaml").write_text("version: 2", encoding="utf-8")

    result = CliRunner().invoke(explain.command, ["--config", str(tmp_path / "rollbackd.yaml"), "web"])

    assert "version 2 is not known here" in result.stderr
    assert result.stdout == ""
    assert result.exit_code == 2


def test_of_no_services_none_can_be_chosen(tmp_path):
    with pytest.raises(click.UsageError, match="remove it"):
        explain.chosen(read(tmp_path, "version: 1\n"), "web")


# -------------------------------------------------------------------------------------------------------------- in a year


WEB = a_service("web")


async def deployed(api, *days_ago, until=NOON, of=WEB):
    """Watches of *of* that were opened so many days ago; all are over."""
    for number, days in enumerate(sorted(days_ago, reverse=True)):
        at = until - timedelta(days=days)
        over = {"state": State.PASSED, "due_at": None, "ended_at": at}
        await api.daemon.has(a_watch(f"w_{of.name}_{number:04}", of=of, opened_at=at, **over))


async def pace(api, moment=NOON):
    return await asyncio.to_thread(seen, Client(api.url, ADA.secret), "web", "production", moment)


async def test_the_pace_is_what_the_daemon_saw_of_the_last_90_days():
    async with an_api(services=[WEB, a_service()]) as api:
        await deployed(api, 200, 91, 80, 40, 1)
        await deployed(api, 3, 2, of=a_service())

        found = await pace(api)

    assert found == Pace(3, timedelta(days=90), "3 deployments in 90 days, as the daemon saw")
    assert found.a_year == pytest.approx(3 * 365 / 90)


async def test_a_daemon_that_watches_for_less_says_of_how_long():
    async with an_api(services=[WEB]) as api:
        await deployed(api, 20, 10, 5)

        assert await pace(api) == Pace(3, timedelta(days=20), "3 deployments in 20 days, as the daemon saw")


async def test_it_reads_page_by_page():
    async with an_api(services=[WEB]) as api:
        await deployed(api, *(number / 10 for number in range(A_PAGE + 7)))

        found = await pace(api)

    assert found is not None
    assert found.deployments == A_PAGE + 7


@pytest.mark.parametrize(
    "days_ago", [(), (2,), (0, 0), (100, 95)], ids=["none", "one", "at once", "long ago"]
)
async def test_fewer_than_two_deployments_are_no_pace(days_ago):
    async with an_api(services=[WEB]) as api:
        await deployed(api, *days_ago)

        assert await pace(api) is None


async def test_where_the_daemon_says_no_that_is_told():
    async with an_api(services=[WEB]) as api:
        with pytest.raises(Failed):
            await asyncio.to_thread(seen, Client(api.url, "rbd_nobody"), "web", "production", NOON)


async def test_the_wrong_rollbacks_a_year_follow_from_what_the_daemon_saw():
    async with an_api(services=[WEB]) as api:
        await deployed(api, *range(1, 91, 3), until=now())
        shown = await speak(api, "explain", "--config", EXAMPLE, "web/production")
        told = await speak(api, "explain", "--config", EXAMPLE, "--json", "web/production")

    assert "That is at most one in 8 years (30 deployments in 88 days, as the daemon saw)." in shown.out
    assert told.json[0]["deployments_a_year"] == pytest.approx(30 * 365 / 88, rel=0.01)
    assert told.json[0]["wrong_rollbacks_a_year"] == pytest.approx(30 * 365 / 88 / 1000, rel=0.01)


async def test_a_daemon_that_says_no_is_named_and_the_rest_is_told_as_ever():
    async with an_api(services=[WEB]) as api:
        said = await speak(
            api, "explain", "--config", EXAMPLE, "web/production", ROLLBACKD_TOKEN="rbd_nobody"
        )

    assert said.status == 0
    assert "how often web/production is deployed is not known: " in said.err
    assert "Wrong rollbacks: at most 1 in 1,000 deployments" in said.out
    assert "That is" not in said.out


@pytest.mark.parametrize(
    ("a_week", "words"),
    [
        ("400", "at most 21 a year (400 deployments a week)"),
        ("19.2", "at most 1 a year"),
        ("2.5", "at most one in 7.7 years (2.5 deployments a week)"),
        ("0.01", "at most one in 1,900 years"),
    ],
)
def test_who_says_how_often_is_told_how_many_a_year(a_week, words):
    assert f"That is {words}" in run("--deployments-per-week", a_week, "web/production").stdout


def test_nobody_deploys_less_than_never():
    assert run("--deployments-per-week", "0", "web/production").exit_code == 2


def test_without_a_pace_programs_are_told_none():
    (data,) = json.loads(run("--json", "web/production").stdout)

    assert data["wrong_rollbacks_a_year"] is None
    assert data["deployments_a_year"] is None


def test_a_year_is_about_52_weeks():
    assert of_a_week(7).a_year == 365

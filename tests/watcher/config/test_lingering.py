"""What `check` says of rules that would judge a rollback by those who still have the bad release."""

import pytest

from tests.watcher.config.sample import folder
from tests.watcher.config.test_proving import INDICATORS, RULES
from tests.watcher.config.test_site import MAIN, runs_on
from watcher.commands.check import checked
from watcher.config import read_configuration
from watcher.config.registries import all_kinds

ECS = MAIN + "      runs_on: [{ecs: {cluster: prod, service: web, behind: nothing}}]\n"
ALL = f"version: 1\nindicators:\n{INDICATORS['errors']}rules:\n{RULES['errors']}".replace(
    "{name:", "{id: few-fail, name:"
)
BY_RELEASE = ALL.replace("Shop, bad:", 'Shop, dimensions: {Release: "${arm.version}"}, bad:')
PROBE = """\
version: 1
indicators:
  page: {probe: {http: {url: "https://shop.example.com/", expect: {status: 200}}}}
rules:
  - {name: the page comes, indicator: page, judge: {slo: {objective: 90%}}, on_breach: rollback, must_have_seen: 20%}
"""
NAMED = "      rules: [{file: mine.yaml}]\n"


def warned(tmp_path, rules, main=None):
    """What `check` says of rules that do not tell releases apart."""
    file = folder(tmp_path, (main or runs_on("")) + NAMED)
    (tmp_path / "mine.yaml").write_text(rules)
    summaries, problems = checked(file, (), all_kinds())
    assert problems == []
    return [line for line in "\n".join(summaries).splitlines() if "do not tell releases apart" in line]


@pytest.mark.parametrize("consequence", ["rollback", "ask"])
def test_a_rate_of_all_sessions_is_warned_of_with_what_to_do(tmp_path, consequence):
    (line,) = warned(tmp_path, ALL.replace("on_breach: rollback", f"on_breach: {consequence}"))

    assert line.startswith("web/production: who has the bad release keeps it for long after a rollback")
    assert '"few fail": name the release in its query' in line
    assert "sentry-releases" in line
    assert "docs/sentry.md" in line
    assert "a probe of the page" in line


def test_one_that_speaks_through_another_is_warned_of(tmp_path):
    told = ALL.replace("on_breach: rollback", "on_breach: tell")
    other = told.splitlines()[-1].replace("id: few-fail, name: few fail", "id: fewer, name: fewer fail")
    both = "  - {name: both, all_of: [few-fail, fewer], on_breach: rollback}"

    (line,) = warned(tmp_path, f"{told.rstrip()}\n{other}\n{both}\n")

    assert '"few fail", "fewer fail": name' in line


@pytest.mark.parametrize(
    "rules",
    [BY_RELEASE, PROBE, ALL.replace("on_breach: rollback", "on_breach: tell")],
    ids=["by release", "a probe", "tells"],
)
def test_what_tells_releases_apart_or_looks_at_what_serves_or_judges_nothing_is_not(tmp_path, rules):
    assert warned(tmp_path, rules) == []


def test_what_moved_beside_is_met_by_nobody(tmp_path):
    moves = """\
version: 1
indicators:
  moves: {state: {changes: {kinds: [parameter], within: 30m}}}
rules:
  - {name: nothing moved, indicator: moves, judge: {state: {}}, on_breach: ask}
"""

    assert warned(tmp_path, moves, runs_on("", "changes: {told_by: [http]}")) == []


def test_where_nobody_keeps_the_bad_release_any_rate_will_do(tmp_path):
    assert warned(tmp_path, ALL, ECS) == []


def test_of_the_pack_angular_the_rates_of_all_traffic_are_named_and_its_probes_are_not(tmp_path):
    summaries, _ = checked(folder(tmp_path, runs_on(", metrics: edge")), (), all_kinds())

    (line,) = [line for line in "\n".join(summaries).splitlines() if "do not tell releases apart" in line]
    assert ': "few requests are answered with a 4xx", "few requests are answered with a 5xx": name' in line


@pytest.mark.parametrize(("main", "lingers"), [(runs_on(""), True), (ECS, False)], ids=["site", "ecs"])
def test_a_site_lingers_and_tasks_do_not(tmp_path, main, lingers):
    file = folder(tmp_path, main + NAMED)
    (tmp_path / "mine.yaml").write_text(ALL)

    assert read_configuration(file, all_kinds()).services["web", "production"].policy.lingers is lingers

"""What has to look at a release in staging, so that it goes on to production without a person."""

import pytest

from watcher.commands.check import checked
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.registries import all_kinds
from watcher.core.service import Look

PRODUCTION = ("web", "production")
SMOKE = "smoke"
TASKS = "tasks"
RULES = {
    SMOKE: """\
  - {name: it can be used, indicator: smoke, judge: {slo: {objective: 90%}}, on_breach: rollback, must_have_seen: 20%}
""",
    TASKS: """\
  - {name: tasks live, indicator: tasks, judge: {slo: {objective: 99%}}, on_breach: rollback}
""",
    "errors": """\
  - {name: few fail, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
""",
}
INDICATORS = {
    SMOKE: """\
  smoke:
    probe:
      steps:
        steps: [{name: health, url: "https://staging.example/health", expect: {status: 200}}]
""",
    TASKS: """\
  tasks:
    ratio:
      ecs_tasks: {cluster: prod, service: web, task_definition: "${arm.task_definition}"}
""",
    "errors": """\
  errors:
    ratio:
      cloudwatch: {namespace: Shop, bad: {sum: [Failed]}, total: {sum: [Requests]}}
""",
}
ECS = "{ecs: {cluster: prod, service: web}}"
FUNCTION = "{lambda: {function: web, alias: live}}"


def configured(folder, *looks, gate="{after: [staging]}", runs_on=ECS, rules=None):
    """A service of which production comes after staging, where rules look at these."""
    text = "".join(INDICATORS[each] for each in looks), "".join(RULES[each] for each in looks)
    (folder / "staging.yaml").write_text(rules or f"version: 1\nindicators:\n{text[0]}rules:\n{text[1]}")
    errors = f"version: 1\nindicators:\n{INDICATORS['errors']}rules:\n{RULES['errors']}"
    (folder / "production.yaml").write_text(errors)
    file = folder / "rollbackd.yaml"
    file.write_text(f"""\
version: 1
accounts: {{shop: {{region: eu-central-1}}}}
defaults: {{account: shop, mode: shadow}}
services:
  web:
    staging: {{runs_on: [{runs_on}], rules: [{{file: staging.yaml}}]}}
    production: {{runs_on: [{{command: {{live: [/bin/true], move: [/bin/true]}}}}], rules: [{{file: production.yaml}}], gate: {gate}}}
""")
    return file


def unlooked(file):
    return read_configuration(file, all_kinds()).services[PRODUCTION].gate.unlooked


@pytest.mark.parametrize(
    ("looks", "lacks"),
    [
        ((SMOKE, TASKS), ()),
        ((SMOKE,), (("staging", Look.TASKS),)),
        ((TASKS,), (("staging", Look.SMOKE),)),
        (("errors",), (("staging", Look.SMOKE), ("staging", Look.TASKS))),
    ],
)
def test_what_nothing_looks_at_in_staging_is_known(tmp_path, looks, lacks):
    assert unlooked(configured(tmp_path, *looks)) == lacks


def test_where_there_are_no_tasks_nobody_has_to_look_at_them(tmp_path):
    assert unlooked(configured(tmp_path, SMOKE, runs_on=FUNCTION)) == ()


def test_of_several_parts_the_tasks_of_each_have_to_be_looked_at(tmp_path):
    file = configured(tmp_path, SMOKE, TASKS)
    both = f"runs_on: {{web: {ECS}, worker: {{ecs: {{cluster: prod, service: worker}}}}}}, rules: [{{file: staging"
    file.write_text(file.read_text().replace(f"runs_on: [{ECS}], rules: [{{file: staging", both))

    assert unlooked(file) == (("staging", Look.TASKS),)


def test_a_service_that_is_named_by_its_arn_is_the_one_that_is_looked_at(tmp_path):
    named = '{ecs: {cluster: prod, service: "arn:aws:ecs:eu-central-1:123456789012:service/prod/web"}}'

    assert unlooked(configured(tmp_path, SMOKE, TASKS, runs_on=named)) == ()


def test_a_rule_that_only_tells_looks_at_nothing(tmp_path):
    file = configured(tmp_path, SMOKE, TASKS)
    rules = (tmp_path / "staging.yaml").read_text()
    tells = rules.replace("objective: 90%}}, on_breach: rollback", "objective: 90%}}, on_breach: tell")
    (tmp_path / "staging.yaml").write_text(tells)

    assert unlooked(file) == (("staging", Look.SMOKE),)


def test_a_rule_that_speaks_through_another_looks_at_what_that_acts_on(tmp_path):
    file = configured(tmp_path, SMOKE, TASKS)
    told = RULES[SMOKE].replace("on_breach: rollback", "on_breach: tell, id: usable")
    both = "  - {name: it is used well, all_of: [usable, live], on_breach: ask}\n"
    rules = (tmp_path / "staging.yaml").read_text().replace(RULES[SMOKE], told)
    live = rules.replace("name: tasks live", "id: live, name: tasks live") + both
    (tmp_path / "staging.yaml").write_text(live)

    assert unlooked(file) == ()


@pytest.mark.parametrize(
    ("gate", "lacks"),
    [
        ("{after: [staging], passed_by: []}", ()),
        ("{after: [staging], passed_by: [smoke]}", (("staging", Look.SMOKE),)),
        ("{after: [staging], approval: person}", ()),
        ("{}", ()),
    ],
)
def test_what_has_to_look_the_gate_says_and_where_a_person_approves_nothing_has(tmp_path, gate, lacks):
    assert unlooked(configured(tmp_path, "errors", gate=gate)) == lacks


def test_what_is_unknown_is_a_mistake(tmp_path):
    with pytest.raises(InvalidConfiguration) as told:
        unlooked(configured(tmp_path, "errors", gate="{after: [staging], passed_by: [luck]}"))

    assert "passed_by" in str(told.value)
    assert "smoke" in str(told.value)


def test_check_says_what_does_not_go_on_by_itself_and_what_to_do(tmp_path):
    summaries, problems = checked(configured(tmp_path, "errors"), (), all_kinds())
    told = [line for line in "\n".join(summaries).splitlines() if "person's word" in line]

    assert problems == []
    assert len(told) == 2
    assert told[0].startswith(
        "web/production: what passed in staging goes on only by a person's word: no rule that can act there uses the service: add a smoke suite"
    )
    assert (
        "no rule that can act there looks at its tasks: add a rule on its tasks (`ecs_tasks`), as the packs ecs and ecs-worker have it"
        in told[1]
    )
    assert told[1].endswith("or write `gate: {passed_by: []}`")


def test_check_is_silent_where_smoke_and_tasks_are_looked_at(tmp_path):
    summaries, _ = checked(configured(tmp_path, SMOKE, TASKS), (), all_kinds())

    assert "person's word" not in "\n".join(summaries)


@pytest.mark.parametrize(
    ("runs_on", "offers"),
    [("{command: {live: [/bin/true], move: [/bin/true]}}", "[]"), (ECS, "[tasks]")],
    ids=["no tasks", "tasks"],
)
def test_what_asks_for_nothing_is_not_offered(tmp_path, runs_on, offers):
    looks = ("errors", TASKS) if runs_on == ECS else ("errors",)
    summaries, _ = checked(configured(tmp_path, *looks, runs_on=runs_on), (), all_kinds())

    (told,) = [line for line in "\n".join(summaries).splitlines() if "person's word" in line]
    assert told.endswith(f"or write `gate: {{passed_by: {offers}}}`")

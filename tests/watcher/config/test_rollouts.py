"""How a rollout goes forward: what may be written under `rollout:`, and on which platforms."""

from datetime import timedelta

import pytest

from tests.watcher.config.sample import changed, problems
from tests.watcher.config.test_lambda import KEY, MAIN, read, runs_on, wrong
from watcher.config.explain import explain
from watcher.core.service import Hooks, Mode, Rollout, Stage, Unseen

ALIAS = ", alias: live, traffic: by_weight"
ECS = "runs_on: [{ecs: {cluster: prod, service: checkout, behind: nothing}}]"


def on_lambda(written: str, settings: str = ALIAS) -> str:
    return runs_on(settings, f"rollout: {written}")


def on_ecs(written: str) -> str:
    return MAIN + "".join(f"      {line}\n" for line in (ECS, f"rollout: {written}"))


def test_without_a_word_hooks_are_left_and_nothing_is_shared_out(tmp_path):
    assert read(tmp_path, runs_on(ALIAS)).services[KEY].policy.rollout == Rollout()


def test_stages_are_shares_that_grow_to_the_whole_each_with_its_bake(tmp_path):
    text = "{stages: [{share: 5%}, {share: 25%, bake: 20m, at_most: 3h}, {share: 100%}], bake: {at_least: 5m}, forward: auto}"

    found = read(tmp_path, on_lambda(text)).services[KEY].policy.rollout

    assert found.stages == (Stage(0.05), Stage(0.25, timedelta(minutes=20), timedelta(hours=3)), Stage(1.0))
    assert (found.at_least, found.at_most) == (timedelta(minutes=5), timedelta(hours=2))
    assert found.forward is Mode.AUTO


def test_hooks_are_answered_where_the_platform_has_some(tmp_path):
    found = read(tmp_path, on_ecs("{hooks: answer, before_traffic: go_on}")).services[KEY].policy.rollout

    assert (found.hooks, found.before_traffic) == (Hooks.ANSWER, Unseen.GO_ON)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{stages: [{share: 5%}]}", "the last of several stages has all the traffic"),
        ("{stages: [{share: 5%}, {share: 50%}]}", "the last of several stages has all the traffic"),
        ("{stages: [{share: 25%}, {share: 5%}, {share: 100%}]}", "larger share than the one before it"),
        ("{stages: [{share: 0%}, {share: 100%}]}", "a share between 0.1% and 100%"),
        ("{stages: [{share: 5%, bake: 3h}, {share: 100%}]}", "bakes for longer than it may take"),
        ("{bake: {at_least: 3h}}", "bakes for longer than it may take"),
        ("{hooks: answer, stages: [{share: 5%}, {share: 100%}]}", "both the platform and rollbackd"),
        ("{hooks: answer}", "lambda has no hooks that rollbackd can answer"),
        ("{forward: shadow}", "forward"),
        ("{stage: []}", 'did you mean "stages"?'),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path, written, expected):
    found = wrong(tmp_path, on_lambda(written))

    assert any("rollout" in each and expected in each for each in found), found


def test_stages_need_a_platform_whose_traffic_can_be_shared_out(tmp_path):
    stages = "{stages: [{share: 5%}, {share: 100%}]}"
    (on_service,) = [each for each in wrong(tmp_path, on_ecs(stages)) if "stages" in each]
    owned = ", alias: live, traffic: by_weight, codedeploy: {application: shop, group: checkout}"
    (by_codedeploy,) = wrong(tmp_path, on_lambda(stages, owned))

    assert "ecs: rollbackd cannot share out its traffic" in on_service
    assert "CodeDeploy moves checkout:live by weights" in by_codedeploy


def test_several_parts_have_no_stages(tmp_path):
    two = "runs_on: {api: {lambda: {function: a, alias: live}}, worker: {lambda: {function: b, alias: live}}}"
    text = MAIN + "".join(
        f"      {line}\n" for line in (two, "rollout: {stages: [{share: 5%}, {share: 100%}]}")
    )

    assert any("a service of 2 parts is not shared out" in each for each in wrong(tmp_path, text))


def test_what_is_in_force_is_explained(tmp_path):
    plain = {row.key: row.value for row in explain(read(tmp_path, runs_on(ALIAS)), KEY)}
    stages = "{stages: [{share: 5%}, {share: 100%}], before_traffic: go_on}"
    written = {row.key: row.value for row in explain(read(tmp_path, on_lambda(stages)), KEY)}

    assert (plain["rollout.hooks"], plain["rollout.stages"], plain["rollout.forward"]) == (
        "leave",
        "none",
        "shadow",
    )
    assert (written["rollout.stages[0].share"], written["rollout.before_traffic"]) == (
        "5%",
        Unseen.GO_ON.value,
    )
    assert "rollout.stages" not in written
    assert written["rollout.hooks"] == Hooks.LEAVE.value


def test_a_mistake_beside_it_hides_none_in_it(tmp_path):
    main = changed("mode: auto", "mode: atuo\n      rollout: {hooks: answr}\n      mirror: [{ssn: x}]")

    found = "\n".join(problems(tmp_path, main))

    assert '"atuo" is not one of' in found
    assert '"answr" is not one of' in found
    assert '"ssn"' in found

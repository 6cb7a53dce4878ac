"""How a rollout goes forward: what may be written under `rollout:`, and on which platforms."""

from datetime import timedelta

import pytest

from tests.watcher.config.sample import changed, problems
from tests.watcher.config.test_lambda import KEY, MAIN, read, runs_on, wrong
from watcher.config.explain import explain
from watcher.core.service import Hooks, Mode, Rollout, Stage, Unseen, WarmUp

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


@pytest.mark.parametrize(
    ("kind", "settings", "why", "remedy"),
    [
        (
            "unleash",
            "url: 'https://flags.example.com', environment: production, flag: new, token: {env: HOME}",
            "each percentage of default/new in production is a release of its own",
            "write `percentages: shares`: what the flag gives is the release then",
        ),
        (
            "flagd",
            "bucket: flags, key: flags.json, flag: new",
            "the shares of new in s3://flags/flags.json stand in the document (`fractional`)",
            "put the document with the next share: each is a deployment",
        ),
    ],
)
def test_where_a_flags_shares_are_not_ours_to_raise_it_is_said_who_raises_them(
    tmp_path, kind, settings, why, remedy
):
    (refused,) = [
        each for each in wrong(tmp_path, on_a_flag("", f"{kind}: {{{settings}")) if "stages" in each
    ]

    assert why in refused
    assert remedy in refused


FLAG = "launchdarkly: {project: shop, environment: production, flag: new, token: {env: HOME}"


def on_a_flag(percentages: str, flag: str = FLAG) -> str:
    lines = (
        f"runs_on: [{{{flag}{percentages}}}}}]",
        "rollout: {stages: [{share: 5%}, {share: 100%}]}",
        "rules: [{pack: lambda, with: {function: checkout, alias: live}}]",
    )
    return MAIN + "".join(f"      {line}\n" for line in lines)


def test_the_percentages_of_a_flag_are_stages_where_they_are_shares_and_not_releases(tmp_path):
    (refused,) = [each for each in wrong(tmp_path, on_a_flag("")) if "stages" in each]
    found = read(tmp_path, on_a_flag(", percentages: shares")).services[KEY].policy.rollout

    assert "launchdarkly: each percentage of shop/new in production is a release of its own" in refused
    assert "write `percentages: shares`" in refused
    assert found.stages == (Stage(0.05), Stage(1.0))


UNLEASH = "unleash: {url: 'https://flags.example.com', environment: production, flag: new, token: {env: HOME}"


def test_a_flag_of_unleash_is_shared_out_in_whole_percents(tmp_path):
    stages = on_a_flag(", percentages: shares", UNLEASH)
    (refused,) = wrong(tmp_path, stages.replace("5%}", "2.5%}"))
    (least,) = wrong(tmp_path, stages.replace("5%}", "0.4%}"))
    found = read(tmp_path, stages).services[KEY].policy.rollout

    assert "stages: unleash: it shares out in steps of 1%, and 0.025 is none" in refused
    assert "write 2%" in refused
    assert "write 1%" in least
    assert found.stages == (Stage(0.05), Stage(1.0))


def test_a_strategy_is_named_where_percentages_are_shares_and_nowhere_else(tmp_path):
    named = ", strategy: 00000000-0000-4000-8000-000000000001"

    (refused,) = [each for each in wrong(tmp_path, on_a_flag(named, UNLEASH)) if "strategy" in each]

    assert "`strategy` says whose percentage is a share: write `percentages: shares` too" in refused
    assert read(tmp_path, on_a_flag(named + ", percentages: shares", UNLEASH)).services


APPCONFIG = "runs_on: [{appconfig: {application: ba8toh7, environment: pgil2o7, profile: ga3tqep, strategy: 7h4k2m1}}]"
ONE_FLAG = APPCONFIG.replace("7h4k2m1}", "7h4k2m1, flag: pricing}")
SITE = "runs_on: [{s3_cloudfront: {bucket: shop-site, distribution: E2EXAMPLE1ABC, site: 'https://shop.example.com'}}]"


@pytest.mark.parametrize(
    ("runs", "words", "remedy"),
    [
        (
            APPCONFIG,
            "AppConfig gives a version to more and more clients by itself",
            "a strategy that grows slowly",
        ),
        (
            ONE_FLAG,
            "each state of pricing in ba8toh7/pgil2o7/ga3tqep is a release of its own",
            "write `variant:`, the name of its variant",
        ),
        (
            SITE,
            "with `layout: index_pointer` everybody gets one release",
            "key_value_store, traffic: by_weight",
        ),
    ],
)
def test_where_nothing_is_shared_out_at_a_word_it_says_why_and_what_else_there_is(
    tmp_path, runs, words, remedy
):
    stages = "rollout: {stages: [{share: 5%}, {share: 100%}]}"
    text = MAIN + "".join(f"      {line}\n" for line in (runs, stages))
    (refused,) = [each for each in wrong(tmp_path, text) if "stages" in each]

    assert words in refused
    assert remedy in refused


def test_a_variant_of_appconfig_is_shared_out_in_whole_percents(tmp_path):
    runs = ONE_FLAG.replace("pricing}", "pricing, variant: New}")
    lines = (
        runs,
        "rollout: {stages: [{share: 5%}, {share: 100%}]}",
        "rules: [{pack: lambda, with: {function: checkout, alias: live}}]",
    )
    text = MAIN + "".join(f"      {line}\n" for line in lines)
    (refused,) = wrong(tmp_path, text.replace("5%}", "2.5%}"))
    (alone,) = [each for each in wrong(tmp_path, text.replace("flag: pricing, ", "")) if "variant" in each]

    assert read(tmp_path, text).services[KEY].policy.rollout.stages == (Stage(0.05), Stage(1.0))
    assert "it shares out in steps of 1%" in refused
    assert "write `flag`, the flag's key, too" in alone


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


# --------------------------------------------------------------------------------------------------------- warming up

STAGES = "stages: [{share: 5%}, {share: 100%}]"


def test_a_release_may_have_to_warm_up_by_its_platforms_word_or_by_a_probe(tmp_path):
    found = read(tmp_path, on_lambda(f"{{{STAGES}, warm_up: {{within: 5m}}}}"))
    without = read(tmp_path, on_lambda(f"{{{STAGES}}}"))

    assert found.services[KEY].policy.rollout.warm_up == WarmUp(within=timedelta(minutes=5))
    assert without.services[KEY].policy.rollout.warm_up is None
    told = {row.key: row.value for row in explain(found, KEY)}
    assert (told["rollout.warm_up.probe"], told["rollout.warm_up.within"]) == (
        "none: the platform's word",
        "5m",
    )


PROBING = """\
version: 1
indicators:
  errors: {ratio: {cloudwatch: {namespace: AWS/Lambda, dimensions: {FunctionName: checkout}, bad: {sum: [Errors]}, total: {sum: [Invocations]}}}}
  health: {probe: {http: {url: "https://shop.example.com/health", expect: {version: {header: X-Release, equals: "${arm.version}"}}}}}
rules:
  - {name: errors, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: healthy, indicator: health, judge: {threshold: {above: 50%}}, on_breach: tell}
"""


def probing(tmp_path, written):
    (tmp_path / "probing.yaml").write_text(PROBING, encoding="utf-8")
    return on_lambda(f"{{{STAGES}, warm_up: {written}}}") + "      rules: [{file: probing.yaml}]\n"


def test_the_probe_is_one_that_a_rule_looks_at(tmp_path):
    text = probing(tmp_path, "{probe: health, answers: 20, instances: 3}")
    (unknown,) = wrong(tmp_path, probing(tmp_path, "{probe: errors}"))

    assert read(tmp_path, text).services[KEY].policy.rollout.warm_up == WarmUp("health", 20, 3)
    assert "no rule of this service looks at a probe that is called errors" in unknown
    assert "name one of health" in unknown


def test_a_probe_that_takes_the_old_releases_answers_for_the_new_ones_warms_nothing_up(tmp_path):
    text = probing(tmp_path, "{probe: health}")
    anybody = PROBING.replace('equals: "${arm.version}"', 'equals: "v43"')
    (tmp_path / "probing.yaml").write_text(anybody, encoding="utf-8")

    found = [each for each in wrong(tmp_path, text) if "releases apart" in each]

    assert len(found) == 1
    assert "what serves would answer for what is to be warmed up" in found[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (on_lambda("{warm_up: {within: 5m}}"), "there are no stages"),
        (on_lambda(f"{{{STAGES}, warm_up: {{answers: 0}}}}"), "answers"),
        (on_lambda(f"{{{STAGES}, warm_up: {{probe: health}}}}"), "write an indicator of the kind `probe`"),
        (on_ecs(f"{{{STAGES}, warm_up: {{}}}}"), "ecs does not say whether a release is warm"),
    ],
)
def test_where_nobody_can_say_that_it_is_warm_check_says_so(tmp_path, text, words):
    found = wrong(tmp_path, text)

    assert any("rollout" in each and words in each for each in found), found

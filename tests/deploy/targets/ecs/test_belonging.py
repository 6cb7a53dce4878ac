"""What belongs together with a service of ECS and does not fit: rules that delete its images, time-outs that cut its tasks off."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from deploy.model import Finding, Level
from deploy.targets.ecs.expiring import fate, rule_for, rules_of
from tests.deploy.targets.ecs.stage import LONG_AGO, MAY_ACT, Stage
from tests.deploy.targets.played import everything_but
from tests.fakes.aws.ecr import digest_of
from tests.fakes.aws.fixtures import NOON

OF = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop"


def a_rule(priority: int = 1, action: str = "expire", **selection: object) -> dict[str, object]:
    usual = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}
    return {"rulePriority": priority, "selection": {**usual, **selection}, "action": {"type": action}}


def by_age(days: int) -> dict[str, object]:
    return a_rule(countType="sinceImagePushed", countUnit="days", countNumber=days)


def a_policy(*rules: dict[str, object]) -> str:
    return json.dumps({"rules": rules})


def an_image(*tags: str, at: datetime = NOON - timedelta(days=10)) -> dict[str, object]:
    return {"imageTags": list(tags), "imagePushedAt": at}


def became(policy: str, image: dict[str, object], *newer: dict[str, object]) -> Finding | None:
    rule = rule_for(rules_of(policy), image)
    return fate(rule, image, [image, *newer], "shop:1.0", NOON) if rule else None


def pushes(number: int, tag: str = "n") -> list[dict[str, object]]:
    return [an_image(f"{tag}{each}", at=NOON - timedelta(hours=each)) for each in range(number)]


# --------------------------------------------------------------------------------------------------------- rules of ECR


@pytest.mark.parametrize(
    ("keeps", "newer", "level", "words"),
    [
        (25, 4, None, ""),
        (24, 4, Level.WARN, "goes with the push number 20 from now on"),
        (5, 3, Level.WARN, "goes with the push number 2 from now on"),
        (5, 4, Level.FAIL, "goes with the push number 1 from now on"),
        (5, 5, Level.FAIL, "goes with its next run"),
    ],
)
def test_a_rule_that_counts_is_held_against_the_place_of_the_image(keeps, newer, level, words):
    found = became(a_policy(a_rule(countNumber=keeps)), an_image("1.0"), *pushes(newer))

    assert (found.level if found else None) is level
    if found:
        assert (
            f"deletes images but the newest {keeps}, whether or not they run: shop:1.0 {words}" in found.words
        )
        assert "known-good*" in found.remedy


@pytest.mark.parametrize(("days", "level"), [(10, Level.FAIL), (11, Level.FAIL), (12, Level.WARN)])
def test_a_rule_by_age_says_when_what_runs_goes(days, level):
    found = became(a_policy(by_age(days)), an_image("1.0"))

    assert found is not None
    assert found.level is level
    goes = NOON - timedelta(days=10) + timedelta(days=days)
    assert (
        f"{days} days after their push, whether or not they run: shop:1.0 goes on {goes:%Y-%m-%d}"
        in found.words
    )


def test_only_what_a_rule_selects_counts():
    policy = a_policy(a_rule(tagStatus="tagged", tagPrefixList=["v"], countNumber=2))

    found = became(policy, an_image("v1"), *pushes(9), *pushes(1, tag="v"))

    assert found is not None
    assert "push number 1 from" in found.words


@pytest.mark.parametrize(
    ("selection", "tags", "selects"),
    [
        ({"tagStatus": "untagged"}, ("1.0",), False),
        ({"tagStatus": "untagged"}, (), True),
        ({"tagStatus": "tagged", "tagPrefixList": ["1."]}, ("1.0",), True),
        ({"tagStatus": "tagged", "tagPrefixList": ["1.", "prod"]}, ("1.0",), False),
        ({"tagStatus": "tagged", "tagPrefixList": ["1.", "prod"]}, ("1.0", "prod-7"), True),
        ({"tagStatus": "tagged", "tagPatternList": ["*-rc"]}, ("1.0-rc",), True),
        ({"tagStatus": "tagged", "tagPatternList": ["*-rc"]}, ("1.0",), False),
        ({"tagStatus": "tagged", "tagPatternList": ["1.0"]}, ("1x0",), False),
        ({"tagStatus": "tagged", "tagPatternList": ["*"]}, (), False),
        ({"tagStatus": "any"}, (), True),
        ({"tagStatus": "any", "storageClass": "archive"}, ("1.0",), False),
    ],
)
def test_which_images_a_rule_selects(selection, tags, selects):
    assert (rule_for(rules_of(a_policy(a_rule(**selection))), an_image(*tags)) is not None) is selects


def test_an_image_belongs_to_the_first_rule_that_selects_it_and_no_later_one_touches_it():
    keeps = a_rule(priority=1, tagStatus="tagged", tagPatternList=["known-good*"], countNumber=999)

    found = became(a_policy({**by_age(1), "rulePriority": 2}, keeps), an_image("1.0", "known-good-checkout"))

    assert found is None


def test_what_is_archived_cannot_be_pulled_either():
    found = became(a_policy(a_rule(action="transition", countNumber=1)), an_image("1.0"))

    assert found is not None
    assert "archives images" in found.words


def test_a_rule_of_a_kind_that_is_not_known_is_told_and_not_taken_for_harmless():
    found = became(a_policy(a_rule(countType="sinceImagePulled", countNumber=90)), an_image("1.0"))

    assert found is not None
    assert found.level is Level.WARN
    assert "by sinceImagePulled 90, whether or not they run" in found.words


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", '{"rules": [{}]}', '{"rules": 1}'])
def test_what_is_no_policy_has_no_rules(text):
    assert list(rules_of(text)) == []


# --------------------------------------------------------------------------------------------------- on the platform


def a_stage(stops: int | None = 90) -> Stage:
    """``api`` ran ``web:4`` and runs ``web:5``, of a repository of ECR, behind the target group ``blue``."""
    stage = Stage()
    for age, tag in ((20, "1.0"), (10, "2.0")):
        stage.world.ecr.push("shop", tag, at=NOON - timedelta(days=age))
        told = {} if stops is None else {"stopTimeout": stops}
        stage.world.ecs.register("web", f"{OF}:{tag}", LONG_AGO, container=told)
    group = stage.world.balancing.create_group("blue", LONG_AGO, deregistration_delay__timeout_seconds="60")
    behind = {"targetGroupArn": group, "containerName": "web", "containerPort": 80}
    stage.world.ecs.create_service("api", "web:4", NOON - timedelta(hours=1), loadBalancers=[behind])
    stage.world.ecs.deploy("api", "web:5", stage.clock.time)
    stage.goes_on(minutes=10)
    return stage


def examined(stage: Stage) -> list[Finding]:
    found = stage.run(stage.target("api").examine())
    assert stage.world.bugs == []
    return [each for each in found if each.level is not Level.OK]


def test_what_runs_and_what_ran_before_is_looked_for_in_the_rules():
    stage = a_stage()
    stage.world.ecr.lifecycle["shop"] = a_policy(by_age(15))

    found = examined(stage)

    assert [each.level for each in found] == [Level.WARN, Level.FAIL]
    assert "shop:2.0 goes on" in found[0].words
    assert "shop:1.0 goes on" in found[1].words


def test_an_image_that_is_gone_while_it_runs_is_a_failure():
    stage = a_stage()
    del stage.world.ecr._tags["shop"]["2.0"]

    (found,) = examined(stage)

    assert found.level is Level.FAIL
    assert "ECR has no image" in found.words


UNTAGGED = a_rule(tagStatus="untagged", countType="sinceImagePushed", countUnit="days", countNumber=1)


@pytest.mark.parametrize(("listed", "level"), [(False, Level.FAIL), (True, Level.WARN)])
@pytest.mark.parametrize("moved", [True, False], ids=["moved", "taken away"])
def test_what_runs_is_looked_for_by_the_digest_that_ecs_keeps_to_whatever_became_of_its_tag(
    moved, listed, level
):
    stage = a_stage()
    stage.world.ecr.lifecycle["shop"] = a_policy(UNTAGGED)
    before = examined(stage)
    if moved:
        stage.world.ecr.push("shop", "2.0", "another content", at=stage.clock.time)
    else:
        stage.world.ecr.untag("shop", "2.0", stage.clock.time)
    if listed:
        stage.world.ecr.push_list("shop", "other", (digest_of("x"),), at=stage.clock.time)

    (found,) = examined(stage)

    assert before == []
    assert found.level is level
    assert "shop:2.0 goes on" in found.words


def test_an_image_of_a_list_that_runs_is_not_taken_for_one_that_goes():
    stage = a_stage()
    stage.world.ecr.lifecycle["shop"] = a_policy(UNTAGGED)
    runs = digest_of("shop:2.0")
    stage.world.ecr.push_list("shop", "2.0", (runs,), at=stage.clock.time)

    assert examined(stage) == []


def test_an_untagged_image_that_a_list_may_name_is_no_failure():
    (rule,), image = rules_of(a_policy(UNTAGGED)), an_image()
    a_list = {**an_image("1.0"), "imageManifestMediaType": "application/vnd.oci.image.index.v1+json"}

    a_list_itself = {**a_list, "imageTags": []}

    alone, beside, itself = (
        fate(rule, which, others, "shop@sha256:0", NOON)
        for which, others in ((image, [image]), (image, [image, a_list]), (a_list_itself, [a_list_itself]))
    )

    assert itself is not None
    assert itself.level is Level.FAIL
    assert alone is not None
    assert alone.level is Level.FAIL
    assert beside is not None
    assert beside.level is Level.WARN
    assert beside.words.endswith("unless a list of images for several platforms names it")


def test_an_image_that_is_archived_cannot_be_pulled():
    stage = a_stage()
    stage.world.ecr.archived.add(digest_of("shop:2.0"))

    (found,) = examined(stage)

    assert found.level is Level.FAIL
    assert "ECR has archived" in found.words


def test_an_image_of_another_account_that_may_not_be_read_is_told_with_who_has_to_allow_it():
    stage = a_stage()
    stage.world.identities.grant_own(policies=everything_but("ecr:DescribeImages"))
    elsewhere = replace(MAY_ACT, id="999999999999")

    found = [
        each
        for each in stage.run(stage.target("api", elsewhere).examine())
        if "ecr:DescribeImages" in each.words
    ]

    assert {each.level for each in found} == {Level.WARN}
    assert all("of the account 123456789012: its policy there" in each.remedy for each in found)


def test_what_ran_before_and_cannot_be_read_is_said():
    stage = a_stage()
    stage.world.identities.grant_own(policies=everything_but("ecs:ListServiceDeployments"))

    (found,) = examined(stage)

    assert found.level is Level.WARN
    assert "what ran before cannot be read" in found.words
    assert "allow ecs:ListServiceDeployments to" in found.words


@pytest.mark.parametrize(("stops", "fits"), [(None, False), (59, False), (60, True), (90, True)])
def test_a_container_is_to_have_as_long_to_stop_as_its_balancer_lets_requests_end(stops, fits):
    found = examined(a_stage(stops))

    assert (found == []) is fits
    if not fits:
        assert (
            f"has {stops or 30} s to stop (web), and its target group blue lets requests end on it for 60 s"
            in found[0].words
        )
        assert "set deregistration_delay.timeout_seconds of blue to less than" in found[0].remedy


@pytest.mark.parametrize(
    "action",
    ["ecr:DescribeImages", "ecr:GetLifecyclePolicy", "elasticloadbalancing:DescribeTargetGroupAttributes"],
)
def test_a_permission_that_is_missing_is_named_and_hides_nothing_else(action):
    stage = a_stage(stops=10)
    stage.world.ecr.lifecycle["shop"] = a_policy(by_age(15))
    stage.world.identities.grant_own(policies=everything_but(action))

    found = examined(stage)

    assert any(f"allow {action} to" in each.words and each.level is Level.WARN for each in found)
    assert any(f"allow {action} to" not in each.words for each in found)


def test_without_a_balancer_and_without_images_of_ecr_nothing_more_is_asked():
    stage = Stage()

    assert [each.level for each in stage.run(stage.target().examine())] == [Level.OK]
    assert {call.service for call in stage.world.calls} == {"ecs"}


def test_the_policy_that_the_page_shows_keeps_what_the_mirror_tags_and_tidies_up_the_rest():
    page = (Path(__file__).parents[4] / "docs" / "aws.md").read_text(encoding="utf-8")
    (text,) = [block.partition("```")[0] for block in page.split("```json\n")[1:] if "rulePriority" in block]
    kept, other = an_image("1.0", "known-good-checkout"), an_image("1.0")

    assert became(text, kept, *pushes(200)) is None
    assert became(text, other) is not None

"""What every stack may say besides: verdicts in parameters, mirrors of the known-good release; and CodeDeploy's hooks."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from deploy.mirrors.registry import MIRRORS
from deploy.model import WHOLE, Release, Standing
from deploy.ports import AwsAccount, World
from deploy.target import Place
from tests.builders import NOON
from tests.contract.notifier_contract import a_message
from tests.contract.test_mirrors import no_program
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.watcher.commands import iam
from watcher.commands import check, init
from watcher.commands._init.registry import STACKS
from watcher.config import read_configuration
from watcher.config.configuration import Configuration
from watcher.config.registries import all_kinds
from watcher.core.service import Mode
from watcher.notify.notifier import Told
from watcher.notify.ssm.parameter import Parameter
from watcher.notify.ssm.settings import Settings

ACCOUNT, REGION = "111122223333", "eu-central-1"
READ, ACT = (f"arn:aws:iam::{ACCOUNT}:role/rollbackd-{purpose}" for purpose in ("read", "act"))
SHOP = AwsAccount("main", REGION, ACCOUNT, may_act=True)
PARAMETERS = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/rollbackd"
ON_AWS = sorted(set(STACKS) - {"github-actions"})
RULE = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener-rule/app/shop/0123456789abcdef/00112233445566aa/ffeeddccbbaa9988"
CARTS = ("--service", "checkout", "--service", "cart")


def run(stack: str, directory, *words: str) -> Result:
    whose = ("--rule", RULE) if stack == "load-balancer" else ("--account-id", ACCOUNT)
    empty = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    return CliRunner().invoke(init.command, [stack, "--directory", str(directory), *whose, *words], env=empty)


def checked(directory) -> Result:
    return CliRunner().invoke(check.command, ["--config", str(directory / "rollbackd.yaml")])


def read(directory) -> Configuration:
    return read_configuration(directory / "rollbackd.yaml", all_kinds())


def policy(directory, role: str):
    return json.loads((directory / f"{role}-policy.json").read_text())


def reached(directory, role: str, action: str) -> list[str]:
    return [
        each
        for found, resources, _ in iam.statements(policy(directory, role))
        if found == action
        for each in resources
    ]


def an_aws(directory) -> tuple[AwsWorld, Direct]:
    """AWS, where the two roles may what was written, and nothing else."""
    world = AwsWorld(lambda: NOON, ACCOUNT, REGION)
    for role, arn in (("read", READ), ("act", ACT)):
        world.identities.role(arn, policies=[policy(directory, role)])
    return world, Direct(world, {"main": Scope(REGION, READ, ACT)})


@pytest.mark.parametrize("stack", ON_AWS)
def test_what_every_stack_writes_besides_is_without_a_mistake(tmp_path, stack):
    result = run(stack, tmp_path, "--verdicts", "--mirror", "ssm")

    found = checked(tmp_path)

    assert result.exit_code == 0
    assert found.stderr == ""
    assert found.stdout.endswith("0 mistakes\n")
    configuration = read(tmp_path)
    (key,) = configuration.services
    assert configuration.services[key].policy.mode is Mode.SHADOW
    assert configuration.connections["verdicts"].kind == "ssm"
    assert [each.kind for each in configuration.mirrors[key]] == ["ssm"]
    for name in ("verdict", "known-good"):
        at = f"{PARAMETERS}/{'/'.join(key)}/{name}"
        assert at in reached(tmp_path, "act", "ssm:PutParameter")


@pytest.mark.parametrize("stack", ON_AWS)
def test_who_asks_for_nothing_of_it_gets_no_right_for_it(tmp_path, stack):
    run(stack, tmp_path)

    allowed = iam.actions(policy(tmp_path, "read"), policy(tmp_path, "act"))
    assert {each for each in allowed if each.startswith("ssm:") or each == "ecr:PutImage"} == set()
    assert "connections:" not in (tmp_path / "rollbackd.yaml").read_text()


def test_the_role_to_act_is_there_for_verdicts_alone(tmp_path):
    run("ecs", tmp_path / "verdicts", "--verdicts")
    run("ecs", tmp_path / "mirrors", "--mirror", "ssm")

    texts = [(tmp_path / each / "rollbackd.yaml").read_text() for each in ("verdicts", "mirrors")]
    assert ["with the role to read alone" in text for text in texts] == [False, True]
    acts = [read(tmp_path / each).accounts["main"].act for each in ("verdicts", "mirrors")]
    assert acts == [ACT, None]


async def test_with_what_was_written_verdicts_can_be_written_and_no_other_parameter(tmp_path):
    run("ecs", tmp_path, *CARTS, "--verdicts")
    world, aws = an_aws(tmp_path)
    told = read(tmp_path).connections["verdicts"].settings
    assert isinstance(told, Settings)

    notifier = Parameter(told, aws)
    findings = await notifier.examine([])
    outcomes = {
        service: await notifier.tell(a_shown(service), "", None)
        for service in ("checkout", "cart", "payments")
    }

    assert [finding.level.name for finding in findings] == ["OK"]
    assert {service: isinstance(told, Told) for service, told in outcomes.items()} == {
        "checkout": True,
        "cart": True,
        "payments": False,
    }
    assert set(world.ssm.versions) == {
        f"/rollbackd/{service}/production/verdict" for service in ("checkout", "cart")
    }


def a_shown(service: str):
    facts = {"state": "watching", "tag": "v43"}
    notice = replace(a_message().notice, watch="w_1", service=service, environment="production", facts=facts)
    return a_message(kind="show", notice=notice)


@pytest.mark.parametrize(
    ("words", "repository", "tag"),
    [
        ((), "checkout", "known-good-production"),
        (("--repository", "acme/${service}"), "acme/checkout", "known-good-production"),
        (("--repository", "shop"), "shop", "known-good-checkout-production"),
    ],
)
async def test_with_what_was_written_the_mirrors_can_be_written(tmp_path, words, repository, tag):
    run("ecs", tmp_path, *CARTS, "--mirror", "ssm", "--mirror", "ecr", *words)
    world, aws = an_aws(tmp_path)
    digest = world.ecr.push(repository, "1.4.0")
    release = Release("sha256:1", "checkout:41", {"digest": digest, "image_tag": "1.4.0"})
    place = Place("checkout", "production", WHOLE, SHOP)
    ports = World(command=no_program, now=lambda: NOON, aws=aws)

    said = [
        await MIRRORS[each.kind].open(each.settings, place, ports).write(Standing(release, "proven", NOON))
        for each in read(tmp_path).mirrors["checkout", "production"]
    ]

    assert said == ["", ""]
    assert world.ecr.means(repository, tag, NOON) == digest
    assert checked(tmp_path).stdout.endswith("0 mistakes\n")


@pytest.mark.parametrize("mirror", ["ssm", "ecr"])
def test_the_roles_may_what_the_mirrors_need_and_nothing_of_another_service(tmp_path, mirror):
    run("ecs", tmp_path, *CARTS, "--mirror", mirror)
    (told,) = read(tmp_path).mirrors["checkout", "production"]

    for service, may in (("checkout", True), ("cart", True), ("payments", False)):
        needs = MIRRORS[mirror].needs(told.settings, Place(service, "production", WHOLE, SHOP), SHOP)
        for role, wanted in needs.items():
            assert wanted
            assert [iam.allows(policy(tmp_path, role), need) for need in wanted] == [may] * len(wanted), (
                service
            )


@pytest.mark.parametrize("stack", ON_AWS)
def test_what_is_allowed_besides_is_awss_and_never_on_everything(tmp_path, stack):
    run(stack, tmp_path, "--verdicts", "--mirror", "ssm", *(("--mirror", "ecr") if stack == "ecs" else ()))

    for role in ("read", "act"):
        for action, resources, _ in iam.statements(policy(tmp_path, role)):
            if action.startswith("ssm:") or action in {"ecr:PutImage", "ecr:BatchGetImage"}:
                assert iam.is_known(action)
                assert {iam.kind_of(arn) for arn in resources} <= iam.kinds(action)


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        ("ecs", ("--mirror", "git")),
        ("lambda", ("--mirror", "ecr")),
        ("ecs", ("--mirror", "ecr", "--repository", "Shop")),
        ("ecs", ("--mirror", "ecr", "--repository", "${release}")),
        ("ecs", ("--mirror", "ecr", "--repository", "/shop")),
        ("github-actions", ("--verdicts",)),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path, stack, words):
    result = run(stack, tmp_path / "new", *words)

    assert result.exit_code == 2
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------------------------------------------- tags of resources

TAGGED = {
    "appconfig": f"arn:aws:appconfig:{REGION}:{ACCOUNT}:application/app0000/configurationprofile/prof000",
    "codedeploy": f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:my-application/production",
    "ecs": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/my-cluster/my-service",
    "lambda": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:my-function",
    "load-balancer": RULE,
}


@pytest.mark.parametrize("stack", TAGGED)
async def test_what_a_service_is_can_be_tagged_with_what_was_written_and_nothing_else(tmp_path, stack):
    run(stack, tmp_path, "--mirror", "tags")
    world, aws = an_aws(tmp_path)
    ((key, (told,)),) = read(tmp_path).mirrors.items()
    ports = World(command=no_program, now=lambda: NOON, aws=aws)
    kind, release = MIRRORS["tags"], Standing(Release("sha256:1", "v1"), "proven", NOON)
    others = kind.settings.model_validate({"resource": f"{TAGGED['lambda']}-of-others"})

    said = [
        await kind.open(each, Place(*key, WHOLE, SHOP), ports).write(release)
        for each in (told.settings, others)
    ]

    assert checked(tmp_path).stdout.endswith("0 mistakes\n")
    assert said[0] == ""
    assert "not authorized to perform: lambda:TagResource" in said[1]
    assert world.home.tagging.of(TAGGED[stack], NOON) == {"rollbackd:known-good": "v1"}


def test_several_services_are_tagged_by_one_line_and_no_other_key_may_be_written(tmp_path):
    run("ecs", tmp_path, *CARTS, "--mirror", "tags")

    act = policy(tmp_path, "act")
    (mirror,) = [each for each in act["Statement"] if each["Sid"] == "TagWhatTheServicesAre"]
    assert mirror["Resource"] == [
        f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/my-cluster/{each}" for each in ("checkout", "cart")
    ]
    assert mirror["Condition"] == {"ForAllValues:StringLike": {"aws:TagKeys": ["rollbackd:known-good"]}}
    assert checked(tmp_path).stdout.endswith("0 mistakes\n")


@pytest.mark.parametrize("stack", TAGGED)
def test_what_the_tagging_api_is_allowed_on_everything_cannot_be_narrowed_and_says_so(tmp_path, stack):
    run(stack, tmp_path, "--mirror", "tags")

    for role in ("read", "act"):
        for action, resources, statement in iam.statements(policy(tmp_path, role)):
            assert iam.is_known(action)
            if action.startswith("tag:"):
                assert resources == ["*"]
                assert statement["Sid"].endswith("NoNarrowerResource")
                assert not iam.kinds(action)


@pytest.mark.parametrize(
    ("stack", "words", "said"),
    [
        ("ecs", ("--service", "Checkout"), "calls these services otherwise"),
        ("codedeploy", ("--group", "Blue"), "calls these services otherwise"),
        ("site", (), "tags"),
        ("beanstalk", (), "tags"),
    ],
)
def test_what_cannot_be_tagged_by_one_line_or_not_at_all_is_refused(tmp_path, stack, words, said):
    result = run(stack, tmp_path / "new", *words, "--mirror", "tags")

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "new").exists()


# -------------------------------------------------------------------------------------------------- hooks of CodeDeploy

FUNCTION = ("--application", "checkout", "--function", "checkout")
HOOK = ("--hook-parameter", "/rollbackd/hooks/checkout")
BEHIND = (
    "--load-balancer",
    "app/shop/0123456789abcdef",
    "--target-group",
    "targetgroup/web/fedcba9876543210",
)


@pytest.mark.parametrize("whose", [FUNCTION, BEHIND], ids=["lambda", "ecs"])
def test_hooks_of_codedeploy_are_answered_and_the_role_to_read_may_see_which_waits(tmp_path, whose):
    run("codedeploy", tmp_path, *whose, *HOOK)

    found = checked(tmp_path)
    configuration = read(tmp_path)

    assert found.stderr == ""
    assert found.stdout.endswith("0 mistakes\n")
    ((key, targets),) = configuration.targets.items()
    assert targets[WHOLE].settings.model_dump()["hook_parameter"] == "/rollbackd/hooks/checkout"
    rollout = configuration.services[key].policy.rollout
    assert rollout is not None
    assert reached(tmp_path, "read", "ssm:GetParameter") == [f"{PARAMETERS}/hooks/checkout"]
    assert reached(tmp_path, "act", "codedeploy:PutLifecycleEventHookExecutionStatus") == ["*"]


def test_each_group_has_a_parameter_of_its_own(tmp_path):
    groups = ("--group", "blue", "--group", "green", *HOOK, "--hook-parameter", "/rollbackd/hooks/green")
    run("codedeploy", tmp_path, *FUNCTION, *groups)

    settings = {key: each[WHOLE].settings.model_dump() for key, each in read(tmp_path).targets.items()}

    assert {key[1]: each["hook_parameter"] for key, each in settings.items()} == {
        "blue": "/rollbackd/hooks/checkout",
        "green": "/rollbackd/hooks/green",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (HOOK, "say --function"),
        ((*FUNCTION, "--group", "a", "--group", "b", *HOOK), "name one of its own for each"),
        ((*FUNCTION, "--group", "a", "--group", "b", *HOOK, *HOOK), "name one of its own for each"),
        ((*FUNCTION, *BEHIND), "name one of both"),
        ((*FUNCTION, "--hook-parameter", "rollbackd"), "expected the name of a parameter"),
    ],
)
def test_hooks_that_cannot_be_are_refused(tmp_path, words, said):
    result = run("codedeploy", tmp_path / "new", *words)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "new").exists()


def test_a_function_that_codedeploy_moves_is_watched_by_the_pack_of_functions(tmp_path):
    run("codedeploy", tmp_path, *FUNCTION)
    path = tmp_path / "rollbackd.yaml"

    path.write_text(
        path.read_text()
        .replace("        # - pack", "        - pack")
        .replace("        #   with", "          with")
    )

    assert checked(tmp_path).stderr == ""
    (service,) = read(tmp_path).services.values()
    assert {rule.id for rule in service.policy.rules.rules} >= {"lambda-failed", "ecs-alarms"}

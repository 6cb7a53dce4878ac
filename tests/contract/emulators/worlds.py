"""An alias of Lambda, a rule of a balancer and a document of flags at an emulator, as the contract of targets tells of them."""

import contextlib
import io
import itertools
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import boto3

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place, Target
from deploy.targets import appconfig, flagd, lambda_alias, load_balancer
from deploy.targets.load_balancer.group import SINCE_TAG
from deploy.targets.load_balancer.settings import RELEASE_TAG
from tests.contract.emulators.tapped import App, Tap, tapped
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import at
from tests.deploy.targets.flagd.flagd_world import STATES
from tests.fakes.flagd import KEY, document, flag
from watcher import clock, command

REGION = "eu-central-1"
_NUMBERS = itertools.count(1)


class AtEmulator(TargetWorld):
    """What they have in common. Emulators know no time: what they are told is so at once, and there is nothing to arrive."""

    moves: frozenset[str]  # the operations that move

    def __init__(self, url: str, tap: Tap) -> None:
        self.tap = tap
        self.aws: Aws | None = None
        self._url = url
        self._since = 0
        self.name = f"checkout-{next(_NUMBERS)}"
        self.made()
        self.forgets()

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}
        return boto3.client(service, endpoint_url=self._url, region_name=REGION, **keys)

    def made(self) -> None:
        """What is there at first."""
        raise NotImplementedError

    def place(self) -> tuple[Place, World]:
        account = AwsAccount("shop", REGION, "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        return place, World(command=command.run, now=clock.now, aws=self.aws)

    def forgets(self) -> None:
        """What was called until now is no change by the target."""
        self.tap.passed.clear()

    def arrives(self):
        """It is there already."""

    def is_slow(self):
        """It never is: see `disagreeing`."""

    def is_down(self):
        self.tap.down = True

    def hangs(self):
        self.tap.hanging = lambda _operation: True

    def moves_hang(self):
        self.tap.hanging = lambda operation: operation in self.moves

    def loses_answers(self):
        self.tap.lost |= self.moves

    def refuse(self, headers: list[tuple[str, str]], body: bytes) -> None:
        """Every move is answered so."""
        self.tap.refused |= dict.fromkeys(self.moves, ("403 Forbidden", headers, body))

    def sent(self) -> int:
        """How many calls have changed anything."""
        return len(self.done())

    def done(self) -> list[bytes]:
        """The bodies of the moves that were made."""
        return self.tap.done(self.moves)


class Alias(AtEmulator):
    """An alias of a function with three versions."""

    moves = frozenset({"UpdateAlias"})

    def made(self):
        trust = '{"Version": "2012-10-17", "Statement": []}'
        role = self.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument=trust)
        self._functions = self.client("lambda")
        for number in (1, 2, 3):
            code = packed(f"release = {number}")
            if number == 1:
                self._functions.create_function(
                    FunctionName=self.name,
                    Runtime="python3.13",
                    Role=role["Role"]["Arn"],
                    Handler="app.handler",
                    Code={"ZipFile": code},
                    Publish=True,
                )
            else:
                self._functions.update_function_code(FunctionName=self.name, ZipFile=code, Publish=True)
        self._functions.create_alias(FunctionName=self.name, Name="live", FunctionVersion="1")

    def target(self) -> Target:
        settings = lambda_alias.Settings(function=self.name, alias="live")
        return lambda_alias.LambdaTarget(settings, *self.place())

    def runs(self, tag, *, moving_to=None, key=None):
        before = list(self.tap.passed)
        if tag is None:
            self._functions.delete_alias(FunctionName=self.name, Name="live")
        else:
            weights = {} if moving_to is None else {moving_to: 0.1}
            self._functions.update_alias(
                FunctionName=self.name,
                Name="live",
                FunctionVersion=tag,
                RoutingConfig={"AdditionalVersionWeights": weights},
            )
        self.tap.passed[:] = before

    def refuses(self, words):
        body = json.dumps({"Message": words}).encode()
        headers = [("x-amzn-ErrorType", "AccessDeniedException"), ("Content-Type", "application/json")]
        self.refuse(headers, body)

    def changes(self):
        return [json.loads(body)["FunctionVersion"] for body in self.done()]


class Rule(AtEmulator):
    """A rule that forwards to three target groups by weights."""

    moves = frozenset({"ModifyRule"})
    serves: Mapping[str, str] = {"v1": "blue", "v2": "green", "v3": "red"}

    def made(self):
        ec2, self._elb = self.client("ec2"), self.client("elbv2")
        zones = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        (balancer,) = self._elb.create_load_balancer(Name=self.name, Subnets=zones)["LoadBalancers"]
        self._groups: dict[str, str] = {}
        for tag, colour in self.serves.items():
            (group,) = self._elb.create_target_group(
                Name=f"{self.name}-{colour}",
                Protocol="HTTP",
                Port=80,
                VpcId=vpc,
                TargetType="ip",
                Tags=[
                    {"Key": RELEASE_TAG, "Value": tag},
                    {"Key": SINCE_TAG, "Value": f"2026-11-2{tag.removeprefix('v')}T12:00:00Z"},
                ],
            )["TargetGroups"]
            self._groups[tag] = group["TargetGroupArn"]
            self._elb.register_targets(
                TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": "172.31.0.10"}]
            )
        (listener,) = self._elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=self._actions({"v1": 100}),
        )["Listeners"]
        (rule,) = self._elb.create_rule(
            ListenerArn=listener["ListenerArn"],
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=self._actions({"v1": 100}),
        )["Rules"]
        self._rule = rule["RuleArn"]

    def _actions(self, shares: Mapping[str, int]) -> list[dict[str, Any]]:
        groups = [{"TargetGroupArn": arn, "Weight": shares.get(tag, 0)} for tag, arn in self._groups.items()]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    def target(self) -> Target:
        return load_balancer.LoadBalancerTarget(load_balancer.Settings(rule=self._rule), *self.place())

    def runs(self, tag, *, moving_to=None, key=None):
        shares = {tag: 100} if moving_to is None else {tag: 90, moving_to: 10}
        before = list(self.tap.passed)
        self._elb.modify_rule(RuleArn=self._rule, Actions=self._actions(shares))
        self.tap.passed[:] = before

    def refuses(self, words):
        told = words.removeprefix("AccessDenied: ")
        body = (
            '<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">'
            f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{told}</Message></Error></ErrorResponse>"
        )
        self.refuse([("Content-Type", "text/xml")], body.encode())

    def changes(self):
        """A repetition that asks for what is so already changes nothing."""
        tags = {arn: tag for tag, arn in self._groups.items()}
        found: list[str] = []
        for body in self.done():
            asked = {name: value for name, (value, *_) in parse_qs(body.decode()).items()}
            group = next(
                name for name, value in asked.items() if name.endswith(".Weight") and value != "0"
            ).removesuffix("Weight")
            found.append(tags[asked[f"{group}TargetGroupArn"]])
        return [tag for before, tag in zip([None, *found], found, strict=False) if tag != before]


class Document(AtEmulator):
    """One flag of a document in a bucket with versions; it has been all that it can be. No flagd is asked."""

    def made(self):
        self._s3 = self.client("s3")
        where = {"LocationConstraint": REGION}
        self._s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=where)
        self._s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.moves = frozenset({f"PUT /{self.name}/{KEY}"})
        for tag in STATES:
            self.runs(tag)

    def target(self) -> Target:
        settings = flagd.Settings(bucket=self.name, key=KEY, flag="new-checkout")
        place, ports = self.place()
        return flagd.FlagdTarget(settings, place, replace(ports, send=_nobody))

    def runs(self, tag, *, moving_to=None, key=None):
        assert moving_to is None, "nothing moves there"
        before = list(self.tap.passed)
        if tag is None:
            self._s3.delete_object(Bucket=self.name, Key=KEY)
        else:
            body = document(new_checkout=STATES[tag], other=flag())
            self._s3.put_object(Bucket=self.name, Key=KEY, Body=body)
        self.tap.passed[:] = before

    def refuses(self, words):
        told = words.removeprefix("AccessDenied: ")
        body = f"<Error><Code>AccessDenied</Code><Message>{told}</Message></Error>"
        self.refuse([("Content-Type", "text/xml")], body.encode())

    def changes(self):
        told = [json.loads(body)["flags"]["new-checkout"] for body in self.done()]
        return [next(tag for tag, each in STATES.items() if each == one) for one in told]


class Deployments(AtEmulator):
    """Versions 1, 2 and 3 of a profile of AppConfig. What was deployed is young: it is stopped, or reverted."""

    def made(self):
        self._appconfig = self.client("appconfig")
        self._app = self._appconfig.create_application(Name=self.name)["Id"]
        profile = self._appconfig.create_configuration_profile(
            ApplicationId=self._app, Name="flags", LocationUri="hosted"
        )
        self._profile = profile["Id"]
        for number in (1, 2, 3):
            self._appconfig.create_hosted_configuration_version(
                ApplicationId=self._app,
                ConfigurationProfileId=self._profile,
                Content=f'{{"limit": {number}}}'.encode(),
                ContentType="application/json",
            )
        self._environment = self._appconfig.create_environment(ApplicationId=self._app, Name="production")[
            "Id"
        ]
        self._at_once, self._slowly = (
            self._appconfig.create_deployment_strategy(
                Name=name,
                DeploymentDurationInMinutes=minutes,
                GrowthFactor=10.0,
                FinalBakeTimeInMinutes=0,
                ReplicateTo="NONE",
            )["Id"]
            for name, minutes in ((f"{self.name} at once", 0), (f"{self.name} slowly", 30))
        )
        self.moves = frozenset({"StartDeployment", "StopDeployment"})

    def target(self) -> Target:
        settings = appconfig.Settings(
            application=self._app,
            environment=self._environment,
            profile=self._profile,
            strategy=self._at_once,
        )
        return appconfig.AppConfigTarget(settings, *self.place())

    def runs(self, tag, *, moving_to=None, key=None):
        before = list(self.tap.passed)
        if tag is not None:
            there = self._there()
            if there and there[0]["State"] == "DEPLOYING":
                self._appconfig.stop_deployment(
                    ApplicationId=self._app,
                    EnvironmentId=self._environment,
                    DeploymentNumber=there[0]["DeploymentNumber"],
                )
            for version in (["1"] if not there and tag != "1" else []) + [tag]:
                self._deploy(version, self._at_once)
        if moving_to is not None:
            self._deploy(moving_to, self._slowly)
        self.tap.passed[:] = before

    def _there(self) -> list[dict[str, Any]]:
        told = self._appconfig.list_deployments(ApplicationId=self._app, EnvironmentId=self._environment)
        return sorted(told["Items"], key=lambda each: -each["DeploymentNumber"])

    def _deploy(self, version: str, strategy: str) -> None:
        self._appconfig.start_deployment(
            ApplicationId=self._app,
            EnvironmentId=self._environment,
            DeploymentStrategyId=strategy,
            ConfigurationProfileId=self._profile,
            ConfigurationVersion=version,
        )

    def is_slow(self):
        self._appconfig.update_deployment_strategy(
            DeploymentStrategyId=self._at_once, DeploymentDurationInMinutes=30
        )

    def refuses(self, words):
        body = json.dumps({"Message": words.removeprefix("AccessDenied: ")}).encode()
        self.refuse([("x-amzn-ErrorType", "AccessDenied"), ("Content-Type", "application/json")], body)

    def changes(self):
        """What was stopped or reverted brought back what was there before it."""
        return [json.loads(body)["ConfigurationVersion"] if body else "1" for body in self.done()]


async def _nobody(*_: Any, **__: Any) -> Any:
    raise AssertionError("a flagd was asked, and none is configured")


def packed(text: str) -> bytes:
    """A bundle of Lambda with that text in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr(zipfile.ZipInfo("app.py"), text)
    return buffer.getvalue()


@contextlib.asynccontextmanager
async def living(world: type[AtEmulator], app: App) -> AsyncIterator[AtEmulator]:
    """*world* at the emulator that *app* is, and doors to it that try once."""
    with tapped(app) as (url, tap):
        made = world(url, tap)
        async with at(url, clock.now, lambda _, operation: tap.hanging(operation), REGION) as aws:
            made.aws = aws
            yield made

"""Every target on its simulated platform, where what is bad is live: for what is asked of all of them in the same way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.model import Move, Standing
from deploy.target import Examined, Keeper, Target, Waiting
from tests.deploy.targets.appconfig.flag_stage import FLAG, NEW, PRICING, FlagStage, Sharing, pricing
from tests.deploy.targets.appconfig.flag_stage import FLAGS as PROFILE_OF_FLAGS
from tests.deploy.targets.appconfig.stage import BARE, PLACE, PROFILE
from tests.deploy.targets.appconfig.stage import Stage as AppConfig
from tests.deploy.targets.beanstalk.stage import ENVIRONMENT
from tests.deploy.targets.beanstalk.stage import Stage as Beanstalk
from tests.deploy.targets.beanstalk.swap.pair_stage import BLUE, CNAME, GREEN, PairStage
from tests.deploy.targets.codedeploy.stage import Stage as CodeDeploy
from tests.deploy.targets.ecs.stage import Stage as Ecs
from tests.deploy.targets.flagd.stage import ON
from tests.deploy.targets.flagd.stage import Stage as Flagd
from tests.deploy.targets.lambda_alias.stage import Stage as Lambda
from tests.deploy.targets.load_balancer.stage import Stage as Balancer
from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, SITE
from tests.deploy.targets.s3_cloudfront.stage import INDEX_POINTER, KEY_VALUE_STORE, ORIGIN_PATH
from tests.deploy.targets.s3_cloudfront.stage import Stage as Site
from tests.fakes.aws import site_concerns
from tests.fakes.aws.calls import Call
from tests.fakes.aws.concerns import request
from tests.fakes.aws.fixtures import NOON
from tests.fakes.flagd import BUCKET as FLAGS
from tests.fakes.flagd import KEY as DOCUMENT
from tests.fakes.flagd import URL

KEY = "w_1.3.0"
READER, ACTOR = (f"arn:aws:iam::123456789012:role/rollbackd-{name}" for name in ("read", "act"))


@dataclass(frozen=True)
class Played:
    """One target.

    Attributes:
        make: A stage on which what is bad is live.
        runs_on: The target as a configuration has it, on a stage.
        absent: Settings that name what is not there, each with what its words have to name.
        reader: The role to read; ``None``: the daemon's own credentials.
    """

    make: Callable[[], Any]
    runs_on: Callable[[Any], Mapping[str, Any]]
    absent: Sequence[tuple[Mapping[str, Any], str]]
    reader: str | None = None

    def without(self, action: str) -> Any:
        """The stage, where whoever reads may do everything but *action*."""
        stage = self.make()
        if self.reader is None:
            stage.world.identities.grant_own(policies=everything_but(action))
        else:
            stage.world.identities.role(self.reader, policies=everything_but(action))
        return stage.restarted()


def _ecs() -> Ecs:
    """With an image of a repository of its own, as most are."""
    of = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop"
    stage = Ecs(images=(f"{of}:1.0", f"{of}:2.0", f"{of}:3.0"))
    for tag in ("1.0", "2.0", "3.0"):
        stage.world.ecr.push("shop", tag, f"{of}:{tag}")  # what it was taken for when the first task ran
    stage.deployed("web:2")
    return stage


def _codedeploy() -> CodeDeploy:
    stage = CodeDeploy()
    stage.deployed(2)
    return stage


def _beanstalk() -> Beanstalk:
    stage = Beanstalk()
    stage.deployed("v2")
    return stage


def _swap() -> PairStage:
    stage = PairStage()
    stage.deploys("v2")
    return stage


def _lambda() -> Lambda:
    stage = Lambda()
    stage.points("2")
    return stage


def _balancer() -> Balancer:
    stage = Balancer()
    stage.weighs(blue=0, green=100)
    return stage


def _site(layout: str, pointer: str = "v2", **settings: str) -> Callable[[], Site]:
    def make() -> Site:
        stage = Site(layout, settings)
        stage.deployed(pointer)
        return stage

    return make


def _its_site(stage: Site) -> Mapping[str, Any]:
    where = {"bucket": BUCKET, "distribution": DISTRIBUTION, "site": SITE, "layout": stage.layout}
    return {"s3_cloudfront": where | stage.settings}


def _appconfig() -> AppConfig:
    stage = AppConfig()
    stage.deploys("2")
    stage.goes_on(hours=1)
    return stage


def _one_flag() -> FlagStage:
    stage = FlagStage()
    stage.gives(checkout=True)
    stage.goes_on(hours=1)
    return stage


def _variant() -> Sharing:
    stage = Sharing()
    stage.gives(prices=pricing(5))
    stage.goes_on(hours=1)
    return stage


def _its_flag(**flag: str) -> Callable[[Any], Mapping[str, Any]]:
    where = {
        "application": PLACE[0],
        "environment": PLACE[1],
        "profile": PROFILE_OF_FLAGS,
        "strategy": BARE,
    }
    return lambda _: {"appconfig": where | flag}


def _flagd() -> Flagd:
    stage = Flagd()
    stage.puts(ON)
    return stage


_RULE = (
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/shop/0123456789abcdef/"
    "0123456789abcdef/fedcba9876543210"
)
_STORE = "arn:aws:cloudfront::123456789012:key-value-store/11111111-2222-3333-4444-555555555555"
AWS: Mapping[str, Played] = {
    "ecs": Played(
        _ecs,
        lambda _: {"ecs": {"cluster": "prod", "service": "web"}},
        (({"name": "nobody"}, "no service nobody"),),
    ),
    "codedeploy": Played(
        _codedeploy,
        lambda _: {"codedeploy": {"application": "shop", "deployment_group": "prod"}},
        (({"name": "nobody"}, "no deployment group nobody"),),
    ),
    "beanstalk": Played(
        _beanstalk,
        lambda _: {"beanstalk": {"application": "shop", "environment": ENVIRONMENT}},
        (
            ({"environment": "nobody"}, "no environment nobody"),
            ({"application": "nobody"}, "the application nobody"),
        ),
    ),
    "beanstalk, a swap": Played(
        _swap,
        lambda _: {"beanstalk": {"application": "shop", "environments": [BLUE, GREEN], "cname": CNAME}},
        (
            ({"environments": ["nobody", "nowhere"]}, "no environment nobody and no environment nowhere"),
            ({"application": "nobody"}, "the application nobody"),
        ),
    ),
    "lambda": Played(
        _lambda,
        lambda _: {"lambda": {"function": "checkout", "alias": "live", "traffic": "by_weight"}},
        (
            ({"function": "nobody"}, "Function not found: nobody"),
            ({"alias": "nobody"}, "checkout has no alias nobody"),
        ),
    ),
    "load_balancer": Played(
        _balancer,
        lambda stage: {"load_balancer": {"rule": stage.rule, "traffic": "by_weight"}},
        (({"rule": _RULE}, "no rule fedcba9876543210"),),
    ),
    "s3_cloudfront, index_pointer": Played(
        _site(INDEX_POINTER), _its_site, (({"bucket": "nobodys"}, "bucket does not exist"),), READER
    ),
    "s3_cloudfront, origin_path": Played(
        _site(ORIGIN_PATH),
        _its_site,
        (
            ({"bucket": "nobodys"}, "the bucket nobodys"),
            ({"distribution": "E0NOBODYS00000"}, "distribution does not exist"),
        ),
        READER,
    ),
    "s3_cloudfront, key_value_store": Played(
        _site(KEY_VALUE_STORE),
        _its_site,
        (({"bucket": "nobodys"}, "bucket does not exist"), ({"store": _STORE}, "store was not found")),
        READER,
    ),
    "s3_cloudfront, by_weight": Played(
        _site(KEY_VALUE_STORE, "v1|v2|5", traffic="by_weight"),
        _its_site,
        (({"bucket": "nobodys"}, "bucket does not exist"), ({"store": _STORE}, "store was not found")),
        READER,
    ),
    "appconfig": Played(
        _appconfig,
        lambda _: {"appconfig": {"application": PLACE[0], "environment": PLACE[1], "profile": PROFILE}},
        (
            ({"application": "abcdefg"}, "could not be found for account 123456789012"),
            ({"environment": "abcdefg"}, "Environment abcdefg could not be found"),
            ({"profile": "abcdefg"}, "profile abcdefg could not be found"),
        ),
    ),
    "appconfig, one flag": Played(
        _one_flag,
        _its_flag(flag=FLAG),
        (
            ({"profile": "abcdefg"}, "profile abcdefg could not be found"),
            ({"flag": "nobody"}, "there is no flag nobody"),
        ),
    ),
    "appconfig, a variant": Played(
        _variant,
        _its_flag(flag=PRICING, variant=NEW),
        (({"variant": "Nobody"}, "there is no variant Nobody"),),
    ),
    "flagd": Played(
        _flagd,
        lambda _: {"flagd": {"bucket": FLAGS, "key": DOCUMENT, "serves": URL}},
        (({"bucket": "nobodys"}, "nobodys"), ({"key": "nobody.json"}, "nobody.json")),
        READER,
    ),
}


def looked(stage: Any, target: Target, move: Move) -> str:
    """All that *target* says by reading."""
    said: list[Any] = [
        stage.run(target.observe()),
        stage.run(target.resolve({})),
        stage.run(target.foretell(move)),
        stage.run(target.progress(move, KEY)),
    ]
    if isinstance(target, Keeper):
        said.append(stage.run(target.recall(NOON)))
    if isinstance(target, Examined):
        said.append(stage.run(target.examine()))
    if isinstance(target, Waiting):
        said.append(stage.run(target.waits()))
    return "\n".join(map(repr, said))


def acted(stage: Any, target: Target, move: Move) -> str:
    """All that it says when it is moved, and when releases are marked."""
    said: list[Any] = [stage.run(target.begin(move, KEY))]
    if isinstance(target, Keeper):
        said.append(stage.run(target.mark([Standing(move.to, "proven", NOON)])))
    return "\n".join(map(repr, said))


def permissions(calls: Sequence[Call]) -> list[str]:
    """What IAM was asked for, for *calls*."""
    found: dict[str, None] = {}
    for call in calls:
        place = f"{call.region}:{call.account}"
        wanted = (
            site_concerns.requests(call.service, call.operation, call.parameters, call.account)
            if call.service in site_concerns.SERVICES
            else [request(call.service, call.operation, call.parameters, place)]
        )
        found |= dict.fromkeys(each.action for each in wanted)
    return sorted(found)


def everything_but(action: str) -> list[Mapping[str, Any]]:
    """Policies: all is allowed, and not *action*, as where nobody has allowed it."""
    return [
        {
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": action, "Resource": "*"},
            ]
        }
    ]

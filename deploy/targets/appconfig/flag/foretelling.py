"""What putting one flag back would do, before it is done: the calls, how long, what stands in its way, and how a person does it."""

import json
import shlex
from datetime import datetime

from deploy.errors import AwsRefused
from deploy.model import Beginning, Foretold, Move, Refused
from deploy.ports import AwsAccount
from deploy.targets.appconfig.flag.document import ENABLED, OFF, VARIANTS, Document
from deploy.targets.appconfig.flag.looking import FlagView
from deploy.targets.appconfig.flag.moving import back
from deploy.targets.appconfig.flag.rule import EVERYBODY
from deploy.targets.appconfig.foretelling import KEY, POLLS, strategy_words
from deploy.targets.appconfig.moving import Order
from deploy.targets.appconfig.moving import by_hand as stop_by_hand
from deploy.targets.appconfig.reading import Means, Reader
from deploy.targets.appconfig.settings import Settings
from deploy.targets.appconfig.trace import TAG_KEY
from deploy.targets.aws.wording import command, refusal
from deploy.targets.leaving import BEGUN_IS_FINISHED, NONE_AWAY

_NEW = "NUMBER"  # stands for the version's, which is not written yet
# Of a rule, what is before its number, for jq: a text in quotes may say `pct::5` too, and stays.
_NUMBER = r'(?<before>^(?:[^"]|"(?:[^"\\]|\\.)*")*?)pct::\s*[0-9.]+'
_ALL_OF_IT = "other flags that the version changed go back with it"


async def foretell(
    reader: Reader,
    view: FlagView,
    settings: Settings,
    account: AwsAccount,
    move: Move,
    decided: Order | Beginning | None,
    wanted: Document | str,
    now: datetime,
) -> Foretold:
    """What would follow if *move* were made now. *wanted*: the version that would be written, or why there is none."""
    calls = (*_stops(decided), *_writes(view, settings, move, decided, wanted, now))
    gone = wanted if isinstance(wanted, str) else ""
    said = decided.words if isinstance(decided, Refused) and decided.third_tag is None else ""
    stands: tuple[str, ...] = ()
    takes, unread = "some seconds", False
    try:
        means = await reader.means(settings)
        stands, takes = tuple(strategy_words(settings, means)), _takes(settings, means)
    except AwsRefused as refused:
        stands, unread = (f"what stands in the way is not known: {refusal(refused)}",), True
    is_stopped = isinstance(decided, Order)
    line = (
        stop_by_hand(decided, move, account)
        if isinstance(decided, Order)
        else by_hand(view, settings, account, move)
    )
    return Foretold(
        calls=calls,
        takes=f"{'some seconds: it is taken back at once' if is_stopped else takes}; {POLLS}",
        capacity=f"{NONE_AWAY}; {_ALL_OF_IT if is_stopped else 'other flags of the profile stay as they are'}",
        sessions=BEGUN_IS_FINISHED,
        by_hand=line,
        obstacles=tuple(dict.fromkeys(filter(None, (said, gone, *stands)))),
        gone=(gone,) if gone and not is_stopped else (),
        unread=unread,
    )


def unseen(settings: Settings, account: AwsAccount, move: Move, words: str) -> Foretold:
    """What can be said of *move* while AppConfig cannot be read."""
    calls = (
        f"appconfig:CreateHostedConfigurationVersion ConfigurationProfileId={settings.profile}",
        f"appconfig:StartDeployment DeploymentStrategyId={settings.strategy} ConfigurationVersion={_NEW}",
    )
    line = by_hand(FlagView(), settings, account, move)
    return Foretold(calls, by_hand=line, obstacles=(words,), unread=True)


def by_hand(view: FlagView, settings: Settings, account: AwsAccount, move: Move) -> str:
    """What a person runs: read the version that serves, change the one flag, write it, deploy it. Needs `jq`."""
    change = _changed(settings, move)
    if change is None or view.newest is None:
        return f"set {settings.flag_called} to {move.to.tag} in a new version, and deploy it by {settings.strategy}"
    number = view.newest.version
    of = (("application-id", settings.application), ("configuration-profile-id", settings.profile))
    where = ("region", account.region)
    read = command("appconfig", "get-hosted-configuration-version", (*of, ("version-number", number), where))
    create = command(
        "appconfig",
        "create-hosted-configuration-version",
        (*of, ("content-type", "application/json"), ("content", "fileb://new.json"), where),
    )
    start = command(
        "appconfig",
        "start-deployment",
        (
            *of,
            ("environment-id", settings.environment),
            ("deployment-strategy-id", settings.strategy),
            where,
        ),
    )
    return (
        f"{read} now.json && jq {shlex.quote(change)} now.json > new.json"
        f" && {start} --configuration-version $({create} --query VersionNumber --output text written.json)  # back to {move.to.tag}"
    )


def _changed(settings: Settings, move: Move) -> str | None:
    """The change as `jq` makes it; ``None``: it is more than a switch or a number."""
    at = f'.values["{settings.flag}"]'
    if settings.variant is not None:
        name = settings.variant.replace("\\", "\\\\").replace('"', '\\"')
        share = 0 if move.to.tag.startswith("rest@") else round(EVERYBODY)
        change = f'sub({json.dumps(_NUMBER)}; "\\(.before)pct::{share}")'
        return f'({at}.{VARIANTS}[] | select(.name == "{name}").rule) |= {change}'
    if move.to.tag != OFF:
        return None
    return f"{at} |= if has({_quoted(VARIANTS)}) then .{VARIANTS}[].{ENABLED} = false else .{ENABLED} = false end"


def _quoted(word: str) -> str:
    return f'"{word}"'


def _stops(decided: Order | Beginning | None) -> tuple[str, ...]:
    if not isinstance(decided, Order):
        return ()
    trail = () if decided.trace is None else (f"appconfig:TagResource deployment/{decided.stops} {TAG_KEY}",)
    return (*trail, decided.told())


def _writes(
    view: FlagView,
    settings: Settings,
    move: Move,
    decided: Order | Beginning | None,
    wanted: Document | str,
    now: datetime,
) -> tuple[str, ...]:
    """What is written and deployed: nothing, where what served before the deployment that is stopped is what is wanted."""
    before = view.below.alone
    is_enough = isinstance(decided, Order) and before is not None and before.is_same_as(move.to)
    if isinstance(wanted, str) or is_enough:
        return ()
    write = back(wanted, move, KEY, now)
    create = (
        write.create(settings, 0).told().replace("LatestVersionNumber=0", "LatestVersionNumber=the newest")
    )
    return (create, write.start(settings, view.found.numbers, _NEW).told())


def _takes(settings: Settings, means: Means) -> str:
    minutes = int((means.strategy or {}).get("DeploymentDurationInMinutes", 0))
    return f"{minutes} min, by the strategy {settings.strategy}" if minutes else "some seconds"

"""Looking at an alias: which releases have how much of the calls, and what forbids that the machine moves them."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.errors import AwsRefused
from deploy.model import Live, Release, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.aws.batching import together
from deploy.targets.aws.split import NOBODY, Split
from deploy.targets.aws.wording import command, plain, refusal
from deploy.targets.lambda_alias.alias import Alias, is_published
from deploy.targets.lambda_alias.reading import Reader
from deploy.targets.lambda_alias.settings import LATEST, CodeDeploy, Settings, published
from deploy.targets.lambda_alias.version import Version

# The tag that SAM lays on every function that it makes.
_BY_SAM = ("lambda:createdBy", "SAM")


@dataclass(frozen=True, slots=True)
class View:
    """An alias as it was seen.

    Attributes:
        alias: ``None`` where `LATEST` is called, or where the function has no such alias yet.
        versions: Those that have some of the calls, the newest last.
        deployments: Of CodeDeploy, under way.
        obstacles: What forbids that the machine moves it: one sentence each, with its remedy.
    """

    alias: Alias | None
    versions: tuple[Version, ...] = ()
    split: Split = NOBODY
    deployments: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    @property
    def ahead(self) -> Release | None:
        """What is coming, else what serves."""
        return self.split.coming or self.split.serving


async def look(reader: Reader, settings: Settings, account: AwsAccount) -> View | Unreadable:
    """The alias, read just now."""
    try:
        if settings.alias is None:
            return await _latest(reader, settings)
        return await _aliased(reader, settings, settings.alias, account)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))


def live_of(view: View) -> Live:
    """What *view* shows."""
    ours = view.alias.our_move if view.alias else None
    return Live(
        release=view.split.serving,
        in_flight=view.split.coming,
        shares=view.split.shares,
        key=ours.key if ours else None,
        since=ours.at if ours else None,
        obstacles=view.obstacles,
    )


async def _latest(reader: Reader, settings: Settings) -> View:
    version = await reader.version_now(settings.function_name, LATEST)
    versions = () if version is None else (version,)
    return View(
        None, versions, Split.of((each.release, 1.0) for each in versions), (), (unpublished(settings),)
    )


async def _aliased(reader: Reader, settings: Settings, name: str, account: AwsAccount) -> View | Unreadable:
    alias = await reader.alias(settings.function_name, name)
    if alias is None:
        return View(None)
    found = await together(*(_version(reader, settings, number) for number, _ in alias.shares))
    gone = [number for (number, _), version in zip(alias.shares, found, strict=True) if version is None]
    if gone:
        return Unreadable(f"{settings.called} points to version {gone[0]}, and Lambda has none such")
    versions = tuple(version for version in found if version is not None)
    shares = [share for _, share in alias.shares]
    split = Split.of((version.release, share) for version, share in zip(versions, shares, strict=True))
    deployments = await _deployments(reader, settings.codedeploy)
    said = (
        not is_published(alias.version) and unpublished(settings),
        owned(settings, deployments, account),
        settings.codedeploy is None
        and split.coming is not None
        and await _perhaps_owned(reader, settings, alias),
    )
    return View(alias, versions, split, tuple(deployments), tuple(words for words in said if words))


async def _version(reader: Reader, settings: Settings, number: str) -> Version | None:
    return await reader.version(settings.function_name, number)


async def _deployments(reader: Reader, moved_by: object) -> Sequence[str]:
    return await reader.deployments(moved_by) if isinstance(moved_by, CodeDeploy) else ()


async def _perhaps_owned(reader: Reader, settings: Settings, alias: Alias) -> str:
    """What is moved by weights, of a function that SAM has made: by CodeDeploy, more likely than not."""
    key, value = _BY_SAM
    tags = await reader.tags(alias.function)
    if tags.get(key) != value:
        return ""
    return (
        f"SAM has made {settings.function_name}, and its alias is moved by weights: if CodeDeploy moves it, say so by"
        " `codedeploy: {application: …, group: …}`, for it would undo a rollback; if not, by `codedeploy: nothing`"
    )


def owned(settings: Settings, deployments: Sequence[str], account: AwsAccount) -> str:
    """Why an alias that CodeDeploy is moving is left alone; empty where it moves nothing."""
    if not deployments:
        return ""
    stop = command(
        "codedeploy",
        "stop-deployment",
        (("deployment-id", plain(deployments[0], 32)), ("region", account.region)),
    )
    return (
        f"CodeDeploy is moving {settings.called} ({plain(', '.join(deployments), 80)}), and would undo whatever is done"
        f" to the alias meanwhile: stop it with `{stop} --auto-rollback-enabled`, which goes back too"
    )


def unpublished(settings: Settings) -> str:
    """Why what is called without a version cannot be gone back from, and the lines to add."""
    return f"{settings.called} runs $LATEST, which has no version to go back to: {published(settings)}"

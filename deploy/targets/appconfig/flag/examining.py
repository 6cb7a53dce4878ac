"""Whether one flag could be put back, and how it would be deployed: for ``rollbackd doctor``. Reads only."""

from collections.abc import Sequence

from deploy.model import About, Finding, Level
from deploy.targets.appconfig.examining import OWN
from deploy.targets.appconfig.flag.looking import FlagView
from deploy.targets.appconfig.foretelling import strategy_words
from deploy.targets.appconfig.reading import Means, Reader
from deploy.targets.appconfig.settings import Settings


async def examine(reader: Reader, view: FlagView, settings: Settings) -> Sequence[Finding]:
    """What there is to be said of the flag before it is needed. May raise `AwsRefused`."""
    means = await reader.means(settings)
    level = Level.FAIL if means.strategy is None else Level.WARN
    found = [
        Finding(level, words, OWN, about=About.DEPLOYING)
        for words in (*strategy_words(settings, means), *_of_stages(settings, means))
    ]
    versions = await reader.versions(settings)
    if versions is None:
        words = f"{settings.profile} has too many versions to read them all: none can be written"
        found.append(Finding(Level.FAIL, words, "delete those that nobody needs", about=About.KEPT))
    given = " and ".join(release.tag for release, _ in view.split.parts) or "not deployed yet"
    return found or [Finding(Level.OK, f"{settings.flag_called} is {given}", about=About.LIVE)]


def _of_stages(settings: Settings, means: Means) -> Sequence[str]:
    """What the strategy would do to stages, each of which is a deployment."""
    strategy = means.strategy or {}
    minutes = int(strategy.get("DeploymentDurationInMinutes", 0)) + int(
        strategy.get("FinalBakeTimeInMinutes", 0)
    )
    if settings.variant is None or not minutes:
        return ()
    return (
        (
            f"each stage is a deployment, and by the strategy {settings.strategy} it keeps the environment for {minutes} min: what is to be"
            " deployed meanwhile waits"
        ),
    )

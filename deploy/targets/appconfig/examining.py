"""Whether what may be gone back to is still there, and how it would be deployed: for ``rollbackd doctor``. Reads only."""

from collections.abc import Sequence

from deploy.model import About, Finding, Level
from deploy.targets.appconfig.foretelling import strategy_words
from deploy.targets.appconfig.looking import View
from deploy.targets.appconfig.reading import Reader
from deploy.targets.appconfig.settings import Settings
from deploy.targets.aws.batching import together
from deploy.targets.aws.wording import plain

LAST = 5  # versions that may be gone back to, and are looked at
OWN = (
    "name one of your own as `strategy` (`aws appconfig create-deployment-strategy --name rollback"
    " --deployment-duration-in-minutes 0 --growth-factor 100 --final-bake-time-in-minutes 0 --replicate-to NONE`)"
)


async def examine(reader: Reader, view: View, settings: Settings) -> Sequence[Finding]:
    """What there is to be said of the profile before it is needed. May raise `AwsRefused`."""
    means = await reader.means(settings)
    level = Level.FAIL if means.strategy is None else Level.WARN
    found = [Finding(level, words, OWN, about=About.DEPLOYING) for words in strategy_words(settings, means)]
    versions = list(dict.fromkeys(each.version for each in view.past if not each.is_undone))[:LAST]
    if not means.profile.is_hosted:
        words = f"the configuration lies at {plain(means.profile.location, 120)}: whether its old versions are kept there is not looked at"
        return [
            *found,
            Finding(Level.WARN, words, "keep the versions that may be gone back to", about=About.KEPT),
        ]
    kept = await together(*(reader.content(settings, each) for each in versions))
    gone = [version for version, content in zip(versions, kept, strict=True) if content is None]
    found += [
        Finding(
            Level.WARN,
            f"version {plain(each, 40)} was deployed, and is deleted: it cannot be gone back to",
            "keep what may be needed",
            about=About.KEPT,
        )
        for each in gone
    ]
    return found or [Finding(Level.OK, f"the last {len(versions)} versions are there", about=About.KEPT)]

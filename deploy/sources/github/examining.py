"""What ``rollbackd doctor`` says of the secret that webhooks are signed with. Pure: nobody is asked."""

from collections.abc import Sequence

from deploy.model import About, Finding, Level
from deploy.sources.github.settings import Settings

LEAST = 10  # different characters; `openssl rand -hex 32` has all sixteen but once in a million times
_AGAIN = "make another: `openssl rand -hex 32`"


def examined(settings: Settings) -> Sequence[Finding]:
    """Is it hard to guess, and is the one before still good? How short it may be is checked with the settings."""
    found = [
        Finding(
            Level.WARN,
            f"a secret of {len(set(each))} different characters is easy to guess",
            _AGAIN,
            about=About.SECRET,
        )
        for each in settings.secrets
        if len(set(each)) < LEAST
    ]
    if settings.previous_secret is not None:
        words = "`previous_secret` is good too"
        found.append(
            Finding(
                Level.WARN, words, "take it out once every webhook signs with the new one", about=About.SECRET
            )
        )
    words = f"deliveries are signed by a secret of {len(settings.secrets[0])} characters"
    return found or [Finding(Level.OK, words, about=About.SECRET)]

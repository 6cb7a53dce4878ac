"""Whether the times of a platform fit those of the watch: how long it waits at hooks, and how long it keeps what served. Pure."""

from collections.abc import Iterator

from deploy.model import About, Finding, Level
from deploy.target import AtHook, Waits
from rules.duration import duration_text
from watcher.core.service import Hooks, Policy


def compared(waits: Waits, policy: Policy) -> list[Finding]:
    """What does not fit; if all does, that it does. Nothing, where the platform waits for nothing."""
    found = [each for hook in waits.hooks for each in _of_a_hook(hook, policy)]
    found += _kept(waits, policy)
    if found or waits == Waits():
        return found
    longest = policy.bake.at_most
    if waits.keeps is None or waits.keeps >= longest:
        return [Finding(Level.OK, "the platform waits long enough for the watch", about=About.WAITS)]
    words = (
        f"what served is kept for {duration_text(waits.keeps)}: long enough for the shortest watch; one that lasts longer, up to"
        f" {duration_text(longest)} (`bake.at_most`), goes back in minutes"
    )
    return [Finding(Level.OK, words, about=About.WAITS)]


def _of_a_hook(hook: AtHook, policy: Policy) -> Iterator[Finding]:
    if policy.rollout.hooks is not Hooks.ANSWER:
        yield Finding(
            Level.WARN,
            f"its deployments wait at {hook.stage} for a word, and nobody here says one: after {duration_text(hook.within)} {hook.otherwise}",
            "set `rollout: {hooks: answer}`, or see that your pipeline answers",
            about=About.WAITS,
        )
    elif hook.within <= policy.rollout.at_least:
        yield Finding(
            Level.WARN,
            f"at {hook.stage} it waits for {duration_text(hook.within)}, and is to be seen well for"
            f" {duration_text(policy.rollout.at_least)} first (`rollout.at_least`): before that {hook.otherwise}",
            "let the hook wait for longer than `rollout.at_most`",
            about=About.WAITS,
        )


def _kept(waits: Waits, policy: Policy) -> Iterator[Finding]:
    if waits.keeps is not None and waits.keeps < policy.bake.at_least:
        yield Finding(
            Level.WARN,
            f"what served is kept for {duration_text(waits.keeps)} once the new release has all the traffic, and the watch goes on"
            f" for {duration_text(policy.bake.at_least)} at least (`bake.at_least`): a way back that is decided later takes minutes",
            "let the platform keep it for longer than `bake.at_least`",
            about=About.WAITS,
        )

"""News that a rollout waits at a hook of its platform: who answers, and so who is told?"""

from watcher.core.intake.meaning import News
from watcher.core.lifecycle import paused
from watcher.core.service import Hooks, Mode
from watcher.core.watch import GOING_BACK, Step, Watch


def waiting(watch: Watch, step: Step | None, news: News) -> Step | None:
    """*step*, and that it waits for somebody's word, where that is a person's: people are told so."""
    if news.pause is None or _is_answered(watch, news):
        return step
    return paused(watch, step, news.pause, news.now, news.facts)


def _is_answered(watch: Watch, news: News) -> bool:
    """We answer: hooks, where that is set; and those of our own way back, which its target answers where it shows them."""
    if watch.state in GOING_BACK:
        return any(live.pause is not None for live in news.live.values())
    return watch.policy.rollout.hooks is Hooks.ANSWER and watch.goes_forward is not Mode.SHADOW

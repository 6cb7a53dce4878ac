"""A workflow of GitHub Actions that deploys a tag: a rollback dispatches it with the tag that is gone back to.

What serves is what the deployments of the environment say on GitHub, or what a page of the service tells.

    settings    what is configured; our mark, by which a run is known again, is `deploy.github.Trace`
    reading     all calls that read
    looking     what serves, what comes, and which runs are ours
    resolving, moving, progressing, foretelling, examining
                one operation of a target each         target       all of them together

Deliberately absent: to cancel the run that deploys what is to be undone. It may be half done, and what it leaves then is neither
release; the workflow's `concurrency` puts the way back after it.
"""

from deploy.target import Kind
from deploy.targets.github_actions.settings import Settings
from deploy.targets.github_actions.target import GitHubActionsTarget
from deploy.targets.leaving import besides

_STAYS = (
    "and whatever else the workflow of the bad release did, unless the workflow of the old one does it over"
)
KIND = Kind(settings=Settings, open=GitHubActionsTarget, not_undone=besides(_STAYS))

__all__ = ["KIND", "GitHubActionsTarget", "Settings"]

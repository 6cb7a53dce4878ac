"""``rollbackd init github-actions``: a service that a workflow deploys, by tags of git."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.github import REPOSITORY, REPOSITORY_WORDS
from watcher.commands._init import options
from watcher.commands._init.options import option
from watcher.commands._init.stack import CONFIGURATION, Stack, Written, called, placeholders, rendered


@dataclass(frozen=True, slots=True)
class Workflow:
    """What is put into the files.

    Attributes:
        url: Of a page of the service that answers well while it is well.
    """

    repository: str = "acme/shop"
    environment: str = "production"
    workflow: str = "deploy.yml"
    url: str = "https://shop.example.com/health"

    @property
    def service(self) -> str:
        """What rollbackd calls it: as the repository is called."""
        return called(self.repository.partition("/")[2])

    @property
    def rules(self) -> str:
        """The name of its rule file."""
        usual = f"{self.service}.yaml"
        return usual if usual != CONFIGURATION else "rules.yaml"


USUAL = Workflow()


def files(workflow: Workflow) -> Mapping[str, str]:
    """What is written, by file name."""
    return {
        CONFIGURATION: rendered("github_actions.yaml.j2", of=workflow),
        workflow.rules: rendered("github_actions_rules.yaml.j2", of=workflow),
    }


def told(workflow: Workflow, directory: Path) -> list[str]:
    """Which names stand for something that nobody said, and what to do now."""
    open_ones = {
        "--repository": workflow.repository == USUAL.repository,
        "--url": workflow.url == USUAL.url,
    }
    at = directory / CONFIGURATION
    return [
        *placeholders(open_ones),
        "",
        "Next:",
        f"  1. Give {workflow.workflow} the input `rollbackd`, a `run-name` that shows it, and a `concurrency` group:",
        "     examples/github/pipeline.yml has all three, and docs/github.md says why",
        "  2. Make a token (Actions: write, Deployments: write, Contents: read) and a webhook with a secret, and put both",
        "     into GITHUB_TOKEN and GITHUB_WEBHOOK_SECRET",
        f"  3. rollbackd check --config {at}       # offline: every mistake at once",
        f"  4. rollbackd doctor --config {at}      # asks GitHub, and changes nothing",
        f"  5. rollbackd run --config {at}         # in shadow: it tells what it would have done, and does nothing",
    ]


def _written(*, repository: str, environment: str, workflow: str, url: str, directory: Path) -> Written:
    found = Workflow(repository, environment, workflow, url)
    return Written(files(found), told(found, directory))


STACK = Stack(
    "A service that a workflow of GitHub Actions deploys, by tags of git.",
    (
        option(
            "--repository",
            default=USUAL.repository,
            like=(REPOSITORY, REPOSITORY_WORDS),
            help="Where the workflow is.",
        ),
        option(
            "--environment",
            default=USUAL.environment,
            like=options.OURS,
            help="As GitHub, and rollbackd, call the place that it deploys to.",
        ),
        option(
            "--workflow",
            default=USUAL.workflow,
            like=(r"[A-Za-z0-9_.-]{1,128}\.ya?ml", "the file of a workflow, such as deploy.yml"),
            help="The file of the workflow that deploys.",
        ),
        option(
            "--url",
            default=USUAL.url,
            like=(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?", "a URL without a query"),
            help="A page of the service that answers well while it is well.",
        ),
        options.DIRECTORY,
    ),
    _written,
)

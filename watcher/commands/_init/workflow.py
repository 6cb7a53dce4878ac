"""The files that ``rollbackd init github-actions`` writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watcher.commands._init.stack import CONFIGURATION, called, rendered


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
        return f"{self.service}.yaml"


USUAL = Workflow()


def files(workflow: Workflow) -> Mapping[str, str]:
    """What is written, by file name."""
    return {
        CONFIGURATION: rendered("github_actions.yaml.j2", of=workflow),
        workflow.rules: rendered("github_actions_rules.yaml.j2", of=workflow),
    }


def told(workflow: Workflow, directory: Path) -> list[str]:
    """Which names stand for something that nobody said, and what to do now."""
    said = {
        "--repository": workflow.repository != USUAL.repository,
        "--url": workflow.url != USUAL.url,
    }
    missing = [option for option, is_said in said.items() if not is_said]
    at = directory / CONFIGURATION
    return [
        *([f"Placeholders, to be replaced in the files or said: {', '.join(missing)}"] if missing else []),
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

"""Workflows that run: what was dispatched is a log, and how far a run is follows from it and from the time.

A run waits for its runner, then for whoever protects its environment, then deploys for a while, and ends; the job makes a
deployment on GitHub and sets its statuses, as Actions does. The REST API of it is in `routes`.

Source:
    https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
    https://docs.github.com/en/rest/actions/workflow-runs
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.github.world import ID, GitHubWorld, Made

WORKFLOW = """\
name: deploy
run-name: deploy ${{ github.ref_name }} ${{ inputs.rollbackd }}
on:
  push: {tags: ["v*"]}
  workflow_dispatch:
    inputs:
      rollbackd: {description: who asks, default: ""}
concurrency: production
jobs:
  deploy: {runs-on: ubuntu-latest, environment: production, steps: [{run: ./deploy.sh}]}
"""


@dataclass
class Run:
    """One run, as it was asked for; *conclusion* is how its job will end."""

    id: int
    at: datetime
    ref: str
    inputs: dict[str, str]
    event: str
    lasts: timedelta
    conclusion: str = "success"
    waits_for: tuple[str, ...] = ()  # people who must approve
    rule: bool = False  # a protection rule of an app holds it
    wait_timer: int = 0
    in_line: bool = False  # behind another of its concurrency group
    passed_at: datetime | None = None
    ended_at: datetime | None = None
    made: Made | None = None
    fork: bool = False
    attempt: int = 1
    comments: list[tuple[str | None, str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """As `WORKFLOW` names it."""
        return f"deploy {self.ref} {self.inputs.get('rollbackd', '')}".strip()


@dataclass
class Actions:
    """The workflow ``deploy.yml`` of the world's repository, which deploys the tag of git that it is run at.

    Attributes:
        text: The file, as it is at every ref.
        tags: What each tag of git points to.
        lasts: How long a run deploys.
        refusal: What a dispatch is answered instead of being taken: a status, words and headers.
        forgets_key: The name of a run does not show the inputs.
        listed_after: How late a run is listed.
        returns_run: A dispatch is answered by its run.
        fails_review: What an app's word is answered instead of being taken.
        unread: Runs of which it cannot be read what they wait for.
        fails_commits: What it is answered where a tag is asked about.
        hides_commits: The token may not read the contents of the repository.
        tag_of: What the job of a run deploys.
        deployed: Hears of each tag that a job has deployed.
    """

    world: GitHubWorld
    environment: str = "production"
    text: str = WORKFLOW
    state: str = "active"
    tags: dict[str, str] = field(default_factory=dict)
    lasts: timedelta = timedelta(seconds=0)
    ends: str = "success"
    waits_for: tuple[str, ...] = ()
    wait_timer: int = 0
    rule: bool = False
    in_line: bool = False
    refusal: tuple[int, str, dict[str, str]] | None = None
    forgets_key: bool = False
    listed_after: timedelta = timedelta(0)
    returns_run: bool = True
    fails_review: int | None = None
    unread: set[int] = field(default_factory=set)
    fails_commits: int | None = None
    hides_commits: bool = False
    tag_of: Callable[[Run], str] = lambda run: run.inputs.get("tag", run.ref)
    payload_of: Callable[[Run], Any] = lambda _run: {}
    deployed: Callable[[str], object] = lambda _tag: None
    runs: list[Run] = field(default_factory=list)
    dispatches: list[dict[str, Any]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(9_000_000_001))

    def sha(self, tag: str) -> str:
        """The commit of a tag; made up once."""
        return self.tags.setdefault(tag, f"{len(self.tags) + 1:02x}" * 20)

    def begin(self, ref: str, inputs: dict[str, str], event: str = "workflow_dispatch") -> Run:
        """Somebody runs the workflow."""
        run = Run(
            next(self.ids), self.world.now(), ref, inputs, event, self.lasts, self.ends,
            self.waits_for, self.rule, self.wait_timer, self.in_line,
        )  # fmt: skip
        self.runs.append(run)
        self.advance()
        return run

    def advance(self) -> None:
        """What has come of the runs by now."""
        for run in self.runs:
            self._go_on(run)

    def status(self, run: Run) -> tuple[str, str | None]:
        """As the API tells it: status and conclusion."""
        if run.ended_at is not None:
            return "completed", run.conclusion
        if run.in_line:
            return "pending", None
        return ("waiting" if self._is_held(run) else "in_progress"), None

    def approve(self, run: Run) -> None:
        """Whoever must approve has."""
        run.waits_for, run.rule, run.wait_timer, run.in_line = (), False, 0, False
        self.advance()

    def reject(self, run: Run) -> None:
        """A protection rule, or a person, says no."""
        run.conclusion, run.ended_at = "failure", self.world.now()

    def cancel(self, run: Run) -> None:
        """A person, or a newer run of its concurrency group."""
        run.conclusion, run.ended_at = "cancelled", self.world.now()

    @staticmethod
    def _is_held(run: Run) -> bool:
        return bool(run.waits_for or run.rule or run.wait_timer)

    def _go_on(self, run: Run) -> None:
        now = self.world.now()
        if run.ended_at is not None or run.in_line or self._is_held(run):
            return
        log_url = f"https://{self.world.host}/{self.world.repository}/actions/runs/{run.id}/job/1"
        if run.made is None:
            run.passed_at = now
            tag = self.tag_of(run)
            ref = tag if self.payload_of(run) == {} else run.ref
            run.made = self.world.deploys(
                self.environment, "github-actions[bot]", ref, self.payload_of(run), self.sha(tag)
            )
            self.world.sets(run.made, "in_progress", by="github-actions[bot]", log_url=log_url)
        if run.passed_at is not None and now >= run.passed_at + run.lasts:
            run.ended_at = run.passed_at + run.lasts
            if run.conclusion == "success":
                self.deployed(self.tag_of(run))
            state = "success" if run.conclusion == "success" else "failure"
            self.world.sets(run.made, state, by="github-actions[bot]", log_url=log_url)

    def told(self, run: Run) -> dict[str, Any]:
        """A run, as the API tells it."""
        status, conclusion = self.status(run)
        where = f"https://{self.world.host}/{self.world.repository}"
        return {
            "id": run.id,
            "name": "deploy",
            "display_title": "deploy" if self.forgets_key else run.title,
            "event": run.event,
            "status": status,
            "conclusion": conclusion,
            "head_branch": run.ref,
            "head_sha": self.sha(run.ref),
            "path": ".github/workflows/deploy.yml",
            "run_attempt": run.attempt,
            "html_url": f"{where}/actions/runs/{run.id}",
            "created_at": _written(run.at),
            "updated_at": _written(run.ended_at or self.world.now()),
            "repository": {"id": ID, "full_name": self.world.repository},
            "head_repository": (
                {"id": 666, "full_name": "mallory/shop"}
                if run.fork
                else {"id": ID, "full_name": self.world.repository}
            ),
        }


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Whether the workflow can be dispatched as it would be: by the right to, and by what its file says at the ref that it would be run at.

Of an app GitHub tells what its installation may; of a token whether its user may push, and of a classic one its scopes. Whether a
fine-grained token has *Actions: write* it tells nowhere, and that is not tried.

Source:
    https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
    https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app (`permissions`)
    https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps#available-scopes
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from deploy.model import About, Finding, Level
from deploy.targets.aws.wording import plain
from deploy.targets.github_actions.reading import Reader, Unread
from deploy.targets.github_actions.settings import MARK, Settings

UNTRIED = "whether a fine-grained token has Actions: write GitHub tells nowhere, and it was not tried"
SCOPES = frozenset({"repo", "public_repo"})  # of a classic token: either runs workflows of what it sees

_GRANT = "give the token or the app the permission Actions: write on this repository"

_READ = "are `repository` and `workflow` called so, and may the token read actions and contents of it?"
_AGAIN = "ask again: GitHub itself does not answer, or the way there is not open"


async def examine(reader: Reader, settings: Settings, ref: str | None) -> Sequence[Finding]:
    """What is to be said of the workflow, as it is at *ref* (``None``: on the repository's default branch). Reads only."""
    try:
        right = await _right(reader, settings)
        workflow = await reader.workflow(settings.repository, settings.workflow)
        text = await reader.text(settings.repository, workflow.path, ref)
    except Unread as error:
        return [Finding(Level.FAIL, str(error), _AGAIN if error.is_passing else _READ, about=About.DEPLOYING)]
    if workflow.state != "active":
        words = f"{settings.called} is {plain(workflow.state, 40)}"
        remedy = f"gh workflow enable {settings.workflow} --repo {settings.repository}"
        return [Finding(Level.FAIL, words, remedy, about=About.DEPLOYING)]
    return _together(right, read(text, settings, "" if ref is None else f" at {ref}"))


async def _right(reader: Reader, settings: Settings) -> Finding:
    """Whether it may be dispatched, as far as GitHub tells. May raise `Unread`."""
    granted = await reader.granted()
    if granted is not None:
        may = plain(granted.get("actions", "no access"), 40)
        words = f"the app may run {settings.called} (actions: write)"
        lacks = "" if may == "write" else f"the app may not run {settings.called} (actions: {may})"
        return _told(words, lacks, _GRANT)
    may_push = await reader.may_push(settings.repository)
    if may_push is False:
        lacks = f"whoever made the token may only read {settings.repository}, and so it may not run {settings.workflow}"
        return _told("", lacks, "let somebody make it who may write the repository, with Actions: write")
    if reader.scopes is None:
        pushes = "" if may_push is None else f"whoever made the token may write {settings.repository}; "
        return _told(f"{pushes}{UNTRIED}", "", "")
    has = {scope.strip() for scope in reader.scopes.split(",")} & SCOPES
    lacks = (
        f"the token has the scopes {plain(reader.scopes, 120) or '(none)'}, and may not run {settings.called}"
    )
    return _told(
        f"the token may run it (scope {', '.join(sorted(has))})",
        "" if has else lacks,
        "give it the scope repo",
    )


def _told(words: str, lacks: str, remedy: str) -> Finding:
    if lacks:
        return Finding(Level.FAIL, lacks, remedy, about=About.SCOPE)
    return Finding(Level.OK, words, about=About.SCOPE)


def _together(right: Finding, of_file: Sequence[Finding]) -> Sequence[Finding]:
    """One line where all is well; else what is not."""
    if all(each.level is Level.OK for each in (right, *of_file)):
        words = "; ".join(each.words for each in (*of_file, right))
        return [Finding(Level.OK, words, about=About.DEPLOYING)]
    return [each for each in (right, *of_file) if each.level is not Level.OK]


def read(text: str, settings: Settings, at: str) -> Sequence[Finding]:
    """What is to be said of a workflow that reads so. *at*: where it stands, in words."""
    called = f"{settings.called}{at}"
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return [
            Finding(
                Level.FAIL,
                f"{called} is not YAML that can be read",
                "correct the file",
                about=About.DEPLOYING,
            )
        ]
    begins = (
        said.get("on", said.get(True)) if isinstance(said, dict) else None
    )  # YAML 1.1 reads `on` as a truth
    if "workflow_dispatch" not in (begins if isinstance(begins, dict | list) else [begins]):
        return [
            Finding(
                Level.FAIL,
                f"{called} cannot be dispatched",
                "add `workflow_dispatch:` under `on:`",
                about=About.DEPLOYING,
            )
        ]
    found = [*_inputs(begins, settings, called), *_name(said, called), *_concurrency(said, called)]
    return found or [Finding(Level.OK, f"{called} takes what it is sent", about=About.DEPLOYING)]


def _inputs(begins: Any, settings: Settings, called: str) -> Sequence[Finding]:
    by_hand = begins.get("workflow_dispatch") if isinstance(begins, dict) else None
    inputs = by_hand.get("inputs") if isinstance(by_hand, dict) else None
    known: Mapping[Any, Any] = inputs if isinstance(inputs, dict) else {}
    sent = {*settings.given, MARK}
    found = []
    if unknown := sorted(sent - set(known)):
        words = f"{called} does not know the inputs {', '.join(unknown)}, and GitHub refuses what it does not know"
        found.append(
            Finding(
                Level.FAIL, words, "add them under `on: workflow_dispatch: inputs:`", about=About.DEPLOYING
            )
        )
    needed = [name for name, each in known.items() if isinstance(each, dict) and each.get("required") is True]
    if missing := sorted(str(name) for name in needed if name not in sent and "default" not in known[name]):
        words = f"{called} needs the inputs {', '.join(missing)}, which it is not sent"
        found.append(
            Finding(
                Level.FAIL,
                words,
                "name them under `inputs` of the target, or give them a default",
                about=About.DEPLOYING,
            )
        )
    return found


def _name(said: Mapping[Any, Any], called: str) -> Sequence[Finding]:
    if f"inputs.{MARK}" in str(said.get("run-name", "")):
        return []
    words = f"the name of a run of {called} does not show the input `{MARK}`: after a restart a rollback's run is not found again"
    return [
        Finding(
            Level.FAIL,
            words,
            f"write `run-name: … ${{{{ inputs.{MARK} }}}}` at its top",
            about=About.DEPLOYING,
        )
    ]


def _concurrency(said: Mapping[Any, Any], called: str) -> Sequence[Finding]:
    jobs = said.get("jobs")
    of_jobs = jobs.values() if isinstance(jobs, dict) else ()
    if "concurrency" in said or any(isinstance(job, dict) and "concurrency" in job for job in of_jobs):
        return []
    words = (
        f"{called} has no `concurrency`: a deployment that is under way and a rollback would run side by side"
    )
    return [
        Finding(
            Level.WARN,
            words,
            "give all workflows that deploy there one `concurrency` group",
            about=About.OWNER,
        )
    ]

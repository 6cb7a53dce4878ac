"""How far a move is: what the environment shows, and how our run stands.

Source:
    https://docs.github.com/en/rest/actions/workflow-runs
    https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving
from deploy.targets.aws.wording import plain
from deploy.targets.github_actions.looking import View, is_third
from deploy.targets.github_actions.reading import Pending, Run
from deploy.targets.github_actions.settings import MARK, Settings

SHOWN_WITHIN = timedelta(
    minutes=3
)  # a run after its dispatch, and a deployment after its run: GitHub's lists are late by seconds
WAITS: Mapping[str, str] = {
    "pending": "waits for another run of its concurrency group to end",
    "queued": "waits for a runner",
    "requested": "waits for a runner",
}
ENDS: Mapping[str, str] = {
    "failure": "failed",
    "timed_out": "took longer than it may",
    "startup_failure": "could not be started: GitHub does not take the workflow as it is",
    "cancelled": "was cancelled: by a person, or by a newer run of its concurrency group",
    "action_required": "waits for a person's leave to run at all",
    "skipped": "was skipped: no job of it ran",
    "stale": "was given up by GitHub",
}


@dataclass(frozen=True, slots=True)
class Ordered:
    """A move that was ordered.

    Attributes:
        at: When, or when it was first asked about.
        run: That was dispatched for it, as far as it is found.
        pending: What that run waits for.
        by_hand: What a person can run.
    """

    move: Move
    at: datetime
    run: Run | None
    pending: Sequence[Pending]
    by_hand: str


def progress(view: View, ordered: Ordered, settings: Settings, now: datetime) -> Progress:
    """How far it is: what serves or comes decides, and only where that is still the old release, the run."""
    move, ahead = ordered.move, view.ahead.release if view.ahead else None
    third = is_third(view, move)
    if third is not None:
        does = "is on its way" if view.coming else "serves"
        return Drifted(f"{third.tag} {does}, not {move.to.tag}", third.tag)
    if ahead is None or not ahead.is_same_as(move.to):
        return _of_run(ordered, settings, now)
    if view.coming is None:
        return Serving()
    return Moving(f"on its way to {move.to.tag}{f': {_stands(ordered)}' if ordered.run else ''}")


def _of_run(ordered: Ordered, settings: Settings, now: datetime) -> Progress:
    run = ordered.run
    if run is None:
        return _unseen(ordered, settings, now)
    if run.status != "completed":
        return Moving(_stands(ordered))
    if run.conclusion in {"success", "neutral"}:
        return _without_effect(run, ordered, now)
    ended = ENDS.get(run.conclusion or "", f"ended as {plain(repr(run.conclusion), 40)}")
    return Failed(f"the run {ended}: {plain(run.html_url)}", ordered.by_hand)


def _stands(ordered: Ordered) -> str:
    run = ordered.run
    if run is None:
        return ""
    where = plain(run.html_url)
    if run.status == "waiting":
        return f"the run {_waits_for(ordered.pending)}: {where}"
    return f"the run {WAITS.get(run.status or '', 'is under way')}: {where}"


def _waits_for(pending: Sequence[Pending]) -> str:
    """Who must do something, so that it goes on."""
    said = []
    for each in pending:
        of = plain(each.environment.name or "its environment", 80)
        if each.approvers:
            said.append(
                f"waits for the approval of {', '.join(plain(who, 40) for who in each.approvers[:6])} ({of})"
            )
        elif each.wait_timer:
            said.append(f"waits {each.wait_timer} min, as {of} says: a wait timer delays each way back")
        else:
            said.append(f"waits for a protection rule of {of}")
    return "; ".join(said) or "waits for a protection rule"


def _unseen(ordered: Ordered, settings: Settings, now: datetime) -> Progress:
    if now - ordered.at < SHOWN_WITHIN:
        return Moving(f"{ordered.move.to.tag} was ordered; GitHub does not list its run yet")
    return Failed(
        f"GitHub lists no run of {settings.called} that is ours: either there is none, or its name does not show the input"
        f" `{MARK}` (write `run-name: … ${{{{ inputs.{MARK} }}}}` in it); look before it is run again",
        ordered.by_hand,
    )


def _without_effect(run: Run, ordered: Ordered, now: datetime) -> Progress:
    tag, where = ordered.move.to.tag, plain(run.html_url)
    if now - run.updated_at < SHOWN_WITHIN:
        return Moving(f"the run ended well; that {tag} serves is not shown yet: {where}")
    return Failed(
        f"the run ended well, and {tag} does not serve: does the workflow deploy the tag that it is given? {where}",
        ordered.by_hand,
    )

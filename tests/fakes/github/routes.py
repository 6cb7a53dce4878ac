"""The REST API of `actions`: dispatches, runs, what they wait for, protection rules, and files."""

import hashlib
from typing import Any

import yaml
from aiohttp import web

from tests.fakes.github.actions import Actions, Run
from tests.fakes.github.world import OTHERS

MOST_COMMENTS = 10
LONGEST_COMMENT = 1024


class ActionsRoutes:
    """Handlers; who may ask at all was looked at before."""

    def __init__(self, actions: Actions) -> None:
        self.actions = actions

    def add_to(self, application: web.Application) -> None:
        """All of them."""
        repo = "/repos/{owner}/{name}"
        add = application.router
        workflow = f"{repo}/actions/workflows/{{workflow}}"
        add.add_get(workflow, self.workflow)
        add.add_get(f"{workflow}/runs", self.runs)
        add.add_post(f"{workflow}/dispatches", self.dispatch)
        add.add_get(f"{repo}/actions/runs", self.runs)
        add.add_get(f"{repo}/actions/runs/{{run}}", self.run)
        add.add_get(f"{repo}/actions/runs/{{run}}/pending_deployments", self.pending)
        add.add_post(f"{repo}/actions/runs/{{run}}/deployment_protection_rule", self.review)
        add.add_get(f"{repo}/commits/{{ref:.+}}", self.commit)
        add.add_get(f"{repo}/contents/{{path:.+}}", self.contents)

    async def workflow(self, request: web.Request) -> web.Response:
        if request.match_info["workflow"] != "deploy.yml":
            return _no(404, "Not Found")
        return web.json_response(
            {"id": 5, "path": ".github/workflows/deploy.yml", "state": self.actions.state}
        )

    async def runs(self, request: web.Request) -> web.Response:
        actions = self.actions
        actions.advance()
        if request.match_info.get("workflow", "deploy.yml") != "deploy.yml":
            return _no(404, "Not Found")
        listed = [each for each in actions.runs if actions.world.now() >= each.at + actions.listed_after]
        for name in ("event", "status"):
            wanted = request.query.get(name)
            listed = [each for each in listed if wanted in (None, actions.told(each)[name])]
        told = [actions.told(each) for each in reversed(listed)]
        most, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
        shown = told[most * (page - 1) : most * page]
        return conditional(request, {"total_count": len(told), "workflow_runs": shown})

    async def run(self, request: web.Request) -> web.Response:
        run = self._run(request)
        return _no(404, "Not Found") if run is None else conditional(request, self.actions.told(run))

    async def pending(self, request: web.Request) -> web.Response:
        run = self._run(request)
        if run is None:
            return _no(404, "Not Found")
        if run.id in self.actions.unread:
            return _no(502, "Unicorn!")
        if self.actions.status(run)[0] != "waiting":
            return web.json_response([])
        reviewers = [{"type": "User", "reviewer": {"login": who}} for who in run.waits_for]
        told = {
            "environment": {"id": 1, "name": self.actions.environment},
            "wait_timer": run.wait_timer,
            "wait_timer_started_at": None,
            "current_user_can_approve": False,
            "reviewers": reviewers,
        }
        return conditional(request, [told])

    async def dispatch(self, request: web.Request) -> web.Response:
        actions, said = self.actions, await request.json()
        refusal = self._refused(request.match_info["workflow"], said)
        if request.headers.get("Authorization", "").partition(" ")[2] == OTHERS:
            refusal = (403, "Resource not accessible by personal access token", {})
        if refusal is not None:
            return _no(*refusal)
        actions.dispatches.append(said)
        run = actions.begin(said["ref"], said.get("inputs", {}))
        if not said.get("return_run_details") or not actions.returns_run:
            return web.Response(status=204)
        url = f"https://{actions.world.host}/{actions.world.repository}/actions/runs/{run.id}"
        return web.json_response({"workflow_run_id": run.id, "run_url": url, "html_url": url})

    def _refused(self, workflow: str, said: Any) -> tuple[int, str, dict[str, str]] | None:
        actions = self.actions
        unknown = sorted(set(said.get("inputs", {})) - self._inputs())
        refusals: tuple[tuple[bool, tuple[int, str, dict[str, str]]], ...] = (
            (actions.refusal is not None, actions.refusal or (0, "", {})),
            (workflow != "deploy.yml", (404, "Not Found", {})),
            (
                actions.world.permissions.get("actions") != "write",
                (403, "Resource not accessible by personal access token", {}),
            ),
            (
                actions.state != "active",
                (422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow", {}),
            ),
            (bool(unknown), (422, f"Unexpected inputs provided: {unknown}", {})),
            (said["ref"] not in {*actions.tags, "main"}, (422, f"No ref found for: {said['ref']}", {})),
        )
        return next((refusal for holds, refusal in refusals if holds), None)

    def _inputs(self) -> set[str]:
        by_hand = yaml.safe_load(self.actions.text)[True]["workflow_dispatch"] or {}
        return set(by_hand.get("inputs", {}))

    async def review(self, request: web.Request) -> web.Response:
        """An app's word on its own rule; without a state, a comment alone."""
        run, said = self._run(request), await request.json()
        if self.actions.fails_review is not None:
            return _no(self.actions.fails_review, "Unicorn!")
        if run is None:
            return _no(404, "Not Found")
        if request.headers.get("Authorization", "").partition(" ")[2][:4] != "ghs_":
            return _no(403, "Resource not accessible: only GitHub Apps may review their own rules")
        if not run.rule or self.actions.status(run)[0] != "waiting":
            return _no(422, "No pending deployment requests to approve or reject")
        comment, state = said.get("comment", ""), said.get("state")
        commented = sum(1 for each, _ in run.comments if each is None)
        too_many = state is None and commented >= MOST_COMMENTS
        if state not in {"approved", "rejected", None} or len(comment) > LONGEST_COMMENT or too_many:
            return _no(422, "Validation Failed")
        run.comments.append((state, comment))
        if state == "approved":
            run.rule = False
            self.actions.advance()
        elif state == "rejected":
            self.actions.reject(run)
        return web.Response(status=204)

    async def commit(self, request: web.Request) -> web.Response:
        if self.actions.fails_commits is not None:
            return _no(self.actions.fails_commits, "Unicorn!", {"Retry-After": "7"})
        if self.actions.hides_commits:
            return _no(404, "Not Found")
        sha = self.actions.tags.get(request.match_info["ref"])
        if sha is None:
            return _no(422, f"No commit found for SHA: {request.match_info['ref']}")
        return conditional(request, {"sha": sha})

    async def contents(self, request: web.Request) -> web.Response:
        return web.Response(text=self.actions.text, content_type="application/vnd.github.raw+json")

    def _run(self, request: web.Request) -> Run | None:
        self.actions.advance()
        wanted = int(request.match_info["run"])
        return next((each for each in self.actions.runs if each.id == wanted), None)


def conditional(request: web.Request, told: Any) -> web.Response:
    """What is told, or that it is the same as before."""
    response = web.json_response(told)
    etag = f'"{hashlib.sha256(response.body or b"").hexdigest()[:16]}"'  # type: ignore[arg-type]
    if request.headers.get("If-None-Match") == etag:
        response = web.Response(status=304)
    response.headers["ETag"] = etag
    return response


def _no(status: int, words: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"message": words, "documentation_url": ""}, status=status, headers=headers)

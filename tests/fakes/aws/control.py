"""The control door of the process form: a test does over HTTP what it would do to a world in its own process.

``POST /_fake/do`` with ``{"do": "ecs.deploy", "with": {"service": "web", "task_definition": "web:2"}}``. Times (``at``,
``until``) are ISO 8601, or seconds from now; left out where they are needed, they are now. Durations are seconds.
``GET /_fake/calls``, ``/_fake/events``, ``/_fake/bugs``, ``/_fake/now``.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.aws.ecs.state import Behaviour
from tests.fakes.aws.trouble import FakeBug
from tests.fakes.aws.world import AwsWorld

_NOW_UNLESS_TOLD = frozenset(
    {
        *("ecs.register", "ecs.create_service", "ecs.deploy", "ecs.scale", "ecs.kill", "ecs.delete_service"),
        *("codedeploy.create_group", "codedeploy.deploy", "codedeploy.alarm", "codedeploy.scale_out"),
        *("functions.create", "functions.update", "functions.publish", "functions.deploy", "functions.point"),
        *("balancing.create_group", "balancing.create_rule", "balancing.release", "balancing.weigh"),
        *("cloudwatch.put", "cloudwatch.set_alarm", "ecr.push", "sqs.send"),
    }
)
_OTHERS = frozenset(
    {
        *("faults.throttle", "faults.fail", "faults.slow", "faults.lose_answer", "faults.stale"),
        *(
            "identities.role",
            "identities.grant_own",
            "sqs.create_queue",
            "carry",
            "ecs.behave",
            "codedeploy.behave",
        ),
    }
)
_TIMES = frozenset({"at", "until"})
_SPANS = frozenset({"by", "takes", "visibility", "starts_in", "stops_in", "crashes_after", "unhealthy_after"})


def add_to(app: web.Application, world: AwsWorld) -> None:
    """Open the door beside AWS itself."""

    async def do(request: web.Request) -> web.Response:
        said = await request.json()
        try:
            answer = _done(world, said["do"], said.get("with", {}))
        except (FakeBug, KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": repr(error)}, status=400)
        return _told({"answer": answer if isinstance(answer, str) else None})

    # Before AWS's own route, which takes every path.
    app.router.add_post("/_fake/do", do)
    for name, look in _looks(world).items():
        app.router.add_get(f"/_fake/{name}", _shows(look))


def _shows(look: Callable[[], Any]) -> Callable[[web.Request], Any]:
    async def show(_request: web.Request) -> web.Response:
        return _told(look())

    return show


def _looks(world: AwsWorld) -> Mapping[str, Callable[[], Any]]:
    return {
        "calls": lambda: [asdict(call) | {"mutates": call.mutates} for call in list(world.calls)],
        "events": world.advance,
        "bugs": lambda: [str(bug) for bug in world.bugs],
        "now": world.now,
    }


def _told(content: Any) -> web.Response:
    return web.json_response(content, dumps=lambda value: json.dumps(value, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _done(world: AwsWorld, what: str, told: Mapping[str, Any]) -> Any:
    if what not in _NOW_UNLESS_TOLD | _OTHERS:
        raise KeyError(f"{what} is none of {sorted(_NOW_UNLESS_TOLD | _OTHERS)}")
    told = {name: _meant(world, name, value) for name, value in told.items()}
    if what in _NOW_UNLESS_TOLD:
        told = {"at": world.now(), **told}
    found: Any = world
    for part in what.split("."):
        found = getattr(found, part)
    with world.locked():
        return found(**told)


def _meant(world: AwsWorld, name: str, value: Any) -> Any:
    if name in _TIMES:
        return (
            datetime.fromisoformat(value)
            if isinstance(value, str)
            else world.now() + timedelta(seconds=value)
        )
    if name in _SPANS:
        return timedelta(seconds=value)
    if name == "behaviour":
        return Behaviour(**{each: _meant(world, each, inner) for each, inner in value.items()})
    return value

"""How a process would tell its requests on its page of metrics, in the text format or in OpenMetrics."""

from collections import Counter
from collections.abc import Iterable
from email.utils import format_datetime

from aiohttp import web

from tests.fakes.world import Happened, World

BOUNDS = (0.1, 0.3, 1.0)
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def page(world: World, instance: int = 0) -> str:
    """The page of *instance*, now. A counter of a kind of request is there only once there was one, as with real clients."""
    log = world.since_birth(instance)
    lines = ["# HELP http_requests_total Requests.", "# TYPE http_requests_total counter"]
    lines += _requests(log)
    lines += ["# TYPE http_request_duration_seconds histogram", *_durations(log)]
    lines += ["# TYPE process_start_time_seconds gauge"]
    lines += [f"process_start_time_seconds {world.born(instance).timestamp()}"]
    lines += ["# TYPE queue_depth gauge", f"queue_depth {len(log) % 7}"]
    return "\n".join(lines) + "\n"


def _requests(log: Iterable[Happened]) -> list[str]:
    counted = Counter((each.version, str(each.status)) for each in log)
    return [
        f'http_requests_total{{version="{version}",code="{code}",path="/a\\"b\\\\c"}} {count}.0'
        for (version, code), count in sorted(counted.items())
    ]


def _durations(log: list[Happened]) -> list[str]:
    lines = []
    for version in sorted({each.version for each in log}):
        own = [each.seconds for each in log if each.version == version]
        within = [(str(bound), sum(s <= bound for s in own)) for bound in BOUNDS] + [("+Inf", len(own))]
        name = "http_request_duration_seconds"
        lines += [f'{name}_bucket{{version="{version}",le="{le}"}} {count}' for le, count in within]
        lines += [
            f'{name}_sum{{version="{version}"}} {sum(own)}',
            f'{name}_count{{version="{version}"}} {len(own)}',
        ]
    return lines


def answer(world: World, body: str | bytes, content_type: str = TEXT) -> web.Response:
    """*body*, at the world's time."""
    data = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": content_type, "Date": format_datetime(world.now, usegmt=True)}
    return web.Response(body=data, headers=headers)

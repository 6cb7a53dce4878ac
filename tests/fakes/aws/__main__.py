"""The fake as a process of its own: ``python -m tests.fakes.aws --port 0 [--speed 60] [--queue-url URL --queue-endpoint URL]``.

It prints one line of JSON, ``{"url": "http://127.0.0.1:PORT"}``, when it listens, and ends at SIGTERM. What happens in it is
said through the door in `tests.fakes.aws.control`.
"""

import argparse
import asyncio
import contextlib
import json
import queue
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import boto3
from aiohttp import web

from tests.fakes.aws import control
from tests.fakes.aws.events import Event
from tests.fakes.aws.server import app
from tests.fakes.aws.world import ACCOUNT, REGION, AwsWorld
from watcher import clock

_TICK = 0.05  # seconds of real time


def fast_clock(start: datetime, speed: float) -> Callable[[], datetime]:
    """A clock that shows *start* now, and runs *speed* times as fast as real time."""
    began = clock.monotonic()
    return lambda: start + timedelta(seconds=(clock.monotonic() - began) * speed)


class Carrier:
    """Carries events to a queue that somebody else keeps (moto's server), as EventBridge would."""

    def __init__(self, url: str, endpoint: str) -> None:
        self._url = url
        self._client: Any = boto3.client("sqs", endpoint_url=endpoint, region_name=REGION)
        self._waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def hear(self, event: Event) -> None:
        """Take one."""
        self._waiting.put(event)

    def send(self) -> None:
        """Send all that wait."""
        while not self._waiting.empty():
            self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(self._waiting.get()))


async def run(world: AwsWorld, port: int, carrier: Carrier | None) -> None:
    """Serve, and let time go on in the world, until a signal ends it."""
    runner = web.AppRunner(app(world, control.add_to), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}) + "\n")
    sys.stdout.flush()
    while not stopped.is_set():
        world.advance()
        if carrier is not None:
            await asyncio.to_thread(carrier.send)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), _TICK)
    await runner.cleanup()


def main() -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.aws")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--speed", type=float, default=1.0, help="how many times as fast as real time its clock runs"
    )
    parser.add_argument("--account", default=ACCOUNT)
    parser.add_argument("--region", default=REGION)
    parser.add_argument("--queue-url", help="carry every event to this queue of SQS")
    parser.add_argument("--queue-endpoint", help="where that queue is kept")
    told = parser.parse_args()
    world = AwsWorld(fast_clock(clock.now(), told.speed), told.account, told.region)
    carrier = Carrier(told.queue_url, told.queue_endpoint) if told.queue_url else None
    if carrier is not None:
        world.listen(carrier.hear)
    asyncio.run(run(world, told.port, carrier))


if __name__ == "__main__":
    main()

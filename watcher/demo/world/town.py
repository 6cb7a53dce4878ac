"""The world's own process: instances, balancer, and the loop that brings what runs to what should run.

Started by the demo as ``python -m watcher.demo.world.town DIRECTORY``. It ends when its stdin ends: so it never outlives
whoever started it, however that died.
"""

import asyncio
import contextlib
import random
import sys
from pathlib import Path

from watcher.demo.world.balancer import Backend, Balancer
from watcher.demo.world.behaviour import USUAL
from watcher.demo.world.files import Files, Running, Slot
from watcher.demo.world.instance import Instance

LOOK_EVERY = 0.1  # seconds between two looks at what should run
REPLACING = 2.0  # seconds out of service, while instances are replaced: draining, starting, warming up
MOVING = (
    3.0  # the same for a move, which goes one by one, so that there is a middle in which to kill the daemon
)
AT_ONCE = 2  # instances that a pipeline replaces together
INSTANCES = 6


class Town:
    """Six instances, a balancer, and who looks after them."""

    def __init__(self, files: Files, seed: int) -> None:
        self._files = files
        self._chance = random.Random(seed)
        self._instances: list[Instance] = []
        self._ports: list[int] = []
        self._out: set[int] = set()
        self._balancer = Balancer()
        self._balancer_port = 0

    async def live(self, stop: asyncio.Event) -> None:
        """Serve until *stop*."""
        async with contextlib.AsyncExitStack() as stack:
            for slot in range(INSTANCES):
                await self._start(slot, self._files.desired().on(slot))
            stack.push_async_callback(self._stop)
            self._balancer_port = await self._balancer.start()
            stack.push_async_callback(self._balancer.stop)
            self._tell()
            while not stop.is_set():
                await self._go_round()
                await asyncio.sleep(LOOK_EVERY)

    async def _go_round(self) -> None:
        weather = self._files.weather()
        for instance in self._instances:
            instance.weather = weather
        desired = self._files.desired()
        wrong = [n for n, each in enumerate(self._instances) if each.tag != desired.on(n)]
        if wrong and desired.key:
            await self._replace(wrong[:1], MOVING)
        elif wrong:
            await self._replace(wrong[:AT_ONCE], REPLACING)

    async def _replace(self, slots: list[int], takes: float) -> None:
        self._out |= set(slots)
        self._tell()
        await asyncio.sleep(takes)
        for slot in slots:
            await self._instances[slot].stop()
            await self._start(slot, self._files.desired().on(slot))
        self._out -= set(slots)
        self._tell()

    async def _start(self, slot: int, tag: str) -> None:
        behaviour = self._files.registry().get(tag, USUAL)
        instance = Instance(tag, behaviour, random.Random(self._chance.random()))
        instance.weather = self._files.weather()
        port = await instance.start(self._ports[slot] if slot < len(self._ports) else 0)
        if slot < len(self._ports):
            self._instances[slot] = instance
        else:
            self._ports.append(port)
            self._instances.append(instance)

    async def _stop(self) -> None:
        for instance in self._instances:
            await instance.stop()

    def _tell(self) -> None:
        """To the balancer and to whoever reads what runs."""
        slots = tuple(
            Slot(each.tag, slot not in self._out, self._ports[slot])
            for slot, each in enumerate(self._instances)
        )
        self._balancer.serve_from([Backend(slot.port, slot.tag) for slot in slots if slot.serving])
        self._files.runs(Running(slots, self._balancer_port))


async def _until_stdin_ends(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
    stop.set()


async def main(root: Path, seed: int) -> None:
    """Serve until stdin ends."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Town(Files(root), seed).live(stop))
        group.create_task(_until_stdin_ends(stop))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

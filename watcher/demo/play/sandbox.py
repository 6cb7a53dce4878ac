"""``make sandbox``: the world and the daemon run on, to be broken by hand."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from watcher.demo.play.director import Theatre
from watcher.demo.play.house import ENVIRONMENT, FIRST, HOST, SERVICE, House, tag
from watcher.demo.play.waiting import LOOK_EVERY


async def sandbox(theatre: Theatre) -> None:
    """Start the daemon, say what can be done, and tell what the daemon says until Ctrl-C."""
    await theatre.open("auto")
    click.echo("\n".join(_manual(theatre.company.house)))
    said = 0
    while True:
        for each in theatre.company.channel.all()[said:]:
            theatre.company.screen.say(f"rollbackd: {each.headline}")
            said += 1
        await asyncio.sleep(LOOK_EVERY)


def _manual(house: House) -> Iterator[str]:
    """What to type, in another terminal."""
    running, shop, rollbackd = house.files.running(), house.shop, _command()
    bad, good = tag(FIRST + 1), tag(FIRST + 2)
    told = f"{rollbackd} deployed {SERVICE} {ENVIRONMENT}"
    yield "\nEverything runs until Ctrl-C. In another terminal, first of all:"
    yield f"  export ROLLBACKD_URL={house.url} ROLLBACKD_TOKEN={house.token}"
    yield "Look at the service, at what the daemon scrapes, at the instances, at the watches:"
    yield f"  curl -i http://{HOST}:{running.balancer}/"
    yield f"  curl http://{HOST}:{running.slots[0].port}/metrics"
    yield f"  {shop} show"
    yield f"  {rollbackd} watches"
    yield "Deploy a bad release on 2 of 6 instances, and wait for the verdict (1: it was rolled back):"
    yield f"  {shop} publish {bad} --failing 6% && {shop} deploy {bad} && {rollbackd} wait $({told} {bad}); echo $?"
    yield "Deploy a good one, let a dependency of both releases fail meanwhile, and go on if it passes (0):"
    yield f"  {shop} publish {good} && {shop} deploy {good} && {told} {good}"
    yield f"  {shop} break --failing 8%; sleep 12; {shop} heal"
    yield f"  {shop} promote {good}"
    yield "Break one release alone, or heal all:"
    yield f"  {shop} break {good} --failing 5%        (or --slow 20%, or --dead)"
    yield f"  {shop} heal"
    yield f"The configuration: {house.configuration}; the daemon's log: {house.log}\n"


def _command() -> str:
    """The console script beside this Python, or its name where there is none."""
    beside = Path(sys.executable).with_name("rollbackd")
    return str(beside) if beside.exists() else beside.name

"""A small GitHub: what people and programs did is one log, and everything that it tells comes from that log.

world = GitHubWorld(now)
async with serving_app(app(world)) as port:        # the REST API, at http://127.0.0.1:PORT
    made = world.deploys("production")            # as a pipeline does
    world.sets(made, "success")
    for each in Hook(world).deliveries():          # what its webhook sends, signed
        await send(each)
"""

from tests.fakes.github.actions import Actions, Run
from tests.fakes.github.deliveries import Delivery, Hook
from tests.fakes.github.rest import app
from tests.fakes.github.shelf import Shelf
from tests.fakes.github.world import REPOSITORY, SECRET, TOKEN, Deed, GitHubWorld, Made

__all__ = [
    "REPOSITORY",
    "SECRET",
    "TOKEN",
    "Actions",
    "Deed",
    "Delivery",
    "GitHubWorld",
    "Hook",
    "Made",
    "Run",
    "Shelf",
    "app",
]

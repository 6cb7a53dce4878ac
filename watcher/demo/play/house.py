"""Where everything of one play lies: the world's files, the configuration that the daemon reads, its store, its log."""

import hashlib
import random
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from watcher.demo.world.behaviour import KINDS, USUAL
from watcher.demo.world.files import Desired, Files, Running

TEMPLATES = Path(__file__).parent / "templates"
HOST = "127.0.0.1"
SERVICE, ENVIRONMENT = "checkout", "production"
BAKE = 18  # seconds; longer than the hiccup, and long enough to have seen 5 % errors several times over
FIRST = 41  # the number of the release that serves when the curtain rises


@dataclass(frozen=True, slots=True)
class House:
    """The directory of one play, and what was chosen for it."""

    root: Path
    port: int
    token: str

    @classmethod
    def built(cls, root: Path, seed: int) -> "House":
        """A new one in *root*: a free port, a token that is good for this play only, the first release."""
        root.mkdir(parents=True, exist_ok=True)
        house = cls(root, _free_port(), f"demo-{random.Random(seed).randbytes(12).hex()}")
        house.files.root.mkdir(exist_ok=True)
        house.files.publish(tag(FIRST), USUAL)
        house.files.want(Desired(tag(FIRST)))
        house._write_command()
        return house

    @property
    def files(self) -> Files:
        """The world's."""
        return Files(self.root / "world")

    @property
    def configuration(self) -> Path:
        """What ``rollbackd run --config`` is given."""
        return self.root / "rollbackd.yaml"

    @property
    def rules(self) -> Path:
        """What is promised."""
        return self.root / "rules.yaml"

    @property
    def log(self) -> Path:
        """The daemon's."""
        return self.root / "rollbackd.log"

    @property
    def shop(self) -> Path:
        """The small platform's command."""
        return self.root / "shop"

    @property
    def url(self) -> str:
        """Where the daemon listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a command that speaks to the daemon needs."""
        return {"ROLLBACKD_URL": self.url, "ROLLBACKD_TOKEN": self.token}

    @property
    def secrets(self) -> dict[str, str]:
        """What the configuration refers to."""
        return {"DEMO_CHANNEL_SECRET": self.token}

    def configure(self, mode: str, running: Running, channel: int) -> None:
        """Write the configuration, for a daemon in *mode* that tells people on the port *channel*."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=False,  # noqa: S701 - YAML, and nothing in it comes from outside
            undefined=StrictUndefined,
            keep_trailing_newline=True,
        )
        facts = {
            "mode": mode,
            "bake": BAKE,
            "channel": f"http://{HOST}:{channel}/",
            "house": self,
            "service": SERVICE,
            "environment": ENVIRONMENT,
            "sha256": hashlib.sha256(self.token.encode()).hexdigest(),
            "instances": [f"http://{HOST}:{slot.port}" for slot in running.slots],
            "balancer": f"http://{HOST}:{running.balancer}",
        }
        for path in (self.configuration, self.rules):
            new = path.with_suffix(".new")
            new.write_text(environment.get_template(f"{path.name}.j2").render(facts))
            new.replace(path)

    def publish(self, number: int, kind: str) -> str:
        """Add a release of *kind* to the registry; its tag."""
        self.files.publish(tag(number), KINDS[kind])
        return tag(number)

    def _write_command(self) -> None:
        self.shop.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -m watcher.demo.world.shop --world "{self.files.root}" "$@"\n'
        )
        self.shop.chmod(0o700)


def tag(number: int) -> str:
    """``v41``."""
    return f"v{number}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

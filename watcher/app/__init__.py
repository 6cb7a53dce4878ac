"""Builds the daemon from its configuration, and runs it."""

from watcher.app.build import Running, build
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.app.run import run

__all__ = ["Ports", "Running", "build", "load", "run"]

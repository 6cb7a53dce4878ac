"""A Loki that answers what it is really asked about the lines of a world."""

from tests.fakes.loki.lines import Line, Lines
from tests.fakes.loki.server import Server, app_of

__all__ = ["Line", "Lines", "Server", "app_of"]

"""What a world's requests leave in a log: one line each, in the stream of who wrote it; and lines that are none of theirs."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.world import Happened, World


@dataclass(frozen=True)
class Line:
    """One entry, with the labels of its stream."""

    at: datetime
    stream: Mapping[str, str]
    text: str


@dataclass
class Lines:
    """Of a world.

    Attributes:
        form: Of the lines: ``json`` or ``logfmt``.
        in_stream: The version is a label of the stream; else it stands in the line alone.
        late: How long after it was written a line may still be on its way.
        others: That no request wrote.
    """

    world: World
    form: str = "json"
    in_stream: bool = True
    late: timedelta = timedelta(0)
    others: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._made: dict[Happened, Line] = {}

    def came(self) -> list[Line]:
        """What has arrived by now."""
        now = self.world.now
        arrived = [self._line(each) for each in self.world.log if each.at + self.late * _chance(each) <= now]
        return arrived + [line for line in self.others if line.at <= now]

    def _line(self, each: Happened) -> Line:
        if each not in self._made:
            self._made[each] = Line(each.at, self._stream(each), self._text(each))
        return self._made[each]

    def _stream(self, each: Happened) -> Mapping[str, str]:
        app = "shop" if each.instance == 0 else f"shop-{each.instance}"
        version = {"version": each.version} if self.in_stream else {}
        return {"app": app, "env": "prod", **version}

    def _text(self, each: Happened) -> str:
        values = {
            "level": "error" if each.status >= 500 else "info",
            "msg": "request handled",
            "status": each.status,
            "seconds": each.seconds,
        }
        if not self.in_stream:
            values["version"] = each.version
        if self.form == "json":
            return json.dumps(values)
        return " ".join(f"{name}={json.dumps(str(value))}" for name, value in values.items())


def _chance(each: Happened) -> float:
    return zlib.crc32(f"{each.at.timestamp():.6f}".encode()) / (1 << 32)

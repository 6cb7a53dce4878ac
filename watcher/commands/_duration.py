"""Durations on the command line: ``15m``, ``1h30m``. Read here a second time, as ``rules.duration`` needs a slow start."""

import re

import click

GRAMMAR = re.compile(
    r"(?=.)(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?(?:(\d{1,7})ms)?", re.ASCII
)
UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)  # seconds


def seconds(text: str) -> float:
    """What *text* writes.

    Raises:
        ValueError: It is no duration.
    """
    match = GRAMMAR.fullmatch(text)
    if match is None:
        raise ValueError(
            "not a duration: write a number with its unit, the largest first: 90s, 15m, 1h30m, 7d"
        )
    return sum(int(number) * unit for number, unit in zip(match.groups("0"), UNITS, strict=True))


class _Seconds(click.ParamType[float]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return seconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Written(click.ParamType[str]):
    """As it is written: the daemon reads it."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        SECONDS.convert(value, param, ctx)
        return str(value)


SECONDS = _Seconds()
WRITTEN = _Written()

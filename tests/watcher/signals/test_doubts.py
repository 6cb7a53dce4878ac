"""Names that may be wrong: looked up once they were silent for long, few at a time, and not again for an hour."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from tests.builders import NOON, minutes
from watcher.signals.doubts import AGAIN, MOST, PATIENCE, Doubts, heard


@dataclass
class Scene:
    at: datetime = NOON
    asked: list[str] = field(default_factory=list)
    has_time: bool = True

    def __post_init__(self) -> None:
        self.doubts = Doubts(lambda: self.at, most=2)

    async def reads(
        self, silent: Iterable[str], heard: Iterable[str] = (), after: timedelta = timedelta(0)
    ) -> dict[str, object]:
        self.at += after

        async def look(name: str) -> str | None:
            self.asked.append(name)
            return f"no {name}"

        of = {f"q-{name}": name for name in silent}
        return dict(await self.doubts.of(of, heard, look, lambda: self.has_time))


async def test_who_is_silent_for_long_is_looked_up_once_an_hour():
    scene = Scene()

    assert await scene.reads(["a"]) == {}
    assert await scene.reads(["a"], after=PATIENCE) == {"q-a": Invalid(Who.AUTHOR, "no a")}
    assert await scene.reads(["a"], after=minutes(1)) == {"q-a": Invalid(Who.AUTHOR, "no a")}
    assert scene.asked == ["a"]
    await scene.reads(["a"], after=AGAIN)
    assert scene.asked == ["a", "a"]


async def test_who_is_heard_is_no_longer_doubted():
    scene = Scene()
    await scene.reads(["a"])
    await scene.reads(["a"], after=PATIENCE)

    await scene.reads([], heard=["a"])

    assert await scene.reads(["a"]) == {}


async def test_few_are_looked_up_in_one_reading():
    scene = Scene()
    await scene.reads("abc")

    await scene.reads("abc", after=PATIENCE)
    assert scene.asked == ["a", "b"]
    await scene.reads("abc")
    assert scene.asked == ["a", "b", "c"]


async def test_what_there_was_no_time_for_is_looked_up_in_the_next():
    scene = Scene()
    await scene.reads(["a"])
    scene.has_time = False
    assert await scene.reads(["a"], after=PATIENCE) == {}

    scene.has_time = True

    assert await scene.reads(["a"]) == {"q-a": Invalid(Who.AUTHOR, "no a")}


async def test_what_is_remembered_has_a_bound():
    scene = Scene()
    await scene.reads(map(str, range(MOST + 2)))

    await scene.reads(["a"], after=PATIENCE)

    assert scene.asked == []


def test_who_could_not_be_asked_about_was_not_heard():
    asked = {"q1": "there", "q2": "silent", "q3": "refused", "q4": "wrong", "q5": "young"}
    readings: dict[str, Reading] = {
        "q1": (),
        "q2": NoData("nothing"),
        "q3": Unavailable(Who.PROVIDER, "HTTP 502"),
        "q4": Invalid(Who.AUTHOR, "no such function"),
        "q5": NoData("not settled"),
    }

    assert heard(asked, {"q2"}, readings) == {"there", "young"}

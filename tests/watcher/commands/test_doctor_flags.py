"""What the doctor says of webhooks of flags: where they call, for whom they tell, how good the secret is. And what `check` refuses."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from deploy.model import Level
from tests.fakes.flags import SECRET
from tests.watcher.app.house import House, a_house
from tests.watcher.app.test_flags import SOURCES
from watcher.app import load
from watcher.app.opening import sources_of
from watcher.commands._doctor import sources
from watcher.commands._doctor.checks import carried_out
from watcher.commands._doctor.opened import Opened
from watcher.config import InvalidConfiguration


def a_house_of_flags(root: Path, changes: str) -> House:
    house = a_house(root)
    (root / "flags.secret").write_text(SECRET)
    house.change("connections:\n", SOURCES)
    house.change("  mode: shadow\n", f"  mode: shadow\n{changes}")
    return house


async def said(house: House) -> dict[tuple[str, str], tuple[Level, str, str]]:
    configuration = load(house.file)
    opened = cast("Opened", SimpleNamespace(configuration=configuration, sources=sources_of(configuration)))
    every = await carried_out(list(sources.hooks(opened)))
    return {
        (each.subject, each.check): (each.finding.level, each.finding.words, each.finding.remedy)
        for each in every
    }


async def test_it_says_how_many_are_told_by_it_and_of_one_that_tells_nobody_what_to_write(tmp_path):
    found = await said(a_house_of_flags(tmp_path, "  changes: {told_by: [ld]}\n"))

    assert found["source ld", "heard"] == (Level.OK, "1 services are told by it what else moved", "")
    level, words, remedy = found["source ul", "heard"]
    assert (level, "no service is told by it" in words) == (Level.WARN, True)
    assert "told_by: [ul]" in remedy
    assert found["source ld", "secret"][0] is Level.OK
    assert "/v1/hooks/ld" in found["source ld", "address"][1]


def test_a_service_that_would_be_heard_from_it_is_refused_with_what_to_write(tmp_path):
    with pytest.raises(InvalidConfiguration) as refused:
        load(a_house_of_flags(tmp_path, "  heard_from: [ld]\n").file)

    [problem] = refused.value.problems
    assert "it tells of flags, and of no deployment" in str(problem)
    assert "told_by" in str(problem)

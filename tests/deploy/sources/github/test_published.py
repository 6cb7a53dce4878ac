"""Every event that GitHub publishes an example of is accounted for: announced, or passed over in words; none is turned away."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Ignored
from tests.deploy.sources.github.said import a_source, received
from tests.fakes.github.deliveries import signed
from tests.watcher.api.daemon import an_api

PUBLISHED = Path(__file__).with_name("published.jsonl")
ANNOUNCED = {
    ("deployment", Phase.STARTED): 3,
    ("deployment_status", Phase.COMPLETE): 3,
    ("workflow_run", Phase.COMPLETE): 2,
    ("workflow_run", Phase.STARTED): 2,
}
PASSED_OVER = {
    "deployment: no service of the configuration is heard from github:codertocat/hello-world:environment:github-pages",
    "deployment_status: no service of the configuration is heard from github:codertocat/hello-world:environment:github-pages",
    "workflow_run: the run is of a fork",
}


@cache
def published() -> list[tuple[str, Any]]:
    lines = [json.loads(line) for line in PUBLISHED.read_text().splitlines()]
    return [(line["event"], line["payload"]) for line in lines]


def test_all_that_tell_of_deployments_are_announced_or_say_why_not():
    meanings = [(event, a_source().read(received(event, payload))) for event, payload in published()]
    announced = Counter((event, said.phase) for event, said in meanings if isinstance(said, Announcement))
    ignored = [(event, said.why) for event, said in meanings if isinstance(said, Ignored)]

    assert announced == ANNOUNCED
    assert len(ignored) + announced.total() == len(meanings)
    assert {why for event, why in ignored if why != f"{event}: of no concern here"} == PASSED_OVER


@pytest.mark.parametrize(
    "event", ["push", "release", "ping", "create", "status", "workflow_dispatch", "workflow_job"]
)
def test_what_is_no_deployment_is_passed_over_by_its_name(event):
    (why,) = {
        said.why
        for name, payload in published()
        if name == event and isinstance(said := a_source().read(received(name, payload)), Ignored)
    }

    assert why == f"{event}: of no concern here"


async def test_the_door_answers_each_of_them_and_writes_each_down_once():
    meanings = [a_source().read(received(event, payload)) for event, payload in published()]
    known = {said.dedup_key for said in meanings if isinstance(said, Announcement)}
    async with an_api(hooked={"github": a_source()}) as api:
        answers = []
        for number, (event, payload) in enumerate(published()):
            delivery = signed(event, payload, id=f"d-{number}")
            headers = {name.replace("-", "_"): value for name, value in delivery.headers.items()}
            answers.append(await api.ask("POST", "/v1/hooks/github", delivery.body, None, **headers))
        told = {answer.json["announcement"] for answer in answers if answer.status == 202}
        found = [(await api.get(f"/v1/announcements/{each}")).json for each in told]

    assert {answer.status for answer in answers} == {202}
    assert Counter(each["state"] for each in found)["pending"] == len(known)
    assert {each["why"] for each in found if each["state"] == "recorded"} >= PASSED_OVER

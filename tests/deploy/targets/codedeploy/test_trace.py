"""By what a move is recognised as ours."""

from datetime import UTC, datetime

import pytest

from deploy.targets.codedeploy.deployment import Deployment
from deploy.targets.codedeploy.trace import TAG_KEY, Trace, of_description, of_move, of_tags

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TRACE = Trace("w_1.3.0", "d-75I7MBT7C")


def made(description: str = "", creator: str = "user", undoes: str | None = None) -> Deployment:
    return Deployment(
        "d-1",
        "shop",
        "prod",
        "Succeeded",
        None,
        NOON,
        creator=creator,
        description=description,
        undoes=undoes,
    )


def test_what_is_written_is_read_back():
    assert of_description(made(TRACE.description())) == TRACE
    assert of_tags({TAG_KEY: TRACE.tag()}) == TRACE


def test_a_description_holds_the_longest_key():
    longest = Trace("k" * 128, f"d-{'X' * 32}").description()

    assert len(longest) <= 256
    assert of_description(made(longest)) is not None


@pytest.mark.parametrize(
    "said",
    [
        "",
        "rollbackd",
        "back from d-1",
        "rollbackd w_1: back from d-1 and more",
        "rollbackd -x: back from d-1",
    ],
)
def test_what_people_write_is_none(said):
    assert of_description(made(said)) is None
    assert of_tags({TAG_KEY: said}) is None
    assert of_tags({}) is None


def test_codedeploys_way_back_is_ours_only_if_it_takes_back_what_we_had_stopped():
    tags = {TAG_KEY: TRACE.tag()}

    assert of_move(made(creator="codeDeployRollback", undoes="d-75I7MBT7C"), tags) == TRACE
    assert of_move(made(creator="codeDeployRollback", undoes="d-OTHER"), tags) is None
    assert of_move(made(creator="codeDeployRollback"), {}) is None


def test_a_deployment_of_a_person_is_not_ours_whatever_the_tags_say():
    assert of_move(made("1.4.2 by Ada"), {TAG_KEY: TRACE.tag()}) is None
    assert of_move(None, {TAG_KEY: TRACE.tag()}) is None

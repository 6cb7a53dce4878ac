"""Who is called where nobody answers: written with the team, in force with each of its services."""

from datetime import timedelta

import pytest

from tests.watcher.config.sample import MAIN, problems, read
from watcher.core.service import Escalation

TEAM = "  shop: {tell: [room, {room: releases}],"


def written(escalate: str, **changes: str) -> str:
    text = MAIN.replace(TEAM, f"{TEAM} escalate: {escalate},")
    return text.replace("defaults:\n", f"defaults:\n  asking: {changes['asking']}\n") if changes else text


def test_it_is_part_of_the_policy_of_each_service_of_the_team(tmp_path):
    configuration = read(tmp_path, written("{after: 5m, to: [{room: night}]}"))

    expected = Escalation(timedelta(minutes=5), ("room:night",))
    assert configuration.teams["shop"].escalation == expected
    assert {each.policy.escalation for each in configuration.services.values()} == {expected}


@pytest.mark.parametrize(
    ("escalate", "changes", "expected"),
    [
        ("{after: 5m, to: [romm]}", {}, 'did you mean "room"?'),
        ("{after: 5m, to: [room]}", {}, '"room" is told anyway'),
        ("{after: 5m, to: []}", {}, "teams.shop.escalate.to"),
        ("{to: [{room: night}]}", {}, '"after" is missing'),
        ("{after: 0s, to: [{room: night}]}", {}, "teams.shop.escalate.after"),
        ("{after: 13h, to: [{room: night}]}", {}, "12h"),
        ("{after: 1h, to: [{room: night}]}", {}, "escalates after 1h, and a question stands for 1h"),
        ("{after: 5m, to: [{room: night}]}", {"asking": "{for: 5m}"}, "a question stands for 5m"),
        (
            "{after: 40m, to: [{room: night}]}",
            {"asking": "{stuck: 30m}"},
            "a rollback stays stuck for 30m | try: write a shorter `escalate: {after}` in the team, or a longer `asking: {stuck}`",
        ),
    ],
)
def test_a_mistake_is_told_with_a_remedy(tmp_path, escalate, changes, expected):
    found = problems(tmp_path, written(escalate, **changes))

    assert any(expected in each for each in found), found

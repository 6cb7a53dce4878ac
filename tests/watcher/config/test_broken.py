"""A connection with a mistake is one mistake: nothing that names it, or would need it, is wrong for that."""

import pytest

from tests.watcher.config.sample import MAIN, RULES, changed, problems

TSDB = "{metrics: {url: https://metrics.example, "
NAMED = changed("{metrics: {url: x}}", "{metrics: {url: x, connection: tsdb}}", RULES)


@pytest.mark.parametrize("rules", [RULES, NAMED], ids=["the only one", "named"])
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [("{metrics: {", 'connections.tsdb.metrics.url: "url" is missing'), ("{metrcs: {url: x, ", '"metrcs"')],
    ids=["a setting", "the kind"],
)
def test_what_is_read_by_it_is_not_called_wrong_too(tmp_path, wrong, expected, rules):
    (only,) = problems(tmp_path, changed(TSDB, wrong), rules)

    assert expected in only


def test_who_is_told_by_one_of_a_kind_that_nobody_knows_is_not_called_wrong_too(tmp_path):
    (only,) = problems(tmp_path, changed("room: {chat:", "room: {caht:"))

    assert 'unknown connection "caht" | try: did you mean "chat"?' in only


def test_beside_one_that_is_right_it_is_still_one_of_two(tmp_path):
    two = changed("  tsdb:", "  other: {metrics: {}}\n  tsdb:", MAIN)
    found = problems(tmp_path, two)

    assert any(
        "several connections of the kind metrics" in each and '"other", "tsdb"' in each for each in found
    )
    assert problems(tmp_path, two, NAMED) == [each for each in found if "connections.other" in each]


def test_one_of_another_kind_explains_nothing(tmp_path):
    broken = changed("{chat: {token: {env: CHAT_TOKEN}}}", "{chat: {tokn: {env: CHAT_TOKEN}}}")
    rules = changed("{metrics: {url: x}}", "{metrics: {url: x, connection: room}}", RULES)
    found = problems(tmp_path, broken, rules)

    assert any('unknown connection of the kind metrics "room"' in each for each in found)

"""On which targets each run waits until what hangs is given up: it is three to six seconds, by code that all of them share.

And what of the contract each run asks of moto: one move, and one thing that moto says otherwise.
"""

import pytest

WAITED_OUT = {"test_no_call_takes_longer_than_its_time", "test_a_move_that_hangs_is_unclear_in_its_time"}
ALWAYS = {"TestCommand", "TestEcs", "TestLaunchDarkly"}  # programs, AWS, HTTP; the others in `make long`
OF_MOTO = {
    ("TestLambdaOnMoto", "test_it_moves_to_the_tag_that_it_is_told"),
    ("TestLambdaOnMoto", "test_what_another_hand_does_between_the_look_and_the_call_is_not_undone"),
    ("test_targets_moto.py", "test_each_target_on_aws_runs_at_moto_or_it_is_said_why_not"),
    ("test_targets_moto.py", "test_each_disagreement_is_of_a_test_that_there_is"),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name, within = getattr(item, "originalname", ""), item.parent.name if item.parent else ""
        if item.path.name == "test_targets.py" and name in WAITED_OUT and within not in ALWAYS:
            item.add_marker(pytest.mark.long)
        if item.path.name == "test_targets_moto.py" and (within, name) not in OF_MOTO:
            item.add_marker(pytest.mark.long)

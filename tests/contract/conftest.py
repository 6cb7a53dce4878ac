"""On which targets each run waits until what hangs is given up: it is three to six seconds, by code that all of them share.

And what of the contract each run asks of moto and ministack: one move, and one thing that another hand does between.
"""

import pytest

WAITED_OUT = {"test_no_call_takes_longer_than_its_time", "test_a_move_that_hangs_is_unclear_in_its_time"}
ALWAYS = {"TestCommand", "TestEcs", "TestLaunchDarkly"}  # programs, AWS, HTTP; the others in `make long`
OF_EMULATORS = {"test_targets_ministack.py", "test_targets_moto.py"}
EMULATED = {
    ("TestLambdaOnMoto", "test_it_moves_to_the_tag_that_it_is_told"),
    ("TestLambdaOnMoto", "test_what_another_hand_does_between_the_look_and_the_call_is_not_undone"),
    ("TestAppConfigOnMinistack", "test_it_moves_to_the_tag_that_it_is_told"),
    ("TestLambdaOnMinistack", "test_what_another_hand_does_between_the_look_and_the_call_is_not_undone"),
    ("test_targets_ministack.py", "test_each_target_on_aws_runs_at_ministack_or_it_is_said_why_not"),
    ("test_targets_ministack.py", "test_each_disagreement_is_of_a_test_that_there_is"),
    ("test_targets_moto.py", "test_each_target_on_aws_runs_at_moto_or_it_is_said_why_not"),
    ("test_targets_moto.py", "test_each_disagreement_is_of_a_test_that_there_is"),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        name, within = getattr(item, "originalname", ""), item.parent.name if item.parent else ""
        if item.path.name == "test_targets.py" and name in WAITED_OUT and within not in ALWAYS:
            item.add_marker(pytest.mark.long)
        if item.path.name in OF_EMULATORS and (within, name) not in EMULATED:
            item.add_marker(pytest.mark.long)

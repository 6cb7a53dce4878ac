"""On which targets each run waits until what hangs is given up: it is three to six seconds, by code that all of them share."""

import pytest

WAITED_OUT = {"test_no_call_takes_longer_than_its_time", "test_a_move_that_hangs_is_unclear_in_its_time"}
ALWAYS = {"TestCommand", "TestEcs", "TestLaunchDarkly"}  # programs, AWS, HTTP; the others in `make long`


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name == "test_targets.py" and getattr(item, "originalname", "") in WAITED_OUT:
            target = item.parent.name if item.parent else ""
            if target not in ALWAYS:
                item.add_marker(pytest.mark.long)

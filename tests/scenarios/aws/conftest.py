"""Which stories of AWS each run tells: of some platforms all, of the others the good and the bad release, and the rest in ``make long``."""

import pytest

IN_FULL = {"test_ecs", "test_ecs_hooks", "test_one_click"}
ALWAYS = ("good", "bad", "shadow")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name != "aws" or item.path.parent.parent.name != "scenarios":
            continue
        if item.path.stem not in IN_FULL and not any(word in item.name for word in ALWAYS):
            item.add_marker(pytest.mark.long)

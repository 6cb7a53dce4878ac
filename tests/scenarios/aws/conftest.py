"""Which stories of AWS each run tells: of some platforms all, of the others the good and the bad release, and the rest in ``make long``."""

import pytest

IN_FULL = {"test_ecs", "test_ecs_hooks", "test_one_click"}
ALWAYS = ("good", "bad", "shadow")


def is_long(module: str, name: str) -> bool:
    """The story *name* of the module with this dotted name is told by ``make long`` alone."""
    folder, _, stem = module.rpartition(".")
    return folder == __package__ and stem not in IN_FULL and not any(word in name for word in ALWAYS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and is_long(item.module.__name__, item.name):
            item.add_marker(pytest.mark.long)

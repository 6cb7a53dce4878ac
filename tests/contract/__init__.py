"""Contract suites: what every member of a kind must do, written once. They are no test modules by their names."""

import pkgutil

import pytest

# So their assertions explain themselves only if they are announced before they are imported.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

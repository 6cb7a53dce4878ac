"""A claim that names the test which shows it can be followed: the test is there."""

import re

import pytest

from tests.docs.pages import PAGES, ROOT, named

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
NAMED = sorted(
    {(named(page), *found) for page in PAGES for found in _TEST.findall(page.read_text(encoding="utf-8"))}
)


@pytest.mark.parametrize(("page", "file", "test"), NAMED)
def test_each_test_that_a_page_names_is_there(page: str, file: str, test: str):
    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), page

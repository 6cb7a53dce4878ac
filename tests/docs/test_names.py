"""Names that the pages use are those of the code: settings of the daemon, metrics, log events of the runbook."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, code, named
from tests.reference.code import events
from tests.reference.kinds import entries, kinds
from tests.reference.pages import FOLDER
from tests.reference.settings import settings

_SETTING = re.compile(r"\bdaemon(?:\.[a-z_]+)+")
_METRIC = re.compile(r"\brollbackd_[a-z_]+[a-z]")
_EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
_PART = re.compile(r"_(?:bucket|count|sum)$")  # of a histogram
RUNBOOK = [page for page in PAGES if page.parent == ROOT / "docs" / "runbook"]
SETTINGS = {key for key, _ in settings()} | {
    key for _, prefix, model in kinds() for key, *_ in entries(prefix, model)
}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_setting_of_the_daemon_that_a_page_names_is_one(page: Path):
    found = {name for text in code(page) for name in _SETTING.findall(text)} - set(events())

    assert {name for name in found if not any(f"{key}.".startswith(f"{name}.") for key in SETTINGS)} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_metric_that_a_page_names_is_one(page: Path):
    there = set(_METRIC.findall((FOLDER / "metrics.md").read_text(encoding="utf-8")))

    found = {name for text in code(page) for name in _METRIC.findall(text)}

    assert {name for name in found if name not in there and _PART.sub("", name) not in there} == set()


@pytest.mark.parametrize("page", RUNBOOK, ids=named)
def test_each_log_event_that_the_runbook_names_is_one(page: Path):
    """A name with a dot is an event, a setting or a file."""
    found = {text for text in code(page) if _EVENT.fullmatch(text) and not text.endswith(".yaml")}

    assert found <= set(events()) | SETTINGS

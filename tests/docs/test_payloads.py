"""What is to be pasted into other systems stands on the page as it stands in the examples."""

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "alerts.md"


@pytest.mark.parametrize("example", ["datadog.json", "newrelic.txt"])
def test_the_page_of_alerts_shows_the_payload_of_the_examples(example: str):
    payload = (ROOT / "examples" / "alerts" / example).read_text(encoding="utf-8").rstrip()

    assert f"\n{payload}\n```" in PAGE.read_text(encoding="utf-8")

"""The app that people make asks for what the code calls, and for nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.document import read_document
from tests.fakes.slack.methods import SCOPES_OF

ROOT = Path(__file__).parents[4]
MANIFEST = ROOT / "examples" / "slack" / "manifest.yaml"
CALLED = re.compile(r"\bclient\.([a-z]+_\w+)")
# slack_sdk writes a method's dots as underscores; this one it makes of two.
SEVERAL = {"files_upload_v2": ("files.getUploadURLExternal", "files.completeUploadExternal"), "base_url": ()}


def called() -> set[str]:
    """The methods of the Web API that the code calls."""
    sources = [*ROOT.glob("watcher/notify/slack/*.py"), *ROOT.glob("watcher/api/slack/*.py")]
    names = {name for source in sources for name in CALLED.findall(source.read_text(encoding="utf-8"))}
    return {method for name in names for method in SEVERAL.get(name, (name.replace("_", "."),))}


def scopes(section: str) -> Iterator[str]:
    """Those that the manifest asks for."""
    document = read_document(MANIFEST.read_text(encoding="utf-8"), "manifest.yaml")
    for name in ("oauth_config", "scopes", section):
        found = document.get(name)
        assert found is not None, name
        document = found
    yield from (str(item.content) for item in document.items())


def test_the_fake_knows_every_method_that_is_called():
    assert called() <= set(SCOPES_OF)
    assert {"chat.postMessage", "chat.update", "conversations.replies", "usergroups.users.list"} <= called()


def test_the_manifest_asks_for_what_is_called_and_for_nothing_else():
    needed = {scope for method in called() for scope in SCOPES_OF[method]}

    assert set(scopes("bot")) == needed - {"connections:write"}  # that one is of the app's token


@pytest.mark.parametrize("scope", sorted({scope for each in SCOPES_OF.values() for scope in each}))
def test_the_page_says_what_each_scope_is_for(scope):
    page = (ROOT / "docs" / "slack.md").read_text(encoding="utf-8")

    assert f"`{scope}`" in page

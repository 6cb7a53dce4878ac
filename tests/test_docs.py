"""What the pages say is there: links lead somewhere, and the commands exist."""

import re
from pathlib import Path

import click
import pytest

from watcher.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "bench/*.md")
    for path in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`[^`\n]+`")
_COMMAND = re.compile(r"(?:^|[`|;(&$] ?)rollbackd ([a-z]+)\b", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_link_leads_somewhere(page: Path):
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), link
        if anchor:
            assert anchor in anchors(there), link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_command_is_one(page: Path):
    assert isinstance(main, click.Group)
    known = set(main.list_commands(click.Context(main)))

    text = page.read_text(encoding="utf-8")
    code = [*_FENCE.findall(text), *_CODE.findall(_FENCE.sub("", text))]

    assert {name for each in code for name in _COMMAND.findall(each)} <= known

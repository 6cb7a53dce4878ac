"""The pages, and what is in them: prose, pieces of code, fenced blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "bench/*.md")
    for path in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]+`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the language, what else its first line says, where it begins."""

    info: str
    text: str
    line: int


def named(path: Path) -> str:
    """A page, in the name of a test."""
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found["info"].strip(), found["text"], text[: found.start()].count("\n") + 1)
        for found in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> list[str]:
    """All that is code: fenced blocks, lines that go on joined, and pieces in a sentence."""
    fenced = [re.sub(r"\\\n\s*", "", block.text) for block in blocks(page)]
    return [*fenced, *(piece.strip("`") for piece in _CODE.findall(prose(page)))]

"""What a person sees of a message, and whom it disturbs: its blocks are read as Slack's clients read them.

Source:
    https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_AT_ALL = re.compile(r"@(channel|here|everyone)\b")
_CONTROL = re.compile(r"<([@!#])([^<>]*)>")
_LINK = re.compile(r"<((?:https?|mailto):[^<>|]*)(?:\|([^<>]*))?>")


@dataclass(frozen=True)
class Button:
    """A button, as it stands in a message."""

    label: str
    element: Mapping[str, Any]
    block_id: str

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])


def texts(blocks: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """All pieces of text that are read without pressing anything."""
    for block in blocks:
        found = [block.get("text"), *block.get("fields", ())]
        if block.get("type") == "context":
            found += [each for each in block["elements"] if each.get("type") != "image"]
        yield from (text for text in found if text)


def words(blocks: Sequence[Mapping[str, Any]]) -> str:
    """As it is read: of links what they say, of escapes what they mean."""
    return "\n".join(_read(text) for text in texts(blocks))


def _read(text: Mapping[str, Any]) -> str:
    if text["type"] == "plain_text":
        return str(text["text"])
    return html.unescape(_LINK.sub(lambda found: found[2] or found[1], str(text["text"])))


def mentions(text: str, blocks: Sequence[Mapping[str, Any]]) -> set[str]:
    """Whom it disturbs: people (``U…``), groups (``S…``), and ``!channel``, ``!here``, ``!everyone``.

    Of text in blocks that is not ``verbatim`` Slack parses "certain mentions" by itself: the worst is taken to be so.
    """
    marked = [each for each in texts(blocks) if each["type"] == "mrkdwn"]
    formatted = [text, *(str(each["text"]) for each in marked)]
    parsed = "\n".join(str(each["text"]) for each in marked if not each.get("verbatim"))
    found = {f"!{name}" for name in _AT_ALL.findall(parsed)}
    for kind, rest in _CONTROL.findall("\n".join(formatted)):
        name = rest.partition("|")[0]
        if kind == "@":
            found.add(name)
        elif kind == "!":
            found.add(name.removeprefix("subteam^") if name.startswith("subteam^") else f"!{name}")
    return found


def buttons(blocks: Sequence[Mapping[str, Any]]) -> list[Button]:
    """All buttons, in their order."""
    return [
        Button(str(element["text"]["text"]), element, str(block.get("block_id", "")))
        for block in blocks
        if block.get("type") == "actions"
        for element in block["elements"]
        if element.get("type") == "button"
    ]

"""What Slack takes, and what it says otherwise. The sum of all text is not documented: people have met it at 11,300 characters.

Source:
    https://docs.slack.dev/reference/block-kit/blocks
    https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
    https://github.com/slackapi/bolt-js/issues/2509
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.fakes.slack.shown import texts

MOST_BLOCKS = 50
MOST_TEXT = 40_000  # characters of `text`; Slack cuts there, or refuses
MOST_IN_ALL = 11_000  # characters of all blocks together
MOST_METADATA = 8_000  # bytes; a guess, and on the safe side
Found = Iterator[str]


def refusal(text: str, blocks: Any, metadata: Any) -> str | None:
    """Slack's word for what is wrong with a message; ``None``: it is taken."""
    if blocks is not None and not isinstance(blocks, list):
        return "invalid_blocks_format"
    if not text and not blocks:
        return "no_text"
    if len(text) > MOST_TEXT:
        return "msg_too_long"
    if any(wrongs(blocks or [])):
        return "invalid_blocks"
    if sum(len(each["text"]) for each in texts(blocks or [])) > MOST_IN_ALL:
        return "msg_blocks_too_long"
    return _of_metadata(metadata)


def _of_metadata(metadata: Any) -> str | None:
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        return "invalid_metadata_format"
    if not isinstance(metadata["event_payload"], dict) or not str(metadata["event_type"]).isidentifier():
        return "invalid_metadata_schema"
    return "metadata_too_large" if len(json.dumps(metadata)) > MOST_METADATA else None


def wrongs(blocks: Sequence[Mapping[str, Any]]) -> Found:
    """All that is wrong with *blocks*."""
    if len(blocks) > MOST_BLOCKS:
        yield f"no more than {MOST_BLOCKS} items allowed"
    named = [each["block_id"] for each in blocks if each.get("block_id")]
    if len(set(named)) < len(named):
        yield "block_id occurs twice"
    for block in blocks:
        yield from _cut(block.get("block_id", "-"), 255, "block_id")
        check = _BLOCKS.get(str(block.get("type")))
        if check is None:
            yield f"unsupported type: {block.get('type')}"
        else:
            yield from check(block)


def _cut(text: Any, most: int, name: str) -> Found:
    if not isinstance(text, str) or not 0 < len(text) <= most:
        yield f"{name}: a text of 1 to {most} characters"


def _text(content: Any, most: int, kinds: frozenset[str], name: str) -> Found:
    if not isinstance(content, dict) or content.get("type") not in kinds:
        yield f"{name}: {' or '.join(kinds)}"
        return
    unknown = set(content) - {"type", "text", "emoji", "verbatim"}
    if unknown:
        yield f"{name}: {unknown}"
    yield from _cut(content.get("text"), most, name)


PLAIN = frozenset({"plain_text"})
ANY = frozenset({"plain_text", "mrkdwn"})


def _section(block: Mapping[str, Any]) -> Found:
    fields = block.get("fields", [])
    if "text" in block or not fields:
        yield from _text(block.get("text"), 3000, ANY, "section")
    if len(fields) > 10:
        yield "no more than 10 fields"
    for each in fields:
        yield from _text(each, 2000, ANY, "field")


def _header(block: Mapping[str, Any]) -> Found:
    yield from _text(block.get("text"), 150, PLAIN, "header")


def _context(block: Mapping[str, Any]) -> Found:
    elements = block.get("elements", [])
    if not 0 < len(elements) <= 10:
        yield "1 to 10 elements of a context"
    for each in elements:
        yield from _text(each, 3000, ANY, "context")


def _divider(_block: Mapping[str, Any]) -> Found:
    yield from ()


def _actions(block: Mapping[str, Any]) -> Found:
    elements = block.get("elements", [])
    if not 0 < len(elements) <= 25:
        yield "1 to 25 elements of actions"
    ids = [each.get("action_id") for each in elements]
    if len(set(ids)) < len(ids):
        yield "action_id occurs twice"
    for each in elements:
        yield from _button(each)


def _button(element: Mapping[str, Any]) -> Found:
    if element.get("type") != "button":
        yield f"unsupported element: {element.get('type')}"
        return
    yield from _text(element.get("text"), 75, PLAIN, "button")
    yield from _cut(element.get("action_id"), 255, "action_id")
    if "value" in element:
        yield from _cut(element["value"], 2000, "value")
    if "url" in element:
        yield from _cut(element["url"], 3000, "url")
    if element.get("style") not in {None, "primary", "danger"}:
        yield f"style: {element['style']}"
    if "confirm" in element:
        yield from _confirm(element["confirm"])


def _confirm(confirm: Mapping[str, Any]) -> Found:
    yield from _text(confirm.get("title"), 100, PLAIN, "title")
    yield from _text(confirm.get("text"), 300, ANY, "text of confirm")
    yield from _text(confirm.get("confirm"), 30, PLAIN, "confirm")
    yield from _text(confirm.get("deny"), 30, PLAIN, "deny")


_BLOCKS: Mapping[str, Callable[[Mapping[str, Any]], Found]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "divider": _divider,
    "actions": _actions,
}

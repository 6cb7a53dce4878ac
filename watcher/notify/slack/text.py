"""A notice as Slack shows it: blocks, within Slack's limits, with everything that people or systems wrote escaped.

Nothing that is told can mention anybody, or be a link that hides where it leads: ``&``, ``<`` and ``>`` are escaped, so no
control sequence of Slack's begins, and ``verbatim`` keeps Slack from making one of ``@channel``. Mentions are ids from the
configuration.

Source:
    https://docs.slack.dev/messaging/formatting-message-text
    https://docs.slack.dev/reference/block-kit/blocks
    https://docs.slack.dev/reference/block-kit/composition-objects/text-object (``verbatim``)
    https://github.com/slackapi/bolt-js/issues/2509 (the sum of all text)
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from watcher.core.watch import Button, Message, Notice, OrderKind, Tone
from watcher.core.wording import Event
from watcher.notify.commands import commands

Block = dict[str, Any]

MOST_TEXT = 3000  # characters of a section
MOST_FALLBACK = 3900  # of the text beside the blocks: Slack recommends 4,000
MOST_ID = 255  # of a block
MOST_URL = 2000  # of a link
MOST_TITLE = 150  # characters of what a link is called
MOST_LABEL = 75  # of a button
MOST_BUTTONS = 5  # as many as one reads; Slack takes 25
MOST_DETAILS = 6000  # characters of all details: Slack refuses some 11,000, and nobody reads so many
MOST_COMMANDS = 1500  # characters of all commands
ACTION = "rollbackd"

# Told to those who have to act: authors and whoever is on call.
NEEDED = frozenset({Event.BREACHED, Event.ASKED, Event.STUCK, Event.ROLLING_BACK})
CONFIRMED = {
    OrderKind.ROLL_BACK: "It is moved at once, whatever the signals say then.",
    OrderKind.KEEP: "It stays, and is not watched any more.",
    OrderKind.PASS: "It counts as good from now on.",
    OrderKind.ALLOW: "It may come back, and may be gone back to.",
}
_HALF_ENTITY = re.compile(r"&[a-z]{0,4}$")


def escaped(text: str, most: int) -> str:
    """*text* as mrkdwn that means nothing but itself, of at most *most* characters."""
    safe = _visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(safe) <= most:
        return safe
    return f"{_HALF_ENTITY.sub('', safe[: most - 1])}…"


def _visible(text: str) -> str:
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)


def fallback(notice: Notice) -> str:
    """The text beside the blocks: notifications, screen readers, and where blocks cannot be shown."""
    return escaped("\n".join(_read(notice)), MOST_FALLBACK)


def plain(notice: Notice, mentions: Sequence[str]) -> str:
    """All of a message where its blocks are not taken: who is needed, what happened, and what is typed."""
    said = escaped("\n".join([*_read(notice), *commands(notice)]), MOST_FALLBACK)
    return " ".join([*mentions, said])


def _read(notice: Notice) -> list[str]:
    return [_headline(notice), *notice.lines]


def _headline(notice: Notice) -> str:
    """In one line; Slack takes no text that is empty."""
    return " ".join(_visible(notice.headline).split()) or "rollbackd"


def blocks(
    message: Message, mentions: Sequence[str], *, buttons: bool | None, public_url: str | None = None
) -> list[Block]:
    """The message: headline, details, what may be ordered, and who is needed.

    Args:
        message: What is told.
        mentions: Of people and groups, as Slack writes them (``<@U1>``, ``<!subteam^S1>``).
        buttons: Those of the notice; or, where nobody would hear a click, the commands; ``None``: neither.
        public_url: Of the daemon: the footer leads there.
    """
    notice = message.notice
    headline = escaped(_headline(notice), MOST_TEXT - 2)
    told = [_section(headline if notice.tone is Tone.QUIET else f"*{headline}*")]
    told += [_section(text) for text in _paragraphs(notice)]
    if notice.links:
        told.append({"type": "context", "elements": [_mrkdwn(" · ".join(_links(notice)))]})
    if buttons and notice.buttons:
        told.append(_actions(message))
    elif buttons is False and (typed := commands(notice)):
        told.append(_section(escaped("\n".join(typed), MOST_COMMANDS)))
    footer = " · ".join([*mentions, _footer(notice, public_url)])
    told.append(
        {"type": "context", "block_id": f"{ACTION}/{message.id}"[:MOST_ID], "elements": [_mrkdwn(footer)]}
    )
    return told


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str, most: int) -> Block:
    short = "".join(c if c.isprintable() else " " for c in text).strip() or "…"
    return {"type": "plain_text", "text": short if len(short) <= most else f"{short[: most - 1]}…"}


def _paragraphs(notice: Notice) -> list[str]:
    """The lines, in as few sections as they fit in; what is too much is left out, and said."""
    sections: list[str] = []
    for text in _within(notice):
        if sections and len(sections[-1]) + 1 + len(text) <= MOST_TEXT:
            sections[-1] += f"\n{text}"
        else:
            sections.append(text)
    return sections


def _within(notice: Notice) -> Iterator[str]:
    left, lines = MOST_DETAILS, [line for line in notice.lines if line.strip()]
    for number, line in enumerate(lines):
        text = escaped(line, MOST_TEXT)
        if len(text) > left:
            more = f"{len(lines) - number} more lines are left out"
            yield f"… {more}: `rollbackd show {escaped(notice.watch, 100)}`" if notice.watch else f"… {more}"
            return
        left -= len(text)
        yield text


def _footer(notice: Notice, public_url: str | None) -> str:
    at = f"{notice.at:%-d %b %H:%M:%S} UTC · " if notice.at else ""
    short = escaped(f"…{notice.watch[-4:] or 'rollbackd'}", 100)
    if public_url and notice.watch:
        short = _linked(f"{public_url}/v1/watches/{notice.watch}", short)
    return f"{at}{short}"


def _links(notice: Notice) -> Iterator[str]:
    """As many as a context element holds; of an address that is too long its label, which says where it is."""
    left = MOST_TEXT
    for each in notice.links:
        label = escaped(" ".join(_visible(each.label).split()), MOST_TITLE) or "…"
        text = _linked(each.url, label) if len(escaped(each.url, MOST_TEXT)) <= MOST_URL else label
        if len(text) + 3 > left:
            return
        left -= len(text) + 3
        yield text


def _linked(url: str, label: str) -> str:
    """A link whose label is escaped already. A `|` would end the address."""
    return f"<{escaped(url, MOST_URL).replace('|', '%7C')}|{label}>"


# ----------------------------------------------------------------------------------------------------------- the buttons


def _actions(message: Message) -> Block:
    buttons = message.notice.buttons[:MOST_BUTTONS]
    return {
        "type": "actions",
        "block_id": f"{ACTION}:{message.id}"[:MOST_ID],
        "elements": [_button(message, number, button) for number, button in enumerate(buttons)],
    }


def _button(message: Message, number: int, button: Button) -> Block:
    """Its value is opaque: what it orders is looked up where it is heard."""
    shown: Block = {
        "type": "button",
        "action_id": f"{ACTION}.{number}",
        "text": _plain(button.label, MOST_LABEL),
        "value": f"{message.id}/{number}",
    }
    if button.order is OrderKind.ROLL_BACK:
        shown["style"] = "danger"
    if button.order in CONFIRMED:
        shown["confirm"] = {
            "title": _plain(f"{message.notice.service} · {message.notice.environment}", 100),
            "text": _plain(f"{button.label}? {CONFIRMED[button.order]}", 300),
            "confirm": _plain(button.label, 30),
            "deny": _plain("No", 30),
        }
    return shown

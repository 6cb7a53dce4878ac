"""A notice as Slack shows it: blocks, within Slack's limits, with everything that people or systems wrote escaped.

Nothing that is told can mention anybody, or be a link that hides where it leads: ``&``, ``<`` and ``>`` are escaped, so no
control sequence of Slack's begins. Mentions are ids from the configuration.

Source:
    https://docs.slack.dev/messaging/formatting-message-text
    https://docs.slack.dev/reference/block-kit/blocks
"""

import re
from collections.abc import Sequence
from typing import Any

from rules.duration import duration_text
from watcher.core.watch import Button, Message, Notice, OrderKind, Tone
from watcher.core.wording import Event

Block = dict[str, Any]

MOST_TEXT = 3000  # characters of a section
MOST_FALLBACK = 3900  # of the text beside the blocks: Slack recommends 4,000
MOST_LABEL = 75  # of a button
MOST_BUTTONS = 5  # as many as one reads; Slack takes 25
MOST_SECTIONS = 8  # of details; Slack takes 50 blocks
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
    plain = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
    safe = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(safe) <= most:
        return safe
    return f"{_HALF_ENTITY.sub('', safe[: most - 1])}…"


def fallback(notice: Notice) -> str:
    """The text beside the blocks: notifications, screen readers, and where blocks cannot be shown."""
    lines = [notice.headline or "rollbackd", *notice.lines]
    return escaped("\n".join(lines), MOST_FALLBACK)


def blocks(message: Message, mentions: Sequence[str], *, buttons: bool) -> list[Block]:
    """The message: headline, details, who is needed, and what may be ordered.

    Args:
        message: What is told.
        mentions: Of people and groups, as Slack writes them (``<@U1>``, ``<!subteam^S1>``).
        buttons: Whether those of the notice are shown.
    """
    notice = message.notice
    headline = escaped(" ".join((notice.headline or "rollbackd").split()), MOST_TEXT - 2)
    told = [_section(headline if notice.tone is Tone.QUIET else f"*{headline}*")]
    told += [_section(text) for text in _paragraphs(notice.lines)]
    if buttons and notice.buttons:
        told.append(_actions(message))
    told.append({"type": "context", "elements": [_mrkdwn(" · ".join([*mentions, _footer(notice)]))]})
    return told


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def _plain(text: str, most: int) -> Block:
    short = "".join(c if c.isprintable() else " " for c in text)
    return {"type": "plain_text", "text": short if len(short) <= most else f"{short[: most - 1]}…"}


def _paragraphs(lines: Sequence[str]) -> list[str]:
    """The lines, as few sections as they fit in."""
    sections: list[str] = []
    for line in lines:
        text = escaped(line, MOST_TEXT)
        if not text.strip():
            continue
        if sections and len(sections[-1]) + 1 + len(text) <= MOST_TEXT:
            sections[-1] += f"\n{text}"
        elif len(sections) < MOST_SECTIONS:
            sections.append(text)
    return sections


def _footer(notice: Notice) -> str:
    at = f"{notice.at:%-d %b %H:%M:%S} UTC · " if notice.at else ""
    return escaped(f"{at}…{notice.watch[-4:] or 'rollbackd'}", MOST_FALLBACK)


# ----------------------------------------------------------------------------------------------------------- the buttons


def _actions(message: Message) -> Block:
    buttons = message.notice.buttons[:MOST_BUTTONS]
    return {
        "type": "actions",
        "block_id": f"{ACTION}:{message.id}"[:255],
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


# ---------------------------------------------------------------------------------------------- where there are none


def commands(notice: Notice) -> list[str]:
    """What is typed where no button can be: one line each."""
    return [
        f"{button.label}: `{command}`" for button in notice.buttons if (command := _command(notice, button))
    ]


def _command(notice: Notice, button: Button) -> str:
    watch, to = notice.watch, f" --to {button.to}" if button.to else ""
    lasting = f" --for {duration_text(button.lasting)}" if button.lasting else ""
    match button.order:
        case None:
            return f"rollbackd note {watch} {button.call}"
        case OrderKind.ROLL_BACK if button.to:
            return f"rollbackd rollback {notice.service} {notice.environment}{to}"
        case OrderKind.ROLL_BACK:
            return f"rollbackd rollback {watch}"
        case OrderKind.ALLOW:
            where = f"--service {notice.service} --environment {notice.environment}"
            return f"rollbackd allow {notice.facts.get('fingerprint', '')} {where} --reason …"
        case OrderKind.ASK_AGAIN:
            return ""  # there is no command for it
        case _:
            return f"rollbackd {button.order.value} {watch}{lasting}"

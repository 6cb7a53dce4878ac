"""What the commands share that order something of what is at a gate, or wait there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from watcher.clock import now
from watcher.commands._client import at
from watcher.commands._orders import send
from watcher.commands._screen import coloured, data, plain, say, warn
from watcher.commands._waiting import ASK_FOR, Patient

COLOURED_AS = {"pass": "passed", "refuse": "rolled_back", "ask": "asking", "wait": "watching"}


def to_passage(gate: str, order: str, reason: str, *, as_json: bool) -> None:
    """Order it, and say what came of it."""
    told = send(at("v1", "gates", gate, "orders"), {"order": order, "reason": reason})
    if as_json:
        data(told)
    else:
        click.echo(plain(f"{told['state']}: {told['words']}"))


class AtGate(Patient):
    """Waits for an answer."""

    def answer(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer; or how it stands when the time is over, or is sure to be."""
        told, said = asked, ""
        warn(told["notes"])
        while True:
            if told["words"] != said and not told["decided"]:
                said = told["words"]
                say(coloured(f"{told['answer']}: {said}", COLOURED_AS[told["answer"]]))
                if told["because"] == "frozen":
                    say(f"a hotfix passes: rollbackd approve {told['gate']} --hotfix --reason WHY")
                if told["answer"] == "ask":
                    say(
                        f"a person says: rollbackd approve {told['gate']}, or rollbackd refuse {told['gate']}"
                    )
            if told["decided"] or self.left() <= 0 or self._is_hopeless(told):
                return told
            told = self.ask(at("v1", "gates", told["gate"]), ASK_FOR) or told

    def _is_hopeless(self, told: Mapping[str, Any]) -> bool:
        """A freeze ends when it ends, unless somebody ends it: nobody waits for a weekend."""
        if told["because"] != "frozen" or told["until"] is None:
            return False
        until = datetime.fromisoformat(told["until"]).astimezone(UTC)
        return (until - now()).total_seconds() > self.left()

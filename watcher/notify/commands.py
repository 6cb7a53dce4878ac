"""What is typed where no button can be: the orders of a notice as lines for a shell."""

import shlex

from rules.duration import duration_text
from watcher.core.watch import Button, Notice, OrderKind


def commands(notice: Notice) -> list[str]:
    """What is typed where no button can be: one line each."""
    return [
        f"{button.label}: `{command}`" for button in notice.buttons if (command := _command(notice, button))
    ]


def _command(notice: Notice, button: Button) -> str:
    """Quoted for a shell: tags and names come from outside, and people paste what they read."""
    match button.order:
        case None if button.at_gate is not None:
            words = [button.at_gate, notice.facts.get("gate", "")]
        case None:
            words = ["note", notice.watch, *([button.call] if button.call else ["note", button.label])]
        case OrderKind.ROLL_BACK if button.to:
            words = ["rollback", notice.service, notice.environment, "--to", button.to]
        case OrderKind.ALLOW:
            where = ["--service", notice.service, "--environment", notice.environment]
            words = ["allow", notice.facts.get("fingerprint", ""), *where, "--reason", "…"]
        case OrderKind.ASK_AGAIN:
            return ""  # there is no command for it
        case OrderKind.ROLL_BACK:
            words = ["rollback", notice.watch]
        case _:
            lasting = ["--for", duration_text(button.lasting)] if button.lasting else []
            words = [button.order.value, notice.watch, *lasting]
    return shlex.join(["rollbackd", *words])

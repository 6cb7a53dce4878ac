"""The state diagram, as Mermaid, printed from the table: what ARCHITECTURE.md shows is what the machine does.

``python -m watcher.core.diagram`` prints it.
"""

from collections.abc import Iterator, Mapping

from watcher.core.lifecycle import TABLE, Trigger
from watcher.core.watch import State


def mermaid(table: Mapping[State, Mapping[Trigger, State]] = TABLE) -> str:
    """The diagram; several triggers between two states share an arrow."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _lines(table))])


def _lines(table: Mapping[State, Mapping[Trigger, State]]) -> Iterator[str]:
    yield f"[*] --> {State.WATCHING.value}: deployment / order to start"
    yield f"[*] --> {State.ROLLING_BACK.value}: order to a service"
    for state, leads in table.items():
        for to in dict.fromkeys(leads.values()):
            triggers = " / ".join(trigger.value for trigger, target in leads.items() if target is to)
            yield f"{state.value} --> {to.value}: {triggers.replace(':', '')}"
        if not leads:
            yield f"{state.value} --> [*]"


if __name__ == "__main__":  # pragma: no cover
    print(mermaid())  # noqa: T201  (a diagram is printed)

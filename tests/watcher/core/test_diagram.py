"""The diagram is the table."""

from pathlib import Path

from watcher.core.diagram import mermaid
from watcher.core.lifecycle import TABLE
from watcher.core.watch import State

ARCHITECTURE = Path(__file__).parents[3] / "ARCHITECTURE.md"


def test_it_shows_every_state_and_every_arrow():
    lines = mermaid().splitlines()

    assert lines[0] == "stateDiagram-v2"
    for state, leads in TABLE.items():
        for to in leads.values():
            assert any(line.startswith(f"    {state.value} --> {to.value}: ") for line in lines)


def test_it_shows_what_is_final():
    lines = mermaid().splitlines()

    assert {line for line in lines if line.endswith("--> [*]")} == {
        f"    {state.value} --> [*]" for state in State if state.is_final
    }


def test_arrows_between_two_states_are_one():
    arrows = [line.split(":")[0] for line in mermaid().splitlines()]

    assert len(arrows) == len(set(arrows))
    assert "    held --> watching: hold ended / order resume / order advance" in mermaid().splitlines()


def test_the_architectures_diagram_is_the_machines():
    assert mermaid() in ARCHITECTURE.read_text(encoding="utf-8"), (
        "print it again: python -m watcher.core.diagram"
    )

"""All figures of this program, in one table: ``python -m bench``, in about seven minutes; one measure: ``python -m bench NAME``.

How to read them is said in bench/README.md. A figure says how fast something was on this machine, and fails nothing: what
must be is a test. What each measure does stands on top of its module.
"""

import argparse
import sys
from collections.abc import Callable, Mapping

import structlog

from bench import (
    aws,
    back,
    decision,
    durable,
    idle,
    intake,
    judgements,
    patrol,
    preparing,
    relaying,
    replicas,
    tick,
)
from bench.figure import Figure, machine, table

MEASURES: Mapping[str, Callable[[], list[Figure]]] = {
    "patrol": patrol.figures,
    "judgements": judgements.figures,
    "preparing": preparing.figures,
    "intake": intake.figures,
    "durable": durable.figures,
    "idle": idle.figures,
    "decision": decision.figures,
    "aws": aws.figures,
    "back": back.figures,
    "tick": tick.figures,
    "relaying": relaying.figures,
    "replicas": replicas.figures,
}
ELSEWHERE = (
    "How soon and how wrongly the judges decide is another table, of ten minutes: python -m bench.judgement"
)


def main() -> None:
    """Measure what is named, one after the other, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "measures", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}; all by default"
    )
    asked = parser.parse_args()
    # What is opened in this process would log into the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    unknown = [name for name in asked.measures if name not in MEASURES]
    if unknown:
        parser.error(f"there is no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")

    where, rows = machine(), []
    try:
        for name in asked.measures or MEASURES:
            print(f"measuring: {name}", file=sys.stderr)
            rows += [figure.row(f"python -m bench {name}") for figure in MEASURES[name]()]
    finally:  # where one fails, minutes of the others are not lost
        print(f"{where}\n\n{table(rows)}\n\n{ELSEWHERE}")


if __name__ == "__main__":
    main()

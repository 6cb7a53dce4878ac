"""A daemon with a bug: ``python -m tests.watcher.app.buggy CONFIG``. Whatever it runs ends in an error that nobody foresaw."""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from deploy.ports import Ran
from watcher.app import Ports, run


async def broken(argv: Sequence[str], timeout: timedelta, environment: Mapping[str, str]) -> Ran:
    """Fail, and say all that it knows."""
    raise LookupError(f"nothing to be done with {environment.get('WORD')}, says {os.environ['SENTRY_DSN']}")


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Ports(command=broken)))

"""A `RuleSet` as text that is the same whenever it means the same; and its hash.

A watch keeps both, so that whoever reads it later knows what was promised.
"""

import dataclasses
import hashlib
import json
from datetime import timedelta
from typing import Any

from rules.duration import duration_text
from rules.model import RuleSet


def canonical(rules: RuleSet) -> str:
    """JSON with sorted keys and without blanks; durations as they are written in a file."""
    return json.dumps(
        _plain(rules), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(rules: RuleSet) -> str:
    """SHA-256 of the canonical form, in hexadecimal digits."""
    return hashlib.sha256(canonical(rules).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value

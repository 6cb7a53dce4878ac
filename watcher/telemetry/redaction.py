"""Takes secrets out of what leaves the process by logs and crash reports.

Three ways, because each alone misses some: the values that the configuration resolved, wherever they stand; what looks
like a secret (tokens of known forms, passwords in URLs); and whatever stands under a key that names one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

GONE = "***"
SHORTEST = 6  # characters of a value that is looked for; shorter ones stand in innocent words too
DEEPEST = 12  # levels of nesting that are looked through
LONGEST = 8192  # characters of one text

_KEYS = re.compile(
    r"(?i)passw|secret|token|api[_-]?key|authorization|credential|cookie|dsn|private|signature|session|x-[a-z-]*key"
)
# Each begins where no word goes on, and looks back at nothing twice: no text makes them slow.
_FORMS = re.compile(
    r"""
      \bxox[abeoprs]-[A-Za-z0-9-]{8,}                   # Slack
    | \bxapp-[A-Za-z0-9-]{8,}
    | \bgh[opsur]_[A-Za-z0-9]{16,} | \bgithub_pat_\w{20,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                     # AWS
    | \brbd_[A-Za-z0-9_-]{16,}                          # ours
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+)?   # JWT
    | -----BEGIN[A-Z ]*PRIVATE[ ]KEY-----[^-]*(?:-----END[A-Z ]*KEY-----)?
    | (?i:\b(?:bearer|basic)[ ]+)[A-Za-z0-9._~+/=-]{6,}
    | hooks\.slack\.com/[^\s"']+
    """,
    re.VERBOSE,
)
_SIGNED = re.compile(r"(?i)\A(?:sig|auth|jwt|code|key|pwd|pass|sas|se|sp)\Z|x-amz-|credential|apikey|access")
_USER = re.compile(r"(://)[^\s/@:]*:[^\s/@]*@")
_ASSIGNED = re.compile(
    r"(?i)(?<![a-z0-9_-])([a-z0-9_-]{0,64}(?:password|passwd|pwd|secret|token|api[_-]?key|signature|sig|credential))"
    r"""(["']?\s*[=:]\s*["']?|%3D)[^\s&"',;)}]+"""
)


def is_telling(name: str, value: str) -> bool:
    """*name* is that of a secret, or *value* looks like one: of a parameter in somebody else's address, above all."""
    return bool(_KEYS.search(name) or _SIGNED.search(name) or _FORMS.search(value))


class Redactor:
    """Knows the values that must not leave. Cheap to ask for each log line; grows when a configuration is read again."""

    def __init__(self, secrets: Iterable[SecretStr | str] = ()) -> None:
        self._known: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[SecretStr | str]) -> None:
        """Look for these values too, as they are and as a URL has them. Old ones are not forgotten."""
        for secret in secrets:
            value = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
            for form in (value, quote(value, safe="")):
                if len(form) >= SHORTEST:
                    self._known[form] = None
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """*text* without secrets, cut to `LONGEST`."""
        if self._pattern is not None:
            text = self._pattern.sub(GONE, text)
        if len(text) > LONGEST:
            text = text[:LONGEST] + "…"
        return _ASSIGNED.sub(rf"\1\2{GONE}", _FORMS.sub(GONE, _USER.sub(rf"\1{GONE}@", text)))

    def clean(self, value: Any, depth: int = 0) -> Any:
        """*value*, as JSON has it, without secrets; what JSON has not becomes text."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth > DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._entry(str(key), inner, depth) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(item, depth + 1) for item in value]
        return self.text(str(value))

    def _entry(self, key: str, value: Any, depth: int) -> Any:
        if _KEYS.search(key) and not (value is None or isinstance(value, bool | int | float)):
            return GONE
        return self.clean(value, depth + 1)

"""Files → values, wholly and offline; every mistake at once, with file, line, column and remedy.

Only the app and commands import it: whoever else needs to know a service is given one.
"""

from watcher.config.configuration import (
    Account,
    Configuration,
    Configured,
    Daemon,
    Effective,
    Listen,
    Tls,
    Token,
)
from watcher.config.errors import InvalidConfiguration
from watcher.config.explain import Row, explain, holds_up, without_promise, wrong_rollbacks
from watcher.config.going_back import read_to_go_back
from watcher.config.kinds import Kinds, ProviderKind
from watcher.config.promises import lint_file
from watcher.config.read import of_one_service, read_configuration, with_secrets
from watcher.config.secrets import ReadSecrets, Reference, Secrets, SecretUnavailable

__all__ = [
    "Account",
    "Configuration",
    "Configured",
    "Daemon",
    "Effective",
    "InvalidConfiguration",
    "Kinds",
    "Listen",
    "ProviderKind",
    "ReadSecrets",
    "Reference",
    "Row",
    "SecretUnavailable",
    "Secrets",
    "Tls",
    "Token",
    "explain",
    "holds_up",
    "lint_file",
    "of_one_service",
    "read_configuration",
    "read_to_go_back",
    "with_secrets",
    "without_promise",
    "wrong_rollbacks",
]

"""The errors of deploy. Each says what happened, and carries a remedy.

    DeployError
    ├── AwsRefused    AWS said no, or its answer was lost
    ├── Unanswered    a system over HTTP gave no answer, or one that was lost
    ├── BadValue      a value does not fit the grammar of the place where it is to stand
    └── BadTemplate   a template of the configuration asks for something that it cannot have

What a platform says of a *move* is no error but a value: see ``deploy.model``.
"""

from collections.abc import Iterable


class DeployError(Exception):
    """Root of the errors of deploy."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class AwsRefused(DeployError):
    """AWS said no, or its answer was lost.

    Attributes:
        code: AWS's own, such as ``AccessDeniedException``; ``Timeout`` and the like where no answer came.
        may_have_happened: The request may have been carried out: read, and do not send it again.
    """

    def __init__(
        self, operation: str, code: str, message: str, *, may_have_happened: bool, remedy: str | None = None
    ) -> None:
        usual = (
            "read what runs now before anything is sent again"
            if may_have_happened
            else "`rollbackd doctor` tries the permissions"
        )
        super().__init__(f"{operation}: {code}: {message}", remedy=remedy or usual)
        self.operation = operation
        self.code = code
        self.words = message
        self.may_have_happened = may_have_happened


class Unanswered(DeployError):
    """A system over HTTP gave no answer that could be used, whatever it may have done.

    Attributes:
        may_have_happened: The request may have been carried out: read, and do not send it again.
    """

    def __init__(self, message: str, *, remedy: str, may_have_happened: bool) -> None:
        super().__init__(message, remedy=remedy)
        self.may_have_happened = may_have_happened


class BadValue(DeployError):
    """A value does not fit the grammar of the place where it is to stand."""

    def __init__(self, field: str, value: str, grammar: str) -> None:
        super().__init__(
            f"{field} {value[:80]!r} may not stand in an argument", remedy=f"it may have {grammar}"
        )


class BadTemplate(DeployError):
    """A template of the configuration asks for something that it cannot have."""

    def __init__(self, template: str, wrong: str, known: Iterable[str]) -> None:
        names = ", ".join(f"${{{name}}}" for name in known)
        super().__init__(
            f"{template!r}: {wrong} is not known here", remedy=f"known: {names}; a dollar sign is written $$"
        )

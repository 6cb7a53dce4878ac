"""The watcher's errors. Each says what happened, and carries a remedy.

WatcherError
├── OrderRefused          the order does not fit the state
├── OrderIncomplete       the order lacks what it needs
├── CannotStart           a rollout cannot be begun
├── NoSuchWatch           nobody knows this id
├── NoSuchPassage         nothing at a gate has this id
├── StoreUnavailable      the store cannot be read or written now
├── StoreMisplaced        the store lies where it must not (a network file system, another process holds it)
├── StoreTooNew           written by a newer version
├── OtherBotocore         answers of this botocore cannot be bounded
└── WrongDsn              bugs cannot be reported to that address
"""

from collections.abc import Sequence


class WatcherError(Exception):
    """Root of the watcher's errors."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class OrderRefused(WatcherError):
    """The order does not fit the state."""

    def __init__(self, state: str, order: str, allowed: Sequence[str], what: str = "a watch that") -> None:
        wanted = ", ".join(allowed).lower() or "nothing; wait for it to end"
        super().__init__(f"cannot {order.lower()} {what} is {state}", remedy=f"allowed now: {wanted}")
        self.allowed = tuple(allowed)


class OrderIncomplete(WatcherError):
    """The order lacks what it needs: a release to go back to, a reason."""


class CannotStart(WatcherError):
    """A rollout cannot be begun: what serves, what is under way, or how the service is configured stands against it."""


class NoSuchWatch(WatcherError):
    """Nobody knows this id."""

    def __init__(self, watch: str) -> None:
        super().__init__(
            f"there is no watch {watch!r}", remedy="`rollbackd watches` lists those that are known"
        )


class NoSuchPassage(WatcherError):
    """Nothing at a gate has this id."""

    def __init__(self, passage: str) -> None:
        super().__init__(
            f"there is nothing {passage!r} at a gate", remedy="`rollbackd gates` lists what asked to pass"
        )


class StoreUnavailable(WatcherError):
    """The store cannot be read or written now."""


class StoreMisplaced(WatcherError):
    """The store lies where it must not."""


class StoreTooNew(WatcherError):
    """The store was written by a newer version."""


class OtherBotocore(WatcherError):
    """Answers of this botocore cannot be bounded: it is another one than those that this was written for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy="install the one that `requirements.lock` names")


class WrongDsn(WatcherError):
    """Bugs cannot be reported to that address: it is none of Sentry's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not the address of a project in Sentry, such as https://KEY@HOST/PROJECT",
            remedy=f"copy the DSN from the project's settings in Sentry (Client Keys), or leave {name} away",
        )

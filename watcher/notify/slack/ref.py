"""What is kept of a message that was told: where it stands, and what it shows. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """Where the message of a watch is.

    Attributes:
        channel: In which it stands.
        ts: Its time, which is its name there.
        first: The revision it was posted for.
        shown: The revision it shows now.
    """

    channel: str
    ts: str
    first: str
    shown: str

    @classmethod
    def read(cls, ref: str | None) -> "Ref | None":
        """What was kept; ``None`` if that is no ref of ours."""
        parts = (ref or "").split("|")
        return cls(*parts) if len(parts) == 4 else None  # noqa: PLR2004 - the fields

    def __str__(self) -> str:
        return f"{self.channel}|{self.ts}|{self.first}|{self.shown}"


def newest(*refs: Ref | None) -> Ref | None:
    """The message that was posted last; of one message what shows more. One that was deleted is posted anew, and a ref is left behind."""
    known = [each for each in refs if each is not None]
    return max(known, key=lambda each: (_moment(each.ts), _number(each.shown)), default=None)


def revision_of(message: str) -> str:
    """What a message belongs to: ``w_1.3`` of ``w_1.3.0``."""
    return message.rpartition(".")[0]


def is_older(revision: str, than: str) -> bool:
    """One revision of a watch came before another; of what is no revision that is not known."""
    return -1 < _number(revision) < _number(than)


def _number(revision: str) -> int:
    number = revision.rpartition(".")[2]
    return int(number) if number.isascii() and number.isdecimal() else -1


def _moment(ts: str) -> tuple[int, int]:
    seconds, _, rest = ts.partition(".")
    return _number(seconds), _number(rest)

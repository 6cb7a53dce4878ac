"""Whose something on a platform is that an event tells of, by its addresses (`deploy.target.Kind.addresses`)."""

from collections.abc import Mapping, Sequence

from deploy.source import Directory, Ignored, Rejected, Whose


def whose(exactly: str, anywhere: str, directory: Directory) -> Whose | Ignored | Rejected:
    """The part that runs at *exactly*; or at *anywhere*, where the configuration does not tell the account's id."""
    found = directory(exactly) or directory(anywhere)
    if not found:
        return Ignored(f"no service of the configuration runs at {exactly}")
    return found[0] if len(found) == 1 else _several(exactly, found)


def part_of(whose: Whose) -> Mapping[str, str]:
    """The hint that names the part, where a service has several."""
    return {} if whose.part is None else {"part": whose.part}


def _several(address: str, whose: Sequence[Whose]) -> Rejected:
    names = ", ".join("/".join(filter(None, (each.service, each.environment, each.part))) for each in whose)
    return Rejected(
        f"several of the configuration run at {address}: {names}", "let one part of one service run there"
    )

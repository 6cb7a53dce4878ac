"""``rollbackd rollback``: go back; without the daemon too, for when it is dead."""

from pathlib import Path

import click

from watcher.commands._client import at
from watcher.commands._config import config_option
from watcher.commands._duration import SECONDS
from watcher.commands._orders import expect_revision, reason, send, tell
from watcher.commands._screen import as_json

USUALLY = 1800.0  # seconds: as `policy.move_timeout` of a daemon


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="WATCH | SERVICE ENVIRONMENT")
@click.option(
    "--to",
    multiple=True,
    help="A tag, or a fingerprint; where it is left out, the daemon's own choice. With --direct also PART=TAG, once a part.",
)
@reason()
@expect_revision
@click.option(
    "--direct", "is_direct", is_flag=True, help="Without the daemon, from the configuration: it may be dead."
)
@config_option
@click.option("--yes", is_flag=True, help="With --direct: ask nothing. For scripts.")
@click.option(
    "--even-quarantined", is_flag=True, help="With --direct: also to a release that is marked as bad."
)
@click.option("--own-credentials", is_flag=True, help="With --direct: assume no role of the configuration.")
@click.option("--timeout", type=SECONDS, help="With --direct: how long it is followed.  [default: 30m]")
@click.option(
    "--audit",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --direct: the file that says who did what.  [default: rollbackd-direct.jsonl beside the configuration]",
)
@as_json
def command(
    *,
    what: tuple[str, ...],
    to: tuple[str, ...],
    reason: str,
    expect_revision: int | None,
    is_direct: bool,
    config: Path,
    yes: bool,
    even_quarantined: bool,
    own_credentials: bool,
    timeout: float | None,
    audit: Path | None,
    as_json: bool,
) -> None:
    """Go back now: of the deployment under WATCH, or of SERVICE in ENVIRONMENT, whether it is watched or not.

    `rollbackd plan` says before what it would do; `rollbackd wait` waits until it is done.

    With --direct no daemon is asked: your own credentials, the targets of the configuration, what the platform itself
    remembers. The moves are shown, and made when you say yes; then it waits until the release serves. Saying it twice is
    safe. Exit status 1 if a move failed, 3 if it must not be made or the platform refused it, 4 if what runs cannot be
    read, 7 if it is not over within the time-out.
    """
    if is_direct:
        if expect_revision is not None:
            raise click.UsageError("--expect-revision is of a watch, and without the daemon there is none")
        if not reason.strip():
            raise click.UsageError("--direct needs --reason: nobody else can say later why it was done")
        from watcher.commands._direct.command import Asked, direct  # noqa: PLC0415 - the daemon's libraries: without --direct nobody waits for them

        direct(
            Asked(
                key=_service(what),
                config=config,
                to=to,
                reason=reason,
                timeout=USUALLY if timeout is None else timeout,
                audit=audit,
                yes=yes,
                even_quarantined=even_quarantined,
                own_credentials=own_credentials,
                as_json=as_json,
            )
        )
    if yes or even_quarantined or own_credentials or timeout is not None or audit is not None:
        raise click.UsageError(
            "--yes, --even-quarantined, --own-credentials, --timeout and --audit go with --direct"
        )
    if len(to) > 1:
        raise click.UsageError("the daemon takes one --to")
    named = to[0] if to else None
    order = {"order": "roll_back", "to": named, "reason": reason, "expect_revision": expect_revision}
    tell(send(_path(what), order), as_json=as_json)


def _service(what: tuple[str, ...]) -> tuple[str, str]:
    match what:
        case (service, environment):
            return service, environment
        case _:
            raise click.UsageError(
                "--direct needs a service and its environment: without the daemon there is no watch"
            )


def _path(what: tuple[str, ...]) -> str:
    match what:
        case (watch,):
            return at("v1", "watches", watch, "orders")
        case (service, environment):
            return at("v1", "services", service, environment, "orders")
        case _:
            raise click.UsageError("name a watch, or a service and its environment")

"""What ``POST /v1/deployments`` says.

    {"service": "checkout", "environment": "production", "tag": "v43",     required
     "phase": "complete",        started | shifted | paused | complete (default) | failed
     "at": "2026-11-24T14:02:10Z",   when it happened; without it: when it arrived
     "fingerprint": "sha256:9f86",  "part": "service",  "names": {"sentry": "checkout@4.3"},
     "author": "ada",  "reversible": false,  "id": "run-4711"}

The parser reports what was said and refuses what cannot be meant. Whether the service is known, the news too old, or
from the future, is decided by the intake, which has a clock and a configuration; it records what it turns away.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from deploy.model import (
    FINGERPRINT,
    FINGERPRINT_WORDS,
    KEY,
    KEY_WORDS,
    NAME,
    NAME_WORDS,
    SERVICE,
    SERVICE_WORDS,
    TAG,
    TAG_WORDS,
    Announcement,
    Phase,
)
from deploy.source import Kind, Opening, Received, Rejected
from deploy.target import HINTS

MOST_BYTES = 64 * 1024  # some hundred times what a whole announcement needs
MOST_NAMES = 32
MOST_SAID = 5  # mistakes that are named; the rest are counted
SAME_FOR = timedelta(minutes=10)  # a sender that got no answer tries again within minutes

_WRITTEN = "service, environment, tag, phase, at, fingerprint, part, names, author, reversible, id"
_REMEDIES: Mapping[str, str] = {
    "service": f"its name in the configuration, of {SERVICE_WORDS}",
    "environment": f"its name in the configuration, of {SERVICE_WORDS}",
    "part": f"its name in the configuration, of {SERVICE_WORDS}; leave it out where a service has one part",
    "tag": f"the tag that was deployed, of {TAG_WORDS}",
    "fingerprint": f"the content's digest, of {FINGERPRINT_WORDS}; leave it out where there is none",
    "phase": "one of started, shifted, paused, complete, failed; complete where it is left out",
    "at": "an ISO 8601 time with its zone, such as 2026-11-24T14:02:10Z; leave it out for now",
    "names": f"at most {MOST_NAMES} names such as {{sentry: checkout@4.3}}; each value of {NAME_WORDS}, none called "
    + ", ".join(sorted(HINTS)),
    "author": "at most 128 printable characters",
    "reversible": "true or false, without quotes",
    "id": f"your own id of this message: {KEY_WORDS}",
}


def _moment(value: object) -> datetime:
    """A time with its zone. Numbers are refused: seconds or milliseconds, nobody can tell."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("moment", "not an ISO 8601 time with its zone")


def _whole(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=rf"^(?:{pattern})\Z")


_Name = Annotated[str, _whole(rf"(?!(?:{'|'.join(sorted(HINTS))})\Z)[a-z][a-z0-9_]{{0,62}}")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    service: Annotated[str, _whole(SERVICE)]
    environment: Annotated[str, _whole(SERVICE)]
    tag: Annotated[str, _whole(TAG)]
    phase: Phase = Phase.COMPLETE
    at: Annotated[datetime, BeforeValidator(_moment)] | None = None
    fingerprint: Annotated[str, _whole(FINGERPRINT)] | None = None
    part: Annotated[str, _whole(SERVICE)] | None = None
    names: Annotated[dict[_Name, Annotated[str, _whole(NAME)]], Field(max_length=MOST_NAMES)] = Field(
        default_factory=dict
    )
    author: (
        Annotated[str, _whole(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,128}")] | None
    ) = None
    reversible: bool | None = None
    id: Annotated[str, _whole(KEY)] | None = None

    def hints(self) -> Mapping[str, str]:
        told = {"tag": self.tag, "fingerprint": self.fingerprint, "part": self.part, "author": self.author}
        if self.reversible is not None:
            told["reversible"] = "true" if self.reversible else "false"
        return {name: value for name, value in told.items() if value is not None} | self.names


class Settings(BaseModel):
    """What may stand under ``sources: {name: {http: …}}``: nothing yet; who may announce is said by the tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSource:
    """The parser of ``POST /v1/deployments``."""

    def __init__(self, _settings: Settings, opening: Opening) -> None:
        self.name = opening.name

    def read(self, received: Received) -> Announcement | Rejected:
        """What *received* says; every mistake of a body that cannot be meant."""
        key = received.headers.get("idempotency-key")
        if key is not None and not re.fullmatch(KEY, key):
            return Rejected("the Idempotency-Key is not one", _REMEDIES["id"], "Idempotency-Key")
        if len(received.body) > MOST_BYTES:
            return Rejected(f"{len(received.body)} bytes are too many", f"at most {MOST_BYTES}")
        try:
            body = _Body.model_validate_json(received.body)
        except ValidationError as error:
            return _rejected(error.errors(include_url=False, include_context=False))

        return Announcement(
            source=self.name,
            dedup_key=_dedup_key(key, body, received),
            service=body.service,
            environment=body.environment,
            phase=body.phase,
            at=body.at or received.at,
            hints=body.hints(),
        )


def _dedup_key(key: str | None, body: _Body, received: Received) -> str:
    """By what a message is known when it comes again: the sender's key, else its id, else its bytes.

    Two pipelines count their runs from 1, so a key is the sender's and an id the service's. The same bytes mean the
    same message only for a while: a tag that is deployed, undone and deployed again is announced in the same words.
    """
    if key is not None:
        return f"key:{received.principal}:{key}"
    if body.id is not None:
        return f"id:{body.service}/{body.environment}:{body.id}"
    span = int(received.at.timestamp() // SAME_FOR.total_seconds())
    return f"sha256:{hashlib.sha256(received.body).hexdigest()}:{span}"


def _rejected(mistakes: list[ErrorDetails]) -> Rejected:
    """All mistakes in one answer; where and what to do of the first."""
    first = _where(mistakes[0])
    why = "; ".join(_words(mistake) for mistake in mistakes[:MOST_SAID])
    more = f"; and {len(mistakes) - MOST_SAID} more" if len(mistakes) > MOST_SAID else ""
    return Rejected(why + more, _REMEDIES.get(first.split(".")[0], f"a JSON object of {_WRITTEN}"), first)


def _words(mistake: ErrorDetails) -> str:
    where = _where(mistake)
    if mistake["type"] == "string_pattern_mismatch":
        return f"{where}: {str(mistake['input'])[:80]!r} is not one"
    return f"{where}: {mistake['msg']}" if where else mistake["msg"]


def _where(mistake: ErrorDetails) -> str:
    return ".".join(str(step)[:80] for step in mistake["loc"] if step != "[key]")


KIND = Kind(settings=Settings, open=HttpSource)

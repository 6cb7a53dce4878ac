"""A service that is moved by the team's own programs: one that tells what is live, one that moves it.

``live`` prints one JSON object on stdout, and changes nothing::

    {"tag": "v42",                 what serves; null where nothing does
     "fingerprint": "sha256:…",    its content, if it can be told; then also for `moving_to`
     "moving_to": "v43",           what is on its way: a tag, or {"tag": …, "fingerprint": …}
     "key": "w_….3.0",             the key of the last move that was taken
     "failed": "disk full",        that this last move gave up, and why (needs "key")
     "names": {"version": "4.2"},  what signal systems call the live release
     "shares": {"v42": 0.9},       of the traffic, by tag
     "reversible": false}          the live release cannot be undone

``move`` gets the tag and the key, starts the work, and returns within the time-out: exit status 0 means that it was
taken, 75 (``EX_TEMPFAIL``) that nothing was changed and it may be asked again, any other that nothing was changed, with
the reason on stderr. Run twice with one key it does its work once. What goes on afterwards must have let go of stdout
and stderr. A move without ``live`` is refused by the configuration: whoever cannot see what runs cannot know whether it
is still the release that was judged.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from deploy.errors import BadTemplate, BadValue
from deploy.model import (
    FINGERPRINT,
    NAME,
    TAG,
    UNREAD,
    Beginning,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Live,
    Move,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Unclear,
    Unreadable,
)
from deploy.ports import Ran, World
from deploy.target import BY_REFERENCE, CALL_TIMEOUT, WRITTEN, Kind, Place, with_hints
from deploy.targets import template

NOT_NOW = 75  # EX_TEMPFAIL of sysexits.h
AGAIN_IN = timedelta(seconds=30)
_KEY = "rollbackd_by_hand_key"  # stands for a key, until the shell's quotes are set
WORDS = 300  # characters of a program's own words that are passed on

# ----------------------------------------------------------------------------------------------------------- settings


def _duration(written: object) -> timedelta:
    """``300ms`` or ``7s``: longer ones have no place here."""
    found = re.fullmatch(r"(\d{1,5})(ms|s)", written) if isinstance(written, str) else None
    if found is None:
        raise ValueError("a time-out is written 500ms or 7s")
    lasts = timedelta(milliseconds=int(found[1]) * (1 if found[2] == "ms" else 1000))
    if not timedelta(0) < lasts <= CALL_TIMEOUT:
        raise ValueError(
            f"a time-out is more than nothing and at most {CALL_TIMEOUT.total_seconds():.0f}s: what takes longer is started,"
            " and goes on by itself"
        )
    return lasts


def _argv(known: Sequence[str]) -> AfterValidator:
    """A program and its arguments: the program fixed and absolute, templates in the arguments alone."""

    def check(argv: tuple[str, ...]) -> tuple[str, ...]:
        if not argv[0].startswith("/") or "$" in argv[0]:
            raise ValueError(
                f"{argv[0]!r}: the program is an absolute path, without templates; no shell looks for it"
            )
        if any("\0" in argument for argument in argv):
            raise ValueError("an argument contains a zero byte")
        try:
            return (argv[0], *(template.check(argument, known) for argument in argv[1:]))
        except BadTemplate as error:
            raise ValueError(f"{error} ({error.remedy})") from error

    return AfterValidator(check)


Argv = Annotated[tuple[str, ...], Field(min_length=1, max_length=64, strict=False)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}\Z")]

_OWN = "what the program makes of it: rollbackd is not told"


class Settings(BaseModel):
    """What may stand under ``runs_on: [{command: …}]``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    live: Annotated[Argv, _argv(template.WHERE)]
    move: Annotated[Argv, _argv((*template.WHERE, *template.WHAT))]
    plan: Annotated[Argv, _argv((*template.WHERE, *template.WHAT))] | None = None
    timeout: Annotated[timedelta, BeforeValidator(_duration)] = CALL_TIMEOUT
    environment: Mapping[Variable, SecretStr] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _sees(cls, written: Any) -> Any:
        if isinstance(written, Mapping) and "move" in written and "live" not in written:
            raise ValueError(
                "a command that moves needs `live:` too, a program that prints what runs: without it nobody can tell whether"
                " the bad release still runs, and a newer one could be undone"
            )
        return written


# --------------------------------------------------------------------------------------------------- what `live` prints

_Tag = Annotated[str, StringConstraints(pattern=rf"^{TAG}\Z")]
_Fingerprint = Annotated[str, StringConstraints(pattern=rf"^{FINGERPRINT}\Z")]
_Words = Annotated[str, StringConstraints(max_length=4096)]
_NameOf = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}\Z")]
_Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}\Z")]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Printed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, regex_engine="python-re"
    )


class _Coming(_Printed):
    tag: _Tag
    fingerprint: _Fingerprint | None = None

    def release(self) -> Release:
        return Release(self.fingerprint or f"{UNREAD}{self.tag}", self.tag)


class _Answer(_Printed):
    tag: _Tag | None
    fingerprint: _Fingerprint | None = None
    moving_to: _Tag | _Coming | None = None
    key: _Words | None = None
    failed: _Words | None = None
    names: Annotated[dict[_NameOf, _Name], Field(max_length=32)] = Field(default_factory=dict)
    shares: Annotated[dict[_Tag, _Share], Field(max_length=32)] = Field(default_factory=dict)
    reversible: bool = True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tag is None and (self.fingerprint is not None or self.names):
            raise ValueError("nothing serves (`tag` is null), and yet has a fingerprint or names")
        if self.failed is not None and self.key is None:
            raise ValueError("`failed` needs `key`: the key of the move that failed")
        coming = self.coming()
        if coming is not None and self.fingerprint is not None and coming.fingerprint is None:
            raise ValueError(
                "a fingerprint of `tag`, none of `moving_to`: print it as {tag, fingerprint}, or no fingerprint at all"
            )
        return self

    def coming(self) -> _Coming | None:
        """What moves. The live release itself, where it is only started anew."""
        if not isinstance(self.moving_to, str):
            return self.moving_to
        return _Coming(
            tag=self.moving_to, fingerprint=self.fingerprint if self.moving_to == self.tag else None
        )

    def live(self) -> Live:
        release, coming = self.release(), self.coming()
        in_flight = None if coming is None else coming.release()
        known = {found.tag: found.fingerprint for found in (in_flight, release) if found is not None}
        shares = {known.get(tag, f"{UNREAD}{tag}"): share for tag, share in self.shares.items()}
        return Live(release, in_flight, shares, self.key)

    def release(self) -> Release | None:
        if self.tag is None:
            return None
        return Release(self.fingerprint or f"{UNREAD}{self.tag}", self.tag, self.names, self.reversible)


# ------------------------------------------------------------------------------------------------------------- target


class CommandTarget:
    """A part that is read and moved by two programs."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        self.part = place.part
        self._settings = settings
        self._place = {"service": place.service, "environment": place.environment, "part": place.part}
        self._run = world.command

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        """The release that *hints* mean, as the platform tells it.

        A platform that tells no fingerprints knows a release by its tag alone, so a hinted tag is enough there. One that
        does must show the release first: its fingerprint is what everything is remembered by. ``Unreadable`` until then.
        """
        live = await self.observe()
        if isinstance(live, Unreadable):
            return live

        wanted = hints.get("tag")
        shown = [release for release in (live.in_flight, live.release) if release is not None]
        for release in shown:
            if wanted in (None, release.tag) and _has(release, hints.get("fingerprint")):
                return with_hints(release, hints)
        if wanted is None:
            return Unreadable(
                "nothing runs, and nothing is on its way"
                if not shown
                else "what was announced does not run yet"
            )
        if any(not release.is_only_a_tag for release in shown) or not re.fullmatch(TAG, wanted):
            return Unreadable(f"{wanted[:WORDS]} does not run yet, and its fingerprint is known only then")
        return with_hints(Release.of_tag(wanted), hints)

    async def observe(self) -> Live | Unreadable:
        """What ``live`` prints. Reads only."""
        answer = await self._ask()
        return answer if isinstance(answer, Unreadable) else answer.live()

    async def begin(self, move: Move, key: str) -> Beginning:
        """Run ``move``, once. What runs was looked at by the caller (``deploy.rollback``), just before."""
        try:
            ran = await self._run(
                self._filled(self._settings.move, move, key), self._settings.timeout, self._environment()
            )
        except BadValue as error:
            return Refused(f"{error}; {error.remedy}")
        except OSError as error:
            return Refused(f"{self._settings.move[0]} could not be started: {error.strerror or error}")
        return _beginning(ran)

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far it is, by what ``live`` prints: a move that is not visible is not over, it only may take its time."""
        answer = await self._ask()
        if isinstance(answer, Unreadable):
            return answer
        if answer.failed is not None and answer.key == key:
            return Failed(_first_line(answer.failed.encode()) or "the move gave up", self._by_hand(move))
        return _progress(answer.live(), move)

    async def foretell(self, move: Move) -> Foretold:
        """What ``plan`` prints, a call a line; without it the call of ``move``. Reads only."""
        by_hand = self._by_hand(move)
        told = Foretold(calls=(), by_hand=by_hand, capacity=_OWN, sessions=_OWN)
        if self._settings.plan is None:
            return replace(told, calls=(by_hand,), takes="as long as the program takes")
        try:
            ran = await self._run(
                self._filled(self._settings.plan, move, "plan"), self._settings.timeout, self._environment()
            )
        except (BadValue, OSError) as error:
            return Foretold(
                calls=(by_hand,), by_hand=by_hand, obstacles=(f"`plan` could not be run: {error}",)
            )
        if wrong := _wrong(ran):
            return Foretold(calls=(by_hand,), by_hand=by_hand, obstacles=(f"`plan` {wrong}",))
        return replace(told, calls=tuple(_lines(ran.stdout)) or (by_hand,))

    async def _ask(self) -> _Answer | Unreadable:
        argv = (
            self._settings.live[0],
            *(template.fill(argument, self._place) for argument in self._settings.live[1:]),
        )
        try:
            ran = await self._run(argv, self._settings.timeout, self._environment())
        except OSError as error:
            return Unreadable(f"{argv[0]} could not be started: {error.strerror or error}")
        if wrong := _wrong(ran):
            return Unreadable(f"`live` {wrong}")
        try:
            return _Answer.model_validate_json(ran.stdout)
        except ValidationError as error:
            return Unreadable(f"`live` printed what cannot be read: {_first_mistake(error)}")

    def _filled(self, argv: Sequence[str], move: Move, key: str) -> tuple[str, ...]:
        values = self._place | {
            "tag": move.to.tag,
            "fingerprint": move.to.fingerprint,
            "expect": move.expect.tag,
            "expect_fingerprint": move.expect.fingerprint,
            "key": key,
        }
        return (argv[0], *(template.fill(argument, values) for argument in argv[1:]))

    def _environment(self) -> Mapping[str, str]:
        return {name: value.get_secret_value() for name, value in self._settings.environment.items()}

    def _by_hand(self, move: Move) -> str:
        """The call for a person's shell, with a key that was not used before."""
        try:
            return shlex.join(self._filled(self._settings.move, move, _KEY)).replace(
                _KEY, 'by-hand-"$(date +%s)"'
            )
        except BadValue as error:
            return f"not by this program: {error}"


# ---------------------------------------------------------------------------------------------------------- reading it


def _beginning(ran: Ran) -> Beginning:
    words = _first_line(ran.stderr) or _first_line(ran.stdout)
    if ran.timed_out:
        return Unclear("`move` did not return in time and was killed")
    if ran.status < 0:
        return Unclear(f"`move` was ended by signal {-ran.status}: {words or 'it said nothing'}")
    if ran.status == 0:
        return Begun(words=_first_line(ran.stdout))
    return Refused(
        f"`move` refused with exit status {ran.status}: {words or 'it said nothing'}",
        again_in=AGAIN_IN if ran.status == NOT_NOW else None,
    )


def _progress(live: Live, move: Move) -> Progress:
    ahead = live.in_flight or live.release
    if ahead is None:
        return Moving(f"nothing serves; {move.to.tag} was ordered")
    if ahead.is_same_as(move.to):
        return Moving(f"on its way to {move.to.tag}") if live.in_flight else Serving()
    if ahead.is_same_as(move.expect):
        does = "is on its way" if live.in_flight else "still serves"
        return Moving(f"{move.expect.tag} {does}; {move.to.tag} was ordered")
    return Drifted(
        f"{ahead.tag} {'is on its way' if live.in_flight else 'serves'}, not {move.to.tag}", ahead.tag
    )


def _wrong(ran: Ran) -> str:
    """Why what a reading program printed is not to be believed; empty where it is."""
    if ran.timed_out:
        return "did not return in time and was killed"
    if ran.status != 0:
        return f"failed with exit status {ran.status}: {_first_line(ran.stderr) or 'it said nothing'}"
    return "printed more than 64 KiB" if ran.truncated else ""


def _first_mistake(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(step) for step in first["loc"] if step not in {"constrained-str", "_Coming"})
    return _printable(f"{where}: {first['msg']}" if where else first["msg"])[:WORDS]


def _first_line(printed: bytes) -> str:
    return next(iter(_lines(printed)), "")


def _lines(printed: bytes) -> list[str]:
    lines = (_printable(line).strip()[:WORDS] for line in printed.decode(errors="replace").splitlines())
    return [line for line in lines if line][:50]


def _printable(line: str) -> str:
    """Without what moves a terminal's cursor or turns text around."""
    return "".join(letter if letter.isprintable() else " " for letter in line)


def _has(release: Release, fingerprint: str | None) -> bool:
    """Nothing speaks against it: where the platform tells no fingerprints, a hinted one says nothing."""
    return release.is_only_a_tag or fingerprint in (None, release.fingerprint)


def _not_undone(_settings: Settings) -> str:
    return f"whatever `move` does not put back, most likely {BY_REFERENCE}, {WRITTEN}"


KIND = Kind(settings=Settings, open=CommandTarget, not_undone=_not_undone)

"""What a click orders, done as an order of the API is: the same handlers, guards, idempotency and audit.

A button is good for 24 h, and once. It is obeyed only as long as what was seen beside it is still so: the state of the
watch, and where it goes back to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import ValidationError

from rules.duration import duration_text
from watcher.api.asked import OnePassage, OneRelease, OneServiceOrAll, OneWatch
from watcher.api.auth import Principal, Scope
from watcher.api.bodies import NewNote, NoBody, ToPassage, ToRelease, ToService, ToWatch
from watcher.api.deps import Deps
from watcher.api.handlers import gates, orders, watches
from watcher.api.idempotency import Keys, used_before
from watcher.api.problems import Declined, conflict, forbidden, translated
from watcher.api.route import AnyCall, Call, Keyed, written
from watcher.api.slack.click import Click
from watcher.api.slack.ear import Ear
from watcher.core.service import Service
from watcher.core.watch import Button, Message, Notice, OrderKind, Watch
from watcher.core.wording import here
from watcher.errors import WatcherError

GOOD_FOR = timedelta(hours=24)
TRIES = 4  # a watch that is looked at meanwhile has another revision; what was seen is compared again
OUT_OF_DATE = "look at the newer message of the same deployment"
WHY = "pressed in Slack"
DONE_BEFORE = "This was done before, by this press of yours."
# Orders that do what was seen, or nothing. The others pause or ask: they are safe while the watch takes them at all.
_AS_SEEN = frozenset(
    {OrderKind.ROLL_BACK, OrderKind.KEEP, OrderKind.PASS, OrderKind.RESUME, OrderKind.ADVANCE}
)
# What they do depends on the stage; what is bad is taken back, or kept, whichever it has reached meanwhile.
_OF_A_STAGE = frozenset({OrderKind.ADVANCE, OrderKind.KEEP})
# What Slack's people are told in other words than the callers of the API.
_TWICE = {
    "key-used": "“{}” was pressed before. A button acts once.",
    "not-answered-yet": "“{}” was pressed just before, and is being obeyed. A button acts once.",
}
log = structlog.stdlib.get_logger("rollbackd.slack")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a click.

    Attributes:
        result: ``obeyed``, ``repeated``, ``refused`` or ``ignored``.
        words: For whoever clicked.
        marked: The button that is to be replaced by what it did, where no newer message will say that.
    """

    result: str
    words: str = ""
    marked: Button | None = None


async def obey(deps: Deps, ear: Ear, keys: Keys, click: Click) -> Outcome:
    """Do what *click* orders. Nobody is told anything here."""
    if not click.is_ours:
        return Outcome("ignored")
    by = f"{ear.name}:{click.by}"
    keyed = Keyed(f"slack:{ear.name}", click.actions[0].value, click.digest, HTTPStatus.ACCEPTED)
    try:
        _must_be_heard(ear, click)
        if await _is_done(deps, keyed):
            return Outcome("repeated", DONE_BEFORE)
        message, button = await _offered(deps, ear, click)
        who = await _principal(deps, ear, click, by, message.notice)
    except WatcherError as error:
        return _refused(error, by, click)
    pressed = _Pressed(click, who, message, button)
    try:
        await keys.once(keyed, lambda: _ordered(deps, pressed, keyed))
    except WatcherError as error:
        twice = _TWICE.get(error.kind) if isinstance(error, Declined) else None
        if twice is not None:
            log.info("slack.click_repeated", connection=ear.name, user=click.user.id)
            return Outcome("repeated", twice.format(button.label))
        return _refused(error, by, click)
    log.info("slack.click_obeyed", by=by, message=message.id, button=button.label)
    unsaid = button.order in {None, OrderKind.ALLOW}
    return Outcome("obeyed", _done(message.notice, button), button if unsaid else None)


async def _is_done(deps: Deps, keyed: Keyed) -> bool:
    """This very press was obeyed: Slack gave it to two of us, or to one that was killed before it could say so."""
    before = await deps.store.once(keyed.principal, keyed.key, keyed.digest, deps.now())
    return before is not None and not before.conflict


def _refused(error: WatcherError, by: str, click: Click) -> Outcome:
    refused = translated(error)
    log.warning("slack.click_refused", by=by, value=click.actions[0].value[:200], words=str(refused))
    return Outcome("refused", f"Not done: {refused}. To do: {refused.remedy}.")


def _done(notice: Notice, button: Button) -> str:
    if button.order is OrderKind.HOLD:
        return f'Held, by your word. Say why: `rollbackd note {notice.watch} note "…"`'
    return f"“{button.label}”: done, by your word."


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A button that was offered, and whoever may press it."""

    click: Click
    who: Principal
    message: Message
    button: Button

    @property
    def notice(self) -> Notice:
        return self.message.notice


# --------------------------------------------------------------------------------------------------- what, and by whom


def _must_be_heard(ear: Ear, click: Click) -> None:
    """It is of the connection's workspace, and of our app.

    Raises:
        Declined: It is of another.
    """
    if {click.team.id, click.user.team_id} != {ear.workspace}:
        raise forbidden(
            "only the people of one workspace are heard, and no guests of another", "ask somebody of it"
        )
    if click.api_app_id != (ear.app or click.api_app_id) or click.message.app_id not in {
        None,
        click.api_app_id,
    }:
        raise forbidden("the button is of another app", "press the one in rollbackd's own message")


async def _offered(deps: Deps, ear: Ear, click: Click) -> tuple[Message, Button]:
    """The message as it was told, and the button in it.

    Raises:
        Declined: It was told in another channel, is out of date, or too old.
    """
    name, number = click.pressed or ("", 0)
    message = await deps.store.message(name) if name else None
    if message is None:
        raise await _out_of_date(deps, name)
    channels = {f"{ear.name}:{click.channel.id}"} | ({ear.name} if click.channel.id == ear.channel else set())
    if message.channel not in channels:
        raise forbidden("the message was told in another channel", "press the button where it stands")
    at = message.notice.at
    if at is None or deps.now() - at > GOOD_FOR:
        raise conflict(
            "too-old", "the message is more than 24 h old", "order it on the command line: `rollbackd show`"
        )
    if number >= len(message.notice.buttons):
        raise conflict("out-of-date", "there is no such button", OUT_OF_DATE)
    return message, message.notice.buttons[number]


async def _out_of_date(deps: Deps, message: str) -> Declined:
    """A newer message took its place; how its watch is by now."""
    watch = await deps.store.get(message.rsplit(".", 2)[0]) if message else None
    now = f": the watch is {watch.state.words} by now" if watch is not None else ""
    return conflict("out-of-date", f"the message is out of date{now}", OUT_OF_DATE)


async def _principal(deps: Deps, ear: Ear, click: Click, by: str, notice: Notice) -> Principal:
    """Whoever clicked, as far as the team of the service lets them.

    Raises:
        Declined: It does not, or Slack does not say who is in its user groups.
    """
    service = deps.services().get((notice.service, notice.environment))
    if service is None:
        raise conflict("unknown-service", f"{notice.service} is not configured any more", "ask the operator")
    also = await _among(ear, click, service)
    scopes = frozenset({Scope.ORDER.value, Scope.READ.value})
    return Principal(by, scopes, (f"{service.name}/{service.environment}",), also)


async def _among(ear: Ear, click: Click, service: Service) -> frozenset[str]:
    """What `may_order` calls whoever clicked: their own id, or a group that they are in.

    Raises:
        Declined: It calls them nothing, or Slack does not say who is in its user groups.
    """
    prefix = f"{ear.name}:"
    named = [each for each in service.team.may_order if each.startswith(prefix)]
    own = f"{prefix}{click.user.id}"
    if own in named:
        return frozenset({own})
    untold: list[str] = []
    for group in (each for each in named if each.startswith(f"{prefix}S")):
        members = await ear.voice.members(group.removeprefix(prefix))
        if members is None:
            untold.append(group)
        elif click.user.id in members:
            return frozenset({own, group})
    if untold:
        raise conflict(
            "groups-unknown",
            f"Slack does not say who is in {', '.join(untold)}, so nobody is believed to be",
            "press it again in a minute, or order it on the command line",
        )
    raise forbidden(
        f"{click.user.id} may not order anything of {service.name} in {service.environment}",
        f"ask somebody whom `may_order` of the team {service.team.name} names: {', '.join(named) or 'nobody from Slack'}",
    )


# ------------------------------------------------------------------------------------------------------------ the order


async def _ordered(deps: Deps, pressed: _Pressed, keyed: Keyed) -> bytes:
    button = pressed.button
    if button.at_gate is not None:
        return await _at_gate(deps, pressed, button.at_gate, keyed)
    if button.order is None:
        return await _noted(deps, pressed, keyed)
    if button.order is OrderKind.ALLOW:
        return await _allowed(deps, pressed, keyed)
    watch = await deps.store.get(pressed.notice.watch)
    if watch is not None and watch.state.is_final and button.order is OrderKind.ROLL_BACK:
        return await _forward(deps, pressed, watch, keyed)
    return await _to_watch(deps, pressed, button.order, keyed)


async def _noted(deps: Deps, pressed: _Pressed, keyed: Keyed) -> bytes:
    button, watch, by = pressed.button, pressed.notice.watch, pressed.who.name
    body = NewNote(call=button.call) if button.call else NewNote(call="note", words=button.label)
    said = (by, body.call, body.words)
    if any((each.by, each.call, each.words) == said for each in await deps.store.notes(watch)):
        raise used_before()  # written down by a replica that was killed before it remembered the press
    return written(await watches.note(_call(deps, pressed, OneWatch(id=watch), body, keyed)))


async def _allowed(deps: Deps, pressed: _Pressed, keyed: Keyed) -> bytes:
    """Each part's release, by its own fingerprint. Twice comes to the same."""
    notice = pressed.notice
    watch = await deps.store.get(notice.watch)
    if watch is None:
        raise conflict("out-of-date", "the watch is not known any more", OUT_OF_DATE)
    answers: list[bytes] = []
    for change in watch.deployment.parts:
        said = {
            "order": OrderKind.ALLOW.value,
            "reason": WHY,
            "service": notice.service,
            "environment": notice.environment,
            "part": change.part,
        }
        asked = OneRelease(fingerprint=change.after.fingerprint)
        call = _call(deps, pressed, asked, _body(ToRelease, said), keyed)
        answers.append(written(await orders.to_release(call)))
    return answers[-1]


async def _at_gate(deps: Deps, pressed: _Pressed, word: str, keyed: Keyed) -> bytes:
    """What is at the gate, as long as it is as it was seen; the last word of several presses is the first that came."""
    passage = await deps.gates.get(pressed.notice.facts.get("gate", ""))
    seen = pressed.notice.facts
    if (passage.state.value, passage.question) != (seen.get("state"), seen.get("question")):
        raise conflict("out-of-date", f"it is {passage.state.value} by now: {passage.words}", OUT_OF_DATE)
    # Of two that press at once, on any replicas, one is obeyed.
    said = {"order": word, "reason": WHY, "expect_revision": passage.revision}
    body = _body(ToPassage, said)
    return written(await gates.to_passage(_call(deps, pressed, OnePassage(id=passage.id), body, keyed)))


async def _forward(deps: Deps, pressed: _Pressed, watch: Watch, keyed: Keyed) -> bytes:
    """Of a watch that has ended: the service is moved, if nothing newer is deployed to it."""
    notice = pressed.notice
    _must_be_as_seen(notice, watch, OrderKind.ROLL_BACK)
    if await deps.store.living(*watch.key) is not None:
        raise conflict("out-of-date", "a newer deployment is watched by now", OUT_OF_DATE)
    asked = OneServiceOrAll(service=notice.service, environment=notice.environment)
    said = {"order": OrderKind.ROLL_BACK.value, "to": pressed.button.to, "reason": WHY}
    return written(await orders.to_service(_call(deps, pressed, asked, _body(ToService, said), keyed)))


async def _to_watch(deps: Deps, pressed: _Pressed, kind: OrderKind, keyed: Keyed) -> bytes:
    """Only of the very revision that was compared: of two that press at once, on any replicas, one is obeyed."""
    for last in (*([False] * (TRIES - 1)), True):
        watch = await deps.store.get(pressed.notice.watch)
        if watch is None:
            raise conflict("out-of-date", "the watch is not known any more", OUT_OF_DATE)
        # After the watch is read: whoever was first has saved a later revision, or is seen here.
        before = await deps.store.once(keyed.principal, keyed.key, keyed.digest, deps.now())
        if before is not None and before.conflict:
            raise used_before()
        if before is not None:
            return before.body
        if kind in _AS_SEEN:
            _must_be_as_seen(pressed.notice, watch, kind)
        body = _body(ToWatch, _said(pressed.button, kind, watch.revision))
        try:
            return written(await orders.to_watch(_call(deps, pressed, OneWatch(id=watch.id), body, keyed)))
        except Declined as declined:
            if declined.kind != "changed-meanwhile" or last:
                raise
    raise AssertionError("the last try returns or raises")


def _said(button: Button, kind: OrderKind, revision: int) -> Mapping[str, Any]:
    """The order as it is sent over HTTP. A hold is at once, and its reason is asked for afterwards."""
    said: dict[str, Any] = {"order": kind.value, "expect_revision": revision}
    if kind is not OrderKind.HOLD:
        said["reason"] = WHY
    if button.to is not None:
        said["to"] = button.to
    if button.lasting is not None:
        said["for"] = duration_text(button.lasting)
    return said


def _must_be_as_seen(notice: Notice, watch: Watch, kind: OrderKind) -> None:
    """What stood beside the button is still so.

    Raises:
        Declined: It is not.
    """
    if notice.facts.get("state") != watch.state.value:
        raise conflict("out-of-date", f"the watch is {watch.state.words} by now", OUT_OF_DATE)
    if notice.facts.get("goes_to") != watch.goes_to:
        raise conflict("out-of-date", f"the way back is {watch.goes_to or 'gone'} by now", OUT_OF_DATE)
    if kind in _OF_A_STAGE and watch.breach is None and notice.facts.get("stage", "") != here(watch):
        raise conflict("out-of-date", f"it is {here(watch) or 'at no stage'} by now", OUT_OF_DATE)


def _body(model: Any, said: Mapping[str, Any]) -> Any:
    """The order, read as it is when it comes over HTTP.

    Raises:
        Declined: It is none: of a deployment of several parts a button may name what is no release.
    """
    try:
        return model.model_validate_json(json.dumps(said))
    except ValidationError:
        raise conflict(
            "order-incomplete",
            "this cannot be ordered by a button",
            "order it on the command line: `rollbackd rollback`",
        ) from None


def _call(deps: Deps, pressed: _Pressed, asked: Any, body: Any, keyed: Keyed) -> AnyCall:
    return Call(deps, pressed.who, asked, body or NoBody(), b"", {}, lambda: False, keyed)

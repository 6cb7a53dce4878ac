"""What a click orders, done as an order of the API is: the same handlers, guards, idempotency and audit.

A button is good for 24 h, and once. It is obeyed only as long as what was seen beside it is still so: the state of the
watch, and where it goes back to.
"""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog

from rules.duration import duration_text
from watcher.api.asked import OneRelease, OneServiceOrAll, OneWatch
from watcher.api.auth import Principal, Scope
from watcher.api.bodies import NewNote, NoBody, ToRelease, ToService, ToWatch
from watcher.api.deps import Deps
from watcher.api.handlers import orders, watches
from watcher.api.idempotency import Keys
from watcher.api.problems import Declined, conflict, forbidden, translated
from watcher.api.route import AnyCall, Call, Keyed, written
from watcher.api.slack.click import Click
from watcher.api.slack.ear import Ear
from watcher.core.service import Service
from watcher.core.watch import Button, Message, Notice, OrderKind, Watch
from watcher.errors import WatcherError

GOOD_FOR = timedelta(hours=24)
TRIES = 4  # a watch that is looked at meanwhile has another revision; what was seen is compared again
OUT_OF_DATE = "This message is out of date: look at the newer one of the same deployment."
# Orders that do what was seen, or nothing.
_AS_SEEN = frozenset({OrderKind.ROLL_BACK, OrderKind.KEEP, OrderKind.PASS})
log = structlog.stdlib.get_logger("rollbackd.slack")


async def obey(deps: Deps, ear: Ear, click: Click) -> None:
    """Do what *click* orders, and tell whoever clicked what came of it."""
    pressed = click.pressed
    if pressed is None:
        return
    try:
        message, button = await _offered(deps, ear, click)
        who = await _principal(deps, ear, click, message.notice)
        words = await _done(deps, ear, who, message, button, "/".join(map(str, pressed)))
    except WatcherError as error:
        refused = translated(error)
        log.warning("slack.click_refused", by=click.by, message=pressed[0], words=str(refused))
        await ear.voice.whisper(click.channel.id, click.user.id, f"Refused: {refused}. {refused.remedy}")
        return
    log.info("slack.click_obeyed", by=click.by, message=pressed[0], button=button.label)
    await ear.voice.whisper(click.channel.id, click.user.id, words)
    if button.order in {None, OrderKind.ALLOW}:
        await _mark(ear, click, button)


async def _offered(deps: Deps, ear: Ear, click: Click) -> tuple[Message, Button]:
    """The message as it was told, and the button in it.

    Raises:
        Declined: It is of another workspace or channel, out of date, or too old.
    """
    if click.team.id != ear.workspace or click.user.team_id not in {None, ear.workspace}:
        raise forbidden("this is heard from the people of one workspace only", "ask somebody of it")
    name, number = click.pressed or ("", 0)
    message = await deps.store.message(name)
    if message is None:
        raise conflict("out-of-date", "the message is out of date", OUT_OF_DATE)
    channels = {f"{ear.name}:{click.channel.id}"} | ({ear.name} if click.channel.id == ear.channel else set())
    if message.channel not in channels:
        raise forbidden("the message was told in another channel", "press the button where it stands")
    at = message.notice.at
    if at is None or deps.now() - at > GOOD_FOR:
        raise conflict(
            "too-old", "the message is more than 24 h old", "order it on the command line: rollbackd show"
        )
    if number >= len(message.notice.buttons):
        raise conflict("out-of-date", "there is no such button", OUT_OF_DATE)
    return message, message.notice.buttons[number]


async def _principal(deps: Deps, ear: Ear, click: Click, notice: Notice) -> Principal:
    """Whoever clicked, as far as the team of the service lets them.

    Raises:
        Declined: It does not.
    """
    service = deps.services().get((notice.service, notice.environment))
    if service is None:
        raise conflict("unknown-service", f"{notice.service} is not configured any more", "ask the operator")
    names = await _names(ear, click, service)
    if names.isdisjoint(service.team.may_order):
        may = (
            ", ".join(each for each in service.team.may_order if each.startswith("slack:"))
            or "nobody from Slack"
        )
        raise forbidden(
            f"{click.user.id} may not order anything of {service.name} in {service.environment}",
            f"`may_order` of the team {service.team.name} names who may: {may}",
        )
    scopes = frozenset({Scope.ORDER.value, Scope.READ.value})
    return Principal(click.by, scopes, (f"{service.name}/{service.environment}",), names)


async def _names(ear: Ear, click: Click, service: Service) -> frozenset[str]:
    own = f"slack:{click.user.id}"
    groups = [each for each in service.team.may_order if each.startswith("slack:S")]
    if own in service.team.may_order:
        return frozenset({own})
    mine = [each for each in groups if click.user.id in await ear.voice.members(each.removeprefix("slack:"))]
    return frozenset({own, *mine})


# ------------------------------------------------------------------------------------------------------------ the order


async def _done(deps: Deps, ear: Ear, who: Principal, message: Message, button: Button, value: str) -> str:
    keyed = Keyed(f"slack:{ear.name}", value, value.encode(), HTTPStatus.ACCEPTED)
    fresh = False

    async def do() -> bytes:
        nonlocal fresh
        answer = await _ordered(deps, who, message, button, keyed)
        fresh = True
        return answer

    await Keys(deps).once(keyed, do)
    if not fresh:
        return f"“{button.label}” was pressed before. It acts once."
    if button.order is OrderKind.HOLD:
        return f'Held. Say why: `rollbackd note {message.notice.watch} note "…"`'
    return f"“{button.label}”: done, as you said."


async def _ordered(deps: Deps, who: Principal, message: Message, button: Button, keyed: Keyed) -> bytes:
    notice = message.notice
    if button.order is None:
        body = NewNote(call=button.call or "note")
        return written(await watches.note(_call(deps, who, OneWatch(id=notice.watch), body, keyed)))
    if button.order is OrderKind.ALLOW:
        return await _allowed(deps, who, notice, keyed)
    watch = await deps.store.get(notice.watch)
    if watch is not None and watch.state.is_final and button.order is OrderKind.ROLL_BACK:
        return await _forward(deps, who, notice, button, watch, keyed)
    return await _to_watch(deps, who, notice, button, keyed)


async def _allowed(deps: Deps, who: Principal, notice: Notice, keyed: Keyed) -> bytes:
    said = {
        "order": OrderKind.ALLOW.value,
        "reason": "by a button in Slack",
        "service": notice.service,
        "environment": notice.environment,
    }
    asked = OneRelease(fingerprint=notice.facts.get("fingerprint", "unknown"))
    body = ToRelease.model_validate_json(json.dumps(said))
    return written(await orders.to_release(_call(deps, who, asked, body, keyed)))


async def _forward(
    deps: Deps, who: Principal, notice: Notice, button: Button, watch: Watch, keyed: Keyed
) -> bytes:
    """Of a watch that has ended: the service is moved, if nothing newer is deployed to it."""
    _must_be_as_seen(notice, watch)
    if await deps.store.living(*watch.key) is not None:
        raise conflict("out-of-date", "a newer deployment is watched by now", OUT_OF_DATE)
    asked = OneServiceOrAll(service=notice.service, environment=notice.environment)
    body = ToService.model_validate_json(json.dumps({"order": OrderKind.ROLL_BACK.value, "to": button.to}))
    return written(await orders.to_service(_call(deps, who, asked, body, keyed)))


async def _to_watch(deps: Deps, who: Principal, notice: Notice, button: Button, keyed: Keyed) -> bytes:
    for last in (*([False] * (TRIES - 1)), True):
        watch = await deps.store.get(notice.watch)
        if watch is None or button.order is None:
            raise conflict("out-of-date", "the watch is not known any more", OUT_OF_DATE)
        said: dict[str, Any] = {"order": button.order.value}
        if button.to is not None:
            said["to"] = button.to
        if button.lasting is not None:
            said["for"] = duration_text(button.lasting)
        if button.order in _AS_SEEN:
            _must_be_as_seen(notice, watch)
            said["expect_revision"] = watch.revision
        body = ToWatch.model_validate_json(json.dumps(said))
        try:
            return written(await orders.to_watch(_call(deps, who, OneWatch(id=watch.id), body, keyed)))
        except Declined as declined:
            if declined.kind != "changed-meanwhile" or last:
                raise
    raise AssertionError("the last try returns or raises")


def _must_be_as_seen(notice: Notice, watch: Watch) -> None:
    """What stood beside the button is still so.

    Raises:
        Declined: It is not.
    """
    if notice.facts.get("state") != watch.state.value:
        raise conflict("out-of-date", f"the watch is {watch.state.words} by now", OUT_OF_DATE)
    if notice.facts.get("goes_to") != watch.goes_to:
        raise conflict("out-of-date", f"the way back is {watch.goes_to or 'gone'} by now", OUT_OF_DATE)


def _call(deps: Deps, who: Principal, asked: Any, body: Any, keyed: Keyed) -> AnyCall:
    return Call(deps, who, asked, body or NoBody(), b"", {}, lambda: False, keyed)


async def _mark(ear: Ear, click: Click, button: Button) -> None:
    """What no newer message will say is written into this one: by whom, and the button is gone."""
    pressed = click.actions[0].action_id
    left: list[dict[str, Any]] = []
    for block in click.message.blocks:
        elements = block.get("elements")
        if block.get("type") == "actions" and isinstance(elements, list):
            kept = [each for each in elements if isinstance(each, dict) and each.get("action_id") != pressed]
            left += [{**block, "elements": kept}] if kept else []
        else:
            left.append(block)
    words = f"{button.label}: {click.by}"
    left.append({"type": "context", "elements": [{"type": "plain_text", "text": words}]})
    await ear.voice.change(click.channel.id, click.message.ts, click.message.text or words, left)

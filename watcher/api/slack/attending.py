"""Carries out what the ear took, and tells whoever clicked what came of it. It goes like a loop of the daemon.

Who is told, and how soon, holds up no order. What is in hand when the daemon ends is finished, or said not to be.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from watcher.api.deps import Deps
from watcher.api.idempotency import Keys
from watcher.api.slack.click import Click
from watcher.api.slack.ear import Ear, Taken
from watcher.api.slack.obeying import Outcome, obey

WORKERS = 4
ANSWERS = 64  # under way at once; Slack takes about two a second
_LOOK = "Look at the newest message of the deployment, or at `rollbackd show`"
TOO_LONG = f"It is not known whether this was done: it took too long. {_LOOK}; to press again is safe, a button acts once."
BROKEN = f"It is not known whether this was done: rollbackd made a mistake, which is in its log. {_LOOK}."
ENDING = f"It is not known whether this was done: rollbackd was just stopped. {_LOOK}; to press again is safe, a button acts once."
NOT_BEGUN = "This was not done: rollbackd was just stopped. Press it again in a minute."
log = structlog.stdlib.get_logger("rollbackd.slack")


def _unreported(_loop: str, _error: Exception) -> None:
    """Nobody counts."""


@dataclass
class Attendant:
    """Attends to what one ear hears."""

    ear: Ear
    deps: Deps
    failed: Callable[[str, Exception], None] = _unreported
    _keys: Keys = field(init=False)
    _in_hand: set[Taken] = field(init=False, default_factory=set)
    _telling: set[asyncio.Task[None]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._keys = Keys(self.deps)

    @property
    def name(self) -> str:
        """For the log."""
        return f"slack.{self.ear.name}"

    async def run(self, stop: asyncio.Event) -> None:
        """Work off clicks until *stop*, and then those that were taken."""
        async with asyncio.TaskGroup() as tasks:
            workers = [tasks.create_task(self._work(tasks)) for _ in range(WORKERS)]
            await stop.wait()
            self.ear.closed = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.ear.pace.finishing):
                    await self.ear.clicks.join()
            begun = list(self._in_hand)
            for worker in workers:
                worker.cancel()
            await self._say_goodbye(tasks, begun)

    async def _say_goodbye(self, tasks: asyncio.TaskGroup, begun: list[Taken]) -> None:
        for taken in begun:
            self._answer(tasks, taken.click, Outcome("failed", ENDING))
        while not self.ear.clicks.empty():
            self._answer(tasks, self.ear.clicks.get_nowait().click, Outcome("failed", NOT_BEGUN))
        if self._telling:
            _, late = await asyncio.wait(self._telling, timeout=self.ear.pace.goodbye)
            for task in late:
                task.cancel()

    async def _work(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            taken = await self.ear.clicks.get()
            self._in_hand.add(taken)
            try:
                outcome = await self._outcome(taken.click)
                self._answer(tasks, taken.click, outcome)
            finally:
                self._in_hand.discard(taken)
                self.ear.clicks.task_done()
            taken.done.set()  # not where it was broken off: then it is not acknowledged either

    async def _outcome(self, click: Click) -> Outcome:
        try:
            async with asyncio.timeout(self.ear.pace.longest):
                return await obey(self.deps, self.ear, self._keys, click)
        except TimeoutError:
            log.error("slack.click_timed_out", connection=self.ear.name, user=click.user.id)  # noqa: TRY400 - no bug
            return Outcome("failed", TOO_LONG)
        except Exception as error:
            # The one boundary here: a bug in one click must not make the daemon deaf.
            log.exception("slack.click_failed", connection=self.ear.name, user=click.user.id)
            self.failed(self.name, error)
            return Outcome("failed", BROKEN)

    # ------------------------------------------------------------------------------------------------------- the answer

    def _answer(self, tasks: asyncio.TaskGroup, click: Click, outcome: Outcome) -> None:
        self.ear.metrics.clicks.labels(self.ear.name, outcome.result).inc()
        if not outcome.words:
            return
        if len(self._telling) >= ANSWERS:
            log.warning("slack.unanswered", method="answer", words=f"{ANSWERS} answers are under way")
            return
        task = tasks.create_task(self._tell(click, outcome))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, click: Click, outcome: Outcome) -> None:
        try:
            await self.ear.voice.answer(click, outcome.words)
            if outcome.marked is not None and await self._is_newest(click):
                by = f"{self.ear.name}:{click.by}"
                words = f"{outcome.marked.label}: {by}"
                await self.ear.voice.change(click, click.message.text or words, marked(click, words))
        except Exception as error:
            # The same boundary, for the answer: it is done, and that it cannot be said must not end the daemon.
            log.exception("slack.answer_failed", connection=self.ear.name, user=click.user.id)
            self.failed(self.name, error)

    async def _is_newest(self, click: Click) -> bool:
        """Nothing newer stands where it was clicked: that must not be overwritten."""
        pressed = click.pressed
        return pressed is not None and await self.deps.store.message(pressed[0]) is not None


def marked(click: Click, words: str) -> list[dict[str, Any]]:
    """The blocks of the message, with *words* for the button that was pressed."""
    pressed = click.actions[0].action_id
    left: list[dict[str, Any]] = []
    for block in click.message.blocks:
        elements = block.get("elements")
        if block.get("type") == "actions" and isinstance(elements, list):
            kept = [each for each in elements if isinstance(each, dict) and each.get("action_id") != pressed]
            left += [{**block, "elements": kept}] if kept else []
        else:
            left.append(block)
    left.append({"type": "context", "elements": [{"type": "plain_text", "text": words}]})
    return left

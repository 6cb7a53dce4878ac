"""Guards: a step is saved only if they hold in its transaction; and then nothing comes between."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.contract.store.build import (
    ENVIRONMENT,
    NOON,
    PART,
    PLACE,
    SERVICE,
    a_release,
    a_watch,
    an_action,
    appended,
    minutes,
    opened,
    rolling_back,
    saved,
    step_of,
)
from watcher.core.watch import (
    ActionResult,
    ActionState,
    Armed,
    Below,
    Guard,
    NoOpenAction,
    NotQuarantined,
    Quarantine,
    State,
    Step,
    Watch,
)
from watcher.store.store import Disarmed, GuardFailed, Saved, Store

ARMED = Armed(SERVICE, ENVIRONMENT)
NOT_QUARANTINED = NotQuarantined(*PLACE, a_release(1).fingerprint)
SOON = NOON + minutes(60)
NO_OPEN_ACTION = NoOpenAction(SERVICE, ENVIRONMENT)


def off(service: str = SERVICE, environment: str = ENVIRONMENT, until: datetime = SOON) -> Disarmed:
    return Disarmed(service, environment, "ann", "a migration", NOON, until)


def start(watch: Watch, *guards: Guard) -> Step:
    """The step that starts a rollback under *guards*."""
    return step_of(
        watch,
        State.ROLLING_BACK,
        {
            "requires": frozenset(guards),
            "actions": (an_action(watch),),
            "messages": (appended(f"{watch.id}.{watch.revision + 1}.2"),),
        },
    )


class GuardsContract:
    @pytest.mark.parametrize("switch", [off(), off("*", "*")])
    async def test_nothing_starts_by_itself_once_it_is_disarmed(self, store: Store, switch):
        watch = await opened(store)
        await store.disarm(switch, NOON)

        saving = await store.save(start(watch, ARMED), NOON)

        assert isinstance(saving, GuardFailed)
        assert saving.guard == ARMED
        assert "ann" in saving.words
        assert "a migration" in saving.words

    async def test_a_step_that_is_refused_leaves_no_trace(self, store: Store):
        watch = await opened(store)
        await store.disarm(off(), NOON)
        before = await store.audit()

        await store.save(start(watch, ARMED), NOON)

        assert await store.get("w_1") == watch
        assert await store.actions("w_1") == []
        assert (await store.counts(NOON))["messages"] == {}
        assert await store.audit() == before

    @pytest.mark.parametrize("switch", [off("site"), off(environment="staging"), off(until=NOON)])
    async def test_a_switch_elsewhere_or_in_the_past_stops_nothing(self, store: Store, switch):
        watch = await opened(store)
        await store.disarm(switch, NOON)

        assert isinstance(await store.save(start(watch, ARMED), NOON), Saved)

    async def test_a_rollback_starts_again_after_arming(self, store: Store):
        watch = await opened(store)
        await store.disarm(off(), NOON)
        await store.arm(SERVICE, ENVIRONMENT, "ann", "done", NOON)

        assert isinstance(await store.save(start(watch, ARMED), NOON), Saved)

    async def test_a_person_s_rollback_does_not_ask_for_the_switch(self, store: Store):
        watch = await opened(store)
        await store.disarm(off(), NOON)

        assert isinstance(await store.save(start(watch), NOON), Saved)

    async def test_a_newer_revision_is_said_before_a_guard_that_fails(self, store: Store):
        watch = await opened(store)
        await store.disarm(off(), NOON)
        await saved(store, step_of(watch))

        assert not isinstance(await store.save(start(watch, ARMED), NOON), GuardFailed | Saved)

    @pytest.mark.parametrize("mark", ["quarantine", "distrust"])
    async def test_nothing_goes_back_to_a_release_that_is_quarantined_or_distrusted(self, store: Store, mark):
        watch = await opened(store)
        if mark == "distrust":
            await store.mark_release(*PLACE, a_release(1).fingerprint, "distrust", "ann", "leaks", NOON)
        else:
            bad = Quarantine(PART, a_release(1).fingerprint, "it was rolled back")
            watch = await saved(store, step_of(watch, causes={"quarantines": (bad,)}))

        saving = await store.save(start(watch, NOT_QUARANTINED), NOON)

        assert isinstance(saving, GuardFailed)
        assert saving.guard == NOT_QUARANTINED

    async def test_a_release_that_was_allowed_may_be_gone_back_to(self, store: Store):
        watch = await opened(store)
        await store.mark_release(*PLACE, a_release(1).fingerprint, "distrust", "ann", "leaks", NOON)
        await store.mark_release(*PLACE, a_release(1).fingerprint, "allow", "bob", "it did not", NOON)

        assert isinstance(await store.save(start(watch, NOT_QUARANTINED), NOON), Saved)

    async def test_nothing_starts_while_an_action_is_open_on_the_service(self, store: Store):
        watch = await rolling_back(store)
        again = step_of(
            watch, causes={"actions": (an_action(watch),), "requires": frozenset({NO_OPEN_ACTION})}
        )

        saving = await store.save(again, NOON)

        assert isinstance(saving, GuardFailed)
        assert "w_1.2.1" in saving.words

    async def test_an_action_that_the_step_itself_closes_is_not_in_its_way(self, store: Store):
        watch = await rolling_back(store)
        again = step_of(
            watch,
            causes={
                "actions": (an_action(watch),),
                "requires": frozenset({NO_OPEN_ACTION}),
                "results": (ActionResult("w_1.2.1", ActionState.FAILED, "no capacity"),),
            },
        )

        assert isinstance(await store.save(again, NOON), Saved)

    async def test_no_more_rollbacks_of_a_deployment_start_than_its_ceiling(self, store: Store):
        ceiling = Below(1, NOON - minutes(60), watch="w_1")
        watch = await opened(store)
        watch = await saved(store, start(watch, ceiling))
        watch = await saved(store, step_of(watch, State.STUCK))

        saving = await store.save(start(watch, ceiling), NOON)

        assert isinstance(saving, GuardFailed)
        assert saving.guard == ceiling
        assert "at most 1" in saving.words

    async def test_no_more_rollbacks_of_a_service_start_than_its_ceiling(self, store: Store):
        ceiling = Below(2, NOON - minutes(60), SERVICE, ENVIRONMENT)

        answers = await _rollbacks(store, ceiling, services=(SERVICE, SERVICE, SERVICE))

        assert answers == [Saved, Saved, GuardFailed]

    async def test_rollbacks_of_another_service_do_not_count(self, store: Store):
        ceiling = Below(2, NOON - minutes(60), SERVICE, ENVIRONMENT)

        answers = await _rollbacks(store, ceiling, services=("site", "site", SERVICE, SERVICE))

        assert answers == [Saved] * 4

    async def test_no_more_rollbacks_of_the_fleet_start_than_its_ceiling(self, store: Store):
        ceiling = Below(3, NOON - minutes(60))

        answers = await _rollbacks(store, ceiling, services=("s1", "s2", "s3", "s4"))

        assert answers == [Saved, Saved, Saved, GuardFailed]

    async def test_what_a_person_ordered_does_not_count(self, store: Store):
        await rolling_back(store, ordered_by="ann")
        other = await opened(store, a_watch("w_2", service="site"))

        assert isinstance(await store.save(start(other, Below(1, NOON - minutes(60))), NOON), Saved)

    async def test_what_was_before_the_window_does_not_count(self, store: Store):
        await rolling_back(store, queued_at=NOON - timedelta(seconds=1))
        other = await opened(store, a_watch("w_2", service="site"))

        assert isinstance(await store.save(start(other, Below(1, NOON)), NOON), Saved)

    async def test_of_several_guards_the_switch_is_named_first(self, store: Store):
        watch = await opened(store)
        await store.disarm(off(), NOON)

        saving = await store.save(start(watch, Below(0, NOON), NOT_QUARANTINED, ARMED), NOON)

        assert isinstance(saving, GuardFailed)
        assert saving.guard == ARMED

    async def test_guards_hold_for_a_watch_that_is_opened_too(self, store: Store):
        watch = a_watch(state=State.ROLLING_BACK, revision=0)
        await store.disarm(off(), NOON)

        saving = await store.open(replace(start(watch, ARMED)), NOON)

        assert isinstance(saving, GuardFailed)
        assert await store.get("w_1") is None


async def _rollbacks(store: Store, ceiling: Below, services: tuple[str, ...]) -> list[type]:
    """A watch and its rollback after the other; what the store said of each."""
    answers = []
    for number, service in enumerate(services):
        watch = await opened(store, a_watch(f"w_{number}", service=service))
        saving = await store.save(start(watch, ceiling), NOON)
        answers.append(type(saving))
        if isinstance(saving, Saved):
            await saved(store, step_of(saving.watch, State.ROLLED_BACK))
    return answers

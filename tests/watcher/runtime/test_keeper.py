"""How releases stand is marked on the platform, and what it remembers is read where the ledger knows nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from deploy.model import Live, Recalled, Release, Standing, Unreadable
from tests.builders import NOON, a_policy, a_release, a_service, a_watch, hours, minutes
from tests.watcher.runtime.at_work import PLACE, ATarget, at_work, blunder, hang, now, virtual
from watcher import clock
from watcher.core.service import Mode
from watcher.core.watch import Quarantine, State
from watcher.runtime.fleet import Fleet
from watcher.runtime.keeper import AT_ONCE, Keeper, is_ours, with_our_own
from watcher.runtime.recollection import Recollection

OURS = f"w_{7:032x}.6.0"
V42 = Recalled(served=((a_release("v41"), NOON - hours(300)), (a_release("v42"), NOON - hours(200))))
WHERE = (("checkout", "production"), "service")


@dataclass
class APlatform(ATarget):
    """A target that remembers, and keeps marks."""

    remembers: Recalled | Unreadable = field(default_factory=lambda: V42)
    refuses: str = ""
    marked: list[list[tuple[str, str]]] = field(default_factory=list)
    recalls: int = 0

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        self.recalls += 1
        await self.does()
        return self.remembers

    async def mark(self, standings: Sequence[Standing]) -> str:
        self.marked.append([(each.release.tag, each.grade) for each in standings])
        await self.does()
        return self.refuses


def a_keeper(work):
    return Keeper(work.store, work.current, Recollection(), work.bells, work.boundary, now)


async def knows(work, *tags, place=PLACE):
    for number, tag in enumerate(tags):
        await work.store.adopt(*place, a_release(tag), NOON - hours(99 - number), adopted=False)


async def waits(work, keeper, key=WHERE[0]):
    """Somebody found that nothing is known of the service."""
    return keeper.recollection.awaits(
        key, await work.store.ledger(*key, "service"), work.current.keepers(key)
    )


async def rounds(keeper, many, every):
    for _ in range(many):
        await keeper.go_round()
        await asyncio.sleep(every)


# ------------------------------------------------------------------------------------------------------------- marking


@virtual
async def test_all_is_marked_once_after_the_start_and_then_what_changed():
    platform = APlatform()
    async with at_work(platform) as work:
        await knows(work, "v41", "v42")
        keeper = a_keeper(work)

        await rounds(keeper, 5, 60)
        await work.store.mark_release(*PLACE, "sha256:v41", "distrust", "ada", "", now())
        await work.has(
            a_watch(State.ROLLING_BACK), quarantines=(Quarantine("service", "sha256:v41", "slow"),)
        )
        await rounds(keeper, 5, 60)

        assert platform.marked[0] == [("v42", "served")]
        assert ("v41", "quarantined") in platform.marked[1]
        assert len(platform.marked) == 2


@virtual
async def test_only_the_releases_that_served_last_are_marked():
    platform = APlatform()
    async with at_work(platform) as work:
        for number in range(15):
            await work.store.adopt(
                *PLACE, a_release(f"v{number}"), NOON - hours(1000 - 40 * number), adopted=False
            )
        await a_keeper(work).go_round()

        assert [tag for tag, _ in platform.marked[0]] == [f"v{number}" for number in range(5, 15)]


@virtual
async def test_a_service_whose_watch_moved_is_marked_at_once_and_the_others_on_the_beat():
    platform = APlatform()
    async with at_work(platform, services=[a_service(), a_service(name="cart")]) as work:
        keeper = a_keeper(work)
        await keeper.go_round()
        await knows(work, "v41")
        await knows(work, "v7", place=("cart", "production", "service"))

        work.bells.after_move(("checkout", "production"))
        work.bells.after_move(("gone", "production"))
        assert work.bells.marks.is_set()
        await keeper.go_round()
        at_once = len(platform.marked)
        await asyncio.sleep(60)
        await keeper.go_round()

        assert at_once == 1
        assert platform.marked[1] == [("v7", "served")]


@virtual
async def test_in_shadow_no_mark_is_ever_written():
    platform = APlatform()
    async with at_work(platform, services=[a_service(a_policy(Mode.SHADOW))]) as work:
        await knows(work, "v42")
        await rounds(a_keeper(work), 10, 60)

        assert platform.marked == []


@virtual
async def test_marks_that_cannot_be_written_are_said_once_and_tried_again_more_and_more_seldom():
    platform = APlatform(refuses="AccessDenied: ecs:TagResource")
    async with at_work(platform) as work:
        await knows(work, "v42")
        keeper = a_keeper(work)

        with capture_logs() as log:
            await rounds(keeper, 60, 60)
            tried = len(platform.marked)
            platform.refuses = ""
            await rounds(keeper, 60, 60)

        assert tried == 6  # after 0, 1, 3, 7, 15 and 31 minutes
        assert len(platform.marked) == tried + 1
        assert [(line["event"], line.get("words")) for line in log] == [
            ("marks.unwritten", "AccessDenied: ecs:TagResource"),
            ("marks.recovered", None),
        ]


@virtual
async def test_a_part_that_a_reload_renames_while_it_waits_for_its_turn_is_no_bug():
    slow, last = APlatform(does=lambda: asyncio.sleep(10)), APlatform()
    async with at_work() as work:
        names = [*(f"a{number}" for number in range(AT_ONCE)), "checkout"]
        services = {(name, "production"): a_service(name=name) for name in names}
        targets = {key: {"service": slow} for key in services} | {WHERE[0]: {"service": last}}
        work.current.swap(Fleet(services, targets))
        for name in names:
            await knows(work, "v42", place=(name, "production", "service"))
        with capture_logs() as log:
            going = asyncio.ensure_future(a_keeper(work).go_round())
            await asyncio.sleep(1)
            work.current.swap(Fleet(services, targets | {WHERE[0]: {"renamed": APlatform("renamed")}}))
            await going

        assert not [line for line in log if line["event"] == "loop.failed"]
        assert len(last.marked) == 1


@pytest.mark.parametrize("does", [hang, blunder])
@virtual
async def test_a_platform_that_hangs_or_has_a_bug_keeps_no_other_from_being_marked(does):
    ill, well = APlatform(does=does), APlatform()
    async with at_work() as work:
        services = {("cart", "production"): a_service(name="cart"), ("checkout", "production"): a_service()}
        work.current.swap(
            Fleet(
                services,
                {("cart", "production"): {"service": ill}, ("checkout", "production"): {"service": well}},
            )
        )
        for name in ("cart", "checkout"):
            await knows(work, "v42", place=(name, "production", "service"))
        await rounds(a_keeper(work), 3, 1)

        assert len(well.marked) == 1
        assert len(ill.marked) == 1


# ----------------------------------------------------------------------------------------------------------- recalling


@virtual
async def test_what_the_platform_remembers_is_the_ledger():
    bad = {"sha256:v41": (NOON - hours(200), "errors")}
    platform = APlatform(remembers=replace(V42, proven={"sha256:v42": NOON - hours(9)}, quarantined=bad))
    async with at_work(platform) as work:
        keeper = a_keeper(work)
        assert await waits(work, keeper)
        await keeper.go_round()

        ledger = await work.store.ledger(*PLACE)
        assert [(span.fingerprint, span.start) for span in ledger.spans] == [
            ("sha256:v41", NOON - hours(300)),
            ("sha256:v42", NOON - hours(200)),
        ]
        assert platform.marked == [[("v41", "quarantined"), ("v42", "proven")]]
        assert not await waits(work, keeper)
        assert keeper.recollection.take_news() == {WHERE[0]}
        assert keeper.recollection.take_news() == set()


@virtual
async def test_a_platform_that_remembers_nothing_is_not_asked_again():
    platform = APlatform(remembers=Recalled())
    async with at_work(platform) as work:
        keeper = a_keeper(work)
        await waits(work, keeper)
        await rounds(keeper, 3, 60)

        assert platform.recalls == 1
        assert not await waits(work, keeper)
        assert (await work.store.ledger(*PLACE)).entries == ()


@virtual
async def test_a_part_that_runs_elsewhere_meanwhile_is_waited_for_no_longer():
    async with at_work(APlatform()) as work:
        keeper = a_keeper(work)
        await waits(work, keeper)
        work.current.swap(Fleet({WHERE[0]: a_service()}, {WHERE[0]: {"service": ATarget()}}))
        await keeper.go_round()

        assert keeper.recollection.take_news() == {WHERE[0]}
        assert work.bugs == []


@virtual
async def test_what_the_ledger_knows_or_no_platform_remembers_is_not_waited_for():
    async with at_work(APlatform()) as work:
        await knows(work, "v42")
        assert not await waits(work, a_keeper(work))
    async with at_work(ATarget()) as work:
        assert not await waits(work, a_keeper(work))


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        (APlatform(remembers=Unreadable("throttled")), "throttled"),
        (APlatform(live=Unreadable("away")), "away"),
        (APlatform(does=hang), "no answer within 70 s"),
        (APlatform(does=blunder), ""),
    ],
)
@virtual
async def test_it_is_asked_three_times_and_then_not_waited_for_any_more(platform, said):
    async with at_work(platform) as work:
        keeper = a_keeper(work)
        await waits(work, keeper)

        with capture_logs() as log:
            await rounds(keeper, 2, 5)
            tried = platform.recalls
            await rounds(keeper, 20, 5)

        assert platform.recalls == 3
        assert tried == 1 or platform.does is hang
        assert not await waits(work, keeper)
        assert [line["words"] for line in log if line["event"] == "ledger.unreadable"] == [said] * 3 * bool(
            said
        )
        assert [line["event"] for line in log].count("ledger.given_up") == 1


def our_own(live, recalled=V42):
    return with_our_own(recalled, live, NOON).served[-1]


def test_our_own_rollback_that_runs_is_what_serves_though_nobody_remembers_its_watch():
    v41 = a_release("v41")

    assert our_own(Live(v41, key=OURS, since=NOON - minutes(3))) == (v41, NOON - minutes(3))
    assert our_own(Live(a_release("v42"), v41, key=f"{OURS}.1")) == (v41, NOON)
    assert our_own(Live(v41, key=OURS, since=NOON - hours(999))) == (v41, NOON - hours(200))
    assert our_own(Live(v41, key=OURS), Recalled()) == (v41, NOON)


@pytest.mark.parametrize(
    "live",
    [
        Live(a_release("v42"), key=OURS),
        Live(a_release("v41")),
        Live(a_release("v41"), key="run-4711"),
        Live(a_release("v41"), key=f"{OURS} and more"),
        Live(None, key=OURS),
    ],
)
def test_anything_else_is_no_rollback_of_ours(live):
    assert with_our_own(V42, live, NOON) == V42


def test_ids_are_as_the_daemon_makes_them():

    assert our_own(Live(Release.of_tag("x"), key=f"{clock.new_id('w', NOON)}.12.1"))[0].tag == "x"


def test_a_rollback_past_the_daemon_is_one_of_ours_too():
    key = clock.new_id("direct", NOON)

    assert is_ours(key)
    assert is_ours(f"{key}.1")
    assert not is_ours(f"{key}.1.2")
    assert not is_ours(None)


@virtual
async def test_a_ledger_that_is_recalled_while_our_own_rollback_runs_ends_with_what_it_brought():
    async with at_work(APlatform(live=Live(a_release("v41"), key=OURS, since=NOON - minutes(3)))) as work:
        keeper = a_keeper(work)
        await waits(work, keeper)
        await keeper.go_round()

        assert (await work.store.ledger(*PLACE)).spans[-1].fingerprint == "sha256:v41"


@virtual
async def test_of_two_contents_under_one_tag_the_mark_of_the_newer_comes_last_also_when_only_the_older_changed():
    platform = APlatform()
    older, newer = (a_release("v7", fingerprint=f"sha256:{content}") for content in ("older", "newer"))
    async with at_work(platform) as work:
        keeper = a_keeper(work)
        for each, ago in ((older, 150), (newer, 99)):
            await work.store.adopt(*PLACE, each, NOON - hours(ago), adopted=False)
        await keeper.go_round()
        (written,) = keeper._written.values()
        del written[older.fingerprint]  # as if it stood otherwise by now
        await asyncio.sleep(61)
        await keeper.go_round()

        assert [tag for tag, _ in platform.marked[-1]] == ["v7", "v7"]
        assert len(platform.marked) == 2

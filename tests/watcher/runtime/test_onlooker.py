"""Providers that know only what they have seen themselves are kept looking at every service."""

from dataclasses import replace

from tests.builders import a_release
from tests.watcher.runtime.at_work import PLACE, AProvider, a_kind, at_work, blunder, now, virtual
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.onlooker import Onlooker


def an_onlooker(work, *, looks_itself=True):
    connected = Connected(a_kind(looks_itself=looks_itself), work.provider)
    return Onlooker(work.store, work.current, Inquiry({"http": connected}, work.metrics), work.boundary, now)


@virtual
async def test_it_asks_about_every_service_with_the_names_of_what_serves():
    class Notes(AProvider):
        names = None

        async def read(self, questions, window):
            self.names = [question.canary for question in questions]
            return await super().read(questions, window)

    notes = Notes()
    async with at_work(provider=notes) as work:
        await work.store.adopt(
            *PLACE, replace(a_release("v42"), names={"sentry": "checkout@42"}), now(), adopted=True
        )

        assert await an_onlooker(work).go_round() is False

        assert notes.names == [
            {"tag": "v42", "version": "v42", "fingerprint": "sha256:v42", "sentry": "checkout@42"}
        ]
        assert notes.calls[0][0] == ["checkout/production/health"]


@virtual
async def test_of_a_service_of_which_nothing_is_known_it_asks_without_names():
    async with at_work() as work:
        await an_onlooker(work).go_round()

        assert len(work.provider.calls) == 1


@virtual
async def test_other_providers_are_not_asked():
    async with at_work() as work:
        await an_onlooker(work, looks_itself=False).go_round()

        assert work.provider.calls == []


@virtual
async def test_a_bug_of_a_provider_is_reported_and_ends_no_round():
    async with at_work(provider=AProvider(does=blunder)) as work:
        await an_onlooker(work).go_round()

        assert len(work.bugs) == 1

"""What every store must do, whatever it is built on. A kind of store runs this suite, and says only how it is opened."""

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.contract.store.alerts import AlertsContract
from tests.contract.store.build import Clock
from tests.contract.store.changes import ChangesContract
from tests.contract.store.effects import ActionsContract, MessagesContract
from tests.contract.store.gates import GatesContract
from tests.contract.store.guards import GuardsContract
from tests.contract.store.inbox import InboxContract
from tests.contract.store.ledger import LedgerContract
from tests.contract.store.people import PeopleContract, SwitchContract, UpkeepContract
from tests.contract.store.relayed import RelayContract
from tests.contract.store.sharing import ChangedContract, SharingContract
from tests.contract.store.stepping import SteppingContract
from tests.contract.store.watches import WatchesContract
from watcher.store.store import Store


class StoreContract(
    InboxContract,
    WatchesContract,
    SharingContract,
    ChangedContract,
    GuardsContract,
    ActionsContract,
    MessagesContract,
    LedgerContract,
    AlertsContract,
    SwitchContract,
    PeopleContract,
    ChangesContract,
    GatesContract,
    UpkeepContract,
    RelayContract,
    SteppingContract,
):
    @abstractmethod
    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        """A store that is empty, with its files in *folder*, whose leases go by *clock*."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def store(self, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
        async with self.opened(tmp_path, clock) as store:
            yield store

import pytest

from tests.contract.target_contract import TargetContract
from tests.deploy.targets.programs import Programs


class TestCommand(TargetContract):
    """Two programs, started for real; the platform is a file that both know."""

    @pytest.fixture
    def world(self, tmp_path):
        return Programs(tmp_path)

"""The policies for flagd's document on the page of feature flags are enough, and no more than what is called."""

import json
import re
from typing import Any

from deploy.model import Begun, Release, Serving
from deploy.ports import AwsAccount
from deploy.targets.flagd import KIND, Settings
from tests.deploy.targets.flagd.stage import ACTOR, READER, Stage
from tests.docs.pages import ROOT
from tests.fakes.flagd import BUCKET, KEY, document, flag
from tests.watcher.commands import iam
from watcher.commands._init.names import Flags, Names
from watcher.commands._init.policies import flags_act_policy, flags_read_policy

PAGE = (ROOT / "docs/flags.md").read_text(encoding="utf-8")


def policy(of: str) -> Any:
    found = re.search(rf"^```json of {of}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, of
    return json.loads(found[1])


READ, ACT = policy("reading flags"), policy("putting flags")


FLAGS = Flags(Names(account="123456789012"), "shop-flags", "production/flags.json")


def everything(stage: Stage) -> None:
    """All that a document is asked for, and one rollback."""
    good = stage.live().release
    assert good is not None
    bad = stage.puts(document(new_checkout=flag("on")))
    stage.foretell(bad, good)
    assert isinstance(stage.begin(bad, good), Begun)
    stage.clock.go_on(seconds=10)
    assert stage.progress(bad, good) == Serving()
    assert [level for level, _ in stage.findings()] == ["ok"]


def test_with_both_policies_a_document_is_read_and_put_back():
    stage = Stage()
    stage.world.identities.role(READER, policies=[READ])
    stage.world.identities.role(ACTOR, policies=[ACT])

    everything(stage)

    assert [call for call in stage.world.calls if call.refused] == []


def test_they_are_those_that_init_writes_but_for_what_every_stack_reads():
    written = flags_read_policy(FLAGS)["Statement"]

    assert written[: len(READ["Statement"])] == READ["Statement"]
    assert flags_act_policy(FLAGS) == ACT
    assert {each["Sid"] for each in written[len(READ["Statement"]) :]} == {
        "ReadMetricsNoNarrowerResource",
        "ReadAlarms",
        "AskWhatTheRolesMay",
    }


def test_the_role_to_act_may_do_what_doctor_asks_for_and_nothing_to_another_document():
    def lacks(key: str) -> list[str]:
        settings = Settings(bucket=BUCKET, key=key)
        account = AwsAccount("main", "eu-central-1", "123456789012")
        return [
            each.action
            for each in KIND.needs(settings, account, Release.of_tag("x"))
            if not iam.allows(ACT, each)
        ]

    assert lacks(KEY) == []
    assert lacks("production/other.json") == ["s3:PutObject", "s3:GetObject"]


def test_each_action_is_awss_and_never_allowed_on_everything():
    for each in (READ, ACT):
        for action, resources, _ in iam.statements(each):
            assert iam.is_known(action)
            assert "*" not in resources

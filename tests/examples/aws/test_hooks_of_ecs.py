"""The hooks that the example sets on a service of ECS: AWS takes them, and nothing is to be said against them."""

import json

from botocore.session import Session
from botocore.validate import ParamValidator

from deploy.model import Level
from deploy.targets.ecs.examining import examine
from deploy.targets.ecs.service import service_of
from tests.examples.aws.setting import FOLDER

ASKED = json.loads((FOLDER / "ecs-canary-with-hooks.json").read_text(encoding="utf-8"))


def test_it_is_what_update_service_is_given():
    shape = Session().get_service_model("ecs").operation_model("UpdateService").input_shape

    report = ParamValidator().validate(ASKED, shape)

    assert not report.has_errors(), report.generate_report()


def test_doctor_has_nothing_to_say_against_them():
    service = service_of({"serviceName": "checkout", **ASKED}, "shop")

    assert [each.level for each in examine(service)] == [Level.OK]
    assert service.strategy.pauses == ("PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")

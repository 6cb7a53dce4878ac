"""moto: what it says otherwise than AWS, by the test that shows it, and what it does not have at all.

Each entry is held to: it fails once moto does as AWS does, and is to be taken out then.
"""

import importlib
import inspect
from collections.abc import Mapping

from moto.core.responses import BaseResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from tests.contract.emulators.tapped import App


def app() -> App:
    """moto, with what it knows by now: its state is the process's."""
    dispatched: App = DomainDispatcherApplication(create_backend_app)
    return dispatched


_NO_TIME = "moto knows no time: what is written is read at once, and nothing is ever on its way"

# By target and test.
DISAGREEING: Mapping[str, Mapping[str, str]] = {
    "lambda": {
        "test_what_another_hand_does_between_the_look_and_the_call_is_not_undone": (
            "moto does not compare `RevisionId`, and gives an alias one for all its life; Lambda answers PreconditionFailedException"
        ),
        "test_a_release_that_has_no_traffic_is_found_beside_what_serves": (
            "moto has no GetProvisionedConcurrencyConfig, and answers it with the page 404 of a web server; Lambda answers"
            " ProvisionedConcurrencyConfigNotFoundException, or what is warm"
        ),
        "test_a_move_on_its_way_is_moving_until_it_serves": _NO_TIME,
        "test_a_shift_on_its_way_is_moving": _NO_TIME,
    },
    "load_balancer": {
        "test_a_move_on_its_way_is_moving_until_it_serves": _NO_TIME,
        "test_a_shift_on_its_way_is_moving": _NO_TIME,
    },
    "flagd": {"test_a_move_on_its_way_is_moving_until_it_serves": _NO_TIME},
}

# By target: the service, and operations without which nothing can be read or moved there.
NOT_THERE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "appconfig": ("appconfig", ("list_deployments", "get_deployment", "start_deployment", "stop_deployment")),
    "beanstalk": ("elasticbeanstalk", ("describe_instances_health", "update_environment")),
    "codedeploy": ("codedeploy", ("list_deployment_targets", "stop_deployment")),
    "ecs": (
        "ecs",
        ("list_service_deployments", "describe_service_deployments", "describe_service_revisions"),
    ),
}

# Targets whose calls moto may have, and which ask what it does not emulate.
UNANSWERED: Mapping[str, str] = {
    "s3_cloudfront": "moto has no edge: nothing serves the page, which is what the target asks for",
}


def operations(service: str) -> frozenset[str]:
    """Which moto has of a service, as moto names its package; in small letters, as boto3's methods are."""
    module = importlib.import_module(f"moto.{service}.responses")
    classes = [
        each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, BaseResponse)
    ]
    usual = set(dir(BaseResponse))
    return frozenset(name for each in classes for name in dir(each) if name not in usual)

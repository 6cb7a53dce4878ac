"""What moto says otherwise than AWS, by the class and the test that shows it; and what it does not have at all.

Each entry is held to: it fails once moto does as AWS does, and is to be taken out then.
"""

from collections.abc import Mapping

_NO_TIME = "moto knows no time: what is written is read at once, and nothing is ever on its way"

DISAGREEING: Mapping[tuple[str, str], str] = {
    ("TestLambdaOnMoto", "test_what_another_hand_does_between_the_look_and_the_call_is_not_undone"): (
        "moto does not compare `RevisionId`, and gives an alias one for all its life; Lambda answers PreconditionFailedException"
    ),
    ("TestLambdaOnMoto", "test_a_release_that_has_no_traffic_is_found_beside_what_serves"): (
        "moto has no GetProvisionedConcurrencyConfig, and answers it with the page 404 of a web server; Lambda answers"
        " ProvisionedConcurrencyConfigNotFoundException, or what is warm"
    ),
    ("TestLambdaOnMoto", "test_a_move_on_its_way_is_moving_until_it_serves"): _NO_TIME,
    ("TestLambdaOnMoto", "test_a_shift_on_its_way_is_moving"): _NO_TIME,
    ("TestLoadBalancerOnMoto", "test_a_move_on_its_way_is_moving_until_it_serves"): _NO_TIME,
    ("TestLoadBalancerOnMoto", "test_a_shift_on_its_way_is_moving"): _NO_TIME,
    ("TestFlagdOnMoto", "test_a_move_on_its_way_is_moving_until_it_serves"): _NO_TIME,
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

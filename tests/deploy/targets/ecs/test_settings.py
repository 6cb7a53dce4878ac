import pytest
from pydantic import ValidationError

from deploy.ports import AwsAccount
from deploy.targets.ecs import Settings, addresses, misplaced
from deploy.targets.ecs.settings import Balancer

HERE = "arn:aws:ecs:eu-central-1:123456789012"
ACCOUNT = AwsAccount("shop", "eu-central-1")
BALANCER, GROUP = "app/shop/0123456789abcdef", "targetgroup/web/fedcba9876543210"


def test_names_and_arns_mean_the_same():
    by_name = Settings(cluster="prod", service="web")
    by_arn = Settings(cluster=f"{HERE}:cluster/prod", service=f"{HERE}:service/prod/web")
    of_old = Settings(cluster="prod", service=f"{HERE}:service/web")

    for settings in (by_name, by_arn, of_old):
        assert (settings.cluster_name, settings.service_name) == ("prod", "web")


@pytest.mark.parametrize(
    "written",
    [
        {"cluster": "prod"},
        {"cluster": "prod", "service": ""},
        {"cluster": "prod", "service": "web two"},
        {"cluster": "prod", "service": "web\n"},
        {"cluster": "../prod", "service": "web"},
        {"cluster": f"{HERE}:service/prod/web", "service": "web"},
        {"cluster": "staging", "service": f"{HERE}:service/prod/web"},
        {"cluster": f"{HERE}:cluster/prod", "service": "arn:aws:ecs:us-east-1:123456789012:service/prod/web"},
        {
            "cluster": f"{HERE}:cluster/prod",
            "service": "arn:aws:ecs:eu-central-1:999999999999:service/prod/web",
        },
        {"cluster": "prod", "service": "web", "container": "a b"},
        {"cluster": "prod", "service": "web", "tags": {}},
        {"cluster": "prod", "service": "web", "behind": "something"},
        {"cluster": "prod", "service": "web", "behind": {"load_balancer": BALANCER}},
        {"cluster": "prod", "service": "web", "behind": {"load_balancer": "shop", "target_group": GROUP}},
        {
            "cluster": "prod",
            "service": "web",
            "behind": {"load_balancer": BALANCER, "target_group": BALANCER},
        },
    ],
)
def test_what_cannot_be_meant_is_refused(written):
    with pytest.raises(ValidationError):
        Settings.model_validate(written)


@pytest.mark.parametrize(
    ("written", "account", "address"),
    [
        ({}, AwsAccount("shop", "eu-central-1", "111122223333"), "ecs:eu-central-1:111122223333:prod/web"),
        ({}, ACCOUNT, "ecs:eu-central-1:*:prod/web"),
        ({"service": f"{HERE}:service/prod/web"}, ACCOUNT, "ecs:eu-central-1:123456789012:prod/web"),
    ],
)
def test_events_find_it_by_region_account_cluster_and_service(written, account, address):
    settings = Settings.model_validate({"cluster": "prod", "service": "web", **written})

    assert addresses(settings, account) == (address,)


def test_what_it_is_behind_is_told_by_name_or_arn_or_is_nothing():
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
    by_name = Balancer(load_balancer=BALANCER, target_group=GROUP)
    by_arn = Balancer(load_balancer=f"{arn}:loadbalancer/{BALANCER}", target_group=f"{arn}:{GROUP}")

    assert Settings(cluster="prod", service="web").behind is None
    assert Settings(cluster="prod", service="web", behind="nothing").behind == "nothing"
    for behind in (by_name, by_arn):
        assert (behind.load_balancer_name, behind.target_group_name) == (BALANCER, GROUP)


def test_without_an_account_there_is_no_address():
    assert addresses(Settings(cluster="prod", service="web"), None) == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"cluster": "prod", "service": "web"}, None),
        ({"cluster": f"{HERE}:cluster/prod", "service": "web"}, None),
        ({"cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/prod", "service": "web"}, "of us-east-1"),
        (
            {"cluster": "prod", "service": "arn:aws:ecs:eu-central-1:999999999999:service/prod/web"},
            "of 999999999999",
        ),
    ],
)
def test_an_arn_of_another_account_or_region_is_not_taken_for_a_name_here(written, said):
    wrong = misplaced(Settings(**written), AwsAccount("shop", "eu-central-1", "123456789012"))

    assert (wrong and said in wrong[0]) if said else wrong is None


def test_an_account_whose_id_nobody_told_is_any():
    arn = "arn:aws:ecs:eu-central-1:999999999999:service/prod/web"

    assert misplaced(Settings(cluster="prod", service=arn), ACCOUNT) is None

"""The fingerprint: the same content is the same release by whatever number, and anything else is another."""

import re
from copy import deepcopy
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model import FINGERPRINT, NAME
from deploy.targets.ecs.definition import Image, definition_of, fingerprint, only_a_tag, release_of, tag_of
from tests.fakes.aws.fixtures import NOON

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:41"

words = st.text("abcdefgh", min_size=1, max_size=6)
pairs = st.lists(st.tuples(words, words), max_size=5, unique_by=lambda pair: pair[0])


@st.composite
def definitions(draw):
    """The ``taskDefinition`` of DescribeTaskDefinition, of some containers."""
    names = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    containers = [
        {
            "name": name,
            "image": f"registry/{draw(words)}:{draw(words)}",
            "cpu": draw(st.integers(0, 4096)),
            "essential": draw(st.booleans()),
            "command": draw(st.lists(words, max_size=3)),
            "environment": [{"name": key, "value": value} for key, value in draw(pairs)],
            "secrets": [{"name": key, "valueFrom": value} for key, value in draw(pairs)],
            "portMappings": [
                {"containerPort": port} for port in draw(st.sets(st.integers(1, 9), max_size=3))
            ],
            "dockerLabels": dict(draw(pairs)),
        }
        for name in names
    ]
    return {
        "taskDefinitionArn": ARN,
        "family": "web",
        "revision": 41,
        "status": "ACTIVE",
        "registeredAt": NOON,
        "registeredBy": "arn:aws:iam::123456789012:role/pipeline",
        "compatibilities": ["EC2", "FARGATE"],
        "requiresAttributes": [{"name": "some"}],
        "cpu": "256",
        "networkMode": "awsvpc",
        "volumes": [{"name": name} for name in draw(st.lists(words, max_size=3, unique=True))],
        "containerDefinitions": containers,
    }


def registered_anew(told, draw_order):
    """The same content, as another revision of another family, in another order, with other words for nothing."""
    again = deepcopy(told) | {
        "taskDefinitionArn": f"{ARN}2",
        "family": "shop",
        "revision": 412,
        "status": "INACTIVE",
        "registeredAt": datetime.fromisoformat("2025-01-01T00:00:00Z"),
        "registeredBy": "arn:aws:iam::123456789012:user/somebody",
        "deregisteredAt": NOON,
        "requiresAttributes": [],
        "compatibilities": ["EC2"],
        "placementConstraints": [],
        "pidMode": None,
    }
    draw_order(again["containerDefinitions"])
    draw_order(again["volumes"])
    for container in again["containerDefinitions"]:
        for name in ("environment", "secrets", "portMappings"):
            draw_order(container[name])
        container["mountPoints"] = []
    return again


def of(told, digest=DIGEST):
    definition = definition_of(told)
    return fingerprint(definition, {image.container: digest for image in definition.images})


@given(definitions(), st.randoms(use_true_random=False))
def test_the_same_content_under_another_number_is_the_same_release(told, chance):
    assert of(told) == of(registered_anew(told, chance.shuffle))


@given(definitions(), words)
def test_the_name_of_an_image_says_nothing_where_its_digest_is_known(told, name):
    other = deepcopy(told)
    other["containerDefinitions"][0]["image"] = f"another/{name}:{name}"

    assert of(other) == of(told)


CHANGES = [
    lambda told: told["containerDefinitions"][0]["environment"].append({"name": "ADDED", "value": "x"}),
    lambda told: told["containerDefinitions"][0]["secrets"].append({"name": "ADDED", "valueFrom": "x"}),
    lambda told: told["containerDefinitions"][0]["command"].append("--debug"),
    lambda told: told["containerDefinitions"][0].update(cpu=5000),
    lambda told: told["containerDefinitions"][0].update(
        essential=not told["containerDefinitions"][0]["essential"]
    ),
    lambda told: told["containerDefinitions"][0].update(stopTimeout=120),
    lambda told: told["containerDefinitions"][0]["dockerLabels"].update(ADDED=""),
    lambda told: told["containerDefinitions"].append({"name": "added", "image": "sidecar:1"}),
    lambda told: told.update(cpu="512"),
    lambda told: told.update(taskRoleArn="arn:aws:iam::123456789012:role/task"),
]


@pytest.mark.parametrize("change", CHANGES)
@settings(max_examples=25)
@given(told=definitions())
def test_the_same_image_with_another_setting_is_another_release(change, told):
    other = deepcopy(told)
    change(other)

    assert of(other) != of(told)


@given(definitions())
def test_another_image_is_another_release(told):
    assert of(told, DIGEST) != of(told, OTHER)


@given(definitions())
def test_the_order_of_a_command_means_something(told):
    one, two = deepcopy(told), deepcopy(told)
    one["containerDefinitions"][0]["command"] = ["serve", "--fast"]
    two["containerDefinitions"][0]["command"] = ["--fast", "serve"]

    assert of(one) != of(two)


@given(definitions())
def test_a_fingerprint_fits_and_no_value_of_the_definition_is_kept(told):
    told["containerDefinitions"][0]["environment"] = [{"name": "PASSWORD", "value": "s3cret-of-the-shop"}]
    definition = definition_of(told)

    assert re.fullmatch(FINGERPRINT, of(told))
    assert "s3cret" not in repr(definition)


@given(definitions())
def test_names_fit_their_grammar(told):
    definition = definition_of(told)
    release = release_of(definition, {image.container: DIGEST for image in definition.images}, None)

    assert release is not None
    assert all(re.fullmatch(NAME, name) for name in release.names.values())
    assert release.names["task_definition"] == "web:41"


def told_of(*containers):
    return {
        "taskDefinitionArn": ARN,
        "family": "web",
        "revision": 41,
        "containerDefinitions": list(containers),
    }


def test_one_digest_that_is_not_known_leaves_all_unknown():
    definition = definition_of(
        told_of({"name": "web", "image": "shop:1"}, {"name": "proxy", "image": "envoy:1"})
    )

    assert fingerprint(definition, {"web": DIGEST}) is None
    assert release_of(definition, {"web": DIGEST}, None) is None
    assert fingerprint(definition, {"web": DIGEST, "proxy": OTHER}) is not None


def test_a_pinned_image_is_what_it_is_pinned_to_whatever_else_is_told():
    definition = definition_of(told_of({"name": "web", "image": f"shop:1@{DIGEST}"}))

    assert definition.is_pinned
    assert fingerprint(definition, {}) == fingerprint(definition, {"web": OTHER})


def test_an_image_whose_version_is_not_kept_consistent_is_known_by_its_name():
    container = {"name": "web", "image": "shop:1", "versionConsistency": "disabled"}
    definition = definition_of(told_of(container))
    other = definition_of(told_of({**container, "image": "shop:2"}))

    assert definition.is_pinned
    assert fingerprint(definition, {}) == fingerprint(definition, {"web": DIGEST})
    assert fingerprint(definition, {}) != fingerprint(other, {})


def test_the_release_is_named_by_the_container_that_is_asked_for_or_the_first_essential_one():
    definition = definition_of(
        told_of(
            {"name": "init", "image": "init:7", "essential": False},
            {"name": "web", "image": "shop:1.4"},
            {"name": "proxy", "image": "envoy:9"},
        )
    )

    assert only_a_tag(definition, None).names["version"] == "1.4"
    assert only_a_tag(definition, "proxy").names["version"] == "9"
    assert "version" not in only_a_tag(definition, "nobody").names


@pytest.mark.parametrize(
    ("written", "repository", "tag", "digest"),
    [
        ("shop:1", "shop", "1", None),
        ("shop", "shop", "latest", None),
        ("localhost:5000/shop", "localhost:5000/shop", "latest", None),
        ("localhost:5000/shop:1", "localhost:5000/shop", "1", None),
        (f"a/shop@{DIGEST}", "a/shop", None, DIGEST),
        (f"a/shop:1@{DIGEST}", "a/shop", "1", DIGEST),
        ("shop:1@nonsense", "shop", "1", None),
    ],
)
def test_an_image_is_read_as_registries_write_it(written, repository, tag, digest):
    image = Image("web", written)

    assert (image.repository, image.tag, image.digest) == (repository, tag, digest)


def test_the_tag_of_an_arn_is_family_and_revision():
    assert tag_of(ARN) == "web:41"
    assert tag_of("web:41") == "web:41"

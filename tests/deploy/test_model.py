import re

import pytest

from deploy.model import FINGERPRINT, NAME, SERVICE, TAG, Deployment, PartChange, Release
from tests.deploy.platform import release
from tests.deploy.test_tags import NOON


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Release("sha256:a", "v1"), Release("sha256:a", "v1"), True),
        (Release("sha256:a", "v1"), Release("sha256:a", "v1-again"), True),
        (Release("sha256:a", "latest"), Release("sha256:b", "latest"), False),
        (Release("sha256:a", "v1"), Release.of_tag("v1"), True),
        (Release("sha256:a", "v1"), Release.of_tag("v2"), False),
        (Release.of_tag("v1"), Release.of_tag("v1"), True),
    ],
)
def test_releases_are_the_same_by_content_and_by_tag_only_where_the_content_is_not_known(one, other, same):
    assert one.is_same_as(other) is same
    assert other.is_same_as(one) is same


def test_a_release_of_which_only_the_tag_is_known_says_so():
    assert Release.of_tag("v1") == Release("tag:v1", "v1")
    assert Release.of_tag("v1").is_only_a_tag
    assert not release("v1").is_only_a_tag


def test_a_deployment_is_identified_by_all_its_parts():
    parts = PartChange("web", None, release("v1")), PartChange("worker", None, release("v2"))

    assert Deployment("checkout", "production", parts, NOON, "live").fingerprint == "sha256:v1+sha256:v2"


GOOD_TAGS = [
    "v1",
    "1.10",
    "_x",
    "checkout:42",
    "repo/image:1.2@sha256:0a",
    "a+b",
    "v1..2",
    "a" * 128,
    "releases/2026-11-24",
]
HOSTILE = [
    "",
    "--help",
    "-rf",
    "$(x)",
    "`x`",
    "a b",
    "a\n",
    "\na",
    "a\0",
    "a;b",
    "a|b",
    "a'b",
    "é",
    "\uff21",
    "a\u202eb",
    "../etc",
    "a/../b",
    "a/..",
    "..",
    "/etc/passwd",
    "a" * 300,
    "${tag}",
    "a%0a",
    "a\\b",
    "\u0663",
]


@pytest.mark.parametrize("tag", GOOD_TAGS)
def test_tags_of_every_registry_fit(tag):
    assert re.fullmatch(TAG, tag)


@pytest.mark.parametrize("tag", HOSTILE)
@pytest.mark.parametrize("grammar", [TAG, FINGERPRINT, SERVICE])
def test_nothing_fits_that_could_be_read_as_more_than_a_name(grammar, tag):
    assert not re.fullmatch(grammar, tag)


def test_names_of_signal_systems_fit():
    assert re.fullmatch(NAME, "checkout@4.3+build-7")

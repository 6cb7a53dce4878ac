"""What a revision is: by its content, and never by a name that somebody may have overwritten."""

import re
from typing import Any

import pytest

from deploy.model import FINGERPRINT, NAME, TAG, Release
from deploy.targets.codedeploy.revision import revision_of
from tests.deploy.targets.codedeploy.revisions import bundle, commit, etag


def of(told: Any) -> Release:
    found = revision_of(told)
    assert found is not None
    return found.release


def test_a_bundle_is_its_etag_whatever_it_is_called():
    assert of(bundle(1)).fingerprint == f"etag:{etag(1)}"
    assert of(bundle(1)).is_same_as(of(bundle(1, key="elsewhere/app.zip", version="other")))


def test_an_etag_is_the_same_with_and_without_its_quotes():
    assert of(bundle(1, eTag=f'"{etag(1)}"')).fingerprint == of(bundle(1)).fingerprint


def test_a_bundle_without_an_etag_is_its_version_at_its_place():
    here, there = of(bundle(1, eTag=None)), of(bundle(1, eTag=None, bucket="other"))

    assert here.fingerprint.startswith("sha256:")
    assert not here.is_same_as(there)
    assert not here.is_same_as(of(bundle(1, eTag=None, version="v2")))
    assert not here.is_only_a_tag


def test_a_bundle_with_neither_is_known_by_its_name_alone():
    release = of(bundle(1, eTag=None, version=None))

    assert release.is_only_a_tag
    assert release.tag == "artifacts/shop/1.1.zip"


def test_a_commit_is_itself_in_its_repository():
    release = of(commit("4f2a9c"))

    assert release.fingerprint == "github:team/shop@4f2a9c"
    assert release.tag == "team/shop@4f2a9c"
    assert release.names == {"repository": "team/shop", "commit": "4f2a9c", "version": "4f2a9c"}


def test_a_bundle_has_the_names_by_which_people_call_it():
    assert of(bundle(1)).names == {
        "bucket": "artifacts",
        "key": "shop/1.1.zip",
        "file": "1.1.zip",
        "version": "1.1",
        "s3_version": "v1",
        "etag": etag(1),
    }


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz", ".tar.gz"])
def test_the_version_is_the_file_without_its_ending(ending):
    assert of(bundle(1, key=f"releases/shop-1.4.2{ending}")).names["version"] == "shop-1.4.2"


def test_of_two_versions_of_one_key_the_tags_differ():
    assert of(bundle(1)).tag == "artifacts/shop/1.1.zip@v1"
    assert of(bundle(1, version="v9", eTag="e9")).tag == "artifacts/shop/1.1.zip@v9"
    assert of(bundle(1, version=None)).tag == f"artifacts/shop/1.1.zip@{etag(1)}"


@pytest.mark.parametrize(
    "key", ["a" * 400 + ".zip", "with blanks/and=signs.zip", "../../etc/1.zip", "ünïcode.zip", "%%%"]
)
def test_a_key_that_is_no_tag_has_its_end_and_a_hash(key):
    release, other = of(bundle(1, key=key)), of(bundle(1, key=key, version="v2"))

    assert re.fullmatch(TAG, release.tag)
    assert re.fullmatch(FINGERPRINT, release.fingerprint)
    assert all(re.fullmatch(NAME, name) for name in release.names.values())
    assert release.tag != other.tag


def test_what_is_given_back_is_what_was_told():
    found = revision_of(bundle(1))

    assert found is not None
    assert found.told == bundle(1)
    assert found.is_for_instances
    assert not found.is_only_a_name


def test_what_is_of_lambda_and_ecs_is_its_hash_and_not_for_instances():
    told = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "ab" * 32}}
    found = revision_of(told)

    assert found is not None
    assert found.release.fingerprint == f"sha256:{'ab' * 32}"
    assert not found.is_for_instances
    assert revision_of({"revisionType": "Later"}) is not None


@pytest.mark.parametrize(
    ("content", "tag", "names"),
    [
        (
            '{"TaskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:42"}',
            "web:42",
            {"task_definition": "web:42", "family": "web", "revision": "42", "version": "42"},
        ),
        ('TargetVersion: "7"\n', "7", {"lambda_version": "7", "version": "7"}),
        ('{"CurrentVersion": "6", "TargetVersion": 7}', "7", {"lambda_version": "7", "version": "7"}),
        ("version: 0.0", "appspec", {}),
    ],
)
def test_an_appspec_is_called_after_what_it_deploys(content, tag, names):
    release_ = of(
        {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "ab" * 32, "content": content}}
    )

    assert release_.tag == f"{tag}@{'ab' * 8}"
    assert release_.names == names


def test_an_appspec_of_which_the_hash_alone_is_told_cannot_be_deployed_again():
    lacking = revision_of({"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "ab" * 32}})
    whole = revision_of(
        {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "ab" * 32, "content": "x"}}
    )

    assert lacking is not None
    assert whole is not None
    assert lacking.lacks_content == "ab" * 32
    assert whole.lacks_content is None


def test_where_there_is_none_there_is_none():
    assert revision_of(None) is None
    assert revision_of({}) is None

"""Lifecycle rules of S3: which of them take away what may be gone back to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.targets.aws.deleting import Taking, of_bundle, takings

OLD: Mapping[str, Any] = {"Expiration": {"Days": 30}}


def a_rule(**more: Any) -> Mapping[str, Any]:
    return {"ID": "tidy", "Status": "Enabled", **more}


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (a_rule(**OLD), [Taking("tidy", "deletes what is older than 30 days", "", leaves_versions=True)]),
        (
            a_rule(Prefix="shop/", **OLD),
            [Taking("tidy", "deletes what is older than 30 days", "shop/", leaves_versions=True)],
        ),
        (
            a_rule(Filter={"ObjectSizeLessThan": 9}, **OLD),
            [
                Taking(
                    *("tidy", "deletes what is older than 30 days and smaller than 9 bytes", ""),
                    leaves_versions=True,
                    of_some=True,
                )
            ],
        ),
        (
            a_rule(Filter={"Prefix": "shop/"}, Expiration={"Date": datetime(2026, 12, 1, tzinfo=UTC)}),
            [Taking("tidy", "deletes what is there on 2026-12-01", "shop/", leaves_versions=True)],
        ),
        (
            a_rule(
                Filter={"And": {"Prefix": "a/", "ObjectSizeGreaterThan": 1}},
                Transitions=[{"Days": 90, "StorageClass": "DEEP_ARCHIVE"}],
            ),
            [
                Taking(
                    "tidy", "archives what is older than 90 days and larger than 1 bytes", "a/", of_some=True
                )
            ],
        ),
        (
            a_rule(NoncurrentVersionExpiration={"NoncurrentDays": 7}),
            [
                Taking(
                    "tidy", "deletes versions 7 days after they were written over", "", only_old_versions=True
                )
            ],
        ),
        (
            a_rule(
                NoncurrentVersionExpiration={"NoncurrentDays": 7, "NewerNoncurrentVersions": 3},
                NoncurrentVersionTransitions=[
                    {"NoncurrentDays": 5, "StorageClass": "GLACIER"},
                    {"NoncurrentDays": 4, "StorageClass": "STANDARD_IA"},
                ],
            ),
            [
                Taking(
                    *("tidy", "deletes versions 7 days after they were written over, but the newest 3", ""),
                    only_old_versions=True,
                ),
                Taking(
                    *("tidy", "archives versions 5 days after they were written over", ""),
                    only_old_versions=True,
                ),
            ],
        ),
        (a_rule(Status="Disabled", **OLD), []),
        (a_rule(Filter={"Tag": {"Key": "release", "Value": "old"}}, **OLD), []),
        (a_rule(Filter={"And": {"Tags": [{"Key": "release", "Value": "old"}]}}, **OLD), []),
        (a_rule(Expiration={"ExpiredObjectDeleteMarker": True}), []),
        (a_rule(Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}]), []),
        (a_rule(Transitions=[{"Days": 30, "StorageClass": "GLACIER_IR"}]), []),
        (a_rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}), []),
    ],
)
def test_what_a_rule_takes_away(rule, found):
    assert list(takings([rule])) == found


@pytest.mark.parametrize(
    ("rule", "by_version", "concerned"),
    [
        (a_rule(**OLD), False, True),
        (a_rule(Prefix="shop/", **OLD), False, True),
        (a_rule(**OLD), True, False),  # a bucket that keeps versions marks it deleted, and keeps the version
        (a_rule(Transitions=[{"Days": 30, "StorageClass": "GLACIER"}]), True, True),
        (a_rule(Prefix="other/", **OLD), False, False),
        (a_rule(NoncurrentVersionExpiration={"NoncurrentDays": 7}), False, False),
        (a_rule(NoncurrentVersionExpiration={"NoncurrentDays": 7}), True, True),
    ],
)
def test_a_bundle_is_concerned_by_where_it_lies_and_by_how_it_is_named(rule, by_version, concerned):
    found = list(of_bundle([rule], "artifacts", "shop/1.zip", by_version=by_version, called="v1"))

    assert bool(found) is concerned
    if concerned:
        assert "the lifecycle rule 'tidy' of artifacts " in found[0].words
        assert found[0].words.endswith("whether or not it is deployed: so it does with v1")

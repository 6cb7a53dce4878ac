"""Whether a release goes by the names that an announcement hints at."""

import pytest

from deploy.model import Release
from deploy.targets.aws.hinting import goes_by, wanted

KNOWN, UNKNOWN = Release("sha256:1", "v1"), Release.of_tag("v1")


@pytest.mark.parametrize(
    ("release", "hints", "goes"),
    [
        (KNOWN, {"tag": "v1"}, True),
        (KNOWN, {"tag": "v2"}, False),
        (KNOWN, {"tag": "v1", "fingerprint": "sha256:1"}, True),
        (KNOWN, {"tag": "v1", "fingerprint": "sha256:2"}, False),
        (KNOWN, {"fingerprint": "sha256:1"}, True),
        (KNOWN, {"tag": "v1", "fingerprint": "tag:v1"}, True),  # whoever announced knew no content
        (UNKNOWN, {"tag": "v1", "fingerprint": "sha256:1"}, True),  # the platform knows none
        (KNOWN, {"version": "1.0"}, True),
        (KNOWN, {"version": "2.0"}, False),
        (KNOWN, {"tag": "v1", "version": "2.0"}, True),  # a name like any other
    ],
)
def test_by_tag_and_content_and_by_a_version_that_stands_alone(release, hints, goes):
    assert goes_by(release, hints, {"v1"}, {"1.0"}) is goes


def test_what_was_hinted_at_is_said_in_words_of_bounded_length():
    assert wanted({"tag": "v1", "version": "1.0", "part": "api"}) == "tag v1 version 1.0"
    assert len(wanted({"tag": "x" * 1000})) < 100

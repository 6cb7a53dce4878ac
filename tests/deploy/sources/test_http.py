import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model import Announcement, Phase
from deploy.source import Opening, Received, Rejected
from deploy.sources import http
from deploy.sources.http import KIND, MOST_BYTES, SAME_FOR, Settings
from tests.deploy.test_model import HOSTILE

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SAID = {"service": "checkout", "environment": "production", "tag": "v43"}


def read(body, *, key=None, at=NOON, principal="token:pipeline"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if key is None else {"idempotency-key": key}
    return KIND.open(Settings(), Opening("http")).read(Received(raw, headers, at, principal))


def announced(**more):
    found = read(SAID | more)
    assert isinstance(found, Announcement)
    return found


def rejected(body, **more):
    found = read(body, **more)
    assert isinstance(found, Rejected)
    return found


def dedup_key(body=None, **more):
    return read(body or SAID, **more).dedup_key


# -------------------------------------------------------------------------------------------------------- what is said


def test_the_least_that_can_be_said_is_a_complete_deployment_of_now():
    found = announced()

    assert (found.source, found.service, found.environment) == ("http", "checkout", "production")
    assert found.phase is Phase.COMPLETE
    assert found.at == NOON
    assert found.hints == {"tag": "v43"}
    assert found.platform_ids == ()


def test_all_that_can_be_said_is_a_hint():
    found = announced(
        fingerprint="sha256:abc",
        part="web",
        author="Ada L.",
        reversible=False,
        names={"sentry": "shop@4.3"},
        phase="started",
    )

    assert found.phase is Phase.STARTED
    assert found.hints == {
        "tag": "v43",
        "fingerprint": "sha256:abc",
        "part": "web",
        "author": "Ada L.",
        "reversible": "false",
        "sentry": "shop@4.3",
    }


def test_what_can_be_undone_says_so_only_when_it_is_said():
    assert announced(reversible=True).hints["reversible"] == "true"
    assert "reversible" not in announced(reversible=None).hints


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-24T14:02:10Z",
        "2026-11-24T15:02:10+01:00",
        "2026-11-24 14:02:10.000+00:00",
        "20261124T140210Z",
    ],
)
def test_a_time_is_kept_in_utc(written):
    assert announced(at=written).at == datetime(2026, 11, 24, 14, 2, 10, tzinfo=UTC)
    assert announced(at=written).at.tzinfo is UTC


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_old_news_and_news_from_the_future_are_read_and_left_to_the_intake(hours):
    at = NOON + timedelta(hours=hours)

    assert announced(at=at.isoformat()).at == at


def test_the_example_in_the_documentation_can_be_sent():
    example = str(http.__doc__).split("{", 1)[1].split("\n\n")[0]
    said = json.loads("{" + re.sub(r",  +[^\"\n]+$", ",", example, flags=re.MULTILINE))

    assert announced(**said).hints["sentry"] == "checkout@4.3"
    assert len(said) == 11


# ------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("body", "where", "why"),
    [
        (b"", "", "Invalid JSON"),
        (b"tag=v43", "", "Invalid JSON"),
        (b'{"service": "checkout"', "", "Invalid JSON"),
        (b'{"service": "\xff"}', "", "Invalid JSON"),
        (b"[" * 20_000, "", "recursion limit"),
        (b"[]", "", "should be an object"),
        (b"null", "", "should be an object"),
        ({}, "service", "service: Field required; environment: Field required; tag: Field required"),
        (SAID | {"service": "Checkout"}, "service", "service: 'Checkout' is not one"),
        (SAID | {"environment": 5}, "environment", "environment: Input should be a valid string"),
        (SAID | {"tag": None}, "tag", "tag: Input should be a valid string"),
        (SAID | {"tag": 1.10}, "tag", "tag: Input should be a valid string"),
        (SAID | {"phase": "done"}, "phase", "'started', 'shifted', 'paused', 'complete' or 'failed'"),
        (SAID | {"at": 1764000000}, "at", "not an ISO 8601 time with its zone"),
        (SAID | {"at": "1764000000"}, "at", "not an ISO 8601 time with its zone"),
        (SAID | {"at": "2026-11-24T14:02:10"}, "at", "not an ISO 8601 time with its zone"),
        (SAID | {"at": "yesterday"}, "at", "not an ISO 8601 time with its zone"),
        (SAID | {"at": "0001-01-01T00:00:00+14:00"}, "at", "not an ISO 8601 time with its zone"),
        (SAID | {"fingerprint": "-x"}, "fingerprint", "fingerprint: '-x' is not one"),
        (SAID | {"part": "a b"}, "part", "part: 'a b' is not one"),
        (SAID | {"names": {"tag": "v44"}}, "names.tag", "names.tag: 'tag' is not one"),
        (SAID | {"names": {"sentry": "a b"}}, "names.sentry", "names.sentry: 'a b' is not one"),
        (SAID | {"names": {f"n{n}": "x" for n in range(33)}}, "names", "at most 32 items"),
        (SAID | {"author": "a\u202eb"}, "author", "is not one"),
        (SAID | {"author": "a\nb"}, "author", "is not one"),
        (SAID | {"author": "x" * 129}, "author", "is not one"),
        (SAID | {"reversible": "false"}, "reversible", "valid boolean"),
        (SAID | {"reversible": 0}, "reversible", "valid boolean"),
        (SAID | {"id": "a b"}, "id", "is not one"),
        (SAID | {"version": "4.3"}, "version", "version: Extra inputs are not permitted"),
        (SAID | {"tag": "x" * MOST_BYTES}, "", "are too many"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_remedy(body, where, why):
    found = rejected(body)

    assert found.where == where
    assert why in found.why
    assert found.remedy


@pytest.mark.parametrize("tag", HOSTILE)
def test_a_hostile_tag_is_not_one(tag):
    assert rejected(SAID | {"tag": tag}).where == "tag"


def test_all_mistakes_are_told_at_once():
    found = rejected(
        {"service": "A", "environment": "B", "tag": "-", "phase": "x", "at": 1, "part": "C", "nonsense": 1}
    )

    assert found.where == "service"
    assert found.why.count(";") == 5
    assert found.why.endswith("; and 2 more")


def test_the_remedy_is_that_of_the_first_mistake():
    assert rejected(SAID | {"at": 5}).remedy.startswith("an ISO 8601 time with its zone, such as ")
    assert rejected(SAID | {"nonsense": 5}).remedy.startswith("a JSON object of service, environment, tag")


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.text(), lambda x: st.dictionaries(st.text(), x))
)
def test_whatever_arrives_is_read_or_rejected(body):
    assert isinstance(read(body), Announcement | Rejected)


@given(
    st.dictionaries(
        st.sampled_from([*SAID, "phase", "at", "names", "id"]),
        st.text(max_size=5) | st.integers() | st.none(),
    )
)
def test_whatever_is_said_in_our_words_is_read_or_rejected_with_a_place(said):
    found = read(SAID | said)

    assert isinstance(found, Announcement) or found.where


# ---------------------------------------------------------------------------------------------- the same message again


def test_the_same_key_of_the_same_sender_is_the_same_message():
    assert dedup_key(key="run-1") == dedup_key(SAID | {"tag": "v44"}, key="run-1")
    assert dedup_key(key="run-1") != dedup_key(key="run-2")


def test_two_senders_may_count_alike():
    assert dedup_key(key="1", principal="token:a") != dedup_key(key="1", principal="token:b")


def test_without_a_key_the_id_of_the_body_counts_for_its_service():
    assert dedup_key(SAID | {"id": "7"}) == dedup_key(SAID | {"id": "7", "phase": "started"})
    assert dedup_key(SAID | {"id": "7"}) != dedup_key(SAID | {"id": "7", "service": "cart"})


def test_the_key_wins_over_the_id():
    assert dedup_key(SAID | {"id": "7"}, key="1") == dedup_key(SAID | {"id": "8"}, key="1")


def test_without_both_the_same_bytes_are_the_same_message_for_some_minutes():
    assert dedup_key() == dedup_key(at=NOON + SAME_FOR / 2)
    assert dedup_key() != dedup_key(SAID | {"tag": "v44"})


def test_a_tag_that_is_deployed_again_later_in_the_same_words_is_news():
    assert dedup_key() != dedup_key(at=NOON + SAME_FOR)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\nb", "ü", "x" * 201])
def test_a_key_that_is_none_is_refused(key):
    assert rejected(SAID, key=key).where == "Idempotency-Key"


def test_settings_have_nothing_to_say_yet():
    with pytest.raises(ValidationError):
        Settings.model_validate({"path": "/hook"})

"""The document that was well is put over the one that is there, if it is still that one; and flagd is asked whether it gives it."""

import json
from datetime import timedelta

import pytest

from deploy.errors import AwsRefused
from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Move,
    Moving,
    Refused,
    Release,
    Serving,
    Unclear,
    Unreadable,
)
from deploy.ports import Got
from deploy.targets.flagd.document import MOST
from tests.deploy.targets.flagd.stage import ACTOR, MOVE
from tests.fakes.aws import AwsError
from tests.fakes.flagd import BUCKET, KEY, document, flag

OURS = {"flag": "new-checkout"}
IN_BETA = {"if": [{"$ref": "beta"}, "on", None]}


@pytest.fixture
def good_and_bad(stage) -> tuple[Release, Release]:
    """The whole document was well, and is not."""
    good = stage.puts(document(new_checkout=flag("off"), other=flag("off")))
    return good, stage.puts(document(new_checkout=flag("on"), other=flag("on")))


def test_the_version_that_was_well_is_put_there_again_byte_by_byte(stage, good_and_bad):
    good, bad = good_and_bad

    assert isinstance(stage.begin(bad, good), Begun)

    assert stage.body == document(new_checkout=flag("off"), other=flag("off")).encode()
    assert stage.sent() == ["PutObject"]
    assert isinstance(stage.progress(bad, good), Moving)  # flagd has not read it yet
    stage.clock.go_on(seconds=10)
    assert stage.progress(bad, good) == Serving()
    assert stage.live().key == MOVE


def test_what_somebody_puts_there_later_is_none_of_our_moves(stage, good_and_bad):
    good, bad = good_and_bad
    stage.begin(bad, good)
    stage.puts(document(new_checkout=flag("on")))

    assert stage.live().key is None


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_of_one_flag_its_state_and_default_variant_go_back_and_all_else_stays(stage, state):
    good = stage.puts(document(new_checkout=flag("off", state=state), other=flag("off")), **OURS)
    stage.puts(document(new_checkout=flag("on"), other=flag("off")), **OURS)
    bad = stage.puts(document(new_checkout=flag("on"), other=flag("on"), newer=flag()), **OURS)

    assert isinstance(stage.begin(bad, good, **OURS), Begun)

    flags = json.loads(stage.body)["flags"]
    assert flags == {"new-checkout": flag("off", state=state), "other": flag("on"), "newer": flag()}
    stage.clock.go_on(seconds=10)
    assert stage.progress(bad, good, **OURS) == Serving()


def test_what_is_no_content_of_a_flag_stays_as_it_is(stage):
    good = stage.puts(document(new_checkout=flag("off", metadata={"by": "ada"})), **OURS)
    bad = stage.puts(document(new_checkout=flag("on", metadata={"by": "eve"})), **OURS)

    stage.begin(bad, good, **OURS)

    assert json.loads(stage.body)["flags"]["new-checkout"] == flag("off", metadata={"by": "eve"})


def test_its_rules_go_back_too_where_they_were_changed(stage):
    good = stage.puts(document(new_checkout=flag("off", targeting={"if": [True, "off", None]})), **OURS)
    bad = stage.puts(
        document(new_checkout=flag("off", targeting={"if": [True, "on", None]}), other=flag()), **OURS
    )

    stage.begin(bad, good, **OURS)

    flags = json.loads(stage.body)["flags"]
    assert flags["new-checkout"]["targeting"] == {"if": [True, "off", None]}
    assert "other" in flags
    assert stage.progress(bad, good, **OURS) == Serving()


def test_where_shared_rules_were_changed_it_is_not_put_back_by_halves(stage):
    def told(gives: str, whom: str) -> str:
        evaluators = {"beta": {"in": [whom, {"var": "email"}]}}
        return json.dumps(
            {"flags": {"new-checkout": flag(gives, targeting=IN_BETA)}, "$evaluators": evaluators}
        )

    good = stage.puts(told("off", "@a"), **OURS)
    bad = stage.puts(told("on", "@b"), **OURS)

    answer = stage.begin(bad, good, **OURS)

    assert isinstance(answer, Refused)
    assert "`$evaluators` that it names were changed since" in answer.words
    assert stage.foretell(bad, good, **OURS).gone == (answer.words,)
    assert stage.sent() == []


@pytest.mark.parametrize(
    ("tag", "then"),
    [("disabled", flag("on", state="DISABLED")), ("enabled.off", flag("off")), ("enabled.blue", None)],
)
def test_what_its_tag_says_is_set_though_no_version_is_kept_that_had_it(stage, tag, then):
    stage.world.s3.find(BUCKET).versioned = False
    stage.world.s3.find(BUCKET).objects.clear()
    bad = stage.puts(document(new_checkout=flag("on")), **OURS)

    answer = stage.begin(bad, Release.of_tag(tag), **OURS)

    assert isinstance(answer, Begun if then else Refused)
    assert json.loads(stage.body)["flags"]["new-checkout"] == (then or flag("on"))


def test_what_somebody_puts_there_between_the_look_and_the_call_is_found_and_never_written_over(
    stage, good_and_bad
):
    good, bad = good_and_bad
    act = stage.aws.act

    class Meddled:
        read = stage.aws.read
        poll = stage.aws.poll

        @staticmethod
        async def act(*words, **more):
            stage.world.s3.put(BUCKET, KEY, document(other=flag("on")), stage.clock.go_on(seconds=1))
            return await act(*words, **more)

    stage.aws = Meddled()
    answer = stage.begin(bad, good)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "somebody has put another document there meanwhile" in answer.words
    assert stage.body == document(other=flag("on")).encode()
    assert isinstance(stage.progress(bad, good), Drifted)


def test_a_third_document_is_somebody_elses_and_is_not_undone(stage, good_and_bad):
    good, bad = good_and_bad
    third = stage.puts(document(new_checkout=flag("on")))

    answer = stage.begin(bad, good)

    assert isinstance(answer, Refused)
    assert answer.third_tag == third.tag
    assert isinstance(stage.progress(bad, good), Drifted)
    assert stage.sent() == []


def test_what_is_there_already_is_not_sent(stage, good_and_bad):
    good, bad = good_and_bad

    assert stage.begin(good, bad) == AlreadyThere()
    assert stage.sent() == []


def test_what_s3_does_not_keep_cannot_be_put_back_and_is_said_before(stage, good_and_bad):
    _, bad = good_and_bad
    never = Release("sha256:0", "000000000000")

    answer = stage.begin(bad, never)

    assert isinstance(answer, Refused)
    assert "no version of the document that S3 keeps has it" in answer.words
    assert stage.foretell(bad, never).gone == (answer.words,)


def test_a_bucket_without_versioning_is_said_before_it_is_needed(stage):
    stage.world.s3.find(BUCKET).versioned = False

    ((level, words),) = [each for each in stage.findings() if "versioning" in each[1]]
    assert level == "fail"
    assert words == "shop-flags has no versioning: there is nothing to go back to"


def test_while_flagd_gives_something_else_it_is_moving_and_why_is_said(stage, good_and_bad):
    good, bad = good_and_bad
    stage.flagd.every = timedelta(hours=10)
    stage.begin(bad, good)
    stage.clock.go_on(minutes=1)

    found = stage.progress(bad, good)

    assert isinstance(found, Moving)
    assert found.words == f"{good.tag} is in the bucket; flagd gives something else for other"
    assert ("warn", "flagd gives something else for other") in stage.findings()


def test_a_flag_that_gives_by_whom_it_is_asked_for_is_not_compared(stage):
    good = stage.puts(document(new_checkout=flag("on", targeting={"if": [True, "on", None]})))
    bad = stage.puts(document(new_checkout=flag("on")))
    stage.flagd.every = timedelta(hours=10)
    stage.begin(bad, good)

    assert stage.flagd.gives("new-checkout") == "off"
    assert stage.progress(bad, good) == Serving()


@pytest.mark.parametrize(
    "garbled",
    [Got(200, {}, b"<html>"), Got(200, {}, b"[]"), Got(503, {}, b"{}"), Got(200, {}, b'{"flags": 1}')],
)
def test_a_flagd_that_does_not_say_what_it_gives_is_never_taken_for_well(stage, good_and_bad, garbled):
    good, bad = good_and_bad
    stage.begin(bad, good)
    stage.clock.go_on(minutes=1)
    stage.flagd.garbled = garbled
    assert isinstance(stage.progress(bad, good), Moving)

    stage.flagd.garbled, stage.flagd.away = None, True

    found = stage.progress(bad, good)
    assert isinstance(found, Moving)
    assert "flagd cannot be asked" in found.words


def test_without_an_address_of_flagd_the_bucket_is_all_that_is_looked_at(stage, good_and_bad):
    good, bad = good_and_bad
    stage.begin(bad, good, serves=None)

    assert stage.progress(bad, good, serves=None) == Serving()
    assert stage.flagd.asked == []


@pytest.mark.parametrize("before", [True, False])
def test_what_may_have_happened_is_read_and_never_sent_again(stage, good_and_bad, before):
    good, bad = good_and_bad
    target = stage.target(serves=None)
    if before:
        stage.world.faults.fail("s3", "PutObject", error=AwsError("InternalError", "down", 500), times=None)
    else:
        stage.world.faults.lose_answer("s3", "PutObject")

    assert isinstance(stage.begin(bad, good, target), Unclear)
    assert isinstance(stage.progress(bad, good, target), Moving if before else Serving)
    stage.clock.go_on(minutes=3)
    assert isinstance(stage.progress(bad, good, target), Failed if before else Serving)
    assert len(stage.sent()) == 1


def test_a_role_that_may_not_is_told_in_awss_words_and_without_one_nothing_is_tried(stage, good_and_bad):
    good, bad = good_and_bad
    refused = stage.begin(bad, good, may_act=False)
    assert isinstance(refused, Refused)
    assert "no role to act" in refused.words
    stage.world.identities.role(ACTOR, {"s3:GetObject"})

    answer = stage.begin(bad, good)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "AccessDenied" in answer.words


def test_a_bucket_that_cannot_be_read_is_a_value_everywhere(stage, good_and_bad):
    good, bad = good_and_bad
    stage.world.faults.fail("s3", times=None)
    foretold, answer = stage.foretell(bad, good), stage.begin(bad, good)

    assert isinstance(stage.run(stage.target().observe()), Unreadable)
    assert isinstance(stage.progress(bad, good), Unreadable)
    assert isinstance(foretold, Foretold)
    assert foretold.unread
    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.findings()[0][0] == "fail"


def test_what_would_be_sent_is_foretold_with_how_a_person_does_it(stage, good_and_bad):
    good, bad = good_and_bad

    foretold = stage.foretell(bad, good)

    (call,) = foretold.calls
    assert call.startswith(
        f"s3:PutObject {good.tag} over s3://shop-flags/production/flags.json if its ETag is "
    )
    assert (
        "aws s3api copy-object --bucket shop-flags --key production/flags.json --copy-source"
        in foretold.by_hand
    )
    assert "versionId=" in foretold.by_hand
    assert foretold.obstacles == ()


def test_all_is_well_says_what_is_there(stage, good_and_bad):
    stage.clock.go_on(seconds=10)

    assert stage.findings(**OURS) == [
        ("ok", "new-checkout in s3://shop-flags/production/flags.json is enabled.on")
    ]


def test_where_nothing_is_kept_the_bad_document_is_never_taken_for_the_good_one(stage):
    stage.world.s3.find(BUCKET).versioned = False
    good = stage.puts(document(new_checkout=flag("off")))
    target = stage.target()
    stage.run(target.foretell(Move("service", Release.of_tag("x"), good)))  # reads the one that there is
    bad = stage.puts(document(new_checkout=flag("on")))

    answer = stage.begin(bad, good, target)

    assert isinstance(answer, Refused)
    assert "give the bucket versioning" in answer.words
    assert stage.sent() == []


@pytest.mark.parametrize("code", ["InvalidObjectState", "NoSuchVersion"])
def test_an_old_version_that_nobody_can_read_is_none_and_in_nobodys_way(stage, good_and_bad, code):
    good, bad = good_and_bad
    place = stage.world.s3.find(BUCKET)
    away = place.objects[KEY].values[0].id
    real = stage.aws

    class PutAway:
        act = real.act
        poll = real.poll

        @staticmethod
        async def read(scope, service, operation, **parameters):
            if parameters.get("VersionId") == away:
                raise AwsRefused(operation, code, "it is in Glacier", may_have_happened=False)
            return await real.read(scope, service, operation, **parameters)

    stage.aws = PutAway()

    assert isinstance(stage.begin(bad, good), Begun)
    assert stage.body == document(new_checkout=flag("off"), other=flag("off")).encode()


def test_an_old_version_that_is_too_large_is_not_even_read(stage):
    good = stage.puts(document(new_checkout=flag("off")))
    large = stage.world.s3.put(BUCKET, KEY, b" " * (2 * MOST + 1), stage.clock.go_on(minutes=1))
    bad = stage.puts(document(new_checkout=flag("on")))

    assert isinstance(stage.begin(bad, good), Begun)
    assert stage.body == document(new_checkout=flag("off")).encode()
    assert large.id not in [call.parameters.get("VersionId") for call in stage.world.calls]


def test_the_key_of_a_move_is_that_of_its_flag_and_of_no_other(stage):
    good = stage.puts(document(new_checkout=flag("off"), other=flag("off")), **OURS)
    bad = stage.puts(document(new_checkout=flag("on"), other=flag("off")), **OURS)

    stage.begin(bad, good, **OURS)

    assert stage.live(**OURS).key == MOVE
    assert stage.live(flag="other").key is None
    assert stage.live().key is None


@pytest.mark.parametrize(
    ("status", "code", "serves"),
    [
        (404, "FLAG_NOT_FOUND", True),
        (404, "FLAG_DISABLED", True),
        (500, "GENERAL", False),
        (401, ["x"], False),
    ],
)
def test_an_error_of_flagd_is_not_taken_for_a_flag_that_is_disabled(stage, status, code, serves):
    good = stage.puts(document(new_checkout=flag("on", state="DISABLED")), **OURS)
    bad = stage.puts(document(new_checkout=flag("on")), **OURS)
    stage.begin(bad, good, **OURS)
    stage.flagd.garbled = Got(status, {}, json.dumps({"key": "new-checkout", "errorCode": code}).encode())

    assert isinstance(stage.progress(bad, good, **OURS), Serving if serves else Moving)


def test_what_errs_for_nobody_may_be_right_for_somebody_and_is_not_compared(stage):
    rules = {"if": [{"var": "email"}, "on", None]}
    good = stage.puts(document(new_checkout=flag("on", targeting=rules)), **OURS)
    bad = stage.puts(document(new_checkout=flag("on")), **OURS)
    stage.begin(bad, good, **OURS)
    stage.flagd.garbled = Got(400, {}, b'{"key": "new-checkout", "errorCode": "TARGETING_KEY_MISSING"}')

    assert stage.progress(bad, good, **OURS) == Serving()


@pytest.mark.parametrize("settings", [{}, OURS], ids=["the document", "one flag"])
def test_the_type_of_the_document_stays(stage, settings):
    def puts(gives: str, kind: str) -> Release:
        at = stage.clock.go_on(minutes=1)
        stage.world.s3.put(BUCKET, KEY, document(new_checkout=flag(gives)), at, ContentType=kind)
        release: Release | None = stage.live(**settings).release
        assert release is not None
        return release

    good, bad = puts("off", "application/vnd.flagd+json"), puts("on", "application/json")

    stage.begin(bad, good, **settings)

    written = stage.world.s3.find(BUCKET).now(KEY)
    assert written is not None
    kind = "application/json" if settings else "application/vnd.flagd+json"
    assert written.headers["ContentType"] == kind

"""The vectors of the signature, made with another program: those of version 2 pass, and nothing that was changed."""

import base64

import pytest

from tests.watcher.signals.alert.senders.said import only
from tests.watcher.signals.alert.senders.sns.asking import (
    OF_VECTORS,
    VECTORS,
    a_topic,
    ask,
    line_of_vectors,
    unproven,
    vector,
)
from watcher.signals.alert.pushed import Mood, Told
from watcher.signals.alert.senders.sender import Unproven

NUMBERED = list(enumerate(VECTORS["vectors"]))
SECOND = [number for number, said in NUMBERED if said["body"]["SignatureVersion"] == "2"]
FIRST = [number for number, said in NUMBERED if said["body"]["SignatureVersion"] == "1"]
TOLD = [number for number in SECOND if VECTORS["vectors"][number]["body"]["Type"] == "Notification"]
SUBJECTLESS = [number for number in TOLD if "Subject" not in VECTORS["vectors"][number]["body"]]


def topic():
    return a_topic(OF_VECTORS)


def test_there_are_vectors_of_both_versions_with_a_subject_and_without():
    assert (len(FIRST), len(SECOND), len(TOLD), len(SUBJECTLESS)) == (3, 3, 2, 1)


@pytest.mark.parametrize("number", TOLD)
def test_a_notification_of_version_2_is_believed(number):
    alert = only(ask(vector(number), line_of_vectors(), topic()))

    assert (alert.name, alert.mood) == ("checkout-5xx", Mood.FIRING)


@pytest.mark.parametrize("number", FIRST)
def test_version_1_is_refused_though_it_is_signed(number):
    assert (
        "set the attribute SignatureVersion of the topic to 2"
        in unproven(vector(number), line_of_vectors(), topic()).why
    )


@pytest.mark.parametrize("number", FIRST)
def test_version_1_does_not_pass_for_version_2(number):
    assert (
        unproven(vector(number, SignatureVersion="2"), line_of_vectors(), topic()).why == "a wrong signature"
    )


@pytest.mark.parametrize("number", TOLD)
@pytest.mark.parametrize("member", ["Message", "MessageId", "Subject", "Timestamp"])
def test_no_member_that_is_signed_may_be_another(number, member):
    was = VECTORS["vectors"][number]["body"].get(member, "")
    change = was.replace("43:11", "43:12") if member == "Timestamp" else was + "x"

    assert unproven(vector(number, **{member: change}), line_of_vectors(), topic()).why == "a wrong signature"


def test_a_subject_cannot_be_taken_out():
    (number,) = set(TOLD) - set(SUBJECTLESS)

    assert unproven(vector(number, Subject=None), line_of_vectors(), topic()).why == "a wrong signature"


def test_a_notification_does_not_pass_for_a_confirmation():
    found = ask(vector(TOLD[0], Type="UnsubscribeConfirmation"), line_of_vectors(), topic())

    assert found == Unproven("a wrong signature")


@pytest.mark.parametrize("place", [0, 100, 255])
def test_no_byte_of_the_signature_may_be_another(place):
    signature = bytearray(base64.b64decode(VECTORS["vectors"][TOLD[0]]["body"]["Signature"]))
    signature[place] ^= 1
    change = base64.b64encode(signature).decode()

    assert unproven(vector(TOLD[0], Signature=change), line_of_vectors(), topic()).why == "a wrong signature"


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "é", "\x00", "A" * 2048])
def test_what_is_no_signature_is_refused(signature):
    assert "signature" in unproven(vector(TOLD[0], Signature=signature), line_of_vectors(), topic()).why


def test_the_confirmation_is_proven_and_ours_to_follow():
    (number,) = set(SECOND) - set(TOLD)
    line = line_of_vectors()

    found = ask(vector(number), line, topic())

    assert isinstance(found, Told)
    assert line.asked[-1] == VECTORS["vectors"][number]["body"]["SubscribeURL"]

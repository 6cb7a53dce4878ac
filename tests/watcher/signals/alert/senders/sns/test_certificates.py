"""Certificates: what they must be, and how seldom they are asked for."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.alerts import NOON
from tests.fakes.alerts.cloudwatch import CERTIFICATE, HOST, TOPIC, Line, a_certificate, a_key
from watcher.http import Request
from watcher.http.answer import Answer
from watcher.signals.alert.senders.sender import Unproven
from watcher.signals.alert.senders.sns.certificates import (
    AGAIN,
    MOST_FETCHED,
    MOST_KEPT,
    SPAN,
    Certificate,
    Certificates,
    read,
)
from watcher.signals.alert.senders.sns.settings import names_of

NAMES = names_of(TOPIC)
GOOD = a_certificate()


def url(number: int) -> str:
    return f"{HOST}/SimpleNotificationService-{number:032x}.pem"


async def get(
    kept: Certificates, line: Line, at: datetime = NOON, where: str = CERTIFICATE
) -> Certificate | Unproven:
    return await kept.at(line, where, NAMES, at)


# ------------------------------------------------------------------------------------------------------------ what one is


@pytest.mark.parametrize(
    "pem",
    [
        GOOD,
        GOOD + GOOD,
        a_certificate(name="sns-signing.eu-central-1.amazonaws.com"),
        a_certificate(name="anything", hosts=["sns.amazonaws.com"]),
        a_certificate(hosts=["sns-signing.eu-central-1.amazonaws.com", "sns.eu-central-1.amazonaws.com"]),
    ],
)
def test_what_sns_is_called_in_a_region_may_sign(pem):
    assert isinstance(read(pem, NAMES), Certificate)


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (b"", "is none"),
        (b"<html>", "is none"),
        (GOOD[:500], "is none"),
        (GOOD.replace(b"M", b"N"), "is none"),
        (a_certificate(name="evil.example"), "called 'evil.example'"),
        (a_certificate(name="sns.us-east-1.amazonaws.com"), "is called"),
        (a_certificate(name="sns.amazonaws.com.evil.example"), "is called"),
        (a_certificate(hosts=["evil.example"]), "called 'evil.example'"),
        (a_certificate(key=a_key(1024)), "at least 2048 bits"),
        (a_certificate(key=ec.generate_private_key(ec.SECP256R1())), "at least 2048 bits"),
    ],
)
def test_whatever_else_lies_there_signs_nothing(pem, why):
    found = read(pem, NAMES)

    assert isinstance(found, Unproven)
    assert why in found.why
    assert not found.later


DER = base64.b64decode("".join(a_certificate(hosts=["sns.amazonaws.com"]).decode().splitlines()[1:-1]))


def pem_of(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def test_a_certificate_of_a_version_to_come_is_none():
    third, sixth = (b"\xa0\x03\x02\x01" + bytes([version]) for version in (2, 5))
    assert third in DER

    assert read(pem_of(DER.replace(third, sixth)), NAMES) == Unproven(
        "what lies where SNS has its certificates is none"
    )


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=300)
@given(place=st.integers(0, len(DER) - 1), byte=st.integers(0, 255), cut=st.integers(1, len(DER)))
def test_a_spoilt_certificate_is_looked_at_without_raising(place, byte, cut):
    spoilt = (DER[:place] + bytes([byte]) + DER[place + 1 :])[: cut if cut % 2 else None]

    assert isinstance(read(pem_of(spoilt), NAMES), Certificate | Unproven)


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("arn:aws:sns:us-east-1:123456789012:a", "sns.amazonaws.com"),
        ("arn:aws:sns:af-south-1:123456789012:a", "sns-signing.af-south-1.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-east-1:123456789012:a", "sns-us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:a", "sns-cn-north-1.amazonaws.com.cn"),
    ],
)
def test_each_region_has_its_names(topic, name):
    assert name in names_of(topic)


def test_the_name_that_most_regions_share_is_none_of_the_government():
    assert "sns.amazonaws.com" not in names_of("arn:aws-us-gov:sns:us-gov-east-1:123456789012:a")


@pytest.mark.parametrize(("begin", "end"), [(1, 30), (-30, -1)])
async def test_one_that_is_not_valid_now_signs_nothing(begin, end):
    pem = a_certificate(begin=NOON + timedelta(days=begin), end=NOON + timedelta(days=end))

    found = await get(Certificates(), Line({CERTIFICATE: pem}))

    assert isinstance(found, Unproven)
    assert "is valid from" in found.why


async def test_one_that_was_good_ends_some_day():
    kept, line = Certificates(), Line()
    assert isinstance(await get(kept, line), Certificate)

    assert isinstance(await get(kept, line, datetime(2028, 1, 1, tzinfo=UTC)), Unproven)


# ------------------------------------------------------------------------------------------------------- how seldom asked


async def test_one_is_fetched_once():
    kept, line = Certificates(), Line()

    for minutes in range(100):
        assert isinstance(await get(kept, line, NOON + timedelta(minutes=minutes)), Certificate)

    assert line.asked == [CERTIFICATE]


class Slow(Line):
    """Answers once all who ask have asked."""

    async def send(self, request: Request) -> Answer:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await super().send(request)


async def test_who_waits_for_anothers_fetching_finds_what_it_has_found():
    kept, line = Certificates(), Slow()

    found = await asyncio.gather(*(get(kept, line) for _ in range(50)))

    assert all(isinstance(each, Certificate) for each in found)
    assert line.asked == [CERTIFICATE]


async def test_what_cannot_be_had_is_worth_sending_again_and_not_asked_for_at_once():
    kept, line = Certificates(), Slow()
    line.cut = True

    found = await asyncio.gather(*(get(kept, line) for _ in range(50)))

    assert all(isinstance(each, Unproven) and each.later for each in found)
    assert line.asked == [CERTIFICATE]


async def test_after_a_while_it_is_asked_for_again():
    kept, line = Certificates(), Line()
    line.cut = True
    await get(kept, line)
    line.cut = False

    assert isinstance(await get(kept, line, NOON + AGAIN - timedelta(seconds=1)), Unproven)
    assert isinstance(await get(kept, line, NOON + AGAIN), Certificate)


async def test_whoever_makes_addresses_up_cannot_make_us_ask_on_and_on():
    kept, line = Certificates(), Line({})

    found = [await get(kept, line, where=url(number)) for number in range(1000)]

    assert len(line.asked) == MOST_FETCHED
    assert isinstance(found[-1], Unproven)
    assert found[-1].later


async def test_a_minute_later_new_ones_are_asked_for():
    kept, line = Certificates(), Line({})
    for number in range(MOST_FETCHED):
        await get(kept, line, where=url(number))
    line.certificates = {CERTIFICATE: GOOD}

    assert isinstance(await get(kept, line, NOON + SPAN - timedelta(seconds=1)), Unproven)
    assert isinstance(await get(kept, line, NOON + SPAN), Certificate)


async def test_what_was_made_up_does_not_drive_out_what_is_good():
    kept, line = Certificates(), Line()
    await get(kept, line)

    for number in range(10 * MOST_KEPT):
        await get(kept, line, NOON + number * SPAN, where=url(number))
    await get(kept, line)

    assert line.asked.count(CERTIFICATE) == 1


async def test_only_so_many_are_kept_and_the_one_that_was_needed_last_stays():
    where = [url(number) for number in range(MOST_KEPT + 1)]
    kept, line = Certificates(), Line(dict.fromkeys(where, GOOD))
    first, *others = where
    for minutes, each in enumerate(where[:-1]):
        await get(kept, line, NOON + minutes * SPAN, each)
    later = NOON + timedelta(hours=1)
    await get(kept, line, later, first)
    await get(kept, line, later, others[-1])
    line.asked.clear()

    await get(kept, line, later, first)
    await get(kept, line, later, others[0])

    assert line.asked == [others[0]]

"""Documents: what is written is read again, by this version and by later ones."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from rules.model import Consequence
from rules.sample import Bucket, Counts, Series, Value
from rules.verdict import Because, Judgement, Outcome, Verdict
from tests.contract.store.build import NOON, a_watch, an_action, an_announcement, minutes
from watcher.core.watch import Button, Notice, OrderKind
from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.documents import (
    ACTION,
    ANNOUNCEMENT,
    NOTICE,
    WATCH,
    Document,
    decode_buckets,
    encode_buckets,
)


def strictly(text: str) -> Any:
    """The data in *text*, which must be JSON and nothing that only Python reads."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (WATCH, a_watch()),
        (ACTION, an_action(a_watch())),
        (ANNOUNCEMENT, an_announcement(platform_ids=("d-1",))),
        (
            NOTICE,
            Notice("3 % errors", ("a", "b"), (Button("Keep", OrderKind.KEEP, lasting=minutes(5)),), at=NOON),
        ),
    ],
    ids=["watch", "action", "announcement", "notice"],
)
def test_a_value_is_read_as_it_was_written_and_carries_its_version(document, value):
    text = document.encode(value)

    assert document.decode(text) == value
    assert strictly(text)["v"] == 1


@pytest.mark.parametrize("number", [math.inf, -math.inf, 1e300, 0.1])
def test_numbers_that_json_has_not_are_words(number):
    watch = a_watch(judgement=Judgement(NOON, Outcome.UNDECIDED, (), log10_e=number))

    text = WATCH.encode(watch)

    strictly(text)
    assert WATCH.decode(text) == watch


def test_not_a_number_stays_what_it_is():
    watch = a_watch(judgement=Judgement(NOON, Outcome.UNDECIDED, (), log10_e=math.nan))

    text = WATCH.encode(watch)

    strictly(text)
    judgement = WATCH.decode(text).judgement
    assert judgement is not None
    assert judgement.log10_e is not None
    assert math.isnan(judgement.log10_e)


def test_a_field_that_an_older_writer_did_not_know_has_its_default():
    data = json.loads(WATCH.encode(a_watch()))
    del data["stuck_words"], data["ending"]

    assert WATCH.decode(json.dumps(data)) == a_watch()


def test_a_verdict_for_a_reason_that_only_a_newer_version_knows_has_an_unknown_one():
    """Else a replica that is not upgraded yet could read no watch at all that is due with this one."""
    verdict = Verdict("r", "r", Consequence.TELL, Outcome.BREACHED, Because.BURN, "the moon is full")
    watch = a_watch(judgement=Judgement(NOON, Outcome.HEALTHY, (verdict,)))

    read = WATCH.decode(WATCH.encode(watch).replace('"burn"', '"phase_of_the_moon"'))

    assert read.judgement == Judgement(NOON, Outcome.HEALTHY, (replace(verdict, because=Because.UNKNOWN),))


def test_a_document_without_a_version_is_of_version_0():
    data = json.loads(WATCH.encode(a_watch()))
    del data["v"]

    assert WATCH.decode(json.dumps(data)) == a_watch()


def test_an_older_document_is_upgraded_step_by_step():
    def named(old: str, new: str):
        return lambda data: {new: data[old]} | {key: data[key] for key in data if key != old}

    later = Document(
        "announcement", ANNOUNCEMENT.adapter, 3, {1: named("origin", "sender"), 2: named("sender", "source")}
    )
    data = json.loads(ANNOUNCEMENT.encode(an_announcement()))
    data["origin"] = data.pop("source")

    assert later.decode(json.dumps(data)) == an_announcement()
    assert json.loads(later.encode(an_announcement()))["v"] == 3


def test_a_document_of_a_newer_version_is_refused_with_a_remedy():
    text = WATCH.encode(a_watch()).replace('{"v":1,', '{"v":2,')

    with pytest.raises(
        StoreTooNew, match="a watch was written as version 2, and this program knows up to 1"
    ) as caught:
        WATCH.decode(text)

    assert "newer" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "{", '{"v":1}', '{"v":1,"id":7}', '{"v":0}'])
def test_a_damaged_document_is_our_error(text):
    with pytest.raises(StoreUnavailable, match="a watch in the store cannot be read"):
        WATCH.decode(text)


def test_buckets_are_written_without_names_and_carry_their_version():
    buckets = (
        Bucket(NOON, NOON + minutes(1), Counts(1, 2)),
        Bucket(NOON, NOON + minutes(1), Value(math.inf)),
    )

    text = encode_buckets(buckets)

    assert decode_buckets(text) == buckets
    assert strictly(text)["v"] == 1
    assert "canary" not in text


def test_buckets_of_a_newer_version_are_refused():
    with pytest.raises(StoreTooNew, match="version 2"):
        decode_buckets('{"v":2,"buckets":[]}')


def test_a_measure_that_nobody_knows_is_our_error():
    text = encode_buckets(Series("errors", (Bucket(NOON, NOON, Counts(1, 2)),)).buckets)

    with pytest.raises(StoreUnavailable, match="no such measure: hunch"):
        decode_buckets(text.replace("counts", "hunch"))

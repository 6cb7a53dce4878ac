"""Which release it is that is to be deployed."""

import pytest

from tests.watcher.core.gate.builders import DIGEST, a_ledger, a_release, an_entry
from watcher.core.gate import Candidate
from watcher.core.gate.candidate import entries, is_one, is_same, known_as, may_be, may_be_one

OTHER = "sha256:" + "5" * 64
SHA = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"


@pytest.mark.parametrize(
    "asked",
    [
        Candidate(names={"digest": DIGEST}),
        Candidate(fingerprint=DIGEST),
        Candidate("checkout:9", names={"digest": DIGEST}),
        Candidate("v43"),
        Candidate(names={"version": "4.3"}),
        Candidate(names={"commit": SHA}),
        Candidate(names={"commit": SHA[:7]}),
    ],
)
def test_a_release_is_known_by_its_content_or_its_names(asked):
    release = a_release(version="4.3", image_tag=f"main-{SHA[:9]}")

    assert is_same(asked, release)
    assert may_be(asked, release)


@pytest.mark.parametrize(
    "asked",
    [
        Candidate("v44"),
        Candidate("v43", names={"digest": OTHER}),
        Candidate(names={"version": "4.4"}),
        Candidate(names={"repository": "shop/checkout"}),
        Candidate(names={"commit": "2" + SHA[1:]}),
        Candidate(names={"commit": "not-one"}),
    ],
)
def test_another_content_or_another_name_is_another_release(asked):
    release = a_release(version="4.3", repository="shop/checkout", image_tag=SHA[:9])

    assert not is_same(asked, release)
    assert not may_be(asked, release)


def test_names_that_contradict_each_other_may_be_meant_and_prove_nothing():
    asked = Candidate("v43", names={"version": "4.4"})

    assert may_be(asked, a_release(version="4.3"))
    assert not is_same(asked, a_release(version="4.3"))


def test_a_commit_that_is_told_in_short_contradicts_nothing():
    asked = Candidate("v43", names={"commit": SHA})

    assert is_same(asked, a_release(commit=SHA[:8]))
    assert not is_same(asked, a_release(commit="2222222"))


def test_what_a_pipeline_calls_a_fingerprint_may_be_anything_and_so_excludes_nothing():
    asked = Candidate("v43", fingerprint="build-4711")

    assert may_be(asked, a_release())
    assert not is_same(asked, a_release())


def test_a_release_of_which_only_the_tag_is_known_is_known_by_it():
    release = a_release(fingerprint="tag:v43", digest=None)

    assert is_same(Candidate("v43", names={"digest": DIGEST}), release)


def test_a_hash_without_its_padding_is_the_same():
    assert is_same(Candidate(names={"code": "abc="}), a_release(digest=None, code="abc"))


def test_the_very_fingerprint_names_one_release_whatever_else_is_called_so():
    ledger = a_ledger(an_entry(a_release()), an_entry(a_release(fingerprint="sha256:other-settings")))
    asked = Candidate("v43", "sha256:other-settings", {"digest": DIGEST})

    assert [entry.release.fingerprint for _, entry in entries(asked, [ledger])] == ["sha256:other-settings"]
    assert len(entries(Candidate("v43"), [ledger])) == 2


def test_what_a_name_is_made_of_is_taken_from_where_it_is_known():
    known = known_as(Candidate("v43"), [a_release(), a_release("v42", digest=OTHER)])

    assert known.names == {"digest": DIGEST}
    assert known.tag == "v43"


def test_a_name_of_two_contents_is_of_none():
    asked = Candidate("v43")

    assert known_as(asked, [a_release(), a_release(digest=OTHER)]) == asked
    assert known_as(asked, []) == asked


@pytest.mark.parametrize(
    ("one", "other", "sure", "perhaps"),
    [
        (Candidate("v43"), Candidate("v43"), True, True),
        (Candidate("v43"), Candidate("v44"), False, False),
        (Candidate("v43", names={"digest": DIGEST}), Candidate("v43"), False, True),
        (Candidate("v43", names={"digest": DIGEST}), Candidate("v44", DIGEST), True, True),
        (Candidate("v43", names={"digest": DIGEST}), Candidate("v43", OTHER), False, False),
    ],
)
def test_two_askings_are_of_one_release_by_content_and_else_by_all_their_names(one, other, sure, perhaps):
    assert is_one(one, other) is sure
    assert may_be_one(one, other) is perhaps


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Candidate("v43", "x"), "v43"),
        (Candidate(names={"version": "4.3", "digest": DIGEST}), "4.3"),
        (Candidate(names={"digest": DIGEST}), DIGEST),
        (Candidate(fingerprint="sha256:1"), "sha256:1"),
        (Candidate(names={"sentry": "checkout@4"}), "checkout@4"),
    ],
)
def test_it_is_called_by_what_people_know(asked, words):
    assert asked.words == words


def test_a_key_is_short_however_many_names_there_are_and_another_for_another_name():
    many = {f"system{number}": "x" * 128 for number in range(32)}
    keys = {Candidate("v43", names=many).key, Candidate("v43", names=many | {"system0": "y"}).key}

    assert len(keys) == 2
    assert all(len(key) <= 500 for key in keys)

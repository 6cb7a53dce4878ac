"""What flagd takes is a release, or one flag of it is; what it would not take is told with its place."""

import json

import pytest

from deploy.model import Live, Release, Unreadable
from deploy.targets.flagd.document import MOST, Document, read, release_of, with_flag
from tests.fakes.flagd import BUCKET, KEY, document, flag

IN_BETA = {"if": [{"$ref": "beta"}, "on", None]}


def test_a_document_is_known_by_its_content_and_not_by_how_it_is_written(stage):
    before = stage.puts(document(new_checkout=flag("on"), other=flag()))
    said = json.loads(stage.body)

    again = stage.puts(json.dumps(dict(reversed(said.items())), indent=7))

    assert again.is_same_as(before)
    assert len(before.tag) == 12
    assert not stage.puts(document(new_checkout=flag("off"), other=flag())).is_same_as(before)


def test_a_version_that_it_says_itself_is_a_name(stage):
    release = stage.puts(json.dumps({"metadata": {"version": "v42"}, "flags": {}}))

    assert release.names == {"version": "v42"}
    assert stage.run(stage.target().resolve({"version": "v42"})).is_same_as(release)
    assert stage.run(stage.target().resolve({"tag": release.tag})).is_same_as(release)
    assert isinstance(stage.run(stage.target().resolve({"version": "v41"})), Unreadable)


@pytest.mark.parametrize(
    ("told", "tag"),
    [
        (flag("on"), "enabled.on"),
        (flag("on", state="DISABLED"), "disabled"),
        ({"state": "ENABLED", "variants": {"a b": 1}, "defaultVariant": "a b"}, "enabled.other"),
        ({"state": "ENABLED", "variants": {"x": 1, "y": 2.5}}, "enabled.code"),
    ],
)
def test_how_one_flag_is_set_is_its_tag(stage, told, tag):
    assert stage.puts(document(new_checkout=told), flag="new-checkout").tag == tag


def test_of_one_flag_all_counts_that_decides_what_it_gives_and_no_other_flag(stage):
    ours = {"flag": "new-checkout"}
    bare = stage.puts(document(new_checkout=flag("on"), other=flag()), **ours)

    assert stage.puts(document(new_checkout=flag("on"), other=flag("on")), **ours).is_same_as(bare)
    assert stage.puts(document(new_checkout=flag("on", metadata={"by": "ada"})), **ours).is_same_as(bare)
    targeted = stage.puts(document(new_checkout=flag("on", targeting=IN_BETA)), **ours)
    assert not targeted.is_same_as(bare)
    assert targeted.tag.startswith("enabled.on@")


def test_the_shared_rules_that_a_flag_names_are_part_of_it():
    def told(rule: str, unused: str) -> Document:
        evaluators = {"beta": {"in": [rule, {"var": "email"}]}, "unused": {"in": [unused, {"var": "email"}]}}
        flags = {"new-checkout": flag("on", targeting=IN_BETA)}
        found = read(json.dumps({"flags": flags, "$evaluators": evaluators}).encode())
        assert isinstance(found, Document)
        return found

    def release(rule: str, unused: str = "x") -> str:
        found = release_of(told(rule, unused), "new-checkout")
        assert found is not None
        return found.fingerprint

    assert release("@a") == release("@a", unused="y")
    assert release("@a") != release("@b")


def test_so_are_the_shared_rules_that_these_name():
    def fingerprint(whom: str) -> str:
        evaluators = {
            "beta": {"or": [{"$ref": "staff"}, {"$ref": "beta"}]},
            "staff": {"in": [whom, {"var": "email"}]},
        }
        flags = {"new-checkout": flag("on", targeting=IN_BETA)}
        found = read(json.dumps({"flags": flags, "$evaluators": evaluators}).encode())
        assert isinstance(found, Document)
        release = release_of(found, "new-checkout")
        assert release is not None
        return release.fingerprint

    assert fingerprint("@a") == fingerprint("@a")
    assert fingerprint("@a") != fingerprint("@b")


def test_what_is_nested_as_deep_as_is_taken_is_a_release_and_can_be_written_again():
    rules = "{" + '"if": [' * 1 + "[" * 90 + "]" * 90 + "]}"
    body = document(new_checkout=flag("on", targeting="RULES")).replace('"RULES"', rules).encode()
    found = read(body)

    assert isinstance(found, Document), found
    made = with_flag(found, "new-checkout", None, Release.of_tag("disabled"))
    assert made is not None
    assert isinstance(read(made.body), Document)


def test_half_of_a_letter_stays_what_it_was_where_one_flag_is_written():
    found = read(document(new_checkout=flag("on"), other=flag(metadata={"by": "é\ud800"})).encode())
    assert isinstance(found, Document)

    made = with_flag(found, "new-checkout", None, Release.of_tag("disabled"))

    assert made is not None
    assert "é".encode() in made.body
    again = read(made.body)
    assert isinstance(again, Document)
    assert again.flags["other"] == found.flags["other"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[]", "it has no object `flags`"),
        (b'{"flags": []}', "it has no object `flags`"),
        (b'{"flags": {}, "metadata": 1}', "`metadata` and `$evaluators`"),
        (b'{"flags": {"a": 1}}', "flags.a: it is no object"),
        (b'{"flags": {"a": {"state": "on"}}}', "flags.a: `state` is ENABLED or DISABLED"),
        (b'{"flags": {"a": {"state": "ENABLED"}}}', "flags.a: `variants` has to be an object"),
        (
            b'{"flags": {"a": {"state": "ENABLED", "variants": {}}}}',
            "flags.a: `variants` has to be an object",
        ),
        (
            b'{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1, "y": true}}}}',
            "have to be of one type",
        ),
        (
            b'{"flags": {"a": {"state": "ENABLED", "variants": {"x": null, "y": true}}}}',
            "have to be of one type",
        ),
        (
            b'{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "defaultVariant": "y"}}}',
            "none of its variants",
        ),
        (
            b'{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1}, "targeting": "y"}}}',
            "`targeting` has to be",
        ),
        (b'{"flags": {"a": {}, "a": {}}}', "a name stands twice"),
        (b'{"flags": {"a": {"state": "ENABLED", "variants": {"x": NaN}}}}', "NaN is no number"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"flags": {}, "x": ' + b"[" * 101 + b"]" * 101 + b"}", "nested too deep"),
        (b'{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1e999}}}}', "1e999 is too large a number"),
        ('{"flags": {}}'.encode("utf-16"), "it is not JSON"),
        ('{"flags": {}}'.encode("utf-8-sig"), "it is not JSON"),
        (b'{"flags": {"a\\u001b[2J\\n": 1}}', "flags.a [2J: it is no object"),
        (b" " * (MOST + 1), f"more than {MOST} bytes"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_flagd_would_not_take_is_said_with_its_place(body, words):
    found = read(body)

    assert isinstance(found, str)
    assert words in found


def test_what_is_there_and_flagd_would_not_take_is_unreadable_and_never_a_release(stage):
    stage.world.s3.put(BUCKET, KEY, b"{}", stage.clock.go_on(minutes=1))

    found = stage.run(stage.target().observe())

    assert isinstance(found, Unreadable)
    assert (
        "flagd would not take s3://shop-flags/production/flags.json: it has no object `flags`" in found.words
    )
    assert stage.findings()[0][0] == "fail"


def test_a_flag_that_is_not_there_is_unreadable_and_a_document_that_is_gone_gives_nothing(stage):
    assert isinstance(stage.run(stage.target(flag="other").observe()), Unreadable)
    stage.world.s3.delete(BUCKET, KEY, stage.clock.go_on(minutes=1))

    assert stage.run(stage.target().observe()) == Live(None)
    assert stage.findings() == [("fail", "s3://shop-flags/production/flags.json is not there")]


def test_where_nothing_changed_looking_is_one_request(stage):
    target = stage.target()
    for _ in range(3):
        stage.run(target.observe())

    assert [call.operation for call in stage.world.calls if call.operation.endswith("Object")] == [
        "HeadObject", "GetObject", "HeadObject", "HeadObject",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("bucket", "Shop"),
        ("bucket", "a..b"),
        ("key", "../x"),
        ("key", ""),
        ("key", "a b"),
        ("flag", ""),
        ("flag", "a b"),
        ("serves", "flagd:8016"),
        ("serves", "http://flagd:8016/"),
        ("serves", "http://user@flagd"),
        ("serves", "http://flagd:99999"),
        ("serves", "http://flagd:0"),
        ("serves", "http://flagd/x?y"),
    ],
)
def test_what_cannot_be_is_refused_by_the_settings(stage, name, wrong):
    with pytest.raises(ValueError, match=name):
        stage.target(**{name: wrong})

"""What may be configured, what not, and what a page says of itself."""

import pytest
from pydantic import ValidationError

from deploy.model import Release
from deploy.ports import AwsAccount
from deploy.targets.s3_cloudfront import KIND, Settings
from deploy.targets.s3_cloudfront.page import MOST_READ, hash_of, read
from deploy.targets.s3_cloudfront.trace import Trace
from deploy.targets.s3_cloudfront.trace import read as read_trace
from tests.deploy.targets.s3_cloudfront.pages import SITE, page
from tests.fakes.aws.fixtures import NOON

TOLD = {"bucket": "shop-site", "distribution": "E2EXAMPLE1ABC", "site": SITE}
STORE = "arn:aws:cloudfront::123456789012:key-value-store/0a1b2c3d-0000-4000-8000-000000000000"
ACCOUNT = AwsAccount("shop", "eu-central-1", "123456789012")


def settings(**more) -> Settings:
    return Settings(**{**TOLD, **more})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bucket": "Shop_Site"}, "bucket"),
        ({"bucket": "shop/site"}, "bucket"),
        ({"distribution": "e2example"}, "distribution"),
        ({"site": "shop.example.com"}, "begins with https://"),
        ({"site": "https://user:secret@shop.example.com"}, "holds no user"),
        ({"site": "https://shop.example.com/"}, "ends without a slash"),
        ({"site": "https://shop.example.com/?a=b"}, "ends without a slash"),
        ({"releases": "releases"}, "releases"),
        ({"releases": "../"}, "releases"),
        ({"releases": "/releases/"}, "releases"),
        ({"root": "a/../"}, "root"),
        ({"index": "a/b.html"}, "index"),
        ({"invalidate": []}, "invalidate"),
        ({"invalidate": ["index.html"]}, "begins with a slash"),
        ({"invalidate": ["/a b"]}, "no blanks"),
        ({"invalidate": ["/*/index.html"]}, "at its end alone"),
        ({"invalidate": ["/"] * 16}, "invalidate"),
        ({"origin": "site"}, "`origin` belongs to"),
        ({"layout": "origin_path", "root": "site/"}, "`root` belongs to"),
        ({"layout": "key_value_store"}, "which needs it"),
        ({"store": STORE}, "belongs to `layout: key_value_store`"),
        ({"layout": "key_value_store", "store": "arn:aws:s3:::x"}, "`store` is an ARN such as"),
        ({"layout": "symlink"}, "layout"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        settings(**wrong)


def test_news_of_the_page_find_their_service_and_other_layouts_have_none():
    assert KIND.addresses(settings(root="www/"), ACCOUNT) == ("s3:shop-site/www/index.html",)
    assert KIND.addresses(settings(layout="origin_path"), ACCOUNT) == ()


def test_a_store_of_another_account_is_misplaced():
    there = settings(layout="key_value_store", store=STORE)

    assert KIND.misplaced(there, ACCOUNT) is None
    assert KIND.misplaced(there, AwsAccount("shop", "eu-central-1")) is None
    found = KIND.misplaced(there, AwsAccount("other", "eu-central-1", "999999999999"))
    assert found is not None
    assert "123456789012" in found[0]


@pytest.mark.parametrize(
    ("more", "actions"),
    [
        (
            {},
            [
                "s3:GetObject",
                "s3:GetObjectTagging",
                "s3:GetObject",
                "s3:PutObject",
                "s3:PutObjectTagging",
                "cloudfront:CreateInvalidation",
            ],
        ),
        (
            {"layout": "origin_path"},
            ["cloudfront:UpdateDistribution", "cloudfront:TagResource", "cloudfront:CreateInvalidation"],
        ),
        ({"layout": "key_value_store", "store": STORE}, ["cloudfront-keyvaluestore:UpdateKeys"]),
    ],
)
def test_to_act_it_needs_as_little_as_its_layout_takes(more, actions):
    needs = KIND.needs(settings(**more), ACCOUNT, Release("sha256:1", "v1"))

    assert [need.action for need in needs] == actions
    assert all(need.resource.startswith("arn:aws:") and "*" not in need.resource for need in needs)


def test_only_the_page_may_be_written_to():
    needs = KIND.needs(settings(), ACCOUNT, Release("sha256:1", "v1"))

    assert {need.resource for need in needs if "Put" in need.action} == {"arn:aws:s3:::shop-site/index.html"}


# ----------------------------------------------------------------------------------------------------------- a page


def test_a_page_names_its_scripts_and_styles_once_and_its_main_bundle():
    found = read(page("v1").encode(), SITE)

    assert found.files == ("styles-v1.css", "chunk-v1.js", "polyfills-v1.js", "main-v1.js")
    assert found.bundle == "main-v1.js"
    assert found.fingerprint == hash_of(page("v1").encode())


@pytest.mark.parametrize(
    ("written", "files"),
    [
        ('<script src="/a.js"></script>', ("a.js",)),
        ('<base href="/app/"><script src="a.js"></script>', ("app/a.js",)),
        ('<script src="https://shop.example.com/a.js?v=1#x"></script>', ("a.js",)),
        ('<script src="https://cdn.example.net/a.js"></script>', ()),
        ('<script src="data:text/javascript,1"></script>', ()),
        ('<script type="application/json" src="/a.json"></script>', ()),
        ('<link rel="icon" href="/a.ico"><link rel="alternate stylesheet" href="/b.css">', ()),
        (
            '<noscript><link rel="stylesheet" href="/a.css"></noscript><link rel="stylesheet" href="/b.css">',
            ("b.css",),
        ),
        ('<script src="/a.js"></script><script src="/a.js"/>', ("a.js",)),
        ('<script src="http://[broken/a.js"></script><script src="/b.js"></script>', ("b.js",)),
        ("<![CDATA[ <script src='/a.js'></script>", ()),
        ("<script src=>", ()),
        ("", ()),
    ],
)
def test_a_page_is_read_as_a_browser_reads_it(written, files):
    assert read(written.encode(), SITE).files == files


def test_a_page_that_is_made_to_hurt_is_read_in_no_time():
    """Of 200,000 tags that never end, and of one file named 100,000 times."""
    assert read(b"<" * 200_000, SITE).files == ()
    assert read(b'<script src="/a.js"></script>' * 50_000, SITE).files == ("a.js",)


def test_of_a_page_larger_than_any_only_the_beginning_is_looked_into():
    page_of = b'<script src="/a.js"></script>'.ljust(MOST_READ) + b'<script src="/b.js"></script>'

    found = read(page_of, SITE)

    assert found.files == ("a.js",)
    assert found.fingerprint == hash_of(page_of)


def test_a_bundle_that_is_no_name_is_not_told():
    found = read(b'<script src="/main x.js"></script>', SITE)

    assert found.release("v1").names == {"version": "v1"}


@pytest.mark.parametrize(
    ("told", "meta", "version"), [("v1", "v2", "v1"), (None, "v2", "v2"), (None, None, "v3")]
)
def test_a_release_is_called_as_its_object_says_else_as_its_page_says_else_as_its_prefix(told, meta, version):
    text = f'<meta name="release" content="{meta}">' if meta else ""

    assert read(text.encode(), SITE).release("v3", told).names["version"] == version


# ---------------------------------------------------------------------------------------------------------- a trace


@pytest.mark.parametrize("expect", ["v2", "x" * 128, None])
def test_a_trace_is_read_as_it_was_written_and_fits_into_a_tag(expect):
    trace = Trace("w_1.3.0", NOON, expect, "v" * 115)

    written = trace.written()

    assert written is not None
    assert len(written) <= 256
    assert read_trace(written) == (trace if expect != "x" * 128 else Trace("w_1.3.0", NOON, None, "v" * 115))


@pytest.mark.parametrize(
    "value", [None, "", "nonsense", "w_1 12 v2 v1", "w_1 1764000000 v2 ../etc", "w_1 1764000000 v2 v1 more"]
)
def test_what_anybody_else_wrote_there_is_no_trace(value):
    assert read_trace(value) is None

"""The CloudFront Function that shares a site out, run by Node with the part of the runtime that it uses.

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
"""

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.targets.s3_cloudfront.edge import BY_WEIGHT, HEADER
from deploy.targets.s3_cloudfront.shares import ASKED, written
from tests.fakes.aws.cloudfront.service import picked

FUNCTION = Path("examples/aws/site-by-weight.js")
# `cloudfront` as the runtime has it: `kvs().get` is asynchronous, and fails for a key that is not there.
MODULE = """\
export let value = null;
export function says(told) { value = told; }
async function get(key) {
  if (key !== 'release' || value === null) throw new Error('KeyNotFound');
  return value;
}
export default { kvs: () => ({ get }) };
"""
DRIVER = """\
import { readFileSync } from 'node:fs';
import { says } from 'cloudfront';
import { handler } from './function.mjs';
const answers = [];
for (const { value, event } of JSON.parse(readFileSync(0, 'utf8'))) {
  says(value);
  answers.push(await handler(event));
}
process.stdout.write(JSON.stringify(answers));
"""
NAMED = {"v1": "/releases/v1/index.html", "v2": "/releases/v2/index.html"}

NODE = shutil.which("node") or ""

pytestmark = pytest.mark.skipif(not NODE, reason="Node is not here: .ci/run installs it")


@pytest.fixture
def run(tmp_path):
    """Runs the function for one event after the other, each with what the key says then."""
    module = tmp_path / "node_modules" / "cloudfront"
    module.mkdir(parents=True)
    (module / "index.mjs").write_text(MODULE)
    (module / "package.json").write_text('{"name": "cloudfront", "exports": "./index.mjs"}')
    (tmp_path / "function.mjs").write_text(f"{FUNCTION.read_text()}\nexport {{ handler }};\n")
    (tmp_path / "driver.mjs").write_text(DRIVER)

    def runs(events: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        told = json.dumps([{"value": value, "event": event} for value, event in events])
        done = subprocess.run(
            [NODE, str(tmp_path / "driver.mjs")],
            check=False,
            input=told,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        answers: list[Any] = json.loads(done.stdout)
        return answers

    return runs


def asks(
    uri: str = "/", *, ip: str = "198.51.100.7", cookie: str | None = None, query: str | None = None
) -> dict[str, Any]:
    """A viewer's request."""
    return {
        "version": "1.0",
        "context": {"eventType": "viewer-request"},
        "viewer": {"ip": ip},
        "request": {
            "method": "GET",
            "uri": uri,
            "querystring": {} if query is None else {ASKED: {"value": query}, "q": {"value": "x"}},
            "headers": {"user-agent": {"value": "Mozilla/5.0 (X11; Linux x86_64)"}},
            "cookies": {} if cookie is None else {ASKED: {"value": cookie}},
        },
    }


def gets(type: str | None = "text/html; charset=utf-8", **request: Any) -> dict[str, Any]:
    """What a viewer's request is answered with, before the viewer has it."""
    headers = {HEADER: {"value": "v1"}} | ({"content-type": {"value": type}} if type else {})
    response = {"statusCode": 200, "headers": headers}
    return asks(**request) | {"context": {"eventType": "viewer-response"}, "response": response}


def test_a_name_is_what_everybody_gets_and_addresses_of_the_application_are_its_page(run):
    answers = run([("v1", asks()), ("v1", asks("/orders/7")), ("v1", asks("/main-abc.js"))])

    assert [each["uri"] for each in answers] == [NAMED["v1"], NAMED["v1"], "/releases/v1/main-abc.js"]


def test_a_viewer_is_in_the_bucket_of_the_cookie_and_gets_what_the_weight_says_as_the_daemon_reckons_it(run):
    values = [written("v1", "v2", share) for share in (0.001, 0.05, 0.2555, 0.999, 1.0)] + ["v1|v2|0"]
    buckets = [0, 9, 10, 499, 500, 2554, 2555, 9989, 9990, 9999]
    asked = [(value, bucket) for value in values for bucket in buckets]

    answers = run([(value, asks(cookie=str(bucket))) for value, bucket in asked])

    assert [each["uri"] for each in answers] == [NAMED[picked(value, bucket)] for value, bucket in asked]


def test_who_has_the_newer_release_keeps_it_while_its_share_grows_and_nobody_has_it_at_nothing(run):
    viewers = [f"198.51.{number // 250}.{number % 250}" for number in range(200)]
    values = [written("v1", "v2", share) for share in (0.05, 0.25, 0.5, 1.0, 0.0)]

    answers = run([(value, asks(ip=ip)) for value in values for ip in viewers])

    had = [
        {ip for ip, each in zip(viewers, answers[start : start + 200], strict=True) if "/v2/" in each["uri"]}
        for start in range(0, len(answers), 200)
    ]
    assert had[0] < had[1] < had[2] < had[3] == set(viewers)
    assert had[4] == set()


def test_viewers_without_a_cookie_are_shared_out_by_the_weight(run):
    viewers = [f"203.0.{number // 250}.{number % 250}" for number in range(3_000)]

    answers = run([("v1|v2|25", asks(ip=ip)) for ip in viewers])

    had = Counter("/v2/" in each["uri"] for each in answers)
    assert 0.226 < had[True] / len(viewers) < 0.274  # three times what chance would do


def test_the_first_page_puts_the_bucket_into_a_cookie_by_which_the_viewer_gets_the_same_from_anywhere(run):
    (page,) = run([("v1|v2|50", gets())])
    cookie = page["cookies"][ASKED]
    here, there = run(
        [("v1|v2|50", asks()), ("v1|v2|50", asks(ip="192.0.2.99", cookie=str(cookie["value"])))]
    )

    assert here["uri"] == there["uri"]
    assert re.fullmatch(r"[0-9]{1,4}", cookie["value"])
    assert "Secure" in cookie["attributes"]


def test_pages_say_that_it_is_there_and_neither_files_nor_who_has_one_get_a_cookie(run):
    file, known, forged = run(
        [
            ("v1", gets(type="text/javascript")),
            ("v1", gets(cookie="17")),
            ("v1", gets(cookie="17; Path=/evil")),
        ]
    )

    assert "cookies" not in file
    assert "cookies" not in known
    name, value = BY_WEIGHT
    assert [each["headers"].get(name) for each in (file, known, forged)] == [
        None,
        {"value": value},
        {"value": value},
    ]
    assert forged["cookies"][ASKED]["value"].isdigit()


def test_the_bucket_that_is_asked_for_by_address_is_served_and_goes_no_further(run):
    (answer,) = run([("v1|v2|25", asks(cookie="9999", query="2499"))])

    assert answer["uri"] == NAMED["v2"]
    assert answer["querystring"] == {"q": {"value": "x"}}


def test_probes_of_rollbackd_get_the_newer_release_and_its_files_as_long_as_it_has_a_share(run):
    probe = asks("/main-v2.js")
    probe["request"]["headers"]["user-agent"]["value"] = "rollbackd/0.1.0"

    answers = run([("v1|v2|0.01", probe), ("v1|v2|0", probe), ("v1", probe)])

    assert [each["uri"].split("/")[2] for each in answers] == ["v2", "v1", "v1"]


def test_a_long_browser_costs_no_more_than_a_short_one(run):
    """What a function may compute is little, and a viewer may send kilobytes."""
    pages = [gets(), gets()]
    for page, end in zip(pages, "ab", strict=True):
        page["request"]["headers"]["user-agent"]["value"] = "x" * 8_000 + end

    one, other = (each["cookies"][ASKED]["value"] for each in run([("v1", page) for page in pages]))

    assert one == other


def test_it_uses_nothing_that_the_runtime_does_not_have():
    """Its documents list no optional chaining, no spread in objects, no destructuring, no `for … of`; `await` stands in no closure."""
    code = re.sub(r"//.*", "", FUNCTION.read_text())

    assert not re.search(
        r"\?\.|\.\.\.|\bfor\s*\([^)]*\bof\b|(?:const|let)\s*[{\[]|\bclass\b|\bvar\b|\?\?", code
    )
    assert re.findall(r".*\bawait\b.*", code) == ["  const value = await store.get(KEY);"]
    assert len(FUNCTION.read_bytes()) < 10_000  # the most that a function may have

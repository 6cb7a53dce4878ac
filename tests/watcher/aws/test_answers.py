"""What is no answer of AWS is told from an empty one, in every protocol, before anything is decided by it."""

from collections.abc import Mapping

import botocore.session
import pytest
from aiohttp import web
from botocore.parsers import ResponseParserError

from deploy.errors import AwsRefused
from tests.watcher.aws.far import MAY_ACT, a_far_side
from watcher.aws.answers import refuse_foreign

PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
TIDY = b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a proxy --><html><body><p>Sign in</p></body></html>'
CUT = b'{"services": [{"serviceName": "checkout"}'
JSON, HTML = "application/x-amz-json-1.1", "Text/HTML; charset=utf-8"
BOTOCORE = botocore.session.Session()


def judged(
    operation: tuple[str, str], body: object, kind: str = HTML, status: int = 200, **headers: str
) -> str:
    """What is said of it; empty: it passes."""
    service, name = operation
    answer: Mapping[str, object] = {
        "status_code": status,
        "headers": {**({"content-type": kind} if kind else {}), **headers},
        "body": body,
    }
    try:
        refuse_foreign(
            operation_model=BOTOCORE.get_service_model(service).operation_model(name), response_dict=answer
        )
    except ResponseParserError as error:
        return str(error)
    return ""


MODELLED = [
    ("ecs", "UpdateService"),  # JSON
    ("lambda", "UpdateAlias"),  # REST, JSON
    ("cloudwatch", "GetMetricData"),  # JSON, CBOR or a query
    ("ec2", "DescribeInstances"),  # a query, and botocore reads XML without looking at its root
    ("autoscaling", "StartInstanceRefresh"),  # a query
    ("s3", "GetObjectTagging"),  # REST, XML
    ("cloudfront", "UpdateDistribution"),  # the same, its payload a structure
]


@pytest.mark.parametrize("operation", MODELLED, ids=".".join)
@pytest.mark.parametrize("kind", [HTML, "application/xhtml+xml", JSON, ""])
@pytest.mark.parametrize("page", [PAGE, TIDY], ids=["page", "tidy"])
def test_a_page_is_no_answer_whatever_it_calls_itself(operation, kind, page):
    assert "a page of something in between" in judged(operation, page, kind)


@pytest.mark.parametrize("operation", [("ecs", "ListTasks"), ("lambda", "UpdateAlias")], ids=".".join)
@pytest.mark.parametrize("body", [CUT, b"please wait", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_json_that_is_cut_short_is_no_answer_and_its_words_are_not_repeated(operation, body):
    said = judged(operation, body, JSON)

    assert f"cut short, or no JSON: {len(body)} bytes" in said
    assert "checkout" not in said


@pytest.mark.parametrize(
    ("operation", "body", "kind"),
    [
        (("ecs", "ListTasks"), b"{}", JSON),
        (("ecs", "ListTasks"), b' {"taskArns": []}\n', "text/plain"),  # what some servers of AWS's APIs say
        (("ecs", "TagResource"), b"", JSON),
        (("ecs", "TagResource"), b"", "text/html"),  # nothing was to be said
        (("sqs", "DeleteMessage"), b"", "text/html"),
        (("lambda", "TagResource"), b"", ""),  # 204
        (("lambda", "Invoke"), PAGE, "text/html"),  # a payload that is somebody's own
        (("apigateway", "GetExport"), PAGE, "text/html"),
        (("s3", "GetObject"), object(), "text/html"),  # streamed
        (("s3", "HeadObject"), b"", "text/html"),  # the type of the object
        (("s3", "PutObject"), b"", ""),
        (("s3", "GetObjectTagging"), b"<?xml version='1.0'?><Tagging><TagSet/></Tagging>", "text/html"),
        (("ec2", "DescribeInstances"), b"<DescribeInstancesResponse/>", "text/xml"),
    ],
)
def test_what_aws_may_say_passes(operation, body, kind):
    assert judged(operation, body, kind) == ""


def test_an_empty_page_is_no_answer_where_something_is_to_be_said():
    assert judged(("ecs", "ListTasks"), b"", HTML)


def test_a_refusal_that_is_a_page_is_left_to_its_status():
    assert judged(("ecs", "ListTasks"), PAGE, HTML, status=503) == ""


def talks(body: bytes, kind: str):
    async def answer() -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Type": kind})

    return answer


async def test_xml_that_is_cut_short_is_a_refusal_and_no_bug_of_ours():
    """What botocore raises then is none of its own errors."""
    rules = talks(b"<DescribeRulesResponse><DescribeRulesResult><Rules>", "text/xml")
    rule = talks(b"<ModifyRuleResponse><ModifyRuleResult>", "text/xml")
    async with a_far_side(MAY_ACT, ModifyRule=rule, DescribeRules=rules) as (_, near):
        with pytest.raises(AwsRefused) as read:
            await near.door.read("shop", "elbv2", "describe_rules")
        with pytest.raises(AwsRefused) as acted:
            await near.door.act("shop", "elbv2", "modify_rule", RuleArn="arn")

    assert (read.value.code, read.value.may_have_happened) == ("Unreadable", False)
    assert (acted.value.code, acted.value.may_have_happened) == ("Unreadable", True)


@pytest.mark.parametrize(("body", "kind"), [(PAGE, "text/html"), (PAGE, JSON), (CUT, JSON)])
async def test_nothing_is_seen_by_it_and_an_order_may_have_been_done(body, kind):
    ill = talks(body, kind)
    async with a_far_side(MAY_ACT, ListTasks=ill, UpdateService=ill) as (far, near):
        with pytest.raises(AwsRefused) as read:
            await near.door.read("shop", "ecs", "list_tasks", cluster="shop")
        with pytest.raises(AwsRefused) as acted:
            await near.door.act("shop", "ecs", "update_service", service="checkout")

    assert (read.value.code, read.value.may_have_happened) == ("Unreadable", False)
    assert (acted.value.code, acted.value.may_have_happened) == ("Unreadable", True)
    assert far.count("UpdateService") == 1

"""What a delivery of GitHub means; and that nothing in it leads anywhere but to what is configured."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from deploy.github import App, host_of
from deploy.model import Announcement, Phase
from deploy.source import Hooked, Ignored, Knock, Rejected, Source
from deploy.sources.github import identity
from deploy.sources.github.payload import MODELS
from deploy.sources.github.settings import Gate
from tests.deploy.sources.github.said import (
    API,
    NOON,
    a_run,
    a_source,
    deployment,
    example,
    received,
    rule,
    status,
)


def meant(event: str, payload: object, **settings: object) -> Announcement:
    said = a_source(**settings).read(received(event, payload))
    assert isinstance(said, Announcement), said
    return said


def test_it_is_a_source_that_comes_by_itself():
    source: Source = a_source()

    assert isinstance(source, Hooked)


# ----------------------------------------------------------------------------------------------- GitHub's own examples


def test_the_deployment_that_github_publishes_has_started():
    said = meant("deployment", example("deployment"))

    assert (said.service, said.environment, said.phase) == ("checkout", "production", Phase.STARTED)
    assert said.at == datetime(2019, 5, 15, 15, 20, 53, tzinfo=UTC)
    assert said.platform_ids == ("github:Codertocat/Hello-World#145988746",)
    assert said.hints == {"author": "Codertocat"}


@pytest.mark.parametrize("name", ["deployment_status", "deployment_status_of_an_old_server"])
def test_the_statuses_that_github_publishes_are_complete(name):
    said = meant("deployment_status", example(name))

    assert said.phase is Phase.COMPLETE
    assert "Codertocat/Hello-World#" in said.platform_ids[0]


@pytest.mark.parametrize("event", ["deployment", "deployment_status"])
def test_what_a_workflow_deploys_elsewhere_is_ignored_by_name(event):
    said = a_source().read(received(event, example(f"{event}_of_a_workflow")))

    assert isinstance(said, Ignored)
    assert "github-pages" in said.why


def test_the_run_of_a_workflow_that_github_publishes_is_complete():
    said = meant("workflow_run", example("workflow_run"))

    assert (said.service, said.phase, said.platform_ids) == ("checkout", Phase.COMPLETE, ())


def test_a_ping_is_ignored_by_name():
    assert a_source().read(received("ping", example("ping"))) == Ignored("ping: of no concern here")


# ---------------------------------------------------------------------------------------------------------------- phases


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("queued", Phase.STARTED),
        ("pending", Phase.STARTED),
        ("in_progress", Phase.STARTED),
        ("success", Phase.COMPLETE),
        ("failure", Phase.FAILED),
        ("error", Phase.FAILED),
    ],
)
def test_a_status_says_how_far_it_is(state, phase):
    said = meant("deployment_status", status(state))

    assert (said.phase, said.at) == (phase, NOON.replace(hour=11, minute=59))


@pytest.mark.parametrize("state", ["inactive", "wonderful", ""])
def test_a_status_that_means_nothing_changes_nothing(state):
    assert isinstance(a_source().read(received("deployment_status", status(state))), Ignored)


def test_a_status_that_we_have_set_changes_nothing():
    ours = status("failure", description="rollbackd: checkout · production: v42 serves again")

    assert a_source().read(received("deployment_status", ours)) == Ignored(
        "deployment_status: one that rollbackd has set itself"
    )


@pytest.mark.parametrize(
    ("action", "conclusion", "phase"),
    [
        ("requested", None, Phase.STARTED),
        ("in_progress", None, Phase.STARTED),
        ("completed", "success", Phase.COMPLETE),
        ("completed", "failure", Phase.FAILED),
        ("completed", "timed_out", Phase.FAILED),
        ("completed", "cancelled", Phase.FAILED),
        ("completed", "startup_failure", Phase.FAILED),
    ],
)
def test_a_run_says_how_far_it_is(action, conclusion, phase):
    assert meant("workflow_run", a_run(action, conclusion=conclusion)).phase is phase


@pytest.mark.parametrize(
    "run",
    [a_run(conclusion="skipped"), a_run(conclusion="neutral"), a_run(conclusion=None), a_run("renamed")],
)
def test_a_run_that_deployed_nothing_changes_nothing(run):
    assert isinstance(a_source().read(received("workflow_run", run)), Ignored)


def test_a_deployment_that_is_only_changed_changes_nothing():
    said = a_source().read(received("deployment", {**deployment(), "action": "edited"}))

    assert isinstance(said, Ignored)


# ------------------------------------------------------------------------------------------------------ who is believed


@pytest.mark.parametrize("name", ["evil/shop", "acme/shop2", "acme-shop/shop"])
def test_another_repository_is_not_believed_whatever_it_says(name):
    payload = {**deployment(), "repository": {"id": 8, "full_name": name}}

    said = a_source().read(received("deployment", payload))

    assert isinstance(said, Ignored)
    assert name in said.why


def test_the_name_of_a_repository_has_no_capital_letters_that_matter():
    payload = {**deployment(environment="Production"), "repository": {"id": 7, "full_name": "Acme/Shop"}}

    assert meant("deployment", payload).service == "checkout"


@pytest.mark.parametrize(
    "head",
    [
        None,
        {"id": 8, "full_name": "evil/octo-repo"},
        {"id": 8, "full_name": "octo-org/octo-repo"},
        {"id": 9, "full_name": "evil/octo-repo"},
    ],
)
def test_the_run_of_a_fork_is_not_believed(head):
    assert isinstance(a_source().read(received("workflow_run", a_run(head_repository=head))), Ignored)


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_the_run_of_a_pull_request_is_not_believed(event):
    said = a_source().read(received("workflow_run", a_run(event=event)))

    assert said == Ignored("workflow_run: the run is of a pull request")


@pytest.mark.parametrize("run", [a_run(head_branch="feature"), a_run(path=".github/workflows/other.yml")])
def test_another_branch_or_workflow_deploys_nothing(run):
    assert isinstance(a_source().read(received("workflow_run", run)), Ignored)


def test_where_an_app_is_named_others_deploy_nothing():
    ours = deployment(performed_via_github_app={"slug": "github-actions"})

    said = a_source(creator_app="github-actions")
    assert isinstance(said.read(received("deployment", ours)), Announcement)
    assert isinstance(said.read(received("deployment", deployment())), Ignored)
    other = deployment(performed_via_github_app={"slug": "github-actionz"})
    assert isinstance(said.read(received("deployment", other)), Ignored)


# ------------------------------------------------------------------------------------------------------------- its names


def test_nothing_of_a_payload_names_a_release_unless_the_settings_say_where_it_stands():
    assert meant("deployment", deployment()).hints == {"author": "ada"}


@pytest.mark.parametrize(("where", "value"), [("payload", "checkout:43"), ("ref", "v43"), ("sha", "0" * 40)])
def test_the_settings_say_where_the_tag_stands(where, value):
    assert meant("deployment", deployment(), tag=where).hints["tag"] == value


def test_a_payload_may_be_text():
    made = deployment(payload=json.dumps({"version": "4.3"}))

    assert meant("deployment", made, version="payload").hints["version"] == "4.3"


@pytest.mark.parametrize("tag", ["-rf", "../../etc", "a b", "", "x" * 129, 43, None, ["v1"], "v1\n", "ß"])
def test_what_cannot_be_a_tag_is_none(tag):
    made = deployment(payload={"tag": tag})

    assert "tag" not in meant("deployment", made, tag="payload").hints


@pytest.mark.parametrize("payload", ["{", "[]", "7", 7, None, []])
def test_a_payload_that_is_no_object_names_nothing(payload):
    assert "tag" not in meant("deployment", deployment(payload=payload), tag="payload").hints


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_nothing_in_a_payload_leads_to_another_service(anything):
    made = deployment(payload=anything, description=anything, task=anything)
    made["deployment"]["performed_via_github_app"] = None

    said = a_source().read(received("deployment", made))

    assert isinstance(said, Announcement)
    assert (said.service, said.environment) == ("checkout", "production")
    assert set(said.hints) <= {"author"}


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(body):
    for event in (*MODELS, "ping"):
        said = a_source().read(received(event, body))
        assert isinstance(said, Rejected | Ignored)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b"NaN",
        b"\xff",
        b"[" * 10_000,
        {"repository": 7},
        {**deployment(), "deployment": {}},
    ],
)
def test_what_is_no_delivery_is_rejected_with_a_remedy(payload):
    said = a_source().read(received("deployment", payload))

    assert isinstance(said, Rejected)
    assert said.remedy


@pytest.mark.parametrize(
    "headers", [{"x-github-delivery": ""}, {"x-github-delivery": "a b"}, {"x-github-event": "<script>"}]
)
def test_a_delivery_without_its_headers_is_rejected(headers):
    given = received("deployment", deployment())
    changed = {**given.headers, **headers}

    said = a_source().read(type(given)(given.body, changed, given.at, given.principal))

    assert isinstance(said, Rejected)


# ------------------------------------------------------------------------------------------------------------- once each


def test_one_event_under_two_deliveries_has_one_key():
    first = a_source().read(received("deployment_status", status("success")))
    again = a_source().read(received("deployment_status", status("success"), **{"x-github-delivery": "d-2"}))

    assert isinstance(first, Announcement)
    assert isinstance(again, Announcement)
    assert first.dedup_key == again.dedup_key


def test_each_event_has_a_key_of_its_own():
    source = a_source()
    said = [
        source.read(received("deployment", deployment())),
        source.read(received("deployment", deployment(id=43))),
        source.read(received("deployment_status", status("success"))),
        source.read(received("deployment_status", status("success", id=100))),
        source.read(received("workflow_run", a_run())),
        source.read(received("workflow_run", a_run(run_attempt=2))),
    ]

    keys = {each.dedup_key for each in said if isinstance(each, Announcement)}
    assert len(keys) == len(said)


@pytest.mark.parametrize(
    ("page", "id"),
    [
        ("https://github.com/acme/shop", "github:acme/shop#42"),
        ("https://github.acme.example/acme/shop", "github:github.acme.example/acme/shop#42"),
        ("http://GHE:8443/acme/shop", "github:ghe:8443/acme/shop#42"),
        ("https://acme.ghe.com/acme/shop", "github:acme.ghe.com/acme/shop#42"),
        (None, "github:acme/shop#42"),
        ("https://ghe who/", "github:acme/shop#42"),
        ("https://[::1/", "github:acme/shop#42"),
    ],
)
def test_a_deployment_of_another_server_is_another_though_all_else_is_alike(page, id):
    told = deployment()
    told["repository"]["html_url"] = page

    said = a_source().read(received("deployment", told))

    assert isinstance(said, Announcement)
    assert said.platform_ids == (id,)
    assert (said.dedup_key == meant("deployment", deployment()).dedup_key) == (id.startswith("github:acme/"))


@pytest.mark.parametrize(
    ("api", "page"),
    [
        ("https://api.github.com", "https://github.com/acme/shop"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com/acme/shop"),
        ("https://github.acme.example/api/v3", "https://github.acme.example/acme/shop"),
    ],
)
def test_a_server_is_one_by_its_pages_and_by_its_api(api, page):
    assert host_of(api) == host_of(page)
    assert identity.read(identity.called(host_of(api), "acme/shop", 7)) == (host_of(page), "acme/shop", 7)


# ------------------------------------------------------------------------------------------------ what waits at our gate


def asked(gate=True, **changes):
    settings = {"gate": Gate(app=App(id=1, installation=2, private_key=SecretStr("PEM")))} if gate else {}
    return a_source(**settings).read(received("deployment_protection_rule", rule(**changes)))


def test_a_run_that_waits_at_our_gate_hurries_the_doorkeeper():
    said = asked()

    assert isinstance(said, Knock)
    assert said.why == "deployment_protection_rule: run 9001 of acme/shop waits at the gate of production"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gate": False}, "this source keeps no gate"),
        ({"environment": "staging"}, "no service of the configuration is heard from"),
        ({"repository": {"id": 8, "full_name": "mallory/shop"}}, "none of those that are configured"),
        ({"action": "withdrawn"}, "'withdrawn' changes nothing"),
    ],
)
def test_what_waits_elsewhere_is_passed_over_in_words(changes, why):
    said = asked(**changes)

    assert type(said) is Ignored
    assert why in said.why


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/repos/acme/shop/actions/runs/9001/deployment_protection_rule",
        "https://api.github.com.evil.example/repos/acme/shop/actions/runs/1/deployment_protection_rule",
        "https://api.github.com@evil.example/repos/acme/shop/actions/runs/1/deployment_protection_rule",
        "http://api.github.com/repos/acme/shop/actions/runs/9001/deployment_protection_rule",
        f"{API}/repos/mallory/shop/actions/runs/9001/deployment_protection_rule",
        f"{API}/repos/acme/shop/actions/runs/9001/deployment_protection_rule/../../../cancel",
        "",
    ],
)
def test_an_answer_that_would_lead_elsewhere_is_rejected(callback):
    said = asked(deployment_callback_url=callback)

    assert isinstance(said, Rejected)
    assert said.where == "deployment_callback_url"

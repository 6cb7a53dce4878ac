import pytest

from deploy.errors import AwsRefused, BadTemplate, BadValue, DeployError

ALL = [
    AwsRefused("UpdateService", "AccessDeniedException", "not you", may_have_happened=False),
    AwsRefused("UpdateService", "Timeout", "no answer", may_have_happened=True),
    BadValue("tag", "--help", "letters"),
    BadTemplate("${x}", "${x}", ["tag"]),
]


@pytest.mark.parametrize("error", ALL)
def test_every_error_says_what_happened_and_what_to_do(error):
    assert isinstance(error, DeployError)
    assert str(error)
    assert error.remedy


def test_a_call_that_may_have_happened_is_read_and_not_sent_again():
    refused, lost = ALL[:2]

    assert refused.remedy == "`rollbackd doctor` tries the permissions"
    assert lost.remedy == "read what runs now before anything is sent again"
    assert str(lost) == "UpdateService: Timeout: no answer"


def test_a_bad_value_is_shown_shortened_and_without_control_characters():
    assert len(str(BadValue("tag", "x" * 999, "letters"))) < 150
    assert "\n" not in str(BadValue("tag", "a\nb", "letters"))

"""What a query may say of whose tasks are meant."""

import pytest
from pydantic import ValidationError

from watcher.signals.ecs_tasks.query import Query

WHERE = "arn:aws:ecs:eu-central-1:123456789012"


@pytest.mark.parametrize(
    ("key", "arn", "name"),
    [
        ("cluster", f"{WHERE}:cluster/prod", "prod"),
        ("service", f"{WHERE}:service/prod/web", "web"),
        ("service", f"{WHERE}:service/web", "web"),
    ],
)
def test_an_arn_is_refused_with_the_name_that_is_to_be_written(key, arn, name):
    with pytest.raises(ValidationError, match="expected a name, found an ARN") as refused:
        Query.model_validate({"cluster": "c", "service": "s", key: arn})

    assert refused.value.errors()[0]["loc"] == (key,)
    assert refused.value.errors()[0]["ctx"]["error"].remedy == f"write its name alone: {name}"


@pytest.mark.parametrize("name", ["", "a b", "prod/web", "${arm.cluster}", "x" * 256, "web\n", 7])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValidationError):
        Query.model_validate({"cluster": "prod", "service": name})

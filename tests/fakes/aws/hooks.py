"""The function of ``examples/aws/codedeploy-hook``, as Lambda runs it in a simulated account: its code, its role, its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.fakes.aws.models import operation_of
from tests.fakes.aws.world import AwsWorld

CODE = Path(__file__).parents[3] / "examples/aws/codedeploy-hook/hook.py"
PARAMETER = "/rollbackd/hooks/checkout"
ROLE = "arn:aws:iam::123456789012:role/hook"


def code() -> ModuleType:
    """The file, as it is."""
    spec = spec_from_file_location("hook", CODE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Client:
    """One service as boto3's client has it: each operation as a method."""

    world: AwsWorld
    service: str

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Mapping[str, Any]:
            who = self.world.identities.named(ROLE)
            name = operation_of(self.service, operation)
            answer = self.world.ask(self.service, name, parameters, who, self.world.region)
            assert answer.error is None, answer.error
            return answer.content

        return call


@dataclass(frozen=True)
class Context:
    """Of an invocation."""

    invoked_function_arn: str


def install(world: AwsWorld, queue: str, *allowed: str) -> None:
    """From now on each lifecycle hook asks a function of the example, named after its hook. *allowed*: to its role; by default everything."""
    if allowed:
        world.identities.role(ROLE, set(allowed))
    else:
        world.identities.role(ROLE)
    handler = code().handler
    url = f"https://sqs.{world.region}.amazonaws.com/{world.account}/{queue}"

    def invoke(function: str, event: Mapping[str, Any]) -> None:
        arn = f"arn:aws:lambda:{world.region}:{world.account}:function:{function}"
        environment = {"STAGE": function.rpartition("_")[2], "HOOK_PARAMETER": PARAMETER, "QUEUE_URL": url}
        handler(event, Context(arn), lambda service: Client(world, service), environment)

    world.codedeploy.invoke = invoke

"""Writes the files anew."""

from tests.examples.aws.stacks.deriving import cloudformation, module, terraform
from tests.examples.aws.stacks.known import HERE, STACKS

for stack in STACKS.values():
    folder = HERE / stack.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cloudformation.yaml").write_text(cloudformation(stack), encoding="utf-8")
    (folder / "main.tf").write_text(terraform(stack), encoding="utf-8")
(HERE / "module").mkdir(exist_ok=True)
(HERE / "module" / "main.tf").write_text(module(), encoding="utf-8")

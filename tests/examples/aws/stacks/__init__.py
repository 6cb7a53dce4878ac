"""`examples/aws/stacks`: queue, rule and roles of each stack that `rollbackd init` knows besides ECS, as CloudFormation and as Terraform.

What they say is derived: the policies from ``rollbackd init``, the rules from the pages. ``python -m tests.examples.aws.stacks`` writes them
anew; tests compare, and follow what was written with parameters, so that it is what ``rollbackd init`` would write with the same names.
"""

"""The fixtures of the fake, for its own tests."""

from tests.fakes.aws.fixtures import aws_clock, aws_url, aws_world, boto, boto_environment

__all__ = ["aws_clock", "aws_url", "aws_world", "boto", "boto_environment"]

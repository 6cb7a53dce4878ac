"""Unleash's Admin API, as far as a flag in an environment goes: strategies, patches with tests, permissions, change requests, events.

How it answers was looked at in unleash-server 7.5.1: statuses, names and words of refusals, and what else a call does (the last
active strategy that is switched off turns the flag off; a flag that is turned on without one gets one for everybody). Change
requests are of Enterprise, which was not looked at: their refusal is what the server's own check answers, a `PermissionError`.
"""

from tests.fakes.unleash.world import ENVIRONMENT, FLAG, PROJECT, READER, WRITER, Unleash, strategy

__all__ = ["ENVIRONMENT", "FLAG", "PROJECT", "READER", "WRITER", "Unleash", "strategy"]

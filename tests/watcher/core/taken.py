"""The core's functions as tests take them: what they give is looked into without asking first whether it is there."""

from collections.abc import Callable
from typing import Any

from watcher.core import intake as hearing
from watcher.core import lifecycle

broken_off: Callable[..., Any] = lifecycle.broken_off
due: Callable[..., Any] = lifecycle.due
forwarded: Callable[..., Any] = lifecycle.forwarded
happened: Callable[..., Any] = lifecycle.happened
intake: Callable[..., Any] = hearing.intake
judged: Callable[..., Any] = lifecycle.judged
left_half: Callable[..., Any] = lifecycle.left_half
obstructed: Callable[..., Any] = lifecycle.obstructed
ordered: Callable[..., Any] = lifecycle.ordered
paused: Callable[..., Any] = lifecycle.paused
progressed: Callable[..., Any] = lifecycle.progressed
recovered: Callable[..., Any] = lifecycle.recovered
refused: Callable[..., Any] = lifecycle.refused
seen_live: Callable[..., Any] = lifecycle.seen_live
staged: Callable[..., Any] = lifecycle.staged
standing: Callable[..., Any] = lifecycle.standing
superseded: Callable[..., Any] = lifecycle.superseded

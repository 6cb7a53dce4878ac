"""Which target a request comes to: by the cookies that it carries, by weights, and among the targets that take requests.

[D] A rule that is sticky binds a browser to a target group (``AWSALBTG``), before any weight; a group that is sticky binds it to one of its targets
(``AWSALB``), while that is healthy. A target that drains gets no new request, and those under way have as long as the group's deregistration delay.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html (deregistration delay)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.aws.balancing.service import Balancing
from tests.fakes.aws.balancing.state import Group, Target, cookie_of
from tests.fakes.aws.trouble import FakeBug

STICKY, LASTS = "stickiness.enabled", "stickiness.lb_cookie.duration_seconds"
DRAINS = "deregistration_delay.timeout_seconds"
_DAY = 86400  # [D] seconds, where a group says nothing else


@dataclass(frozen=True, slots=True)
class Cookie:
    """What binds a browser to *to*, and until when: each answer renews it."""

    to: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Cookies:
    """Those of the balancer that a browser has: to a group (``AWSALBTG``), and to a target (``AWSALB``)."""

    group: Cookie | None = None
    target: Cookie | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a request that begins *at* came to, and the cookies that its answer gives back."""

    group: str
    target: str
    cookies: Cookies
    at: datetime


def routed(elb: Balancing, rule: str, cookies: Cookies, at: datetime, chance: float) -> Routed:
    """A request that comes to *rule* with *cookies*. *chance* (0 to 1) is what the balancer draws."""
    lasts, shares = cookie_of(elb.actions(rule)), elb.shares(rule)
    bound = _bound(cookies.group, at) if lasts else None
    name = bound if bound is not None and bound in elb.weights(rule) else _drawn(shares, chance)
    group = elb.group(name)
    taking = [each.id for each in _targets(group, at) if each.state == "healthy"]
    if not taking:
        raise FakeBug(f"no target of {name} takes requests")
    sticky = group.attributes.get(STICKY) == "true"
    kept = _bound(cookies.target, at) if sticky else None
    target = kept if kept in taking else taking[int(chance * 9973) % len(taking)]
    until = at + timedelta(seconds=int(group.attributes.get(LASTS, _DAY)))
    return Routed(
        name,
        target,
        Cookies(
            Cookie(name, at + timedelta(seconds=lasts)) if lasts else None,
            Cookie(target, until) if sticky else None,
        ),
        at,
    )


def is_answered(elb: Balancing, request: Routed, until: datetime) -> bool:
    """A *request* that is under way *until* then ends where it began: its target is there still, or drains for no longer than it may."""
    group = elb.group(request.group)
    delay = timedelta(seconds=int(group.attributes[DRAINS]))
    states = [(request.at, _state(_targets(group, request.at), request.target))]
    changes = zip(group.targets.times, group.targets.values, strict=True)
    states += [(time, _state(there, request.target)) for time, there in changes if request.at < time <= until]
    drains = next((time for time, state in states if state == "draining"), None)
    gone = next((time for time, state in states if not state), until + delay)
    return until <= (gone if drains is None else drains + delay)


def _bound(cookie: Cookie | None, at: datetime) -> str | None:
    return cookie.to if cookie is not None and at < cookie.until else None


def _drawn(shares: Mapping[str, float], chance: float) -> str:
    """One of them, the likelier the greater its share is."""
    below = 0.0
    for name, share in shares.items():
        below += share
        if chance < below:
            return name
    return list(shares)[-1]


def _targets(group: Group, at: datetime) -> Sequence[Target]:
    return group.targets.at(at) or ()


def _state(targets: Sequence[Target], id: str) -> str:
    """Of one of them; empty: it is not there."""
    return next((each.state for each in targets if each.id == id), "")

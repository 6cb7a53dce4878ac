"""People who fill in a form behind a balancer: several requests, of which each needs what the ones before have left in the memory of one instance."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.aws import AwsWorld
from tests.fakes.aws.balancing.routing import Cookies, Routed, is_answered, routed
from tests.scenarios.aws.stage import BALANCER, AwsStage
from tests.scenarios.aws.test_load_balancer import RULE, Guests, a_rule

PAGES = 5  # of a form, the last of which sends it
READS = (15, 45)  # seconds, for which a page is filled in
SENDS = timedelta(seconds=20)  # so long a page that was filled in is on its way, with its pictures
Home = tuple[str, str]  # a target group, and one of its targets


@dataclass
class Form:
    """One that somebody fills in.

    Attributes:
        home: Where what was filled in is kept.
        page: How many pages have arrived.
        sending: The request that is under way.
        due: When its next page is sent; of one that is under way, when it ends.
    """

    who: int
    due: datetime
    home: Home | None = None
    page: int = 0
    cookies: Cookies = field(default_factory=Cookies)
    sending: Routed | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A form of which pages had arrived, and were not there any more when the next one came."""

    who: int
    at: datetime
    had: Home
    came_to: Home


@dataclass
class Clerks(Guests):
    """Guests, of whom some fill in forms. What fails with an error is sent again; who has lost a form begins anew.

    Attributes:
        begin: Forms that are begun in a second, once the story has begun.
        forms: Those that are being filled in.
        lost, cut: What was lost between two pages; what was cut off under way.
        done: Who has sent a form, and from where.
        sent: All requests of forms.
    """

    begin: float = 0.0
    forms: list[Form] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    cut: list[Routed] = field(default_factory=list)
    done: dict[int, Home] = field(default_factory=dict)
    sent: list[Routed] = field(default_factory=list)
    _kept: dict[Home, set[int]] = field(default_factory=lambda: defaultdict(set))
    _chance: random.Random = field(default_factory=lambda: random.Random(7))
    _rest: float = 0.0

    def come(self, start: datetime, seconds: float) -> None:
        """Those of the span that begins at *start*; and the forms go on."""
        super().come(start, seconds)
        self._rest += self.begin * seconds
        while self._rest >= 1:
            self._rest -= 1
            self.forms.append(Form(len(self.done) + len(self.forms), start))
        until, before = start + timedelta(seconds=seconds), len(self.sent)
        for form in self.forms:
            while form.due < until and form.who not in self.done:
                self._goes_on(form)
        self.forms = [each for each in self.forms if each.who not in self.done]
        self._measured(start, self.sent[before:])

    def _goes_on(self, form: Form) -> None:
        if form.sending is None:
            form.sending = routed(self.world.balancing, RULE, form.cookies, form.due, self._chance.random())
            self.sent.append(form.sending)
            form.due += SENDS
            return
        request, form.sending = form.sending, None
        form.cookies = request.cookies
        if is_answered(self.world.balancing, request, form.due):
            self._arrives(form, request)
        else:
            self.cut.append(request)
        form.due += timedelta(seconds=self._chance.uniform(*READS))

    def _arrives(self, form: Form, request: Routed) -> None:
        home = (request.group, request.target)
        if form.home is not None and form.who not in self._kept[home]:
            self.lost.append(Lost(form.who, request.at, form.home, home))
            form.home, form.page = None, 0
        if self._chance.random() < self.fails.get(self._release(request), 0.001):
            return
        self._kept[home].add(form.who)
        form.home, form.page = home, form.page + 1
        if form.page == PAGES:
            self.done[form.who] = home

    def _release(self, request: Routed) -> str:
        elb = self.world.balancing
        return elb.tags(elb.group(request.group).arn, request.at)["rollbackd:release"]

    def _measured(self, start: datetime, requests: list[Routed]) -> None:
        """The balancer counts them with all others."""
        for name in {each.group for each in requests}:
            mine = [each for each in requests if each.group == name]
            arn = self.world.balancing.group(name).arn
            of = {"LoadBalancer": BALANCER["LoadBalancer"], "TargetGroup": arn.rpartition(":")[2]}
            failing = sum(self.fails.get(self._release(each), 0.001) for each in mine)
            for metric, count in (("RequestCount", len(mine)), ("HTTPCode_Target_5XX_Count", failing)):
                self.world.cloudwatch.put("AWS/ApplicationELB", metric, of, start, [1.0], counts=[count])

    def filling_in(self, group: str) -> set[int]:
        """Who has a form half filled in there, or has its first page on the way to it."""
        return {each.who for each in self.forms if self._place(each) == group}

    def _place(self, form: Form) -> str:
        if form.home is not None:
            return form.home[0]
        return form.sending.group if form.sending is not None else ""


def a_rule_and_its_clerks(world: AwsWorld) -> Clerks:
    """As `a_rule`; and each group binds a browser to one of its targets, for a session is in the memory of one."""
    a_rule(world)
    for name in ("blue", "green"):
        world.balancing.group(name).attributes["stickiness.enabled"] = "true"
    return Clerks(world)


def clerks(stage: AwsStage) -> Clerks:
    """Who fills in forms."""
    assert isinstance(stage.crowd, Clerks)
    return stage.crowd

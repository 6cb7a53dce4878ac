"""Plays that were never played: a story and the record that would belong to it, by chance with a seed."""

import random

from watcher.demo.record import Answer, Record
from watcher.demo.story import Act, Began, Said, Story, Weighed

START = 1_800_000_000.0
RATE = 240.0
USUAL = 0.003
BACK, KILLED, RESTARTED = 17.0, 11.6, 13.1


def a_record(act: Act, fails: float, seed: int = 1) -> Record:
    """All that a client would have seen of *act*: the new release has a third of the requests and fails *fails* of them."""
    chance, record, at = random.Random(seed), Record(), act.start
    while at < act.end:
        at += chance.expovariate(RATE)
        new = act.deployed <= at < (act.served or act.end) and chance.random() < 1 / 3
        share = fails if new else USUAL
        if act.hiccup and act.hiccup[0] <= at < act.hiccup[1]:
            share += 0.08
        took = 0.012 * chance.lognormvariate(0, 0.3)
        record.add(Answer(at, took, 500 if chance.random() < share else 200, act.new if new else act.old))
    return record


def a_bad_act(**changes) -> Act:
    """One that was found out after 8 s, killed in the middle and back after 17."""
    at = START
    act = Act(
        kind="errors",
        mode="auto",
        old="v44",
        new="v45",
        start=at - 5,
        calm=(at - 5, at),
        deployed=at,
        end=at + 22,
        watch="w_1",
        state="rolled_back",
        states=[
            (at, "watching"),
            (at + 8, "counting_down"),
            (at + 11, "rolling_back"),
            (at + 17.5, "recovering"),
            (at + 21, "rolled_back"),
        ],
        calls=[at + 11.2],
        asked=1,
        began=Began(at + 0.5, at - 1, at + 2),
        breached=at + 8,
        killed=at + KILLED,
        restarted=at + RESTARTED,
        served=at + BACK,
        recovered=True,
        ended=at + 21,
        exit=1,
        estimate=0.061,
        baseline=0.003,
        trail=[Weighed(at + n, 0.45 * max(0, n - 1)) for n in range(9)],
        said=[
            Said(
                at + 8,
                "checkout · production: v45 fails 6.1 % of requests (v44: 0.3 %). Going back to v44 at 10:00:11 unless held",
                ("41 of 672 requests since 10:00:00", "Began 10:00:00 ± 1 s"),
                ("Roll back now", "Hold 15 min"),
                loud=True,
                event="watch.breached",
            ),
            Said(
                at + 17.5,
                "checkout · production: v44 serves again since 10:00:17. Errors 0.3 % (usual 0.3 %)",
                ("deployed → decided → back",),
                ("Allow v45 again",),
            ),
        ],
    )
    for name, value in changes.items():
        setattr(act, name, value)
    return act


def a_good_act(**changes) -> Act:
    """One that suffered a hiccup with its neighbour, and passed."""
    at = START - 60
    act = Act(
        kind="good",
        mode="auto",
        old="v43",
        new="v44",
        start=at - 4,
        calm=(at - 4, at),
        deployed=at,
        end=at + 30,
        watch="w_0",
        state="passed",
        states=[(at, "watching"), (at + 28, "passed")],
        hiccup=(at + 6, at + 18),
        ended=at + 28,
        exit=0,
        trail=[Weighed(at + n, 0.3 - 0.1 * (n % 5)) for n in range(28)],
    )
    for name, value in changes.items():
        setattr(act, name, value)
    return act


def a_story(*acts: Act) -> Story:
    """The whole play."""
    return Story(
        seed=1,
        started=START - 80,
        rate=RATE,
        acts=list(acts),
        configuration="version: 1\n",
        rules="version: 1\n",
        ended=START + 30,
    )


def merged(*records: Record) -> Record:
    """All of them, as one client saw them."""
    answers = [each for record in records for each in record.between(0, float("inf"))]
    return Record(sorted(answers, key=lambda each: each.at))

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import Release
from deploy.tags import (
    Back,
    Ending,
    Entry,
    Grade,
    Ledger,
    Mark,
    Span,
    back_to,
    find,
    grade,
    standings,
    suspect,
    way_back,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
A_DAY = timedelta(hours=24)
MARK = Mark(NOON, "ada", "because")


def at(hours):
    return NOON + timedelta(hours=hours)


def a_release(tag, *, reversible=True, **names):
    return Release(f"sha256:{tag}", tag, names, reversible)


def an_entry(tag, *, reversible=True, allowed=None, **marks):
    allowance = None if allowed is None else Mark(at(allowed), "ada", "not its fault")
    return Entry(a_release(tag, reversible=reversible), at(-1000), allowed=allowance, **marks)


def a_span(tag, start, end=None, *, adopted=False):
    return Span(f"sha256:{tag}", at(start), None if end is None else at(end), adopted)


def an_ending(tag, hour, state, *, breached=False, by_person=False):
    return Ending(f"sha256:{tag}", at(hour), state, breached, by_person)


def a_ledger(*facts):
    of = lambda kind: tuple(fact for fact in facts if isinstance(fact, kind))  # noqa: E731 - three times one line
    return Ledger("checkout", "production", "service", of(Entry), of(Span), of(Ending))


def graded(*facts, tag="v1"):
    return grade(a_ledger(an_entry(tag), *facts), f"sha256:{tag}", A_DAY, NOON)


def back(*facts, live="v9", reversible=True):
    found = way_back(a_ledger(*facts), f"sha256:{live}", A_DAY, NOON, reversible=reversible)
    return found and (found.release.tag, found.grade, found.crosses, found.floor)


def proven(tag, start, end=None, *, reversible=True, **marks):
    """A release that served from *start* on and passed an hour later."""
    return (
        an_entry(tag, reversible=reversible, **marks),
        a_span(tag, start, end),
        an_ending(tag, start + 1, "passed"),
    )


def served(tag, start, end, *, reversible=True):
    return an_entry(tag, reversible=reversible), a_span(tag, start, end), an_ending(tag, end, "superseded")


# -------------------------------------------------------------------------------------------------------------- grades


def test_a_release_whose_watch_passed_is_proven():
    assert graded(a_span("v1", -2), an_ending("v1", -1, "passed")) is Grade.PROVEN


def test_a_release_that_a_person_passed_is_served():
    assert graded(a_span("v1", -2), an_ending("v1", -1, "passed", by_person=True)) is Grade.SERVED


def test_a_release_that_passed_by_itself_once_is_proven_whatever_a_person_said_of_it_later():
    endings = an_ending("v1", -9, "passed"), an_ending("v1", -1, "passed", by_person=True)

    assert graded(*endings) is Grade.PROVEN


@pytest.mark.parametrize(
    ("hours", "expected"), [(23.9, Grade.UNKNOWN), (24, Grade.SERVED), (48, Grade.SERVED)]
)
def test_a_release_that_served_long_enough_without_a_breach_is_served(hours, expected):
    assert graded(a_span("v1", -hours, 0), an_ending("v1", 0, "superseded")) is expected


def test_what_still_serves_has_served_until_now():
    assert graded(a_span("v1", -25)) is Grade.SERVED


def test_the_hours_of_all_its_spans_are_added():
    assert graded(a_span("v1", -40, -27), a_span("v1", -12)) is Grade.SERVED


def test_a_span_that_ends_before_it_begins_takes_no_hours_away():
    assert graded(a_span("v1", -25, -26), a_span("v1", -24)) is Grade.SERVED


def test_a_release_that_was_live_when_the_daemon_arrived_is_adopted():
    assert graded(a_span("v1", -1, adopted=True)) is Grade.ADOPTED


def test_an_adopted_release_becomes_served_with_time():
    assert graded(a_span("v1", -25, adopted=True)) is Grade.SERVED


def test_a_release_that_nobody_knows_has_no_grade():
    assert grade(a_ledger(), "sha256:v1", A_DAY, NOON) is Grade.UNKNOWN


def test_a_release_that_never_served_has_no_grade_even_where_no_time_is_asked_for():
    assert grade(a_ledger(an_entry("v1")), "sha256:v1", timedelta(0), NOON) is Grade.UNKNOWN


BAD_ENDINGS = [
    ("rolled_back", True),
    ("rolled_back", False),  # by a person's order, without a breach
    ("kept", True),
    ("kept", False),
    ("superseded", True),  # overtaken while it was burning
    ("unproven", True),
]


@pytest.mark.parametrize(("state", "breached"), BAD_ENDINGS)
@pytest.mark.parametrize(
    "before", [(), (an_ending("v1", -90, "passed"),), (a_span("v1", -99, -5, adopted=True),)]
)
def test_after_a_bad_end_it_is_not_good_whatever_it_was_before(state, breached, before):
    assert graded(*before, an_ending("v1", -5, state, breached=breached)) is Grade.UNKNOWN


@pytest.mark.parametrize(("state", "breached"), [("unproven", False), ("superseded", False)])
def test_an_end_that_says_nothing_takes_nothing_away(state, breached):
    assert (
        graded(an_ending("v1", -9, "passed"), an_ending("v1", -5, state, breached=breached)) is Grade.PROVEN
    )


@pytest.mark.parametrize(("state", "breached"), BAD_ENDINGS)
def test_after_a_bad_end_it_may_pass_again(state, breached):
    bad = an_ending("v1", -9, state, breached=breached)

    assert graded(bad, an_ending("v1", -5, "passed")) is Grade.PROVEN


def test_after_a_bad_end_only_new_spans_count():
    bad = an_ending("v1", -30, "kept", breached=True)

    assert graded(bad, a_span("v1", -90)) is Grade.UNKNOWN
    assert graded(bad, a_span("v1", -29)) is Grade.SERVED


@pytest.mark.parametrize(("state", "breached"), BAD_ENDINGS)
@pytest.mark.parametrize(
    ("allowed", "expected"), [(-4, Grade.PROVEN), (-5, Grade.PROVEN), (-6, Grade.UNKNOWN)]
)
def test_an_allowance_forgives_what_ended_before_it_and_nothing_after(state, breached, allowed, expected):
    facts = an_ending("v1", -9, "passed"), an_ending("v1", -5, state, breached=breached)
    ledger = a_ledger(an_entry("v1", allowed=allowed), *facts)

    assert grade(ledger, "sha256:v1", A_DAY, NOON) is expected


def test_an_allowance_alone_proves_nothing():
    ledger = a_ledger(an_entry("v1", allowed=0), a_span("v1", -2, -1), an_ending("v1", -1, "rolled_back"))

    assert grade(ledger, "sha256:v1", A_DAY, NOON) is Grade.UNKNOWN


def test_a_breach_that_ended_well_counts_as_the_end_does():
    assert graded(an_ending("v1", -1, "passed", breached=True)) is Grade.PROVEN


def test_what_happened_to_others_does_not_count():
    others = a_span("v2", -99), an_ending("v2", -3, "passed"), an_ending("v2", -2, "rolled_back")

    assert graded(*others, a_span("v1", -1, adopted=True)) is Grade.ADOPTED


@given(st.permutations([("passed", -9), ("kept", -5), ("unproven", -3), ("superseded", -1)]))
def test_the_order_in_which_endings_are_listed_does_not_matter(endings):
    assert graded(*(an_ending("v1", hour, state) for state, hour in endings)) is Grade.UNKNOWN


def test_a_release_that_its_mark_on_the_platform_calls_proven_is_proven_until_it_ends_badly():
    marked = an_entry("v1", proven=Mark(at(-9), "rollbackd", "says its mark"))

    assert grade(a_ledger(marked), "sha256:v1", A_DAY, NOON) is Grade.PROVEN
    for hour, expected in ((-10, Grade.PROVEN), (-8, Grade.UNKNOWN)):
        ledger = a_ledger(marked, an_ending("v1", hour, "rolled_back", breached=True))
        assert grade(ledger, "sha256:v1", A_DAY, NOON) is expected


# ----------------------------------------------------------------------------------------------------------- standings


def standing(*facts, many=10):
    found = standings(a_ledger(*facts), A_DAY, NOON, many)
    return [(each.release.tag, each.grade, each.since) for each in found]


def test_standings_say_the_grade_and_since_when():
    assert standing(*proven("v1", -99)) == [("v1", "proven", at(-98))]
    assert standing(*served("v1", -99, -9)) == [("v1", "served", at(-99))]
    assert standing(an_entry("v1"), a_span("v1", -2, adopted=True)) == [("v1", "adopted", at(-2))]
    assert standing(an_entry("v1", proven=Mark(at(-9), "us", ""))) == [("v1", "proven", at(-9))]


def test_a_quarantined_release_stands_as_that_whatever_it_was_before():
    bad = Mark(at(-1), "us", "errors")

    (found,) = standings(a_ledger(*proven("v1", -99, quarantined=bad)), A_DAY, NOON, 10)

    assert (found.grade, found.since, found.why) == ("quarantined", at(-1), "errors")


def test_of_a_release_that_is_being_watched_nothing_is_said_and_of_one_that_was_good_that_it_is_no_more():
    assert standing(an_entry("v1"), a_span("v1", -1)) == []
    ended = an_ending("v1", -1, "rolled_back", breached=True)
    assert standing(an_entry("v1"), ended) == [("v1", "unknown", at(-1))]


def test_a_person_s_word_does_not_date_what_was_proven():
    facts = *proven("v1", -99), an_ending("v1", -1, "passed", by_person=True)

    assert standing(*facts) == [("v1", "proven", at(-98))]


def test_only_those_that_served_last_are_told_the_newest_last():
    found = standing(*proven("v2", -50), *proven("v3", -40), *proven("v1", -90), many=2)

    assert [tag for tag, _, _ in found] == ["v2", "v3"]


# ------------------------------------------------------------------------------------------------------------ way back


def test_the_way_back_is_the_nearest_proven_release():
    assert back(*proven("v1", -9, -7), *proven("v2", -7, -5), an_entry("v9"), a_span("v9", -5)) == (
        "v2",
        Grade.PROVEN,
        0,
        False,
    )


def test_the_best_grade_wins_over_the_nearest():
    assert back(*proven("v1", -99, -80), *served("v2", -80, -5)) == ("v1", Grade.PROVEN, 1, False)


def test_a_served_release_wins_over_an_adopted_one():
    adopted = an_entry("v2"), a_span("v2", -50, -40, adopted=True)

    assert back(*served("v1", -90, -50), *adopted) == ("v1", Grade.SERVED, 1, False)


def test_an_adopted_release_is_better_than_none():
    assert back(an_entry("v1"), a_span("v1", -9, -5, adopted=True)) == ("v1", Grade.ADOPTED, 0, False)


def test_without_a_good_release_there_is_no_way_back():
    assert back() is None
    assert back(an_entry("v1"), a_span("v1", -2, -1)) is None


def test_a_release_is_never_gone_back_to_from_itself():
    assert back(*proven("v1", -9), live="v1") is None


@pytest.mark.parametrize("mark", ["quarantined", "distrusted"])
def test_a_marked_release_is_never_gone_back_to(mark):
    assert back(*proven("v1", -9, -7), *proven("v2", -7, -5, **{mark: MARK})) == (
        "v1",
        Grade.PROVEN,
        1,
        False,
    )
    assert back(*proven("v1", -9, -7, **{mark: MARK})) is None


def test_the_nearest_is_the_one_that_served_last_and_not_the_one_that_came_last():
    again = a_span("v1", -6, -5)

    assert back(*proven("v1", -9, -8), *proven("v2", -8, -6), again) == ("v1", Grade.PROVEN, 0, False)


def test_of_two_that_began_at_once_the_later_entry_is_nearer():
    assert back(*proven("v1", -9, -8), *proven("v2", -9, -8)) == ("v2", Grade.PROVEN, 0, False)


def test_a_release_crossed_twice_counts_once():
    between = an_entry("v2"), a_span("v2", -8, -7), a_span("v2", -6, -5), an_entry("v3"), a_span("v3", -7, -6)

    assert back(*proven("v1", -9, -8), *between) == ("v1", Grade.PROVEN, 2, False)


def test_a_release_that_was_undone_since_is_crossed_too():
    undone = an_entry("v2", quarantined=MARK), a_span("v2", -6, -5)

    assert back(*proven("v0", -9, -8), *proven("v1", -8, -6), *undone, a_span("v1", -5), live="v1") == (
        "v0",
        Grade.PROVEN,
        1,
        False,
    )


def test_a_release_that_is_known_but_never_served_stands_where_it_was_first_seen():
    seen = Entry(a_release("v2"), first_seen=at(-6))

    assert back(*proven("v1", -9, -5), seen) == ("v1", Grade.PROVEN, 1, False)


IRREVERSIBLE_AT = list(product([False, True], repeat=4))


@pytest.mark.parametrize(("before", "to", "between", "live"), IRREVERSIBLE_AT)
def test_the_floor_is_what_is_undone_and_not_where_it_goes_to(before, to, between, live):
    facts = (
        *proven("v0", -40, -30, reversible=not before),
        *proven("v1", -30, -20, reversible=not to),
        an_entry("v2", reversible=not between),
        a_span("v2", -20, -10),
        an_entry("v9", reversible=not live),
        a_span("v9", -10),
    )

    assert back(*facts) == ("v1", Grade.PROVEN, 1, between or live)


@pytest.mark.parametrize("reversible", [True, False])
def test_a_live_release_that_the_ledger_does_not_know_yet_may_be_a_floor(reversible):
    assert back(*proven("v1", -9, -5), reversible=reversible) == ("v1", Grade.PROVEN, 0, not reversible)


def test_the_answer_is_the_release_with_all_its_names():
    assert way_back(a_ledger(*proven("v1", -9, -5)), "sha256:v2", A_DAY, NOON) == Back(
        a_release("v1"), Grade.PROVEN, 0, floor=False
    )


# ------------------------------------------------------------------------------------------------- by a person's word


def to(tag, *facts, live="v9"):
    found = back_to(a_ledger(*facts), f"sha256:{tag}", f"sha256:{live}", A_DAY, NOON)
    return found and (found.release.tag, found.grade, found.crosses, found.floor)


def test_a_person_may_name_a_release_that_is_not_the_nearest():
    assert to("v1", *proven("v1", -9, -7), *proven("v2", -7, -5)) == ("v1", Grade.PROVEN, 1, False)


def test_a_person_may_name_a_release_of_no_grade_and_is_told_so():
    assert to("v1", an_entry("v1", quarantined=MARK), a_span("v1", -2, -1)) == ("v1", Grade.UNKNOWN, 0, False)


def test_a_persons_word_crosses_the_same_floors():
    floor = an_entry("v2", reversible=False), a_span("v2", -7, -5)

    assert to("v1", *proven("v1", -9, -7), *floor) == ("v1", Grade.PROVEN, 1, True)


def test_a_release_that_nobody_knows_cannot_be_gone_back_to():
    assert to("v1") is None


# every history of three releases, each of one fate, in every order of the entries

FATES = ("passed", "served", "adopted", "unknown", "quarantined", "distrusted", "rolled_back")
WANTED = {"passed": Grade.PROVEN, "served": Grade.SERVED, "adopted": Grade.ADOPTED}


def with_fate(tag, number, fate):
    start, long = -300 + 50 * number, 40 if fate == "served" else 10
    marks = {fate: MARK} if fate in {"quarantined", "distrusted"} else {}
    state = "superseded" if fate in {"served", "adopted", "unknown"} else "passed"
    return (
        an_entry(tag, **marks),
        a_span(tag, start, start + long, adopted=fate == "adopted"),
        an_ending(tag, start + long, "rolled_back" if fate == "rolled_back" else state),
    )


@pytest.mark.parametrize("fates", list(product(FATES, repeat=3)), ids="-".join)
def test_of_every_history_the_nearest_of_the_best_grade_is_chosen(fates):
    tags = ("v1", "v2", "v3")
    best = min((list(WANTED).index(fate) for fate in fates if fate in WANTED), default=None)
    facts = [fact for number, fate in enumerate(fates) for fact in with_fate(tags[number], number, fate)]

    for order in permutations(facts[::3]):
        found = back(*order, *facts[1::3], *facts[2::3])
        if best is None:
            assert found is None
        else:
            nearest = max(n for n, fate in enumerate(fates) if fate == list(WANTED)[best])
            assert found == (tags[nearest], list(WANTED.values())[best], 2 - nearest, False)


# ---------------------------------------------------------------------------------------------- properties of any ledger

TAGS = ("v1", "v2", "v3", "v4")
HOURS = st.integers(-200, 0)


@st.composite
def ledgers(draw):
    marks = st.none() | st.just(MARK)
    entries = [
        Entry(
            a_release(tag, reversible=draw(st.booleans())),
            at(draw(HOURS)),
            draw(marks),
            draw(marks),
            draw(marks),
        )
        for tag in draw(st.lists(st.sampled_from(TAGS), unique=True))
    ]
    spans = st.builds(
        lambda tag, start, long, adopted: a_span(tag, start, start + long, adopted=adopted),
        st.sampled_from(TAGS),
        HOURS,
        st.integers(0, 50),
        st.booleans(),
    )
    endings = st.builds(
        an_ending,
        st.sampled_from(TAGS),
        HOURS,
        st.sampled_from(["passed", "unproven", "rolled_back", "kept", "superseded"]),
        breached=st.booleans(),
        by_person=st.booleans(),
    )
    return a_ledger(*entries, *draw(st.lists(spans, max_size=8)), *draw(st.lists(endings, max_size=8)))


LIVE = st.sampled_from([f"sha256:{tag}" for tag in (*TAGS, "unknown")])


@given(ledgers(), LIVE)
def test_a_rollback_never_goes_where_it_must_not(ledger, live):
    found = way_back(ledger, live, A_DAY, NOON)

    if found is not None:
        (entry,) = [entry for entry in ledger.entries if entry.release == found.release]
        assert entry.release.fingerprint != live
        assert entry.quarantined is None
        assert entry.distrusted is None
        assert found.grade is grade(ledger, entry.release.fingerprint, A_DAY, NOON)
        assert found.grade is not Grade.UNKNOWN


@given(ledgers(), LIVE)
def test_there_is_a_way_back_exactly_where_a_release_may_be_gone_back_to(ledger, live):
    may = [
        entry
        for entry in ledger.entries
        if entry.release.fingerprint != live
        and not entry.quarantined
        and not entry.distrusted
        and grade(ledger, entry.release.fingerprint, A_DAY, NOON) is not Grade.UNKNOWN
    ]

    assert bool(way_back(ledger, live, A_DAY, NOON)) is bool(may)


@given(ledgers(), LIVE)
def test_a_quarantine_is_final_until_it_is_lifted(ledger, live):
    """Invariant 5: after a rollback the undone release is no way back, so two tags never take turns."""
    first = way_back(ledger, live, A_DAY, NOON)
    if first is None:
        return
    laid = tuple(
        Entry(entry.release, entry.first_seen, MARK) if entry.release.fingerprint == live else entry
        for entry in ledger.entries
    )
    after = Ledger(ledger.service, ledger.environment, ledger.part, laid, ledger.spans, ledger.endings)

    second = way_back(after, first.release.fingerprint, A_DAY, NOON)

    assert second is None or second.release.fingerprint != live


@given(ledgers(), LIVE)
def test_crossing_counts_at_most_all_others(ledger, live):
    found = way_back(ledger, live, A_DAY, NOON)

    assert found is None or 0 <= found.crosses < len(ledger.entries)


@given(ledgers(), LIVE)
def test_what_cannot_be_undone_only_ever_adds_a_floor(ledger, live):
    without, with_floor = (way_back(ledger, live, A_DAY, NOON, reversible=said) for said in (True, False))

    if without is not None:
        assert with_floor == Back(without.release, without.grade, without.crosses, floor=True)


# ---------------------------------------------------------------------------------------------------------- names


def a_named(tag, fingerprint, **names):
    return Entry(Release(fingerprint, tag, names), at(-9))


NAMED = a_ledger(
    a_named("v1", "sha256:one", sentry="shop@1"),
    a_named("latest", "sha256:two", sentry="shop@2", version="2"),
    a_named("latest", "sha256:three", sentry="shop@3"),
    Span("sha256:two", at(-5), at(-4)),
    Span("sha256:three", at(-4)),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v1", ["sha256:one"]),
        ("shop@2", ["sha256:two"]),
        ("sha256:three", ["sha256:three"]),
        ("latest", ["sha256:three", "sha256:two"]),
        ("nobody", []),
    ],
)
def test_a_release_is_found_by_any_of_its_names_the_newest_first(name, expected):
    assert [release.fingerprint for release in find(NAMED, name)] == expected


def test_a_name_cannot_take_the_place_of_the_tag():
    ledger = a_ledger(Entry(Release("sha256:one", "v1", {"tag": "v2"}), at(-9)))

    assert find(ledger, "v2") == ()


# ---------------------------------------------------------------------------------------------------------- references


def suspects(*facts, live="v9"):
    spans = suspect(a_ledger(*facts), a_release(live).fingerprint, A_DAY, at(100))
    return [(span.fingerprint.removeprefix("sha256:"), span.start) for span in spans]


def test_what_ended_badly_or_was_marked_is_no_reference_for_ever():
    facts = (
        *proven("v1", 0, 10),
        an_entry("v2"), a_span("v2", 10, 11), an_ending("v2", 11, "rolled_back", breached=True),
        an_entry("v3", quarantined=MARK), a_span("v3", 12, 13),
        an_entry("v4", distrusted=MARK), a_span("v4", 13, 14),
        *proven("v5", 14, 90),
    )  # fmt: skip

    assert [tag for tag, _ in suspects(*facts)] == ["v2", "v3", "v4"]


def test_what_took_over_from_the_known_good_release_and_is_not_known_to_be_good_is_no_reference():
    facts = (*proven("v1", 0, 90), an_entry("v2"), a_span("v2", 90, 92), an_entry("v3"), a_span("v3", 92))

    assert [tag for tag, _ in suspects(*facts, live="v4")] == ["v2", "v3"]


def test_what_a_known_good_release_took_over_from_is_as_good_as_the_past_gets():
    facts = (
        *proven("v1", 0, 10),
        an_entry("v2"),
        a_span("v2", 10, 11),
        an_ending("v2", 11, "superseded"),
        *proven("v3", 11, 90),
    )

    assert suspects(*facts) == []


def test_of_three_deployments_an_hour_of_which_one_in_twenty_ends_its_watch_the_past_remains():
    """Since the last that passed nobody knows; what served before it is what is usual, or no reference would be left."""
    facts: list[object] = []
    for number in range(3 * 72):
        tag, since = f"v{number}", number / 3
        facts += (
            proven(tag, since, since + 1 / 3)
            if number % 20 == 0
            else (
                an_entry(tag),
                a_span(tag, since, since + 1 / 3),
                an_ending(tag, since + 1 / 3, "superseded"),
            )
        )

    assert [tag for tag, _ in suspects(*facts, live="v216")] == [f"v{number}" for number in range(201, 216)]


def test_an_allowance_makes_it_a_reference_again():
    facts = (
        an_entry("v2", allowed=50),
        a_span("v2", 10, 11),
        an_ending("v2", 11, "kept", breached=True),
        *proven("v3", 11, 90),
    )

    assert suspects(*facts) == []


def test_without_a_known_good_release_nothing_is_known_of_any_and_all_are_suspected():
    assert [tag for tag, _ in suspects(an_entry("v1"), a_span("v1", 99))] == ["v1"]


def test_a_span_of_a_release_that_the_ledger_forgot_is_suspected_where_it_came_last():
    assert [tag for tag, _ in suspects(*proven("v1", 0, 90), a_span("v2", 95))] == ["v2"]
